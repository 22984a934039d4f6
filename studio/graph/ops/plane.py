"""Layers over two axes in float: (h, w, c). Padding is given as it is; an importer works it out from "same" or "valid".

A kernel's output (i, j) begins at row i * stride_h - pad_top and column j * stride_w - pad_left.
"""

from dataclasses import dataclass
from typing import Any

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.params import param


def three(op: Op, inputs: tuple[Shape, ...]) -> Shape:
    """(h, w, c) of the only input; GraphError for any other shape."""
    if len(inputs) != 1 or len(inputs[0]) != 3 or min(inputs[0]) < 1:
        raise GraphError(f"Op {type(op).__name__}", f"gets {inputs}", "It takes one input of shape (h, w, c).")
    return inputs[0]


@dataclass(frozen=True, eq=False)
class Pad(Op):
    """A border of `value`: (h, w, c) -> (top + h + bottom, left + w + right, front + c + back)."""

    top: int = param(0, "Rows above.", low=0, high=4096)
    bottom: int = param(0, "Rows below.", low=0, high=4096)
    left: int = param(0, "Columns before.", low=0, high=4096)
    right: int = param(0, "Columns after.", low=0, high=4096)
    front: int = param(0, "Channels before.", low=0, high=4096)
    back: int = param(0, "Channels after.", low=0, high=4096)
    value: float = 0.0

    def shape(self, *inputs: Shape) -> Shape:
        h, w, c = three(self, inputs)
        return (h + self.top + self.bottom, w + self.left + self.right, c + self.front + self.back)

    def args(self) -> dict[str, Any]:
        return {"top": self.top, "left": self.left, "front": self.front, "value": self.value}


@dataclass(frozen=True, eq=False)
class Sliding(Op):
    """What slides over two axes: sizes, steps, padding."""

    stride_h: int = param(1, "Rows from one output to the next.", low=1, high=1024)
    stride_w: int = param(1, "Columns from one output to the next.", low=1, high=1024)
    pad_top: int = param(0, "Rows above.", low=0, high=1024)
    pad_bottom: int = param(0, "Rows below.", low=0, high=1024)
    pad_left: int = param(0, "Columns before.", low=0, high=1024)
    pad_right: int = param(0, "Columns after.", low=0, high=1024)

    def size(self) -> tuple[int, int]:
        """Rows and columns that one output looks at, dilation included."""
        raise NotImplementedError

    def slid(self, h: int, w: int) -> tuple[int, int]:
        """Rows and columns of the output; GraphError when the kernel does not fit."""
        kh, kw = self.size()
        rows, columns = h + self.pad_top + self.pad_bottom - kh, w + self.pad_left + self.pad_right - kw
        if rows < 0 or columns < 0:
            seen = f"a kernel of {kh} x {kw} on {h} x {w}"
            raise GraphError(f"Op {type(self).__name__}", seen, "Use a longer window or a smaller kernel.")
        return rows // self.stride_h + 1, columns // self.stride_w + 1


@dataclass(frozen=True, eq=False)
class Pool2d(Sliding):
    """One value per channel and place, of kh x kw neighbours: (h, w, c) -> (h_out, w_out, c). Padding takes no part."""

    kh: int = param(2, "Rows of a pool.", low=1, high=4096)
    kw: int = param(2, "Columns of a pool.", low=1, high=4096)

    def size(self) -> tuple[int, int]:
        return self.kh, self.kw

    def shape(self, *inputs: Shape) -> Shape:
        h, w, c = three(self, inputs)
        if max(self.pad_top, self.pad_bottom) >= self.kh or max(self.pad_left, self.pad_right) >= self.kw:
            seen = "padding as large as the pool"
            raise GraphError(f"Op {type(self).__name__}", seen, "Every pool must meet a value.")
        return (*self.slid(h, w), c)

    def args(self) -> dict[str, Any]:
        names = ("kh", "kw", "stride_h", "stride_w", "pad_top", "pad_left")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, eq=False)
class MaxPool2d(Pool2d):
    """Greatest of kh x kw neighbours: (h, w, c) -> (h_out, w_out, c)."""


@dataclass(frozen=True, eq=False)
class AveragePool2d(Pool2d):
    """Mean of those of kh x kw neighbours that are inside: (h, w, c) -> (h_out, w_out, c)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv2d(Sliding):
    """Cross-correlation: (h, w, c) -> (h_out, w_out, c_out). Padding is zeros."""

    weight: Array  # (c_out, kh, kw, c) float32
    bias: Array  # (c_out,) float32
    dilation_h: int = param(1, "Rows from tap to tap.", low=1, high=256)
    dilation_w: int = param(1, "Columns from tap to tap.", low=1, high=256)

    def taps(self) -> tuple[int, int]:
        """Rows and columns of the kernel."""
        return self.weight.shape[1], self.weight.shape[2]

    def size(self) -> tuple[int, int]:
        kh, kw = self.taps()
        return (kh - 1) * self.dilation_h + 1, (kw - 1) * self.dilation_w + 1

    def channels(self, c: int) -> int:
        """Channels of the output for `c` of the input; GraphError when the weights were made for another number."""
        if c != self.weight.shape[3]:
            seen = f"gets {c} channels for {self.weight.shape[3]}"
            raise GraphError(f"Op {type(self).__name__}", seen, "Train again after changing the channels.")
        return int(self.weight.shape[0])

    def shape(self, *inputs: Shape) -> Shape:
        h, w, c = three(self, inputs)
        return (*self.slid(h, w), self.channels(c))

    def args(self) -> dict[str, Any]:
        names = ("stride_h", "stride_w", "dilation_h", "dilation_w", "pad_top", "pad_left")
        kh, kw = self.taps()
        numbers = {name: getattr(self, name) for name in names}
        return {"weight": self.weight, "bias": self.bias, "kh": kh, "kw": kw, **numbers}


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseConv2d(Conv2d):
    """Each channel with its own kernels, `times` of them: (h, w, c) -> (h_out, w_out, c * times).

    `weight` is (kh, kw, c * times); output o belongs to channel o // times.
    """

    times: int = param(1, "Outputs of one channel.", low=1, high=4096)

    def taps(self) -> tuple[int, int]:
        return self.weight.shape[0], self.weight.shape[1]

    def channels(self, c: int) -> int:
        if c * self.times != self.weight.shape[2]:
            seen = f"gets {c} channels for {self.weight.shape[2] // self.times}"
            raise GraphError(f"Op {type(self).__name__}", seen, "Train again after changing the channels.")
        return int(self.weight.shape[2])
