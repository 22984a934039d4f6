"""How full the arena is at every node, and how small any arena for a graph could be."""

from dataclasses import dataclass

from studio.graph.graph import Graph
from studio.graph.plan import Block, blocks, overlaps, plan, roots


@dataclass(frozen=True)
class Load:
    """While a node runs: bytes that live, and the end of the highest of them."""

    live_bytes: int
    end: int


def loads(graph: Graph) -> list[Load]:
    """For every node in the plan of `graph`."""
    made = plan(graph)
    outputs, scratch = blocks(graph)
    held = roots(graph)
    placed = [(made.offsets[i] if held[i] == i else 0, b) for i, b in enumerate(outputs)]
    placed += list(zip(made.scratch, scratch, strict=True))
    found = []
    for i in range(len(graph.nodes)):
        live = [(start, start + b.n_bytes) for start, b in placed if b.n_bytes and b.first <= i <= b.last]
        found.append(Load(_covered(live), max((end for _, end in live), default=0)))
    return found


def lower_bound(graph: Graph) -> int:
    """Bytes below which no arena can be: at some node so much lives, even with the output over what it has read."""
    outputs, scratch = blocks(graph)
    every: list[Block] = [*outputs, *scratch]
    saved = dict[int, int]()
    for o in overlaps(graph):
        over, under = outputs[o.over].n_bytes, outputs[o.under].n_bytes
        saved[o.over] = max(0, over + under - max(over, under + o.ahead))
    live = (sum(b.n_bytes for b in every if b.first <= i <= b.last) for i in range(len(graph.nodes)))
    return max((n - saved.get(i, 0) for i, n in enumerate(live)), default=0)


def _covered(spans: list[tuple[int, int]]) -> int:
    """Bytes that lie in at least one of the spans."""
    total, reached = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
