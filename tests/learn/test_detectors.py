"""The contract of every detector, and the scores of scikit-learn behind each."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from studio.errors import DataError
from studio.graph.graph import Graph
from studio.graph.ops.vector import Softmax
from studio.learn import DETECTORS
from studio.learn.candidate import Limits
from studio.learn.cost import estimate
from studio.learn.dataset import Dataset
from studio.learn.families.autoencoder import Autoencoder, ConvAutoencoder
from studio.learn.families.detector import (
    Detector,
    GaussianMixture,
    IsolationForest,
    KMeansDistance,
    LocalOutlierFactor,
    axes,
    kept_aside,
    normal_of,
)
from studio.learn.families.front import front, run
from studio.learn.search import search
from studio.learn.space import Space
from studio.learn.surrogate import changed, surrogate_score
from studio.progress import finish
from tests.learn.toys import toy

EXAMPLES: dict[str, Detector] = {
    "kmeans": KMeansDistance(normal="swing", clusters=4, axes=8, false_alarms=0.05),
    "gmm": GaussianMixture(normal="swing", components=2, axes=8, false_alarms=0.05),
    "isolation_forest": IsolationForest(normal="swing", trees=30, sample=64, false_alarms=0.05),
    "lof": LocalOutlierFactor(normal="swing", points=100, k=10, axes=8, false_alarms=0.05),
    "conv_autoencoder": ConvAutoencoder(normal="swing", narrow=4, epochs=15, axes=8, false_alarms=0.05),
    "autoencoder": Autoencoder(normal="swing", width=16, narrow=4, false_alarms=0.05),
}


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Swings are normal; rest and shakes are not, and no detector sees them."""
    return toy(8)


@pytest.fixture(scope="module")
def graphs(data: Dataset) -> dict[str, Graph]:
    return {name: finish(detector.fit(data, 1)) for name, detector in EXAMPLES.items()}


def strange(graph: Graph, x: np.ndarray) -> np.ndarray:
    """What the stage before "logits" gives, (n,)."""
    stages = list(graph.stages(x))
    at = [name for name, _ in stages].index("logits")
    return stages[at - 1][1][:, 0].astype(np.float64)


def test_every_detector_has_an_example() -> None:
    assert set(EXAMPLES) == set(DETECTORS)


@pytest.mark.parametrize("name", DETECTORS)
class TestContract:
    def test_alarms_are_as_rare_as_asked_and_strangers_raise_them(self, name: str, graphs, data) -> None:
        graph, normal = graphs[name], data.take(normal_of(data, "swing"))
        assert graph.classes == ("normal", "anomaly")
        aside = kept_aside(normal, 1)[1]
        alarms = graph.decide(graph.scores(normal.x[aside])) == 1
        assert alarms.sum() <= 0.05 * len(aside) and 0 < len(aside) < len(normal)
        assert (graph.decide(graph.scores(data.x[data.y == 1])) == 1).mean() >= 0.9  # shakes
        assert (graph.decide(graph.scores(data.x[data.y == 0])) == 1).mean() >= 0.9  # rest

    def test_learns_from_normal_windows_alone(self, name: str, graphs, data) -> None:
        only = data.take(normal_of(data, "swing")).renumbered(("swing",))
        graph = finish(EXAMPLES[name].fit(only, 1))
        np.testing.assert_array_equal(graph.scores(data.x), graphs[name].scores(data.x))

    def test_fewer_false_alarms_raise_the_threshold(self, name: str, graphs, data) -> None:
        loose = finish(dataclasses.replace(EXAMPLES[name], false_alarms=0.5).fit(data, 1))
        x = data.x[data.y == 2]
        assert loose.scores(x)[:, 1].mean() > graphs[name].scores(x)[:, 1].mean()
        least = 0.1 if name == "autoencoder" else 0.2  # it gives back best what it has learned from
        assert least < (loose.decide(loose.scores(x)) == 1).mean() < 0.9

    def test_scores_sum_to_one_and_order_by_strangeness(self, name: str, graphs, data) -> None:
        scores, value = graphs[name].scores(data.x), strange(graphs[name], data.x)
        assert scores.sum(axis=1) == pytest.approx(1, abs=1e-5)
        order = np.argsort(value if name in ("lof", "autoencoder") else -value)
        assert (np.diff(scores[order, 1]) >= -1e-6).all()

    def test_guesses_are_members_that_the_search_can_draw(self, name: str) -> None:
        space = Space({name: DETECTORS[name]}, {})
        knobs = space.knobs(name)
        assert knobs and all(values == tuple(sorted(values)) for values in knobs.values())
        for guess in DETECTORS[name].guesses():
            assert space.member(name, space.indices(name, guess)) == guess
        for end in (0, -1):
            space.member(name, {k: (len(v) - 1 if end else 0) for k, v in knobs.items()})

    def test_too_little_or_nothing_normal_is_told(self, name: str, data) -> None:
        with pytest.raises(DataError, match="no label 'normal'"):
            finish(type(EXAMPLES[name])().fit(data, 0))
        with pytest.raises(DataError, match="3 windows of 'swing'"):
            finish(EXAMPLES[name].fit(data.take(normal_of(data, "swing")[:3]), 0))

    def test_the_search_takes_it_where_one_class_is_normal(self, name: str, data) -> None:
        names = np.where(data.y == 2, "normal", "strange")
        two = dataclasses.replace(data, y=(names == "strange").astype(np.int64), classes=("normal", "strange"))
        found = finish(search(two, Limits(), (name,), 1, 1.0, 0, estimate))
        least = 0.5 if name == "conv_autoencoder" else 0.7  # it learns people by heart where they are few
        assert found.best.score > least and found.best.graph.classes == ("normal", "strange")


