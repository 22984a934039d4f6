"""A camera beside sensors: its frames and their samples lie on one time line."""

from pathlib import Path

import numpy as np
import pytest

from studio.data.frames import camera_track, read_frames, time_line, write_frames
from studio.data.recording import Recording, Writer
from studio.data.stream import Chunk, Stream

ACC = Stream("acc", 100.0, ("x",), "g", "i16", 1 / 4096, "accelerometer")
BEGAN_NS = 50_000_000_000_000


def recorded(path: Path, seconds: float, ppm: float, seed: int = 0) -> Recording:
    """A board whose clock is `ppm` fast; sample i is taken at BEGAN_NS + i / 100 s of its own second."""
    rng = np.random.default_rng(seed)
    writer = Writer(path, [ACC])
    n, host_per_device = round(seconds * 100), 1 / (1 + ppm * 1e-6)
    for start in range(0, n, 10):
        device_us = start * 10_000
        late_ns = int(rng.exponential(4e6)) if rng.random() < 0.9 else int(rng.uniform(0, 80e6))
        arrived = BEGAN_NS + int((device_us + 100_000) * 1e3 * host_per_device) + late_ns
        writer.append(Chunk(ACC, start, np.zeros((min(10, n - start), 1), "<i2"), 7_000_000 + device_us, arrived))
    return writer.close()


def frames(seconds: float, first_s: float, ppm: float, seed: int = 1) -> np.ndarray:
    """Thirty a second; the first is taken `first_s` after BEGAN_NS; they arrive 8 ms later and more."""
    rng = np.random.default_rng(seed)
    taken_s = first_s + np.arange(round(seconds * 30)) / 30
    own_us = 123_456 + (taken_s * (1 + ppm * 1e-6) * 1e6).astype(np.int64)
    host_ns = BEGAN_NS + ((taken_s + 0.008 + rng.exponential(0.01, len(taken_s))) * 1e9).astype(np.int64)
    return np.stack([np.arange(len(taken_s)), own_us, host_ns], 1)


@pytest.mark.parametrize(("board_ppm", "camera_ppm"), [(0, 0), (80, -150), (-300, 200)])
def test_frames_and_samples_share_a_time_line(tmp_path: Path, board_ppm: float, camera_ppm: float) -> None:
    """Ten minutes: every frame within 3 ms of its moment, up to the 8 ms that the camera always needs."""
    made = recorded(tmp_path / "r", 600, board_ppm)
    rows = frames(590, 4.5, camera_ppm)
    track = camera_track(made, rows, "video/camera.mp4")
    for i in (0, len(rows) // 2, len(rows) - 1):
        moment_s = (4.5 + i / 30) * (1 + board_ppm * 1e-6)  # of the recording's own second
        shown_s = track.time_s((rows[i, 1] - rows[0, 1]) * 1e-6)
        assert shown_s - 0.008 == pytest.approx(moment_s, abs=0.003)


def test_a_short_take(tmp_path: Path) -> None:
    made = recorded(tmp_path / "r", 0.9, 0)
    track = camera_track(made, frames(0.5, 0.2, 0), "c.mp4")
    assert track.start_s == pytest.approx(0.2, abs=0.12)
    assert track.rate == 1.0


def test_a_recording_without_a_clock_begins_when_it_was_begun(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r", [ACC])
    writer.append(Chunk(ACC, 0, np.zeros((100, 1), "<i2")))
    made = writer.close()
    assert time_line(made) == (made.clock["host_ns"], 1.0)


def test_frames_are_kept(tmp_path: Path) -> None:
    rows = frames(1, 0, 0)
    write_frames(tmp_path / "camera.frames", rows)
    np.testing.assert_array_equal(read_frames(tmp_path / "camera.frames"), rows)
    assert read_frames(tmp_path / "none.frames").shape == (0, 3)
