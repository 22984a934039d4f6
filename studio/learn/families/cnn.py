"""A small 1-D convolutional network on the samples themselves, in int8: for patterns that statistics do not catch."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from studio.data.stream import Floats
from studio.errors import DataError
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Op
from studio.graph.ops.conv import Conv1d, GlobalAverage, MaxPool1d
from studio.graph.ops.vector import Dense, Relu, Softmax, Standardize
from studio.graph.passes import quantize
from studio.learn.dataset import Dataset, balance, check_classes
from studio.learn.families.layout import Block, layout
from studio.learn.families.network import Course, Lessons, Weights, train
from studio.learn.split import Ints, split
from studio.params import check, param
from studio.progress import Progress, Work

#: Windows that the ranges of the int8 values are read from.
CALIBRATION = 512


@dataclass(frozen=True)
class Cnn:
    """Convolutions with pools between them, the mean over time, one dense layer."""

    name: ClassVar[str] = "cnn"

    width: int = param(
        16,
        "Filters of the first layer; later layers have twice as many.",
        low=2,
        high=128,
        search=(4, 6, 8, 12, 16, 24, 32, 48),
    )
    depth: int = param(3, "Convolutions.", low=1, high=6, search=(2, 3, 4, 5))
    taps: int = param(5, "Samples that one filter sees.", unit="samples", low=3, high=15, search=(3, 5, 7, 9))
    epochs: int = param(30, "Times through the data at most.", low=1, high=1000)
    batch: int = param(64, "Windows per step.", low=4, high=1024)
    rate: float = param(
        0.006, "Greatest learning rate.", low=1e-5, high=1.0, search=(0.002, 0.003, 0.004, 0.006, 0.01, 0.015)
    )
    dropout: float = param(0.2, "Share of features hidden while learning.", low=0.0, high=0.9, search=(0.0, 0.2, 0.4))
    augment: float = param(
        1.0, "Strength of random gain, shift and noise; 0 for none.", low=0.0, high=3.0, search=(0.5, 1.0, 1.5)
    )
    patience: int = param(10, "Epochs without a better validation before it stops.", low=1, high=1000)
    hold_out: bool = param(True, "Keep some groups aside to find the best epoch.")

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Learn in float, then quantize with windows that were learned from."""
        check_classes(data, at_least=2)
        learn, held = self._sides(data, seed)
        mean, std = spread(data.x[learn])
        z = (data.x - mean) / std
        weight = balance(data.y[learn])
        weight = np.pad(weight, (0, len(data.classes) - len(weight)))
        lessons = Lessons(z[learn], data.y[learn], weight, z[held], data.y[held])
        batch = min(self.batch, max(4, len(learn) // 4))
        course = Course(self.epochs, batch, self.rate, self.dropout, self.augment, self.patience)
        weights = yield from train(lessons, self._blocks(data), course, seed)
        yield Progress(self.epochs, self.epochs, "quantizing to int8")
        return self._quantized(data, learn, (mean, std), weights)

    def draft(self, data: Dataset) -> Graph | None:
        """The network with random weights: it weighs what the trained one will weigh."""
        rng, channels = np.random.default_rng(0), len(data.stream.channels)
        convolutions = []
        for block in self._blocks(data):
            weight = rng.normal(0, 1 / np.sqrt(block.taps * channels), (block.c_out, block.taps, channels))
            convolutions.append((weight.astype(np.float32), np.zeros(block.c_out, np.float32)))
            channels = block.c_out
        dense = rng.normal(0, 1, (len(data.classes), channels)).astype(np.float32)
        weights = Weights(tuple(convolutions), (dense, np.zeros(len(data.classes), np.float32)))
        few = np.arange(min(4, len(data)))
        return self._quantized(data, few, spread(data.x[few]), weights)

    def final(self) -> "Cnn":
        """The same network, learning from every group for the whole number of epochs."""
        return replace(self, hold_out=False)

    @classmethod
    def guesses(cls) -> tuple["Cnn", ...]:
        """Sizes from middling to small to large."""
        return (cls(), cls(width=6), cls(width=24), cls(width=12, depth=4), cls(width=8, depth=2))

    def _blocks(self, data: Dataset) -> tuple[Block, ...]:
        return layout(data.length, self.width, self.depth, self.taps)

    def _sides(self, data: Dataset, seed: int) -> tuple[Ints, Ints]:
        """Windows to learn from and to find the best epoch with; none of the latter where groups are too few."""
        everything, nothing = np.arange(len(data)), np.zeros(0, np.int64)
        if not self.hold_out:
            return everything, nothing
        try:
            parts = split(data.unmarked(), seed)
        except DataError:
            return everything, nothing
        return parts.train, parts.test

    def _quantized(self, data: Dataset, learned: Ints, standard: tuple[Floats, Floats], weights: Weights) -> Graph:
        graph = float_graph(data, standard, weights, self._blocks(data))
        few = learned[np.linspace(0, len(learned) - 1, min(CALIBRATION, len(learned))).astype(int)]
        return quantize(graph, data.x[few])


def spread(x: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation (n_channels,) over all samples; a channel that never moves gets 1."""
    mean = x.mean(axis=(0, 1), dtype=np.float64)
    std = x.std(axis=(0, 1), dtype=np.float64)
    still = std <= 1e-6 * np.abs(mean) + 1e-12
    return mean.astype(np.float32), np.where(still, 1.0, std).astype(np.float32)


def float_graph(data: Dataset, standard: tuple[Floats, Floats], weights: Weights, blocks: tuple[Block, ...]) -> Graph:
    """The trained network as ops, still in float."""
    nodes = [Node(Standardize(*standard), (WINDOW,), "standardized")]

    def add(op: Op, name: str) -> None:
        nodes.append(Node(op, (len(nodes) - 1,), name))

    for i, (block, (weight, bias)) in enumerate(zip(blocks, weights.convolutions, strict=True), 1):
        add(Conv1d(weight, bias, block.stride, block.pad_before, block.pad_after), f"convolution_{i}")
        add(Relu(), f"relu_{i}")
        if block.pool > 1:
            add(MaxPool1d(block.pool, block.pool), f"pool_{i}")
    add(GlobalAverage(), "features")
    add(Dense(*weights.dense), "logits")
    add(Softmax(), "scores")
    s = data.stream
    return Graph(s.channels, s.rate_hz, data.length, data.stride, tuple(nodes), data.classes)
