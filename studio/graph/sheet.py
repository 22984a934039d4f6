"""A graph that is being rewritten: nodes under numbers that stay, whoever comes before them or goes.

A rule looks at one node and rewrites what is around it, or does nothing. `rewritten` goes on until no rule finds
anything more to do. Stages whose names everybody knows (KEPT) stay, and so does the last one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Op, Shape

KEPT = ("features", "logits", "scores")  # stages that every graph has
MOST_SWEEPS = 50


@dataclass
class Sheet:
    """Nodes by number; `order`: as they run; `readers`: who reads each, twice where it reads twice."""

    graph: Graph
    nodes: dict[int, Node] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    readers: dict[int, list[int]] = field(default_factory=dict)
    shapes: dict[int, Shape] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.readers[WINDOW], self.shapes[WINDOW] = [], self.graph.window_shape()
        for i, node in enumerate(self.graph.nodes):
            self.order.append(i)
            self._enter(i, node)

    def _enter(self, i: int, node: Node) -> None:
        self.nodes[i] = node
        self.shapes[i] = node.op.shape(*(self.shapes[j] for j in node.inputs))
        self.readers.setdefault(i, [])
        for j in node.inputs:
            self.readers[j].append(i)

    def op(self, i: int) -> Op | None:
        """What node `i` does; None for the window."""
        return None if i == WINDOW else self.nodes[i].op

    def gives(self, i: int) -> type:
        """Type of what node `i` gives."""
        return self.graph.holds if i == WINDOW else self.nodes[i].op.gives

    def is_free(self, i: int) -> bool:
        """Whether node `i` may come to give something else: one reads it, once, and nobody knows it by name."""
        return i != WINDOW and len(self.readers[i]) == 1 and self.nodes[i].name not in KEPT

    def put(self, i: int, op: Op, *inputs: int) -> None:
        """Node `i` does another thing from now on; what nothing reads any more is gone."""
        old = self.nodes[i].inputs
        for j in old:
            self.readers[j].remove(i)
        self._enter(i, replace(self.nodes[i], op=op, inputs=inputs))
        for j in old:
            self._forget(j)

    def before(self, i: int, op: Op, inputs: tuple[int, ...], name: str) -> int:
        """A new node right before node `i`; its number."""
        taken = {node.name for node in self.nodes.values()}
        while name in taken:
            name += "x"
        new = max(self.nodes) + 1
        self.order.insert(self.order.index(i), new)
        self._enter(new, Node(op, inputs, name))
        return new

    def drop(self, i: int, to: int | None = None) -> bool:
        """Whoever reads node `i` reads `to` (or its input) instead; False where one of them must stay."""
        j, name = self.nodes[i].inputs[0] if to is None else to, self.nodes[i].name
        if i == self.order[-1] or (name in KEPT and (j == WINDOW or self.nodes[j].name in KEPT)):
            return False
        for k in dict.fromkeys(self.readers[i]):
            inputs = tuple(j if given == i else given for given in self.nodes[k].inputs)
            self.readers[j] += [k for given in self.nodes[k].inputs if given == i]
            self.nodes[k] = replace(self.nodes[k], inputs=inputs)
        self.readers[i] = []
        self.nodes[i] = replace(self.nodes[i], name="")
        self._forget(i)
        if name in KEPT:
            self.nodes[j] = replace(self.nodes[j], name=name)
        return True

    def _forget(self, i: int) -> None:
        """Take node `i` out when nothing reads it, nobody knows it and it remembers nothing; then what it read."""
        if i == WINDOW or i not in self.nodes or self.readers[i] or i == self.order[-1]:
            return
        node = self.nodes[i]
        if node.name in KEPT or node.op.remembers:
            return
        self.order.remove(i)
        del self.nodes[i], self.readers[i], self.shapes[i]
        for j in node.inputs:
            self.readers[j].remove(i)
        for j in node.inputs:
            self._forget(j)

    def made(self) -> Graph:
        """The graph as it is now."""
        new = {old: i for i, old in enumerate(self.order)} | {WINDOW: WINDOW}
        nodes = (self.nodes[i] for i in self.order)
        return replace(self.graph, nodes=tuple(replace(n, inputs=tuple(new[j] for j in n.inputs)) for n in nodes))


Rule = Callable[[Sheet, int], bool]


def rewritten(graph: Graph, *rules: Rule) -> Graph:
    """`graph` after every rule has found nothing more to do anywhere; the very same graph where none found anything."""
    sheet, changed = Sheet(graph), False
    for _ in range(MOST_SWEEPS):
        found = False
        for i in list(sheet.order):
            for rule in rules:
                if i in sheet.nodes and rule(sheet, i):
                    found = True
        changed |= found
        if not found:
            break
    return sheet.made() if changed else graph
