"""Graphs on disk come back bit for bit, or with an error a person can act on."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from studio.errors import DataError
from studio.graph.graph import Graph, Node
from studio.graph.passes import quantize
from studio.graph.store import load, save
from tests.graph.examples import EXAMPLES
from tests.graph.nets import cnn_graph, forest_graph, motion


def assert_same(a: Graph, b: Graph) -> None:
    for f in fields(Graph):
        if f.name not in ("nodes", "stream_ops"):
            assert getattr(a, f.name) == getattr(b, f.name), f.name
    assert [(n.name, n.inputs) for n in a.nodes] == [(n.name, n.inputs) for n in b.nodes]
    pairs = list(zip([n.op for n in a.nodes], [n.op for n in b.nodes], strict=True))
    for one, other in [*pairs, *zip(a.stream_ops, b.stream_ops, strict=True)]:
        assert type(one) is type(other)
        for f in fields(one):
            v, w = getattr(one, f.name), getattr(other, f.name)
            assert type(v) is type(w)
            if isinstance(v, np.ndarray):
                assert v.dtype == w.dtype and v.shape == w.shape and v.tobytes() == w.tobytes()
            else:
                assert v == w


@pytest.mark.parametrize("graph", [forest_graph(threshold=0.1), cnn_graph(), quantize(cnn_graph(), motion(20))])
def test_a_graph_comes_back_bit_for_bit(graph: Graph, tmp_path: Path) -> None:
    save(graph, tmp_path / "m")
    back = load(tmp_path / "m")
    assert_same(graph, back)
    x = motion(20)
    assert graph.scores(x).tobytes() == back.scores(x).tobytes()


def test_every_op_comes_back(tmp_path: Path) -> None:
    ops = [e.op for name, e in EXAMPLES.items() if name != "Biquad"]
    nodes = tuple(Node(op, (), str(i)) for i, op in enumerate(ops))
    graph = Graph((), 0.1, 1, 1, nodes, ())
    save(graph, tmp_path)
    text = json.loads((tmp_path / "graph.json").read_text(encoding="utf-8"))
    from studio.graph.store import _read

    with np.load(tmp_path / "weights.npz") as arrays:
        assert_same(graph, _read(text, dict(arrays)))


def test_the_same_graph_gives_the_same_files(tmp_path: Path) -> None:
    save(forest_graph(), tmp_path / "a")
    save(forest_graph(), tmp_path / "b")
    for name in ("graph.json", "weights.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("graph.json", lambda b: b[: len(b) // 2]),
        ("graph.json", lambda b: b""),
        ("graph.json", lambda b: b"[]"),
        ("graph.json", lambda b: b.replace(b'"Concat"', b'"Quasar"')),
        ("graph.json", lambda b: b.replace(b'"format": 1', b'"format": 99')),
        ("graph.json", lambda b: b.replace(b'"length": 64', b'"length": 10')),
        ("graph.json", lambda b: b.replace(b'"used": 64', b'"used": "x"')),
        ("graph.json", lambda b: b.replace(b'"used": 64', b'"users": 64')),
        ("graph.json", lambda b: b.replace(b'"inputs": [\n    8', b'"inputs": [\n    88')),
        ("weights.npz", lambda b: b[: len(b) // 2]),
        ("weights.npz", lambda b: b""),
        ("weights.npz", lambda b: b[:3000] + bytes(3000) + b[6000:]),
    ],
)
def test_a_broken_model_says_so(name: str, change, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    save(forest_graph(), tmp_path)
    before = (tmp_path / name).read_bytes()
    after = change(before)
    assert after != before
    (tmp_path / name).write_bytes(after)
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert (caught.value.next_step and tmp_path.name in str(caught.value)) or "op" in caught.value.seen


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"graph\.json"):
        load(tmp_path / "none")
