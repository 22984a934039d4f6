"""Boosted trees: each corrects what the sum of those before it leaves wrong. Strong where classes overlap.

They learn on the int8 grid, as forests do, so no threshold moves; leaves are int16 in steps of one common size.
"""

import importlib
import json
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from studio.errors import TrainError
from studio.graph.graph import Graph
from studio.graph.op import Array
from studio.graph.ops.forest import Tree
from studio.graph.ops.tree import pack_sums
from studio.graph.ops.vector import Softmax
from studio.learn.dataset import Dataset, balance, check_classes
from studio.learn.families.front import Front, band_count, detail_level, extra_features, front, ranged, taper_choice
from studio.learn.meaning import tasks
from studio.params import check, param
from studio.progress import Progress, Work

#: Rounds are done in steps of this many, so that the work can be watched and stopped.
STEP = 8


@dataclass(frozen=True)
class GradientBoosting:
    """scikit-learn's histogram gradient boosting."""

    name: ClassVar[str] = "boosting"
    tells: ClassVar[tuple[str, ...]] = (tasks.CLASSES, tasks.NUMBER)

    rounds: int = param(32, "Trees per class.", low=1, high=200, search=(8, 12, 16, 24, 32, 48, 64, 80))
    leaves: int = param(12, "Leaves of a tree at most.", low=2, high=64, search=(4, 6, 8, 12, 16, 24, 32))
    rate: float = param(
        0.15,
        "How much of the error a tree corrects.",
        low=0.01,
        high=1.0,
        search=(0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5),
    )
    leaf: int = param(12, "Windows in a leaf at least.", low=1, high=1000, search=(4, 8, 12, 20))
    bands: int = band_count()
    detail: int = detail_level()
    extra: str = extra_features()
    taper: str = taper_choice()

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Features through the C kernels, trees through scikit-learn."""
        check_classes(data, at_least=2)
        yield Progress(0, self.rounds, "features")
        grid = ranged(front(data, self.bands, self.detail, self.extra, self.taper), data.banded().y)
        trees, start = yield from self.grow(grid.x, data, seed)
        return (numbered if data.task == tasks.NUMBER else adding)(data, grid, trees, start)

    def grow(self, x: Array, data: Dataset, seed: int) -> Work[tuple[list[Tree], Array]]:
        """The trees in turns of the classes (or for the number), and where their sums start."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        number = data.task == tasks.NUMBER
        model = (HistGradientBoostingRegressor if number else HistGradientBoostingClassifier)(
            max_leaf_nodes=self.leaves,
            learning_rate=self.rate,
            min_samples_leaf=self.leaf,
            early_stopping=False,
            warm_start=True,
            random_state=seed,
        )
        weight, floats = (None if number else balance(data.y)[data.y]), x.astype(np.float32)
        y = tasks.lessons(data)[:, 0] if number else data.y
        for n in [*range(STEP, self.rounds, STEP), self.rounds]:
            with threadpool_limits(1):  # its threads spin while they wait, which costs more than they bring
                model.set_params(max_iter=n).fit(floats, y, sample_weight=weight)
            yield Progress(n, self.rounds, f"{n} of {self.rounds} rounds")
        trees = [from_histogram(p.nodes) for turn in model._predictors for p in turn]
        return trees, np.asarray(model._baseline_prediction, np.float64).ravel()

    def draft(self, data: Dataset) -> Graph | None:
        """None: how far the trees grow is for the data to say."""
        return None

    def final(self) -> "GradientBoosting":
        """Itself."""
        return self

    @classmethod
    def guesses(cls) -> tuple["GradientBoosting", ...]:
        """Sizes from middling to small to large."""
        return (cls(), cls(rounds=12, leaves=8, rate=0.3), cls(rounds=64, leaves=16, rate=0.1))


