"""Plain and gated recurrent layers and SVDF in int8: weights, inputs and outputs int8, gates and memory int16.

Sums become gates with 12 fractional bits, through `rescale` of `firmware_stubs/kernels/requantize.h`; their curves are
those of `lstm_s8.sigmoid_table`, with 15 fractional bits and off by less than 2^-13. A gated unit holds int16 with 15
fractional bits: in int8 steps of less than half a unit toward a value would be lost. `carried` as in `recurrent.py`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.lstm_s8 import sigmoid_table
from studio.graph.ops.plane_s8 import check_sums, woven, zero_point
from studio.graph.ops.statistics import time_first


def up_to_4(n: int) -> int:
    """The next multiple of four, as the kernels pad."""
    return -(-n // 4) * 4


def filled(rows: Array) -> Array:
    """Rows of zeros behind, up to a multiple of four."""
    found: Array = np.zeros((up_to_4(len(rows)), *rows.shape[1:]), rows.dtype)
    found[: len(rows)] = rows
    return found


@dataclass(frozen=True, eq=False, kw_only=True)
class RecurrentS8(Op):
    """What both share. `bias` and `recurrent_bias` hold the zero points of input and state."""

    weight: Array  # (gates * hidden, c) int8
    recurrent: Array  # (gates * hidden, hidden) int8
    bias: Array  # (gates * hidden,) int32
    recurrent_bias: Array  # (gates * hidden,) int32
    scale: Array  # int32: for each gate multiplier and shift of both products, then those of the output
    y_zero: int = zero_point("output")
    last: bool = False
    carried: bool = False
    takes = np.int8
    gives = np.int8
    remembers = True
    gates = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sums(self, self.weight, self.bias, 0)
        check_sums(self, self.recurrent, self.recurrent_bias, 0)
        n, rows = 4 * self.gates + 2, self.gates * self.hidden()
        if self.scale.shape != (n,) or len(self.weight) != rows or len(self.recurrent) != rows:
            seen = f"has {len(self.scale)} scales, and weights {self.weight.shape} and {self.recurrent.shape}"
            raise GraphError(f"Op {type(self).__name__}", seen, f"Give {n} numbers, and gates of one size.")

    def hidden(self) -> int:
        """Values in a row of the output."""
        return int(self.recurrent.shape[1])

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        if c != self.weight.shape[1]:
            seen = f"gets {c} channels for {self.weight.shape[1]}"
            raise GraphError(f"Op {type(self).__name__}", seen, "Train again after changing the channels.")
        return (self.hidden(),) if self.last else (n, self.hidden())

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (1, *shape) if output and len(shape) == 1 else shape

    def args(self) -> dict[str, Any]:
        """Four units at a time, gate by gate, as the kernel works them out."""
        arrays = {
            name: self._by_four(getattr(self, name)) for name in ("weight", "recurrent", "bias", "recurrent_bias")
        }
        arrays["weight"], arrays["recurrent"] = woven(arrays["weight"], 4), woven(arrays["recurrent"], 4)
        return {**arrays, "scale": self.scale, "table": sigmoid_table()}

    def _by_four(self, values: Array) -> Array:
        """Rows gate by gate -> for every four units the four rows of each gate; zeros fill up the last four."""
        gates = [filled(v) for v in np.split(values, self.gates)]
        fours = np.stack(gates).reshape(self.gates, -1, 4, *values.shape[1:])
        return np.ascontiguousarray(fours.swapaxes(0, 1).reshape(-1, *values.shape[1:]))

    def held(self) -> int:
        """Bytes that must live from sample to sample."""
        return up_to_4(self.hidden())

    def memory(self, *inputs: Shape) -> int:
        return self.held() if self.carried else 0

    def scratch(self, *inputs: Shape) -> int:
        return self.working() + up_to_4(inputs[0][1]) + (0 if self.carried else self.held())

    def working(self) -> int:
        """Bytes that the kernel works in, besides a sample."""
        return up_to_4(self.hidden())


@dataclass(frozen=True, eq=False, kw_only=True)
class RnnS8(RecurrentS8):
    """Rnn in int8: (n, c) -> (n, hidden), or (hidden,).

    `rectified`: `scale` brings both products to the output's own steps, and the last two of its numbers are not used.
    """

    rectified: bool = False

    def args(self) -> dict[str, Any]:
        return {**super().args(), "rectified": int(self.rectified), "y_zero": self.y_zero}


@dataclass(frozen=True, eq=False, kw_only=True)
class GruS8(RecurrentS8):
    """Gru in int8: (n, c) -> (n, hidden), or (hidden,). Gates in the order reset, update, new."""

    reset_after: bool = True
    gates = 3

    def args(self) -> dict[str, Any]:
        return {**super().args(), "reset_after": int(self.reset_after), "y_zero": self.y_zero}

    def held(self) -> int:
        return 2 * up_to_4(self.hidden())

    def working(self) -> int:
        return 2 * up_to_4(self.hidden())


@dataclass(frozen=True, eq=False, kw_only=True)
class SvdfS8(Op):
    """Svdf in int8 as TensorFlow Lite has it: (n, c) -> (n, units), or (units,); what filters saw is int16.

    References: tensorflow/lite/kernels/internal/reference/svdf.h, EvalIntegerSVDF.
    """

    feature: Array  # (units * rank, c) int8
    time: Array  # (units * rank, memory) int16, the oldest first
    bias: Array  # (units,) int32
    scale: Array  # (4,) int32: multiplier and shift to what is remembered, and from there to the output
    x_zero: int = zero_point("input")
    y_zero: int = zero_point("output")
    last: bool = False
    carried: bool = False
    takes = np.int8
    gives = np.int8
    remembers = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sums(self, self.feature, self.offset(), 0)
        if self.scale.shape != (4,) or self.time.dtype != np.int16 or len(self.time) != len(self.feature):
            seen = f"has filters {self.feature.shape} and {self.time.shape} of {self.time.dtype}"
            raise GraphError("Op SvdfS8", seen, "Give int16 filters over time, and four numbers of scale.")

    def offset(self) -> Array:
        """What the input's zero point adds to each filter."""
        found: Array = (-self.x_zero * self.feature.sum(axis=1, dtype=np.int64)).astype(np.int32)
        return found

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        if c != self.feature.shape[1] or len(self.feature) % len(self.bias):
            seen = f"gets {c} channels for filters {self.feature.shape} of {len(self.bias)} units"
            raise GraphError("Op SvdfS8", seen, "Train again after changing the channels.")
        return (len(self.bias),) if self.last else (n, len(self.bias))

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (1, *shape) if output and len(shape) == 1 else shape

    def args(self) -> dict[str, Any]:
        sizes = {"rank": len(self.feature) // len(self.bias), "length": self.time.shape[1]}
        arrays = {"feature": woven(self.feature, 4), "offset": filled(self.offset()), "time": self.time}
        return {**arrays, "bias": self.bias, **sizes, "scale": self.scale, "y_zero": self.y_zero}

    def memory(self, *inputs: Shape) -> int:
        return 2 * self.time.size if self.carried else 0

    def scratch(self, *inputs: Shape) -> int:
        return up_to_4(inputs[0][1]) + (0 if self.carried else up_to_4(2 * self.time.size))
