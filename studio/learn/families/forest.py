"""Random forest on features of each window: strong on little data, quick to learn, and small where trees are few.

Three choices make it fit a microcontroller: few trees with leaves of several windows, a small draw of features at
every decision (decorrelated trees need not be many), and leaves that vote in 1/255, shared where they say the same.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Op
from studio.graph.ops.forest import Forest, Tree, pack
from studio.graph.ops.spectrum import BandPower, SpectralShape, Spectrum, log_bands
from studio.graph.ops.statistics import ChannelCorrelation, Statistics
from studio.graph.ops.vector import Concat, Normalize
from studio.learn.dataset import Dataset, balance, check_classes
from studio.params import check, param
from studio.progress import Progress, Work

#: Samples that the longest spectrum sees.
MOST_POINTS = 4096
#: More pairs of channels than these say little and cost much.
MOST_CORRELATED = 12
#: Trees are grown in steps of this many, so that the work can be watched and stopped.
STEP = 4


@dataclass(frozen=True)
class RandomForest:
    """Trees that vote on statistics, correlations and band powers of the window (Breiman 2001)."""

    name: ClassVar[str] = "forest"

    trees: int = param(32, "How many trees vote.", low=1, high=200)
    depth: int = param(16, "Decisions from root to leaf at most.", low=1, high=30)
    leaf: int = param(4, "Windows in a leaf at least: more makes a smaller, calmer forest.", low=1, high=1000)
    bands: int = param(12, "Frequency bands per channel; 0 leaves the spectrum out.", low=0, high=32)

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Features through the C kernels, trees through scikit-learn, one graph out of both."""
        check_classes(data, at_least=2)
        nodes = features(data, self.bands)
        yield Progress(0, self.trees, "features")
        x = run(nodes, data.x)
        trees = yield from self.grow(x, data.y, len(data.classes), seed)
        return self._graph(data, nodes, pack(trees))

    def draft(self, data: Dataset) -> Graph | None:
        """None: how far the trees grow is for the data to say."""
        return None

    def final(self) -> "RandomForest":
        """Itself: a forest holds nothing back."""
        return self

    @classmethod
    def propose(cls, number: int, rng: np.random.Generator) -> "RandomForest":
        """Sizes from middling to small to large, then any."""
        guesses = (cls(), cls(trees=12, depth=10, leaf=8), cls(trees=48, leaf=6), cls(trees=6, depth=8, leaf=12))
        if number < len(guesses):
            return guesses[number]
        return cls(
            trees=int(rng.integers(4, 64)),
            depth=int(rng.integers(5, 18)),
            leaf=int(rng.choice([2, 3, 4, 6, 8, 12, 20])),
            bands=int(rng.choice([0, 6, 8, 12, 16])),
        )

    def grow(self, x: npt.NDArray[np.float32], y: npt.NDArray[np.int64], n_classes: int, seed: int) -> Work[list[Tree]]:
        """Trees for features x (n, n_features) and classes y (n,); every class has the same say."""
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            max_depth=self.depth,
            min_samples_leaf=self.leaf,
            max_features="sqrt",
            random_state=seed,
            warm_start=True,
            n_jobs=1,
        )
        weight = balance(y)[y]
        for n in [*range(STEP, self.trees, STEP), self.trees]:
            forest.set_params(n_estimators=n).fit(x, y, sample_weight=weight)
            yield Progress(n, self.trees, f"{n} of {self.trees} trees")
        return [_tree(t.tree_, n_classes, forest.classes_) for t in forest.estimators_]

    def _graph(self, data: Dataset, nodes: tuple[Node, ...], forest: Forest) -> Graph:
        last = len(nodes) - 1
        nodes = (*nodes, Node(forest, (last,), "logits"), Node(Normalize(), (last + 1,), "scores"))
        s = data.stream
        return Graph(s.channels, s.rate_hz, data.length, data.stride, nodes, data.classes)


def features(data: Dataset, bands: int) -> tuple[Node, ...]:
    """The nodes up to "features" that suit the length and the channels of these windows."""
    channels, nodes = len(data.stream.channels), [Node(Statistics(), (WINDOW,), "statistics")]
    read = [0]

    def add(op: Op, source: int, name: str) -> int:
        nodes.append(Node(op, (source,), name))
        return len(nodes) - 1

    if 2 <= channels <= MOST_CORRELATED:
        read.append(add(ChannelCorrelation(), WINDOW, "correlation"))
    if bands and data.length >= 8:
        used = min(data.length, MOST_POINTS)
        n_fft = max(8, 1 << (used - 1).bit_length())
        spectrum = add(Spectrum(used, n_fft), WINDOW, "spectrum")
        read.append(add(BandPower(log_bands(n_fft, bands), _least(data)), spectrum, "bands"))
        read.append(add(SpectralShape(data.stream.rate_hz / n_fft, _least(data)), spectrum, "shape"))
    if len(read) == 1:
        return (Node(Statistics(), (WINDOW,), "features"),)
    return (*nodes, Node(Concat(), tuple(read), "features"))


def run(nodes: tuple[Node, ...], x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What the last of `nodes` gives for windows x (n, length, n_channels): (n, n_features) float32."""
    outputs: list[npt.NDArray[np.float32]] = []
    for node in nodes:
        outputs.append(node.op.run(*(x if i == WINDOW else outputs[i] for i in node.inputs)))
    return outputs[-1]


def _least(data: Dataset) -> float:
    """A power that means silence in this stream's unit: a millionth of what its channels carry on average."""
    power = float(np.mean(np.var(data.x, axis=1, dtype=np.float64)))
    return float(np.clip(1e-6 * power, 1e-30, 1.0))


def _tree(tree: Any, n_classes: int, known: npt.NDArray[np.int64]) -> Tree:
    """A scikit-learn tree; classes that no window had get no votes."""
    value = np.zeros((len(tree.feature), n_classes))
    value[:, known] = tree.value[:, 0, :]
    return Tree(tree.feature, tree.threshold, tree.children_left, tree.children_right, value)
