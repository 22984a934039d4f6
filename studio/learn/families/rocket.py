"""Convolutions with fixed kernels, the share of the time that each is above its bias, and one weight per share.

MiniRocket (Dempster et al., KDD 2021), made small: 84 kernels of nine taps with the weights -1 and 2, a few dilations,
one bias each, all in int8. Nothing but the last layer is learned, so it is as quick as a linear model and needs no
features that somebody has thought of.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np

from studio.data.stream import Floats
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.ops.conv import Conv1d, GlobalAverage
from studio.graph.ops.pointwise import Clip
from studio.graph.ops.vector import Concat, Dense, Softmax, Standardize
from studio.graph.passes import quantize
from studio.learn.dataset import Dataset, check_classes
from studio.learn.families.front import Front, run, spread
from studio.learn.families.linear import COSTS, least_squares, rows_of, values, weighing
from studio.learn.families.net import spread as channel_spread
from studio.learn.meaning import tasks
from studio.params import check, param
from studio.progress import Progress, Work

TAPS, ABOVE = 9, 3
#: How steep the step is: one step of int8 of any convolution lies beyond it.
STEEP = 1e4
#: Windows that biases and int8 ranges are read from.
FEW = 256


@dataclass(frozen=True)
class Rocket:
    """Random convolutions without chance, and a linear model behind them."""

    name: ClassVar[str] = "rocket"
    tells: ClassVar[tuple[str, ...]] = tasks.TASKS

    kernels: int = param(84, "Kernels of each dilation.", low=4, high=84, search=(21, 42, 84))
    dilations: int = param(3, "Dilations: 1, 2, 4 and so on.", low=1, high=6, search=(1, 2, 3, 4))
    head: str = param(
        "ridge", "How the weights are found: by least squares, or for the widest margin.", choices=("ridge", "svm"),
        search=("ridge", "svm"),
    )  # fmt: skip
    cost: float = param(0.02, "How much errors cost against small weights.", low=1e-4, high=100.0, search=COSTS)

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Kernels and biases from the windows, shares through the board's own C, the weights through scikit-learn."""
        check_classes(data, at_least=2)
        yield Progress(0, 3, "convolutions")
        nodes = self.nodes(data, seed)
        yield Progress(1, 3, "shares of time")
        grid = spread(Front(nodes, run(nodes, data.x)), data.banded().y)
        yield Progress(2, 3, "learning the weights")
        weight, bias = self.rows(grid, data, seed)
        yield Progress(3, 3, "packing")
        return weighing(data, grid, weight, bias)

    def rows(self, grid: Front, data: Dataset, seed: int) -> tuple[Any, Any]:
        """Weights and bias; a ridge's penalty grows as errors cost less. The widest margin is between classes."""
        from sklearn.svm import LinearSVC

        if self.head == "ridge" or data.task != tasks.CLASSES:
            return least_squares(grid, data, self.cost)
        model = LinearSVC(C=self.cost, class_weight="balanced", random_state=seed)
        return rows_of(model.fit(values(grid.x), data.y), len(data.classes))

    def nodes(self, data: Dataset, seed: int) -> tuple[Node, ...]:
        """The int8 graph's nodes up to "features"."""
        few = data.x[np.linspace(0, len(data) - 1, min(FEW, len(data))).astype(int)]
        rng = np.random.default_rng([seed, 23])
        nodes = [Node(Standardize(*channel_spread(data.x)), (WINDOW,), "standardized")]
        z = nodes[0].op.run(few)
        ends = []
        for i in range(min(self.dilations, longest(data.length))):
            weight = kernels(self.kernels, z.shape[2], rng)
            ends.append(_one_dilation(nodes, weight, 2**i, z, rng))
        if len(ends) > 1:
            nodes.append(Node(Concat(), tuple(ends), "features"))
        else:
            nodes[-1] = Node(nodes[-1].op, nodes[-1].inputs, "features")
        n = int(sum(run(tuple(nodes), few[:1]).shape[1:]))
        dense = Dense(np.zeros((len(data.classes), n), np.float32), np.zeros(len(data.classes), np.float32))
        s = data.stream
        whole = (*nodes, Node(dense, (len(nodes) - 1,), "logits"), Node(Softmax(), (len(nodes),), "scores"))
        return up_to_features(
            quantize(Graph(s.channels, s.rate_hz, data.length, data.stride, whole, data.classes), few)
        )

    def draft(self, data: Dataset) -> Graph | None:
        """The graph with weights of 1: it weighs what the trained one will weigh."""
        few = data.take(np.linspace(0, len(data) - 1, min(24, len(data))).astype(int))
        nodes = self.nodes(few, 0)
        grid = spread(Front(nodes, run(nodes, few.x)), few.banded().y)
        shape = (len(tasks.outputs(data)), grid.x.shape[1])
        return weighing(data, grid, np.ones(shape), np.zeros(shape[0]))

    def final(self) -> "Rocket":
        """Itself."""
        return self

    @classmethod
    def guesses(cls) -> tuple["Rocket", ...]:
        """Middling, then small."""
        return (cls(), cls(kernels=42, dilations=2))


def longest(length: int) -> int:
    """How many dilations fit into a window of `length` samples."""
    return max(1, int(np.log2(max(2, (length - 1) / (TAPS - 1)))) + 1)


def kernels(n: int, channels: int, rng: np.random.Generator) -> Floats:
    """(n, TAPS, channels): of the nine taps three weigh 2 and the others -1, on some of the channels."""
    which = list(combinations(range(TAPS), ABOVE))
    drawn = np.linspace(0, len(which) - 1, n).astype(int)
    found = np.zeros((n, TAPS, channels), np.float32)
    for k, i in enumerate(drawn):
        taps = np.full(TAPS, -1.0)
        taps[list(which[i])] = 2.0
        used = rng.permutation(channels)[: 1 + int(rng.integers(min(channels, 3)))]
        found[k, :, used] = taps
    return found


def _one_dilation(nodes: list[Node], weight: Floats, dilation: int, z: Floats, rng: np.random.Generator) -> int:
    """Convolution, step, mean over time; the bias is what some place of some window gives."""
    pad = (TAPS - 1) * dilation // 2
    plain = Conv1d(weight, np.zeros(len(weight), np.float32), 1, pad, pad, dilation)
    seen = plain.run(z)
    level = np.array([np.quantile(seen[..., k], rng.uniform(0.2, 0.8)) for k in range(len(weight))])
    op = Conv1d(weight, (-level).astype(np.float32), 1, pad, pad, dilation)
    nodes.append(Node(op, (0,), f"kernels {dilation}"))
    nodes.append(Node(_step(op.run(z)), (len(nodes) - 1,), f"above {dilation}"))
    nodes.append(Node(GlobalAverage(), (len(nodes) - 1,), f"shares {dilation}"))
    return len(nodes) - 1


def _step(seen: Any) -> Any:
    """0 up to nothing, 1 from the first step of int8 above it on."""
    return Clip(0.0, max(1e-6, float(np.abs(seen).max()) / 127 / STEEP))


def up_to_features(graph: Graph) -> tuple[Node, ...]:
    """The nodes that "features" needs, and it last."""
    at = next(i for i, n in enumerate(graph.nodes) if n.name == "features")
    return graph.nodes[: at + 1]
