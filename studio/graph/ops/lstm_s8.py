"""Long short-term memory in int8, with TensorFlow Lite Micro's arithmetic (8-bit weights, 16-bit cell)."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.plane_s8 import check_sums, woven, zero_point
from studio.graph.ops.statistics import time_first
from studio.params import param

GATES = 4


@cache
def sigmoid_table() -> Array:
    """The curve that the arithmetic is defined by: 65536 / (1 + e^-x) at x = i / 24, i = 0 ... 255.

    Straight lines between points of a curve that bends down lie below it; so the points are lifted by 0.06 of the
    second difference. The last one is the greatest there is.
    """
    s = 1 / (1 + np.exp(-np.arange(256) / 24))
    bend = s * (1 - s) * (2 * s - 1) / 24**2
    table = np.rint(65536 * (s + 0.06 * bend)).astype(np.uint16)
    table[-1] = 65535
    table.setflags(write=False)  # one for all layers
    return table


@dataclass(frozen=True, eq=False, kw_only=True)
class LstmS8(Op):
    """Lstm in int8: (n, c) -> (n, hidden), or (hidden,) with `last`.

    Gates in the order input, forget, cell, output. `weight` (4 * hidden, c) and `recurrent` (4 * hidden, hidden) are
    symmetric int8; `bias` and `recurrent_bias` (4 * hidden,) int32 hold the zero points of input and state. `scale` has
    for each gate multiplier and shift of both products to 12 fractional bits, then those of forget * cell, of
    input * new, and of output * tanh(cell). The cell's scale is 2^cell_power. `carried` as in `recurrent.py`.
    """

    weight: Array
    recurrent: Array
    bias: Array
    recurrent_bias: Array
    scale: Array  # (22,) int32
    cell_power: int = param(-11, "Power of two that is one step of the cell.", low=-15, high=-1)
    clip: int = param(0, "Bound of the cell in steps; 0: none.", low=0, high=32767)
    y_zero: int = zero_point("output")
    last: bool = False
    carried: bool = False
    takes = np.int8
    gives = np.int8
    remembers = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sums(self, self.weight, self.bias, 0)
        check_sums(self, self.recurrent, self.recurrent_bias, 0)
        if self.scale.shape != (4 * GATES + 6,) or len(self.weight) != len(self.recurrent):
            raise GraphError("Op LstmS8", f"has {len(self.scale)} scales", "Give 22 numbers, and gates of one size.")

    def hidden(self) -> int:
        """Values in a row of the output."""
        return int(self.recurrent.shape[1])

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        if c != self.weight.shape[1]:
            raise GraphError("Op LstmS8", f"gets {c} channels for {self.weight.shape[1]}", "Train it again.")
        return (self.hidden(),) if self.last else (n, self.hidden())

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (1, *shape) if output and len(shape) == 1 else shape

    def args(self) -> dict[str, Any]:
        """The kernel works a unit's four gates out together, so they lie together."""
        left = 15 + self.cell_power - 3
        return {
            "weight": woven(self._by_unit(self.weight), GATES),
            "recurrent": woven(self._by_unit(self.recurrent), GATES),
            "bias": self._by_unit(self.bias),
            "recurrent_bias": self._by_unit(self.recurrent_bias),
            "scale": self.scale,
            "table": sigmoid_table(),
            "tanh_multiplier": 3 << max(left, 0),
            "tanh_shift": max(-left, 0),
            "clip": self.clip,
            "y_zero": self.y_zero,
        }

    def memory(self, *inputs: Shape) -> int:
        return 3 * (-(-self.hidden() // 4) * 4) if self.carried else 0

    def scratch(self, *inputs: Shape) -> int:
        deep, wide = (-(-n // 4) * 4 for n in (self.hidden(), inputs[0][1]))
        return (deep if self.carried else 4 * deep) + wide

    def _by_unit(self, values: Array) -> Array:
        """Rows gate by gate -> rows unit by unit."""
        gates = values.reshape(GATES, self.hidden(), *values.shape[1:])
        return np.ascontiguousarray(gates.swapaxes(0, 1).reshape(values.shape))
