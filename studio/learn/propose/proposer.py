"""What every proposer promises, and the second half of most: stretches out of one curve, by two thresholds.

A proposer works in two steps. `measure` reads the recording and is long; `pick` turns what it measured into labels
and is quick, so a person who turns a threshold sees the proposals move.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from studio.data.labels import Labels, Segment
from studio.data.stream import Floats
from studio.learn.propose.frames import Source
from studio.progress import Work, finish

#: What a proposed stretch is called before a person says what it is.
EVENT = "event"
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Curve:
    """How much happens in each frame: level (n_frames,), NaN in gaps; `cuts` are borders in frames, where known."""

    rate_hz: float
    level: Floats
    cuts: Ints

    @property
    def end_s(self) -> float:
        """Seconds that the curve covers."""
        return len(self.level) / self.rate_hz


class Proposer(Protocol):
    """A frozen dataclass of params. `live` names those that `pick` alone reads."""

    name: ClassVar[str]
    title: ClassVar[str]
    live: ClassVar[tuple[str, ...]]

    def measure(self, recording: Source, stream: str) -> Work[Curve]:
        """Read the stream, block by block."""
        ...

    def pick(self, curve: Curve) -> Labels:
        """Proposed stretches, each with a confidence."""
        ...


def propose(method: Proposer, recording: Source, stream: str) -> Work[Labels]:
    """Both steps at once."""
    curve = yield from method.measure(recording, stream)
    return method.pick(curve)


def proposed(method: Proposer, recording: Source, stream: str) -> Labels:
    """Both steps at once, on this thread."""
    return finish(propose(method, recording, stream))


def stretches(level: Floats, on: float, off: float, merge: int, least: int) -> Ints:
    """[start, stop) rows, in frames, where `level` stays above `off` and somewhere reaches `on`.

    Stretches with less than `merge` frames between them become one unless a gap lies there; then those with fewer
    than `least` frames are dropped.
    """
    there = np.isfinite(level)
    high, low = there & (level >= on), there & (level >= min(on, off))
    rows = runs(low)
    reached = np.append(0, np.cumsum(high))
    rows = rows[reached[rows[:, 1]] > reached[rows[:, 0]]]
    if len(rows) > 1:
        lost = np.append(0, np.cumsum(~there))
        whole = lost[rows[1:, 0]] == lost[rows[:-1, 1]]
        parted = np.append(True, (rows[1:, 0] - rows[:-1, 1] >= merge) | ~whole)
        first = np.flatnonzero(parted)
        rows = np.stack([rows[first, 0], rows[np.append(first[1:], len(rows)) - 1, 1]], axis=1)
    return rows[rows[:, 1] - rows[:, 0] >= least]


def runs(flags: npt.NDArray[np.bool_]) -> Ints:
    """[start, stop) rows of the stretches of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2).astype(np.int64)


def labelled(rows: Ints, curve: Curve, on: float) -> Labels:
    """Rows of frames as a track; a stretch is the surer the farther its mean level lies above half of `on`."""
    total = np.append(0.0, np.cumsum(np.nan_to_num(curve.level.astype(np.float64))))
    made = []
    for a, b in rows.tolist():
        mean = (total[b] - total[a]) / (b - a)
        score = float(np.clip(mean / (2 * on), 0.01, 0.99)) if on > 0 else 0.99
        made.append(Segment(a / curve.rate_hz, b / curve.rate_hz, EVENT, round(score, 3)))
    return Labels(tuple(made))
