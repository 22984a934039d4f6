"""Convolution and pooling over time, in float: (n, n_channels), time first."""

from dataclasses import dataclass
from typing import Any

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
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
    return (sliding(op, n + op.pad_before + op.pad_after, op.weight.shape[-2], op.stride), c_out)


@dataclass(frozen=True, eq=False)
class Conv1d(Op):
    """Cross-correlation over time: (n, c) -> ((n + pad_before + pad_after - taps) // stride + 1, c_out).

    Padding is zeros. Weights of `torch.nn.Conv1d` go in as `weight.permute(0, 2, 1)`.
    """

    weight: Array  # (c_out, taps, c) float32
    bias: Array  # (c_out,) float32
    stride: int = param(1, "Step between outputs.", unit="samples", low=1, high=64)
    pad_before: int = param(0, "Zeros before the first sample.", unit="samples", low=0, high=1024)
    pad_after: int = param(0, "Zeros after the last sample.", unit="samples", low=0, high=1024)

    def shape(self, *inputs: Shape) -> Shape:
        return convolved(self, inputs, self.weight.shape[2], self.weight.shape[0])

    def args(self) -> dict[str, Any]:
        return {
            "weight": self.weight,
            "bias": self.bias,
            "taps": self.weight.shape[1],
            "stride": self.stride,
            "pad_before": self.pad_before,
        }


@dataclass(frozen=True, eq=False)
class DepthwiseConv1d(Op):
    """Each channel with its own taps: (n, c) -> ((n + pad_before + pad_after - taps) // stride + 1, c).

    Weights of `torch.nn.Conv1d(c, c, taps, groups=c)` go in as `weight[:, 0].T`.
    """

    weight: Array  # (taps, c) float32
    bias: Array  # (c,) float32
    stride: int = param(1, "Step between outputs.", unit="samples", low=1, high=64)
    pad_before: int = param(0, "Zeros before the first sample.", unit="samples", low=0, high=1024)
    pad_after: int = param(0, "Zeros after the last sample.", unit="samples", low=0, high=1024)

    def shape(self, *inputs: Shape) -> Shape:
        return convolved(self, inputs, self.weight.shape[1], self.weight.shape[1])

    def args(self) -> dict[str, Any]:
        return {
            "weight": self.weight,
            "bias": self.bias,
            "taps": self.weight.shape[0],
            "stride": self.stride,
            "pad_before": self.pad_before,
        }


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
