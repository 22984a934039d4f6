"""Recurrent layers as int8 layers: what `int8_layers.py` is for all others.

Weights are symmetric int8 per gate; sums have 12 fractional bits, so gates between -8 and 8; curves are tables with an
error below 2^-13. The state that the products see is the layer's int8 output; a gated unit keeps it in int16 besides,
and an LSTM its cell, in the power of two that has room for the greatest cell seen (`Lstm.reach`).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from studio.graph.graph import WINDOW, Graph
from studio.graph.int8_layers import Steps, multiplier
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.lstm_s8 import LstmS8
from studio.graph.ops.recurrent import Gru, Lstm, Rnn, Svdf
from studio.graph.ops.recurrent_s8 import GruS8, RnnS8, SvdfS8

GATE_BITS = 12
ROOM = 2.0**28  # steps of a bias, at most
LARGEST_TIME = 50000  # sum of a unit's weights over time, at most: times 2^15, and the bias, it fits 31 bits


def _small(weight: Array, bias: Array, x: Steps, gates: int) -> tuple[Array, Array, list[float]]:
    """Weights int8 per gate, bias int32 with the input's zero point folded in, and the step of each gate's sums."""
    rows, biases, sizes = list[Array](), list[Array](), list[float]()
    for w, b in zip(np.split(weight, gates), np.split(bias, gates), strict=True):
        least = float(np.abs(b).max(initial=0)) / (x.scale * ROOM)
        scale = max(float(np.abs(w).max(initial=0)) / 127, least, 1e-30)
        q = np.clip(np.rint(w / scale), -127, 127).astype(np.int8)
        rows.append(q)
        biases.append(np.rint(b / (x.scale * scale)) - x.zero * q.sum(axis=1, dtype=np.int64))
        sizes.append(x.scale * scale)
    return np.concatenate(rows), np.concatenate(biases).astype(np.int32), sizes


def _both(op: Any, x: Steps, y: Steps, gates: int, one: float) -> tuple[dict[str, Any], list[int]]:
    """The arrays of an int8 layer, and multiplier and shift of each gate's two products; sums have steps of `one`."""
    past = getattr(op, "recurrent_bias", np.zeros(len(op.bias), np.float32))
    weight, bias, steps = _small(op.weight, op.bias, x, gates)
    recurrent, recurrent_bias, past_steps = _small(op.recurrent, past, y, gates)
    pairs = [v / one for both in zip(steps, past_steps, strict=True) for v in both]
    arrays = {"weight": weight, "recurrent": recurrent, "bias": bias, "recurrent_bias": recurrent_bias}
    return arrays, [n for pair in pairs for n in multiplier(pair)]


def _rnn(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    arrays, scale = _both(op, xs[0], y, 1, y.scale if op.rectified else 2.0**-GATE_BITS)
    end = multiplier(1.0 if op.rectified else 2.0**-15 / y.scale)
    flags = {"last": op.last, "carried": op.carried, "rectified": op.rectified}
    return RnnS8(**arrays, scale=np.array([*scale, *end], np.int32), y_zero=y.zero, **flags)


def _gru(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    arrays, scale = _both(op, xs[0], y, 3, 2.0**-GATE_BITS)
    numbers = np.array([*scale, *multiplier(2.0**-15 / y.scale)], np.int32)
    flags = {"last": op.last, "carried": op.carried, "reset_after": op.reset_after}
    return GruS8(**arrays, scale=numbers, y_zero=y.zero, **flags)


def _lstm(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    arrays, scale = _both(op, xs[0], y, 4, 2.0**-GATE_BITS)
    power = int(np.clip(np.ceil(np.log2(op.reach)), 0, 14)) - 15
    ends = [*multiplier(2.0**-15), *multiplier(2.0 ** (-30 - power)), *multiplier(2.0**-30 / y.scale)]
    return LstmS8(
        **arrays,
        scale=np.array([*scale, *ends], np.int32),
        cell_power=power,
        clip=min(int(op.clip / 2.0**power), 32767),
        y_zero=y.zero,
        last=op.last,
        carried=op.carried,
    )


def _svdf(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    """What filters see gets steps in which the greatest input fits; their weights over time, that no sum overflows."""
    x = xs[0]
    scale = max(float(np.abs(op.feature).max()) / 127, 1e-30)
    feature = np.clip(np.rint(op.feature / scale), -127, 127).astype(np.int8)
    most = float(np.abs(feature.astype(np.int64)).sum(axis=1).max()) * 255 * x.scale * scale
    seen = max(most, 1e-30) / 32767
    per_unit = np.abs(op.time).reshape(len(op.bias), -1).sum(axis=1, dtype=np.float64)
    time = max(float(np.abs(op.time).max()) / 32767, float(per_unit.max()) / LARGEST_TIME, 1e-30)
    time = max(time, float(np.abs(op.bias).max()) / (seen * ROOM))
    return SvdfS8(
        feature=feature,
        time=np.rint(op.time / time).astype(np.int16),
        bias=np.rint(op.bias / (seen * time)).astype(np.int32),
        scale=np.array([*multiplier(x.scale * scale / seen), *multiplier(seen * time / y.scale)], np.int32),
        x_zero=x.zero,
        y_zero=y.zero,
        last=op.last,
        carried=op.carried,
    )


Convert = Callable[[Any, tuple[Steps, ...], Steps, bool, Shape], Op]
#: As `int8_layers.LAYERS`.
RECURRENT: dict[type[Op], Convert] = {Rnn: _rnn, Gru: _gru, Lstm: _lstm, Svdf: _svdf}


def recurrent(op: Op) -> Convert | None:
    """What turns a recurrent layer into int8; None for all others, and for those that have no int8 form."""
    return None if getattr(op, "both", False) else RECURRENT.get(type(op))


def with_reach(graph: Graph, windows: Array) -> Graph:
    """Every LSTM told the greatest cell that `windows` (n, length, n_channels) lead to."""
    outputs: list[Array] = []
    nodes = list(graph.nodes)
    if not any(type(node.op) is Lstm for node in nodes):
        return graph
    for i, node in enumerate(nodes):
        inputs = [windows if j == WINDOW else outputs[j] for j in node.inputs]
        outputs.append(node.op.run(*inputs))
        if type(node.op) is Lstm and not node.op.both:
            cells = replace(node.op, both=True, last=False).run(*inputs)[..., node.op.hidden() :]
            nodes[i] = replace(node, op=replace(node.op, reach=max(float(np.abs(cells).max(initial=0)), 2.0**-14)))
    return replace(graph, nodes=tuple(nodes))
