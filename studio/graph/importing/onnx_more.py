"""Further operators of ONNX: sums and products with signs, joins, means, extremes, transposed layers."""

from collections.abc import Callable

import numpy as np

from studio.graph.importing.build import Builder, Layer, cube
from studio.graph.op import Array, Op
from studio.graph.ops import plane, pointwise, vector
from studio.graph.ops.transposed import TransposedConv2d

Convert = Callable[[Builder, Layer], None]


def and_constant(build: Builder, layer: Layer) -> tuple[int, Array]:
    """The node of one input, and the other, which is constant, as one value per channel."""
    i = 0 if build.tensor(layer, 0).data is None else 1
    node, values = build.node(layer, i), build.constant(layer, 1 - i).astype(np.float32)
    c, rank = build.shape_at(node)[-1], len(build.output(layer).shape)
    full = values.reshape((1,) * (rank - values.ndim) + values.shape)
    if values.size != 1 and (values.size != c or full.shape[1 if rank > 1 else 0] != c):
        build.refuse(layer, f"has a constant of shape {values.shape}", "Use one value, or one per channel.")
    return node, np.ascontiguousarray(np.broadcast_to(values.ravel(), (c,)))


def _subtract(build: Builder, layer: Layer) -> None:
    a, b = (build.tensor(layer, i).data is not None for i in (0, 1))
    if a or b:
        node, values = and_constant(build, layer)
        sign = np.full(len(values), -1 if a else 1, np.float32)  # constant - x, or x - constant
        build.put(layer, vector.Standardize(values, sign), (node,), "offset")
        return
    node = build.node(layer, 1)
    c = build.shape_at(node)[-1]
    negative = vector.Standardize(np.zeros(c, np.float32), np.full(c, -1, np.float32))
    build.put(layer, pointwise.Add(), (build.node(layer, 0), build.add(negative, (node,), "negative")), "subtract")


def _divide(build: Builder, layer: Layer) -> None:
    if build.tensor(layer, 1).data is None:
        build.refuse(layer, "divides by what is worked out at run time", "Divide by a constant.")
    node, values = and_constant(build, layer)
    if np.any(values == 0):
        build.refuse(layer, "divides by 0", "Leave that channel out.")
    build.put(layer, vector.Standardize(np.zeros(len(values), np.float32), values), (node,), "gain")


def _extreme(kind: type[Op], greater: bool) -> Convert:
    def convert(build: Builder, layer: Layer) -> None:
        if len(layer.inputs) != 2:
            build.refuse(layer, f"has {len(layer.inputs)} inputs", "Compare two at a time.")
        if all(build.tensor(layer, i).data is None for i in (0, 1)):
            build.put(layer, kind(), (build.node(layer, 0), build.node(layer, 1)), "greater" if greater else "less")
            return
        node, values = and_constant(build, layer)
        if np.ptp(values):
            build.refuse(layer, f"has a constant of {values.size} values", "Use one number there.")
        ends = (float(values[0]), 3.4e38) if greater else (-3.4e38, float(values[0]))
        build.put(layer, pointwise.Clip(*ends), (node,), "clip")

    return convert


def _concat(build: Builder, layer: Layer) -> None:
    """Axis 1 are the channels, which come last here."""
    rank = len(build.output(layer).shape)
    axis = layer.options.get("axis", 1) % rank
    if axis == 0 or not layer.inputs:
        build.refuse(layer, "joins batches", "Join along time or channels.")
    place = rank - 2 if axis == 1 else axis - 2
    nodes = [build.node(layer, i) for i in range(len(layer.inputs))]
    joined = nodes[0]
    for node in nodes[1:-1]:
        joined = build.add(pointwise.Join(place), (joined, node), "join")
    if len(nodes) == 1:
        build.at[layer.outputs[0]] = joined
    else:
        build.put(layer, pointwise.Join(place), (joined, nodes[-1]), "join")


def _mean(build: Builder, layer: Layer) -> None:
    rank = len(build.tensor(layer, 0).shape)
    axes = build.constant(layer, 1) if build.has(layer, 1) else layer.options.get("axes", [])
    if {int(a) % rank for a in np.ravel(axes)} != set(range(2, rank)) or not 3 <= rank <= 4:
        build.refuse(layer, f"works along axes {np.ravel(axes).tolist()}", "Average over time, or rows and columns.")
    node = cube(build, layer, build.node(layer))
    h, w, _ = build.shape_at(node)
    build.put(layer, plane.AveragePool2d(kh=h, kw=w), (node,), "mean")


def _transposed(build: Builder, layer: Layer) -> None:
    weight, given = build.constant(layer, 1).astype(np.float32), layer.options
    n = weight.ndim - 2
    if n not in (1, 2) or given.get("group", 1) != 1 or set(given.get("dilations", [1])) != {1}:
        build.refuse(layer, f"has weights {weight.shape}, groups or dilation", "Use one group, without dilation.")
    weight = weight.reshape(*weight.shape[:2], *(1,) * (2 - n), *weight.shape[2:]).transpose(1, 2, 3, 0)
    node = cube(build, layer, build.node(layer))
    to = (*(1,) * (2 - n), *build.output(layer).item)
    strides = [1] * (2 - n) + list(given.get("strides", [1] * n))
    before = [0] * (2 - n) + list(given.get("pads", [0] * 2 * n))[:n]
    bias = build.constant(layer, 2).astype(np.float32) if build.has(layer, 2) else np.zeros(len(weight), np.float32)
    names = ("h_out", "w_out", "stride_h", "stride_w", "pad_top", "pad_left")
    sizes = dict(zip(names, (*to[:2], *strides, *before), strict=True))
    op = TransposedConv2d(weight=np.ascontiguousarray(weight), bias=bias, **sizes)
    build.put(layer, op, (node,), "transposed")


MORE: dict[str, Convert] = {
    "Sub": _subtract,
    "Div": _divide,
    "Max": _extreme(pointwise.Maximum, True),
    "Min": _extreme(pointwise.Minimum, False),
    "Concat": _concat,
    "ReduceMean": _mean,
    "ConvTranspose": _transposed,
}
