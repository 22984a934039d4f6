"""Networks that go through a window step by step: recurrent ones, and one that looks at all steps at once.

Sound is brought to them as a spectrogram in mel bands, anything else as its samples, a few of them in each step.
"""

from dataclasses import dataclass
from typing import ClassVar

from studio.data.stream import Floats
from studio.graph.graph import Node
from studio.learn.dataset import Dataset
from studio.learn.event import is_sound
from studio.learn.families.heard import Heard
from studio.learn.families.layers import INPUT, Stack
from studio.learn.families.net import Network
from studio.learn.split import Ints
from studio.params import param

#: Steps of a window of samples that are enough: each takes as long as the last one, and a memory fades.
STEPS = 64
UNITS = (8, 12, 16, 24, 32, 48, 64)


@dataclass(frozen=True)
class Sequence(Heard):
    """What they share: a front that suits the sensor."""

    epochs: int = param(40, "Times through the data at most.", low=1, high=1000)
    rate: float = param(0.004, "Greatest learning rate.", low=1e-5, high=1.0, search=(0.002, 0.003, 0.004, 0.006, 0.01))
    mix: float = param(
        0.0, "Share of the steps in which windows are laid over each other.", low=0.0, high=1.0, search=(0.0, 0.5)
    )
    least_steps: int = param(900, "Steps at least: of little data, more times through it.", low=0, high=100_000)

    def hears(self, data: Dataset) -> bool:
        """Whether the windows are sound."""
        return is_sound(data.stream)

    def front(self, data: Dataset, learned: Ints) -> tuple[tuple[Node, ...], Floats]:
        """The spectrogram of sound, the samples of anything else."""
        return super().front(data, learned) if self.hears(data) else Network.front(self, data, learned)


@dataclass(frozen=True)
class Gru(Sequence):
    """A layer of gated recurrent units (Cho et al. 2014) over the steps of the window."""

    name: ClassVar[str] = "gru"
    kind: ClassVar[str] = "gru"
    steps: ClassVar[int] = STEPS

    units: int = param(24, "Units: what it can remember.", low=2, high=128, search=UNITS)
    read: str = param(
        "mean", "What is judged: the mean of all steps, or what is known at the end.", choices=("last", "mean"),
        search=("last", "mean"),
    )  # fmt: skip

    def pile(self, stack: Stack, data: Dataset) -> None:
        """Neighbouring samples are weighed into one step where there are many, then the memory."""
        stack.fold()
        in_steps(stack, self.units, self.steps)
        stack.recurrent(self.kind, self.units, self.read == "last")

    @classmethod
    def guesses(cls) -> tuple["Gru", ...]:
        """Middling, small, large."""
        return (cls(), cls(units=12), cls(units=48))


@dataclass(frozen=True)
class Lstm(Gru):
    """A layer of long short-term memory (Hochreiter and Schmidhuber 1997) over the steps of the window."""

    name: ClassVar[str] = "lstm"
    kind: ClassVar[str] = "lstm"


@dataclass(frozen=True)
class Rnn(Gru):
    """A plain recurrent layer (Elman 1990): a third of a GRU's cost, and a shorter memory."""

    name: ClassVar[str] = "rnn"
    kind: ClassVar[str] = "rnn"
    steps: ClassVar[int] = 16  # what lies longer ago is forgotten


@dataclass(frozen=True)
class Crnn(Gru):
    """Convolutions that make time coarser, and a GRU behind them (Choi et al. 2017)."""

    name: ClassVar[str] = "crnn"

    width: int = param(12, "Filters of the first convolution; the second has twice as many.", low=2, high=64,
                       search=(6, 8, 12, 16, 24))  # fmt: skip

    def pile(self, stack: Stack, data: Dataset) -> None:
        """Two convolutions; pitch is halved faster than time."""
        h, w, _ = stack.input
        stack.conv(self.width, (5, 5), (strides(h), 2))
        stack.conv(2 * self.width, (3, 3))
        stack.pool((2 if h > STEPS else 1, 4 if w > 8 else 1))
        stack.fold()
        stack.recurrent("gru", self.units, self.read == "last")


@dataclass(frozen=True)
class DeepSense(Gru):
    """Each sensor through convolutions of its own, then together, then a GRU (Yao et al., WWW 2017).

    Three channels are one sensor: what an accelerometer and a gyroscope give is brought together only when both have
    been looked at.
    """

    name: ClassVar[str] = "deepsense"

    width: int = param(12, "Filters of every convolution.", low=2, high=64, search=(6, 8, 12, 16, 24))

    def pile(self, stack: Stack, data: Dataset) -> None:
        """Two convolutions per sensor, the sum of what they gave, one more, then the memory."""
        h, w, c = stack.input
        size = 3 if c % 3 == 0 and w == 1 else c
        ends = [self._sensor(stack, i, size, strides(h)) for i in range(0, c, size)]
        whole = ends[0]
        for i, end in enumerate(ends[1:], 2):
            whole = stack.add(whole, end, relu=i == len(ends))
        stack.conv(self.width, (3, 3), source=whole)
        stack.pool((2 if h > STEPS else 1, 4 if w > 8 else 1))
        stack.fold()
        stack.recurrent("gru", self.units, self.read == "last")

    def _sensor(self, stack: Stack, first: int, size: int, stride: int) -> int:
        """One sensor's layers; the last is its share of what all of them see together."""
        alone = size == stack.input[2]
        source = INPUT if alone else stack.part(first, size)
        stack.conv(self.width, (5, 5), (stride, 2), source=source)
        return stack.conv(self.width, (3, 3), relu=alone)


@dataclass(frozen=True)
class Transformer(Sequence):
    """A small transformer (Vaswani et al. 2017): every step looks at all others. Attention itself is in float."""

    name: ClassVar[str] = "transformer"

    width: int = param(24, "Values in a step; a multiple of the heads.", low=4, high=128, search=(16, 24, 32, 48))
    depth: int = param(1, "Blocks.", low=1, high=4, search=(1, 2))
    heads: int = param(2, "Ways of looking at the other steps.", choices=(1, 2, 4), search=(1, 2, 4))

    def pile(self, stack: Stack, data: Dataset) -> None:
        """Steps with their places among neighbours; then blocks of attention and of two layers for each step alone."""
        stack.fold()
        h, width = stack.shape(stack.last)[0], -(-self.width // self.heads) * self.heads
        stack.conv(width, (5, 1), (-(-h // STEPS), 1))
        before = stack.last
        stack.add(stack.deep((5, 1)), before)
        for _ in range(self.depth):
            before = stack.last
            queries, keys, values = (stack.conv(width, (1, 1), relu=False, source=before) for _ in range(3))
            stack.attention(queries, keys, values, self.heads)
            before = stack.add(stack.conv(width, (1, 1), relu=False), before)
            stack.conv(2 * width, (1, 1))
            stack.add(stack.conv(width, (1, 1), relu=False), before)

    @classmethod
    def guesses(cls) -> tuple["Transformer", ...]:
        """Middling, small, large."""
        return (cls(), cls(width=16, heads=1), cls(width=48, depth=2))


def in_steps(stack: Stack, units: int, n: int) -> None:
    """As many neighbouring rows weighed together as leave about `n` of them."""
    h = stack.shape(stack.last)[0]
    size = -(-h // n)
    if size > 1:
        stack.conv(units, (size, 1), (size, 1), relu=False, whole=True)


def strides(h: int) -> int:
    """The stride of a first convolution over h rows."""
    return max(1, min(8, h // STEPS))
