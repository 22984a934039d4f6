"""Ops that take one value at a time, or only move values: sums, products, tables, reshapes, slices."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.plane_s8 import zero_point
from studio.graph.product import PAIRS, Line, line_through, products
from studio.params import param


def alike(op: Op, inputs: tuple[Shape, ...]) -> Shape:
    """The shape that both inputs have; GraphError when they differ."""
    if len(inputs) != 2 or inputs[0] != inputs[1]:
        raise GraphError(f"Op {type(op).__name__}", f"gets {inputs}", "It takes two inputs of the same shape.")
    return inputs[0]


@dataclass(frozen=True, eq=False)
class Add(Op):
    """a + b: two of any shape."""

    elementwise = True
    overwrites = (0, 1)

    def shape(self, *inputs: Shape) -> Shape:
        return alike(self, inputs)


@dataclass(frozen=True, eq=False)
class Multiply(Op):
    """a * b: two of any shape."""

    elementwise = True
    overwrites = (0, 1)

    def shape(self, *inputs: Shape) -> Shape:
        return alike(self, inputs)


def doubling_high_multiply(a: Array, b: int) -> Array:
    """a * b / 2^31 to the nearest, halves up."""
    return (a.astype(np.int64) * b + (1 << 30)) >> 31


def rounding_shift(x: Array, n: int) -> Array:
    """x / 2^n to the nearest, halves away from zero."""
    mask = (1 << n) - 1
    found: Array = (x >> n) + ((x & mask) > ((mask >> 1) + (x < 0)))
    return found


def rescale(x: Array, multiplier: int, shift: int) -> Array:
    """As `firmware_stubs/kernels/requantize.h`."""
    raised = ((x << max(shift, 0)) + 2**31) % 2**32 - 2**31
    return rounding_shift(doubling_high_multiply(raised, multiplier), max(-shift, 0))


@dataclass(frozen=True, eq=False)
class AddS8(Op):
    """a + b in int8, each of its own scale: two of any shape.

    Most sums have a line (a * a_gain + b * b_gain + offset) >> shift that gives the same for all 65536 pairs; it is
    looked for when the op is first used, tried on all of them, and then takes the place of the long arithmetic.
    """

    a_zero: int = zero_point("first input")
    a_multiplier: int = param(2**30, "Mantissa of the first input's scale.", low=-(2**31), high=2**31 - 1)
    a_shift: int = param(0, "Its exponent.", low=-31, high=11)
    b_zero: int = zero_point("second input")
    b_multiplier: int = param(2**30, "Mantissa of the second input's scale.", low=-(2**31), high=2**31 - 1)
    b_shift: int = param(0, "Its exponent.", low=-31, high=11)
    multiplier: int = param(2**30, "Mantissa of the sum's rescaling.", low=0, high=2**31 - 1)
    shift: int = param(-19, "Its exponent.", low=-31, high=30)
    y_zero: int = zero_point("output")
    low: int = param(-128, "Least output.", low=-128, high=127)
    high: int = param(127, "Greatest output.", low=-128, high=127)
    takes = np.int8
    gives = np.int8
    elementwise = True
    overwrites = (0, 1)

    def shape(self, *inputs: Shape) -> Shape:
        return alike(self, inputs)

    def kernel(self, n_inputs: int) -> str:
        return "k_add_s8" if self.line is None else "k_add_line_s8"

    def args(self) -> dict[str, Any]:
        if self.line is None:
            return super().args()
        names = ("a_gain", "b_gain", "offset", "shift")
        return {**dict(zip(names, self.line, strict=True)), "low": self.low, "high": self.high}

    def every_pair(self) -> Array:
        """(256, 256) outputs, before the bounds, by the definition: a from -128 on in rows, b in columns."""
        a = rescale((PAIRS - self.a_zero) << 20, self.a_multiplier, self.a_shift)
        b = rescale((PAIRS - self.b_zero) << 20, self.b_multiplier, self.b_shift)
        q = rescale(a[:, None] + b[None, :], self.multiplier, self.shift) + self.y_zero
        return np.asarray(np.clip(q, -128, 127))

    @cached_property
    def line(self) -> tuple[int, int, int, int] | None:
        """(a_gain, b_gain, offset, shift), or None where no such line was found."""
        want = self.every_pair()
        scale = self.multiplier * 2.0 ** (self.shift - 31 + 20)
        real_a = self.a_multiplier * 2.0 ** (self.a_shift - 31) * scale
        real_b = self.b_multiplier * 2.0 ** (self.b_shift - 31) * scale
        offset = abs(self.y_zero) + 1 + 128 * (abs(real_a) + abs(real_b))
        shift = int(np.floor(31 - np.log2(128 * (abs(real_a) + abs(real_b)) + offset)))
        if not 8 <= shift <= 28:
            return None
        gains, room = self._best_gains(want, real_a * 2.0**shift, real_b * 2.0**shift, shift)
        found = (*gains, room[0], shift)
        fits = 128 * (abs(found[0]) + abs(found[1])) + abs(found[2]) < 2**31
        tried = np.clip((PAIRS[:, None] * found[0] + PAIRS[None, :] * found[1] + found[2]) >> shift, -128, 127)
        return found if fits and np.array_equal(tried, want) else None

    @staticmethod
    def _best_gains(want: Array, a: float, b: float, shift: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Whole gains near (a, b) that leave the offset most room, and the least and greatest offset for them.

        The room is concave in the gains, so a search in steps that get smaller finds its top.
        """
        low = np.where(want > -128, want << shift, -(2**62))
        high = np.where(want < 127, ((want + 1) << shift) - 1, 2**62)

        def room(gains: tuple[int, int]) -> tuple[int, int]:
            line = PAIRS[:, None] * gains[0] + PAIRS[None, :] * gains[1]
            return int((low - line).max()), int((high - line).min())

        best = (round(a), round(b))
        span, step = room(best), 1 << max(shift - 16, 0)
        while step:
            around = [(best[0] + i * step, best[1] + j * step) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
            rooms = [room(gains) for gains in around]
            k = max(range(len(around)), key=lambda k: rooms[k][1] - rooms[k][0])
            if rooms[k][1] - rooms[k][0] > span[1] - span[0]:
                best, span = around[k], rooms[k]
            else:
                step //= 2
        return best, span


@dataclass(frozen=True, eq=False)
class MultiplyS8(Op):
    """a * b in int8, each of its own scale: two of any shape.

    As with AddS8, what is proven to give the same for all pairs takes the place of the long arithmetic (product.py).
    """

    a_zero: int = zero_point("first input")
    b_zero: int = zero_point("second input")
    multiplier: int = param(2**30, "Mantissa of the rescaling.", low=0, high=2**31 - 1)
    shift: int = param(0, "Its exponent.", low=-31, high=14)
    y_zero: int = zero_point("output")
    low: int = param(-128, "Least output.", low=-128, high=127)
    high: int = param(127, "Greatest output.", low=-128, high=127)
    takes = np.int8
    gives = np.int8
    elementwise = True
    overwrites = (0, 1)

    def shape(self, *inputs: Shape) -> Shape:
        return alike(self, inputs)

    def kernel(self, n_inputs: int) -> str:
        return "k_multiply_s8" if self.line is None else "k_multiply_line_s8"

    def args(self) -> dict[str, Any]:
        if self.line is None:
            return super().args()
        gain, above, below, shift = self.line
        given = {"a_zero": self.a_zero, "b_zero": self.b_zero, "multiplier": 8 * gain, "above": above, "below": below}
        return {**given, "shift": shift, "low": self.low, "high": self.high}

    @cached_property
    def line(self) -> Line | None:
        """(gain, above, below, shift), or None where no such line was found."""
        p = products(self.a_zero, self.b_zero)
        want = np.clip(rescale(p, self.multiplier, self.shift) + self.y_zero, self.low, self.high)
        return line_through(p, want, self.multiplier * 2.0 ** (self.shift - 31), (self.low, self.high))


@dataclass(frozen=True, eq=False)
class LookupS8(Op):
    """Any function of one int8 value, as a table: any shape."""

    table: Array  # (256,) int8: the answers to -128 ... 127
    takes = np.int8
    gives = np.int8
    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class TablesS8(Op):
    """A function of one int8 value for each place of the last axis: any shape (..., n)."""

    table: Array  # (n, 256) int8: the answers to -128 ... 127
    takes = np.int8
    gives = np.int8
    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0] or inputs[0][-1] != len(self.table):
            raise GraphError("Op TablesS8", f"gets {inputs} for {len(self.table)} tables", "The last axis must agree.")
        return inputs[0]

    def args(self) -> dict[str, Any]:
        return {"table": self.table, "period": len(self.table)}


