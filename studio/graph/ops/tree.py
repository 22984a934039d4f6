"""Decision trees on int8 values: four bytes per decision, two per leaf, and equal leaves are kept once.

Trees that learn from values on the int8 grid have thresholds between two of its steps, so nothing is lost by keeping
them as int8: x <= t means x <= floor(t) for whole numbers. See `firmware_stubs/kernels/tree.c` for the words' layout.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.forest import FULL, Tree
from studio.params import param

T = TypeVar("T")
LINK_BITS = 14
MOST_LINKS = 1 << LINK_BITS
MOST_FEATURES = 256
MOST_VOTERS = 257  # whose votes fit in 16 bits
LOW_LEAF, HIGH_LEAF, LINK = 1 << 16, 1 << 17, 18


@dataclass(frozen=True, eq=False)
class TreeVotesS8(Op):
    """The summed votes of trees: (n_features,) int8 -> (n_classes,), whole numbers up to 255 * n_trees."""

    roots: Array  # (n_trees,) int32: the first decision, or ~leaf
    nodes: Array  # (n_decisions,) int32 words
    leaves: Array  # (n_leaves,) uint16: the leaf's row of votes
    rows: Array  # (n_rows, n_classes) uint8
    takes = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        _check(self, inputs[0], self.nodes)
        return (self.rows.shape[1],)

    def args(self) -> dict[str, Any]:
        """Rows are filled up to whole words."""
        rows = np.pad(self.rows, ((0, 0), (0, -self.rows.shape[1] % 4)))
        given = {"roots": self.roots, "n_trees": len(self.roots), "nodes": self.nodes, "leaves": self.leaves}
        return given | {"rows": rows}

    def scratch(self, *inputs: Shape) -> int:
        return 8 * -(-int(self.rows.shape[1]) // 4)


@dataclass(frozen=True, eq=False)
class TreeSumsS8(Op):
    """Sums of the values of trees' leaves: (n_features,) int8 -> (n_out,).

    Output k is start[k] + scale * the sum over its trees; trees take turns with the last `groups` outputs.
    """

    roots: Array  # (n_trees,) int32
    nodes: Array  # (n_decisions,) int32 words
    leaves: Array  # (n_leaves,) int16
    start: Array  # (n_out,) float32
    scale: float = param(1.0, "Value of one step of a leaf.", low=1e-30)
    groups: int = param(1, "Outputs that trees add to.", low=1)
    takes = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        _check(self, inputs[0], self.nodes)
        return (len(self.start),)

    def args(self) -> dict[str, Any]:
        return {
            "roots": self.roots,
            "n_trees": len(self.roots),
            "nodes": self.nodes,
            "leaves": self.leaves,
            "start": self.start,
            "scale": float(self.scale),
            "groups": self.groups,
        }

    def scratch(self, *inputs: Shape) -> int:
        return 4 * len(self.start)


def _check(op: Op, x: Shape, nodes: Array) -> None:
    asked = int((nodes & 255).max(initial=0))
    if len(x) != 1 or asked >= x[0]:
        raise GraphError(f"Op {type(op).__name__}", f"gets {x} and asks for value {asked}", "Train again.")


def pack_votes(trees: Sequence[Tree]) -> TreeVotesS8:
    """Trees whose values are classes' shares; votes in 1/255, or coarser where there would be too many leaves."""
    if len(trees) > MOST_VOTERS:
        raise GraphError("A forest", f"{len(trees)} trees", f"Limit it to {MOST_VOTERS}.")

    def numbered(full: int) -> tuple[Packed, dict[bytes, int]]:
        rows: dict[bytes, int] = {}
        votes = [_votes(tree, full) for tree in trees]
        numbers = [[rows.setdefault(v.tobytes(), len(rows)) for v in leaf_votes] for leaf_votes in votes]
        return _packed(trees, numbers), rows

    packed, rows = _first_that_fits(numbered, (FULL, 127, 63, 31, 15))
    votes = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
    used, leaves = np.unique(packed.leaves, return_inverse=True)
    return TreeVotesS8(packed.roots, packed.nodes, leaves.astype(np.uint16), votes[used].copy())


