"""The generated C, compiled for this computer, against the graph that it was made from: the same bits."""

import re
from dataclasses import replace

import numpy as np
import pytest

from studio.data.stream import Stream
from studio.errors import BuildError
from studio.firmware.c_text import comment, identifiers, number, strings
from studio.firmware.native import Native
from studio.firmware.render import header, render, source
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.ops.filter import Biquad
from studio.graph.ops.sound import Delta, LogMel, Mfcc
from studio.graph.ops.statistics import Statistics
from studio.graph.ops.vector import Flatten
from studio.graph.passes import quantize
from studio.graph.plan import plan
from studio.graph.rows import rows_of, stages_on_board, window_bytes
from tests.graph.nets import CLASSES, cnn_graph, forest_graph, motion, plane_graph

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


def test_a_single_stage_declares_nothing_that_it_does_not_use() -> None:
    classes = tuple(f"v{i}" for i in range(30))
    graph = Graph(("x", "y", "z"), 50.0, 64, 64, (Node(Statistics(), (WINDOW,), "scores"),), classes)
    assert "arena[" not in source(graph) and "arena[" in source(forest_graph())
    assert Native(graph, STREAM).scores(motion(3)).tobytes() == graph.scores(motion(3)).tobytes()


def test_the_compiler_is_told_how_much_of_the_arena_each_stage_needs() -> None:
    graph = quantize(cnn_graph(), motion(100))
    needed = [int(n) for n in re.findall(r"_Static_assert\(sizeof arena >= (\d+)", source(graph))]
    most = plan(graph).arena_bytes
    assert most - 8 < max(needed) <= most and len(needed) == len(graph.nodes) - 1


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


SOUND = Stream("mic", 1000.0, ("left",), "", "i16", 1 / 8192, "microphone")


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize(
    ("stride", "filters"), [(64, ()), (192, (Biquad("highpass", 20.0, 1000.0),)), (384, ()), (640, ())]
)
def test_a_window_of_rows_gives_what_a_window_of_samples_gives(
    small: bool, stride: int, filters: tuple[Biquad, ...]
) -> None:
    """Strides within, equal to and beyond the window; the same graph also with a window of samples."""
    graph = replace(plane_graph(), stride=stride, stream_ops=filters)
    graph = quantize(graph, motion(50, 384, 1)) if small else graph
    rows = rows_of(graph)
    assert rows is not None and (rows.length, rows.stride, rows.gives) == (
        11,
        stride // 32,
        np.int8 if small else np.float32,
    )
    native = Native(graph, SOUND)
    raw = (motion(1, 3000, 1)[0] * 8000).astype("<i2")
    want = graph.scores(graph.windows(SOUND.to_unit(raw)))
    for _ in range(2):
        assert native.replay(raw).tobytes() == want.tobytes()
    windows = graph.windows(SOUND.to_unit(raw))
    assert native.scores(windows).tobytes() == want.tobytes() and len(want) > 3


@pytest.mark.parametrize(
    ("frame", "hop", "length"), [(64, 32, 390), (64, 32, 415), (50, 80, 500), (64, 64, 64), (20, 7, 100)]
)
def test_frames_of_any_size_come_when_the_window_is_over(frame: int, hop: int, length: int) -> None:
    n = (length - frame) // hop + 1
    nodes = (
        Node(LogMel(frame, hop, 64, 6, 0.0, 500.0, 1000.0), (WINDOW,), "mel"),
        Node(Mfcc(6, 3), (0,), "cepstrum"),
        Node(Delta(), (1,), "delta"),
        Node(Flatten(), (2,), "features"),
    )
    graph = Graph(("left",), 1000.0, length, 2 * hop, nodes, tuple(map(str, range(3 * n))))
    raw = (motion(1, 1000, 1)[0] * 8000).astype("<i2")
    native, windows = Native(graph, SOUND), graph.windows(SOUND.to_unit(raw))
    assert native.replay(raw).tobytes() == graph.scores(windows).tobytes()
    early = (length - 1) // 2
    assert len(native.replay(raw[:early])) == 0 and len(native.replay(raw[: length - 1])) == 0
    assert len(native.replay(raw[:length])) == 1
    assert stages_on_board(graph) == ("cepstrum", "delta", "features")
    assert re.findall(r"^static (?!const)(?:_Alignas\(8\) )?\w+ (\w+)\[", source(graph), re.M) == [
        "arena",
        "frame",
        "row",
    ]


def test_samples_stay_where_rows_would_not_meet() -> None:
    graph = plane_graph()
    assert rows_of(replace(graph, stride=100)) is None and rows_of(cnn_graph()) is None
    twice = [*graph.nodes[:1], Node(LogMel(64, 32, 64, 12, 0.0, 500.0, 1000.0), (WINDOW,), "again")]
    assert rows_of(replace(graph, nodes=tuple(twice))) is None
    raw = (motion(1, 2000, 1)[0] * 8000).astype("<i2")
    odd = replace(graph, stride=100)
    assert Native(odd, SOUND).replay(raw).tobytes() == odd.scores(odd.windows(SOUND.to_unit(raw))).tobytes()


def test_a_window_of_rows_is_a_fraction_of_the_memory() -> None:
    graph = quantize(plane_graph(), motion(50, 384, 1))
    assert window_bytes(graph) == 11 * 12 + 12 + 4 * 64 and window_bytes(replace(graph, stride=100)) == 4 * 384


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
