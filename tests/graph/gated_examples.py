"""Examples of recurrent layers: float ones against torch, int8 ones against their definition, memories carried on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from studio.graph.int8_layers import multiplier
from studio.graph.op import Array, Op
from studio.graph.ops.elu import Elu
from studio.graph.ops.fixed import Fixed
from studio.graph.ops.recurrent import Gru, GruFrom, Lstm, LstmFrom, Past, PastS8, Rnn, RnnFrom
from studio.graph.ops.recurrent_s8 import GruS8, RnnS8, SvdfS8
from tests.graph.arithmetic import Example
from tests.graph.gated_oracle import gru_s8, rnn_s8, svdf_s8


def weights(seed: int, gates: int, hidden: int, c: int) -> dict[str, Any]:
    """Arrays of an int8 layer whose gates reach both ends of their curves."""
    rng = np.random.default_rng(seed)
    weight, recurrent = (rng.integers(-127, 128, (gates * hidden, n), dtype=np.int8) for n in (c, hidden))
    bias = rng.integers(-9000, 9000, gates * hidden).astype(np.int32) + 7 * weight.sum(1, dtype=np.int32)
    past = 3 * recurrent.sum(1, dtype=np.int32)
    scale = [v for _ in range(gates) for v in (*multiplier(rng.uniform(0.1, 0.5)), *multiplier(rng.uniform(0.1, 0.6)))]
    return {"weight": weight, "recurrent": recurrent, "bias": bias,
            "recurrent_bias": past + rng.integers(-900, 900, gates * hidden).astype(np.int32),
            "scale": np.array([*scale, *multiplier(2.0**-15 / 0.0079)], np.int32), "y_zero": -3}  # fmt: skip


def small_gru(seed: int, hidden: int = 6, c: int = 5, **flags: Any) -> GruS8:
    return GruS8(**weights(seed, 3, hidden, c), **flags)


def small_rnn(seed: int, hidden: int = 6, c: int = 5, **flags: Any) -> RnnS8:
    given = weights(seed, 1, hidden, c)
    if flags.get("rectified"):  # straight to the steps of the output
        given["scale"] = np.array([*multiplier(0.004), *multiplier(0.003), 0, 0], np.int32)
    return RnnS8(**given, **flags)


def small_svdf(seed: int, **flags: Any) -> SvdfS8:
    """Three units of two filters that remember seven samples; sums fill their 16 bits."""
    rng = np.random.default_rng(seed)
    feature = rng.integers(-127, 128, (6, 5), dtype=np.int8)
    time = rng.integers(-32767, 32768, (6, 7)).astype(np.int16)
    scale = np.array([*multiplier(rng.uniform(0.3, 1.5)), *multiplier(2.0**-24)], np.int32)
    bias = rng.integers(-(2**22), 2**22, 3).astype(np.int32)
    return SvdfS8(feature=feature, time=time, bias=bias, scale=scale, x_zero=-11, y_zero=5, **flags)


def from_torch(kind: type[Any], arrays: tuple[Array, ...], **options: Any) -> Callable[..., Array]:
    """torch's layer with these parameters, begun with the states that come behind the sequence."""
    layer = kind(arrays[0].shape[1], arrays[1].shape[1], batch_first=True, **options).double()
    for parameter, value in zip(layer.parameters(), arrays, strict=True):
        parameter.data = torch.from_numpy(value.astype(np.float64))

    def oracle(x: Array, *states: Array) -> Array:
        begun = [torch.from_numpy(s[None, None].astype(np.float64)) for s in states]
        with torch.no_grad():
            rows = layer(torch.from_numpy(x[None].astype(np.float64)), *([tuple(begun)] if begun[1:] else begun))
        return np.asarray(rows[0][0].numpy())

    return oracle


def gated_examples() -> dict[str, Example]:
    """One example of every op."""
    rng = np.random.default_rng(23)

    def f32(*shape: int) -> Array:
        return (rng.normal(size=shape) / 2).astype(np.float32)

    r, g, m = (
        (f32(5, 4), f32(5, 5), f32(5)),
        (f32(15, 4), f32(15, 5), f32(15), f32(15)),
        (f32(20, 4), f32(20, 5), f32(20)),
    )
    plain, zero = from_torch(torch.nn.RNN, (*r, 0 * r[2])), from_torch(torch.nn.LSTM, (*m, 0 * m[2]))
    always = f32(2, 3)
    small = [small_rnn(1), small_gru(2), small_svdf(3)]
    return {
        "Rnn": Example(Rnn(*r), ((11, 4),), plain, 2e-6),
        "RnnFrom": Example(RnnFrom(*r), ((11, 4), (5,)), plain, 2e-6),
        "GruFrom": Example(GruFrom(*g), ((11, 4), (5,)), from_torch(torch.nn.GRU, g), 4e-6),
        "LstmFrom": Example(LstmFrom(*m), ((11, 4), (5,), (5,)), zero, 2e-6),
        "Elu": Example(Elu(0.7), ((3, 4),), lambda x: np.where(x > 0, x, 0.7 * np.expm1(np.minimum(x, 0))), 1e-6),
        "Fixed": Example(Fixed(always), ((4,),), lambda x: always, 0),
        "Past": Example(Past(3), ((4, 2),), lambda x: np.concatenate([np.zeros((3, 2)), x]), 0),
        "PastS8": Example(PastS8(3, value=-7), ((2, 5),), lambda x: np.concatenate([np.full((3, 5), -7), x]), 0),
        "RnnS8": Example(small[0], ((9, 5),), lambda x: rnn_s8(small[0], x), 0),
        "GruS8": Example(small[1], ((9, 5),), lambda x: gru_s8(small[1], x), 0),
        "SvdfS8": Example(small[2], ((9, 5),), lambda x: svdf_s8(small[2], x), 0),
    }


def gated_variants() -> dict[str, Example]:
    """Other ways through the int8 kernels: reset before the product, a rectifier, sizes that fill fours or not."""
    made: dict[str, tuple[Op, int, Any]] = {
        "gru before": (small_gru(4, 9, 7, reset_after=False), 7, gru_s8),
        "gru last": (small_gru(5, 4, 4, last=True), 4, gru_s8),
        "rnn rectified": (small_rnn(6, 7, 3, rectified=True), 3, rnn_s8),
        "svdf last": (small_svdf(7, last=True), 5, svdf_s8),
    }
    return {
        name: Example(op, ((6, c),), lambda x, op=op, oracle=oracle: oracle(op, x), 0)
        for name, (op, c, oracle) in made.items()
    }


def carried(op: Any) -> Any:
    """The op with a memory that goes on."""
    return replace(op, carried=True)


def carried_ops() -> dict[str, tuple[Any, int]]:
    """Every op that can carry its memory on, and the channels it takes."""
    found = {n: e for n, e in gated_examples().items() if e.op.remembers and not n.startswith("Past")}
    made = {name: (example.op, example.shapes[0][1]) for name, example in found.items()}
    rng = np.random.default_rng(5)

    def f32(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    made["Gru"] = (Gru(f32(15, 4), f32(15, 5), f32(15), f32(15)), 4)
    made["Lstm"] = (Lstm(f32(20, 4), f32(20, 5), f32(20)), 4)
    made["Lstm both"] = (replace(made["Lstm"][0], both=True), 4)
    return made
