"""Trees that vote on features of each window: strong on little data, quick to learn, and small where trees are few.

Three choices make them fit a microcontroller: they learn on the int8 grid, where a decision takes four bytes and no
float; they have leaves of several windows; and leaves vote in 1/255, kept once where they say the same.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studio.data.stream import Floats
from studio.graph.graph import Graph
from studio.graph.op import Array
from studio.graph.ops.forest import Tree
from studio.graph.ops.tree import pack_votes
from studio.graph.ops.vector import Normalize
from studio.learn.dataset import Dataset, balance, check_classes
from studio.learn.families.boosting import numbered
from studio.learn.families.front import Front, band_count, detail_level, extra_features, front, ranged, taper_choice
from studio.learn.meaning import tasks
from studio.learn.split import Ints
from studio.params import check, param
from studio.progress import Progress, Work

#: Trees are grown in steps of this many, so that the work can be watched and stopped.
STEP = 4


@dataclass(frozen=True)
class RandomForest:
    """Trees grown on draws of the windows, with draws of the features (Breiman 2001)."""

    name: ClassVar[str] = "forest"
    tells: ClassVar[tuple[str, ...]] = (tasks.CLASSES, tasks.NUMBER)
    kind: ClassVar[str] = "RandomForest"

    trees: int = param(32, "How many trees vote.", low=1, high=200, search=(4, 6, 8, 12, 16, 24, 32, 48, 64))
    depth: int = param(16, "Decisions from root to leaf at most.", low=1, high=30, search=(5, 6, 8, 10, 12, 14, 16, 18))
    leaf: int = param(
        4,
        "Windows in a leaf at least: more makes a smaller, calmer forest.",
        low=1,
        high=1000,
        search=(1, 2, 3, 4, 6, 8, 12, 20),
    )
    bands: int = band_count()
    detail: int = detail_level()
    extra: str = extra_features()
    taper: str = taper_choice()
    kinds: int = param(
        0, "Different leaves at most, to save flash; 0: as many as there are.", low=0, high=256, search=(0, 16, 32)
    )

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Features through the C kernels, trees through scikit-learn, one graph out of both."""
        check_classes(data, at_least=2)
        yield Progress(0, self.trees, "features")
        grid = ranged(front(data, self.bands, self.detail, self.extra, self.taper), data.banded().y)
        if data.task == tasks.NUMBER:
            trees = yield from _regressing(self, grid.x, tasks.lessons(data)[:, 0], seed)
            return numbered(data, grid, trees, np.zeros(1))
        trees = yield from self.grow(grid.x, data.y, len(data.classes), seed)
        return voting(data, grid, alike(trees, self.kinds, seed))

    def draft(self, data: Dataset) -> Graph | None:
        """None: how far the trees grow is for the data to say."""
        return None

    def final(self) -> "RandomForest":
        """Itself: a forest holds nothing back."""
        return self

    @classmethod
    def guesses(cls) -> tuple["RandomForest", ...]:
        """Sizes from middling to small to large."""
        return (
            cls(),
            cls(trees=12, depth=10, leaf=8),
            cls(trees=24, detail=1),
            cls(trees=48, leaf=6),
            cls(trees=6, depth=8, leaf=12),
        )

    def grow(self, x: Array, y: Ints, n_classes: int, seed: int) -> Work[list[Tree]]:
        """Trees for features x (n, n_features) and classes y (n,); every class has the same say."""
        from sklearn.ensemble import RandomForestClassifier

        return (yield from _grown(self, RandomForestClassifier, x, y, n_classes, seed))


@dataclass(frozen=True)
class ExtraTrees(RandomForest):
    """Trees with thresholds drawn by chance (Geurts et al. 2006): larger than a random forest, often better."""

    name: ClassVar[str] = "extra_trees"
    kind: ClassVar[str] = "ExtraTrees"

    def grow(self, x: Array, y: Ints, n_classes: int, seed: int) -> Work[list[Tree]]:
        """As a random forest, with every window in every tree."""
        from sklearn.ensemble import ExtraTreesClassifier

        return (yield from _grown(self, ExtraTreesClassifier, x, y, n_classes, seed))


