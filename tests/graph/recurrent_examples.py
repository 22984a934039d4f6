"""Examples of recurrent layers, of transposed convolutions and of what came with them; oracles in torch and numpy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from studio.graph.int8_layers import multiplier
from studio.graph.op import Array
from studio.graph.ops import pointwise
from studio.graph.ops.attention import Attention
from studio.graph.ops.lstm_s8 import LstmS8
from studio.graph.ops.recurrent import Gru, Lstm, Svdf
from studio.graph.ops.transposed import TransposedConv2d, TransposedConv2dS8
from tests.graph.arithmetic import Example, requantized
from tests.graph.gated_examples import gated_examples
from tests.graph.lstm_oracle import lstm_s8
from tests.graph.plane_examples import scaling
from tests.graph.wide_examples import wide_examples


def by_torch(kind: type[Any], weights: tuple[Array, ...], last: bool) -> Callable[[Array], Array]:
    """torch's own layer with these weight_ih, weight_hh, bias_ih and bias_hh."""
    layer = kind(weights[0].shape[1], weights[1].shape[1], batch_first=True).double()
    for parameter, value in zip(layer.parameters(), weights, strict=True):
        parameter.data = torch.from_numpy(value.astype(np.float64))

    def oracle(x: Array) -> Array:
        with torch.no_grad():
            rows = layer(torch.from_numpy(x[None].astype(np.float64)))[0][0].numpy()
        return np.asarray(rows[-1] if last else rows)

    return oracle


def svdf(op: Svdf) -> Callable[[Array], Array]:
    """As convolutions over time of what each filter sees."""

    def oracle(x: Array) -> Array:
        seen = x.astype(float) @ op.feature.T
        memory, units = op.time.shape[1], len(op.bias)
        padded = np.concatenate([np.zeros((memory - 1, seen.shape[1])), seen])
        views = np.lib.stride_tricks.sliding_window_view(padded, memory, axis=0)
        filtered = np.einsum("tfm,fm->tf", views, op.time)
        return filtered.reshape(len(x), units, -1).sum(2) + op.bias

    return oracle


def transposed(op: TransposedConv2d, x: Array) -> Array:
    """Sums before scaling, by adding every kernel where it belongs: (h_out, w_out, c_out)."""
    kh, kw = op.weight.shape[1:3]
    h, w, _ = x.shape
    full = np.zeros(
        ((h - 1) * op.stride_h + kh + op.h_out, (w - 1) * op.stride_w + kw + op.w_out, len(op.weight)), x.dtype
    )
    for i in range(h):
        for j in range(w):
            part = np.einsum("ohwc,c->hwo", op.weight.astype(x.dtype), x[i, j])
            full[i * op.stride_h : i * op.stride_h + kh, j * op.stride_w : j * op.stride_w + kw] += part
    cut = full[op.pad_top : op.pad_top + op.h_out, op.pad_left : op.pad_left + op.w_out]
    return np.asarray(cut + op.bias.astype(x.dtype))


def transposed_s8(op: TransposedConv2dS8) -> Callable[[Array], Array]:
    def oracle(x: Array) -> Array:
        sums = transposed(op, x.astype(np.int64) - op.x_zero)
        found = [
            [
                requantized(int(v), int(m), int(s), op.y_zero, op.low, op.high)
                for v, m, s in zip(pixel, op.multiplier, op.shift, strict=True)
            ]
            for pixel in sums.reshape(-1, sums.shape[2])
        ]
        return np.array(found, np.int8).reshape(sums.shape)

    return oracle


def attention(heads: int) -> Callable[[Array, Array, Array], Array]:
    def oracle(q: Array, k: Array, v: Array) -> Array:
        parts = (torch.from_numpy(np.stack(np.split(x.astype(np.float64), heads, axis=1))) for x in (q, k, v))
        found = torch.nn.functional.scaled_dot_product_attention(*parts)
        return np.concatenate(list(found.numpy()), axis=1)

    return oracle


