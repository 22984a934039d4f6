"""What came before the button was pressed: exact, from one moment on, in the device's own numbers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.app.lately import Lately
from studio.app.live import Connection
from studio.data.project import create
from studio.data.recording import Writer
from studio.data.stream import Chunk, Stream
from tests.app.test_live import wait_for

ACC = Stream("acc", 100.0, ("x", "y"), "g", "i16", 1 / 4096)
MIC = Stream("mic", 1000.0, ("v",), "", "i32")


def chunk(stream: Stream, start: int, n: int, late_ms: float = 0.0, clock: bool = True) -> Chunk:
    """Samples that count their own indices; the device's clock began at 1 s, this computer's at 100 s."""
    values = np.repeat(np.arange(start, start + n)[:, None], len(stream.channels), 1).astype(stream.numpy_dtype)
    device_us = round(1e6 + start / stream.rate_hz * 1e6) if clock else 0
    arrived_s = 100.0 + (start + n) / stream.rate_hz + late_ms * 1e-3
    return Chunk(stream, start, values, device_us, round(arrived_s * 1e9))


def filled(seconds: float = 5.0, clock: bool = True, lost: range = range(0)) -> Lately:
    found = Lately(30.0)
    pieces = [chunk(ACC, i, 20, 3.0, clock) for i in range(0, round(100 * seconds), 20) if i not in lost]
    pieces += [chunk(MIC, i, 50, 1.0, clock) for i in range(0, round(1000 * seconds), 50)]
    for piece in sorted(pieces, key=lambda c: c.host_ns):
        found.take(piece)
    return found


@given(st.floats(0.01, 4.9))
def test_streams_begin_at_one_moment_of_the_devices_clock(seconds: float) -> None:
    firsts = {c.stream.name: c for c in reversed(filled().since(seconds))}
    for piece in firsts.values():
        at_s = piece.start / piece.stream.rate_hz
        assert piece.values[0, 0] == piece.start
        assert piece.device_us == pytest.approx(1e6 + at_s * 1e6, abs=1)
        assert 5.0 - seconds - 1e-6 <= at_s < 5.0 - seconds + 1 / piece.stream.rate_hz + 1e-6


def test_without_a_clock_each_stream_gives_its_own_last_seconds() -> None:
    chunks = filled(clock=False).since(2.0)
    assert min(c.start for c in chunks if c.stream is ACC) == 300
    assert min(c.start for c in chunks if c.stream is MIC) == 3000


def test_nothing_from_before_a_restart_and_nothing_when_nothing_is_wanted() -> None:
    found = filled()
    again = chunk(ACC, 0, 20)
    found.take(Chunk(ACC, 500, again.values, again.device_us, 106_000_000_000))
    assert [c.start for c in found.since(30.0)] == [500]
    assert filled().since(0.0) == [] and Lately().since(5.0) == []


def test_only_the_last_seconds_are_kept() -> None:
    found = Lately(2.0)
    for i in range(0, 10_000, 50):
        found.take(chunk(MIC, i, 50))
    assert 1.9 <= sum(len(c.values) for c in found.since(60.0)) / 1000 <= 2.1


def test_a_writer_makes_of_them_a_recording_with_every_sample_and_the_gap(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r", [ACC, MIC])
    for piece in filled(lost=range(400, 440)).since(2.0):
        writer.append(piece)
    for piece in (chunk(ACC, 500, 20), chunk(MIC, 5000, 50)):
        writer.append(piece)
    assert writer.time_s("acc", 500) == pytest.approx(2.0) and writer.time_s("radar", 0) is None
    recording = writer.close()
    assert recording.n_samples == {"acc": 220, "mic": 2050}
    assert np.array_equal(recording.raw("mic")[:, 0], np.arange(3000, 5050))
    assert recording.gaps == {"acc": ((100, 40),)}


def test_a_moment_is_the_sample_being_taken_not_the_last_that_came() -> None:
    found = filled()
    at = found.indices_at(105_100_000_000)  # 0.1 s after the last samples were taken
    assert at["acc"] == pytest.approx(510 - 0.3) and at["mic"] == pytest.approx(5100 - 1.0)


def test_rates_are_from_arrival_to_arrival_and_nothing_when_silent() -> None:
    found = filled()
    rates = found.rates_hz(105_100_000_000)
    assert rates["acc"] == pytest.approx(100) and rates["mic"] == pytest.approx(1000)
    assert found.rates_hz(107_000_000_000) == {}


def test_the_clock_is_fitted_and_begins_anew_after_a_restart() -> None:
    found, luck = Lately(), np.random.default_rng(0)
    for i in range(0, 12_000, 20):
        exact = chunk(ACC, i, 20, float(luck.exponential(5.0)))
        found.take(Chunk(ACC, i, exact.values, round(1e6 + i / 100 * 1e6 * (1 + 200e-6)), exact.host_ns))
    line = found.clock()
    assert line is not None and line.clock_ppm == pytest.approx(200, abs=20)
    found.take(Chunk(ACC, 12_000, np.zeros((20, 2), "<i2"), 1, 230_000_000_000))
    assert found.clock() is None


def test_a_recording_of_a_live_board_holds_the_seconds_before_its_button(own_home: Path, tmp_path: Path) -> None:
    connection = Connection("virtual:host?speed=4").wait()
    try:
        ring = connection.rings["accelerometer"]
        wait_for(lambda: ring.end > 400)
        connection.start_recording(create(tmp_path / "p", "P"), pre_s=1.0)
        assert connection.take is not None
        connection.take.point("marker")
        marked = connection.take.marks[0].start["accelerometer"]
        wait_for(lambda: ring.end > marked + 100)
        place = connection.recorded_s({"accelerometer": marked})
        told = connection.recorded_s(connection.take.marks[0].start)  # by the first stream that knows
        recording = connection.stop_recording()
    finally:
        connection.close()
    assert place is not None and place > 0.9 and not any(recording.gaps.values())
    (segment,) = recording.labels["labels"].segments
    assert segment.is_point and segment.start_s == pytest.approx(told, abs=1e-6)
    assert told == pytest.approx(place, abs=0.06)  # streams of one board stand level to a frame
    first = round(marked - place * 100)
    _, held = ring.since(first)
    n = min(len(held), recording.n_samples["accelerometer"])
    assert n > 150 and np.array_equal(recording.values("accelerometer")[:n], held[:n])
