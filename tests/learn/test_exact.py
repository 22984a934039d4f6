"""What the graph of a classic model decides is what scikit-learn or XGBoost decides, on people nobody has learned from.

Scores may differ by what int16 leaves and weights leave out; the tolerance stands at each comparison.
"""

from typing import Any

import numpy as np
import pytest

from studio.graph.graph import Graph
from studio.learn.dataset import Dataset, balance, windows
from studio.learn.families.boosting import GradientBoosting, XgBoost
from studio.learn.families.forest import DecisionTree, ExtraTrees
from studio.learn.families.front import Front, front, ranged, run, spread
from studio.learn.families.linear import LinearSvm, LogisticRegression, NaiveBayes, standardized, values
from studio.learn.families.points import Neighbours
from studio.progress import finish
from tests.learn.toys import people


@pytest.fixture(scope="module", params=[("rest", "swing", "shake"), ("swing", "shake")], ids=["three", "two"])
def sides(request: pytest.FixtureRequest) -> tuple[Dataset, Dataset]:
    """Noisy windows of six people, so that classes overlap; four to learn from, two to judge by."""
    data = windows(people(6, 16.0), "accelerometer", 32, 16).renumbered(request.param)
    noise = np.random.default_rng(2).normal(0, 0.5, data.x.shape).astype(np.float32)
    noisy = Dataset(**{**vars(data), "x": data.x + noise})
    told = np.isin(data.subject, ["p4", "p5"])
    return noisy.take(np.flatnonzero(~told)), noisy.take(np.flatnonzero(told))


def logits(graph: Graph, x: np.ndarray) -> np.ndarray:
    return dict(graph.stages(x))["logits"]


def same_decisions(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> None:
    """Decisions agree wherever the two best of their scores (n, n_classes) are farther apart than the tolerance."""
    best = np.sort(theirs, axis=1)
    clear = best[:, -1] - best[:, -2] > 2 * tolerance
    assert clear.mean() > 0.97
    np.testing.assert_array_equal(ours.argmax(axis=1)[clear], theirs.argmax(axis=1)[clear])


def on(grid: Front, data: Dataset) -> np.ndarray:
    return run(grid.nodes, data.x).astype(np.float32)


def of_two(decision: np.ndarray) -> np.ndarray:
    """One score of the second class against the first, as two."""
    return decision if decision.ndim == 2 else np.stack([-decision, decision], axis=1) / 2


def test_decision_tree(sides: tuple[Dataset, Dataset]) -> None:
    from sklearn.tree import DecisionTreeClassifier

    data, told = sides
    grid = ranged(front(data, 12), data.y)
    theirs = DecisionTreeClassifier(max_depth=8, min_samples_leaf=2, random_state=3)
    theirs.fit(grid.x.astype(np.float32), data.y, sample_weight=balance(data.y)[data.y])
    ours = logits(finish(DecisionTree(depth=8, leaf=2).fit(data, 3)), told.x)
    expected = theirs.predict_proba(on(grid, told))
    np.testing.assert_allclose(ours / 255, expected, atol=0.51 / 255)
    same_decisions(ours, expected, 0.5 / 255)


def test_extra_trees(sides: tuple[Dataset, Dataset]) -> None:
    from sklearn.ensemble import ExtraTreesClassifier

    data, told = sides
    grid = ranged(front(data, 12), data.y)
    theirs = ExtraTreesClassifier(11, max_depth=7, min_samples_leaf=2, max_features="sqrt", random_state=4)
    theirs.fit(grid.x.astype(np.float32), data.y, sample_weight=balance(data.y)[data.y])
    ours = logits(finish(ExtraTrees(trees=11, depth=7, leaf=2).fit(data, 4)), told.x)
    expected = theirs.predict_proba(on(grid, told))
    np.testing.assert_allclose(ours / 255 / 11, expected, atol=0.51 / 255)
    same_decisions(ours, expected, 0.5 / 255)


def test_gradient_boosting(sides: tuple[Dataset, Dataset]) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    data, told = sides
    grid = ranged(front(data, 12), data.y)
    theirs = HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=6, learning_rate=0.2, min_samples_leaf=5, early_stopping=False, random_state=1
    )
    theirs.fit(grid.x.astype(np.float32), data.y, sample_weight=balance(data.y)[data.y])
    family = GradientBoosting(rounds=20, leaves=6, rate=0.2, leaf=5)
    compare_sums(finish(family.fit(data, 1)), told, theirs.decision_function(on(grid, told)), 20)


def test_xgboost(sides: tuple[Dataset, Dataset]) -> None:
    xgboost = pytest.importorskip("xgboost")
    pytest.importorskip("treelite")
    data, told = sides
    grid = ranged(front(data, 12), data.y)
    family = XgBoost(rounds=20)
    booster = finish(family.grow(grid.x, data, 5))
    expected = booster.predict(xgboost.DMatrix(on(grid, told)), output_margin=True)
    compare_sums(finish(family.fit(data, 5)), told, expected, 20)


def compare_sums(graph: Graph, told: Dataset, expected: np.ndarray, rounds: int) -> None:
    """Every tree is off by half a step of its int16 leaves at most."""
    ours, op = logits(graph, told.x), next(n.op for n in graph.nodes if n.name == "logits")
    theirs = expected if expected.ndim == 2 else np.stack([np.zeros(len(expected)), expected], axis=1)
    room = rounds * 0.5 * op.scale + 1e-5  # type: ignore[attr-defined]
    np.testing.assert_allclose(ours, theirs, atol=room)
    assert room < 2e-3 * np.abs(theirs).max()
    same_decisions(ours, theirs, room)


@pytest.mark.parametrize("family", [LogisticRegression(), LinearSvm()], ids=lambda f: f.name)
def test_linear(family: LogisticRegression, sides: tuple[Dataset, Dataset]) -> None:
    data, told = sides
    grid = spread(front(data, 12), data.y)
    theirs = family.model(0).fit(values(grid.x), data.y)
    expected = of_two(theirs.decision_function(values(on(grid, told))))
    graph = finish(family.fit(data, 0))
    room = 1e-4 * float(np.abs(expected).max())
    np.testing.assert_allclose(logits(graph, told.x), expected, atol=room)
    same_decisions(logits(graph, told.x), expected, room)
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_allclose(graph.scores(told.x), theirs.predict_proba(values(on(grid, told))), atol=1e-4)


def test_naive_bayes(sides: tuple[Dataset, Dataset]) -> None:
    from sklearn.naive_bayes import GaussianNB

    data, told = sides
    z = standardized(front(data, 12))
    n = len(data.classes)
    theirs = GaussianNB(priors=np.full(n, 1 / n), var_smoothing=0.01).fit(z.x, data.y)
    ours, expected = logits(finish(NaiveBayes().fit(data, 0)), told.x), theirs.predict_joint_log_proba(on(z, told))
    room = 2e-5 * float(np.abs(expected).max())
    np.testing.assert_allclose(ours, expected, atol=room)
    same_decisions(ours, expected, room)


def test_neighbours_without_a_budget_are_scikit_learns(sides: tuple[Dataset, Dataset]) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    data, told = sides
    grid = spread(front(data, 12), data.y)
    theirs: Any = KNeighborsClassifier(5, algorithm="brute").fit(grid.x.astype(float), data.y)
    graph = finish(Neighbours(points=2000, k=5).fit(data, 0))
    votes = np.rint(theirs.predict_proba(on(grid, told).astype(float)) * 5)
    np.testing.assert_array_equal(logits(graph, told.x), votes)
