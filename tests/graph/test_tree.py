"""Trees packed for int8 values decide as the trees they came from, whatever their shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from studio.errors import GraphError
from studio.graph.ops.forest import FULL, Tree
from studio.graph.ops.tree import LINK_BITS, pack_sums, pack_votes


@pytest.mark.parametrize("n_features", [2, 17, 200, 256])
@pytest.mark.parametrize("most", [3, 500])
def test_few_features_and_short_links_make_words_of_three_bytes(n_features: int, most: int) -> None:
    rng = np.random.default_rng(n_features)
    trees = [grown(rng, n_features, 4, most) for _ in range(9)]
    op, x = pack_votes(trees), rng.integers(-128, 128, (300, n_features)).astype(np.int8)
    if most == 3 or n_features > 17:
        assert op.nodes.shape[1] == (3 if n_features <= 17 else 4)
    shares = [t.value / t.value.sum(axis=1, keepdims=True) for t in trees]
    want = [sum(np.rint(s[walk(t, row)] * FULL) for t, s in zip(trees, shares, strict=True)) for row in x]
    np.testing.assert_array_equal(op.run(x), want)


def grown(rng: np.random.Generator, n_features: int, n_classes: int, most: int) -> Tree:
    """A tree of any shape, parents before children, thresholds on and between whole numbers."""
    left, right, feature, threshold = [-1], [-1], [0], [0.0]
    leaves = [0]
    for _ in range(int(rng.integers(0, most))):
        at = leaves.pop(int(rng.integers(len(leaves))))
        left[at], right[at] = len(left), len(left) + 1
        feature[at], threshold[at] = int(rng.integers(n_features)), float(rng.integers(-256, 255)) / 2
        for side in (left, right):
            side += [-1, -1]
        feature += [0, 0]
        threshold += [0.0, 0.0]
        leaves += [len(left) - 2, len(left) - 1]
    value = rng.integers(0, 3, (len(left), n_classes)) + np.eye(n_classes)[rng.integers(0, n_classes, len(left))]
    return Tree(np.array(feature), np.array(threshold), np.array(left), np.array(right), value)


def walk(tree: Tree, x: np.ndarray) -> int:
    at = 0
    while tree.left[at] >= 0:
        at = int(tree.left[at] if float(x[tree.feature[at]]) <= tree.threshold[at] else tree.right[at])
    return at


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 7), st.integers(1, 60))
def test_trees_of_any_shape_give_what_a_walk_gives(seed: int, n_classes: int, n_trees: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    trees = [grown(rng, 5, n_classes, most) for _ in range(n_trees)]
    x = rng.integers(-128, 128, (50, 5)).astype(np.int8)
    shares = [t.value / t.value.sum(axis=1, keepdims=True) for t in trees]
    want = [sum(np.rint(s[walk(t, row)] * FULL) for t, s in zip(trees, shares, strict=True)) for row in x]
    np.testing.assert_array_equal(pack_votes(trees).run(x), want)
    single = [Tree(t.feature, t.threshold, t.left, t.right, t.value[:, :1] - 1.5) for t in trees]
    sums = pack_sums(single, np.array([0.5]), 1)
    exact = [0.5 + sum(t.value[walk(t, row), 0] for t in single) for row in x]
    np.testing.assert_allclose(sums.run(x)[:, 0], exact, atol=n_trees * (0.5 + 0.01) * sums.scale + 1e-6)


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_decisions_are_scikit_learns(kind: type) -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(-128, 128, (1500, 8)).astype(np.int8)
    y = (x[:, 0].astype(int) * x[:, 1] > 0).astype(int) + (x[:, 2] > 60)
    trained = kind(30, max_depth=9, random_state=0).fit(x[:1000].astype(np.float32), y[:1000])
    trees = [t.tree_ for t in trained.estimators_]
    op = pack_votes([Tree(t.feature, t.threshold, t.children_left, t.children_right, t.value[:, 0]) for t in trees])
    theirs = trained.predict_proba(x.astype(np.float32))
    ours = op.run(x) / FULL / 30
    assert np.abs(ours - theirs).max() <= 0.5 / FULL + 1e-6
    best, second = np.sort(theirs, axis=1)[:, -1], np.sort(theirs, axis=1)[:, -2]
    clear = best - second > 1 / FULL
    assert clear.mean() > 0.98
    np.testing.assert_array_equal(ours.argmax(axis=1)[clear], theirs.argmax(axis=1)[clear])


def test_a_decision_costs_three_bytes_and_equal_leaves_nothing() -> None:
    left = np.array([1, 2, -1, -1, 5, -1, -1])
    right = np.array([4, 3, -1, -1, 6, -1, -1])
    value = np.eye(2)[[0, 0, 0, 1, 0, 0, 0]]  # rows 5 and 6 say the same: their decision goes
    op = pack_votes([Tree(np.arange(7), np.zeros(7), left, right, value)] * 3)
    assert op.nodes.shape == (6, 3) and len(op.leaves) <= 4 and len(op.rows) == 2


def test_more_leaves_than_links_reach_are_made_coarser() -> None:
    rng = np.random.default_rng(0)
    n = 2**16 - 1
    inner = np.arange(n) < n // 2
    children = [np.where(inner, 2 * np.arange(n) + k, -1) for k in (1, 2)]
    tree = Tree(rng.integers(0, 256, n), rng.integers(-99, 99, n), *children, rng.normal(size=(n, 1)))
    breadth = pack_votes([Tree(tree.feature, tree.threshold, *children, rng.dirichlet(np.ones(2), n))])
    assert len(breadth.leaves) <= 2 << LINK_BITS[4]
    with pytest.raises(GraphError, match="link"):
        pack_sums([tree], np.zeros(1), 1)


def test_thresholds_that_int8_cannot_be_asked_are_refused() -> None:
    tree = Tree(
        np.zeros(3, int), np.array([-200.0, 0, 0]), np.array([1, -1, -1]), np.array([2, -1, -1]), np.eye(3)[:, :2]
    )
    with pytest.raises(GraphError, match="threshold"):
        pack_votes([tree])
