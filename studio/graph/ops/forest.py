"""Decision trees, packed for flash: ten bytes per decision, and leaves that say the same share one row of votes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape

FULL = 255  # what the votes of one tree sum to, nearly


@dataclass(frozen=True, eq=False)
class Forest(Op):
    """The summed votes of trees: (n_features,) -> (n_classes,), whole numbers up to 255 * n_trees.

    Decision i of a tree with root r is row r + i: go `left` when x[feature] <= threshold, else `right`. A child c
    below 0, or a root below 0, is the leaf `leaves[~c]`. Make one with `pack`.
    """

    roots: Array  # (n_trees,) int32
    feature: Array  # (n_decisions,) uint16
    threshold: Array  # (n_decisions,) float32
    left: Array  # (n_decisions,) int16, relative to the tree's root
    right: Array  # (n_decisions,) int16
    leaves: Array  # (n_leaves, n_classes) uint8

    def shape(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if len(x) != 1 or (len(self.feature) and int(self.feature.max()) >= x[0]):
            seen = f"gets {x} and asks for value {int(self.feature.max(initial=0))}"
            raise GraphError("Op Forest", seen, "Train again after changing the features.")
        return (self.leaves.shape[1],)

    def args(self) -> dict[str, Any]:
        return {
            "roots": self.roots,
            "n_trees": len(self.roots),
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "leaves": self.leaves,
        }


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree as scikit-learn keeps it: rows of nodes, children by row, -1 for no child; row 0 is the root."""

    feature: Array  # (n,) int
    threshold: Array  # (n,) float64
    left: Array  # (n,) int
    right: Array  # (n,) int
    value: Array  # (n, n_classes) float: the classes' shares at the node
    weight: Array | None = None  # (n,) float: how many windows come to the node, where that is known


def pack(trees: Sequence[Tree]) -> Forest:
    """The trees as one op; GraphError when one of them is too large for its indices."""
    rows: dict[bytes, int] = {}
    roots, start = [], 0
    columns: list[list[Array]] = [[], [], [], []]
    for tree in trees:
        inner, child = _children(tree, rows)
        if len(inner) > 32767 or len(rows) > 32768:
            seen = f"{len(inner)} decisions and {len(rows)} different leaves"
            raise GraphError("A decision tree", seen, "Limit its depth or its leaves.")
        roots.append(start if len(inner) else int(child[0]))
        part = (
            tree.feature[inner],
            _round_down(tree.threshold[inner]),
            child[tree.left[inner]],
            child[tree.right[inner]],
        )
        for column, values in zip(columns, part, strict=True):
            column.append(values)
        start += len(inner)
    feature, threshold, left, right = (np.concatenate(column) for column in columns)
    return Forest(
        np.array(roots, np.int32),
        feature.astype(np.uint16),
        threshold.astype(np.float32),
        left.astype(np.int16),
        right.astype(np.int16),
        np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1).copy(),
    )


def _children(tree: Tree, rows: dict[bytes, int]) -> tuple[Array, Array]:
    """Rows that are decisions, and for every row its number as a child; new leaves are added to `rows`."""
    decision = tree.left >= 0
    child = np.zeros(len(tree.left), np.int64)
    child[decision] = np.arange(decision.sum())
    votes = np.rint(tree.value / np.maximum(tree.value.sum(axis=1, keepdims=True), 1e-12) * FULL).astype(np.uint8)
    for i in np.flatnonzero(~decision):
        child[i] = ~rows.setdefault(votes[i].tobytes(), len(rows))
    return np.flatnonzero(decision), child


def _round_down(threshold: Array) -> Array:
    """The greatest float32 not above each threshold: x <= t means the same for every float32 x."""
    near = threshold.astype(np.float32)
    return np.where(near.astype(np.float64) > threshold, np.nextafter(near, np.float32(-np.inf)), near)
