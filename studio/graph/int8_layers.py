"""Float layers as int8 layers: what steps a tensor's values are given, and how each kind of layer is turned.

The scheme is TensorFlow Lite's: activations affine int8 per tensor, weights symmetric int8 per output channel, int32
bias, double rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import frexp
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops import int8, plane, plane_s8, pointwise, transposed
from studio.graph.ops.conv import AveragePool1d, Conv1d, DepthwiseConv1d, GlobalAverage, MaxPool1d
from studio.graph.ops.vector import Dense, Flatten, Relu

WHOLE = 1e-3  # how near to a whole number of steps counts as one
FEWEST = 4  # weights of an output: fewer may lie on such steps by chance
SHRINKS = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)  # shares of the seen range that are tried


@dataclass(frozen=True)
class Steps:
    """How a tensor's int8 values are meant: real = scale * (q - zero)."""

    scale: float
    zero: int


def steps(values: Array) -> Steps:
    """The steps that lose least of `values` (in squares): their range with 0 in it, or a part of that."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if not np.isfinite(high - low):
        raise GraphError("Quantization", "a stage gives values that are not finite", "Train again with a lower rate.")
    if high == low:
        return Steps(1.0, 0)
    tried = [_between(low * s, high * s) for s in SHRINKS]
    return min(tried, key=lambda t: _loss(values, t))


def _between(low: float, high: float) -> Steps:
    scale = float(np.float32((high - low) / 255))
    return Steps(scale, int(np.clip(np.rint(-128 - low / scale), -128, 127)))


def _loss(values: Array, t: Steps) -> float:
    q = np.clip(np.rint(values / np.float32(t.scale)) + t.zero, -128, 127)
    return float(np.mean((values - (q - t.zero) * np.float32(t.scale)) ** 2))


def multiplier(ratio: float) -> tuple[int, int]:
    """(mantissa, shift) with ratio = mantissa * 2^(shift - 31) and mantissa in [2^30, 2^31); (0, 0) when too small."""
    mantissa, shift = frexp(ratio)
    m = round(mantissa * 2**31)
    if m == 2**31:
        m, shift = m // 2, shift + 1
    if shift > 30:
        raise GraphError("Quantization", f"a layer scales its sum by {ratio:g}", "Train again with standardized input.")
    return (m, shift) if shift >= -31 else (0, 0)


def most_steps(weight: Array, axis: int) -> Array:
    """For each output, of how many equal steps its greatest weight is: 127, or fewer when all its weights are whole
    numbers of them already, as in a network that was quantized before."""
    rows = np.abs(np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)).astype(np.float64)
    found = np.full(len(rows), 127)
    greatest = np.maximum(rows.max(axis=1, keepdims=True), 1e-30)
    for n in range(126, 0, -1) if rows.shape[1] >= FEWEST else ():
        steps = rows / greatest * n
        found[np.abs(steps - np.rint(steps)).max(axis=1) < WHOLE] = n
    return found


def _layer(op: Any, x: Steps, y: Steps, rectified: bool, axis: int) -> dict[str, Any]:
    """The arrays and bounds that every int8 layer has; `axis` is that of the weight's output channels."""
    others = tuple(a for a in range(op.weight.ndim) if a != axis)
    greatest = np.abs(op.weight).max(axis=others).astype(np.float64)
    # A channel with hardly a weight still needs steps in which its bias fits int32.
    scale = np.maximum(np.maximum(greatest / most_steps(op.weight, axis), np.abs(op.bias) / (x.scale * 2.0**28)), 1e-30)
    wide = scale.reshape([-1 if a == axis else 1 for a in range(op.weight.ndim)])
    weight = np.clip(np.rint(op.weight / wide), -127, 127).astype(np.int8)
    bias = np.rint(op.bias / (x.scale * scale)) - x.zero * weight.sum(axis=others, dtype=np.int64)
    pairs = [multiplier(float(x.scale * s / y.scale)) for s in scale]
    return {
        "weight": weight,
        "bias": bias.astype(np.int32),
        "multiplier": np.array([m for m, _ in pairs], np.int32),
        "shift": np.array([s for _, s in pairs], np.int8),
        "y_zero": y.zero,
        **_bounds(y, rectified),
    }


def _bounds(y: Steps, rectified: bool) -> dict[str, int]:
    return {"low": y.zero if rectified else -128, "high": 127}