@dataclass(frozen=True)
class XgBoost:
    """XGBoost's trees (Chen and Guestrin 2016), read through treelite. Needs the extra "boost"."""

    name: ClassVar[str] = "xgboost"

    rounds: int = param(24, "Trees per class.", low=1, high=200, search=(8, 12, 16, 24, 32, 48, 64, 80))
    depth: int = param(4, "Decisions from root to leaf at most.", low=1, high=10, search=(2, 3, 4, 5, 6))
    rate: float = param(
        0.25,
        "How much of the error a tree corrects.",
        low=0.01,
        high=1.0,
        search=(0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5),
    )
    subsample: float = param(0.8, "Share of the windows that a tree sees.", low=0.1, high=1.0, search=(0.6, 0.8, 1.0))
    columns: float = param(0.5, "Share of the features that a tree sees.", low=0.05, high=1.0, search=(0.3, 0.5, 0.8))
    bands: int = band_count()
    detail: int = detail_level()
    extra: str = extra_features()
    taper: str = taper_choice()

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Features through the C kernels, trees through XGBoost; TrainError where it is not installed."""
        check_classes(data, at_least=2)
        yield Progress(0, self.rounds, "features")
        grid = ranged(front(data, self.bands, self.detail, self.extra, self.taper), data.y)
        booster = yield from self.grow(grid.x, data, seed)
        trees, start = from_treelite(booster)
        return adding(data, grid, trees, start)

    def grow(self, x: Array, data: Dataset, seed: int) -> Work[Any]:
        """XGBoost's own model."""
        try:
            import xgboost

            importlib.import_module("treelite")  # told before the work, not after
        except ImportError as e:
            step = 'Install it: pip install "sensorsmith-studio[boost]", or choose another family.'
            raise TrainError("Family 'xgboost'", f"{e.name} is not installed", step) from e
        given = {
            "objective": "multi:softprob", "num_class": len(data.classes), "max_depth": self.depth, "eta": self.rate,
            "subsample": self.subsample, "colsample_bytree": self.columns, "seed": seed, "nthread": 1,
        }  # fmt: skip
        windows = xgboost.DMatrix(x.astype(np.float32), data.y, weight=balance(data.y)[data.y])
        booster = None
        for n in [*range(STEP, self.rounds, STEP), self.rounds]:
            more = n - (booster.num_boosted_rounds() if booster else 0)
            booster = xgboost.train(given, windows, more, xgb_model=booster)
            yield Progress(n, self.rounds, f"{n} of {self.rounds} rounds")
        return booster

    def draft(self, data: Dataset) -> Graph | None:
        """None: how far the trees grow is for the data to say."""
        return None

    def final(self) -> "XgBoost":
        """Itself."""
        return self

    @classmethod
    def guesses(cls) -> tuple["XgBoost", ...]:
        """Sizes from middling to small to large."""
        return (cls(), cls(rounds=12, depth=3, rate=0.4), cls(rounds=64, rate=0.15))


def adding(data: Dataset, grid: Front, trees: list[Tree], start: Array) -> Graph:
    """The graph of trees that add to the classes in turns; with one start for two classes, the first stays at 0."""
    groups = len(start)
    if groups == 1:
        start = np.append(0.0, start)
    return grid.graph(data, [(pack_sums(trees, start, groups), "logits"), (Softmax(), "scores")])


def numbered(data: Dataset, grid: Front, trees: list[Tree], start: Array) -> Graph:
    """The graph of trees that add to one number."""
    ends = [(pack_sums(trees, start, 1), "logits"), (tasks.last_op(data), "scores")]
    return replace(grid.graph(data, ends, tasks.outputs(data)), threshold=tasks.threshold(data.task))


def from_histogram(nodes: Array) -> Tree:
    """A tree of scikit-learn's histogram boosting; features have no missing values here."""
    leaf = nodes["is_leaf"].astype(bool)
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    return Tree(nodes["feature_idx"].astype(np.int64), nodes["num_threshold"], left, right, nodes["value"][:, None])


def from_treelite(booster: Any) -> tuple[list[Tree], Array]:
    """Trees of an XGBoost model, and where its sums start."""
    import treelite

    model = json.loads(treelite.frontend.from_xgboost(booster).dump_as_json())
    return [_read(tree["nodes"]) for tree in model["trees"]], np.array(model["base_scores"], np.float64)


def _read(nodes: list[dict[str, Any]]) -> Tree:
    """One tree of treelite's JSON. Values are whole, so x < t means x <= ceil(t) - 1."""
    n = max(node["node_id"] for node in nodes) + 1
    feature, left, right = np.zeros(n, np.int64), np.full(n, -1), np.full(n, -1)
    threshold, value = np.zeros(n), np.zeros((n, 1))
    for node in nodes:
        i = node["node_id"]
        if "leaf_value" in node:
            value[i] = node["leaf_value"]
            continue
        feature[i], left[i], right[i] = node["split_feature_id"], node["left_child"], node["right_child"]
        t = float(node["threshold"])
        threshold[i] = np.ceil(t) - 1 if node["comparison_op"] == "<" else t
    return Tree(feature, threshold, left, right, value)
