"""Float layers as layers with int16 values and int8 weights: what `int8_layers.py` is for int8.

Values have symmetric steps of their greatest size / 32767, weights those of int8.
"""

from dataclasses import fields, replace
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.int8_layers import Convert, Steps, most_steps, multiplier
from studio.graph.op import Array, Op, Shape
from studio.graph.ops import plane, pointwise, wide
from studio.graph.ops.conv import AveragePool1d, Conv1d, GlobalAverage, MaxPool1d
from studio.graph.ops.vector import Dense, Flatten, Relu

ROOM = 2.0**30  # steps of a bias, at most


def wide_steps(values: Array) -> Steps:
    """Steps that hold the greatest of `values`, on both sides of zero."""
    most = float(np.abs(values).max(initial=0))
    if not np.isfinite(most):
        raise GraphError("Quantization", "a stage gives values that are not finite", "Train again with a lower rate.")
    return Steps(float(np.float32(most / 32767)) if most else 1.0, 0)


def narrow(ratio: float) -> tuple[int, int]:
    """(mantissa of 15 bits, shift to the right) of a ratio; (0, 1) when it is too small."""
    m, shift = multiplier(ratio)
    if shift > 7:
        raise GraphError("Quantization", f"a layer scales its sum by {ratio:g}", "Train again with standardized input.")
    reduced = (m + (1 << 15)) >> 16 if m < 0x7FFF0000 else 0x7FFF
    return (reduced, 15 - shift) if m else (0, 1)


def scaled(weight: Array, bias: Array, x: Steps, y: Steps, axis: int) -> dict[str, Array]:
    """The arrays of a layer; `axis` is that of the weight's outputs."""
    others = tuple(a for a in range(weight.ndim) if a != axis)
    greatest = np.abs(weight).max(axis=others).astype(np.float64) / most_steps(weight, axis)
    scale = np.maximum(np.maximum(greatest, np.abs(bias) / (x.scale * ROOM)), 1e-30)
    along = scale.reshape([-1 if a == axis else 1 for a in range(weight.ndim)])
    pairs = [narrow(float(x.scale * s / y.scale)) for s in scale]
    return {
        "weight": np.clip(np.rint(weight / along), -127, 127).astype(np.int8),
        "bias": np.rint(bias / (x.scale * scale)).astype(np.int32),
        "multiplier": np.array([m for m, _ in pairs], np.int32),
        "right": np.array([s for _, s in pairs], np.int8),
    }


def _plane(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    deep = isinstance(op, plane.DepthwiseConv2d)
    arrays = scaled(op.weight, op.bias, xs[0], y, 2 if deep else 0)
    given = {f.name: getattr(op, f.name) for f in fields(op) if f.name not in arrays}
    kind: Any = wide.DepthwiseConv2dS16 if deep else wide.Conv2dS16
    made: Op = kind(**arrays, **given, low=0 if rectified else wide.LEAST)
    return made


def _dense(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    arrays: dict[str, Any] = scaled(op.weight, op.bias, xs[0], y, 0)
    return wide.DenseS16(**arrays, low=0 if rectified else wide.LEAST)


def _add(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    return sum_of(xs[0], xs[1], y, low=0 if rectified else wide.LEAST)


def sum_of(a: Steps, b: Steps, y: Steps, sign: int = 1, **bounds: int) -> Op:
    """a + b, or with sign -1 a - b."""
    twice = 2 * max(a.scale, b.scale)
    (ma, sa), (mb, sb) = multiplier(a.scale / twice), multiplier(b.scale / twice)
    m, shift = multiplier(twice / (2**15 * y.scale))
    return wide.AddS16(ma, sa, sign * mb, sb, m, shift, **bounds)


def keeps_wide(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    """An op whose output has the steps of its input."""
    match op:
        case plane.MaxPool2d() | plane.AveragePool2d():
            kind: Any = wide.MaxPool2dS16 if isinstance(op, plane.MaxPool2d) else wide.AveragePool2dS16
            made: Op = kind(**{f.name: getattr(op, f.name) for f in fields(op)})
            return made
        case pointwise.Reshape():
            return wide.ReshapeS16(op.to)
        case Relu():
            return wide.ReluS16()
        case _:
            return wide.FlattenS16()


#: As `int8_layers.LAYERS` and `int8_layers.FOLLOW`.
WIDE_LAYERS: dict[type[Op], Convert] = {
    plane.Conv2d: _plane,
    plane.DepthwiseConv2d: _plane,
    Dense: _dense,
}
WIDE_FOLLOW: dict[type[Op], Convert] = {
    plane.MaxPool2d: keeps_wide,
    plane.AveragePool2d: keeps_wide,
    pointwise.Reshape: keeps_wide,
    Flatten: keeps_wide,
    Relu: keeps_wide,
    pointwise.Add: _add,
}


#: Ops that treat each value alone: they may stand on either side of a change of shape.
ALONE = (Relu, pointwise.Clip, pointwise.Sigmoid, pointwise.Tanh, pointwise.HardSwish)


def over_two(op: Op, n: int) -> Op | None:
    """A layer over time (n samples) as the layer over a plane of one row; None for all others."""
    match op:
        case Conv1d():
            return op.over_two()
        case MaxPool1d():
            return plane.MaxPool2d(kh=1, kw=op.size, stride_w=op.stride)
        case AveragePool1d():
            return plane.AveragePool2d(kh=1, kw=op.size, stride_w=op.stride)
        case GlobalAverage():
            return plane.AveragePool2d(kh=1, kw=n)
        case _:
            return None


def in_planes(graph: Graph) -> Graph:
    """The same graph with layers over time as layers over planes of one row; stages keep their names.

    A layer is put between two changes of shape, which cost nothing; what works on each value goes before the second.
    """
    found, nodes = graph.shapes(), list[Node]()
    at: dict[int, int] = {WINDOW: WINDOW}
    flat: dict[int, int] = {}  # old node -> the new one with its values as a plane

    def add(op: Op, inputs: tuple[int, ...], name: str) -> int:
        nodes.append(Node(op, inputs, name))
        return len(nodes) - 1

    for i, node in enumerate(graph.nodes):
        first = node.inputs[0]
        shape = graph.window_shape() if first == WINDOW else found[first]
        layer = over_two(node.op, shape[0])
        if layer is None and not (isinstance(node.op, ALONE) and first in flat):
            at[i] = add(node.op, tuple(at[j] for j in node.inputs), node.name)
            continue
        if first not in flat:
            flat[first] = add(pointwise.Reshape((1, *shape)), (at[first],), f"{node.name}_plane")
        flat[i] = add(layer or node.op, (flat[first],), f"{node.name}_row")
        at[i] = add(pointwise.Reshape(found[i]), (flat[i],), node.name)
    return replace(graph, nodes=_read(nodes))


def _read(nodes: list[Node]) -> tuple[Node, ...]:
    """The nodes that the last one needs, in order, with their indices moved up."""
    needed = {len(nodes) - 1}
    for i in range(len(nodes) - 1, -1, -1):
        needed |= set(nodes[i].inputs) if i in needed else set()
    kept = [i for i in range(len(nodes)) if i in needed]
    new = {old: i for i, old in enumerate(kept)} | {WINDOW: WINDOW}
    return tuple(replace(nodes[i], inputs=tuple(new[j] for j in nodes[i].inputs)) for i in kept)