def small_lstm(seed: int, cell_power: int = -11, clip: int = 0, last: bool = False) -> LstmS8:
    """Of six units over five channels; its gates reach both ends of their curves."""
    rng = np.random.default_rng(seed)
    weight, recurrent = (rng.integers(-127, 128, (24, n), dtype=np.int8) for n in (5, 6))
    bias = rng.integers(-9000, 9000, 24).astype(np.int32)
    gates = [v for _ in range(4) for v in (*multiplier(rng.uniform(0.1, 0.5)), *multiplier(rng.uniform(0.1, 0.6)))]
    ends = [*multiplier(2.0**-15), *multiplier(2.0 ** (-30 - cell_power)), *multiplier(2.0**-30 / 0.0078)]
    return LstmS8(
        weight=weight,
        recurrent=recurrent,
        bias=bias + 7 * weight.sum(1, dtype=np.int32),
        recurrent_bias=3 * recurrent.sum(1, dtype=np.int32),
        scale=np.array([*gates, *ends], np.int32),
        cell_power=cell_power,
        clip=clip,
        y_zero=-3,
        last=last,
    )


def recurrent_examples() -> dict[str, Example]:
    """One example of every op."""
    rng = np.random.default_rng(17)

    def f32(*shape: int) -> Array:
        return (rng.normal(size=shape) / 2).astype(np.float32)

    g, m = (f32(15, 4), f32(15, 5), f32(15), f32(15)), (f32(20, 4), f32(20, 5), f32(20), f32(20))
    filters = Svdf(f32(6, 4), f32(6, 7), f32(3))
    up = TransposedConv2d(weight=f32(3, 3, 2, 4), bias=f32(3), h_out=9, w_out=5, stride_h=3, stride_w=2, pad_top=1)
    small = TransposedConv2dS8(
        weight=rng.integers(-127, 128, (4, 2, 3, 3), dtype=np.int8),
        **scaling(rng, 4), h_out=8, w_out=9, stride_h=2, stride_w=3, pad_left=1, x_zero=-9, y_zero=4, low=-90,
    )  # fmt: skip
    tables = rng.integers(-128, 128, (4, 256)).astype(np.int8)
    return (
        gated_examples()
        | wide_examples()
        | {
            "Gru": Example(Gru(*g[:3], g[3]), ((11, 4),), by_torch(torch.nn.GRU, g, False), 2e-6),
            "Lstm": Example(Lstm(*m[:2], m[2] + m[3]), ((11, 4),), by_torch(torch.nn.LSTM, m, False), 2e-6),
            "Attention": Example(Attention(2), ((7, 6), (9, 6), (9, 6)), attention(2), 2e-6),
            "LstmS8": Example(small_lstm(0), ((9, 5),), lambda x: lstm_s8(small_lstm(0), x), 0),
            "Svdf": Example(filters, ((11, 4),), svdf(filters), 2e-6),
            "TransposedConv2d": Example(up, ((3, 2, 4),), lambda x: transposed(up, x.astype(np.float64)), 2e-6),
            "TransposedConv2dS8": Example(small, ((4, 3, 3),), transposed_s8(small), 0),
            "TablesS8": Example(
                pointwise.TablesS8(tables), ((3, 4),), lambda x: tables[np.arange(4), x.astype(int) + 128], 0
            ),
            "Maximum": Example(pointwise.Maximum(), ((3, 4), (3, 4)), np.maximum, 0),
            "Minimum": Example(pointwise.Minimum(), ((3, 4), (3, 4)), np.minimum, 0),
            "MaximumS8": Example(pointwise.MaximumS8(), ((3, 4), (3, 4)), np.maximum, 0),
            "MinimumS8": Example(pointwise.MinimumS8(), ((3, 4), (3, 4)), np.minimum, 0),
            "HardSwish": Example(
                pointwise.HardSwish(), ((3, 4),), lambda x: x * np.clip(x.astype(float) + 3, 0, 6) / 6, 1e-6
            ),
        }
    )
