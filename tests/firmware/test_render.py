"""The generated C, compiled for this computer, against the graph that it was made from: the same bits."""

import re
from dataclasses import replace

import numpy as np
import pytest

from studio.data.stream import Stream
from studio.errors import BuildError
from studio.firmware.native import Native
from studio.firmware.render import comment, header, identifiers, number, render, source, strings
from studio.graph.graph import Graph
from studio.graph.passes import quantize
from studio.graph.plan import plan
from tests.graph.nets import CLASSES, cnn_graph, forest_graph, motion

STREAM = Stream("accelero*/meter", 50.0, ("x", "y", "z"), "g", "i16", 1 / 8192, "accelerometer")


def graphs() -> dict[str, Graph]:
    return {
        "forest": forest_graph(threshold=0.4),
        "float net": cnn_graph(),
        "int8 net": quantize(cnn_graph(), motion(100)),
        "int8 depthwise net": quantize(cnn_graph(flatten=True, depthwise=True), motion(100)),
    }


@pytest.mark.parametrize("name", graphs())
def test_native_scores_are_the_graphs_bit_for_bit(name: str) -> None:
    graph = graphs()[name]
    native, x = Native(graph, STREAM), motion(300, seed=5)
    assert native.scores(x).tobytes() == graph.scores(x).tobytes()
    assert len(np.unique(graph.scores(x)[:, 0])) > 3


@pytest.mark.parametrize("stride", [1, 24, 64, 100])
def test_samples_pushed_one_by_one_give_the_graphs_windows(stride: int) -> None:
    """Strides within, equal to and beyond the window; filters, raw integers and scale included."""
    graph = replace(forest_graph(threshold=0.4), stride=stride)
    native = Native(graph, STREAM)
    raw = (motion(1, length=700)[0] * 8000).astype("<i2")
    want = graph.scores(graph.windows(STREAM.to_unit(raw)))
    for _ in range(2):  # the second time from a model that has seen samples before
        got = native.replay(raw)
        assert got.tobytes() == want.tobytes() and len(got) == (700 - 64) // stride + 1
    np.testing.assert_array_equal(native.decide(got), graph.decide(got))
    assert {-1} < set(native.decide(got).tolist()) or stride > 1


def test_decisions_at_the_edge() -> None:
    graph = forest_graph(threshold=0.5)
    scores = np.array([[0.5, 0.5, 0], [0.49, 0.3, 0.2], [0, 0.5, 0.5], [0.1, 0.2, 0.7]], np.float32)
    np.testing.assert_array_equal(Native(graph, STREAM).decide(scores), [0, -1, 1, 2])


def test_another_stream_is_refused() -> None:
    with pytest.raises(BuildError, match="2 channels where the model was trained on 3"):
        render(forest_graph(), replace(STREAM, channels=("a", "b")))


def test_names_become_different_c_names() -> None:
    names = identifiers(forest_graph())
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[A-Za-z]\w*", n, re.ASCII) for n in names)


def test_strings_are_octal_where_they_must_be() -> None:
    assert strings(('a"1',)) == r'"a\0421"'
    assert strings(("?" * 2 + "/",)) == r'"\077\077/"'
    assert strings(("ü",)) == r'"\303\274"'


def test_no_name_ends_a_comment() -> None:
    assert "*/" not in comment("a*/b\n*/") and "/*" not in comment("/*")
    text = header(forest_graph(), STREAM)
    assert text.count("/*") == text.count("*/") and CLASSES[0] not in text


@pytest.mark.parametrize("value", [0.1, -1.5, 0.0, 1e-38, 3e38, 1.0, 2.0**-149, 1 / 3])
def test_a_float_constant_is_exact(value: float) -> None:
    assert np.float32(float.fromhex(number(value)[:-1])) == np.float32(value)


def test_a_constant_that_ran_away_is_refused() -> None:
    with pytest.raises(BuildError):
        number(float("nan"))


def test_memory_is_the_arena_and_nothing_hidden() -> None:
    graph = quantize(cnn_graph(), motion(20))
    text = source(graph)
    writable = re.findall(r"^static (?!const)(?:_Alignas\(8\) )?\w+ (\w+)\[(\d+)\]", text, re.M)
    assert writable == [("arena", str(plan(graph).arena_bytes))]
    assert "malloc" not in text and "double" not in text


def test_every_stage_is_explained() -> None:
    graph = cnn_graph()
    text = source(graph)
    for i, node in enumerate(graph.nodes):
        assert f"/* {i} {node.name}: {type(node.op).__name__} of" in text
        assert f"tap({i}, " in text
