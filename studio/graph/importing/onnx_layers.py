"""What each operator of ONNX becomes."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from studio.graph.importing.build import Builder, Layer, cube
from studio.graph.importing.onnx_more import MORE, and_constant, both_run, pair
from studio.graph.importing.onnx_moves import MOVES
from studio.graph.importing.onnx_order import OnnxBuilder, becomes, written
from studio.graph.importing.onnx_recurrent import recurrent
from studio.graph.op import Array, Op
from studio.graph.ops import conv, int8, plane, pointwise, vector
from studio.graph.ops.elu import Elu

Convert = Callable[[Any, Layer], None]


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


def _conv(build: OnnxBuilder, layer: Layer) -> None:
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


def _gemm(build: OnnxBuilder, layer: Layer) -> None:
    given = known(build, layer, alpha=1.0, beta=1.0, transA=0)
    weight = build.constant(layer, 1).astype(np.float32)
    weight = weight if given.get("transB", 0) else weight.T
    if weight.ndim != 2:
        build.refuse(layer, f"has weights of shape {weight.shape}", "Use a matrix.")
    bias = build.constant(layer, 2).astype(np.float32).ravel() if build.has(layer, 2) else np.zeros(1, np.float32)
    if bias.size not in (1, len(weight)):
        build.refuse(layer, f"has {bias.size} biases for {len(weight)} outputs", "Export the model again.")
    full = np.ascontiguousarray(np.broadcast_to(bias, (len(weight),)))
    n = prod(written(build.tensor(layer, 0))) // max(weight.shape[1], 1)
    if n == 1:
        build.put_as_written(layer, vector.Dense(np.ascontiguousarray(weight), full), (build.node(layer),), "dense")
        return
    rows = build.shaped(build.node_as_written(layer), (n, weight.shape[1]))  # each row by itself
    build.put_as_written(layer, conv.Conv1d(np.ascontiguousarray(weight[:, None]), full), (rows,), "rows")


def _pool(kind: type[plane.Pool2d]) -> Convert:
    def convert(build: OnnxBuilder, layer: Layer) -> None:
        given = known(build, layer, auto_pad=b"NOTSET", ceil_mode=0, count_include_pad=0)
        size = list(given["kernel_shape"])
        if set(given.get("dilations", [1])) != {1} or len(size) > 2:
            build.refuse(layer, f"pools {size} with dilation", "Pool neighbours along one or two axes.")
        kh, kw = [1] * (2 - len(size)) + size
        build.put(
            layer, kind(**sides(given, len(size)), kh=kh, kw=kw), (cube(build, layer, build.node(layer)),), "pool"
        )

    return convert


def _global_average(build: OnnxBuilder, layer: Layer) -> None:
    h, w, _ = build.shape_at(node := cube(build, layer, build.node(layer)))
    build.put(layer, plane.AveragePool2d(kh=h, kw=w), (node,), "mean")


def _batch_norm(build: OnnxBuilder, layer: Layer) -> None:
    """As a Standardize: (x - mean) / deviation * gain + offset in one subtraction and one product."""
    gain, offset, mean, variance = (build.constant(layer, i).astype(np.float64) for i in (1, 2, 3, 4))
    deviation = np.sqrt(variance + layer.options.get("epsilon", 1e-5))
    if np.any(gain == 0) or not np.all(np.isfinite(deviation)):
        build.refuse(layer, "has a gain of 0", "Leave that channel out.")
    op = vector.Standardize((mean - offset * deviation / gain).astype(np.float32), deviation / gain)
    build.put(layer, op, (build.node(layer),), "normalize")


def _sum(build: OnnxBuilder, layer: Layer) -> None:
    if both_run(build, layer):
        pair(build, layer, pointwise.Add(), "add")
        return
    node, offset, put = and_constant(build, layer)
    put(build, layer, vector.Standardize(-offset, np.ones(len(offset), np.float32)), (node,), "offset")


def _product(build: OnnxBuilder, layer: Layer) -> None:
    if both_run(build, layer):
        pair(build, layer, pointwise.Multiply(), "multiply")
        return
    node, gain, put = and_constant(build, layer)
    if np.any(gain == 0):
        build.refuse(layer, "multiplies a channel by 0", "Leave that channel out.")
    op = vector.Standardize(np.zeros(len(gain), np.float32), 1 / gain.astype(np.float64))
    put(build, layer, op, (node,), "gain")


def _simple(make: Callable[[OnnxBuilder, Layer], Op], name: str) -> Convert:
    """A function of each value: in whatever order they lie."""

    def convert(build: OnnxBuilder, layer: Layer) -> None:
        if build.only_plain(layer):
            build.put_as_written(layer, make(build, layer), (build.node_as_written(layer),), name)
        else:
            build.put(layer, make(build, layer), (build.node(layer),), name)

    return convert


def _clip(build: OnnxBuilder, layer: Layer) -> Op:
    ends = [
        float(build.constant(layer, i).ravel()[0]) if build.has(layer, i) else float(layer.options.get(name, default))
        for i, name, default in ((1, "min", -3.4e38), (2, "max", 3.4e38))
    ]
    return pointwise.Clip(*ends)


def _hard_sigmoid(build: OnnxBuilder, layer: Layer) -> None:
    """alpha * x + beta, within 0 and 1."""
    alpha, beta = (float(layer.options.get(name, default)) for name, default in (("alpha", 0.2), ("beta", 0.5)))
    if not alpha:
        build.refuse(layer, "does not look at its input", "Leave it out.")
    node = build.node(layer)
    c = build.shape_at(node)[-1]
    line = vector.Standardize(np.full(c, -beta / alpha, np.float32), np.full(c, 1 / alpha, np.float32))
    build.put(layer, pointwise.Clip(0.0, 1.0), (build.add(line, (node,), "line"),), "hard_sigmoid")


def _softmax(build: OnnxBuilder, layer: Layer) -> None:
    shape = written(build.tensor(layer, 0))
    axis = int(layer.options.get("axis", -1)) % len(shape)
    if prod(shape) != shape[axis]:
        build.refuse(layer, f"gets {shape} along axis {axis}", "Use a softmax over one vector.")
    node = build.shaped(build.node_as_written(layer), (shape[axis],))
    build.put_as_written(layer, vector.Softmax(), (node,), "softmax")


def _same(build: OnnxBuilder, layer: Layer) -> None:
    """The input itself, or a constant of the file under another name."""
    if (values := build.tensor(layer, 0).data) is not None:
        becomes(build, layer.outputs[0], values)
    elif build.only_plain(layer):
        build.plain[layer.outputs[0]] = build.node_as_written(layer)
    else:
        build.at[layer.outputs[0]] = build.node(layer)


def _constant(build: OnnxBuilder, layer: Layer) -> None:
    import onnx

    values = onnx.numpy_helper.to_array(layer.options["value"])
    becomes(build, layer.outputs[0], values)


def _steps(build: OnnxBuilder, layer: Layer) -> tuple[Array, Array]:
    """Scale and zero point of a QuantizeLinear or DequantizeLinear."""
    scale = build.constant(layer, 1).astype(np.float32)
    zero = build.constant(layer, 2) if build.has(layer, 2) else np.zeros(scale.shape, np.uint8)
    return scale, zero


def _one_step(build: OnnxBuilder, layer: Layer) -> tuple[float, int]:
    """Scale and zero point of an activation."""
    scale, zero = _steps(build, layer)
    if scale.size != 1 or zero.dtype != np.int8 or zero.size != 1:
        build.refuse(layer, f"has {scale.size} scales of {zero.dtype}", "Quantize activations per tensor, to int8.")
    if not 0 < float(scale.ravel()[0]) < np.inf:
        build.refuse(layer, f"has a scale of {scale.ravel()[0]}", "Export the model again; it is broken.")
    return float(scale.ravel()[0]), int(zero.ravel()[0])


def _per_value(build: OnnxBuilder, layer: Layer, op: Op, name: str) -> None:
    _simple(lambda *_: op, name)(build, layer)


def _quantize(build: OnnxBuilder, layer: Layer) -> None:
    _per_value(build, layer, int8.Quantize(*_one_step(build, layer)), "quantize")


def _dequantize(build: OnnxBuilder, layer: Layer) -> None:
    scale, zero = _steps(build, layer)
    values = build.tensor(layer, 0).data
    if values is None:
        _per_value(build, layer, int8.Dequantize(*_one_step(build, layer)), "dequantize")
        return
    wide = [1] * values.ndim
    if scale.size > 1:
        wide[layer.options.get("axis", 1)] = scale.size
    real = (values.astype(np.float32) - zero.astype(np.float32).reshape(wide if zero.size > 1 else ())) * scale.reshape(
        wide if scale.size > 1 else ()
    )
    becomes(build, layer.outputs[0], real.astype(np.float32))


LAYERS: dict[str, Convert] = {
    **MORE,
    **MOVES,
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _gemm,
    "MaxPool": _pool(plane.MaxPool2d),
    "AveragePool": _pool(plane.AveragePool2d),
    "GlobalAveragePool": _global_average,
    "BatchNormalization": _batch_norm,
    "LSTM": recurrent,
    "GRU": recurrent,
    "RNN": recurrent,
    "Add": _sum,
    "Mul": _product,
    "Relu": _simple(lambda *_: vector.Relu(), "relu"),
    "Clip": _simple(_clip, "clip"),
    "Sigmoid": _simple(lambda *_: pointwise.Sigmoid(), "sigmoid"),
    "Tanh": _simple(lambda *_: pointwise.Tanh(), "tanh"),
    "Elu": _simple(lambda _, layer: Elu(float(layer.options.get("alpha", 1.0))), "elu"),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _simple(lambda *_: pointwise.HardSwish(), "hard_swish"),
    "Softmax": _softmax,
    "Identity": _same,
    "Dropout": _same,
    "Constant": _constant,
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
}
