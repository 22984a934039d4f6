"""Decision trees on int8 values: three or four bytes per decision, two per leaf, and equal leaves are kept once.

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
MOST_FEATURES = 256
MOST_VOTERS = 257  # whose votes fit in 16 bits
LOW_LEAF, HIGH_LEAF, FEATURE = 1 << 8, 1 << 9, 10


@dataclass(frozen=True, eq=False)
class TreeVotesS8(Op):
    """The summed votes of trees: (n_features,) int8 -> (n_classes,), whole numbers up to 255 * n_trees."""

    roots: Array  # (n_trees,) int32: the first decision, or ~leaf
    nodes: Array  # (n_decisions, 3 or 4) uint8: words, the lowest byte first
    leaves: Array  # (n_leaves,) uint16: the leaf's row of votes
    rows: Array  # (n_rows, n_classes) uint8
    feature_bits: int = param(8, "Bits of a word that tell the feature.", low=1, high=8)
    takes = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        _check(self, inputs[0])
        return (self.rows.shape[1],)

    def args(self) -> dict[str, Any]:
        """Rows are filled up to whole words."""
        rows = np.pad(self.rows, ((0, 0), (0, -self.rows.shape[1] % 4)))
        return _tables(self) | {"leaves": self.leaves, "rows": rows}

    def scratch(self, *inputs: Shape) -> int:
        return 8 * -(-int(self.rows.shape[1]) // 4)


@dataclass(frozen=True, eq=False)
class TreeSumsS8(Op):
    """Sums of the values of trees' leaves: (n_features,) int8 -> (n_out,).

    Output k is start[k] + scale * the sum over its trees; trees take turns with the last `groups` outputs.
    """

    roots: Array  # (n_trees,) int32
    nodes: Array  # (n_decisions, 3 or 4) uint8
    leaves: Array  # (n_leaves,) int16
    start: Array  # (n_out,) float32
    scale: float = param(1.0, "Value of one step of a leaf.", low=1e-30)
    groups: int = param(1, "Outputs that trees add to.", low=1)
    feature_bits: int = param(8, "Bits of a word that tell the feature.", low=1, high=8)
    takes = np.int8

    def shape(self, *inputs: Shape) -> Shape:
        _check(self, inputs[0])
        return (len(self.start),)

    def args(self) -> dict[str, Any]:
        given = {"leaves": self.leaves, "start": self.start, "scale": float(self.scale), "groups": self.groups}
        return _tables(self) | given

    def scratch(self, *inputs: Shape) -> int:
        return 4 * len(self.start)


def _tables(op: TreeVotesS8 | TreeSumsS8) -> dict[str, Any]:
    """What both kernels are told first. They read four bytes at a time, so one more ends a table of three."""
    nodes = np.append(op.nodes.ravel(), np.zeros(4 - op.nodes.shape[1], np.uint8))
    given = {"roots": op.roots, "n_trees": len(op.roots), "nodes": nodes}
    return given | {"node_bytes": int(op.nodes.shape[1]), "feature_bits": op.feature_bits}


def _check(op: TreeVotesS8 | TreeSumsS8, x: Shape) -> None:
    words = op.nodes[:, 1].astype(int) + 256 * op.nodes[:, 2].astype(int) + 65536 * op.nodes[:, -1].astype(int)
    asked = int((words >> 2 & ((1 << op.feature_bits) - 1)).max(initial=0))
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
    return TreeVotesS8(packed.roots, packed.nodes, leaves.astype(np.uint16), votes[used].copy(), packed.feature_bits)


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
    leaves, scale = packed.leaves.astype(np.int16), float(np.float32(step))
    starts = start.astype(np.float32)
    return TreeSumsS8(packed.roots, packed.nodes, leaves, starts, scale, groups, packed.feature_bits)


@dataclass(frozen=True, eq=False)
class Packed:
    """The tables that both ops have; `leaves` holds the numbers that the caller gave."""

    roots: Array
    nodes: Array
    leaves: Array
    feature_bits: int


def _first_that_fits(packing: Callable[[int], T], fulls: tuple[int, ...]) -> T:
    """Coarser and coarser leaves until links reach all of them."""
    for full in fulls[:-1]:
        try:
            return packing(full)
        except GraphError:
            continue
    return packing(fulls[-1])


@dataclass
class Word:
    """One decision while the table grows: threshold and flags, feature, link."""

    low: int
    feature: int
    link: int = 0


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
    words: list[Word] = []
    folded = [_folded(tree, given) for tree, given in zip(trees, numbers, strict=True)]
    leaves = _pairs(folded)
    roots = []
    for tree, given in folded:
        if tree.left[0] < 0:
            roots.append(~leaves.single(given[0]))
        else:
            roots.append(len(words))
            _write(tree, given, leaves, words)
    nodes, feature_bits = _joined(words)
    return Packed(np.array(roots, np.int32), nodes, np.array(leaves.table), feature_bits)


def _joined(words: Sequence[Word]) -> tuple[Array, int]:
    """The words in as few bytes as hold the greatest feature and the greatest link; GraphError beyond four."""
    columns = np.array([(w.low, w.feature, w.link) for w in words], np.int64).reshape(-1, 3)
    feature, link = (int(columns[:, i].max(initial=0)) for i in (1, 2))
    if feature >= MOST_FEATURES:
        raise GraphError("A decision tree", f"asks for value {feature}", f"Select {MOST_FEATURES} features at most.")
    bits = max(1, feature.bit_length())
    n_bytes = 3 if FEATURE + bits + link.bit_length() <= 24 else 4
    if FEATURE + bits + link.bit_length() > 32:
        raise GraphError("Decision trees", f"a link over {link} places", "Limit their depth or number.")
    joined = columns[:, 0] | columns[:, 1] << FEATURE | columns[:, 2] << FEATURE + bits
    return np.stack([(joined >> 8 * i & 255).astype(np.uint8) for i in range(n_bytes)], axis=1), bits


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


def _write(tree: Tree, given: Sequence[int], leaves: _Leaves, words: list[Word]) -> None:
    """The words of one tree, a parent before its low side before its high side."""
    waiting: list[tuple[int, int]] = [(0, -1)]  # row, the word whose link leads here
    while waiting:
        row, parent = waiting.pop()
        at = len(words)
        if parent >= 0:
            words[parent].link = at - parent
        low, high = int(tree.left[row]), int(tree.right[row])
        low_leaf, high_leaf = bool(tree.left[low] < 0), bool(tree.left[high] < 0)
        word = Word(_threshold(tree.threshold[row]) | LOW_LEAF * low_leaf | HIGH_LEAF * high_leaf, tree.feature[row])
        words.append(word)
        if low_leaf and high_leaf:
            word.link = leaves.pair(given[low], given[high])
        elif low_leaf or high_leaf:
            word.link = leaves.single(given[low if low_leaf else high])
        if not high_leaf:
            waiting.append((high, at if not low_leaf else -1))
        if not low_leaf:
            waiting.append((low, -1))


def _threshold(threshold: float) -> int:
    """The threshold's byte; GraphError for what int8 values cannot be asked."""
    whole = np.floor(threshold)
    if whole < -128:
        raise GraphError("A decision tree", f"has a threshold of {threshold:g}", "Train it on int8 values.")
    return int(min(whole, 127)) & 255