@dataclass(frozen=True, eq=False)
class Maximum(Op):
    """The greater of a and b: two of any shape."""

    elementwise = True
    overwrites = (0, 1)

    def shape(self, *inputs: Shape) -> Shape:
        return alike(self, inputs)


@dataclass(frozen=True, eq=False)
class Minimum(Op):
    """The less of a and b: two of any shape."""

    elementwise = True
    overwrites = (0, 1)

    def shape(self, *inputs: Shape) -> Shape:
        return alike(self, inputs)


@dataclass(frozen=True, eq=False)
class MaximumS8(Maximum):
    """Maximum in int8, of two with one scale."""

    takes = np.int8
    gives = np.int8


@dataclass(frozen=True, eq=False)
class MinimumS8(Minimum):
    """Minimum in int8, of two with one scale."""

    takes = np.int8
    gives = np.int8


@dataclass(frozen=True, eq=False)
class HardSwish(Op):
    """x * (x + 3, but from 0 to 6) / 6: any shape."""

    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Clip(Op):
    """x, but no less than low and no more than high: any shape."""

    low: float = 0.0
    high: float = 6.0
    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Sigmoid(Op):
    """1 / (1 + e^-x): any shape."""

    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Tanh(Op):
    """Hyperbolic tangent: any shape."""

    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Reshape(Op):
    """The same values under another shape; on a board it costs nothing."""

    to: tuple[int, ...] = ()
    elementwise = True
    alias = True

    def shape(self, *inputs: Shape) -> Shape:
        if prod(inputs[0]) != prod(self.to):
            seen = f"gets {inputs[0]} for {self.to}"
            raise GraphError(f"Op {type(self).__name__}", seen, "Both must have the same number of values.")
        return tuple(self.to)

    def args(self) -> dict[str, Any]:
        return {}

    def kernel(self, n_inputs: int) -> str:
        return "k_flatten"


