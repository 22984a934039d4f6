"""Operators of TensorFlow Lite that only move values about: pads, joins, reshapes, transposes, slices."""

from collections.abc import Callable
from math import prod

import numpy as np

from studio.graph.graph import WINDOW
from studio.graph.importing.build import Builder, Layer, cube, is_int8, same_scale
from studio.graph.importing.options import options
from studio.graph.op import Shape
from studio.graph.ops import plane, plane_s8, pointwise

Convert = Callable[[Builder, Layer], None]


def _reshape(build: Builder, layer: Layer) -> None:
    build.at[layer.outputs[0]] = build.shaped(build.node(layer), build.output(layer).item)


def _pad(build: Builder, layer: Layer) -> None:
    widths = build.constant(layer, 1).astype(np.int64)
    node, quantized = build.node(layer), is_int8(build, layer)
    if widths.ndim != 2 or widths.shape[1] != 2 or widths[0].any() or not 2 <= len(widths) <= 4 or widths.min() < 0:
        build.refuse(layer, f"has a border {widths.tolist()}", "Pad rows, columns and channels only.")
    full = np.zeros((3, 2), np.int64)
    full[4 - len(widths) :] = widths[1:]
    names = ("top", "bottom", "left", "right", "front", "back")
    given = dict(zip(names, (int(v) for v in full.ravel()), strict=True))
    value: float = build.tensor(layer, 0).zero if quantized else 0.0
    if build.has(layer, 2):
        value = build.constant(layer, 2).ravel()[0].item()
    build.put(
        layer,
        (plane_s8.PadS8(**given, value=int(value)) if quantized else plane.Pad(**given, value=value)),
        (cube(build, layer, node),),
        "pad",
    )


def _concat(build: Builder, layer: Layer) -> None:
    given = options(layer, "ConcatenationOptions")
    rank = len(build.output(layer).shape)
    axis = (given.Axis() if given is not None else 0) % rank
    if axis == 0 and rank > 1:
        build.refuse(layer, "joins batches", "Join along time or channels.")
    if is_int8(build, layer):
        same_scale(build, layer)
    nodes = [build.node(layer, i) for i in range(len(layer.inputs))]
    kind = pointwise.JoinS8 if is_int8(build, layer) else pointwise.Join
    joined = nodes[0]
    for node in nodes[1:-1]:
        joined = build.add(kind(max(axis - 1, 0)), (joined, node), "join")
    if len(nodes) > 1:
        build.put(layer, kind(max(axis - 1, 0)), (joined, nodes[-1]), "join")
    else:
        build.at[layer.outputs[0]] = joined


def _picked(build: Builder, layer: Layer, to: Shape, steps: Shape, start: int, name: str, index: int = 0) -> None:
    op = (pointwise.PickS8 if is_int8(build, layer) else pointwise.Pick)(to, steps, start)
    build.put(layer, op, (build.node(layer),), name, index)


def strides(shape: Shape) -> Shape:
    """Values from one place to the next along each axis."""
    return tuple(prod(shape[i + 1 :]) for i in range(len(shape)))


def _transpose(build: Builder, layer: Layer) -> None:
    order = [int(v) for v in build.constant(layer, 1).ravel()]
    shape = build.shape_at(build.node(layer))
    if order[:1] != [0] or sorted(order) != list(range(len(shape) + 1)):
        build.refuse(layer, f"has the order {order}", "Leave the batch axis in front.")
    steps = strides(shape)
    _picked(
        build, layer, tuple(shape[a - 1] for a in order[1:]), tuple(steps[a - 1] for a in order[1:]), 0, "transpose"
    )


def _slice(build: Builder, layer: Layer) -> None:
    begin = [int(v) for v in build.constant(layer, 1).ravel()][1:]
    shape, to = build.shape_at(build.node(layer)), build.output(layer).item
    if len(begin) != len(shape) or len(to) != len(shape) or min(begin, default=0) < 0:
        build.refuse(layer, f"begins at {begin} of {shape}", "Slice along time or channels.")
    _picked(build, layer, to, strides(shape), _place(begin, shape), "slice")


def _place(begin: list[int], shape: Shape) -> int:
    return sum(b * s for b, s in zip(begin, strides(shape), strict=True))


