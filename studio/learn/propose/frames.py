"""A long stream as short frames: the mean and the mean square of each, so that a day is read in blocks."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from studio.data.stream import Floats, Stream
from studio.errors import DataError

Reals = npt.NDArray[np.float64]
#: Nothing that a person labels begins more precisely than this many times a second.
FRAME_HZ = 100.0


class Source(Protocol):
    """What a proposer reads of a recording: samples [start, stop) in the stream's unit, NaN where none was taken."""

    @property
    def id(self) -> str: ...
    @property
    def n_samples(self) -> dict[str, int]: ...
    def stream(self, name: str) -> Stream: ...
    def values(self, name: str, start: int = 0, stop: int | None = None) -> Floats: ...


@dataclass(frozen=True, eq=False)
class Frames:
    """Mean and mean square of each frame and channel, (n_frames, n_channels) each; NaN where a sample is missing."""

    mean: Reals
    square: Reals


def hop(stream: Stream) -> int:
    """Samples per frame."""
    return max(1, round(stream.rate_hz / FRAME_HZ))


def frame_hz(stream: Stream) -> float:
    """Frames per second."""
    return stream.rate_hz / hop(stream)


def n_frames(recording: Source, name: str) -> int:
    """Whole frames of a stream; DataError when it holds none."""
    found = recording.n_samples[name] // hop(recording.stream(name))
    if found < 1:
        seen = f"holds {recording.n_samples[name]} samples"
        raise DataError(f"Stream {name!r} of {recording.id!r}", seen, "Choose a stream with something in it.")
    return found


def frames(recording: Source, name: str, start: int, stop: int) -> Frames:
    """Frames [start, stop) of a stream."""
    n = hop(recording.stream(name))
    x = recording.values(name, start * n, stop * n).astype(np.float64)
    cut = x[: len(x) // n * n].reshape(-1, n, x.shape[1])
    return Frames(cut.mean(axis=1), np.square(cut).mean(axis=1))


def smoothed(x: Reals, n: int) -> Reals:
    """Mean over n neighbours along the first axis, ends repeated; missing values count as not there."""
    if n <= 1 or not len(x):
        return x
    side = [(n // 2 + 1, n - n // 2 - 1)] + [(0, 0)] * (x.ndim - 1)
    there = np.isfinite(x)
    sums, counts = (np.cumsum(np.pad(v, side, mode="edge"), axis=0) for v in (np.where(there, x, 0.0), there * 1.0))
    total, count = (v[n:] - v[:-n] for v in (sums, counts))
    return np.where(there, total / np.maximum(count, 1.0), np.nan)