@dataclass(frozen=True, eq=False)
class ReshapeS8(Reshape):
    """Reshape in int8."""

    takes = np.int8
    gives = np.int8

    def kernel(self, n_inputs: int) -> str:
        return "k_flatten_s8"


@dataclass(frozen=True, eq=False)
class Pick(Op):
    """Values at regular places, for transposes and slices: any shape -> `to`.

    Output (i, j, ...) is value start + i * steps[0] + j * steps[1] ... of the input, last axis fastest.
    """

    to: tuple[int, ...] = (1,)
    steps: tuple[int, ...] = (1,)
    start: int = param(0, "Place of the first value.", low=0)

    def shape(self, *inputs: Shape) -> Shape:
        last = self.start + sum(max(s, 0) * (n - 1) for s, n in zip(self.steps, self.to, strict=True))
        first = self.start + sum(min(s, 0) * (n - 1) for s, n in zip(self.steps, self.to, strict=True))
        if not self.to or len(self.to) > 4 or first < 0 or last >= prod(inputs[0]):
            seen = f"reads places {first} to {last} of {prod(inputs[0])}"
            raise GraphError(f"Op {type(self).__name__}", seen, "Give it an input of the shape it was made for.")
        return tuple(self.to)

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (*(1,) * (4 - len(shape)), *shape) if output else (prod(shape),)

    def args(self) -> dict[str, Any]:
        steps = (*(0,) * (4 - len(self.steps)), *self.steps)
        return {"start": self.start, **{f"s{i}": step for i, step in enumerate(steps)}}


@dataclass(frozen=True, eq=False)
class PickS8(Pick):
    """Pick in int8."""

    takes = np.int8
    gives = np.int8


@dataclass(frozen=True, eq=False)
class Join(Op):
    """Two tensors along axis `axis`, all other axes alike: concatenation."""

    axis: int = param(0, "Along which axis.", low=0, high=7)

    def shape(self, *inputs: Shape) -> Shape:
        rest = [x[: self.axis] + x[self.axis + 1 :] for x in inputs]
        if len(inputs) != 2 or rest[0] != rest[1] or any(self.axis >= len(x) for x in inputs):
            seen = f"gets {inputs} along axis {self.axis}"
            raise GraphError(f"Op {type(self).__name__}", seen, "All other axes must agree.")
        a, b = inputs
        return (*a[: self.axis], a[self.axis] + b[self.axis], *a[self.axis + 1 :])

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (prod(shape[: self.axis]), prod(shape[self.axis :]))

    def args(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, eq=False)
class JoinS8(Join):
    """Join in int8; the scale stays."""

    takes = np.int8
    gives = np.int8


@dataclass(frozen=True, eq=False)
class SoftmaxS8(Op):
    """Scores that sum to one, along the last axis: any shape; output scale 1/256, zero point -128.

    References: tensorflow/lite/kernels/internal/reference/softmax.h, fixed point with 5 integer bits.
    """

    multiplier: int = param(2**30, "Mantissa of the input's scale.", low=0, high=2**31 - 1)
    shift: int = param(0, "Its exponent.", low=0, high=30)
    least: int = param(-255, "Differences to the greatest below this count as nothing.", high=0)
    takes = np.int8
    gives = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0] or min(inputs[0]) < 1 or inputs[0][-1] > 4095:
            raise GraphError("Op SoftmaxS8", f"gets {inputs}", "It takes one vector of at most 4095 values.")
        return inputs[0]

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (prod(shape[:-1]), shape[-1])

    def ahead(self, *inputs: Shape) -> int | None:
        return 0
