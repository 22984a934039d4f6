"""The arena: whatever lives at the same time lies apart."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.loads import loads, lower_bound
from studio.graph.ops.statistics import Difference, Magnitude, Quantiles
from studio.graph.ops.vector import Concat, Relu
from studio.graph.passes import quantize
from studio.graph.plan import ALIGN, Block, Plan, _laid_out, _placed, _searched, blocks, item_bytes, overlaps, plan
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


@st.composite
def few_blocks(draw: st.DrawFn) -> list[Block]:
    """Up to four blocks of one to four units, that live at some of four times."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, 3))
        found.append(Block(ALIGN * draw(st.integers(1, 4)), first, draw(st.integers(first, 3))))
    return found


def smallest(wanted: list[Block]) -> int:
    """The end of the best of all places for all blocks, tried one by one."""
    most = sum(b.n_bytes for b in wanted)
    best = most
    for starts in itertools.product(*(range(0, most - b.n_bytes + 1, ALIGN) for b in wanted)):
        end = max(s + b.n_bytes for s, b in zip(starts, wanted, strict=True))
        if end < best and all(
            s + a.n_bytes <= t or t + b.n_bytes <= s or a.last < b.first or b.last < a.first
            for (s, a), (t, b) in itertools.combinations(zip(starts, wanted, strict=True), 2)
        ):
            best = end
    return best


@given(few_blocks())
@settings(max_examples=60)
def test_few_blocks_are_placed_as_well_as_can_be(wanted: list[Block]) -> None:
    assert _searched(wanted, [], _laid_out(wanted, []))[1] == smallest(wanted)


@given(branching())
def test_a_plan_is_never_worse_than_placing_the_greatest_first(graph: Graph) -> None:
    outputs, scratch = blocks(graph)
    wanted = [*outputs, *scratch]
    order = sorted((((i, 0),) for i, b in enumerate(wanted) if b.n_bytes), key=lambda g: -wanted[g[0][0]].n_bytes)
    assert plan(graph).arena_bytes <= -(-_placed(wanted, list(order))[1] // ALIGN) * ALIGN
