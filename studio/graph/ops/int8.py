"""The same layers in int8: real = scale * (q - zero), with the arithmetic of `firmware_stubs/kernels/requantize.h`.

Weights are symmetric per output channel; a bias is int32 in units of s_x * s_w and has the input's zero point folded
in (bias - x_zero * sum(weight)), so the inner loop is a plain product of int8.
Output o is clamp(y_zero + round(round(sum * multiplier[o] / 2^31) * 2^shift[o]), low, high).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from studio.graph.op import Array, Op, Shape
from studio.graph.ops.conv import AveragePool1d, GlobalAverage, MaxPool1d, convolved
from studio.graph.ops.plane_s8 import Conv2dS8, DepthwiseConv2dS8, check_sums, woven, zero_point
from studio.graph.ops.vector import Flatten, Relu, per_channel, same_size
from studio.params import param


@dataclass(frozen=True, eq=False)
class Quantize(Op):
    """clamp(round(x / scale) + zero, -128, 127), halves away from zero: any shape."""

    scale: float = param(1.0, "Value of one step.", low=1e-30)
    zero: int = zero_point("output")
    gives = np.int8
    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class QuantizeChannels(Op):
    """clamp(round((x - mean) * gain) + zero, -128, 127), halves away from zero, of the last axis: any shape (..., n).

    Standardize and Quantize in one step: no float copy of the window, and no division.
    """

    mean: Array  # (n,) float32
    gain: Array  # (n,) float32: 1 / (std * scale)
    zero: int = zero_point("output")
    gives = np.int8
    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return per_channel(self, inputs[0], self.mean, self.gain)

    def args(self) -> dict[str, Any]:
        return {"mean": self.mean, "gain": self.gain, "period": len(self.mean), "zero": self.zero}


@dataclass(frozen=True, eq=False)
class Dequantize(Op):
    """scale * (q - zero): any shape."""

    scale: float = param(1.0, "Value of one step.", low=1e-30)
    zero: int = zero_point("input")
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
    x_zero: int = zero_point("input")
    y_zero: int = zero_point("output")
    low: int = param(-128, "Least output.", low=-128, high=127)
    high: int = param(127, "Greatest output.", low=-128, high=127)
    dilation: int = param(1, "Step from tap to tap.", unit="samples", low=1, high=256)
    takes = np.int8
    gives = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        return convolved(self, inputs, self.weight.shape[2], self.weight.shape[0])

    def plane(self) -> Op:
        """The same layer over two axes, with one row."""
        return self._plane

    @cached_property
    def _plane(self) -> Op:
        sides = {"stride_w": self.stride, "pad_left": self.pad_before, "pad_right": self.pad_after}
        sides["dilation_w"] = self.dilation
        rest = {
            name: getattr(self, name) for name in ("bias", "multiplier", "shift", "x_zero", "y_zero", "low", "high")
        }
        return type(self).over_two(weight=self.weight[self.axis_of_rows], **sides, **rest)

    over_two: ClassVar[Callable[..., Op]] = Conv2dS8
    axis_of_rows: ClassVar[Any] = (slice(None), None)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.plane()  # which checks the sums

    def kernel(self, n_inputs: int) -> str:
        return self.plane().kernel(n_inputs)

    def kernel_on(self, *inputs: Shape) -> str:
        return self.plane().kernel_on((1, *inputs[0]))

    def args(self) -> dict[str, Any]:
        return self.plane().args()

    def args_on(self, *inputs: Shape) -> dict[str, Any]:
        return self.plane().args_on((1, *inputs[0]))

    def dims(self, shape: Shape, output: bool) -> Shape:
        return ()

    def scratch(self, *inputs: Shape) -> int:
        return self.plane().scratch((1, *inputs[0]))

    def ahead(self, *inputs: Shape) -> int | None:
        return self.plane().ahead((1, *inputs[0]))


@dataclass(frozen=True, eq=False)
class DepthwiseConv1dS8(Conv1dS8):
    """DepthwiseConv1d in int8, per channel; `weight` is (taps, c)."""

    over_two = DepthwiseConv2dS8
    axis_of_rows = (None,)

    def shape(self, *inputs: Shape) -> Shape:
        return convolved(self, inputs, self.weight.shape[1], self.weight.shape[1])


@dataclass(frozen=True, eq=False)
class DenseS8(Op):
    """Dense in int8, per output."""

    weight: Array  # (n_out, n_in) int8
    bias: Array  # (n_out,) int32
    multiplier: Array  # (n_out,) int32
    shift: Array  # (n_out,) int8
    y_zero: int = zero_point("output")
    low: int = param(-128, "Least output.", low=-128, high=127)
    high: int = param(127, "Greatest output.", low=-128, high=127)
    takes = np.int8
    gives = np.int8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sums(self, self.weight, self.bias, 0)

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], self.weight.shape[1])
        return (self.weight.shape[0],)

    def args(self) -> dict[str, Any]:
        given = {**super().args(), "weight": woven(self.weight, 4), "bias": np.pad(self.bias, (0, -len(self.bias) % 4))}
        if self.one_scale():
            given |= {"multiplier": int(self.multiplier[0]), "shift": int(self.shift[0])}
        return given

    def one_scale(self) -> bool:
        """Whether all outputs are scaled alike, as in TensorFlow Lite's dense layers, and in the usual way."""
        return -22 <= int(self.shift[0]) <= -1 and bool(
            np.all(self.multiplier == self.multiplier[0]) and np.all(self.shift == self.shift[0])
        )

    def kernel(self, n_inputs: int) -> str:
        return "k_dense_one_s8" if self.one_scale() else "k_dense_s8"


@dataclass(frozen=True, eq=False)
class MaxPool1dS8(MaxPool1d):
    """MaxPool1d in int8; the scale stays."""

    takes = np.int8
    gives = np.int8


@dataclass(frozen=True, eq=False)
class AveragePool1dS8(AveragePool1d):
    """AveragePool1d in int8: sum(q - x_zero), scaled once by multiplier and shift (s_x / (size * s_y))."""

    x_zero: int = zero_point("input")
    multiplier: int = param(2**30, "Mantissa of the rescaling.", low=0, high=2**31 - 1)
    shift: int = param(1, "Exponent of the rescaling.", low=-31, high=30)
    y_zero: int = zero_point("output")
    takes = np.int8
    gives = np.int8


@dataclass(frozen=True, eq=False)
class GlobalAverageS8(GlobalAverage):
    """GlobalAverage in int8: sum(q - x_zero), scaled once by multiplier and shift (s_x / (n * s_y))."""

    x_zero: int = zero_point("input")
    multiplier: int = param(2**30, "Mantissa of the rescaling.", low=0, high=2**31 - 1)
    shift: int = param(1, "Exponent of the rescaling.", low=-31, high=30)
    y_zero: int = zero_point("output")
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

    zero: int = zero_point("input")
    takes = np.int8
    gives = np.int8
