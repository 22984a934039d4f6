"""From scores along a recording to decisions a person can live with: averaging, two thresholds, patience, quiet.

A window now and then is always wrong; what is shown, switched or counted should not flicker with it. How strict to be
is no question of taste: the curve of false alarms against missed events is worked out on recordings that were not
learned from, and the settings that miss least at the false alarms allowed are taken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.labels import Labels
from studio.data.stream import Floats
from studio.learn.metrics import Matched, match
from studio.learn.split import Ints
from studio.params import check, param

#: What is tried when the curve is worked out.
AVERAGES, ONS, LEASTS, QUIETS = (1, 2, 4), (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95), (1, 2, 3), (0, 4)
#: How far below the upper threshold the lower one lies.
HYSTERESIS = 0.15


@dataclass(frozen=True)
class Smoothing:
    """What stands between scores and what is told. All counts are in windows."""

    average: int = param(1, "Scores are averaged over so many windows.", low=1, high=64)
    on: float = param(0.0, "A class begins at this averaged score.", low=0.0, high=1.0)
    off: float = param(0.0, "It goes on down to this one.", low=0.0, high=1.0)
    least: int = param(1, "Windows in a row before it is told.", low=1, high=64)
    quiet: int = param(0, "Windows after its end in which the same class is not told anew.", low=0, high=1000)

    def __post_init__(self) -> None:
        check(self)

    def decide(self, scores: Floats) -> Ints:
        """Decisions (n,) along scores (n, n_classes): an index, or -1 for nothing; each knows only what came before."""
        now, run, told, since = -1, 0, -1, np.full(scores.shape[1], self.quiet + 1)
        found = np.full(len(scores), -1, np.int64)
        for i, mean in enumerate(self._averaged(np.nan_to_num(scores))):
            best = int(mean.argmax())
            holds = told >= 0 and mean[told] >= self.off and (best == told or mean[best] < self.on)
            if not holds:
                if told >= 0:
                    since[told] = 0
                told = -1
                run = run + 1 if best == now and mean[best] >= self.on else int(mean[best] >= self.on)
                now = best
                if run >= self.least and since[best] >= self.quiet:
                    told = best
            found[i] = told
            since += 1
        return found

    def _averaged(self, scores: Floats) -> npt.NDArray[np.float64]:
        """The mean of each row and those before it, `average` of them at most."""
        total = np.cumsum(np.vstack([np.zeros((1, scores.shape[1])), scores.astype(np.float64)]), axis=0)
        stop = np.arange(1, len(scores) + 1)
        first = np.maximum(0, stop - self.average)
        mean: npt.NDArray[np.float64] = (total[stop] - total[first]) / (stop - first)[:, None]
        return mean

    def as_dict(self) -> dict[str, Any]:
        """For a model's document."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Track:
    """Scores (n, n_classes) at `times_s` along one recording, and what was really there."""

    scores: Floats
    times_s: npt.NDArray[np.float64]
    truth: Labels


@dataclass(frozen=True)
class Point:
    """One point of the curve."""

    smoothing: Smoothing
    false_alarms_per_hour: float
    missed: float
    latency_s: float | None
    errors: int = 0  # missed events and false alarms together

    def as_dict(self) -> dict[str, Any]:
        """For a model's document."""
        return asdict(self)


def judged(
    smoothing: Smoothing,
    tracks: Sequence[Track],
    classes: Sequence[str],
    background: str | None,
    tolerance_s: float,
    unlabelled_counts: bool = False,
) -> Point | None:
    """What these settings come to on all tracks; None where there is no event or no time to judge by."""
    matched = Matched(0, 0, 0.0, ())
    for track in tracks:
        names = [classes[d] if d >= 0 else "" for d in smoothing.decide(track.scores)]
        matched += match(track.truth, track.times_s, names, background, tolerance_s, unlabelled_counts)
    found = matched.as_dict()
    alarms, recall = found["false_alarms_per_hour"], found["recall"]
    if alarms is None or recall is None:
        return None
    errors = matched.n_events - len(matched.latencies_s) + matched.false_alarms
    return Point(smoothing, alarms, 1 - recall, found["latency_s_p50"], errors)


def candidates() -> Iterator[Smoothing]:
    """All that are tried."""
    for average, on, least, quiet in product(AVERAGES, ONS, LEASTS, QUIETS):
        yield Smoothing(average, on, max(0.0, on - HYSTERESIS), least, quiet)


def curve(
    tracks: Sequence[Track],
    classes: Sequence[str],
    background: str | None,
    tolerance_s: float,
    unlabelled_counts: bool = False,
) -> tuple[Point, ...]:
    """The points that no other beats: fewest missed for their false alarms, from strict to lenient."""
    points = [judged(s, tracks, classes, background, tolerance_s, unlabelled_counts) for s in candidates()]
    known = sorted((p for p in points if p), key=lambda p: (p.false_alarms_per_hour, p.missed, p.latency_s or 0))
    kept: list[Point] = []
    for p in known:
        if not kept or p.missed < kept[-1].missed:
            kept.append(p)
    return tuple(kept)


def tuned(points: Sequence[Point], false_alarms_per_hour: float = 0.0) -> Point | None:
    """The point that misses least at no more false alarms than these; the strictest where none is so strict.

    With 0, which is no wish: the one with the fewest errors of both kinds, of equals the first to tell.
    """
    if not false_alarms_per_hour:
        return min(points, key=lambda p: (p.errors, p.latency_s or 0.0), default=None)
    allowed = [p for p in points if p.false_alarms_per_hour <= false_alarms_per_hour]
    return min(allowed, key=lambda p: p.missed) if allowed else (points[0] if points else None)
