"""Every classic model in C decides as scikit-learn or XGBoost does, on 12 000 vectors that nobody has learned from.

The vectors lie on the int8 grid, as windows' features do. `room` is what scores may differ by, from the model's own
numbers: half a step of int16 leaves or weights for each term, or the rounding of float32. Decisions must agree wherever
the two best scores are farther apart than that.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from studio.graph.op import Array, Op
from studio.graph.ops.forest import FULL, Tree
from studio.graph.ops.linear import linear
from studio.graph.ops.points import Gaussians, Greatest, LogSumExp, NeighboursS8, OutlierFactorS8, RadialS8
from studio.graph.ops.tree import Trees, pack_sums, pack_votes
from studio.graph.ops.vector import Dense
from studio.learn.families.boosting import from_histogram, from_treelite
from studio.learn.families.detector import path_lengths
from studio.learn.families.forest import alike, from_sklearn
from studio.learn.families.linear import gaussians

CLASSES, FEATURES, LEARNED, TOLD = 5, 20, 2500, 12_000


@cache
def vectors(classes: int = CLASSES, noise: float = 30) -> tuple[Array, Array, Array, Array]:
    """int8 vectors and classes to learn from, then to judge by: two overlapping clouds for each class."""
    rng = np.random.default_rng(8)
    middle = rng.normal(0, 24, (classes, 2, FEATURES))
    y = rng.integers(0, classes, LEARNED + TOLD)
    x = middle[y, rng.integers(0, 2, len(y))] + rng.normal(0, noise, (len(y), FEATURES))
    x = np.clip(np.rint(x), -128, 127).astype(np.int8)
    return x[:LEARNED], y[:LEARNED], x[LEARNED:], y[LEARNED:]


def f32(x: Any) -> Any:
    return np.asarray(x, np.float32)


def run(ops: tuple[Op, ...], x: Array) -> Array:
    for op in ops:
        x = op.run(x.astype(op.takes))
    return x.astype(np.float64)


def two(score: Any) -> Any:
    """One score as that of the second of two classes."""
    return np.stack([np.zeros(len(score)), score], axis=1) if np.ndim(score) == 1 else score


Case = tuple[Array, Array, float]  # our scores, theirs, room


def voting(kind: str, **given: Any) -> Case:
    import sklearn.ensemble
    import sklearn.tree

    x, y, told, _ = vectors()
    model = getattr(sklearn.ensemble, kind, None) or getattr(sklearn.tree, kind)
    model = model(random_state=0, **given).fit(f32(x), y)
    members = getattr(model, "estimators_", [model])
    op = pack_votes([from_sklearn(m.tree_, CLASSES, model.classes_) for m in members])
    return run((op,), told) / FULL / len(members), model.predict_proba(f32(told)), 0.5 / FULL + 1e-6


def histogram_boosting() -> Case:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    x, y, told, _ = vectors()
    model = HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=15, early_stopping=False)
    with threadpool_limits(1):
        model.fit(f32(x), y)
    trees = [from_histogram(p.nodes) for turn in model._predictors for p in turn]
    op = pack_sums(trees, model._baseline_prediction.ravel(), CLASSES)
    assert table_bytes(op) <= 8 * sum(len(p.nodes) for turn in model._predictors for p in turn)
    return run((op,), told), model.decision_function(f32(told)), 25 * 0.5 * op.scale + 1e-5


def gradient_boosting() -> Case:
    from sklearn.ensemble import GradientBoostingClassifier

    x, y, told, _ = vectors()
    x, y = x[:800], y[:800]
    model = GradientBoostingClassifier(n_estimators=12, random_state=0).fit(f32(x), y)
    trees = [
        Tree(t.feature, t.threshold, t.children_left, t.children_right, model.learning_rate * t.value[:, 0])
        for t in (e.tree_ for e in model.estimators_.ravel())
    ]
    op = pack_sums(trees, model._raw_predict_init(f32(x[:1]))[0], CLASSES)
    return run((op,), told), model.decision_function(f32(told)), 12 * 0.5 * op.scale + 1e-5


def xgboost() -> Case:
    library = pytest.importorskip("xgboost")
    pytest.importorskip("treelite")
    x, y, told, _ = vectors()
    given = {"objective": "multi:softprob", "num_class": CLASSES, "max_depth": 5, "nthread": 1}
    booster = library.train(given, library.DMatrix(f32(x), y), 20)
    op = pack_sums(*from_treelite(booster), CLASSES)
    theirs = booster.predict(library.DMatrix(f32(told)), output_margin=True)
    return run((op,), told), theirs, 20 * 0.5 * op.scale + 1e-5


def weighed(kind: str, **given: Any) -> Case:
    """A linear model of scikit-learn."""
    import sklearn.linear_model
    import sklearn.svm

    x, y, told, _ = vectors()
    model = getattr(sklearn.linear_model, kind, None) or getattr(sklearn.svm, kind)
    model = model(**given).fit(x / 32.0, y)
    op = linear(model.coef_ / 32, model.intercept_)
    room = 0.5 * float(op.scale.max()) * 128 * FEATURES
    return run((op,), told), model.decision_function(told / 32.0), room


def ridge_outputs() -> Case:
    """Two numbers for each vector, no classes."""
    from sklearn.linear_model import Ridge

    x, _, told, _ = vectors()
    want = np.stack([x[:, 0] * 0.5 + x[:, 3], x.mean(axis=1)], axis=1)
    model = Ridge().fit(x / 32.0, want)
    op = linear(model.coef_ / 32, model.intercept_)
    return run((op,), told), model.predict(told / 32.0), 0.5 * float(op.scale.max()) * 128 * FEATURES


def radial_svm() -> Case:
    """The whole machine, with all its support vectors, of two classes."""
    from sklearn.svm import SVC

    x, y, told, _ = vectors()
    x, y = x[:600], y[:600] % 2
    model = SVC(gamma=2e-5, C=3.0).fit(x.astype(float), y)
    weight = np.concatenate([np.zeros_like(model.dual_coef_), model.dual_coef_])
    dense = Dense(f32(weight), f32([0, model.intercept_[0]]))
    points = model.support_vectors_.astype(np.int8)
    theirs = two(model.decision_function(told.astype(float)))
    return run((RadialS8(points, 2e-5), dense), told), theirs, 2e-5 * float(np.abs(model.dual_coef_).sum())


def neighbours() -> Case:
    from sklearn.neighbors import KNeighborsClassifier

    x, y, told, _ = vectors()
    x, y = x[:700], y[:700]
    model = KNeighborsClassifier(5, algorithm="brute").fit(x.astype(float), y)
    near = NeighboursS8(x, y.astype(np.uint8), CLASSES, 5)
    told = told[apart(x, told, 5)]
    return run((near,), told), model.predict_proba(told.astype(float)) * 5, 1e-9


def apart(x: Array, told: Array, k: int) -> Array:
    """Where one point alone is the k-th nearest; elsewhere, of points that are equally far, either may be taken."""
    a, b = told.astype(np.float32), x.astype(np.float32)  # whole numbers below 2^24: exact
    squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
    near = np.partition(squared, (k - 1, k), axis=1)
    found: Array = near[:, k - 1] < near[:, k]
    return found


def prototypes() -> Case:
    from sklearn.neighbors import NearestCentroid

    x, y, told, _ = vectors()
    model = NearestCentroid().fit(x.astype(float), y)
    middles = f32(model.centroids_)
    op = Gaussians(middles, np.ones_like(middles), np.zeros(CLASSES, np.float32))
    theirs = -((told[:, None].astype(float) - model.centroids_) ** 2).sum(axis=2)
    np.testing.assert_array_equal(model.classes_[theirs.argmax(axis=1)], model.predict(told.astype(float)))
    return run((op,), told), theirs, 0.2


def naive_bayes() -> Case:
    from sklearn.naive_bayes import GaussianNB

    x, y, told, _ = vectors()
    model = GaussianNB().fit(x.astype(float), y)
    op = gaussians(model.theta_, model.var_, model.class_prior_)
    return run((op,), told), model.predict_joint_log_proba(told.astype(float)), 1e-3


DECISIONS: dict[str, Callable[[], Case]] = {
    "decision tree": lambda: voting("DecisionTreeClassifier", max_leaf_nodes=183),
    "random forest": lambda: voting("RandomForestClassifier", n_estimators=20, max_depth=9),
    "extra trees": lambda: voting("ExtraTreesClassifier", n_estimators=20, max_depth=9),
    "histogram boosting": histogram_boosting,
    "gradient boosting": gradient_boosting,
    "xgboost": xgboost,
    "logistic regression": lambda: weighed("LogisticRegression", max_iter=300),
    "linear svm": lambda: weighed("LinearSVC", C=0.01),
    "ridge": lambda: weighed("RidgeClassifier"),
    "radial svm": radial_svm,
    "nearest neighbours": neighbours,
    "nearest prototype": prototypes,
    "naive bayes": naive_bayes,
}


@pytest.mark.parametrize("name", DECISIONS)
def test_decisions_are_theirs(name: str) -> None:
    ours, theirs, room = DECISIONS[name]()
    assert len(ours) >= 10_000
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=room)
    best = np.sort(theirs, axis=1)
    clear = best[:, -1] - best[:, -2] > 2 * room  # votes of one tree or of five neighbours are often equal
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(ours.argmax(axis=1)[clear], theirs.argmax(axis=1)[clear])
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean() >= 0.999


def isolation() -> Case:
    from sklearn.ensemble import IsolationForest
    from sklearn.ensemble._iforest import _average_path_length

    x, _, told, _ = vectors()
    model = IsolationForest(n_estimators=50, max_samples=128, random_state=0).fit(f32(x))
    op = pack_sums([path_lengths(e.tree_) for e in model.estimators_], np.zeros(1), 1)
    ours = -(2.0 ** (-run((op,), told) / 50 / _average_path_length([128])[0]))
    return ours, model.score_samples(f32(told))[:, None], 1e-4


def outlier_factor() -> Case:
    from sklearn.neighbors import LocalOutlierFactor

    x, _, told, _ = vectors()
    x = x[:500]
    told = told[apart(x, told, 15)]
    model = LocalOutlierFactor(15, novelty=True, algorithm="brute").fit(x.astype(float))
    op = OutlierFactorS8(x, f32(model._distances_fit_X_[:, -1]), f32(model._lrd), 15)
    return run((op,), told), -model.score_samples(told.astype(float))[:, None], 2e-5


def k_means() -> Case:
    from sklearn.cluster import KMeans

    x, _, told, _ = vectors()
    model = KMeans(8, n_init=1, random_state=0).fit(x.astype(float))
    middles = f32(model.cluster_centers_)
    ops = (Gaussians(middles, np.ones_like(middles), np.zeros(8, np.float32)), Greatest())
    return run(ops, told), -(model.transform(told.astype(float)).min(axis=1, keepdims=True) ** 2), 0.1


def mixture() -> Case:
    from sklearn.mixture import GaussianMixture

    x, _, told, _ = vectors()
    model = GaussianMixture(4, covariance_type="diag", random_state=0).fit(x.astype(float))
    ops = (gaussians(model.means_, model.covariances_, model.weights_), LogSumExp())
    return run(ops, told), model.score_samples(told.astype(float))[:, None], 1e-3


SCORES = {
    "isolation forest": isolation,
    "local outlier factor": outlier_factor,
    "k-means": k_means,
    "gaussian mixture": mixture,
    "ridge regression": ridge_outputs,
}


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_theirs(name: str) -> None:
    ours, theirs, room = SCORES[name]()
    assert len(ours) >= 10_000 and np.ptp(theirs) > 20 * room
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=room)


def table_bytes(*ops: Op) -> int:
    return sum(v.nbytes for op in ops for v in op.args().values() if isinstance(v, np.ndarray))


def test_points_rounded_to_int8_keep_the_order_of_outliers() -> None:
    """SEEDS R040: Spearman's rho of at least 0.98 between the factor on int8 points and that on the floats."""
    from scipy.stats import spearmanr
    from sklearn.neighbors import LocalOutlierFactor

    rng = np.random.default_rng(2)
    middle, wide = rng.normal(0, 1, (3, 16)), np.array([0.1, 0.3, 0.6])
    of, told_of = rng.integers(0, 3, 512), rng.integers(0, 3, 3000)
    x = middle[of] + wide[of, None] * rng.normal(size=(512, 16))
    told = middle[told_of] + wide[told_of, None] * rng.uniform(0.5, 2, (3000, 1)) * rng.normal(size=(3000, 16))
    step = np.quantile(np.abs(x), 0.9995) / 127
    points, asked = (np.clip(np.rint(v / step), -128, 127).astype(np.int8) for v in (x, told))
    kept = LocalOutlierFactor(20, novelty=True, algorithm="brute").fit(points.astype(float))
    op = OutlierFactorS8(points, f32(kept._distances_fit_X_[:, -1]), f32(kept._lrd), 20)
    theirs = -LocalOutlierFactor(20, novelty=True).fit(x).score_samples(told)
    assert spearmanr(run((op,), asked)[:, 0], theirs).statistic >= 0.98


