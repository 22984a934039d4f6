"""The named passes: none changes a bit, on random graphs, and each finds what was planted for it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.importing import IMPORTERS, import_graph
from studio.graph.lossless import PASSES, improved, once
from studio.graph.op import Array, Op, Shape
from studio.graph.ops import int8
from studio.graph.ops import pointwise as p
from studio.graph.ops.vector import Concat, Flatten, Relu
from studio.graph.ops.wide import DequantizeS16, QuantizeS16
from studio.graph.passes import quantize
from tests.graph.nets import cnn_graph, motion

RUN = {each.name: each.run for each in PASSES}
STEPS = (0.02, 0.05)


class Growing:
    """A graph that grows from its window (12, 4): any op that fits what is there."""

    def __init__(self, seed: int) -> None:
        self.rng, self.nodes = np.random.default_rng(seed), [Node(int8.Quantize(0.02, 3), (WINDOW,), "n0")]
        self.shapes: list[Shape] = [(12, 4)]

    def add(self, op: Op, *inputs: int) -> int:
        self.shapes.append(op.shape(*((12, 4) if j == WINDOW else self.shapes[j] for j in inputs)))
        self.nodes.append(Node(op, inputs, f"n{len(self.nodes)}"))
        return len(self.nodes) - 1

    def any(self, dtype: type) -> int:
        fits = [i for i, node in enumerate(self.nodes) if node.op.gives is dtype]
        return int(self.rng.choice(fits[-3:])) if fits else -2

    def turn(self, i: int) -> Op:
        """A transpose (often back again), or a slice."""
        shape = self.shapes[i]
        each = tuple(int(np.prod(shape[a + 1 :])) for a in range(len(shape)))
        kind = p.PickS8 if self.nodes[i].op.gives is np.int8 else p.Pick
        if self.rng.random() < 0.2 and shape[0] > 1:
            return kind((shape[0] - 1, *shape[1:]), each, each[0])
        order = self.rng.permutation(len(shape))
        return kind(tuple(shape[a] for a in order), tuple(each[a] for a in order), 0)

    def step(self) -> None:
        dtype = np.int8 if self.rng.random() < 0.5 else np.float32
        i, small = self.any(dtype), dtype is np.int8
        if i < 0:
            return
        rng, n = self.rng, int(np.prod(self.shapes[i]))
        kind = rng.integers(7)
        if kind == 0:
            self.add(self.turn(i), i)
        elif kind == 1:
            to = (n,) if rng.random() < 0.3 or n % 2 else (2, n // 2)
            self.add((p.ReshapeS8 if small else p.Reshape)(to), i)
        elif kind == 2:
            scale, zero = float(rng.choice(STEPS)), int(rng.integers(0, 2))
            self.add(int8.Dequantize(scale, zero) if small else int8.Quantize(scale, zero), i)
        elif kind == 3:
            curves = [p.LookupS8(self.table()), int8.ReluS8(zero=0)] if small else [Relu(), p.Sigmoid(), p.Clip()]
            self.add(curves[int(rng.integers(len(curves)))], i)
        else:
            j = self.any(dtype)
            if self.shapes[i] != self.shapes[j]:
                return
            pairs: list[Op] = [p.Add(), p.Multiply(), p.Join(0)]
            wholes: list[Op] = [p.AddS8(), p.MultiplyS8(shift=-6), p.JoinS8(0), p.MaximumS8()]
            self.add((wholes if small else pairs)[int(rng.integers(3 + small))], i, j)

    def table(self) -> Array:
        q, k = np.arange(-128, 128), int(self.rng.integers(-3, 4))
        return np.clip(q + k, -100, int(self.rng.integers(0, 128))).astype(np.int8)

    def ended(self) -> Graph:
        """All ends are joined, so that no rewrite goes unseen."""
        read = {j for node in self.nodes for j in node.inputs}
        ends = []
        for i in [i for i in range(len(self.nodes)) if i not in read]:
            is_small = self.nodes[i].op.gives is np.int8
            ends.append(self.add(Flatten(), self.add(int8.Dequantize(0.1, 1), i) if is_small else i))
        while len(ends) > 1:
            ends = [*ends[2:], self.add(Concat(), ends[0], ends[1])]
        self.add(p.Sigmoid(), ends[0])
        return graph_of(self.nodes)


def graph_of(nodes: list[Node]) -> Graph:
    """The nodes as a graph, the last of them the scores."""
    nodes = [*nodes[:-1], replace(nodes[-1], name="scores")]
    draft = Graph(("a", "b", "c", "d"), 1.0, 12, 12, tuple(nodes), ())
    found: list[Shape] = []
    for node, inputs, _ in draft.edges_into(found):
        found.append(node.op.shape(*inputs))
    return replace(draft, classes=tuple(str(i) for i in range(found[-1][0])))


def windows(seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-3, 3, (3, 12, 4)).astype(np.float32)


@given(st.integers(0, 2**32 - 1), st.integers(4, 24))
@settings(max_examples=150, deadline=None)
def test_no_pass_changes_a_bit_of_a_random_graph(seed: int, n: int) -> None:
    growing = Growing(seed)
    for _ in range(n):
        growing.step()
    graph = growing.ended()
    want = graph.scores(windows()).tobytes()
    for each in PASSES:
        found = each.run(graph)
        found.shapes()
        assert found.scores(windows()).tobytes() == want, each.name
    best = improved(graph)
    assert best.scores(windows()).tobytes() == want
    assert len(best.nodes) <= len(graph.nodes) + 4 and len({node.name for node in best.nodes}) == len(best.nodes)
    assert improved(best) is best


def chain(*ops: Op) -> Graph:
    """One after the other, and a Flatten behind."""
    nodes = [Node(op, (i - 1,), f"n{i}") for i, op in enumerate(ops)]
    return graph_of([*nodes, Node(Flatten(), (len(nodes) - 1,), "flat"), Node(p.Tanh(), (len(nodes),), "end")])


TURN, BACK = ((4, 12), (1, 4), 0), ((12, 4), (1, 12), 0)
QUANTIZE, DEQUANTIZE = int8.Quantize(0.05, 3), int8.Dequantize(0.05, 3)
TABLE = np.clip(np.arange(-128, 128) // 2 + 5, -20, 30).astype(np.int8)


def dense(n: int, **given: int) -> int8.DenseS8:
    rng = np.random.default_rng(n)
    weight = rng.integers(-127, 128, (8, n)).astype(np.int8)
    scale = {"multiplier": np.full(8, 2**30 + 12345, np.int32), "shift": np.full(8, -8, np.int8)}
    return int8.DenseS8(weight=weight, bias=rng.integers(-9000, 9000, 8).astype(np.int32), **scale, **given)


def turned_twice() -> Graph:
    return chain(p.Pick(*TURN), p.Reshape((48,)), p.Sigmoid(), p.Reshape((4, 12)), p.Pick(*BACK))


def pair_of_turns() -> Graph:
    nodes = [Node(QUANTIZE, (WINDOW,), "a"), Node(int8.Quantize(0.1, 0), (WINDOW,), "b")]
    nodes += [Node(p.PickS8(*TURN), (0,), "c"), Node(p.PickS8(*TURN), (1,), "d"), Node(p.AddS8(), (2, 3), "e")]
    nodes += [Node(p.PickS8(*BACK), (4,), "f"), Node(DEQUANTIZE, (5,), "g"), Node(Flatten(), (6,), "h")]
    return graph_of([*nodes, Node(p.Sigmoid(), (7,), "i")])


def joined_in_float() -> Graph:
    """One part has the steps of the whole already, the other has not."""
    nodes = [Node(QUANTIZE, (WINDOW,), "a"), Node(p.LookupS8(TABLE), (0,), "b"), Node(p.MaximumS8(), (0, 1), "c")]
    nodes += [Node(DEQUANTIZE, (2,), "d"), Node(int8.Dequantize(0.02, 0), (1,), "e"), Node(p.Join(1), (3, 4), "f")]
    nodes += [Node(QUANTIZE, (5,), "g"), Node(int8.FlattenS8(), (6,), "h"), Node(dense(96), (7,), "i")]
    return graph_of([*nodes, Node(DEQUANTIZE, (8,), "j")])


def bounds_behind_a_layer() -> Graph:
    table = np.clip(np.arange(-128, 128) + 7, -40, 90).astype(np.int8)
    return chain(QUANTIZE, int8.FlattenS8(), dense(48), p.LookupS8(table), int8.ReluS8(zero=-5), DEQUANTIZE)


def twice_the_same() -> Graph:
    nodes = [Node(QUANTIZE, (WINDOW,), "a"), Node(int8.Quantize(0.05, 3), (WINDOW,), "b")]
    nodes += [Node(int8.FlattenS8(), (0,), "c"), Node(int8.FlattenS8(), (1,), "d")]
    nodes += [Node(dense(48), (2,), "e"), Node(dense(48), (3,), "f"), Node(p.AddS8(), (4, 5), "g")]
    return graph_of([*nodes, Node(DEQUANTIZE, (6,), "h")])


#: What was planted: graph, pass, ops that go (by how many), ops that come.
PLANTED: list[tuple[Callable[[], Graph], str, dict[str, int]]] = [
    (turned_twice, "least moves", {"Pick": -2, "Reshape": -2}),
    (pair_of_turns, "least moves", {"PickS8": -3}),
    (lambda: chain(p.Pick(*TURN), QUANTIZE, DEQUANTIZE), "least moves", {"Pick": -1, "PickS8": 1}),
    (lambda: chain(p.Pick((1, 12, 4), (0, 4, 1), 0), Relu()), "least moves", {"Pick": -1, "Reshape": 1}),
    (lambda: chain(p.Reshape((48,)), p.Reshape((4, 12)), p.Reshape((12, 4))), "least moves", {"Reshape": -3}),
    (joined_in_float, "least moves", {"Join": -1, "JoinS8": 1, "Quantize": 1}),
    (lambda: chain(QUANTIZE, DEQUANTIZE, QUANTIZE, DEQUANTIZE), "common scales", {"Quantize": -1, "Dequantize": -1}),
    (
        lambda: chain(QUANTIZE, p.LookupS8(TABLE), p.LookupS8(TABLE), int8.ReluS8(zero=2), DEQUANTIZE),
        "common scales",
        {"LookupS8": -1, "ReluS8": -1},
    ),
    (
        lambda: chain(QUANTIZE, DEQUANTIZE, p.Sigmoid(), int8.Quantize(1 / 256, -128), int8.Dequantize(1 / 256, -128)),
        "common scales",
        {"Sigmoid": -1, "Quantize": -1, "Dequantize": -1, "LookupS8": 1},
    ),
    (
        lambda: chain(QuantizeS16(1e-4), DequantizeS16(1e-4), QuantizeS16(1e-4), DequantizeS16(1e-4)),
        "common scales",
        {"QuantizeS16": -1, "DequantizeS16": -1},
    ),
    (bounds_behind_a_layer, "fused bounds", {"LookupS8": -1, "ReluS8": -1}),
    (twice_the_same, "once", {"Quantize": -1, "FlattenS8": -1, "DenseS8": -1}),
]


def kinds(graph: Graph) -> Counter[str]:
    return Counter(type(node.op).__name__ for node in graph.nodes)


@pytest.mark.parametrize(("plant", "name", "change"), PLANTED)
def test_each_pass_finds_what_was_planted(plant: Callable[[], Graph], name: str, change: dict[str, int]) -> None:
    graph = plant()
    found = RUN[name](graph)
    before, after = kinds(graph), kinds(found)
    assert {kind: after[kind] - before[kind] for kind in change} == change
    for x in (windows(1), 40 * windows(2)):
        assert found.scores(x).tobytes() == graph.scores(x).tobytes()


def test_a_join_of_parts_with_the_steps_of_the_whole_only_moves_them() -> None:
    graph = joined_in_float()
    found = kinds(improved(graph))
    assert found["LookupS8"] == 2 and found["JoinS8"] == 1 and found["Quantize"] == found["Dequantize"] == 1


def test_the_list_says_what_each_pass_does_and_quantize_goes_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({each.name for each in PASSES}) == len(PASSES) and all(each.meaning for each in PASSES)
    seen: list[Graph] = []

    def watched(graph: Graph) -> Graph:
        seen.append(graph)
        return graph

    monkeypatch.setattr("studio.graph.passes.improved", watched)
    assert quantize(cnn_graph(), motion(8)) is seen[0]


def test_an_imported_graph_goes_through_all_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, path = joined_in_float(), tmp_path / "net.tflite"
    path.write_bytes(b"")
    monkeypatch.setitem(IMPORTERS, ".tflite", lambda data, name: graph)
    found = import_graph(path)
    assert kinds(found) == kinds(improved(graph)) != kinds(graph)
    assert found.scores(windows()).tobytes() == graph.scores(windows()).tobytes()


def test_stages_that_everybody_knows_stay() -> None:
    nodes = [Node(QUANTIZE, (WINDOW,), "in"), Node(int8.FlattenS8(), (0,), "flat"), Node(dense(48), (1,), "features")]
    nodes += [Node(int8.ReluS8(zero=3), (2,), "logits"), Node(DEQUANTIZE, (3,), "scores")]
    graph = graph_of(nodes)
    assert {"features", "logits", "scores"} <= {node.name for node in improved(graph).nodes}
    other = graph_of([nodes[0], nodes[1], replace(nodes[2], name="layer"), *nodes[3:]])
    found = improved(other)
    assert [node.name for node in found.nodes] == ["in", "flat", "logits", "scores"]
    assert found.scores(windows()).tobytes() == other.scores(windows()).tobytes()
    assert once(found) is found
