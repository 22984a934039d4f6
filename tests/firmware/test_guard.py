"""The rate that a model was trained for is kept, or the board says so instead of answering."""

from pathlib import Path

import numpy as np
import pytest

from studio.data.talk import Talk
from studio.data.wire import FAULT, BoardStats, Hello, Packet, Type, Verb, parse_stats
from studio.firmware.flash import flash
from studio.firmware.verify import verify
from studio.firmware.virtual import SensorFile
from studio.progress import finish
from tests.firmware.conftest import Started
from tests.firmware.firmwares import ACCELEROMETER, graph, image, raw_windows

SECONDS = 12.0


def heard(talk: Talk, hello: Hello) -> tuple[list[float], list[int], list[np.ndarray], BoardStats]:
    """Times and values of all decisions, all scores, and the last statistics, of the first SECONDS."""
    assert hello.model is not None
    times, decisions, scores = [], [], []
    talk.request(Verb.START)
    start_us = None
    while True:
        for packet in talk.pump():
            if packet.type != Type.SAMPLES:
                continue
            start_us = packet.t_us if start_us is None else start_us
            if packet.t_us - start_us > SECONDS * 1e6:
                stats = parse_stats(talk.request(Verb.STATS))
                talk.request(Verb.STOP)
                return times, decisions, scores, stats
            keep(packet, hello, times, decisions, scores, start_us)


def keep(
    packet: Packet, hello: Hello, times: list[float], decisions: list[int], scores: list[np.ndarray], start_us: int
) -> None:
    if packet.channel == hello.model.decision_id:
        times.append((packet.t_us - start_us) / 1e6)
        decisions.append(int(np.frombuffer(packet.payload, "<i2")[0]))
    elif packet.channel == hello.model.scores_id:
        scores.append(np.frombuffer(packet.payload, "<f4"))


@pytest.mark.parametrize("board_id", ["host", "cortex-m4f"])
@pytest.mark.parametrize(("drift_ppm", "fault"), [(0, False), (40_000, False), (80_000, True), (-80_000, True)])
def test_a_sensor_off_its_rate_is_no_answer(
    start: Started, board_id: str, drift_ppm: float, fault: bool, tmp_path: Path
) -> None:
    raw_windows(8).tofile(tmp_path / "rows.raw")
    sensors = (SensorFile(ACCELEROMETER, tmp_path / "rows.raw", drift_ppm),)
    with start(board_id, sensors, speed=8.0) as talk:
        finish(flash(talk, image(board_id, "forest").bin))
        times, decisions, scores, stats = heard(talk, talk.hello())
    late = [d for t, d in zip(times, decisions, strict=True) if t > 5.0]
    assert len(late) > 5
    assert set(late) == {FAULT} if fault else FAULT not in decisions
    assert stats.fault is fault
    assert stats.rate_hz == pytest.approx(ACCELEROMETER.rate_hz * (1 + drift_ppm * 1e-6), rel=0.005)
    assert np.isnan(scores[-1]).all() if fault else not np.isnan(scores).any()


def test_windows_that_the_host_gives_are_answered_whatever_the_sensor_does(start: Started, tmp_path: Path) -> None:

    raw_windows(8).tofile(tmp_path / "rows.raw")
    sensors = (SensorFile(ACCELEROMETER, tmp_path / "rows.raw", 200_000),)
    with start("host", sensors, speed=8.0) as talk:
        finish(flash(talk, image("host", "forest").bin))
        assert FAULT in heard(talk, talk.hello())[1]
        result = finish(verify(talk, graph("forest"), ACCELEROMETER, raw_windows(6)))
        assert result["equal"] == 6
