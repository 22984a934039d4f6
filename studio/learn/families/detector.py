"""Detectors: they learn what is normal, and from nothing else, and call the rest an anomaly.

How strange a window may be is set by an explicit share of false alarms, read off normal windows of groups that the
detector has not learned from. A detector ends in two scores like any other graph; which class is the normal one is
told by its name.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from studio.errors import DataError
from studio.graph.graph import Graph
from studio.graph.op import Array, Op
from studio.graph.ops.forest import Tree
from studio.graph.ops.int8 import Quantize
from studio.graph.ops.points import Gaussians, Greatest, LogSumExp, OutlierFactorS8
from studio.graph.ops.tree import pack_sums
from studio.graph.ops.vector import Dense, Softmax
from studio.learn.dataset import MIN_WINDOWS, Dataset
from studio.learn.families.front import (
    Front,
    band_count,
    detail_level,
    extra_features,
    front,
    run,
    spread,
    taper_choice,
)
from studio.learn.families.linear import gaussians, standardized
from studio.learn.split import Ints
from studio.params import check, param
from studio.progress import Progress, Work

#: Share of the normal windows that are kept aside to set the threshold.
ASIDE = 0.25
CLASSES = ("normal", "anomaly")


@dataclass(frozen=True)
class Detector:
    """What all detectors share: the threshold, and the steps of a fit."""

    name: ClassVar[str] = ""

    normal: str = param("normal", "The label of what is normal.")
    false_alarms: float = param(0.01, "Share of normal windows that may raise an alarm.", low=1e-5, high=0.5)
    bands: int = band_count()
    detail: int = detail_level()
    extra: str = extra_features()
    taper: str = taper_choice()

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Learn from most of the normal windows, set the threshold by the rest; DataError where there are too few."""
        normal = data.take(normal_of(data, self.normal))
        learned, aside = kept_aside(normal, seed)
        yield Progress(0, 3, "features")
        told = yield from self.told(normal.take(learned), seed)
        yield Progress(1, 3, "learning what is normal")
        whole, sign = self.strangeness(told, seed)
        yield Progress(2, 3, "setting the threshold")
        strange = sign * run(whole.nodes, normal.x[aside])[:, 0].astype(np.float64)
        yield Progress(3, 3, f"{len(aside)} windows set the threshold")
        return self._graph(data, whole, sign, strange)

    def told(self, data: Dataset, seed: int) -> Work[Front]:
        """What is looked at in each window."""
        yield from ()
        return front(data, self.bands, self.detail, self.extra, self.taper)

    def strangeness(self, told: Front, seed: int) -> tuple[Front, int]:
        """The nodes up to one value per window, and whether it grows (1) or falls (-1) with strangeness."""
        raise NotImplementedError

    def _graph(self, data: Dataset, whole: Front, sign: int, strange: Array) -> Graph:
        """Scores are even at the threshold and 0.88 to 0.12 as far beyond as normal windows commonly differ."""
        threshold = float(np.quantile(strange, 1 - self.false_alarms, method="higher"))
        slope = 1.0 / max(float(np.subtract(*np.quantile(strange, [0.9, 0.1]))), 1e-6 * abs(threshold), 1e-12)
        two = set(data.classes) - {self.normal}
        classes = data.classes if len(data.classes) == 2 and len(two) == 1 else CLASSES
        signs = np.array([-1.0 if c == self.normal or c == CLASSES[0] else 1.0 for c in classes])
        weight = (sign * slope * signs)[:, None].astype(np.float32)
        ops: list[tuple[Op, str]] = [(Dense(weight, (-threshold * slope * signs).astype(np.float32)), "logits")]
        return whole.graph(data, [*ops, (Softmax(), "scores")], classes)

    def draft(self, data: Dataset) -> Graph | None:
        """None: detectors are quick to learn."""
        return None

    def final(self) -> "Detector":
        """Itself."""
        return self

    @classmethod
    def guesses(cls) -> tuple["Detector", ...]:
        """The default."""
        return (cls(),)


@dataclass(frozen=True)
class KMeansDistance(Detector):
    """How far a window lies from the nearest middle of what is normal."""

    name: ClassVar[str] = "kmeans"

    clusters: int = param(8, "Kinds of normal.", low=1, high=128, search=(2, 4, 8, 16, 32))
    axes: int = param(16, "Directions that are looked at.", low=1, high=64, search=(4, 8, 16, 24, 32))

    def strangeness(self, told: Front, seed: int) -> tuple[Front, int]:
        from sklearn.cluster import KMeans

        z = axes(told, self.axes)
        n = min(self.clusters, len(z.x))
        middle = KMeans(n, n_init=2, random_state=seed).fit(z.x).cluster_centers_.astype(np.float32)
        near = Gaussians(middle, np.ones_like(middle), np.zeros(n, np.float32))
        return z.then(near, "minus squared distances").then(Greatest(), "nearness"), -1


