"""Models that remember, and models of int16 values, on boards: every stage and every score is this computer's."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from studio.firmware.board import boards
from studio.firmware.build import build
from studio.firmware.flash import flash
from studio.firmware.verify import replay, verify
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Array
from studio.graph.ops.conv import Conv1d, MaxPool1d
from studio.graph.ops.recurrent import Gru, Lstm, Rnn
from studio.graph.ops.vector import Dense, Relu, Softmax, Standardize
from studio.graph.passes import quantize
from studio.graph.streaming import streaming
from studio.progress import finish
from tests.firmware.conftest import Started
from tests.firmware.firmwares import ACCELEROMETER, raw_windows
from tests.graph.nets import cnn_graph, motion


def _recurrent() -> Graph:
    rng = np.random.default_rng(8)

    def f32(*shape: int) -> Array:
        return (rng.normal(size=shape) / 2).astype(np.float32)

    nodes = (
        Node(Standardize(np.zeros(3, np.float32), np.ones(3, np.float32)), (WINDOW,), "input"),
        Node(Conv1d(f32(8, 4, 3), f32(8), 1, 3, 0), (0,), "conv"),
        Node(Relu(), (1,), "relu"),
        Node(MaxPool1d(2, 2), (2,), "pool"),
        Node(Gru(f32(18, 8), f32(18, 6), f32(18), f32(18)), (3,), "gru"),
        Node(Lstm(f32(20, 6), f32(20, 5), f32(20)), (4,), "lstm"),
        Node(Rnn(f32(5, 5), f32(5, 5), f32(5), last=True), (5,), "features"),
        Node(Dense(f32(3, 5), f32(3)), (6,), "logits"),
        Node(Softmax(), (7,), "scores"),
    )
    return Graph(("x", "y", "z"), 50.0, 64, 16, nodes, ("idle", "wave", "shake"))


@cache
def graph(family: str) -> Graph:
    """In int8 and going on from window to window, in float likewise, or a network of int16 values."""
    if family == "int16":
        return quantize(cnn_graph(2, True), motion(60), 16)
    return streaming(quantize(_recurrent(), motion(60)) if family == "int8" else _recurrent())


@pytest.mark.parametrize(
    ("board_id", "family"),
    [("cortex-m0plus", "int8"), ("cortex-m0plus", "int16"), ("cortex-m4f", "int8"), ("cortex-m33", "float")],
)
def test_boards_answer_as_this_computer(start: Started, board_id: str, family: str, tmp_path: Path) -> None:
    g, n = graph(family), 3 if board_id == "cortex-m0plus" else 6
    made = finish(build(g, ACCELEROMETER, boards()[board_id], tmp_path))
    raw = raw_windows(n)[:, : g.length]
    with start(board_id) as talk:
        finish(flash(talk, made.bin))
        assert finish(verify(talk, g, ACCELEROMETER, raw)) == {"windows": n, "equal": n, "first_difference": None}
        samples = raw.reshape(-1, 3)
        scores, _ = finish(replay(talk, g, samples))
    want = g.scores(g.windows(ACCELEROMETER.to_unit(samples)), in_order=True)
    assert scores.tobytes() == want.tobytes()
    assert g.carries == (family != "int16")
