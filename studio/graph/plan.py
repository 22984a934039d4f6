"""Where each stage's output lives in the one block of memory a model has: the arena.

An output lives from the node that writes it to the last node that reads it; two that live at the same time never
overlap, but for one case: an op that reads its input in order may write over what it has read (`Op.ahead`). So a
convolution's output may begin a row before its input, and a sum may take the place of one of its terms. Which of these
overlaps pay is searched; the outcome is never larger than greedy placing without any. Where that leaves room above what
must live at once and the blocks are few, every order of placing them is tried.
The window lies outside (the runtime owns it), and so does the last node's output (the caller's scores).
"""

from dataclasses import dataclass
from itertools import combinations
from math import prod
from weakref import WeakKeyDictionary

import numpy as np

from studio.graph.graph import WINDOW, Graph

ALIGN = 8  # bytes: enough for every element type, and for double loads
MOST_TRIALS = 400  # layouts that are tried for one graph
MOST_GROUPS = 8  # that are placed in every order...
MOST_STEPS = 6000  # ...as long as this lasts


@dataclass(frozen=True)
class Plan:
    """Byte offset in the arena of each node's output and scratch memory (0 for those that have none)."""

    offsets: tuple[int, ...]
    scratch: tuple[int, ...]
    arena_bytes: int


@dataclass(frozen=True)
class Block:
    """Memory that node `first` begins to use and node `last` still needs."""

    n_bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Overlap:
    """Node `over` may write its output `ahead` bytes before that of node `under`, which it is the last to read."""

    over: int
    under: int
    ahead: int


Group = tuple[tuple[int, int], ...]  # (block, bytes from the group's start) of blocks that move together


def item_bytes(graph: Graph) -> list[int]:
    """Bytes of one item of each node's output."""
    types = [np.dtype(node.op.gives).itemsize for node in graph.nodes]
    return [prod(shape) * size for shape, size in zip(graph.shapes(), types, strict=True)]


def roots(graph: Graph) -> list[int]:
    """For each node the node that really holds its values: itself, or what it is an alias of (maybe WINDOW)."""
    found: list[int] = []
    end = len(graph.nodes) - 1
    for i, node in enumerate(graph.nodes):
        j = node.inputs[0] if node.op.alias and i < end else i
        found.append(j if j in (i, WINDOW) else found[j])
    return found


def blocks(graph: Graph) -> tuple[list[Block], list[Block]]:
    """The outputs and the scratch memories of all nodes, in node order; an alias holds nothing itself."""
    held, end = roots(graph), len(graph.nodes) - 1
    last = {j: i for i, node in enumerate(graph.nodes) for j in node.inputs}
    for i in range(end, -1, -1):
        if held[i] != i:
            last[held[i]] = max(last.get(held[i], 0), last.get(i, i))
    sizes = [n if held[i] == i and i < end else 0 for i, n in enumerate(item_bytes(graph))]
    outputs = [Block(n, i, last.get(i, i)) for i, n in enumerate(sizes)]
    found = graph.shapes()
    scratch = [Block(node.op.scratch(*inputs), i, i) for i, (node, inputs, _) in enumerate(graph.edges_into(found))]
    return outputs, scratch


def overlaps(graph: Graph) -> list[Overlap]:
    """Every overlap that an op allows and that destroys nothing which is read later; one for each output at most."""
    outputs, _ = blocks(graph)
    held, found, shapes = roots(graph), [], graph.shapes()
    taken: set[int] = set()
    for i, (node, inputs, _) in enumerate(graph.edges_into(shapes)):
        ahead = node.op.ahead(*inputs) if outputs[i].n_bytes else None
        if ahead is None:
            continue
        under = [held[node.inputs[k]] for k in node.op.overwrites if k < len(node.inputs) and node.inputs[k] != WINDOW]
        free = [j for j in under if j != WINDOW and outputs[j].last == i and j not in taken]
        if free:
            best = max(free, key=lambda j: outputs[j].n_bytes)
            taken.add(best)
            found.append(Overlap(i, best, _up(ahead)))
    return found


def plan(graph: Graph) -> Plan:
    """The smallest of the layouts tried: first without overlaps, then with all, then with those that pay."""
    if graph not in _made:
        _made[graph] = _plan(graph)
    return _made[graph]


_made: WeakKeyDictionary[Graph, Plan] = WeakKeyDictionary()