@dataclass(frozen=True)
class GaussianMixture(Detector):
    """How unlikely a window is under a mixture of normal distributions."""

    name: ClassVar[str] = "gmm"

    components: int = param(2, "Normal distributions.", low=1, high=32, search=(1, 2, 4, 8, 16))
    axes: int = param(16, "Directions that are looked at.", low=1, high=64, search=(4, 8, 16, 24, 32))

    def strangeness(self, told: Front, seed: int) -> tuple[Front, int]:
        from sklearn.mixture import GaussianMixture as Model

        z = axes(told, self.axes)
        n = min(self.components, max(1, len(z.x) // 4))
        model = Model(n, covariance_type="diag", reg_covar=0.01, random_state=seed).fit(z.x.astype(np.float64))
        log = gaussians(model.means_, model.covariances_, model.weights_)
        return z.then(log, "log densities").then(LogSumExp(), "likelihood"), -1


@dataclass(frozen=True)
class IsolationForest(Detector):
    """How few random decisions set a window apart from normal ones (Liu et al. 2008)."""

    name: ClassVar[str] = "isolation_forest"

    trees: int = param(40, "Trees.", low=1, high=200, search=(10, 20, 40, 60, 80))
    sample: int = param(128, "Windows that a tree sees.", low=8, high=1024, search=(32, 64, 128, 256))

    def strangeness(self, told: Front, seed: int) -> tuple[Front, int]:
        from sklearn.ensemble import IsolationForest as Model

        grid = spread(told, np.zeros(len(told.x), np.int64))
        n = min(self.sample, len(grid.x))
        model = Model(n_estimators=self.trees, max_samples=n, random_state=seed, n_jobs=1).fit(
            grid.x.astype(np.float32)
        )
        paths = [path_lengths(e.tree_) for e in model.estimators_]
        return grid.then(pack_sums(paths, np.zeros(1), 1), "path lengths"), -1


@dataclass(frozen=True)
class LocalOutlierFactor(Detector):
    """How much thinner a window's surroundings are than its neighbours' (Breunig et al. 2000).

    Points are windows themselves: middles of clusters would hide how dense they lie.
    """

    name: ClassVar[str] = "lof"

    points: int = param(512, "Normal windows that are kept.", low=8, high=8192, search=(128, 256, 512, 1024))
    k: int = param(20, "Neighbours that are compared with.", low=1, high=64, search=(5, 10, 20, 40))
    axes: int = param(16, "Directions that are looked at.", low=1, high=64, search=(4, 8, 16, 24, 32))

    def strangeness(self, told: Front, seed: int) -> tuple[Front, int]:
        from sklearn.neighbors import LocalOutlierFactor as Model

        z = axes(told, self.axes)
        grid = z.then(Quantize(float(np.float32(np.quantile(np.abs(z.x), 0.9995) / 127))), "grid")
        kept = np.sort(np.random.default_rng(seed).permutation(len(grid.x))[: self.points])
        points, k = grid.x[kept], min(self.k, len(kept) - 1)
        model = Model(k, novelty=True, algorithm="brute").fit(points.astype(np.float64))
        reach, density = model._distances_fit_X_[:, -1], model._lrd
        factor = OutlierFactorS8(points, reach.astype(np.float32), density.astype(np.float32), k)
        return grid.then(factor, "outlier factor"), 1


def normal_of(data: Dataset, name: str) -> Ints:
    """The normal windows; DataError where there is no such label or too few of them."""
    if name not in data.classes:
        seen = f"there is no label {name!r} among {', '.join(map(repr, data.classes))}"
        raise DataError("A detector", seen, "Label what is normal, or name the label that means it.")
    found = np.flatnonzero(data.y == data.classes.index(name))
    if len(found) < MIN_WINDOWS:
        seen = f"{len(found)} windows of {name!r}, at least {MIN_WINDOWS} are needed"
        raise DataError("A detector", seen, "Record more of it, or shorten the window or its stride.")
    return found


def kept_aside(data: Dataset, seed: int) -> tuple[Ints, Ints]:
    """Windows to learn from, and those of whole groups (the last part in time where there is one group) kept aside."""
    names = data.subject if (data.subject != "").all() else data.recording
    groups = np.unique(names)
    if len(groups) < 2:
        first = round((1 - ASIDE) * len(data))
        return np.arange(first), np.arange(first, len(data))
    drawn = np.random.default_rng([seed, 7]).permutation(groups)
    aside = np.isin(names, drawn[: max(1, round(ASIDE * len(groups)))])
    return np.flatnonzero(~aside), np.flatnonzero(aside)


def axes(told: Front, most: int) -> Front:
    """The directions in which normal windows differ most, each with deviation 1 (principal components, whitened)."""
    z = standardized(told)
    _, size, direction = np.linalg.svd(z.x.astype(np.float64), full_matrices=False)
    kept = min(most, int((size > 1e-3 * size[0]).sum()))
    weight = direction[:kept] / (size[:kept, None] / np.sqrt(len(z.x)))
    return z.then(Dense(np.ascontiguousarray(weight, np.float32), np.zeros(kept, np.float32)), "axes")


def path_lengths(tree: Any) -> Tree:
    """A tree whose leaves hold the decisions on the way, and those that their windows would still need."""
    from sklearn.ensemble._iforest import _average_path_length

    depth = np.zeros(len(tree.feature))
    for i in np.flatnonzero(tree.children_left >= 0):  # children come after their parents
        depth[[tree.children_left[i], tree.children_right[i]]] = depth[i] + 1
    value: Array = (depth + _average_path_length(tree.n_node_samples))[:, None]
    return Tree(tree.feature, tree.threshold, tree.children_left, tree.children_right, value)