def _strided_slice(build: Builder, layer: Layer) -> None:
    given = options(layer, "StridedSliceOptions")
    begin, end, step = ([int(v) for v in build.constant(layer, i).ravel()] for i in (1, 2, 3))
    if given is None or given.EllipsisMask() or given.NewAxisMask():
        build.refuse(layer, "uses an ellipsis or a new axis", "Write the slice with plain ranges.")
    shape, drop = (1, *build.shape_at(build.node(layer))), given.ShrinkAxisMask()
    if not len(begin) == len(end) == len(step) == len(shape) or drop & 1:
        build.refuse(layer, f"slices {len(begin)} axes of {len(shape)}", "Slice along time or channels.")
    to, steps, start, each = [], [], 0, strides(shape)
    for i, n in enumerate(shape):
        first, last, by = slice(
            None if given.BeginMask() >> i & 1 else begin[i],
            None if given.EndMask() >> i & 1 and not drop >> i & 1 else (end[i] if not drop >> i & 1 else None),
            step[i] if not drop >> i & 1 else 1,
        ).indices(n)
        count = 1 if drop >> i & 1 else len(range(first, last, by))
        start += first * each[i]
        to.append(count)
        steps.append(by * each[i])
    _picked(build, layer, tuple(to[1:]), tuple(steps[1:]), start, "slice")


def _split(build: Builder, layer: Layer) -> None:
    """Input 0 is the axis and input 1 the tensor, unlike any other layer."""
    shape = build.shape_at(build.at.get(layer.inputs[1], WINDOW)) if build.has(layer, 1) else ()
    axis = int(build.constant(layer, 0).ravel()[0]) % (len(shape) + 1) - 1
    turned = Layer(layer.kind, layer.place, layer.inputs[1:], layer.outputs)
    if axis < 0 or shape[axis] % len(layer.outputs):
        build.refuse(layer, f"splits {shape} into {len(layer.outputs)}", "Split time or channels into equal parts.")
    n = shape[axis] // len(layer.outputs)
    for k in range(len(layer.outputs)):
        _picked(build, turned, (*shape[:axis], n, *shape[axis + 1 :]), strides(shape), k * n * strides(shape)[axis],
                "split", k)  # fmt: skip


def _split_v(build: Builder, layer: Layer) -> None:
    """Inputs are the tensor, the sizes and the axis."""
    shape, sizes = build.shape_at(build.node(layer)), [int(v) for v in build.constant(layer, 1).ravel()]
    axis = int(build.constant(layer, 2).ravel()[0]) % (len(shape) + 1) - 1
    rest = shape[axis] - sum(s for s in sizes if s >= 0) if axis >= 0 else 0
    sizes = [s if s >= 0 else rest for s in sizes]
    if axis < 0 or len(sizes) != len(layer.outputs) or sum(sizes) != shape[axis] or min(sizes) < 1:
        build.refuse(layer, f"splits {shape} into {sizes}", "Split time or channels into parts that fill them.")
    for k, n in enumerate(sizes):
        start = sum(sizes[:k]) * strides(shape)[axis]
        _picked(build, layer, (*shape[:axis], n, *shape[axis + 1 :]), strides(shape), start, "split", k)


def _unpack(build: Builder, layer: Layer) -> None:
    """Each place of an axis by itself, as an unrolled recurrent layer takes its samples."""
    given, shape = options(layer, "UnpackOptions"), build.shape_at(build.node(layer))
    axis = (given.Axis() if given is not None else 0) % (len(shape) + 1) - 1
    if axis < 0 or len(layer.outputs) != shape[axis]:
        build.refuse(layer, f"unpacks {shape} into {len(layer.outputs)}", "Unpack time or channels, all of them.")
    each = strides(shape)
    for k in range(len(layer.outputs)):
        kept = [i for i in range(len(shape)) if i != axis]
        to, steps = tuple(shape[i] for i in kept) or (1,), tuple(each[i] for i in kept) or (1,)
        _picked(build, layer, to, steps, k * each[axis], "unpack", k)


def _pack(build: Builder, layer: Layer) -> None:
    """Several tensors as places of a new axis."""
    given, shape = options(layer, "PackOptions"), build.output(layer).shape
    axis = (given.Axis() if given is not None else 0) % max(len(shape), 1)
    if axis == 0 or shape[:1] != (1,) or len(layer.inputs) != shape[axis]:
        build.refuse(layer, f"packs {len(layer.inputs)} into {shape}", "Pack along time or channels.")
    if quantized := is_int8(build, layer):
        same_scale(build, layer)
    part = (*shape[1:axis], 1, *shape[axis + 1 :])
    nodes = [build.shaped(build.node(layer, i), part) for i in range(len(layer.inputs))]
    joined = nodes[0]
    for node in nodes[1:]:
        joined = build.add((pointwise.JoinS8 if quantized else pointwise.Join)(axis - 1), (joined, node), "pack")
    build.at[layer.outputs[0]] = build.shaped(joined, build.output(layer).item)


MOVES: dict[str, Convert] = {
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "PAD": _pad,
    "PADV2": _pad,
    "CONCATENATION": _concat,
    "TRANSPOSE": _transpose,
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "UNPACK": _unpack,
    "PACK": _pack,
}
