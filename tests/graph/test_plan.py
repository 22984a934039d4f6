"""The arena: whatever lives at the same time lies apart."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.loads import loads, lower_bound
from studio.graph.ops.statistics import Difference, Magnitude, Quantiles
from studio.graph.ops.vector import Concat, Relu
from studio.graph.passes import quantize
from studio.graph.plan import ALIGN, Plan, blocks, item_bytes, overlaps, plan
from tests.graph.nets import cnn_graph, forest_graph, motion, plane_graph


@st.composite
def branching(draw: st.DrawFn) -> Graph:
    """Random chains and branches, some with scratch memory, joined in one vector at the end."""
    nodes: list[Node] = []
    for i in range(draw(st.integers(1, 12))):
        earlier = [WINDOW, *(j for j, n in enumerate(nodes) if not isinstance(n.op, Quantiles))]
        op = draw(st.sampled_from([Relu(), Magnitude(1), Difference(), Quantiles()]))
        nodes.append(Node(op, (draw(st.sampled_from(earlier)),), f"n{i}"))
    nodes.append(
        Node(Quantiles(), (draw(st.sampled_from([WINDOW, 0 if nodes[0].op.scratch((9, 9)) == 0 else WINDOW])),), "q")
    )
    vectors = [j for j, n in enumerate(nodes) if isinstance(n.op, Quantiles)]
    picked = (vectors * 2)[:8]
    nodes.append(Node(Concat(), tuple(picked), "scores"))
    graph = Graph(("x",), 1.0, 40, 40, tuple(nodes), ())
    found: list[tuple[int, ...]] = []
    for node, inputs, _ in graph.edges_into(found):
        found.append(node.op.shape(*inputs))
    return Graph(("x",), 1.0, 40, 40, tuple(nodes), tuple(map(str, range(found[-1][0]))))


def assert_apart(graph: Graph, made: Plan) -> None:
    """Blocks that live at the same time lie apart, but for an output that its op may write over what it has read."""
    outputs, scratch = blocks(graph)
    allowed = {(o.over, o.under): o.ahead for o in overlaps(graph)}
    placed = zip((*made.offsets, *made.scratch), [*outputs, *scratch], strict=True)
    spans = [(start, block, k) for k, (start, block) in enumerate(placed) if block.n_bytes]
    for i, (start, block, k) in enumerate(spans):
        assert start % ALIGN == 0 and start + block.n_bytes <= made.arena_bytes
        for other_start, other, j in spans[:i]:
            if other.first <= block.last and block.first <= other.last:
                apart = start >= other_start + other.n_bytes or other_start >= start + block.n_bytes
                assert apart or other_start - start == allowed.get((k, j), -1)


@given(branching())
def test_live_blocks_never_overlap(graph: Graph) -> None:
    assert_apart(graph, plan(graph))


@given(branching())
def test_no_arena_is_below_the_bound_and_the_fullest_node_fills_it(graph: Graph) -> None:
    made, found = plan(graph).arena_bytes, loads(graph)
    assert (
        lower_bound(graph) <= made and max(load.end for load in found) <= made < max(load.end for load in found) + ALIGN
    )
    assert all(load.live_bytes <= load.end for load in found)


def test_a_chain_meets_its_bound() -> None:
    for graph in (cnn_graph(), quantize(cnn_graph(), motion(20)), quantize(plane_graph(), motion(5, 384, 1))):
        assert plan(graph).arena_bytes - lower_bound(graph) < 2 * ALIGN


@given(branching())
def test_every_output_lives_until_its_last_reader(graph: Graph) -> None:
    outputs, _ = blocks(graph)
    for i, node in enumerate(graph.nodes):
        for j in node.inputs:
            assert j == WINDOW or outputs[j].first < i <= outputs[j].last


def test_a_chain_needs_no_more_than_its_widest_neighbours() -> None:
    graph = cnn_graph()
    sizes = item_bytes(graph)[:-1]
    widest = max(a + b for a, b in zip(sizes, [*sizes[1:], 0], strict=True))
    assert plan(graph).arena_bytes <= widest + 2 * ALIGN


def test_the_last_output_is_the_callers() -> None:
    graph = forest_graph()
    outputs, _ = blocks(graph)
    assert outputs[-1].n_bytes == 0 and np.sum([b.n_bytes for b in outputs]) > 0
