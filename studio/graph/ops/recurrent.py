"""Layers with a memory: (n, n_channels), time first.

Each gives a row for every sample, or with `last` only the last one. A window begins with an empty memory, on a board as
in training: where windows overlap, nothing depends on when the board was switched on.

With `carried` a layer goes on where the window before ended. Windows must then lie end to end (stride = length, or rows
that do), and all rows together are those of one long window. `Graph.stages(windows, in_order=True)` works them out so,
a board does so by itself from "clear" on, and `studio.graph.streaming` turns a trained graph into one that carries.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.statistics import time_first
from studio.params import param


def single(op: Op, inputs: tuple[Shape, ...], n_states: int, hidden: int) -> tuple[Shape, ...]:
    """The first input alone; GraphError unless `n_states` vectors of `hidden` values come behind it."""
    if inputs[1:] != ((hidden,),) * n_states:
        seen = f"gets {inputs} for a memory of {hidden} values"
        raise GraphError(f"Op {type(op).__name__}", seen, "Give it the sequence and what the memory begins with.")
    return inputs[:1]


@dataclass(frozen=True, eq=False)
class Recurrent(Op):
    """What all of them share: `gates` blocks of rows in `weight` (gates * hidden, c) and `recurrent` (.., hidden)."""

    weight: Array
    recurrent: Array
    bias: Array  # (gates * hidden,) float32

    n_states = 0  # vectors behind the sequence: what the memory begins with
    remembers = True
    carried = False  # a field of those that can

    def hidden(self) -> int:
        """Values that are remembered by name: a row of the output."""
        return int(self.recurrent.shape[1])

    def row(self, inputs: tuple[Shape, ...], last: bool, width: int) -> Shape:
        """Shape of the output; GraphError when the weights were made for another number of channels."""
        n, c = time_first(self, single(self, inputs, self.n_states, self.hidden()))
        if c != self.weight.shape[1]:
            seen = f"gets {c} channels for {self.weight.shape[1]}"
            raise GraphError(f"Op {type(self).__name__}", seen, "Train again after changing the channels.")
        return (width,) if last else (n, width)

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (1, *shape) if output and len(shape) == 1 else shape

    def held(self) -> int:
        """Bytes that must live from sample to sample."""
        return 4 * self.hidden()

    def working(self) -> int:
        """Further bytes that the kernel works in."""
        return 4 * self.hidden()

    def memory(self, *inputs: Shape) -> int:
        return self.held() if self.carried else 0

    def scratch(self, *inputs: Shape) -> int:
        return self.working() + (0 if self.carried else self.held())


@dataclass(frozen=True, eq=False)
class Rnn(Recurrent):
    """Plain recurrent layer, h = tanh(weight @ x + recurrent @ h + bias): (n, c) -> (n, hidden), or (hidden,).

    As `torch.nn.RNN` (whose two biases are to be added) and Keras' SimpleRNN; `rectified` has max(0, ..) for tanh.
    """

    rectified: bool = False
    last: bool = False
    carried: bool = False

    def shape(self, *inputs: Shape) -> Shape:
        return self.row(inputs, self.last, self.hidden())

    def args(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in ("weight", "recurrent", "bias")}
        return {**given, "rectified": int(self.rectified)}


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
    carried: bool = False

    def shape(self, *inputs: Shape) -> Shape:
        return self.row(inputs, self.last, self.hidden())

    def args(self) -> dict[str, Any]:
        names = ("weight", "recurrent", "bias", "recurrent_bias")
        return {**{name: getattr(self, name) for name in names}, "reset_after": int(self.reset_after)}

    def working(self) -> int:
        return 4 * 2 * self.hidden()


@dataclass(frozen=True, eq=False)
class Lstm(Recurrent):
    """Long short-term memory: (n, c) -> (n, hidden), or (hidden,).

    Gates in the order input, forget, cell, output, as in `torch.nn.LSTM`, whose two biases are to be added. The cell
    stays within -clip to clip when that is above 0. With `both` a row is the state and then the cell: 2 * hidden.
    """

    clip: float = param(0.0, "Bound of the cell; 0: none.", low=0.0)
    last: bool = False
    carried: bool = False
    both: bool = False
    reach: float = param(16.0, "Greatest size of the cell that the layer's int8 form has room for.", low=2.0**-14)

    def shape(self, *inputs: Shape) -> Shape:
        return self.row(inputs, self.last, self.hidden() * (2 if self.both else 1))

    def args(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in ("weight", "recurrent", "bias", "clip")}
        return {**given, "both": int(self.both)}

    def held(self) -> int:
        return 4 * 2 * self.hidden()


@dataclass(frozen=True, eq=False)
class RnnFrom(Rnn):
    """Rnn whose memory begins with the second input: (n, c) and (hidden,)."""

    n_states = 1
    remembers = False


@dataclass(frozen=True, eq=False)
class GruFrom(Gru):
    """Gru whose memory begins with the second input: (n, c) and (hidden,)."""

    n_states = 1
    remembers = False


@dataclass(frozen=True, eq=False)
class LstmFrom(Lstm):
    """Lstm whose memory begins with the second and third input: (n, c), state (hidden,) and cell (hidden,)."""

    n_states = 2
    remembers = False


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
    carried: bool = False
    remembers = True

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        if c != self.feature.shape[1] or len(self.feature) % len(self.bias) or len(self.time) != len(self.feature):
            seen = f"gets {c} channels for filters {self.feature.shape} of {len(self.bias)} units"
            raise GraphError(f"Op {type(self).__name__}", seen, "Train again after changing the channels.")
        return (len(self.bias),) if self.last else (n, len(self.bias))

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (1, *shape) if output and len(shape) == 1 else shape

    def args(self) -> dict[str, Any]:
        rank, length = len(self.feature) // len(self.bias), self.time.shape[1]
        return {"feature": self.feature, "time": self.time, "bias": self.bias, "rank": rank, "length": length}

    def memory(self, *inputs: Shape) -> int:
        return 4 * self.time.size if self.carried else 0

    def scratch(self, *inputs: Shape) -> int:
        return 4 if self.carried else 4 * self.time.size  # at least something: the kernel takes a pointer to it


@dataclass(frozen=True, eq=False)
class Past(Op):
    """The last `rows` rows of the windows before, then those of this one: (n, c) -> (rows + n, c).

    A causal layer over time that reads this, instead of a border of zeros, gives one window's rows after the other's as
    it gives those of one long window. Zeros stand before the first.
    """

    rows: int = param(1, "Rows that are kept.", low=1, high=4096)
    carried: bool = True
    remembers = True

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        return (self.rows + n, c)

    def args(self) -> dict[str, Any]:
        return {}

    def memory(self, *inputs: Shape) -> int:
        return self.rows * inputs[0][1] * 4 if self.carried else 0


@dataclass(frozen=True, eq=False)
class PastS8(Past):
    """Past in int8; `value` stands for zero."""

    value: int = param(0, "What stands before the first row.", low=-128, high=127)
    takes = np.int8
    gives = np.int8

    def args(self) -> dict[str, Any]:
        return {"value": self.value}

    def memory(self, *inputs: Shape) -> int:
        return self.rows * inputs[0][1] if self.carried else 0
