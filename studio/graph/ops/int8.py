"""The same layers in int8: real = scale * (q - zero), with the arithmetic of `firmware_stubs/kernels/requantize.h`.

Weights are symmetric per output channel; a bias is int32 in units of s_x * s_w and has the input's zero point folded
in (bias - x_zero * sum(weight)), so the inner loop is a plain product of int8.
Output o is clamp(y_zero + round(round(sum * multiplier[o] / 2^31) * 2^shift[o]), low, high).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.graph.op import Array, Op, Shape
from studio.graph.ops.conv import AveragePool1d, GlobalAverage, MaxPool1d, convolved
from studio.graph.ops.vector import Flatten, Relu, per_channel, same_size
from studio.params import param


def _zero(what: str) -> Any:
    return param(0, f"int8 value that stands for 0 in the {what}.", low=-128, high=127)


@dataclass(frozen=True, eq=False)
class Quantize(Op):
    """clamp(round(x / scale) + zero, -128, 127), halves away from zero: any shape."""

    scale: float = param(1.0, "Value of one step.", low=1e-30)
    zero: int = _zero("output")
    gives = np.int8
    elementwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class QuantizeChannels(Op):
    """clamp(round((x - mean) * gain) + zero, -128, 127), halves away from zero, of the last axis: any shape (..., n).

    Standardize and Quantize in one step: no float copy of the window, and no division.
    """

    mean: Array  # (n,) float32
    gain: Array  # (n,) float32: 1 / (std * scale)
    zero: int = _zero("output")
    gives = np.int8
    elementwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return per_channel(self, inputs[0], self.mean, self.gain)

    def args(self) -> dict[str, Any]:
        return {"mean": self.mean, "gain": self.gain, "period": len(self.mean), "zero": self.zero}


@dataclass(frozen=True, eq=False)
class Dequantize(Op):
    """scale * (q - zero): any shape."""

    scale: float = param(1.0, "Value of one step.", low=1e-30)
    zero: int = _zero("input")
    takes = np.int8
    elementwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Conv1dS8(Op):
    """Conv1d in int8, per output channel."""

    weight: Array  # (c_out, taps, c) int8
    bias: Array  # (c_out,) int32
    multiplier: Array  # (c_out,) int32, in [2^30, 2^31) or 0
    shift: Array  # (c_out,) int8
    stride: int = param(1, "Step between outputs.", unit="samples", low=1, high=64)
    pad_before: int = param(0, "Samples of x_zero before the first.", unit="samples", low=0, high=1024)
    pad_after: int = param(0, "Samples of x_zero after the last.", unit="samples", low=0, high=1024)
    x_zero: int = _zero("input")
    y_zero: int = _zero("output")
    low: int = param(-128, "Least output.", low=-128, high=127)
    high: int = param(127, "Greatest output.", low=-128, high=127)
    takes = np.int8
    gives = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        return convolved(self, inputs, self.weight.shape[2], self.weight.shape[0])

    def args(self) -> dict[str, Any]:
        names = ("stride", "pad_before", "x_zero", "y_zero", "low", "high")
        arrays = {name: getattr(self, name) for name in ("weight", "bias", "multiplier", "shift")}
        return {**arrays, "taps": self.weight.shape[-2], **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True, eq=False)
class DepthwiseConv1dS8(Conv1dS8):
    """DepthwiseConv1d in int8, per channel; `weight` is (taps, c)."""

    def shape(self, *inputs: Shape) -> Shape:
        return convolved(self, inputs, self.weight.shape[1], self.weight.shape[1])


@dataclass(frozen=True, eq=False)
class DenseS8(Op):
    """Dense in int8, per output."""

    weight: Array  # (n_out, n_in) int8
    bias: Array  # (n_out,) int32
    multiplier: Array  # (n_out,) int32
    shift: Array  # (n_out,) int8
    y_zero: int = _zero("output")
    low: int = param(-128, "Least output.", low=-128, high=127)
    high: int = param(127, "Greatest output.", low=-128, high=127)
    takes = np.int8
    gives = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], self.weight.shape[1])
        return (self.weight.shape[0],)


@dataclass(frozen=True, eq=False)
class MaxPool1dS8(MaxPool1d):
    """MaxPool1d in int8; the scale stays."""

    takes = np.int8
    gives = np.int8


@dataclass(frozen=True, eq=False)
class AveragePool1dS8(AveragePool1d):
    """AveragePool1d in int8: sum(q - x_zero), scaled once by multiplier and shift (s_x / (size * s_y))."""

    x_zero: int = _zero("input")
    multiplier: int = param(2**30, "Mantissa of the rescaling.", low=0, high=2**31 - 1)
    shift: int = param(1, "Exponent of the rescaling.", low=-31, high=30)
    y_zero: int = _zero("output")
    takes = np.int8
    gives = np.int8


@dataclass(frozen=True, eq=False)
class GlobalAverageS8(GlobalAverage):
    """GlobalAverage in int8: sum(q - x_zero), scaled once by multiplier and shift (s_x / (n * s_y))."""

    x_zero: int = _zero("input")
    multiplier: int = param(2**30, "Mantissa of the rescaling.", low=0, high=2**31 - 1)
    shift: int = param(1, "Exponent of the rescaling.", low=-31, high=30)
    y_zero: int = _zero("output")
    takes = np.int8
    gives = np.int8


@dataclass(frozen=True, eq=False)
class FlattenS8(Flatten):
    """Any shape of int8 -> (n,)."""

    takes = np.int8
    gives = np.int8


@dataclass(frozen=True, eq=False)
class ReluS8(Relu):
    """Greater of q and zero: any shape."""

    zero: int = _zero("input")
    takes = np.int8
    gives = np.int8
