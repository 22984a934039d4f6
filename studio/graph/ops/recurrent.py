"""Layers with a memory that lasts for one window: (n, n_channels), time first.

Each gives a row for every sample, or with `last` only the last one. A window begins with an empty memory, on a board as
in training: where windows overlap, nothing depends on when the board was switched on.
"""

from dataclasses import dataclass
from typing import Any

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.statistics import time_first
from studio.params import param


@dataclass(frozen=True, eq=False)
class Recurrent(Op):
    """What all of them share: `gates` blocks of rows in `weight` (gates * hidden, c) and `recurrent` (.., hidden)."""

    weight: Array
    recurrent: Array
    bias: Array  # (gates * hidden,) float32

    def hidden(self) -> int:
        """Values in a row of the output."""
        return int(self.recurrent.shape[1])

    def row(self, c: int, last: bool, n: int) -> Shape:
        """Shape of the output; GraphError when the weights were made for another number of channels."""
        if c != self.weight.shape[1]:
            seen = f"gets {c} channels for {self.weight.shape[1]}"
            raise GraphError(f"Op {type(self).__name__}", seen, "Train again after changing the channels.")
        return (self.hidden(),) if last else (n, self.hidden())

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (1, *shape) if output and len(shape) == 1 else shape

    def scratch(self, *inputs: Shape) -> int:
        return 4 * 3 * self.hidden()


@dataclass(frozen=True, eq=False)
class Gru(Recurrent):
    """Gated recurrent unit: (n, c) -> (n, hidden), or (hidden,).

    Gates in the order reset, update, new, as in `torch.nn.GRU` (weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0).
    With `reset_after` the reset acts on the product with the memory (torch, Keras), without on the memory itself
    (ONNX's default).
    """

    recurrent_bias: Array  # (3 * hidden,) float32
    reset_after: bool = True
    last: bool = False

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        return self.row(c, self.last, n)

    def args(self) -> dict[str, Any]:
        names = ("weight", "recurrent", "bias", "recurrent_bias")
        return {**{name: getattr(self, name) for name in names}, "reset_after": int(self.reset_after)}


@dataclass(frozen=True, eq=False)
class Lstm(Recurrent):
    """Long short-term memory: (n, c) -> (n, hidden), or (hidden,).

    Gates in the order input, forget, cell, output, as in `torch.nn.LSTM`, whose two biases are to be added. The cell
    stays within -clip to clip when that is above 0.
    """

    clip: float = param(0.0, "Bound of the cell; 0: none.", low=0.0)
    last: bool = False

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        return self.row(c, self.last, n)

    def args(self) -> dict[str, Any]:
        return {"weight": self.weight, "recurrent": self.recurrent, "bias": self.bias, "clip": self.clip}


@dataclass(frozen=True, eq=False)
class Svdf(Op):
    """Low-rank filters over time: (n, c) -> (n, units), or (units,).

    Filter f gives feature[f] . x at every sample and time[f] . (the last `memory` of that); the `rank` filters of a
    unit and its bias are added.

    References: Nakkiran et al., Compressing Deep Neural Networks Using a Rank-Constrained Topology, Interspeech 2015.
    """

    feature: Array  # (units * rank, c) float32
    time: Array  # (units * rank, memory) float32, the oldest first
    bias: Array  # (units,) float32
    last: bool = False

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        if c != self.feature.shape[1] or len(self.feature) % len(self.bias):
            seen = f"gets {c} channels for filters {self.feature.shape} of {len(self.bias)} units"
            raise GraphError("Op Svdf", seen, "Train again after changing the channels.")
        return (len(self.bias),) if self.last else (n, len(self.bias))

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (1, *shape) if output and len(shape) == 1 else shape

    def args(self) -> dict[str, Any]:
        rank, memory = len(self.feature) // len(self.bias), self.time.shape[1]
        return {"feature": self.feature, "time": self.time, "bias": self.bias, "rank": rank, "memory": memory}

    def scratch(self, *inputs: Shape) -> int:
        return 4 * self.time.size