def _conv(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    to, axis = (int8.DepthwiseConv1dS8, 1) if isinstance(op, DepthwiseConv1d) else (int8.Conv1dS8, 0)
    names = ("stride", "pad_before", "pad_after", "dilation")
    given = {name: getattr(op, name) for name in names}
    return to(**_layer(op, xs[0], y, rectified, axis), **given, x_zero=xs[0].zero)


def _plane(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    deep = isinstance(op, plane.DepthwiseConv2d)
    names = ("stride_h", "stride_w", "dilation_h", "dilation_w", "pad_top", "pad_bottom", "pad_left", "pad_right")
    given = {name: getattr(op, name) for name in (*names, *(("times",) if deep else ()))}
    to = plane_s8.DepthwiseConv2dS8 if deep else plane_s8.Conv2dS8
    return to(**_layer(op, xs[0], y, rectified, 2 if deep else 0), **given, x_zero=xs[0].zero)


def _transposed(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    names = ("h_out", "w_out", "stride_h", "stride_w", "pad_top", "pad_left")
    layer = _layer(op, Steps(xs[0].scale, 0), y, rectified, 0)  # with no zero point in the bias
    return transposed.TransposedConv2dS8(**layer, **{name: getattr(op, name) for name in names}, x_zero=xs[0].zero)


def _dense(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    return int8.DenseS8(**_layer(op, xs[0], y, rectified, 0))


def _add(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    a, b = xs
    twice = 2 * max(a.scale, b.scale)
    (ma, sa), (mb, sb) = multiplier(a.scale / twice), multiplier(b.scale / twice)
    m, shift = multiplier(twice / (2**20 * y.scale))
    return pointwise.AddS8(a.zero, ma, sa, b.zero, mb, sb, m, shift, y.zero, **_bounds(y, rectified))


def _multiply(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    a, b = xs
    scaled = multiplier(a.scale * b.scale / y.scale)
    return pointwise.MultiplyS8(a.zero, b.zero, *scaled, y.zero, **_bounds(y, rectified))


def _average(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    whole = isinstance(op, GlobalAverage)
    m, shift = multiplier(xs[0].scale / y.scale / (shape[0] if whole else op.size))
    given = {"x_zero": xs[0].zero, "multiplier": m, "shift": shift, "y_zero": y.zero}
    return int8.GlobalAverageS8(**given) if whole else int8.AveragePool1dS8(op.size, op.stride, **given)


def _lookup(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    """A function of one value as the table of its 256 values."""
    real = ((np.arange(-128, 128) - xs[0].zero) * xs[0].scale).astype(np.float32)
    q = np.rint(op.run(real[None])[0].astype(np.float64) / y.scale) + y.zero
    return pointwise.LookupS8(np.clip(q, -128, 127).astype(np.int8))


def keeps_steps(op: Any, xs: tuple[Steps, ...], y: Steps, rectified: bool, shape: Shape) -> Op:
    """An op whose output has the steps of its input."""
    x = xs[0]
    match op:
        case MaxPool1d():
            return int8.MaxPool1dS8(op.size, op.stride)
        case Relu():
            return int8.ReluS8(x.zero)
        case plane.MaxPool2d() | plane.AveragePool2d():
            to = plane_s8.MaxPool2dS8 if isinstance(op, plane.MaxPool2d) else plane_s8.AveragePool2dS8
            return to(**{f.name: getattr(op, f.name) for f in fields(op)})
        case plane.Pad():
            value = int(np.clip(np.rint(op.value / x.scale) + x.zero, -128, 127))
            return plane_s8.PadS8(op.top, op.bottom, op.left, op.right, op.front, op.back, value)
        case pointwise.Reshape():
            return pointwise.ReshapeS8(op.to)
        case pointwise.Pick():
            return pointwise.PickS8(op.to, op.steps, op.start)
        case _:
            return int8.FlattenS8()


Convert = Callable[[Any, tuple[Steps, ...], Steps, bool, Shape], Op]
#: Layers that are worth turning into int8, and ops that follow when their inputs are int8 already.
LAYERS: dict[type[Op], Convert] = {
    Conv1d: _conv,
    DepthwiseConv1d: _conv,
    plane.Conv2d: _plane,
    plane.DepthwiseConv2d: _plane,
    transposed.TransposedConv2d: _transposed,
    Dense: _dense,
}
FOLLOW: dict[type[Op], Convert] = {
    MaxPool1d: keeps_steps,
    plane.MaxPool2d: keeps_steps,
    plane.AveragePool2d: keeps_steps,
    plane.Pad: keeps_steps,
    pointwise.Reshape: keeps_steps,
    pointwise.Pick: keeps_steps,
    Flatten: keeps_steps,
    Relu: keeps_steps,
    AveragePool1d: _average,
    GlobalAverage: _average,
    pointwise.Add: _add,
    pointwise.Multiply: _multiply,
    pointwise.Sigmoid: _lookup,
    pointwise.Tanh: _lookup,
    pointwise.Clip: _lookup,
    pointwise.HardSwish: _lookup,
}
#: Ops that a Relu right behind them becomes the lower bound of.
RECTIFY = (*LAYERS, pointwise.Add, pointwise.Multiply)
