"""Every pass that changes no score, by name. Both our own networks (`quantize`) and imported ones go through all.

After each one the graph is checked: the shapes and types of all stages must fit. The passes are gone through again as
long as one of them finds something, for what one does may give another one work.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from studio.graph.constant import without_constant_channels, without_unread
from studio.graph.graph import WINDOW, Graph
from studio.graph.layout import with_least_moves
from studio.graph.merging import with_common_scales, with_fused_bounds
from studio.graph.op import Op
from studio.graph.sheet import KEPT
from studio.graph.tiled import in_tiles

MOST_ROUNDS = 8


@dataclass(frozen=True)
class Pass:
    """A function from graph to graph that gives the same scores, and the very same graph where it finds nothing."""

    name: str
    meaning: str
    run: Callable[[Graph], Graph]


def once(graph: Graph) -> Graph:
    """`graph` where what is worked out twice, from the same values with the same numbers, is worked out once."""
    seen: dict[object, int] = {}
    to: dict[int, int] = {WINDOW: WINDOW}
    end = len(graph.nodes) - 1
    for i, node in enumerate(graph.nodes):
        inputs = tuple(to[j] for j in node.inputs)
        same = i == end or node.op.remembers or node.name in KEPT
        to[i] = i if same else seen.setdefault((type(node.op), inputs, *_numbers(node.op)), i)
    if all(i == j for i, j in to.items()):
        return graph
    nodes = tuple(replace(node, inputs=tuple(to[j] for j in node.inputs)) for node in graph.nodes)
    return without_unread(replace(graph, nodes=nodes))


def _numbers(op: Op) -> list[object]:
    """Everything that an op is told, to be compared by value."""
    found: list[object] = []
    for f in fields(op):
        value = getattr(op, f.name)
        is_array = hasattr(value, "tobytes")
        found.append((f.name, str(value.dtype), value.shape, value.tobytes()) if is_array else (f.name, repr(value)))
    return found


#: In the order in which they are run.
PASSES = (
    Pass("least moves", "transposes cancel, shapes become one, int8 begins before values are moved", with_least_moves),
    Pass("common scales", "int8 values that only change their steps go through one table, or none", with_common_scales),
    Pass("fused bounds", "a rectifier or a change of zero point is part of the layer before it", with_fused_bounds),
    Pass("once", "what is worked out twice is worked out once", once),
    Pass("constant channels", "channels proven constant go into biases", without_constant_channels),
    Pass("unread", "what the scores do not depend on is left out", without_unread),
)


def improved(graph: Graph) -> Graph:
    """`graph` after all passes, with the same scores to the bit; at last convolutions go into tiles where that pays."""
    graph.shapes()
    for _ in range(MOST_ROUNDS):
        before = graph
        for each in PASSES:
            found = each.run(graph)
            if found is not graph:
                found.shapes()
            graph = found
        if graph is before:
            break
    return in_tiles(graph)
