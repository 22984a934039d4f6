"""Ops on vectors: joining, scaling, fully connected layers, activations."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape


def same_size(op: Op, x: Shape, size: int) -> None:
    """GraphError unless one item of the input is a vector of `size` values."""
    if x != (size,):
        seen = f"gets {x} where it was made for ({size},)"
        raise GraphError(f"Op {type(op).__name__}", seen, "Train again after changing the stages before it.")


def per_channel(op: Op, x: Shape, *constants: Array) -> Shape:
    """`x`; GraphError unless each of `constants` has one value for every place of its last axis."""
    if not x or any(c.shape != x[-1:] for c in constants):
        seen = f"gets {x} for {len(constants[0])} channels"
        raise GraphError(f"Op {type(op).__name__}", seen, "Train again after changing the channels.")
    return x


@dataclass(frozen=True, eq=False)
class Concat(Op):
    """Two to eight vectors end to end: (n1,), (n2,), ... -> (n1 + n2 + ...,)."""

    def shape(self, *inputs: Shape) -> Shape:
        if not 2 <= len(inputs) <= 8 or any(len(x) != 1 for x in inputs):
            raise GraphError("Op Concat", f"gets inputs of shape {inputs}", "Give it two to eight vectors.")
        return (sum(x[0] for x in inputs),)

    def kernel(self, n_inputs: int) -> str:
        return f"k_concat{n_inputs}"


@dataclass(frozen=True, eq=False)
class Standardize(Op):
    """(x - mean) / std of the last axis: any shape (..., n)."""

    mean: Array  # (n,) float32
    std: Array  # (n,) float32, above 0
    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return per_channel(self, inputs[0], self.mean, self.std)

    def args(self) -> dict[str, Any]:
        """The kernel multiplies: a division costs tens of cycles on small cores."""
        gain = (1.0 / self.std.astype(np.float64)).astype(np.float32)
        return {"mean": self.mean, "gain": gain, "period": len(self.mean)}


@dataclass(frozen=True, eq=False)
class Dense(Op):
    """y = weight @ x + bias: (n_in,) -> (n_out,)."""

    weight: Array  # (n_out, n_in) float32
    bias: Array  # (n_out,) float32

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], self.weight.shape[1])
        return (self.weight.shape[0],)


@dataclass(frozen=True, eq=False)
class Flatten(Op):
    """Any shape -> (n,), last axis fastest; on a board it costs nothing."""

    elementwise = True
    alias = True

    def shape(self, *inputs: Shape) -> Shape:
        return (prod(inputs[0]),)


@dataclass(frozen=True, eq=False)
class Relu(Op):
    """Greater of x and 0: any shape."""

    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Softmax(Op):
    """Scores that sum to one: (n,) -> (n,)."""

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], prod(inputs[0]))
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Normalize(Op):
    """Votes, none below 0, as shares that sum to one: (n,) -> (n,); equal shares when there is no vote."""

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], prod(inputs[0]))
        return inputs[0]
