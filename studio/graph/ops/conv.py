"""Convolution and pooling over time, in float: (n, n_channels), time first."""

from dataclasses import dataclass
from typing import Any

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.plane import Conv2d, DepthwiseConv2d
from studio.graph.ops.statistics import time_first
from studio.params import param


def sliding(op: Op, n: int, taps: int, stride: int) -> int:
    """How many outputs a kernel of `taps` gives on `n` samples; GraphError when none."""
    if n < taps:
        raise GraphError(f"Op {type(op).__name__}", f"{taps} taps on {n} samples", "Use a longer window or fewer taps.")
    return (n - taps) // stride + 1


def convolved(op: Any, inputs: tuple[Shape, ...], c_in: int, c_out: int) -> Shape:
    """(n_out, c_out) of a convolution `op` whose weights are (..., taps, c) and were made for `c_in` channels."""
    n, c = time_first(op, inputs)
    if c != c_in:
        seen = f"gets {c} channels for {c_in}"
        raise GraphError(f"Op {type(op).__name__}", seen, "Train again after changing the channels.")
    taps = (op.weight.shape[-2] - 1) * op.dilation + 1
    return (sliding(op, n + op.pad_before + op.pad_after, taps, op.stride), c_out)


@dataclass(frozen=True, eq=False)
class Conv1d(Op):
    """Cross-correlation over time: (n, c) -> ((n + pad_before + pad_after - reach) // stride + 1, c_out).

    Padding is zeros; reach is (taps - 1) * dilation + 1, and a causal layer has pad_before = reach - 1. Weights of
    `torch.nn.Conv1d` go in as `weight.permute(0, 2, 1)`.
    """

    weight: Array  # (c_out, taps, c) float32
    bias: Array  # (c_out,) float32
    stride: int = param(1, "Step between outputs.", unit="samples", low=1, high=64)
    pad_before: int = param(0, "Zeros before the first sample.", unit="samples", low=0, high=1024)
    pad_after: int = param(0, "Zeros after the last sample.", unit="samples", low=0, high=1024)
    dilation: int = param(1, "Step from tap to tap.", unit="samples", low=1, high=256)

    def shape(self, *inputs: Shape) -> Shape:
        return convolved(self, inputs, self.weight.shape[2], self.weight.shape[0])

    def over_two(self) -> Op:
        """The same layer over two axes, with one row: what it is worked out as when it is dilated."""
        sides = {"stride_w": self.stride, "pad_left": self.pad_before, "pad_right": self.pad_after}
        return Conv2d(weight=self.weight[:, None], bias=self.bias, dilation_w=self.dilation, **sides)

    def kernel(self, n_inputs: int) -> str:
        return self.over_two().kernel(n_inputs) if self.dilation > 1 else super().kernel(n_inputs)

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (1, *shape) if self.dilation > 1 else shape

    def args(self) -> dict[str, Any]:
        if self.dilation > 1:
            return self.over_two().args()
        return {
            "weight": self.weight,
            "bias": self.bias,
            "taps": self.weight.shape[-2],
            "stride": self.stride,
            "pad_before": self.pad_before,
        }


@dataclass(frozen=True, eq=False)
class DepthwiseConv1d(Conv1d):
    """Each channel with its own taps: (n, c) -> ((n + pad_before + pad_after - reach) // stride + 1, c).

    `weight` is (taps, c); that of `torch.nn.Conv1d(c, c, taps, groups=c)` goes in as `weight[:, 0].T`.
    """

    def shape(self, *inputs: Shape) -> Shape:
        return convolved(self, inputs, self.weight.shape[1], self.weight.shape[1])

    def over_two(self) -> Op:
        sides = {"stride_w": self.stride, "pad_left": self.pad_before, "pad_right": self.pad_after}
        return DepthwiseConv2d(weight=self.weight[None], bias=self.bias, dilation_w=self.dilation, **sides)


@dataclass(frozen=True, eq=False)
class MaxPool1d(Op):
    """Greatest of `size` neighbours in time: (n, c) -> ((n - size) // stride + 1, c)."""

    size: int = param(2, "Samples in one pool.", unit="samples", low=1, high=1024)
    stride: int = param(2, "Step between pools.", unit="samples", low=1, high=1024)

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        return (sliding(self, n, self.size, self.stride), c)


@dataclass(frozen=True, eq=False)
class AveragePool1d(Op):
    """Mean of `size` neighbours in time: (n, c) -> ((n - size) // stride + 1, c)."""

    size: int = param(2, "Samples in one pool.", unit="samples", low=1, high=1024)
    stride: int = param(2, "Step between pools.", unit="samples", low=1, high=1024)

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        return (sliding(self, n, self.size, self.stride), c)


@dataclass(frozen=True, eq=False)
class GlobalAverage(Op):
    """Mean over time: (n, c) -> (c,)."""

    def shape(self, *inputs: Shape) -> Shape:
        return (time_first(self, inputs)[1],)
