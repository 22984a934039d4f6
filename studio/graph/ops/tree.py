"""Decision trees on int8 values: three or four bytes per decision, two per leaf, and equal leaves are kept once.

Trees that learn from values on the int8 grid have thresholds between two of its steps, so nothing is lost by keeping
them as int8: x <= t means x <= floor(t) for whole numbers. The first levels of all trees are a crown, complete and
without links; below it, what more windows take follows its decision, and the other way is a jump. See
`firmware_stubs/kernels/tree.c` for the tables' layout.
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
MOST_VOTERS = 257  # whose votes fit in 16 bits
MOST_LEVELS = 8
#: How many times the bytes of the smallest tables a deeper crown may cost: it is quicker.
ROOM = 1.04
#: As many times the bytes may be spent on a crown that lets three bytes be enough for the words below it.
LONGER = 1.2
#: By the bytes of a word: bits of its link, and the features that it can ask for.
LINK_BITS, ASKED = {3: 8, 4: 13}, {3: 32, 4: 256}


@dataclass(frozen=True, eq=False)
class Trees(Op):
    """What the two ops on packed trees share. Make one with `pack_votes` or `pack_sums`."""

    crown: Array  # (n_trees, 2 << levels) uint16
    nodes: Array  # (n_words, 3 or 4) uint8: words, the lowest byte first
    takes = np.int8

    def kernel(self, n_inputs: int) -> str:
        """Words of three bytes have kernels of their own, so that a board holds one walk."""
        name = super().kernel(n_inputs)
        return name.replace("_s8", "_three_s8") if self.nodes.shape[1] == 3 else name

    def tables(self) -> dict[str, Any]:
        """What all kernels are told first. They read four bytes at a time: one more begins a table of three."""
        n_bytes, levels = self.nodes.shape[1], int(self.crown.shape[1]).bit_length() - 2
        nodes = np.append(np.zeros(4 - n_bytes, np.uint8), self.nodes.ravel())
        return {"crown": self.crown, "n_trees": len(self.crown), "levels": levels, "nodes": nodes}

    def scratch(self, *inputs: Shape) -> int:
        """The bytes that decisions ask for, and each tree's leaf."""
        return ASKED[self.nodes.shape[1]] + (inputs[0][0] + 3) // 4 * 4 + 2 * len(self.crown)

    def checked(self, x: Shape) -> None:
        """GraphError unless the input has all values that are asked for."""
        n_bytes, above = self.nodes.shape[1], self.crown[:, 1 : self.crown.shape[1] // 2] & 255
        words = self.nodes.astype(np.int64) @ 256 ** np.arange(n_bytes)
        below = words >> LINK_BITS[n_bytes] + 2 & ASKED[n_bytes] - 1
        asked = int(max(below.max(), above.max(initial=0)))
        if len(x) != 1 or asked >= x[0]:
            raise GraphError(f"Op {type(self).__name__}", f"gets {x} and asks for value {asked}", "Train again.")


@dataclass(frozen=True, eq=False)
class TreeVotesS8(Trees):
    """The summed votes of trees: (n_features,) int8 -> (n_classes,), whole numbers up to 255 * n_trees."""

    leaves: Array  # (n_leaves,) uint16: the leaf's row of votes
    rows: Array  # (n_rows, n_classes) uint8

    def shape(self, *inputs: Shape) -> Shape:
        self.checked(inputs[0])
        return (self.rows.shape[1],)

    def args(self) -> dict[str, Any]:
        """Rows are filled up to whole words; leaves tell in words where their row begins."""
        rows = np.pad(self.rows, ((0, 0), (0, -self.rows.shape[1] % 4)))
        return self.tables() | {"leaves": self.leaves * np.uint16(rows.shape[1] // 4), "rows": rows}


@dataclass(frozen=True, eq=False)
class TreeSumsS8(Trees):
    """Sums of the values of trees' leaves: (n_features,) int8 -> (n_out,).

    Output k is start[k] + scale * the sum over its trees; trees take turns with the last `groups` outputs.
    """

    leaves: Array  # (n_leaves,) int16
    start: Array  # (n_out,) float32
    scale: float = param(1.0, "Value of one step of a leaf.", low=1e-30)
    groups: int = param(1, "Outputs that trees add to.", low=1)

    def shape(self, *inputs: Shape) -> Shape:
        self.checked(inputs[0])
        return (len(self.start),)

    def args(self) -> dict[str, Any]:
        given = {"leaves": self.leaves, "start": self.start, "scale": float(self.scale), "groups": self.groups}
        return self.tables() | given


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
    return TreeVotesS8(packed.crown, packed.nodes, leaves.astype(np.uint16), votes[used].copy())


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
    return TreeSumsS8(packed.crown, packed.nodes, leaves, start.astype(np.float32), scale, groups)


@dataclass(frozen=True, eq=False)
class Packed:
    """The tables that both ops have; `leaves` holds the numbers that the caller gave."""

    crown: Array
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


@dataclass(frozen=True, eq=False)
class _Folded:
    """A tree without decisions whose answer makes no difference; columns by row, children after their parents."""

    feature: list[int]
    edge: list[int]  # the least byte that goes high
    left: list[int]  # -1 for a leaf
    right: list[int]
    says: list[int]  # what a leaf says
    depth: Array  # of each decision that can be reached, in any order
    size: list[int]  # decisions from here on
    weight: list[float]  # how many windows come here, or what stands for it

    def leaf(self, row: int) -> bool:
        return self.left[row] < 0


def _folded(tree: Tree, given: Sequence[int]) -> _Folded:
    """What is left of a tree when decisions whose sides say the same go, and those that int8 values cannot fail."""
    edge = np.floor(tree.threshold).astype(int) + 129
    if (edge[tree.left >= 0] < 1).any():
        seen = f"has a threshold of {tree.threshold[tree.left >= 0].min():g}"
        raise GraphError("A decision tree", seen, "Train it on int8 values.")
    feature, left, right, says = tree.feature.tolist(), tree.left.tolist(), tree.right.tolist(), list(given)
    edges, size = edge.tolist(), [0] * len(left)
    for i in range(len(left) - 1, -1, -1):  # children come after their parents
        low, high = left[i], right[i]
        if low >= 0 and (edges[i] > 255 or (left[low] < 0 and left[high] < 0 and says[low] == says[high])):
            feature[i], edges[i], left[i], right[i] = feature[low], edges[low], left[low], right[low]
            says[i], low, high = says[low], left[low], right[low]
        size[i] = 1 + size[low] + size[high] if low >= 0 else 0
    weight = [float(s) for s in size] if tree.weight is None else tree.weight.tolist()
    return _Folded(feature, edges, left, right, says, _depths(left, right), size, weight)


def _depths(left: list[int], right: list[int]) -> Array:
    """How deep each decision lies that can be reached."""
    found, rows, depth = list[int](), [0], 0
    while rows:
        rows = [row for row in rows if left[row] >= 0]
        found += [depth] * len(rows)
        rows, depth = [child for row in rows for child in (left[row], right[row])], depth + 1
    return np.array(found, int)


@dataclass
class _Word:
    """One decision while the table grows. `single` is what a high leaf says that is no part of a pair."""

    edge: int
    feature: int
    turned: bool = False
    leaf: bool = False
    both: bool = False
    link: int = 0
    single: int | None = None


class _Table:
    """The words and leaves of all trees while they grow."""

    def __init__(self) -> None:
        self.words: list[_Word] = []
        self.pairs: dict[tuple[int, int], int] = {}
        self.alone: dict[int, int] = {}

    def begin(self, tree: _Folded, row: int) -> int:
        """The number of the word that stands for a row and all below it."""
        at = len(self.words)
        if tree.leaf(row):
            at = self.alone.setdefault(tree.says[row], at)
            if at == len(self.words):
                self.words.append(_Word(0, 0, leaf=True, single=tree.says[row]))  # no byte is below 0: always high
            return at
        waiting = [row]
        while waiting:
            row = waiting.pop()
            if not tree.leaf(row):
                waiting += self._add(tree, row)
        return at

    def _add(self, tree: _Folded, row: int) -> tuple[int, ...]:
        """One decision; what must follow it, the last first."""
        low, high = tree.left[row], tree.right[row]
        turned = _turned(tree, low, high)
        if turned:
            low, high = high, low
        edge = 256 - tree.edge[row] if turned else tree.edge[row]
        word = _Word(edge, tree.feature[row], turned, tree.leaf(high), tree.leaf(low))
        self.words.append(word)
        if word.both:
            word.link = self.pairs.setdefault((tree.says[low], tree.says[high]), len(self.pairs))
        elif word.leaf:
            word.single = tree.says[high]
        else:
            word.link = tree.size[low]
        return (high, low)

    def close(self) -> Array:
        """Link the single leaves, and give what the leaves say by number."""
        highs = {high: i for (_, high), i in reversed(self.pairs.items())}
        for word in self.words:
            if word.single is not None:
                if word.single not in highs:
                    highs[word.single] = self.pairs.setdefault((word.single, word.single), len(self.pairs))
                word.link = highs[word.single]
        return np.array(list(self.pairs), int).reshape(-1)


def _turned(tree: _Folded, low: int, high: int) -> bool:
    """Whether the ways of a decision change places: leaves to the high side, else what more windows take to the low."""
    if tree.leaf(low) != tree.leaf(high):
        return tree.leaf(low)
    if tree.leaf(low):
        return tree.weight[low] > tree.weight[high]  # that way ends sooner
    return tree.weight[high] > tree.weight[low]


def _packed(trees: Sequence[Tree], numbers: Sequence[Sequence[int]]) -> Packed:
    """The tables of all trees, in words of three bytes if those can hold them, else of four."""
    folded = [_folded(tree, given) for tree, given in zip(trees, numbers, strict=True)]
    most = max(max(t.feature) for t in folded)
    if most >= ASKED[4]:
        raise GraphError("A decision tree", f"asks for value {most}", f"Select {ASKED[4]} features at most.")
    for levels in _levels(folded, 3) if most < ASKED[3] else ():
        try:
            return _in_words(folded, 3, levels)
        except GraphError:
            continue
    return _in_words(folded, 4, _levels(folded, 4)[0])


def _levels(trees: Sequence[_Folded], n_bytes: int) -> list[int]:
    """The deepest crown that costs little more than none, and deeper ones: with those, links are shorter."""
    depths = np.concatenate([t.depth for t in trees])
    cost = [(4 << k) * len(trees) + n_bytes * int((depths >= k).sum()) for k in range(MOST_LEVELS + 1)]
    best = max(k for k in range(MOST_LEVELS + 1) if cost[k] <= ROOM * min(cost))
    return [k for k in range(best, MOST_LEVELS + 1) if cost[k] <= LONGER * cost[best]]


def _in_words(trees: Sequence[_Folded], n_bytes: int, levels: int) -> Packed:
    """The tables in words of so many bytes; GraphError where a number has too many bits."""
    table, step = _Table(), 3 if n_bytes == 3 else 1
    crown = np.array([_crown(t, levels, step, table) for t in trees], np.int64).reshape(len(trees), 2 << levels)
    leaves = table.close()
    if crown.max() >= 1 << 16:
        raise GraphError("Decision trees", f"{len(table.words)} decisions", f"Limit them to {(1 << 16) // step}.")
    return Packed(crown.astype(np.uint16), _joined(table.words, n_bytes, step), leaves)


def _crown(tree: _Folded, levels: int, step: int, table: _Table) -> list[int]:
    """The numbers of one tree's crown; where the tree ends above its bottom, both ways lead to the same leaf."""
    rows, numbers = [0, 0], [0]
    for i in range(1, 1 << levels):
        row = rows[i]
        numbers.append(0 if tree.leaf(row) else tree.edge[row] << 8 | tree.feature[row])
        rows += [row, row] if tree.leaf(row) else [tree.left[row], tree.right[row]]
    return numbers + [step * table.begin(tree, row) for row in rows[1 << levels :]]


def _joined(words: Sequence[_Word], n_bytes: int, step: int) -> Array:
    """The words (n, n_bytes), the lowest byte first; GraphError where a link is too far."""
    at, turned = LINK_BITS[n_bytes], ASKED[n_bytes]
    links = np.array([w.link if w.leaf else step * w.link for w in words], np.int64)
    if links.max() >= 1 << at:
        raise GraphError("Decision trees", f"a link over {links.max()} places", "Limit their depth or number.")
    joined = links | np.array([w.leaf + 2 * w.both for w in words], np.int64) << at
    joined |= np.array([w.feature + turned * w.turned for w in words], np.int64) << at + 2
    joined |= np.array([w.edge for w in words], np.int64) << 8 * (n_bytes - 1)
    return np.stack([(joined >> 8 * i & 255).astype(np.uint8) for i in range(n_bytes)], axis=1)
