"""Operators of TensorFlow Lite with int16 values and int8 weights (16x8), with the arithmetic of its reference.

Biases of 64 bits make its sums 64 bits wide, and this is the arithmetic that is kept for those of 32 bits as well.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from studio.graph.importing.bounds import BOUNDS, activation
from studio.graph.importing.build import Builder, Layer, Tensor, centred, cube
from studio.graph.importing.options import options
from studio.graph.importing.sides import sliding
from studio.graph.importing.tflite_moves import MOVES
from studio.graph.int8_layers import Steps
from studio.graph.op import Array
from studio.graph.ops import wide
from studio.graph.wide_layers import narrow, sum_of

Convert = Callable[[Builder, Layer], None]


def is_wide(build: Builder, layer: Layer) -> bool:
    """Whether the layer takes or gives int16 values."""
    ends = [build.tensors[i] for i in (*layer.inputs[:1], *layer.outputs[:1]) if i >= 0]
    return any(t.dtype == "int16" and t.data is None for t in ends) and layer.kind not in ELSEWHERE


def _bounds(y: Tensor, number: int) -> dict[str, int]:
    """{"low", "high"} of a fused activation."""
    low, high = BOUNDS.get(number, (-np.inf, np.inf))
    steps = [np.float32(v) / np.float32(y.scale) for v in (low, high)]
    found = [np.trunc(s + np.copysign(np.float32(0.5), s)) for s in steps]
    return {"low": int(max(found[0], wide.LEAST)), "high": int(min(found[1], wide.MOST))}


def _arrays(build: Builder, layer: Layer, weight: Array, axis: int) -> dict[str, Any]:
    x, w, y = build.tensor(layer, 0), build.tensor(layer, 1), build.output(layer)
    n = weight.shape[axis]
    if weight.dtype != np.int8 or len(w.scales) not in (1, n) or np.any(w.zeros != 0) or not np.all(w.scales >= 0):
        build.refuse(layer, f"has {weight.dtype} weights, or with zero points", "Export it with the TFLite converter.")
    products = centred(x) * np.resize(w.scales, n).astype(np.float64)
    if layer.kind == "FULLY_CONNECTED":
        products = (np.float32(x.scale) * np.resize(w.scales, n)).astype(np.float64)
    pairs = [narrow(float(p) / centred(y)) for p in products]
    bias = build.constant(layer, 2).ravel() if build.has(layer, 2) else np.zeros(n, np.int64)
    if (
        bias.dtype not in (np.int32, np.int64)
        or len(bias) != n
        or np.abs(bias.astype(np.float64)).max(initial=0) >= 2**31
    ):
        build.refuse(layer, f"has {len(bias)} biases of {bias.dtype}", "Use whole numbers of at most 31 bits.")
    return {
        "weight": np.ascontiguousarray(weight),
        "bias": bias.astype(np.int32),
        "multiplier": np.array([m for m, _ in pairs], np.int32),
        "right": np.array([s for _, s in pairs], np.int8),
    }


def _slide(build: Builder, layer: Layer) -> None:
    """CONV_2D and DEPTHWISE_CONV_2D."""
    deep = layer.kind == "DEPTHWISE_CONV_2D"
    given, weight = options(layer, "DepthwiseConv2DOptions" if deep else "Conv2DOptions"), build.constant(layer, 1)
    node = cube(build, layer, build.node(layer))
    c = build.shape_at(node)[2]
    if given is None or weight.ndim != 4 or (deep and (len(weight) != 1 or weight.shape[3] % c)):
        build.refuse(layer, f"has weights of shape {weight.shape}", "Export the model again; it is broken.")
    steps = {"dilation_h": given.DilationHFactor(), "dilation_w": given.DilationWFactor()}
    size = tuple((k - 1) * d + 1 for k, d in zip(weight.shape[1:3], steps.values(), strict=True))
    rest: dict[str, Any] = {**sliding(build, layer, given, node, (size[0], size[1])), **steps}
    rest |= _bounds(build.output(layer), activation(build, layer, given))
    if deep:
        arrays = _arrays(build, layer, weight[0], 2)
        op: Any = wide.DepthwiseConv2dS16(**arrays, **rest, times=weight.shape[3] // c)
    else:
        op = wide.Conv2dS16(**_arrays(build, layer, weight, 0), **rest)
    build.put(layer, op, (node,), "depthwise" if deep else "conv")


def _dense(build: Builder, layer: Layer) -> None:
    given, weight = options(layer, "FullyConnectedOptions"), build.constant(layer, 1)
    if weight.ndim != 2 or (given is not None and given.WeightsFormat() != 0):
        build.refuse(layer, f"has weights of shape {weight.shape}", "Export it without shuffled weights.")
    node = build.shaped(build.node(layer), (weight.shape[1],))
    rest: dict[str, Any] = _bounds(build.output(layer), activation(build, layer, given))
    build.put(layer, wide.DenseS16(**_arrays(build, layer, weight, 0), **rest), (node,), "dense")


def _pool(kind: Any) -> Convert:
    def convert(build: Builder, layer: Layer) -> None:
        given, node = options(layer, "Pool2DOptions"), cube(build, layer, build.node(layer))
        if given is None or centred(build.tensor(layer, 0)) != centred(build.output(layer)):
            build.refuse(layer, "has no size, or steps of another scale", "Export it with the TFLite converter.")
        kh, kw = given.FilterHeight(), given.FilterWidth()
        rest = _bounds(build.output(layer), activation(build, layer, given))
        steps = sliding(build, layer, given, node, (kh, kw))
        build.put(layer, kind(**steps, kh=kh, kw=kw, **rest), (node,), "pool")

    return convert


def _add(sign: int) -> Convert:
    def convert(build: Builder, layer: Layer) -> None:
        given = options(layer, "AddOptions" if sign > 0 else "SubOptions")
        a, b, y = (centred(t) for t in (build.tensor(layer, 0), build.tensor(layer, 1), build.output(layer)))
        if given is not None and given.PotScaleInt16() and sign > 0 and _power_of_two(a, b, y):
            build.refuse(
                layer, "has scales that are powers of two", "Export it again: such sums are not made any more."
            )
        rest = _bounds(build.output(layer), activation(build, layer, given))
        op = sum_of(Steps(a, 0), Steps(b, 0), Steps(y, 0), sign, **rest)
        build.put(layer, op, (build.node(layer, 0), build.node(layer, 1)), "add" if sign > 0 else "subtract")

    return convert


def _power_of_two(*scales: float) -> bool:
    """Whether the reference takes its other way, for the scales of older files."""
    return all(np.log2(s) == np.rint(np.log2(s)) for s in scales)


def _relu(build: Builder, layer: Layer) -> None:
    if centred(build.tensor(layer, 0)) != centred(build.output(layer)):
        build.refuse(layer, "has steps of another scale", "Let the layer before it take the rectifier in.")
    build.put(layer, wide.ReluS16(), (build.node(layer),), "relu")


def _quantize(build: Builder, layer: Layer) -> None:
    x, y = build.tensor(layer, 0), build.output(layer)
    if (x.dtype, y.dtype) != ("float32", "int16"):
        build.refuse(layer, f"turns {x.dtype} into {y.dtype}", "Keep one type of values through the network.")
    build.put(layer, wide.QuantizeS16(centred(y)), (build.node(layer),), "quantize")


def _dequantize(build: Builder, layer: Layer) -> None:
    build.put(layer, wide.DequantizeS16(centred(build.tensor(layer, 0))), (build.node(layer),), "dequantize")


#: Layers with int16 memories beside int8 values.
ELSEWHERE = ("UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF")
WIDE: dict[str, Convert] = {
    **{kind: MOVES[kind] for kind in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")},
    "CONV_2D": _slide,
    "DEPTHWISE_CONV_2D": _slide,
    "FULLY_CONNECTED": _dense,
    "AVERAGE_POOL_2D": _pool(wide.AveragePool2dS16),
    "MAX_POOL_2D": _pool(wide.MaxPool2dS16),
    "ADD": _add(1),
    "SUB": _add(-1),
    "RELU": _relu,
    "QUANTIZE": _quantize,
    "DEQUANTIZE": _dequantize,
}