def _plan(graph: Graph) -> Plan:
    outputs, scratch = blocks(graph)
    wanted, possible = [*outputs, *scratch], overlaps(graph)
    best, used = _laid_out(wanted, []), frozenset[int]()
    tried = [frozenset(range(len(possible)))]
    for _ in range(1 + MOST_TRIALS // (len(possible) + 1)):
        made = [(_laid_out(wanted, [possible[k] for k in sorted(c)]), c) for c in tried]
        smallest = min(made, key=lambda m: m[0][1], default=(best, used))
        if smallest[0][1] >= best[1]:
            break
        best, used = smallest
        tried = [used ^ {k} for k in range(len(possible))]
    offsets, total = _searched(wanted, possible, best)
    held, n = roots(graph), len(outputs)
    placed = tuple(0 if held[i] == WINDOW else offsets[held[i]] for i in range(n))
    return Plan(placed, tuple(offsets[n:]), _up(total))


def _searched(wanted: list[Block], possible: list[Overlap], best: tuple[list[int], int]) -> tuple[list[int], int]:
    """The best of all orders of placing, for all choices of overlaps, as far as MOST_STEPS reach."""
    steps = MOST_STEPS
    for n_used in range(len(possible), -1, -1):
        for used in combinations(possible, n_used):
            groups = _groups(wanted, list(used))
            if len(groups) > MOST_GROUPS or steps <= 0:
                continue
            least = _least(wanted, groups)
            stack: list[tuple[tuple[int, ...], list[tuple[int, Block, int]], int]] = [((), [], 0)]
            while stack and steps > 0 and _up(least) < _up(best[1]):
                steps -= 1
                order, placed, end = stack.pop()
                if len(order) == len(groups):
                    offsets = [0] * len(wanted)
                    for start, _, i in placed:
                        offsets[i] = start
                    best = (offsets, end) if end < best[1] else best
                    continue
                for k in set(range(len(groups))) - set(order):
                    more = _with(wanted, groups[k], placed)
                    reached = max(end, *(start + block.n_bytes for start, block, _ in more))
                    if _up(reached) < _up(best[1]):
                        stack.append(((*order, k), [*placed, *more], reached))
    return best


def _with(wanted: list[Block], group: Group, placed: list[tuple[int, Block, int]]) -> list[tuple[int, Block, int]]:
    """(offset, block, index) of the group's blocks at the lowest place there is."""
    start = _lowest([(at, wanted[i]) for i, at in group], [(there, block) for there, block, _ in placed])
    return [(start + at, wanted[i], i) for i, at in group]


def _least(wanted: list[Block], groups: list[Group]) -> int:
    """Bytes that these groups need at some time: what each covers then, all of them one after the other."""

    def covered(group: Group, time: int) -> int:
        spans = sorted((at, at + b.n_bytes) for i, at in group for b in [wanted[i]] if b.first <= time <= b.last)
        total, reached = 0, 0
        for start, end in spans:
            total, reached = total + max(0, end - max(start, reached)), max(reached, end)
        return total

    times = {b.first for b in wanted}
    return max((sum(covered(g, t) for g in groups) for t in times), default=0)


def _laid_out(wanted: list[Block], used: list[Overlap]) -> tuple[list[int], int]:
    """Offsets of all blocks and their end: greatest group first, or oldest, or shortest-lived; the best of these."""
    groups = _groups(wanted, used)

    def size(g: Group) -> int:
        return max(at + wanted[i].n_bytes for i, at in g)

    orders = (
        sorted(groups, key=lambda g: (-size(g), g)),
        sorted(groups, key=lambda g: (min(wanted[i].first for i, _ in g), -size(g))),
        sorted(groups, key=lambda g: (-max(wanted[i].last - wanted[i].first for i, _ in g), -size(g))),
    )
    return min((_placed(wanted, order) for order in orders), key=lambda m: m[1])


def _groups(wanted: list[Block], used: list[Overlap]) -> list[Group]:
    """Blocks that move together, each group beginning at 0; blocks without bytes are left out."""
    members: dict[int, list[int]] = {i: [i] for i, b in enumerate(wanted) if b.n_bytes}
    head = {i: i for i in members}
    at = dict.fromkeys(members, 0)
    for o in used:  # in node order, so `under` has its place already
        at[o.over] = at[o.under] - o.ahead
        head[o.over] = head[o.under]
        members[head[o.under]].append(o.over)
        del members[o.over]
    found = []
    for group in members.values():
        start = min(at[i] for i in group)
        found.append(tuple((i, at[i] - start) for i in group))
    return found


def _placed(wanted: list[Block], order: list[Group]) -> tuple[list[int], int]:
    offsets, total = [0] * len(wanted), 0
    placed: list[tuple[int, Block]] = []
    for group in order:
        start = _lowest([(at, wanted[i]) for i, at in group], placed)
        for i, at in group:
            offsets[i] = start + at
            placed.append((offsets[i], wanted[i]))
            total = max(total, offsets[i] + wanted[i].n_bytes)
    return offsets, total


def _lowest(group: list[tuple[int, Block]], placed: list[tuple[int, Block]]) -> int:
    """The lowest aligned offset at which no block of the group meets a placed one that lives while it does."""
    barred = []  # [from, to) where the group must not begin
    for at, block in group:
        for start, other in placed:
            if other.first <= block.last and block.first <= other.last:
                barred.append((start - at - block.n_bytes + 1, start + other.n_bytes - at))
    offset = 0
    for first, end in sorted(barred):
        if first <= offset < end:
            offset = _up(end)
    return offset


def _up(n_bytes: int) -> int:
    return -(-n_bytes // ALIGN) * ALIGN
