"""Layers over two axes in int8: (h, w, c), with the arithmetic of `firmware_stubs/kernels/requantize.h`.

As in `int8.py` a bias has the input's zero point folded in, and a layer's sum stays within 30 bits (checked here), so
that the kernels can round twice in three instructions.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.plane import AveragePool2d, Conv2d, DepthwiseConv2d, MaxPool2d, Pad, Pool2d, three
from studio.graph.paired import paired
from studio.graph.scaling import MOST_SUM, Lines, greatest_sums, lines
from studio.params import param

MOST_LAID_OUT = 640  # bytes
STRIP = 8  # most output rows at once of a depthwise layer on cores with vectors (depthwise2d_mve.c)
LARGEST_SUM = 1 << 30
MOST_TILES = 64  # rows of them at once


def zero_point(what: str) -> Any:
    """The parameter that every int8 tensor has."""
    return param(0, f"int8 value that stands for 0 in the {what}.", low=-128, high=127)


def check_sums(op: Op, weight: Array, bias: Array, axis: int) -> None:
    """GraphError unless every sum stays below 2^30 and no weight is -128; `axis` is that of the outputs."""
    if weight.dtype != np.int8 or not weight.size:
        raise GraphError(f"Op {type(op).__name__}", f"weights are {weight.dtype} {weight.shape}", "They must be int8.")
    if int(weight.min()) == -128:
        seen = "a weight is -128"
        raise GraphError(f"Op {type(op).__name__}", seen, "Quantize it symmetrically, to -127..127, as TFLite does.")
    others = tuple(a for a in range(weight.ndim) if a != axis)
    most = 128 * np.abs(weight.astype(np.int64)).sum(axis=others) + np.abs(bias.astype(np.int64))
    if most.max() >= LARGEST_SUM:
        seen = f"a sum of up to {most.max()}"
        raise GraphError(f"Op {type(op).__name__}", seen, "Use fewer inputs per layer, or a smaller bias.")


def usual(op: Any, axis: int) -> bool:
    """Whether every output is shifted to the right by 1 to 22, and 256 times its sum fits 32 bits."""
    most = greatest_sums(op.weight, op.bias, axis).max()
    return bool(op.shift.min() >= -22 and op.shift.max() <= -1 and most <= MOST_SUM)


def woven(rows: Array, together: int) -> Array:
    """Rows (n, k) of weights as the kernels read them: `together` rows at a time, four values of each in turn.

    Zeros fill up k to a multiple of four and n to one of `together`.
    """
    n, k = rows.shape
    full = np.zeros((-(-n // together) * together, -(-k // 4) * 4), np.int8)
    full[:n, :k] = rows
    groups = full.reshape(len(full) // together, together, full.shape[1] // 4, 4)
    return np.ascontiguousarray(groups.transpose(0, 2, 1, 3))


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv2dS8(Conv2d):
    """Conv2d in int8, per output channel. Padding is x_zero."""

    multiplier: Array  # (c_out,) int32, in [2^30, 2^31) or 0
    shift: Array  # (c_out,) int8
    x_zero: int = zero_point("input")
    y_zero: int = zero_point("output")
    low: int = param(-128, "Least output.", low=-128, high=127)
    high: int = param(127, "Greatest output.", low=-128, high=127)
    tiles: int = param(0, "Rows of tiles at once, by Winograd's scheme; 0: directly.", low=0, high=MOST_TILES)
    takes = np.int8
    gives = np.int8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sums(self, self.weight, self.bias, 0)

    @cached_property
    def line(self) -> Lines | None:
        """How sums become int8 in one step, where nothing below the zero point shows and that can be proven."""
        most = greatest_sums(self.weight, self.bias, 0)
        return lines(self.multiplier, self.shift, self.y_zero, most) if self.low >= self.y_zero else None

    def kernel(self, n_inputs: int) -> str:
        if len(self.bias) > 1 and self.line is not None:
            return "k_conv2d_up_s8"
        return "k_conv2d_s8" if len(self.bias) > 1 and usual(self, 0) else "k_conv2d_any_s8"

    def kernel_on(self, *inputs: Shape) -> str:
        """The lean one where every window is inside: a model of such layers is linked without what borders need."""
        if self.tiles and self.tileable():
            return "k_conv2d_tiles_s8" if self.line is None else "k_conv2d_tiles_up_s8"
        ready = self.pointwise() or bool(self.laid_out(*inputs))
        plain = self.dilation_h == self.dilation_w == 1 and prod(self.weight.shape[2:]) % 4 == 0
        found = self.kernel(1)
        return "k_conv2d_inside_s8" if found == "k_conv2d_up_s8" and ready and plain else found

    def tileable(self) -> bool:
        """Whether winograd.c can work it out: 3 x 3 taps next to each other, and channels by fours.

        Nothing can overflow there: a sum and 256 times it fit 32 bits (`usual`, `line`), transforms fit 16.
        """
        steps = (self.stride_h, self.stride_w, self.dilation_h, self.dilation_w)
        plain = self.taps() == (3, 3) and steps == (1, 1, 1, 1) and self.weight.shape[3] % 4 == 0
        return plain and self.kernel(1) != "k_conv2d_any_s8"

    def args(self) -> dict[str, Any]:
        return self.args_on((0, 0, 0))

    def args_on(self, *inputs: Shape) -> dict[str, Any]:
        numbers = {"geometry": self.geometry(inputs[0])}
        if self.kernel(1) == "k_conv2d_any_s8":
            return {name: getattr(self, name) for name in ("weight", "bias", "multiplier", "shift")} | numbers
        rows, begin = self.weight.reshape(len(self.weight), -1), 256 * self.bias.astype(np.int64)
        if self.line is None:
            return {"rows": paired(rows, begin, (self.multiplier,), -self.shift)} | numbers
        return {"rows": paired(rows, begin + self.line.offset, (self.line.multiplier,))} | numbers

    def geometry(self, x: Shape) -> Array:
        """The layer's numbers for an input of shape `x`; where pixels are worked out alone, all lie in one row."""
        n, y = self.line.n if self.line else 0, self.shape(x) if any(x) else x
        columns = (y[1] - 1) * self.stride_w + self.taps()[1] if any(x) and self.laid_out(x) else 0
        if self.pointwise() and x[0] * x[1] < 1 << 15:
            x, y = (1, x[0] * x[1], x[2]), (1, y[0] * y[1], y[2])
        last = (self.tiles,) if self.tiles and self.tileable() else ()
        return geometry(self, x, y, n, (self.dilation_h, self.dilation_w, columns, *last))

    def pointwise(self) -> bool:
        """Whether each pixel is worked out alone: then all of them lie in one row."""
        pads = (self.pad_top, self.pad_bottom, self.pad_left, self.pad_right)
        return self.taps() == (1, 1) and not any(pads) and (self.stride_h, self.stride_w) == (1, 1)

    def dims(self, shape: Shape, output: bool) -> Shape:
        return ()

    def scratch(self, *inputs: Shape) -> int:
        """Four pixels' inputs, wide; as bytes one row of them, or all when a row is no multiple of four; and the rows
        that an output row looks at, where they are laid out."""
        if self.kernel(1) == "k_conv2d_any_s8":
            return 0
        size, row = -(-prod(self.weight.shape[1:]) // 4) * 4, prod(self.weight.shape[2:])
        direct = 8 * size + (size if row % 4 else row) + self.laid_out(*inputs)
        if not self.tiles or not self.tileable():
            return direct
        pairs, c = -(-self.tiles * -(-self.shape(*inputs)[1] // 2) // 2), inputs[0][2]
        return max(direct, pairs * (64 * c + 64) + 16 * c + c)  # cores that are faster without work directly

    def laid_out(self, *inputs: Shape) -> int:
        """Bytes of the rows that an output row looks at, with their padding; 0 where they are read from the input."""
        (_, w, c), (kh, kw) = three(self, inputs), self.taps()
        columns = (self.shape(*inputs)[1] - 1) * self.stride_w + kw
        n_bytes = kh * columns * c
        cut_off = kh > 1 and (self.pad_left > 0 or columns > w) and not (self.tiles and self.tileable())
        return n_bytes if self.dilation_w == 1 and cut_off and n_bytes <= MOST_LAID_OUT else 0

    def ahead(self, *inputs: Shape) -> int | None:
        """The output is written a few pixels at a time, in order, after what they need has been read."""
        if self.kernel(1) == "k_conv2d_any_s8":
            return None
        direct = max(self._ahead(inputs, together) for together in (2, 4))  # plain cores, and those with DSP
        return max(direct, self._ahead_in_tiles(*inputs)) if self.tiles and self.tileable() else direct

    def _ahead_in_tiles(self, *inputs: Shape) -> int:
        """Rows of tiles are written when all that they look at has been read."""
        (_, w, c), (h_out, w_out, c_out) = inputs[0], self.shape(*inputs)
        done = range(2 * self.tiles, h_out, 2 * self.tiles)
        return max((row * w_out * c_out - max(row - self.pad_top, 0) * w * c for row in done), default=0)

    def _ahead(self, inputs: tuple[Shape, ...], together: int) -> int:
        """For `together` pixels at a time: how far writing gets before the place that is read next, in bytes."""
        h, w, c = inputs[0]
        h_out, w_out, c_out = self.shape(*inputs)
        i = np.arange(h_out * w_out)
        rows = np.maximum(i // w_out * self.stride_h - self.pad_top, 0)
        columns = np.maximum(i % w_out * self.stride_w - self.pad_left, 0)
        starts = np.minimum(rows * w + columns, h * w) * c
        needed = np.minimum.accumulate(starts[::-1])[::-1]
        written = i[together::together]
        return max(0, int((written * c_out - needed[written]).max(initial=0)))


def geometry(op: Any, x: Shape, y: Shape, n: int, last: tuple[int, ...]) -> Array:
    """The numbers of a layer, as firmware_stubs/kernels/conv2d.h lists them; `n` is the shift of all its outputs."""
    names = ("stride_h", "stride_w", "pad_top", "pad_left", "x_zero", "y_zero", "low", "high")
    if max(*x, *y) > np.iinfo(np.int16).max:
        raise GraphError(f"Op {type(op).__name__}", f"gets {x} and gives {y}", "Use a shorter window.")
    return np.array([*x, *y, *op.taps(), *(getattr(op, name) for name in names), n, *last], np.int16)


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseConv2dS8(DepthwiseConv2d):
    """DepthwiseConv2d in int8, per output channel. Padding is x_zero.

    One kernel per channel without dilation is worked out in planes; any other case plainly.
    """

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
        check_sums(self, self.weight, self.bias, 2)

    @cached_property
    def line(self) -> Lines | None:
        """As Conv2dS8.line."""
        most = greatest_sums(self.weight, self.bias, 2)
        return lines(self.multiplier, self.shift, self.y_zero, most) if self.low >= self.y_zero else None

    def plain(self) -> bool:
        """Whether the kernel for every case is needed."""
        ordinary = self.times == 1 and self.dilation_h == self.dilation_w == 1
        return not ordinary or (self.line is None and not usual(self, 2))

    def kernel(self, n_inputs: int) -> str:
        if self.plain():
            return "k_depthwise_any_s8"
        if self.line is None:
            return "k_depthwise_conv2d_s8"
        small = self.taps() == (3, 3) and (self.stride_h, self.stride_w) == (1, 1)
        return "k_depthwise_3x3_s8" if small else "k_depthwise_up_s8"

    def args(self) -> dict[str, Any]:
        return self.args_on((0, 0, 0))

    def args_on(self, *inputs: Shape) -> dict[str, Any]:
        numbers = {"geometry": self.geometry(inputs[0])}
        if self.plain() or self.line is None:
            return {name: getattr(self, name) for name in ("weight", "bias", "multiplier", "shift")} | numbers
        begin = 256 * self.bias.astype(np.int64) + self.line.offset
        pairs = np.stack([begin, self.line.multiplier], axis=1).astype(np.int32)
        return {"weight": self.weight, "lines": pairs} | numbers

    def geometry(self, x: Shape) -> Array:
        """The layer's numbers for an input of shape `x`."""
        y, n = self.shape(x) if any(x) else x, self.line.n if self.line else 0
        if self.plain():
            last: tuple[int, ...] = (self.dilation_h, self.dilation_w)
        else:
            made = plane_of(self, x, y)
            last = (int(made.down), made.width, made.strip)
        return geometry(self, x, y, n, last)

    def dims(self, shape: Shape, output: bool) -> Shape:
        return ()

    def scratch(self, *inputs: Shape) -> int:
        if self.plain():
            return 0
        return plane_of(self, inputs[0], self.shape(*inputs)).n_bytes

    def ahead(self, *inputs: Shape) -> int | None:
        """In place, when an output's place belongs to a row that has been read: the output is not larger."""
        (h, w, _), (h_out, w_out, _) = three(self, inputs), self.shape(*inputs)
        return 0 if not self.plain() and h_out <= h and w_out <= w else None


@dataclass(frozen=True)
class Plane:
    """How the depthwise kernel lays out one channel: rows of `width` int16 for `strip` output rows at once.

    `down`: its rows run down the columns of x, so that the longer side lies along them.
    """

    down: bool
    width: int
    strip: int
    n_bytes: int


def plane_of(op: Any, x: Shape, y: Shape) -> Plane:
    """The plane of `op`: the whole image along its longer side where it fits the memory that a strip takes of eight
    rows of eight channels (which is what cores with vectors work on), else strips of that size."""
    (kh, kw), (h, w), (h_out, w_out) = op.taps(), (op.stride_h, op.stride_w), y[:2]
    rows = (-(-h_out // max(-(-h_out // STRIP), 1)) - 1) * h + kh  # strips of like height
    width, upright = _row_of(w_out, w, kw), _row_of(h_out, h, kh)
    room = 4 * rows * width
    if x[1] == w_out == kw == 1:  # a signal over time
        room = 4 * upright
    pairs = 8 * max(kh * ((kw + 2) // 2), kw * ((kh + 2) // 2))
    if h_out > w_out and ((w_out - 1) * w + kw) * upright <= room:
        return Plane(True, upright, w_out, 2 * room + pairs)
    return Plane(False, width, min(h_out, (room // width - kh) // h + 1), 2 * room + pairs)


def _row_of(n_out: int, stride: int, taps: int) -> int:
    """int16 in a row of a plane: pairs of taps are read from even places on."""
    return ((n_out - 1) * stride + 2 * ((taps + 2) // 2) + 1) & ~1


@dataclass(frozen=True, eq=False)
class PoolS8(Pool2d):
    """A pool in int8; the scale stays."""

    low: int = param(-128, "Least output.", low=-128, high=127)
    high: int = param(127, "Greatest output.", low=-128, high=127)
    takes = np.int8
    gives = np.int8

    def args(self) -> dict[str, Any]:
        return {**super().args(), "low": self.low, "high": self.high}

    def ahead(self, *inputs: Shape) -> int | None:
        """Outputs are written one pixel at a time, in order, none of them into its own pool."""
        (h, w, c), (h_out, w_out, _) = three(self, inputs), self.shape(*inputs)
        i = np.arange(h_out * w_out)
        rows = np.maximum(i // w_out * self.stride_h - self.pad_top, 0)
        starts = rows * w + np.maximum(i % w_out * self.stride_w - self.pad_left, 0)
        needed = np.minimum.accumulate(np.minimum(starts, h * w)[::-1])[::-1]
        return int((i + 1 - needed).max()) * c if (i + 1 - needed).max() > 0 else 0


@dataclass(frozen=True, eq=False)
class MaxPool2dS8(PoolS8, MaxPool2d):
    """MaxPool2d in int8; the scale stays."""


@dataclass(frozen=True, eq=False)
class AveragePool2dS8(PoolS8, AveragePool2d):
    """AveragePool2d in int8, halves away from zero; the scale stays."""


@dataclass(frozen=True, eq=False)
class Mean2dS8(Op):
    """Mean over both axes: (h, w, c) -> (c,); sum(q - x_zero), scaled by multiplier and shift."""

    x_zero: int = zero_point("input")
    multiplier: int = param(2**30, "Mantissa of the rescaling.", low=0, high=2**31 - 1)
    shift: int = param(1, "Exponent of the rescaling.", low=-31, high=30)
    y_zero: int = zero_point("output")
    takes = np.int8
    gives = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        return (three(self, inputs)[2],)


@dataclass(frozen=True, eq=False)
class PadS8(Pad):
    """Pad in int8."""

    value: int = param(0, "What the border holds.", low=-128, high=127)
    takes = np.int8
    gives = np.int8
