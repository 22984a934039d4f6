"""Operators of TensorFlow Lite that take two tensors value by value: sums, products, the greater and the less.

One of the two may be a constant of the file: a number, or one per channel.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from studio.graph.importing.bounds import activated, activation, bounds
from studio.graph.importing.build import Builder, Layer, is_int8, same_scale
from studio.graph.importing.options import options
from studio.graph.int8_layers import multiplier
from studio.graph.op import Array, Op
from studio.graph.ops import pointwise, vector

Convert = Callable[[Builder, Layer], None]
MOST_TABLES = 64  # of 256 bytes each
Q = np.arange(-128, 128, dtype=np.int8)


def add(sign: int) -> Convert:
    """ADD, or with -1 SUB."""

    def convert(build: Builder, layer: Layer) -> None:
        number = activation(build, layer, options(layer, "AddOptions" if sign > 0 else "SubOptions"))
        if not is_int8(build, layer):
            _float_sum(build, layer, sign, number)
            return
        a, b, y = build.tensor(layer, 0), build.tensor(layer, 1), build.output(layer)
        twice = 2 * max(a.scale, b.scale)
        (ma, sa), (mb, sb) = multiplier(a.scale / twice), multiplier(b.scale / twice)
        m, s = multiplier(twice / (2**20 * y.scale))
        op = pointwise.AddS8(a.zero, ma, sa, b.zero, sign * mb, sb, m, s, y.zero, **bounds(y, number))
        _put(build, layer, op, "add" if sign > 0 else "subtract")

    return convert


def _float_sum(build: Builder, layer: Layer, sign: int, number: int) -> None:
    which = _constant(build, layer)
    if which is None and sign > 0:
        activated(build, layer, pointwise.Add(), _both(build, layer), "add", number)
        return
    if which is None:
        turned = build.add(_line(build, build.node(layer, 1), np.zeros(1), -1), (build.node(layer, 1),), "negative")
        activated(build, layer, pointwise.Add(), (build.node(layer, 0), turned), "subtract", number)
        return
    node = build.node(layer, 1 - which)
    values = _per_channel(build, layer, which, build.shape_at(node)[-1])
    turned = sign < 0 and which == 0  # constant - x
    op = _line(build, node, values if turned else -sign * values, -1 if turned else 1)
    activated(build, layer, op, (node,), "offset", number)


def _line(build: Builder, node: int, mean: Array, deviation: int) -> Op:
    """(x - mean) / deviation for each channel of `node`."""
    full = np.broadcast_to(mean, (build.shape_at(node)[-1],)).astype(np.float32)
    return vector.Standardize(np.ascontiguousarray(full), np.full(len(full), deviation, np.float32))


def multiply(build: Builder, layer: Layer) -> None:
    """MUL."""
    number = activation(build, layer, options(layer, "MulOptions"))
    if is_int8(build, layer):
        a, b, y = build.tensor(layer, 0), build.tensor(layer, 1), build.output(layer)
        m, s = multiplier(float(a.scale) * float(b.scale) / y.scale)
        _put(build, layer, pointwise.MultiplyS8(a.zero, b.zero, m, s, y.zero, **bounds(y, number)), "multiply")
        return
    which = _constant(build, layer)
    if which is None:
        activated(build, layer, pointwise.Multiply(), _both(build, layer), "multiply", number)
        return
    node = build.node(layer, 1 - which)
    gain = _per_channel(build, layer, which, build.shape_at(node)[-1]).astype(np.float64)
    if np.any(gain == 0):
        build.refuse(layer, "multiplies a channel by 0", "Leave that channel out.")
    activated(build, layer, vector.Standardize(np.zeros(len(gain), np.float32), 1 / gain), (node,), "gain", number)


def extreme(real: Callable[[], Op], small: Callable[[], Op], name: str) -> Convert:
    """MAXIMUM or MINIMUM."""

    def convert(build: Builder, layer: Layer) -> None:
        if is_int8(build, layer):
            same_scale(build, layer)
            y = build.output(layer)
            for i in (0, 1):
                if (build.tensor(layer, i).scale, build.tensor(layer, i).zero) != (y.scale, y.zero):
                    build.refuse(layer, "compares values of different scales", "Export it with the TFLite converter.")
            _put(build, layer, small(), name)
            return
        which = _constant(build, layer)
        if which is None:
            build.put(layer, real(), _both(build, layer), name)
            return
        values = build.constant(layer, which).ravel()
        if values.size != 1:
            build.refuse(layer, f"has a constant of {values.size} values", "Use one number there.")
        ends = (float(values[0]), 3.4e38) if name == "maximum" else (-3.4e38, float(values[0]))
        build.put(layer, pointwise.Clip(*ends), (build.node(layer, 1 - which),), name)

    return convert


def _put(build: Builder, layer: Layer, op: Op, name: str) -> None:
    """An int8 op of two tensors; with a constant it becomes a table, or one for each channel."""
    which = _constant(build, layer)
    if which is None:
        build.put(layer, op, _both(build, layer), name)
        return
    node = build.node(layer, 1 - which)
    values = build.constant(layer, which).ravel()
    if values.dtype != np.int8 or values.size not in (1, build.shape_at(node)[-1]) or values.size > MOST_TABLES:
        seen = f"has a constant of shape {build.constant(layer, which).shape} of {values.dtype}"
        build.refuse(layer, seen, f"Use one int8 number, or one for each of at most {MOST_TABLES} channels.")
    tables = np.stack([_answers(op, v, which) for v in values])
    build.put(layer, pointwise.TablesS8(tables) if len(tables) > 1 else pointwise.LookupS8(tables[0]), (node,), name)


def _answers(op: Op, constant: Any, which: int) -> Array:
    """The op's answers to all 256 values beside one constant."""
    pair = (Q, np.full_like(Q, constant))
    found: Array = op.run(*(v[None] for v in (pair[::-1] if which == 0 else pair)))[0]
    return found


def _both(build: Builder, layer: Layer) -> tuple[int, int]:
    return build.node(layer, 0), build.node(layer, 1)


def _constant(build: Builder, layer: Layer) -> int | None:
    """Which of the two inputs stands in the file."""
    return next((i for i in (0, 1) if build.tensor(layer, i).data is not None), None)


def _per_channel(build: Builder, layer: Layer, which: int, c: int) -> Array:
    """The constant input as one value per channel."""
    values = build.constant(layer, which).astype(np.float32)
    if values.size not in (1, c) or (values.ndim and values.shape[-1] not in (1, c)):
        build.refuse(layer, f"has a constant of shape {values.shape}", "Use one value, or one per channel.")
    return np.ascontiguousarray(np.broadcast_to(values.ravel(), (c,)))
