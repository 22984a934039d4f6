"""Features of a window in time. Input (n_samples, n_channels), time first."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Op, Shape
from studio.params import param


def time_first(op: Op, inputs: tuple[Shape, ...], least: int = 1) -> tuple[int, int]:
    """The one input's (n, n_channels); GraphError unless it is that, with n >= least."""
    if len(inputs) != 1 or len(inputs[0]) != 2 or inputs[0][0] < least:
        seen = f"gets {' and '.join(map(str, inputs))}"
        raise GraphError(f"Op {type(op).__name__}", seen, f"It takes (n, n_channels) with n of at least {least}.")
    return inputs[0][0], inputs[0][1]


@dataclass(frozen=True, eq=False)
class Statistics(Op):
    """Ten numbers per channel: (n_samples, n_channels) -> (10 * n_channels,), channel by channel.

    Mean, standard deviation, root mean square, least, greatest, mean absolute deviation from the mean, mean
    absolute difference of neighbours, crossings of the mean per sample, skewness, excess kurtosis (the last three
    are 0 for a constant channel). All moments divide by n.
    """

    def shape(self, *inputs: Shape) -> Shape:
        return (10 * time_first(self, inputs)[1],)


@dataclass(frozen=True, eq=False)
class Quantiles(Op):
    """Robust levels per channel: (n_samples, n_channels) -> (len(levels) * n_channels,), linearly interpolated."""

    levels: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 0.9)

    def __post_init__(self) -> None:
        if not self.levels or not all(0.0 <= level <= 1.0 for level in self.levels):
            raise GraphError("Quantiles.levels", str(self.levels), "Give one or more numbers from 0 to 1.")

    def shape(self, *inputs: Shape) -> Shape:
        return (len(self.levels) * time_first(self, inputs)[1],)

    def args(self) -> dict[str, Any]:
        return {"levels": np.array(self.levels, np.float32), "n_levels": len(self.levels)}

    def scratch(self, *inputs: Shape) -> int:
        return 4 * inputs[0][0]


@dataclass(frozen=True, eq=False)
class ChannelCorrelation(Op):
    """Pearson's r of every pair of channels: (n_samples, n_channels) -> (n_channels * (n_channels - 1) / 2,).

    Pairs in the order (0, 1), (0, 2), ..., (1, 2), ...; 0 where a channel is constant.
    """

    def shape(self, *inputs: Shape) -> Shape:
        _, c = time_first(self, inputs)
        if c < 2:
            raise GraphError("Op ChannelCorrelation", "gets one channel", "It needs two or more.")
        return (c * (c - 1) // 2,)

    def scratch(self, *inputs: Shape) -> int:
        return 2 * 4 * inputs[0][1]


@dataclass(frozen=True, eq=False)
class Magnitude(Op):
    """The channels and, behind them, the length of every whole group of `size`: (n, c) -> (n, c + c // size)."""

    size: int = param(3, "Channels in one group (3: the axes of a sensor).", low=1, high=16)

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        return (n, c + c // self.size)


@dataclass(frozen=True, eq=False)
class Difference(Op):
    """Each sample less the one before it: (n, c) -> (n - 1, c)."""

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs, least=2)
        return (n - 1, c)
