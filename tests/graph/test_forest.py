"""Packed trees decide as the trees they came from, to the last bit of a threshold."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from studio.errors import GraphError
from studio.graph.ops.forest import FULL, Tree, pack
from tests.graph.nets import random_tree


def walk(tree: Tree, x: np.ndarray) -> int:
    """The leaf's row in the tree, decided in double as scikit-learn does."""
    at = 0
    while tree.left[at] >= 0:
        at = int(tree.left[at] if float(x[tree.feature[at]]) <= float(tree.threshold[at]) else tree.right[at])
    return at


def test_thresholds_between_two_floats() -> None:
    """float32(0.1) lies above 0.1, so it goes right; the float below it goes left."""
    stump = Tree(
        np.array([0, 0, 0]), np.array([0.1, 0, 0]), np.array([1, -1, -1]), np.array([2, -1, -1]), np.eye(3)[[0, 1, 2]]
    )
    at = np.float32(0.1)
    x = np.array([[at], [np.nextafter(at, np.float32(0))]], np.float32)
    np.testing.assert_array_equal(pack([stump]).run(x), [[0, 0, FULL], [0, FULL, 0]])
    exact = Tree(stump.feature, np.array([float(at), 0, 0]), stump.left, stump.right, stump.value)
    np.testing.assert_array_equal(pack([exact]).run(x[:1]), [[0, FULL, 0]])


def test_random_trees_vote_as_they_walk() -> None:
    rng = np.random.default_rng(3)
    trees = [random_tree(rng, 6, 4, d) for d in (0, 3, 7, 1, 9)]
    x = rng.normal(size=(300, 6)).astype(np.float32)
    want = [sum(np.rint(t.value[walk(t, row)] * FULL) for t in trees) for row in x]
    np.testing.assert_array_equal(pack(trees).run(x), want)


def test_a_trained_forest_keeps_its_answers() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(600, 8)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(int) + (x[:, 2] > 1)
    trained = RandomForestClassifier(30, max_depth=8, random_state=0).fit(x[:400], y[:400])
    trees = [t.tree_ for t in trained.estimators_]
    op = pack([Tree(t.feature, t.threshold, t.children_left, t.children_right, t.value[:, 0]) for t in trees])
    votes = op.run(x[400:])
    shares = votes / votes.sum(axis=1, keepdims=True)
    assert np.abs(shares - trained.predict_proba(x[400:])).max() < 1.5 / FULL
    assert op.leaves.nbytes < sum((t.children_left < 0).sum() for t in trees) * 3  # equal leaves are kept once


def test_a_tree_beyond_its_indices_is_refused() -> None:
    with pytest.raises(GraphError, match="decisions"):
        pack([random_tree(np.random.default_rng(0), 3, 2, 15 + 1)])
