"""The twin: every stage on every board equals this computer bit for bit, and a single wrong bit is found and named."""

from pathlib import Path

import numpy as np
import pytest

from studio.data.stream import Stream
from studio.data.wire import Verb
from studio.errors import VerifyError
from studio.firmware.board import boards
from studio.firmware.flash import flash
from studio.firmware.verify import replay, verify
from studio.firmware.weigh import can_measure, measure
from studio.progress import finish
from tests.firmware.conftest import Started
from tests.firmware.firmwares import ACCELEROMETER, BOARDS, graph, image, raw_windows, with_flipped_bit

WEAK = 6  # windows for the core that has no FPU


@pytest.mark.parametrize("family", ["forest", "cnn", "rows", "told"])
@pytest.mark.parametrize("board_id", BOARDS)
def test_every_stage_is_equal_on_every_board(start: Started, board_id: str, family: str) -> None:
    g, n = graph(family), WEAK if board_id == "cortex-m0plus" else 40
    with start(board_id) as talk:
        finish(flash(talk, image(board_id, family).bin))
        result = finish(verify(talk, g, ACCELEROMETER, raw_windows(n)))
        assert result == {"windows": n, "equal": n, "first_difference": None}
        samples = raw_windows(n, seed=1).reshape(-1, 3)
        scores, decisions = finish(replay(talk, g, samples))
        expected = g.scores(g.windows(ACCELEROMETER.to_unit(samples)))
        assert len(scores) == (len(samples) - g.length) // g.stride + 1
        assert np.array_equal(scores.view("u4"), expected.view("u4"))
        assert np.array_equal(decisions, g.decide(expected))
        assert (family == "told") == bool((decisions != g.answer(expected)).any())


@pytest.mark.parametrize("board_id", ["host", "cortex-m4f"])
def test_one_flipped_weight_bit_is_found_and_its_stage_named(start: Started, board_id: str, tmp_path: Path) -> None:
    g = graph("cnn")
    dense = next(n for n in g.nodes if n.name == "logits")
    weight = np.ascontiguousarray(dense.op.args()["weight"])
    wrong = with_flipped_bit(image(board_id, "cnn").bin, weight.tobytes(), 6, tmp_path / "wrong.bin")
    with start(board_id) as talk:
        finish(flash(talk, wrong))
        result = finish(verify(talk, g, ACCELEROMETER, raw_windows(20)))
        difference = result["first_difference"]
        assert result["equal"] < result["windows"] == 20
        assert difference["stage"] == "logits"
        assert difference["host"] != difference["board"]


@pytest.mark.parametrize("board_id", ["host", "cortex-m4f"])
def test_a_flipped_bit_of_a_decisions_threshold_is_found(start: Started, board_id: str, tmp_path: Path) -> None:
    g = graph("told")
    assert g.decision is not None
    on = g.decision.args()["on"]
    wrong = with_flipped_bit(image(board_id, "told").bin, on.tobytes()[3:], 0, tmp_path / "wrong.bin")
    with start(board_id) as talk:
        finish(flash(talk, wrong))
        difference = finish(verify(talk, g, ACCELEROMETER, raw_windows(20)))["first_difference"]
        assert difference["stage"] == "decision" and difference["host"] != difference["board"]


def test_a_flipped_threshold_in_the_forest_is_found(start: Started, tmp_path: Path) -> None:
    g = graph("forest")
    forest = next(n for n in g.nodes if n.name == "logits")
    threshold = np.ascontiguousarray(forest.op.args()["threshold"])
    at = int(np.flatnonzero(threshold)[0])
    wrong = with_flipped_bit(image("host", "forest").bin, threshold[at:].tobytes(), 7, tmp_path / "wrong.bin")
    with start("host") as talk:
        finish(flash(talk, wrong))
        result = finish(verify(talk, g, ACCELEROMETER, raw_windows(200)))
        assert result["equal"] == 200 or result["first_difference"]["stage"] in ("logits", "scores")


@pytest.mark.parametrize("dtype", ["i32", "f32"])
def test_samples_of_every_type_are_scaled_alike(start: Started, dtype: str) -> None:
    g = graph("cnn")
    stream = Stream("other", 50.0, ("x", "y", "z"), "g", dtype, 1 / 3000, "accelerometer")
    raw = (raw_windows(10).astype(np.float64) * 0.7).astype(stream.numpy_dtype)
    with start("host") as talk:
        finish(flash(talk, image("host", "cnn", stream).bin))
        assert talk.hello().model.input_id == 2  # type: ignore[union-attr]
        assert finish(verify(talk, g, stream, raw))["equal"] == 10


def test_verifying_leaves_the_board_as_it_was(start: Started) -> None:
    with start("host") as talk:
        finish(flash(talk, image("host", "cnn").bin))
        finish(verify(talk, graph("cnn"), ACCELEROMETER, raw_windows(2)))
        talk.request(Verb.START, {1: [3]})
        decisions = []
        while len(decisions) < 2:
            decisions += [p for p in talk.pump() if p.channel == 3]
        assert [p.seq for p in decisions[:2]] == [0, 1]  # its own sensor feeds it again
        assert not [p for p in decisions if p.type == 7]


def test_another_model_or_none_is_said(start: Started) -> None:
    with start("host") as talk:
        with pytest.raises(VerifyError, match="holds no model"):
            finish(verify(talk, graph("cnn"), ACCELEROMETER, raw_windows(1)))
        finish(flash(talk, image("host", "cnn").bin))
        with pytest.raises(VerifyError, match="stages input"):
            finish(verify(talk, graph("forest"), ACCELEROMETER, raw_windows(1)))


def test_what_an_inference_costs_is_measured_exactly() -> None:
    board = boards()["cortex-m4f"]
    if not can_measure(board):
        pytest.skip("needs the emulator")
    forest, again = (measure(board, image("cortex-m4f", "forest"), graph("forest"), ACCELEROMETER) for _ in range(2))
    assert forest == again  # the same instructions every time
    assert 20_000 < forest.instructions < 500_000
    assert list(forest.stages) == [n.name for n in graph("forest").nodes]
    assert sum(forest.stages.values()) == forest.instructions and min(forest.stages.values()) > 0
    assert 200 < forest.stack_bytes < board.stack_bytes
    soft = measure(boards()["cortex-m0plus"], image("cortex-m0plus", "forest"), graph("forest"), ACCELEROMETER)
    assert soft.instructions > 5 * forest.instructions  # no FPU: every float is a call
    assert not can_measure(boards()["host"])


@pytest.mark.parametrize("family", ["number", "several"])
def test_a_board_tells_a_number_and_several_labels(start: Started, family: str) -> None:
    """A number below 0 is told as well; of several labels the greatest, and none where all are below a half."""
    g = graph(family)
    with start("host") as talk:
        finish(flash(talk, image("host", family).bin))
        assert finish(verify(talk, g, ACCELEROMETER, raw_windows(40)))["equal"] == 40
        samples = raw_windows(40, seed=1).reshape(-1, 3)
        scores, decisions = finish(replay(talk, g, samples))
        expected = g.scores(g.windows(ACCELEROMETER.to_unit(samples)))
        assert np.array_equal(scores.view("u4"), expected.view("u4")) and np.array_equal(decisions, g.decide(expected))
        if family == "number":
            assert scores.min() < 0 and (decisions == 0).all()
        else:
            assert np.array_equal(decisions == -1, (scores < 0.5).all(axis=1)) and 0 < (decisions == -1).mean() < 1
