"""Ranking, calibration and groups, against scikit-learn where it knows the number."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from studio.learn.families.cnn import Cnn
from studio.learn.families.forest import RandomForest
from studio.learn.families.linear import LinearSvm, LogisticRegression, NaiveBayes
from studio.learn.quality import by_group, by_segment, calibration, ranking, temperature, tempered
from studio.progress import finish
from tests.learn.toys import toy


def scored(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, n)
    logits = rng.normal(0, 1, (n, 3)) + 1.5 * np.eye(3)[y]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return y, np.round(scores, 2).astype(np.float32)  # with ties


def test_areas_are_scikit_learn_s_also_with_ties() -> None:
    y, scores = scored()
    found = ranking(y, scores, ("a", "b", "c"))
    for i, name in enumerate("abc"):
        one = found["per_class"][name]
        assert one["auc"] == pytest.approx(roc_auc_score(y == i, scores[:, i]))
        assert one["average_precision"] == pytest.approx(average_precision_score(y == i, scores[:, i]))
        assert one["roc"][0] == [0, 0] and one["roc"][-1] == [1, 1] and len(one["roc"]) <= 61
    assert found["macro_auc"] == pytest.approx(np.mean([v["auc"] for v in found["per_class"].values()]))
    assert ranking(np.zeros(5, int), np.ones((5, 2), np.float32), ("a", "b"))["macro_auc"] is None


def test_calibration_error_of_what_is_sure_and_wrong() -> None:
    sure = np.tile(np.float32([0.9, 0.1]), (10, 1))
    half = calibration(np.array([0, 1] * 5), sure)
    assert half["ece"] == pytest.approx(0.4) and half["bins"] == [[pytest.approx(0.9), 0.5, 10]]
    assert calibration(np.array([0] * 9 + [1]), sure)["ece"] == pytest.approx(0.0, abs=1e-6)


def test_the_temperature_undoes_what_made_scores_too_sure() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (4000, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(3, p=row) for row in p])
    sharp = np.exp(3 * logits) / np.exp(3 * logits).sum(axis=1, keepdims=True)
    assert temperature(y, sharp.astype(np.float32)) == pytest.approx(3.0, rel=0.12)
    assert temperature(y, p.astype(np.float32)) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("family", [Cnn(width=4, depth=2, epochs=3), LogisticRegression(), LinearSvm(), NaiveBayes()])
def test_a_tempered_graph_decides_the_same_and_is_less_sure(family) -> None:
    data = toy(3)
    graph = finish(family.fit(data, 0))
    doubting = tempered(graph, 4.0)
    a, b = (dict(g.stages(data.x)) for g in (graph, doubting))
    name = graph.nodes[graph.nodes[-1].inputs[0]].name
    assert b[name] == pytest.approx(a[name] / 4, rel=1e-5, abs=1e-5)
    assert (a["scores"].argmax(axis=1) == b["scores"].argmax(axis=1)).mean() > 0.99
    assert b["scores"].max(axis=1).mean() < a["scores"].max(axis=1).mean() or isinstance(family, NaiveBayes)
    assert tempered(graph, 1.0) is graph


def test_votes_cannot_be_tempered() -> None:
    graph = finish(RandomForest(trees=2).fit(toy(3), 0))
    assert tempered(graph, 2.0) is graph


def test_groups_come_worst_first_and_segments_by_their_mean_score() -> None:
    y, decided = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    found = by_group(y, decided, np.array(["b", "b", "a", "a"]))
    assert list(found) == ["b", "a"] and found["b"] == {"accuracy": 0.5, "windows": 2}
    scores = np.array([[0.6, 0.4], [0.1, 0.9], [0.9, 0.1], [0.2, 0.8]], np.float32)
    whole = by_segment(np.array([1, 1, 0, 0]), scores, np.array(["r", "r", "s", "s"]))
    assert whole == {"accuracy": 1.0, "n": 2}
