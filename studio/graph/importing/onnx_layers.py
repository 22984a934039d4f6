"""What each operator of ONNX becomes."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from studio.graph.importing.build import Builder, Layer, Tensor, cube
from studio.graph.importing.onnx_more import MORE, and_constant
from studio.graph.op import Array, Op
from studio.graph.ops import int8, plane, pointwise, vector

Convert = Callable[[Builder, Layer], None]


def known(build: Builder, layer: Layer, **allowed: Any) -> dict[str, Any]:
    """The layer's attributes; GraphError when one of `allowed` has another value than the one given."""
    for name, value in allowed.items():
        seen = layer.options.get(name, value)
        if (list(seen) if isinstance(seen, list) else seen) != value:
            build.refuse(layer, f"has {name} = {seen}", f"Only {name} = {value} is known here.")
    return dict(layer.options)


def sides(given: dict[str, Any], n: int) -> dict[str, int]:
    """Strides and padding of one or two axes as plane.Sliding has them."""
    strides = [1] * (2 - n) + list(given.get("strides", [1] * n))
    pads = list(given.get("pads", [0] * 2 * n))
    before, after = [0] * (2 - n) + pads[:n], [0] * (2 - n) + pads[n:]
    names = ("stride_h", "stride_w", "pad_top", "pad_bottom", "pad_left", "pad_right")
    return dict(zip(names, (*strides, before[0], after[0], before[1], after[1]), strict=True))


