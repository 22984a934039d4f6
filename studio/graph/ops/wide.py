"""The same layers with int16 values and int8 weights, TensorFlow Lite's 16x8: real = scale * q, without a zero point.

Between float and int8: a value has 256 times as many steps, a weight as many as in int8. An output is
clamp((sum * mantissa + half) >> right, low, high) of a sum in 64 bits; mantissas have 15 bits, `right` is 15 - shift.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.plane import AveragePool2d, Conv2d, DepthwiseConv2d, MaxPool2d, Pool2d
from studio.graph.ops.pointwise import Reshape, alike
from studio.graph.ops.vector import Flatten, same_size
from studio.params import param

MOST, LEAST = 2**15 - 1, -(2**15)


def lower() -> Any:
    """The parameter of every layer that clamps."""
    return param(LEAST, "Least output.", low=LEAST, high=MOST)


def upper() -> Any:
    """The parameter of every layer that clamps."""
    return param(MOST, "Greatest output.", low=LEAST, high=MOST)


def check_wide(op: Any) -> None:
    """GraphError unless weights are int8, and mantissas and shifts those that the kernels take."""
    if op.weight.dtype != np.int8 or not op.weight.size:
        raise GraphError(f"Op {type(op).__name__}", f"weights are {op.weight.dtype}", "They must be int8.")
    if op.multiplier.min(initial=0) < 0 or op.multiplier.max(initial=0) > MOST or op.right.min(initial=1) < 1:
        seen = f"mantissas to {op.multiplier.max(initial=0)}, shifts from {op.right.min(initial=1)}"
        raise GraphError(f"Op {type(op).__name__}", seen, "Mantissas have 15 bits, and shifts go to the right.")


def wide_args(op: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a layer: arrays first, then the numbers of `given`, then the bounds."""
    arrays = {name: getattr(op, name) for name in ("weight", "bias", "multiplier", "right")}
    numbers = {name: value for name, value in given.items() if name not in arrays}
    return {**arrays, **numbers, "low": op.low, "high": op.high}


@dataclass(frozen=True, eq=False, kw_only=True)
class WideLayer(Op):
    """What layers over two axes share in int16, before the float layer that says their shape."""

    multiplier: Array  # (c_out,) int32, to 2^15 - 1
    right: Array  # (c_out,) int8
    low: int = lower()
    high: int = upper()
    takes = np.int16
    gives = np.int16

    def __post_init__(self) -> None:
        super().__post_init__()
        check_wide(self)

    def args(self) -> dict[str, Any]:
        return wide_args(self, super().args())


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv2dS16(WideLayer, Conv2d):
    """Conv2d with int16 values and int8 weights. Padding is 0."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseConv2dS16(WideLayer, DepthwiseConv2d):
    """DepthwiseConv2d with int16 values and int8 weights. Padding is 0."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DenseS16(Op):
    """Dense with int16 values and int8 weights: (n_in,) -> (n_out,)."""

    weight: Array  # (n_out, n_in) int8
    bias: Array  # (n_out,) int32
    multiplier: Array  # (n_out,) int32, to 2^15 - 1
    right: Array  # (n_out,) int8
    low: int = lower()
    high: int = upper()
    takes = np.int16
    gives = np.int16

    def __post_init__(self) -> None:
        super().__post_init__()
        check_wide(self)

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], self.weight.shape[1])
        return (self.weight.shape[0],)


@dataclass(frozen=True, eq=False)
class PoolS16(Pool2d):
    """A pool of int16 values; the scale stays."""

    low: int = lower()
    high: int = upper()
    takes = np.int16
    gives = np.int16

    def args(self) -> dict[str, Any]:
        return {**super().args(), "low": self.low, "high": self.high}


@dataclass(frozen=True, eq=False)
class MaxPool2dS16(PoolS16, MaxPool2d):
    """MaxPool2d of int16 values; the scale stays."""


@dataclass(frozen=True, eq=False)
class AveragePool2dS16(PoolS16, AveragePool2d):
    """AveragePool2d of int16 values, halves away from zero; the scale stays."""


@dataclass(frozen=True, eq=False)
class AddS16(Op):
    """a + b of int16 values, each of its own scale: two of any shape. Rounded as AddS8, with 15 bits of room."""

    a_multiplier: int = param(2**30, "Mantissa of the first input's scale.", low=-(2**31), high=2**31 - 1)
    a_shift: int = param(0, "Its exponent.", low=-31, high=0)
    b_multiplier: int = param(2**30, "Mantissa of the second input's scale.", low=-(2**31), high=2**31 - 1)
    b_shift: int = param(0, "Its exponent.", low=-31, high=0)
    multiplier: int = param(2**30, "Mantissa of the sum's rescaling.", low=0, high=2**31 - 1)
    shift: int = param(-14, "Its exponent.", low=-31, high=30)
    low: int = lower()
    high: int = upper()
    takes = np.int16
    gives = np.int16
    elementwise = True
    overwrites = (0, 1)

    def shape(self, *inputs: Shape) -> Shape:
        return alike(self, inputs)


@dataclass(frozen=True, eq=False)
class QuantizeS16(Op):
    """clamp(round(x / scale), -32768, 32767), halves away from zero: any shape."""

    scale: float = param(1.0, "Value of one step.", low=1e-30)
    gives = np.int16
    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class DequantizeS16(Op):
    """scale * q: any shape."""

    scale: float = param(1.0, "Value of one step.", low=1e-30)
    takes = np.int16
    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class ReluS16(Op):
    """Greater of q and 0 of int16 values: any shape."""

    takes = np.int16
    gives = np.int16
    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class FlattenS16(Flatten):
    """Flatten of int16 values."""

    takes = np.int16
    gives = np.int16


@dataclass(frozen=True, eq=False)
class ReshapeS16(Reshape):
    """Reshape of int16 values."""

    takes = np.int16
    gives = np.int16

    def kernel(self, n_inputs: int) -> str:
        return "k_flatten_s16"