def told(detector: Detector, data: Dataset) -> tuple[Any, Any]:
    """The windows that the detector learned from, and their features."""
    normal = data.take(normal_of(data, "swing"))
    learned = normal.take(kept_aside(normal, 1)[0])
    return learned, front(learned, detector.bands)


def test_isolation_forest_is_scikit_learns(graphs: dict[str, Graph], data: Dataset) -> None:
    from sklearn.ensemble import IsolationForest as Model
    from sklearn.ensemble._iforest import _average_path_length

    graph = graphs["isolation_forest"]
    grid = dict(graph.stages(data.x))["grid"].astype(np.float32)
    learned, _ = told(EXAMPLES["isolation_forest"], data)
    theirs = Model(n_estimators=30, max_samples=64, random_state=1).fit(
        dict(graph.stages(learned.x))["grid"].astype(np.float32)
    )
    ours = -(2.0 ** (-strange(graph, data.x) / 30 / _average_path_length([64])[0]))
    np.testing.assert_allclose(ours, theirs.score_samples(grid), atol=2e-5)


def test_outlier_factor_is_scikit_learns(graphs: dict[str, Graph], data: Dataset) -> None:
    from sklearn.neighbors import LocalOutlierFactor as Model

    graph = graphs["lof"]
    op = next(n.op for n in graph.nodes if n.name == "outlier factor")
    theirs = Model(10, novelty=True, algorithm="brute").fit(op.points.astype(float))  # type: ignore[attr-defined]
    expected = -theirs.score_samples(dict(graph.stages(data.x))["grid"].astype(float))
    np.testing.assert_allclose(strange(graph, data.x), expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["gmm", "kmeans"])
def test_densities_and_distances_are_scikit_learns(name: str, graphs: dict[str, Graph], data: Dataset) -> None:
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture as Model

    _, features = told(EXAMPLES[name], data)
    z = axes(features, 8)
    x = run(z.nodes, data.x)
    score: Callable[[np.ndarray], np.ndarray]
    if name == "gmm":
        score = Model(2, covariance_type="diag", reg_covar=0.01, random_state=1).fit(z.x.astype(float)).score_samples
    else:
        middles = KMeans(4, n_init=2, random_state=1).fit(z.x)
        score = lambda x: -(middles.transform(x).min(axis=1) ** 2)  # noqa: E731
    np.testing.assert_allclose(strange(graphs[name], data.x), score(x.astype(float)), rtol=2e-4, atol=1e-3)


def test_directions_are_white(data: Dataset) -> None:
    _, features = told(EXAMPLES["gmm"], data)
    z = axes(features, 8).x
    np.testing.assert_allclose(np.cov(z.T, bias=True), np.eye(8), atol=1e-3)


def test_made_up_anomalies_tell_a_watchful_detector_from_one_that_sleeps() -> None:
    data = toy(6)
    normal = data.take(np.flatnonzero(data.y == data.classes.index("swing")))
    learn = normal.take(np.flatnonzero(normal.subject != "p5"))
    held = normal.take(np.flatnonzero(normal.subject == "p5"))
    watchful = finish(GaussianMixture(normal="swing").fit(learn, 0))
    at = watchful.classes.index("normal") if "normal" in watchful.classes else watchful.classes.index("swing")
    awake = surrogate_score(watchful, held, at, 0)
    asleep = dataclasses.replace(
        watchful, nodes=(*watchful.nodes[:-1], dataclasses.replace(watchful.nodes[-1], op=Sleeping()))
    )
    assert awake > 0.7 and surrogate_score(asleep, held, at, 0) == pytest.approx(0.5)
    kinds = changed(held.x, 0)
    assert all(k.shape == held.x.shape and not np.allclose(k, held.x) for k in kinds) and len(kinds) == 9


def test_a_search_with_normal_data_alone_chooses_by_them() -> None:
    data = toy(5)
    normal = data.renumbered(("rest",))
    normal = dataclasses.replace(normal, classes=("normal",))
    found = finish(search(normal, Limits(), ("gmm", "kmeans"), 4, 5.0, 0, estimate))
    assert 0.5 < found.best.score <= 1 and len({c.score for c in found.candidates}) > 1
    assert found.best.graph.classes == ("normal", "anomaly")


class Sleeping(Softmax):
    """Everything is as normal as everything else."""

    def run(self, *inputs):
        return np.full((len(inputs[0]), 2), 0.5, np.float32)
