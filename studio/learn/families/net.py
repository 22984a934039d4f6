"""What every network family shares: its front, its course, and the way from learned weights to an int8 graph."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from studio.data.stream import Floats
from studio.errors import DataError
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.ops.vector import Standardize
from studio.graph.passes import quantize
from studio.learn.dataset import Dataset, balance, check_classes, split
from studio.learn.families.augment import Disturbance
from studio.learn.families.layers import Layer, Plane, Stack, Weights, random_weights
from studio.learn.families.losses import LOSSES, OPTIMIZERS
from studio.learn.families.network import Course, Lessons, train
from studio.learn.families.nodes import nodes_of
from studio.learn.meaning import tasks
from studio.learn.split import Ints
from studio.params import check, param
from studio.progress import Progress, Work

#: Windows that the ranges of the int8 values are read from.
CALIBRATION = 512
#: How much more a window counts for a label that few windows have, at most.
RARE = 10.0
#: How many times as many epochs little data may get.
MOST_TIMES = 3

Self = TypeVar("Self", bound="Network")


@dataclass(frozen=True)
class Network:
    """A network on what `front` gives; a family says which layers by `pile`."""

    name: ClassVar[str] = ""
    tells: ClassVar[tuple[str, ...]] = tasks.TASKS
    epochs: int = param(30, "Times through the data at most.", low=1, high=1000)
    batch: int = param(64, "Windows per step.", low=4, high=1024, search=(32, 64, 128))
    rate: float = param(
        0.006, "Greatest learning rate.", low=1e-5, high=1.0, search=(0.002, 0.003, 0.004, 0.006, 0.01, 0.015)
    )
    dropout: float = param(0.2, "Share of features hidden while learning.", low=0.0, high=0.9, search=(0.0, 0.2, 0.4))
    augment: float = param(
        1.0, "Strength of random gain, shift, stretch, noise and masks; 0 for none.", low=0.0, high=3.0,
        search=(0.5, 1.0, 1.5),
    )  # fmt: skip
    turn: float = param(
        0.0, "Most that the sensor's frame is turned while learning.", unit="degrees", low=0.0, high=180.0,
        search=(0.0, 10.0, 25.0),
    )  # fmt: skip
    mix: float = param(
        0.0, "Share of the steps in which windows are laid over each other.", low=0.0, high=1.0, search=(0.0, 0.5)
    )
    drop: float = param(
        0.0, "Share of a window's samples that are lost while learning, at most.", low=0.0, high=0.9,
        search=(0.0, 0.1, 0.3),
    )  # fmt: skip
    loss: str = param("cross_entropy", "What it is blamed for.", choices=tuple(LOSSES))
    optimizer: str = param("adamw", "How its weights are changed.", choices=tuple(OPTIMIZERS))
    least_steps: int = param(0, "Steps at least: of little data, more times through it.", low=0, high=100_000)
    patience: int = param(10, "Epochs without a better validation before it stops.", low=1, high=1000)
    hold_out: bool = param(True, "Keep some groups aside to find the best epoch.")
    bits: int = param(8, "Bits of the values between layers; weights have 8.", choices=(8, 16))

    def __post_init__(self) -> None:
        check(self)

    def hears(self, data: Dataset) -> bool:
        """Whether the front gives logarithms of spectra."""
        return False

    def front(self, data: Dataset, learned: Ints) -> tuple[tuple[Node, ...], Floats]:
        """Nodes before the standardization, and what they give for all windows as planes (n, h, w, c)."""
        return (), data.x[:, :, None, :]

    def pile(self, stack: Stack, data: Dataset) -> None:
        """Put this family's layers on the stack."""
        raise NotImplementedError

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Learn in float, then quantize with windows that were learned from."""
        check_classes(data, at_least=2)
        learn, held = self._sides(data, seed)
        yield Progress(0, self.epochs, "preparing")
        nodes, x = self.front(data, learn)
        mean, std = spread(x[learn].reshape(len(learn), x.shape[1], -1))
        y, weight = aims(data, learn)
        lessons = Lessons(x[learn], y[learn], weight, x[held], y[held], mean, std, self.hears(data), data.task)
        layers = self._layers(lessons.plane, data)
        course = self._course(len(learn), data.task)
        weights = yield from train(lessons, layers, course, seed)
        yield Progress(course.epochs, course.epochs, "quantizing to int8")
        front = (*nodes, standard(nodes, mean, std))
        return quantized(data, learn, front, lessons.plane, layers, weights, self.bits)

    def _course(self, n: int, task: str) -> Course:
        """Of a number no window is made louder, slower or mixed: it would be another number."""
        batch = min(self.batch, max(4, n // 4))
        whole = task == tasks.NUMBER
        disturbance = Disturbance(0.0 if whole else self.augment, self.turn, 0.0 if whole else self.mix, self.drop)
        epochs = max(self.epochs, min(MOST_TIMES * self.epochs, -(-self.least_steps // max(1, n // batch))))
        course = Course(epochs, batch, self.rate, self.dropout, self.patience, disturbance)
        return replace(course, loss=self.loss, optimizer=self.optimizer)

    def _layers(self, plane: Plane, data: Dataset) -> tuple[Layer, ...]:
        stack = Stack(plane)
        self.pile(stack, data)
        return tuple(stack.layers)

    def draft(self, data: Dataset) -> Graph | None:
        """The network with random weights: it weighs what the trained one will weigh."""
        few = data.take(np.linspace(0, len(data) - 1, min(4, len(data))).astype(int))
        everything = np.arange(len(few))
        nodes, x = self.front(few, everything)
        mean, std = spread(x.reshape(len(x), x.shape[1], -1))
        plane = x.shape[1], x.shape[2], x.shape[3]
        layers = self._layers(plane, data)
        weights = random_weights(layers, plane, len(tasks.outputs(data)))
        front = (*nodes, standard(nodes, mean, std))
        return quantized(few, everything, front, plane, layers, weights, self.bits)

    def final(self: Self) -> Self:
        """The same network, learning from every group for the whole number of epochs."""
        return replace(self, hold_out=False)

    @classmethod
    def guesses(cls) -> "tuple[Network, ...]":
        """The default."""
        return (cls(),)

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


def aims(data: Dataset, learned: Ints) -> tuple[Any, npt.NDArray[np.float64]]:
    """What is learned, classes (n,) or values (n, n_outputs), and how much each output weighs."""
    if data.task == tasks.CLASSES:
        weight = balance(data.y[learned])
        return data.y, np.pad(weight, (0, len(data.classes) - len(weight)))
    y = tasks.lessons(data)
    share = np.clip(y[learned].mean(axis=0, dtype=np.float64), 0.01, 0.99)
    return y, np.clip((1 - share) / share, 1.0, RARE) if data.task == tasks.SEVERAL else np.ones(1)


def spread(x: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the last axis of x (n, length, n); a value that never moves gets 1."""
    mean = x.mean(axis=(0, 1), dtype=np.float64)
    std = x.std(axis=(0, 1), dtype=np.float64)
    still = std <= 1e-6 * np.abs(mean) + 1e-12
    return mean.astype(np.float32), np.where(still, 1.0, std).astype(np.float32)