def test_a_tree_of_365_nodes() -> None:
    """SEEDS R034: 2.2 kB at most, where most leaves are of one class (each mixture takes a row of votes)."""
    from sklearn.tree import DecisionTreeClassifier

    x, y, told, _ = vectors(10, 16)
    model = DecisionTreeClassifier(max_leaf_nodes=183, random_state=0).fit(f32(x), y)
    assert model.tree_.node_count == 365
    op = pack_votes([from_sklearn(model.tree_, 10, model.classes_)])
    assert table_bytes(op) <= 2200
    assert (run((op,), told).argmax(axis=1) == model.predict(f32(told))).mean() >= 0.999


def test_a_forest_of_6814_nodes() -> None:
    """SEEDS R032: 32 kB at most, and no worse than the float forest by half a point."""
    from sklearn.ensemble import RandomForestClassifier

    x, y, told, truth = vectors(10)
    model = RandomForestClassifier(32, max_leaf_nodes=108, random_state=0).fit(f32(x), y)
    assert sum(m.tree_.node_count for m in model.estimators_) >= 6814
    trees = alike([from_sklearn(m.tree_, 10, model.classes_) for m in model.estimators_], 128, 0)
    op = pack_votes(trees)
    assert table_bytes(op) <= 32_000
    ours, theirs = run((op,), told).argmax(axis=1), model.predict(f32(told))
    assert (ours == truth).mean() >= (theirs == truth).mean() - 0.005


