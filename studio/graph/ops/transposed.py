"""Transposed convolution over two axes (h, w, c), in float and in int8: layers that make a map larger."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.plane import three
from studio.graph.ops.plane_s8 import check_sums, zero_point
from studio.params import param


@dataclass(frozen=True, eq=False, kw_only=True)
class TransposedConv2d(Op):
    """(h, w, c) -> (h_out, w_out, c_out): pixel (i, j) adds its kernels from row i * stride_h - pad_top on.

    References: `torch.nn.functional.conv_transpose2d`, whose weight goes in as `weight.permute(1, 2, 3, 0)`.
    """

    weight: Array  # (c_out, kh, kw, c)
    bias: Array  # (c_out,)
    h_out: int = param(1, "Rows of the output.", low=1, high=4096)
    w_out: int = param(1, "Columns of the output.", low=1, high=4096)
    stride_h: int = param(1, "Rows of the output from one input row to the next.", low=1, high=64)
    stride_w: int = param(1, "Columns of the output from one input column to the next.", low=1, high=64)
    pad_top: int = param(0, "Rows cut off above.", low=0, high=1024)
    pad_left: int = param(0, "Columns cut off before.", low=0, high=1024)

    def shape(self, *inputs: Shape) -> Shape:
        c = three(self, inputs)[2]
        if c != self.weight.shape[3]:
            seen = f"gets {c} channels for {self.weight.shape[3]}"
            raise GraphError(f"Op {type(self).__name__}", seen, "Train again after changing the channels.")
        return (self.h_out, self.w_out, int(self.weight.shape[0]))

    def args(self) -> dict[str, Any]:
        kh, kw = self.weight.shape[1:3]
        names = ("stride_h", "stride_w", "pad_top", "pad_left")
        numbers = {name: getattr(self, name) for name in names}
        return {"weight": self.weight, "bias": self.bias, "kh": kh, "kw": kw, **numbers}


@dataclass(frozen=True, eq=False, kw_only=True)
class TransposedConv2dS8(TransposedConv2d):
    """TransposedConv2d in int8, per output channel. How many kernels meet in an output differs from place to place, so
    the input's zero point is not in the bias here."""

    multiplier: Array  # (c_out,) int32
    shift: Array  # (c_out,) int8
    x_zero: int = zero_point("input")
    y_zero: int = zero_point("output")
    low: int = param(-128, "Least output.", low=-128, high=127)
    high: int = param(127, "Greatest output.", low=-128, high=127)
    takes = np.int8
    gives = np.int8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sums(self, self.weight, 2 * np.abs(self.bias.astype(np.int64)), 0)

    def args(self) -> dict[str, Any]:
        given = super().args()
        arrays = {name: getattr(self, name) for name in ("weight", "bias", "multiplier", "shift")}
        bounds = {name: getattr(self, name) for name in ("x_zero", "y_zero", "low", "high")}
        return {**arrays, **{k: v for k, v in given.items() if k not in arrays}, **bounds}
