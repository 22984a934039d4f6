"""Linear models on int8 values, with weights of 16 bits: the scores are those of the float model to five digits."""

from dataclasses import dataclass

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.vector import same_size

MOST_INPUTS = 512  # whose sum of int8 * int16 fits in int32


@dataclass(frozen=True, eq=False)
class LinearS8(Op):
    """y = bias + scale * (weight @ x): (n,) int8 -> (n_out,). Make one with `linear`."""

    weight: Array  # (n_out, n) int16
    scale: Array  # (n_out,) float32
    bias: Array  # (n_out,) float32
    takes = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], self.weight.shape[1])
        return (len(self.bias),)


def linear(weight: Array, bias: Array) -> LinearS8:
    """The op for float weights (n_out, n) and bias (n_out,); every output has its own scale."""
    if weight.shape[1] > MOST_INPUTS:
        seen = f"{weight.shape[1]} inputs"
        raise GraphError("A linear model", seen, f"Select {MOST_INPUTS} features at most.")
    scale = np.maximum(np.abs(weight).max(axis=1), 1e-30) / 32767
    whole = np.rint(weight / scale[:, None]).astype(np.int16)
    return LinearS8(whole, scale.astype(np.float32), bias.astype(np.float32))