def _votes(tree: Tree, full: int) -> Array:
    """What every row of the tree would say as a leaf, (n, n_classes) uint8."""
    shares = tree.value / np.maximum(tree.value.sum(axis=1, keepdims=True), 1e-12)
    votes: Array = (np.rint(shares * full) * (FULL // full)).astype(np.uint8)
    return votes


def pack_sums(trees: Sequence[Tree], start: Array, groups: int) -> TreeSumsS8:
    """Trees whose leaves hold one value each, `value` (n, 1), in turns of `groups`; values become int16.

    All leaves share one scale, so a sum of n trees is off by n halves of its step at most.
    """
    most = max((float(np.abs(t.value[t.left < 0]).max()) for t in trees), default=0.0)

    def numbered(full: int) -> tuple[Packed, float]:
        step = max(most, 1e-12) / full
        return _packed(trees, [np.rint(t.value[:, 0] / step).astype(int).tolist() for t in trees]), step

    packed, step = _first_that_fits(numbered, (32767, 4095, 1023, 255, 127))
    leaves = packed.leaves.astype(np.int16)
    return TreeSumsS8(packed.roots, packed.nodes, leaves, start.astype(np.float32), float(np.float32(step)), groups)


@dataclass(frozen=True, eq=False)
class Packed:
    """The tables that both ops have; `leaves` holds the numbers that the caller gave."""

    roots: Array
    nodes: Array
    leaves: Array


def _first_that_fits(packing: Callable[[int], T], fulls: tuple[int, ...]) -> T:
    """Coarser and coarser leaves until links reach all of them."""
    for full in fulls[:-1]:
        try:
            return packing(full)
        except GraphError:
            continue
    return packing(fulls[-1])


class _Leaves:
    """The table of leaves while it grows: pairs and single ones, each once."""

    def __init__(self) -> None:
        self.table: list[int] = []
        self.pairs: dict[tuple[int, int], int] = {}
        self.singles: dict[int, int] = {}

    def pair(self, low: int, high: int) -> int:
        if (low, high) not in self.pairs:
            self.pairs[low, high] = len(self.table)
            self.table += [low, high]
            for i in (-2, -1):
                self.singles.setdefault(self.table[i], len(self.table) + i)
        return self.pairs[low, high]

    def single(self, value: int) -> int:
        if value not in self.singles:
            self.singles[value] = len(self.table)
            self.table.append(value)
        return self.singles[value]


def _packed(trees: Sequence[Tree], numbers: Sequence[Sequence[int]]) -> Packed:
    """Words of all trees; `numbers` says what each row of a tree would give as a leaf."""
    words: list[int] = []
    folded = [_folded(tree, given) for tree, given in zip(trees, numbers, strict=True)]
    leaves = _pairs(folded)
    roots = []
    for tree, given in folded:
        if tree.left[0] < 0:
            roots.append(~leaves.single(given[0]))
        else:
            roots.append(len(words))
            _write(tree, given, leaves, words)
    if len(leaves.table) > MOST_LINKS:
        raise GraphError("Decision trees", f"{len(leaves.table)} different leaves", "Limit their depth or number.")
    return Packed(np.array(roots, np.int32), np.array(words, np.uint32).view(np.int32), np.array(leaves.table))


def _pairs(trees: Sequence[tuple[Tree, list[int]]]) -> _Leaves:
    """The table with all pairs: they come first, so that single leaves find them."""
    leaves = _Leaves()
    for tree, given in trees:
        for i in _reached(tree):
            low, high = tree.left[i], tree.right[i]
            if tree.left[low] < 0 and tree.left[high] < 0:
                leaves.pair(given[low], given[high])
    return leaves


def _reached(tree: Tree) -> list[int]:
    """The rows that are decisions and that something can still lead to."""
    found, waiting = [], [0]
    while waiting:
        i = waiting.pop()
        if tree.left[i] >= 0:
            found.append(i)
            waiting += [int(tree.right[i]), int(tree.left[i])]
    return found


def _folded(tree: Tree, given: Sequence[int]) -> tuple[Tree, list[int]]:
    """The tree without decisions whose sides say the same, and what its rows say then."""
    left, right, says = tree.left.copy(), tree.right.copy(), list(given)
    for i in range(len(left) - 1, -1, -1):  # children come after their parents
        low, high = left[i], right[i]
        if low >= 0 and left[low] < 0 and left[high] < 0 and says[low] == says[high]:
            left[i] = right[i] = -1
            says[i] = says[low]
    return Tree(tree.feature, tree.threshold, left, right, tree.value), says


def _write(tree: Tree, given: Sequence[int], leaves: _Leaves, words: list[int]) -> None:
    """The words of one tree, a parent before its low side before its high side."""
    waiting: list[tuple[int, int]] = [(0, -1)]  # row, the word whose link leads here
    while waiting:
        row, parent = waiting.pop()
        at = len(words)
        if parent >= 0:
            words[parent] |= _link(at - parent) << LINK
        low, high = int(tree.left[row]), int(tree.right[row])
        word = _decision(int(tree.feature[row]), float(tree.threshold[row]))
        low_leaf, high_leaf = tree.left[low] < 0, tree.left[high] < 0
        word |= LOW_LEAF * bool(low_leaf) | HIGH_LEAF * bool(high_leaf)
        if low_leaf and high_leaf:
            word |= _link(leaves.pair(given[low], given[high])) << LINK
        elif low_leaf or high_leaf:
            word |= _link(leaves.single(given[low if low_leaf else high])) << LINK
        words.append(word)
        if not high_leaf:
            waiting.append((high, at if not low_leaf else -1))
        if not low_leaf:
            waiting.append((low, -1))


def _decision(feature: int, threshold: float) -> int:
    """Feature and threshold of a word; GraphError for what int8 values cannot be asked."""
    if not 0 <= feature < MOST_FEATURES:
        raise GraphError("A decision tree", f"asks for value {feature}", f"Select {MOST_FEATURES} features at most.")
    whole = int(np.clip(np.floor(threshold), -128, 127))
    if np.floor(threshold) < -128:
        raise GraphError("A decision tree", f"has a threshold of {threshold:g}", "Train it on int8 values.")
    return feature | (whole & 255) << 8


def _link(link: int) -> int:
    if link >= MOST_LINKS:
        raise GraphError("Decision trees", f"a link over {link} places", "Limit their depth or number.")
    return link