def standard(nodes: tuple[Node, ...], mean: Floats, std: Floats) -> Node:
    """The standardization behind a front."""
    return Node(Standardize(mean, std), (len(nodes) - 1 if nodes else WINDOW,), "standardized")


def float_graph(
    data: Dataset, front: tuple[Node, ...], plane: Plane, layers: tuple[Layer, ...], weights: Weights
) -> Graph:
    """The trained network as ops, still in float."""
    s = data.stream
    nodes = nodes_of(front, plane, layers, weights, data.task == tasks.CLASSES)
    return Graph(s.channels, s.rate_hz, data.length, data.stride, nodes, tasks.outputs(data))


def quantized(
    data: Dataset,
    learned: Ints,
    front: tuple[Node, ...],
    plane: Plane,
    layers: tuple[Layer, ...],
    weights: Weights,
    bits: int = 8,
) -> Graph:
    """The network in whole numbers of `bits`, its ranges read from some of the windows that were learned from."""
    few = learned[np.linspace(0, len(learned) - 1, min(CALIBRATION, len(learned))).astype(int)]
    whole = quantize(float_graph(data, front, plane, layers, weights), data.x[few], bits)
    return whole if data.task == tasks.CLASSES else ended(data, whole)


def ended(data: Dataset, graph: Graph) -> Graph:
    """A graph up to its logits with what makes scores of them: in float, so that numbers keep their small steps."""
    nodes = (*graph.nodes, Node(tasks.last_op(data), (len(graph.nodes) - 1,), "scores"))
    return replace(graph, nodes=nodes, classes=tasks.outputs(data), threshold=tasks.threshold(data.task))
