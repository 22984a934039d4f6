"""Frames of a camera that was recorded beside sensors: when each was taken, and so where the video lies.

`<video>.frames` holds rows of three int64: number of the frame, the camera's clock in us, this computer's clock in ns
when it came. A frame can come late but never early; so the camera's clock lies under its arrivals as a device's does
under its chunks (`clock.fit`), and both are on this computer's time line.
"""

from pathlib import Path

import numpy as np

from studio.data.clock import Ints, fit
from studio.data.recording import Recording
from studio.data.video import VideoTrack
from studio.paths import write_atomic


def write_frames(file: Path, rows: Ints) -> None:
    """Keep the rows (n, 3) of a video."""
    write_atomic(file, np.asarray(rows, "<i8").tobytes())


def read_frames(file: Path) -> Ints:
    """The rows (n, 3); none when there is no such file."""
    found: Ints = np.fromfile(file, "<i8") if file.is_file() else np.zeros(0, np.int64)
    return found[: len(found) // 3 * 3].reshape(-1, 3)


def camera_track(recording: Recording, rows: Ints, file: str, name: str = "camera") -> VideoTrack:
    """Where a video with these frames lies on the recording's time axis; its own second 0 is its first frame."""
    first_ns, host_per_video = _video_line(rows)
    origin_ns, time_per_host = time_line(recording)
    return VideoTrack(file, (first_ns - origin_ns) * 1e-9 * time_per_host, 1 / (host_per_video * time_per_host), name)


def time_line(recording: Recording) -> tuple[float, float]:
    """(this computer's clock in ns at second 0 of the recording, seconds of the recording per second of that clock).

    By the fit of the device's clock; of a recording too short for one, by its least delay; without any clock, by when
    it was begun.
    """
    begun = float(recording.clock.get("host_ns", 0))
    stream = max(recording.streams, key=lambda s: recording.n_samples[s.name], default=None)
    if stream is None or not len(stamps := recording.stamps(stream.name)):
        return begun, 1.0
    last = int(stamps[-1, 0])
    ends = recording.host_ns(stream.name, 0), recording.host_ns(stream.name, last)
    if ends[0] is not None and ends[1] is not None and last and ends[1] > ends[0]:
        return ends[0], last / stream.rate_hz / ((ends[1] - ends[0]) * 1e-9)
    return float((stamps[:, 2] - stamps[:, 0] * 1e9 / stream.rate_hz).min()), 1.0


def _video_line(rows: Ints) -> tuple[float, float]:
    """(this computer's clock in ns at the first frame, seconds of it per second of the video)."""
    if not len(rows):
        return 0.0, 1.0
    line = fit(rows[:, 1], rows[:, 2])
    if line is None:
        return float((rows[:, 2] - (rows[:, 1] - rows[0, 1]) * 1e3).min()), 1.0
    return line.host_ns(float(rows[0, 1])), 1 + line.ppm * 1e-6
