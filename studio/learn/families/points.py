"""Models that keep examples: a support vector machine with a radial kernel, and the nearest neighbours.

Both keep int8 points on the grid of features, as many as the budget says; distances are whole numbers on the board.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from studio.graph.graph import Graph
from studio.graph.op import Array
from studio.graph.ops.points import NeighboursS8, RadialS8
from studio.graph.ops.vector import Dense, Normalize, Softmax
from studio.learn.dataset import Dataset, check_classes
from studio.learn.families.front import STEPS, band_count, detail_level, extra_features, front, spread, taper_choice
from studio.learn.families.linear import rows_of
from studio.learn.split import Ints
from studio.params import check, param
from studio.progress import Progress, Work


@dataclass(frozen=True)
class RadialSvm:
    """A support vector machine with a budget of points (Nyström's approximation, Williams and Seeger 2001)."""

    name: ClassVar[str] = "svm"

    points: int = param(96, "Examples that are kept.", low=2, high=1024, search=(16, 24, 32, 48, 64, 96, 128, 192, 256))
    cost: float = param(
        1.0,
        "How much errors cost against a wide margin.",
        low=1e-3,
        high=1000.0,
        search=(0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    )
    gamma: float = param(
        0.3,
        "How quickly examples stop being alike, per feature.",
        low=1e-3,
        high=100.0,
        search=(0.06, 0.1, 0.2, 0.3, 0.6, 1.0, 2.0),
    )
    bands: int = band_count()
    detail: int = detail_level()
    extra: str = extra_features()
    taper: str = taper_choice()

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Points by k-means in every class, kernels through the board's own C, the margin through scikit-learn."""
        from sklearn.svm import LinearSVC

        check_classes(data, at_least=2)
        yield Progress(0, 3, "features")
        grid = spread(front(data, self.bands, self.detail, self.extra, self.taper), data.y)
        yield Progress(1, 3, "choosing examples")
        points, _ = prototypes(grid.x, data.y, self.points, seed)
        alike = RadialS8(points, self.gamma / (grid.x.shape[1] * STEPS**2))
        yield Progress(2, 3, "learning the margin")
        whiten = _root(alike.run(points))
        model = LinearSVC(C=self.cost, class_weight="balanced", random_state=seed)
        model.fit(alike.run(grid.x) @ whiten, data.y)
        yield Progress(3, 3, "packing")
        weight, bias = rows_of(model, len(data.classes))
        dense = Dense((weight @ whiten.T).astype(np.float32), bias.astype(np.float32))
        return grid.graph(data, [(alike, "alike"), (dense, "logits"), (Softmax(), "scores")])

    def draft(self, data: Dataset) -> Graph | None:
        """The graph with any points: it weighs what the trained one will weigh."""
        few = data.take(np.arange(min(4, len(data))))
        grid = spread(front(few, self.bands, self.detail, self.extra, self.taper), few.y)
        n = min(self.points, len(data))
        dense = Dense(np.ones((len(data.classes), n), np.float32), np.zeros(len(data.classes), np.float32))
        alike = RadialS8(np.zeros((n, grid.x.shape[1]), np.int8), 1.0)
        return grid.graph(data, [(alike, "alike"), (dense, "logits"), (Softmax(), "scores")])

    def final(self) -> "RadialSvm":
        """Itself."""
        return self

    @classmethod
    def guesses(cls) -> tuple["RadialSvm", ...]:
        """Budgets from middling to small to large."""
        return (cls(), cls(points=32), cls(points=192, cost=3.0))


@dataclass(frozen=True)
class Neighbours:
    """The nearest of the examples that are kept; where there are more windows, k-means says which (prototypes)."""

    name: ClassVar[str] = "neighbours"

    points: int = param(
        160, "Examples that are kept.", low=2, high=2048, search=(16, 32, 48, 64, 96, 128, 160, 256, 384, 512)
    )
    k: int = param(3, "Nearest examples that vote.", low=1, high=15, search=(1, 3, 5, 7))
    bands: int = band_count()
    detail: int = detail_level()
    extra: str = extra_features()
    taper: str = taper_choice()

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Features through the C kernels, examples through k-means in every class."""
        check_classes(data, at_least=2)
        yield Progress(0, 2, "features")
        grid = spread(front(data, self.bands, self.detail, self.extra, self.taper), data.y)
        yield Progress(1, 2, "choosing examples")
        points, label = prototypes(grid.x, data.y, self.points, seed)
        yield Progress(2, 2, "packing")
        near = NeighboursS8(points, label.astype(np.uint8), len(data.classes), min(self.k, len(points)))
        return grid.graph(data, [(near, "logits"), (Normalize(), "scores")])

    def draft(self, data: Dataset) -> Graph | None:
        """The graph with any points: it weighs what the trained one will weigh."""
        few = data.take(np.arange(min(4, len(data))))
        grid = spread(front(few, self.bands, self.detail, self.extra, self.taper), few.y)
        n = min(self.points, len(data))
        points = np.zeros((n, grid.x.shape[1]), np.int8)
        near = NeighboursS8(points, np.zeros(n, np.uint8), len(data.classes), min(self.k, n))
        return grid.graph(data, [(near, "logits"), (Normalize(), "scores")])

    def final(self) -> "Neighbours":
        """Itself."""
        return self

    @classmethod
    def guesses(cls) -> tuple["Neighbours", ...]:
        """Budgets from middling to small to large."""
        return (cls(), cls(points=48, k=1), cls(points=384))


def prototypes(grid: Array, y: Ints, budget: int, seed: int) -> tuple[Array, Ints]:
    """(points int8, classes): all windows where the budget allows, else the middles of clusters in every class."""
    from sklearn.cluster import KMeans

    if len(y) <= budget:
        return grid.copy(), y.copy()
    present = np.unique(y)
    points, label = [], []
    for place, c in enumerate(present):
        own = grid[y == c].astype(np.float32)
        wanted = max(1, budget // len(present) + (place < budget % len(present)))
        if len(own) > wanted:
            own = KMeans(wanted, n_init=1, max_iter=50, random_state=seed).fit(own).cluster_centers_
        points.append(np.clip(np.rint(own), -128, 127).astype(np.int8))
        label.append(np.full(len(own), c))
    return np.concatenate(points), np.concatenate(label)


def _root(alike: Array) -> Array:
    """K^(-1/2) of the kernels between the points; directions that they hardly have are left out."""
    value, vector = np.linalg.eigh(alike.astype(np.float64))
    kept = value > 1e-6 * value[-1]
    found: Array = vector[:, kept] / np.sqrt(value[kept])
    return found
