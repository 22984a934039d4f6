"""Further operators of ONNX: sums and products with signs, joins, means, extremes, transposed layers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from studio.graph.importing.build import Layer, cube
from studio.graph.importing.onnx_order import OnnxBuilder, written
from studio.graph.importing.slopes import slopes
from studio.graph.op import Array, Op
from studio.graph.ops import plane, pointwise, vector
from studio.graph.ops.transposed import TransposedConv2d

Convert = Callable[[Any, Layer], None]


def both_run(build: OnnxBuilder, layer: Layer) -> bool:
    """Whether neither of the two inputs stands in the file."""
    return build.tensor(layer, 0).data is None and build.tensor(layer, 1).data is None


def pair(build: OnnxBuilder, layer: Layer, op: Op, name: str, second: Op | None = None) -> None:
    """A value of each: in plain order where both have no other. `second` first turns the second input."""
    plain = build.only_plain(layer, 0) and build.only_plain(layer, 1)
    a, b = ((build.node_as_written if plain else build.node)(layer, i) for i in (0, 1))
    if second is not None:
        b = build.add(second, (b,), "second")
    (build.put_as_written if plain else build.put)(layer, op, (a, b), name)


def and_constant(build: OnnxBuilder, layer: Layer) -> tuple[int, Array, Callable[..., None]]:
    """The node of one input; the other, which is constant, as one value for each place of its last axis; what puts."""
    i = 0 if build.tensor(layer, 0).data is None else 1
    values, shape = build.constant(layer, 1 - i).astype(np.float32), written(build.tensor(layer, i))
    full = (1,) * (len(shape) - values.ndim) + values.shape
    along = [a for a, n in enumerate(full) if n > 1]
    plain = build.only_plain(layer, i) if not along else along == [len(shape) - 1]
    if len(along) > 1 or len(full) > len(shape) or (along and not plain and along != [1]):
        build.refuse(layer, f"has a constant of shape {values.shape}", "Use one value, or one per channel.")
    node = (build.node_as_written if plain else build.node)(layer, i)
    c = build.shape_at(node)[-1]
    if values.size not in (1, c):
        build.refuse(layer, f"has a constant of shape {values.shape}", "Use one value, or one per channel.")
    put = OnnxBuilder.put_as_written if plain else OnnxBuilder.put
    return node, np.ascontiguousarray(np.broadcast_to(values.ravel(), (c,))), put


def _subtract(build: OnnxBuilder, layer: Layer) -> None:
    if both_run(build, layer):
        plain = build.only_plain(layer, 0) and build.only_plain(layer, 1)
        c = build.shape_at((build.node_as_written if plain else build.node)(layer, 1))[-1]
        negative = vector.Standardize(np.zeros(c, np.float32), np.full(c, -1, np.float32))
        pair(build, layer, pointwise.Add(), "subtract", negative)
        return
    node, values, put = and_constant(build, layer)
    constant_first = build.tensor(layer, 0).data is not None
    sign = np.full(len(values), -1 if constant_first else 1, np.float32)  # constant - x, or x - constant
    put(build, layer, vector.Standardize(values, sign), (node,), "offset")


def _divide(build: OnnxBuilder, layer: Layer) -> None:
    if build.tensor(layer, 1).data is None:
        build.refuse(layer, "divides by what is worked out at run time", "Divide by a constant.")
    node, values, put = and_constant(build, layer)
    if np.any(values == 0):
        build.refuse(layer, "divides by 0", "Leave that channel out.")
    put(build, layer, vector.Standardize(np.zeros(len(values), np.float32), values), (node,), "gain")


def _extreme(kind: type[Op], greater: bool) -> Convert:
    def convert(build: OnnxBuilder, layer: Layer) -> None:
        if len(layer.inputs) != 2:
            build.refuse(layer, f"has {len(layer.inputs)} inputs", "Compare two at a time.")
        if both_run(build, layer):
            pair(build, layer, kind(), "greater" if greater else "less")
            return
        node, values, put = and_constant(build, layer)
        if np.ptp(values):
            build.refuse(layer, f"has a constant of {values.size} values", "Use one number there.")
        ends = (float(values[0]), 3.4e38) if greater else (-3.4e38, float(values[0]))
        put(build, layer, pointwise.Clip(*ends), (node,), "clip")

    return convert


def _reduced(kind: type[plane.Pool2d]) -> Convert:
    """A mean or the greatest over all places of each channel."""

    def convert(build: OnnxBuilder, layer: Layer) -> None:
        rank = len(build.tensor(layer, 0).shape)
        axes = build.constant(layer, 1) if build.has(layer, 1) else layer.options.get("axes", [])
        if not 3 <= rank <= 4 or {int(a) % rank for a in np.ravel(axes)} != set(range(2, rank)):
            seen = f"works along axes {np.ravel(axes).tolist()}"
            build.refuse(layer, seen, "Work over time, or over rows and columns.")
        h, w, _ = build.shape_at(node := cube(build, layer, build.node(layer)))
        build.put(layer, kind(kh=h, kw=w), (node,), "mean")

    return convert


def _transposed(build: OnnxBuilder, layer: Layer) -> None:
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


def _leaky(build: OnnxBuilder, layer: Layer) -> None:
    """LeakyRelu, and PRelu with one slope or one for each channel."""
    node = build.node(layer)
    slope = np.array([layer.options.get("alpha", 0.01)], np.float32)
    if layer.kind == "PRelu":
        values, c = build.constant(layer, 1).astype(np.float32), build.shape_at(node)[-1]
        if values.size not in (1, c):
            build.refuse(layer, f"has slopes of shape {values.shape}", "Use one, or one for each channel.")
        slope = values.ravel()
    build.put(layer, pointwise.Add(), slopes(build, node, slope), "leaky_relu")


def _greatest(build: OnnxBuilder, layer: Layer) -> None:
    """GlobalMaxPool."""
    h, w, _ = build.shape_at(node := cube(build, layer, build.node(layer)))
    build.put(layer, plane.MaxPool2d(kh=h, kw=w), (node,), "greatest")


MORE: dict[str, Convert] = {
    "Sub": _subtract,
    "Div": _divide,
    "Max": _extreme(pointwise.Maximum, True),
    "Min": _extreme(pointwise.Minimum, False),
    "ReduceMean": _reduced(plane.AveragePool2d),
    "ReduceMax": _reduced(plane.MaxPool2d),
    "GlobalMaxPool": _greatest,
    "LeakyRelu": _leaky,
    "PRelu": _leaky,
    "ConvTranspose": _transposed,
}
