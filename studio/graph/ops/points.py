"""Ops that compare a vector with stored ones: densities, kernels, neighbours, outlier factors.

Points are kept as int8 where there are many of them; distances between int8 vectors are whole numbers, so the order of
neighbours is exact. See `firmware_stubs/kernels/points.c`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.vector import same_size
from studio.params import param

MOST_NEIGHBOURS = 64


@dataclass(frozen=True, eq=False)
class Select(Op):
    """Some of a vector's values: (n,) -> (n_index,)."""

    index: Array  # (n_index,) uint16

    def shape(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if len(x) != 1 or int(self.index.max(initial=0)) >= x[0]:
            seen = f"gets {x} and asks for value {int(self.index.max(initial=0))}"
            raise GraphError("Op Select", seen, "Train again after changing the features.")
        return (len(self.index),)


@dataclass(frozen=True, eq=False)
class Gaussians(Op):
    """Log-densities with diagonal covariance: (n,) -> (k,), offset_k - sum over i of precision_ki (x_i - mean_ki)^2."""

    mean: Array  # (k, n) float32
    precision: Array  # (k, n) float32: 1 / (2 variance)
    offset: Array  # (k,) float32: log weight - sum of log(2 pi variance) / 2

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], self.mean.shape[1])
        return (len(self.offset),)


@dataclass(frozen=True, eq=False)
class LogSumExp(Op):
    """log of the sum of e^x: (n,) -> (1,)."""

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], inputs[0][0])
        return (1,)


@dataclass(frozen=True, eq=False)
class Greatest(Op):
    """The greatest value: (n,) -> (1,)."""

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], inputs[0][0])
        return (1,)


@dataclass(frozen=True, eq=False)
class RadialS8(Op):
    """e^(-gamma d^2) for the distances d to k points: (n,) int8 -> (k,)."""

    points: Array  # (k, n) int8
    gamma: float = param(1.0, "Per squared step of int8.", low=0.0)
    takes = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], self.points.shape[1])
        return (len(self.points),)


@dataclass(frozen=True, eq=False)
class NeighboursS8(Op):
    """How many of the k nearest points each class has: (n,) int8 -> (n_classes,); of equals the first is nearer."""

    points: Array  # (p, n) int8
    label: Array  # (p,) uint8
    n_classes: int = param(2, "Classes.", low=1, high=256)
    k: int = param(1, "Neighbours that vote.", low=1, high=MOST_NEIGHBOURS)
    takes = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], self.points.shape[1])
        if self.k > len(self.points):
            seen = f"has {len(self.points)} points for {self.k} neighbours"
            raise GraphError("Op NeighboursS8", seen, "Choose fewer neighbours.")
        return (self.n_classes,)

    def args(self) -> dict[str, Any]:
        given: dict[str, Any] = {"points": self.points, "n_points": len(self.points), "label": self.label}
        return given | {"k": self.k}

    def scratch(self, *inputs: Shape) -> int:
        return 8 * self.k


@dataclass(frozen=True, eq=False)
class OutlierFactorS8(Op):
    """Local outlier factor of a new point (Breunig et al. 2000): (n,) int8 -> (1,); about 1 inside, more outside."""

    points: Array  # (p, n) int8
    reach: Array  # (p,) float32: distance to the point's own k-th neighbour, in steps of int8
    density: Array  # (p,) float32: local reachability density
    k: int = param(20, "Neighbours that are compared with.", low=1, high=MOST_NEIGHBOURS)
    takes = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        same_size(self, inputs[0], self.points.shape[1])
        if self.k > len(self.points):
            seen = f"has {len(self.points)} points for {self.k} neighbours"
            raise GraphError("Op OutlierFactorS8", seen, "Choose fewer neighbours.")
        return (1,)

    def args(self) -> dict[str, Any]:
        given: dict[str, Any] = {"points": self.points, "n_points": len(self.points)}
        return given | {"reach": self.reach, "density": self.density, "k": self.k}

    def scratch(self, *inputs: Shape) -> int:
        return 8 * self.k
