"""What each operator of TensorFlow Lite becomes: scales and bounds as TensorFlow Lite Micro prepares them."""

from collections.abc import Callable
from math import floor
from typing import Any

import numpy as np

from studio.graph.importing.bounds import RELU, RELU6, RELU_N1_TO_1, activated, activation, bounds
from studio.graph.importing.build import Builder, Layer, Spread, Tensor, cube, is_int8, same_scale, without_pad
from studio.graph.importing.options import options
from studio.graph.importing.sides import sliding
from studio.graph.importing.slopes import slopes
from studio.graph.importing.tables import from_float, hard_swish, leaky_relu, logistic, prelu, rescaled, tanh
from studio.graph.importing.tflite_dense import dense, greatest, mean
from studio.graph.importing.tflite_larger import transposed
from studio.graph.importing.tflite_moves import MOVES
from studio.graph.importing.tflite_pairs import add, extreme, multiply
from studio.graph.importing.tflite_recurrent import lstm, rnn, svdf
from studio.graph.importing.weights import plain, scaled
from studio.graph.int8_layers import multiplier
from studio.graph.op import Array, Op
from studio.graph.ops import int8, plane, plane_s8, pointwise, vector
from studio.graph.ops.elu import Elu

Convert = Callable[[Builder, Layer], None]


def _conv(build: Builder, layer: Layer) -> None:
    given, weight = options(layer, "Conv2DOptions"), build.constant(layer, 1)
    _slide(build, layer, given, weight, plane.Conv2d, plane_s8.Conv2dS8, 0, {})