def test_xgboost_of_4880_nodes() -> None:
    """SEEDS R031: 40 kB at most."""
    library = pytest.importorskip("xgboost")
    pytest.importorskip("treelite")
    x, y, told, _ = vectors(10)
    given = {"objective": "multi:softmax", "num_class": 10, "max_depth": 5, "nthread": 1, "min_child_weight": 0.1}
    booster = library.train(given, library.DMatrix(f32(x), y), 10)
    trees, start = from_treelite(booster)
    assert sum(len(t.feature) for t in trees) >= 4880
    op = pack_sums(trees, start, 10)
    assert table_bytes(op) <= 40_000
    assert (run((op,), told).argmax(axis=1) == booster.predict(library.DMatrix(f32(told)))).mean() >= 0.999


def test_linear_weights_and_128_landmarks_fit() -> None:
    """SEEDS R033 and R035: a model of 10 classes on 90 features in 2.5 kB; 128 landmarks of 90 features in 27 kB."""
    rng = np.random.default_rng(0)
    assert table_bytes(linear(rng.normal(size=(10, 90)), np.zeros(10))) <= 2500
    landmarks = rng.integers(-128, 128, (128, 90)).astype(np.int8)
    assert table_bytes(RadialS8(landmarks, 1e-4), Dense(f32(np.ones((10, 128))), f32(np.zeros(10)))) <= 27_000


def test_all_packed_trees_are_held_to_this() -> None:
    assert {kind.__name__ for kind in Trees.__subclasses__()} == {"TreeVotesS8", "TreeSumsS8"}