@dataclass(frozen=True)
class DecisionTree:
    """One tree: the smallest and quickest of all, and every answer can be read off."""

    name: ClassVar[str] = "tree"

    depth: int = param(10, "Decisions from root to leaf at most.", low=1, high=30, search=(3, 4, 6, 8, 10, 12, 14, 16))
    leaf: int = param(6, "Windows in a leaf at least.", low=1, high=1000, search=(1, 2, 3, 4, 6, 8, 12, 20, 30))
    bands: int = band_count()
    detail: int = detail_level()
    extra: str = extra_features()
    taper: str = taper_choice()

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Features through the C kernels, the tree through scikit-learn."""
        from sklearn.tree import DecisionTreeClassifier

        check_classes(data, at_least=2)
        yield Progress(0, 2, "features")
        grid = ranged(front(data, self.bands, self.detail, self.extra, self.taper), data.y)
        yield Progress(1, 2, "growing the tree")
        tree = DecisionTreeClassifier(max_depth=self.depth, min_samples_leaf=self.leaf, random_state=seed)
        tree.fit(grid.x.astype(np.float32), data.y, sample_weight=balance(data.y)[data.y])
        yield Progress(2, 2, "packing")
        return voting(data, grid, [from_sklearn(tree.tree_, len(data.classes), tree.classes_)])

    def draft(self, data: Dataset) -> Graph | None:
        """None: how far the tree grows is for the data to say."""
        return None

    def final(self) -> "DecisionTree":
        """Itself."""
        return self

    @classmethod
    def guesses(cls) -> tuple["DecisionTree", ...]:
        """Sizes from middling to small to large."""
        return (cls(), cls(depth=6, leaf=12), cls(depth=14, leaf=3))


def _grown(family: RandomForest, kind: Any, x: Array, y: Ints, n_classes: int, seed: int) -> Work[list[Tree]]:
    """The trees of one of scikit-learn's forests, a few at a time."""
    forest = kind(
        max_depth=family.depth,
        min_samples_leaf=family.leaf,
        max_features="sqrt",
        random_state=seed,
        warm_start=True,
        n_jobs=1,
    )
    weight, floats = balance(y)[y], x.astype(np.float32)
    for n in [*range(STEP, family.trees, STEP), family.trees]:
        forest.set_params(n_estimators=n).fit(floats, y, sample_weight=weight)
        yield Progress(n, family.trees, f"{n} of {family.trees} trees")
    return [from_sklearn(t.tree_, n_classes, forest.classes_) for t in forest.estimators_]


def _regressing(family: RandomForest, x: Array, y: Floats, seed: int) -> Work[list[Tree]]:
    """Trees whose leaves add up to the mean of what they say."""
    from sklearn import ensemble

    forest = getattr(ensemble, f"{family.kind}Regressor")(
        max_depth=family.depth, min_samples_leaf=family.leaf, max_features=1 / 3, random_state=seed, warm_start=True,
        n_jobs=1,
    )  # fmt: skip
    for n in [*range(STEP, family.trees, STEP), family.trees]:
        forest.set_params(n_estimators=n).fit(x.astype(np.float32), y)
        yield Progress(n, family.trees, f"{n} of {family.trees} trees")
    found = [t.tree_ for t in forest.estimators_]
    return [
        Tree(t.feature, t.threshold, t.children_left, t.children_right, t.value[:, 0, :] / len(found)) for t in found
    ]


def voting(data: Dataset, grid: Front, trees: list[Tree]) -> Graph:
    """The graph of trees that vote."""
    return grid.graph(data, [(pack_votes(trees), "logits"), (Normalize(), "scores")])


def alike(trees: list[Tree], kinds: int, seed: int) -> list[Tree]:
    """The trees with leaves that say nearly the same made equal, until `kinds` different ones are left; 0: untouched.

    On many trees the small errors of the leaves cancel out; half of a forest's bytes can be leaves.
    """
    from sklearn.cluster import KMeans

    shares = [t.value / np.maximum(t.value.sum(axis=1, keepdims=True), 1e-12) for t in trees]
    leaves = np.concatenate([s[t.left < 0] for s, t in zip(shares, trees, strict=True)])
    if kinds == 0 or len(np.unique(leaves, axis=0)) <= kinds:
        return trees
    model = KMeans(kinds, n_init=1, max_iter=50, random_state=seed).fit(leaves)
    middles = np.clip(model.cluster_centers_, 0, 1)
    values = [np.where((t.left < 0)[:, None], middles[model.predict(s)], s) for s, t in zip(shares, trees, strict=True)]
    return [replace(t, value=v) for t, v in zip(trees, values, strict=True)]


def from_sklearn(tree: Any, n_classes: int, known: npt.NDArray[np.int64]) -> Tree:
    """A scikit-learn tree; classes that no window had get no votes."""
    value = np.zeros((len(tree.feature), n_classes))
    value[:, known] = tree.value[:, 0, :]
    came = tree.weighted_n_node_samples
    return Tree(tree.feature, tree.threshold, tree.children_left, tree.children_right, value, came)
