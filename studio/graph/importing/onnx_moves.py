"""Operators of ONNX that only move values: they take a tensor as it is written."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from studio.graph.importing.build import Layer, cube
from studio.graph.importing.onnx_order import OnnxBuilder, strides, written
from studio.graph.op import Array, Shape
from studio.graph.ops import plane, pointwise

Convert = Callable[[Any, Layer], None]
MOST_AXES = 6


def reshape(build: OnnxBuilder, layer: Layer) -> None:
    """Any operator that gives the same values in the same order under another shape."""
    build.put_as_written(layer, None, (build.node_as_written(layer),), "reshape")


def _transpose(build: OnnxBuilder, layer: Layer) -> None:
    shape = written(build.tensor(layer, 0))
    order = tuple(int(a) for a in layer.options.get("perm", range(len(shape))[::-1]))
    if sorted(order) != list(range(len(shape))):
        build.refuse(layer, f"has the order {order}", "Export the model again; it is broken.")
    build.put_as_written(layer, None, (build.turned(build.node_as_written(layer), shape, order),), "transpose")


def _picked(build: OnnxBuilder, layer: Layer, to: Shape, steps: Shape, start: int, index: int = 0) -> None:
    """Output `index` as values at regular places; axes of one value are left out."""
    kept = [i for i, n in enumerate(to) if n > 1]
    if len(kept) > 4:
        build.refuse(layer, f"gives {to}", "Use tensors of at most four axes.")
    shape = tuple(to[i] for i in kept) or (1,)
    made = build.picked(build.node_as_written(layer), shape, tuple(steps[i] for i in kept) or (1,), start)
    build.put_as_written(layer, None, (made,), "slice", index)


def _ends(build: OnnxBuilder, layer: Layer, i: int, name: str, default: Any) -> list[int]:
    """A list of whole numbers: input `i`, or in older files an attribute."""
    values = build.constant(layer, i).ravel() if build.has(layer, i) else layer.options.get(name, default)
    return [int(v) for v in values]


def _slice(build: OnnxBuilder, layer: Layer) -> None:
    shape = written(build.tensor(layer, 0))
    starts, ends = (_ends(build, layer, i, n, []) for i, n in ((1, "starts"), (2, "ends")))
    axes = _ends(build, layer, 3, "axes", range(len(starts)))
    by = _ends(build, layer, 4, "steps", [1] * len(starts))
    if (
        not len(starts) == len(ends) == len(axes) == len(by)
        or 0 in by
        or any(not -len(shape) <= a < len(shape) for a in axes)
    ):
        build.refuse(layer, f"slices axes {axes} of {shape}", "Export the model again; it is broken.")
    to, each = list(shape), strides(shape)
    steps, start = list(each), 0
    for axis, first, last, step in zip(axes, starts, ends, by, strict=True):
        places = range(shape[axis])[slice(first, None if step < 0 and last < -shape[axis] else last, step)]
        if not places:
            build.refuse(layer, f"leaves nothing of axis {axis}", "Slice at least one value.")
        to[axis], steps[axis] = len(places), step * each[axis]
        start += places[0] * each[axis]
    _picked(build, layer, tuple(to), tuple(steps), start)


def _split(build: OnnxBuilder, layer: Layer) -> None:
    shape = written(build.tensor(layer, 0))
    axis = int(layer.options.get("axis", 0)) % len(shape)
    n = len(layer.outputs)
    sizes = _ends(build, layer, 1, "split", [])
    sizes = sizes or [min(-(-shape[axis] // n), shape[axis] - k * -(-shape[axis] // n)) for k in range(n)]
    if len(sizes) != n or sum(sizes) != shape[axis] or min(sizes) < 1:
        build.refuse(layer, f"splits {shape[axis]} into {sizes}", "Split into parts that fill the axis.")
    for k, size in enumerate(sizes):
        if layer.outputs[k] >= 0:
            to = (*shape[:axis], size, *shape[axis + 1 :])
            _picked(build, layer, to, strides(shape), sum(sizes[:k]) * strides(shape)[axis], k)


def _gather(build: OnnxBuilder, layer: Layer) -> None:
    """One place of an axis, as in `x[:, -1]`; the axis is gone then, or has one value."""
    shape, index = written(build.tensor(layer, 0)), build.constant(layer, 1)
    axis = int(layer.options.get("axis", 0)) % len(shape)
    if index.size != 1 or not -shape[axis] <= int(index.ravel()[0]) < shape[axis]:
        build.refuse(layer, f"takes {index.size} places of {shape[axis]}", "Take one, or a slice.")
    place = int(index.ravel()[0]) % shape[axis]
    _picked(build, layer, (*shape[:axis], 1, *shape[axis + 1 :]), strides(shape), place * strides(shape)[axis])


def _concat(build: OnnxBuilder, layer: Layer) -> None:
    """As the parts are written, where none of them lies otherwise; else with channels last, where axis 1 comes last."""
    shape, places = written(build.output(layer)), range(len(layer.inputs))
    axis = int(layer.options.get("axis", 1)) % len(shape)
    plain = axis == 0 or all(build.only_plain(layer, i) for i in places)
    if plain:
        parts = [build.shaped(build.node_as_written(layer, i), written(build.tensor(layer, i))) for i in places]
    else:
        parts = [build.node(layer, i) for i in places]
        axis = 0 if len(shape) < 3 else len(shape) - 2 if axis == 1 else axis - 2
    joined = parts[0]
    for node in parts[1:]:
        joined = build.add(pointwise.Join(axis), (joined, node), "join")
    if plain:
        build.put_as_written(layer, None, (joined,), "join")
    else:
        build.at[layer.outputs[0]] = build.shaped(joined, build.output(layer).item)


def _pad(build: OnnxBuilder, layer: Layer) -> None:
    shape = written(build.tensor(layer, 0))
    rank = len(shape)
    widths = _ends(build, layer, 1, "pads", [])
    axes = [a % rank for a in _ends(build, layer, 3, "axes", range(rank))]
    if (
        layer.options.get("mode", b"constant") != b"constant"
        or len(widths) != 2 * len(axes)
        or min(widths, default=0) < 0
    ):
        build.refuse(layer, f"pads by {widths}", "Pad with a constant, and by no less than 0.")
    value = (
        float(build.constant(layer, 2).ravel()[0]) if build.has(layer, 2) else float(layer.options.get("value", 0.0))
    )
    full = np.zeros((rank, 2), np.int64)
    full[axes] = np.array(widths).reshape(2, -1).T
    if full[0].any() or not 2 <= rank <= 4:
        build.refuse(layer, f"pads axes {axes} of {shape}", "Pad time, rows, columns or channels.")
    last = full[[*range(2, rank), 1]] if rank > 2 else full[1:]
    sides = np.concatenate([np.zeros((3 - len(last), 2), np.int64), last]).ravel()
    names = ("top", "bottom", "left", "right", "front", "back")
    given = dict(zip(names, (int(v) for v in sides), strict=True))
    build.put(layer, plane.Pad(**given, value=value), (cube(build, layer, build.node(layer)),), "pad")


def folded(build: OnnxBuilder, layer: Layer) -> Array | None:
    """The values of a layer that no input of the network reaches: exporters leave sums of shapes to run time."""
    if layer.kind == "Shape":
        return np.array(written(build.tensor(layer, 0)), np.int64)
    known = [build.tensors[i].data for i in layer.inputs if i >= 0]
    work = FOLDS.get(layer.kind)
    if work is None or not known or any(v is None for v in known) or prod(build.output(layer).shape) > LARGEST_FOLD:
        return None
    values = work(layer.options, *known)
    return None if values is None or values.size > LARGEST_FOLD else values


def _expanded(options: dict[str, Any], value: Array, shape: Array) -> Array | None:
    to = tuple(int(n) for n in np.broadcast_shapes(value.shape, tuple(int(v) for v in shape.ravel())))
    return np.ascontiguousarray(np.broadcast_to(value, to)) if prod(to) <= LARGEST_FOLD else None


def _filled(options: dict[str, Any], shape: Array) -> Array | None:
    import onnx

    to = tuple(int(n) for n in shape.ravel())
    value = onnx.numpy_helper.to_array(options["value"]) if "value" in options else np.zeros(1, np.float32)
    return np.full(to, value.ravel()[0]) if prod(to) <= LARGEST_FOLD else None


def _unsqueezed(options: dict[str, Any], value: Array, axes: Array | None = None) -> Array:
    places = [int(a) for a in (np.ravel(axes) if axes is not None else options.get("axes", []))]
    return np.expand_dims(value, tuple(places))


def _cast(options: dict[str, Any], value: Array) -> Array | None:
    kind = {1: np.float32, 6: np.int32, 7: np.int64}.get(options.get("to", 0))
    return None if kind is None else value.astype(kind)


LARGEST_FOLD = 1 << 20
FOLDS: dict[str, Callable[..., Array | None]] = {
    "ConstantOfShape": _filled,
    "Expand": _expanded,
    "Gather": lambda options, value, index: np.take(value, index, options.get("axis", 0)),
    "Unsqueeze": _unsqueezed,
    "Squeeze": lambda options, value, *axes: np.squeeze(value),
    "Concat": lambda options, *values: np.concatenate(values, options.get("axis", 0)),
    "Cast": _cast,
    "Identity": lambda options, value: value,
    "Transpose": lambda options, value: np.transpose(value, options.get("perm")),
}
MOVES: dict[str, Convert] = {
    "Flatten": reshape,
    "Reshape": reshape,
    "Squeeze": reshape,
    "Unsqueeze": reshape,
    "Transpose": _transpose,
    "Slice": _slice,
    "Split": _split,
    "Gather": _gather,
    "Concat": _concat,
    "Pad": _pad,
}