def _conv(build: Builder, layer: Layer) -> None:
    given, weight = known(build, layer, auto_pad=b"NOTSET"), build.constant(layer, 1).astype(np.float32)
    n = weight.ndim - 2
    if n not in (1, 2):
        build.refuse(layer, f"has weights of shape {weight.shape}", "Use one or two dimensions.")
    weight = weight.reshape(*weight.shape[:2], *(1,) * (2 - n), *weight.shape[2:])  # (c_out, c, kh, kw)
    dilation = [1] * (2 - n) + list(given.get("dilations", [1] * n))
    node, group = cube(build, layer, build.node(layer)), given.get("group", 1)
    bias = build.constant(layer, 2).astype(np.float32) if build.has(layer, 2) else np.zeros(len(weight), np.float32)
    rest = {**sides(given, n), "dilation_h": dilation[0], "dilation_w": dilation[1], "bias": bias}
    c = build.shape_at(node)[2]
    if group == 1:
        op: Op = plane.Conv2d(weight=np.ascontiguousarray(weight.transpose(0, 2, 3, 1)), **rest)
    elif group == c and weight.shape[1] == 1:
        turned = np.ascontiguousarray(weight[:, 0].transpose(1, 2, 0))
        op = plane.DepthwiseConv2d(weight=turned, times=len(weight) // c, **rest)
    else:
        build.refuse(layer, f"has {group} groups of {c} channels", "Use one group, or one per channel.")
    build.put(layer, op, (node,), "conv")


def _gemm(build: Builder, layer: Layer) -> None:
    given = known(build, layer, alpha=1.0, beta=1.0, transA=0)
    weight = build.constant(layer, 1).astype(np.float32)
    weight = weight if given.get("transB", 0) else weight.T
    if weight.ndim != 2:
        build.refuse(layer, f"has weights of shape {weight.shape}", "Use a matrix.")
    bias = build.constant(layer, 2).astype(np.float32).ravel() if build.has(layer, 2) else np.zeros(1, np.float32)
    op = vector.Dense(np.ascontiguousarray(weight), np.ascontiguousarray(np.broadcast_to(bias, (len(weight),))))
    build.put(layer, op, (build.node(layer),), "dense")


def _pool(kind: type[plane.Pool2d]) -> Convert:
    def convert(build: Builder, layer: Layer) -> None:
        given = known(build, layer, auto_pad=b"NOTSET", ceil_mode=0, count_include_pad=0)
        size = list(given["kernel_shape"])
        if set(given.get("dilations", [1])) != {1} or len(size) > 2:
            build.refuse(layer, f"pools {size} with dilation", "Pool neighbours along one or two axes.")
        kh, kw = [1] * (2 - len(size)) + size
        build.put(
            layer, kind(**sides(given, len(size)), kh=kh, kw=kw), (cube(build, layer, build.node(layer)),), "pool"
        )

    return convert


def _global_average(build: Builder, layer: Layer) -> None:
    h, w, _ = build.shape_at(node := cube(build, layer, build.node(layer)))
    build.put(layer, plane.AveragePool2d(kh=h, kw=w), (node,), "mean")


def _batch_norm(build: Builder, layer: Layer) -> None:
    """As a Standardize: (x - mean) / deviation * gain + offset in one subtraction and one product."""
    gain, offset, mean, variance = (build.constant(layer, i).astype(np.float64) for i in (1, 2, 3, 4))
    deviation = np.sqrt(variance + layer.options.get("epsilon", 1e-5))
    if np.any(gain == 0) or not np.all(np.isfinite(deviation)):
        build.refuse(layer, "has a gain of 0", "Leave that channel out.")
    op = vector.Standardize((mean - offset * deviation / gain).astype(np.float32), deviation / gain)
    build.put(layer, op, (build.node(layer),), "normalize")


def _reshape(build: Builder, layer: Layer) -> None:
    """By way of ONNX's order of values: channels first, then under the new shape, then channels last again."""
    node, to = build.node(layer), build.output(layer).item
    shape = build.shape_at(node)
    if len(shape) > 1 and shape[-1] > 1 and prod(shape[:-1]) > 1:
        *places, c = shape
        steps = [prod(places[i + 1 :]) * c for i in range(len(places))]
        node = build.add(pointwise.Pick((c, *places), (1, *steps)), (node,), "transpose")
    if len(to) > 1 and to[-1] > 1 and prod(to[:-1]) > 1:
        *places, c = to
        steps = [prod(places[i + 1 :]) for i in range(len(places))]
        node = build.add(pointwise.Pick(to, (*steps, prod(places))), (node,), "transpose")
    build.at[layer.outputs[0]] = build.shaped(node, to)


def _sum(build: Builder, layer: Layer) -> None:
    a, b = build.tensor(layer, 0), build.tensor(layer, 1)
    if a.data is None and b.data is None:
        build.put(layer, pointwise.Add(), (build.node(layer, 0), build.node(layer, 1)), "add")
        return
    node, offset = and_constant(build, layer)
    build.put(layer, vector.Standardize(-offset, np.ones(len(offset), np.float32)), (node,), "offset")


def _product(build: Builder, layer: Layer) -> None:
    a, b = build.tensor(layer, 0), build.tensor(layer, 1)
    if a.data is None and b.data is None:
        build.put(layer, pointwise.Multiply(), (build.node(layer, 0), build.node(layer, 1)), "multiply")
        return
    node, gain = and_constant(build, layer)
    if np.any(gain == 0):
        build.refuse(layer, "multiplies a channel by 0", "Leave that channel out.")
    op = vector.Standardize(np.zeros(len(gain), np.float32), 1 / gain.astype(np.float64))
    build.put(layer, op, (node,), "gain")


def _simple(make: Callable[[Builder, Layer], Op], name: str) -> Convert:
    def convert(build: Builder, layer: Layer) -> None:
        build.put(layer, make(build, layer), (build.node(layer),), name)

    return convert


def _clip(build: Builder, layer: Layer) -> Op:
    ends = [
        float(build.constant(layer, i).ravel()[0]) if build.has(layer, i) else float(layer.options.get(name, default))
        for i, name, default in ((1, "min", -3.4e38), (2, "max", 3.4e38))
    ]
    return pointwise.Clip(*ends)


def _softmax(build: Builder, layer: Layer) -> None:
    shape = build.shape_at(build.node(layer))
    if len(shape) != 1 or layer.options.get("axis", -1) not in (-1, 1):
        build.refuse(layer, f"gets {shape}", "Use a softmax over one vector.")
    build.put(layer, vector.Softmax(), (build.node(layer),), "softmax")


def _same(build: Builder, layer: Layer) -> None:
    build.at[layer.outputs[0]] = build.node(layer)


def _constant(build: Builder, layer: Layer) -> None:
    import onnx

    values = onnx.numpy_helper.to_array(layer.options["value"])
    _becomes(build, layer.outputs[0], values)


def _becomes(build: Builder, number: int, values: Array) -> None:
    old = build.tensors[number]
    build.tensors[number] = Tensor(old.name, old.shape, str(values.dtype), old.scales, old.zeros, 0, values)


def _steps(build: Builder, layer: Layer) -> tuple[Array, Array]:
    """Scale and zero point of a QuantizeLinear or DequantizeLinear."""
    scale = build.constant(layer, 1).astype(np.float32)
    zero = build.constant(layer, 2) if build.has(layer, 2) else np.zeros(scale.shape, np.uint8)
    return scale, zero


def _quantize(build: Builder, layer: Layer) -> None:
    scale, zero = _steps(build, layer)
    if scale.size != 1 or zero.dtype != np.int8:
        build.refuse(layer, f"has {scale.size} scales of {zero.dtype}", "Quantize activations per tensor, to int8.")
    build.put(layer, int8.Quantize(float(scale.ravel()[0]), int(zero.ravel()[0])), (build.node(layer),), "quantize")


def _dequantize(build: Builder, layer: Layer) -> None:
    scale, zero = _steps(build, layer)
    values = build.tensor(layer, 0).data
    if values is None:
        if scale.size != 1 or zero.dtype != np.int8:
            build.refuse(layer, f"has {scale.size} scales of {zero.dtype}", "Quantize activations per tensor, to int8.")
        op = int8.Dequantize(float(scale.ravel()[0]), int(zero.ravel()[0]))
        build.put(layer, op, (build.node(layer),), "dequantize")
        return
    wide = [1] * values.ndim
    if scale.size > 1:
        wide[layer.options.get("axis", 1)] = scale.size
    real = (values.astype(np.float32) - zero.astype(np.float32).reshape(wide if zero.size > 1 else ())) * scale.reshape(
        wide if scale.size > 1 else ()
    )
    _becomes(build, layer.outputs[0], real.astype(np.float32))


LAYERS: dict[str, Convert] = {
    **MORE,
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _gemm,
    "MaxPool": _pool(plane.MaxPool2d),
    "AveragePool": _pool(plane.AveragePool2d),
    "GlobalAveragePool": _global_average,
    "BatchNormalization": _batch_norm,
    "Flatten": _reshape,
    "Reshape": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "Add": _sum,
    "Mul": _product,
    "Relu": _simple(lambda *_: vector.Relu(), "relu"),
    "Clip": _simple(_clip, "clip"),
    "Sigmoid": _simple(lambda *_: pointwise.Sigmoid(), "sigmoid"),
    "Tanh": _simple(lambda *_: pointwise.Tanh(), "tanh"),
    "HardSwish": _simple(lambda *_: pointwise.HardSwish(), "hard_swish"),
    "Softmax": _softmax,
    "Identity": _same,
    "Dropout": _same,
    "Constant": _constant,
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
}
