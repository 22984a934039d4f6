"""Memories that are carried from window to window: the same bits as one long window, on the graph and in the C."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from studio.data.stream import Stream
from studio.errors import GraphError
from studio.firmware.native import Native
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Array
from studio.graph.ops.conv import Conv1d, DepthwiseConv1d, GlobalAverage, MaxPool1d
from studio.graph.ops.recurrent import Gru, GruFrom, Lstm, Rnn, Svdf
from studio.graph.ops.sound import LogMel
from studio.graph.ops.vector import Dense, Relu, Softmax, Standardize
from studio.graph.passes import quantize
from studio.graph.rows import window_bytes
from studio.graph.streaming import streaming
from tests.graph.gated_examples import carried, carried_ops
from tests.graph.nets import motion

RNG = np.random.default_rng(11)
CLASSES = ("a", "b", "c")
STREAM: Any = Stream("motion", 50.0, ("x", "y", "z"), "g", "f32", 1.0, "motion")


def f32(*shape: int) -> Array:
    return (RNG.normal(size=shape) / 2).astype(np.float32)


def layered() -> Graph:
    """Causal and dilated layers, a pool, and every kind of recurrent layer: 16 new samples at a time."""
    nodes = (
        Node(Standardize(f32(3), np.ones(3, np.float32)), (WINDOW,), "input"),
        Node(Conv1d(f32(8, 5, 3), f32(8), 1, 8, 0, 2), (0,), "conv"),
        Node(Relu(), (1,), "relu"),
        Node(MaxPool1d(2, 2), (2,), "pool"),
        Node(DepthwiseConv1d(f32(3, 8), f32(8), 2, 1, 0), (3,), "deep"),
        Node(Gru(f32(30, 8), f32(30, 10), f32(30), f32(30)), (4,), "gru"),
        Node(Lstm(f32(24, 10), f32(24, 6), f32(24)), (5,), "lstm"),
        Node(Svdf(f32(14, 6), f32(14, 5), f32(7)), (6,), "svdf"),
        Node(Rnn(f32(5, 7), f32(5, 5), f32(5), last=True), (7,), "features"),
        Node(Dense(f32(3, 5), f32(3)), (8,), "logits"),
        Node(Softmax(), (9,), "scores"),
    )
    return Graph(("x", "y", "z"), 50.0, 64, 16, nodes, CLASSES)


@pytest.mark.parametrize("name", carried_ops())
def test_a_carried_memory_gives_the_rows_of_one_long_window(name: str) -> None:
    op, c = carried_ops()[name]
    x = RNG.integers(-128, 128, (6, 7, c)).astype(np.int8) if op.takes is np.int8 else f32(6, 7, c)
    whole = op.run(x.reshape(1, 42, c))[0]
    got = carried(op).run_in_order(x)
    np.testing.assert_array_equal(got.reshape(whole.shape), whole)
    np.testing.assert_array_equal(carried(op).run(x), op.run(x))  # each by itself begins empty
    np.testing.assert_array_equal(carried(replace(op, last=True)).run_in_order(x), got[:, -1])
    assert op.memory((7, c)) == 0 and carried(op).memory((7, c)) > 0
    assert not np.array_equal(got, op.run(x))


@pytest.mark.parametrize("small", [False, True])
def test_a_streaming_graph_answers_as_one_window_of_all_samples(small: bool) -> None:
    graph = quantize(layered(), motion(200)) if small else layered()
    made, samples = streaming(graph), f32(320, 3).cumsum(0)
    assert made.carries and not graph.carries and (made.length, made.stride) == (16, 16)
    hops = samples.reshape(20, 16, 3)
    got = made.scores(hops, in_order=True)
    for k in (1, 2, 7, 20):
        np.testing.assert_array_equal(replace(graph, length=16 * k).scores(samples[None, : 16 * k])[0], got[k - 1])
    native = Native(made, STREAM)
    np.testing.assert_array_equal(native.scores(hops, in_order=True), got)
    np.testing.assert_array_equal(native.replay(samples), got)
    np.testing.assert_array_equal(native.scores(hops), made.scores(hops))


def test_frames_of_sound_stream_as_rows() -> None:
    """Windows overlap by what a frame reaches beyond its hop; their rows lie end to end."""
    mel = LogMel(frame=128, hop=64, n_fft=128, n_mels=6, rate_hz=1000.0, f_high=500.0)
    nodes = (
        Node(mel, (WINDOW,), "rows"),
        Node(Gru(f32(12, 6), f32(12, 4), f32(12), f32(12), last=True), (0,), "features"),
        Node(Dense(f32(3, 4), f32(3)), (1,), "logits"),
        Node(Softmax(), (2,), "scores"),
    )
    graph = Graph(("x",), 1000.0, 1000, 500, nodes, CLASSES)
    made, samples = streaming(graph, 192), f32(128 + 64 * 29, 1)
    assert (made.length, made.stride) == (256, 192)
    stream: Any = Stream("sound", 1000.0, ("x",), "", "f32", 1.0, "sound")
    got = made.scores(made.windows(samples), in_order=True)
    want = [replace(graph, length=256 + 192 * k).scores(samples[None, : 256 + 192 * k])[0] for k in range(len(got))]
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(Native(made, stream).replay(samples), got)


def test_what_is_remembered_counts_as_memory() -> None:
    made = streaming(layered())
    floats = 8 * 3 + 1 * 8 + 10 + 2 * 6 + 14 * 5 + 5  # rows that are kept, and what each layer holds
    assert window_bytes(made) == 4 * (16 * 3 + floats) and window_bytes(layered()) == 4 * 64 * 3


@pytest.mark.parametrize(
    ("op", "words"),
    [
        (GlobalAverage(), "whole window"),
        (Conv1d(np.ones((2, 3, 3), np.float32), np.zeros(2, np.float32), 1, 1, 1), "looks ahead"),
        (MaxPool1d(3, 3), "takes 3 of 16 rows"),
    ],
)
def test_what_cannot_stream_is_named(op: Any, words: str) -> None:
    n = int(np.prod(op.shape((64, 3))))
    nodes = (Node(op, (WINDOW,), "stage"), *((Node(MaxPool1d(1, 1), (0,), "x"),) if n > 3 else ()))
    graph = Graph(("x", "y", "z"), 50.0, 64, 16, nodes, CLASSES)
    with pytest.raises(GraphError, match=f"stage.*{words}"):
        streaming(graph)


def test_a_memory_that_begins_with_an_input_cannot_be_carried() -> None:
    first = Rnn(f32(4, 3), f32(4, 4), f32(4), last=True)
    from_it = GruFrom(f32(12, 3), f32(12, 4), f32(12), f32(12), last=True)
    nodes = (Node(first, (WINDOW,), "first"), Node(from_it, (WINDOW, 0), "second"))
    with pytest.raises(GraphError, match=r"second.*Let its memory begin empty"):
        streaming(Graph(("x", "y", "z"), 50.0, 64, 16, nodes, CLASSES))