def _depthwise(build: Builder, layer: Layer) -> None:
    given, weight = options(layer, "DepthwiseConv2DOptions"), build.constant(layer, 1)
    c = build.shape_at(cube(build, layer, build.node(layer)))[2]
    if weight.ndim != 4 or weight.shape[0] != 1 or weight.shape[3] % c:
        build.refuse(layer, f"has weights {weight.shape} for {c} channels", "Export the model again; it is broken.")
    if c == 1:  # every output sees the only channel: that is a convolution, whose kernel is faster
        turned = np.ascontiguousarray(weight.transpose(3, 1, 2, 0))
        _slide(build, layer, given, turned, plane.Conv2d, plane_s8.Conv2dS8, 0, {})
        return
    extra = {"times": weight.shape[3] // c}
    _slide(build, layer, given, weight[0], plane.DepthwiseConv2d, plane_s8.DepthwiseConv2dS8, 2, extra)


def _slide(
    build: Builder, layer: Layer, given: Any, weight: Array, real: Any, small: Any, axis: int, extra: dict[str, int]
) -> None:
    """A convolution of either kind; `axis` is that of the weight's outputs."""
    node, quantized = cube(build, layer, build.node(layer)), is_int8(build, layer)
    if given is None or weight.ndim != (4 if axis == 0 else 3):
        build.refuse(layer, f"has weights of shape {weight.shape}", "Export the model again; it is broken.")
    zero = build.tensor(layer, 0).zero if quantized else 0.0
    kh, kw = weight.shape[1:3] if axis == 0 else weight.shape[:2]
    dilation = {"dilation_h": given.DilationHFactor(), "dilation_w": given.DilationWFactor()}
    size = ((kh - 1) * dilation["dilation_h"] + 1, (kw - 1) * dilation["dilation_w"] + 1)
    steps = sliding(build, layer, given, node, size)
    if layer.spread is not None:
        node = _spread(build, layer, given, layer.spread, node, kh, steps, dilation)
    bare, border = without_pad(build, node, zero)
    if border is not None and given.Padding() == 1 and layer.spread is None:
        node = bare
        for side in ("top", "bottom", "left", "right"):
            steps[f"pad_{side}"] += getattr(border, side)
    number, name = activation(build, layer, given), "conv" if axis == 0 else "depthwise"
    if not quantized:
        n = weight.shape[axis]
        op = real(**steps, **dilation, **extra, **plain(build, layer, weight, n))
        activated(build, layer, op, (node,), name, number)
        return
    y = build.output(layer)
    rest = {"x_zero": zero, "y_zero": y.zero, **bounds(y, number)}
    build.put(layer, small(**steps, **dilation, **extra, **scaled(build, layer, weight, axis), **rest), (node,), name)


def _spread(
    build: Builder,
    layer: Layer,
    given: Any,
    spread: Spread,
    node: int,
    kh: int,
    steps: dict[str, int],
    dilation: dict[str, int],
) -> int:
    """Dilation and border of a convolution that the file writes with batches; its input, as rows or as columns."""
    if given.Padding() != 1 or max(steps["stride_h"], steps["stride_w"], *dilation.values()) > 1:
        build.refuse(
            layer, "has strides, dilation or a border of its own between batches", "Use `dilation_rate` alone."
        )
    sides, h, w = list(spread.border), "h", "w"
    pads = (("pad_top", "pad_bottom"), ("pad_left", "pad_right"))
    if len(sides) == 1:  # over time: along the axis of the kernel
        n, c = build.shape_at(node)[0] * build.shape_at(node)[1], build.shape_at(node)[2]
        node = build.shaped(node, (n, 1, c) if kh > 1 else (1, n, c))
        h, pads = ("h", pads[:1]) if kh > 1 else ("w", pads[1:])  # type: ignore[assignment]
    for axis, step, names, border in zip((h, w), spread.steps, pads, sides, strict=False):
        dilation[f"dilation_{axis}"] = step
        steps |= dict(zip(names, border, strict=True))
    return node


def _pool(real: type[plane.Pool2d], small: type[plane_s8.PoolS8]) -> Convert:
    def convert(build: Builder, layer: Layer) -> None:
        given, node = options(layer, "Pool2DOptions"), cube(build, layer, build.node(layer))
        if given is None:
            build.refuse(layer, "does not say its size", "Export the model again; it is broken.")
        kh, kw = given.FilterHeight(), given.FilterWidth()
        steps = {**sliding(build, layer, given, node, (kh, kw)), "kh": kh, "kw": kw}
        number = activation(build, layer, given)
        if not is_int8(build, layer):
            activated(build, layer, real(**steps), (node,), "pool", number)
            return
        same_scale(build, layer)
        build.put(layer, small(**steps, **bounds(build.output(layer), number)), (node,), "pool")

    return convert


def _lookup(table: Callable[[Tensor, Tensor, Any], Array], real: Callable[[Any], Op], kind: str) -> Convert:
    """A function of one value: in int8 `table`, in float the op that `real` makes; `kind` names its options."""

    def convert(build: Builder, layer: Layer) -> None:
        given = options(layer, kind) if kind else None
        x, y, name = build.tensor(layer, 0), build.output(layer), layer.kind.lower()
        if is_int8(build, layer):
            build.put(layer, pointwise.LookupS8(table(x, y, given)), (build.node(layer),), name)
        else:
            build.put(layer, real(given), (build.node(layer),), name)

    return convert


def _ratio(x: Tensor, y: Tensor, slope: float = 1.0) -> float:
    """x.scale * slope / y.scale in float32, as the reference works it out for rectifiers."""
    return float(np.float32(np.float32(x.scale) * np.float32(slope)) / np.float32(y.scale))


def _rectified(number: int) -> Callable[[Tensor, Tensor, Any], Array]:
    def table(x: Tensor, y: Tensor, given: Any) -> Array:
        limits = bounds(y, number)
        return rescaled(_ratio(x, y), x.zero, y.zero, limits["low"], limits["high"])

    return table


def _softmax(build: Builder, layer: Layer) -> None:
    given = options(layer, "SoftmaxOptions")
    beta = given.Beta() if given is not None else 1.0
    if not is_int8(build, layer):
        if beta != 1.0 or len(build.shape_at(build.node(layer))) != 1:
            build.refuse(layer, f"has beta {beta} or many rows", "Use a plain softmax over one vector.")
        build.put(layer, vector.Softmax(), (build.node(layer),), "softmax")
        return
    x, y = build.tensor(layer, 0), build.output(layer)
    if y.zero != -128 or abs(y.scale - 1 / 256) > 1e-6:
        build.refuse(layer, f"gives scale {y.scale}", "Export it with the TFLite converter: 1/256, zero point -128.")
    m, shift = multiplier(min(beta * x.scale * 2.0**26, 2.0**31 - 1))
    least = -floor(31 * 2**26 / 2**shift)
    build.put(layer, pointwise.SoftmaxS8(m, shift, max(least, -255)), (build.node(layer),), "softmax")


def _quantize(build: Builder, layer: Layer) -> None:
    x, y = build.tensor(layer, 0), build.output(layer)
    if y.dtype != "int8" or x.dtype not in ("int8", "float32"):
        build.refuse(layer, f"turns {x.dtype} into {y.dtype}", "Export it with int8 quantization.")
    if x.dtype == "int8":
        table = rescaled(x.scale / y.scale, x.zero, y.zero)
        build.put(layer, pointwise.LookupS8(table), (build.node(layer),), "rescale")
    else:
        build.put(layer, int8.Quantize(y.scale, y.zero), (build.node(layer),), "quantize")


def _dequantize(build: Builder, layer: Layer) -> None:
    x = build.tensor(layer, 0)
    if x.dtype == "float16" and x.data is not None:  # weights kept in half the bytes
        number, y = layer.outputs[0], build.output(layer)
        build.tensors[number] = Tensor(y.name, y.shape, "float32", y.scales, y.zeros, 0, x.data.astype(np.float32))
        return
    build.put(layer, int8.Dequantize(x.scale, x.zero), (build.node(layer),), "dequantize")


def _leaky(build: Builder, layer: Layer) -> None:
    given = options(layer, "LeakyReluOptions")
    x, y, alpha = build.tensor(layer, 0), build.output(layer), given.Alpha() if given is not None else 0.0
    if is_int8(build, layer):
        table = leaky_relu(_ratio(x, y), _ratio(x, y, alpha), x.zero, y.zero)
        build.put(layer, pointwise.LookupS8(table), (build.node(layer),), "leaky_relu")
    else:
        build.put(layer, pointwise.Add(), slopes(build, build.node(layer), np.array([alpha], np.float32)), "leaky_relu")


def _leaky_each(build: Builder, layer: Layer) -> None:
    """With a slope for each channel."""
    node, slope = build.node(layer), build.constant(layer, 1)
    c = build.shape_at(node)[-1]
    if slope.size not in (1, c) or (slope.size > 1 and slope.shape[-1] != c):
        build.refuse(layer, f"has slopes of shape {slope.shape}", "Share them along time: one for each channel.")
    if not is_int8(build, layer):
        build.put(layer, pointwise.Add(), slopes(build, node, slope.ravel()), "prelu")
        return
    x, a, y = build.tensor(layer, 0), build.tensor(layer, 1), build.output(layer)
    first, second = multiplier(_ratio(x, y)), multiplier(_ratio(x, y, a.scale))
    tables = [prelu(first, second, x.zero, int(v) - a.zero, y.zero) for v in slope.ravel()]
    op: Op = pointwise.TablesS8(np.stack(tables)) if len(tables) > 1 else pointwise.LookupS8(tables[0])
    build.put(layer, op, (node,), "prelu")


def _elu(v: Array) -> Array:
    return np.where(v < 0, np.expm1(np.minimum(v, 0)), v)


LAYERS: dict[str, Convert] = {
    **MOVES,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": dense,
    "AVERAGE_POOL_2D": _pool(plane.AveragePool2d, plane_s8.AveragePool2dS8),
    "MAX_POOL_2D": _pool(plane.MaxPool2d, plane_s8.MaxPool2dS8),
    "TRANSPOSE_CONV": transposed,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm,
    "UNIDIRECTIONAL_SEQUENCE_RNN": rnn("SequenceRNNOptions"),
    "RNN": rnn("RNNOptions"),
    "SVDF": svdf,
    "ADD": add(1),
    "SUB": add(-1),
    "MUL": multiply,
    "MAXIMUM": extreme(pointwise.Maximum, pointwise.MaximumS8, "maximum"),
    "MINIMUM": extreme(pointwise.Minimum, pointwise.MinimumS8, "minimum"),
    "SOFTMAX": _softmax,
    "QUANTIZE": _quantize,
    "DEQUANTIZE": _dequantize,
    "MEAN": mean,
    "REDUCE_MAX": greatest,
    "RELU": _lookup(_rectified(RELU), lambda _: vector.Relu(), ""),
    "RELU6": _lookup(_rectified(RELU6), lambda _: pointwise.Clip(0.0, 6.0), ""),
    "RELU_N1_TO_1": _lookup(_rectified(RELU_N1_TO_1), lambda _: pointwise.Clip(-1.0, 1.0), ""),
    "LEAKY_RELU": _leaky,
    "PRELU": _leaky_each,
    "LOGISTIC": _lookup(lambda x, y, _: logistic(x.scale, x.zero), lambda _: pointwise.Sigmoid(), ""),
    "TANH": _lookup(lambda x, y, _: tanh(x.scale, x.zero), lambda _: pointwise.Tanh(), ""),
    "HARD_SWISH": _lookup(
        lambda x, y, _: hard_swish(x.scale, x.zero, y.scale, y.zero), lambda _: pointwise.HardSwish(), ""
    ),
    "ELU": _lookup(lambda x, y, _: from_float(_elu, x.scale, x.zero, y.scale, y.zero), lambda _: Elu(), ""),
}
