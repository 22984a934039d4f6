"""Events as a person would judge them: was it noticed, how late, and what was made up.

An event is a segment whose label is not the background. An alarm is a run of equal decisions in a row that are neither
the background nor none. An event is noticed when a decision for its label falls into [start_s, stop_s + tolerance_s];
the first such decision gives the latency. One alarm may cover several events. An alarm none of whose decisions falls
into an event of its label is false. The tolerance forgives that the window which holds a short event whole may end
after it: one window length is usual.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.labels import Labels
from studio.data.stream import Floats
from studio.errors import DataError
from studio.learn.split import Bools, Ints

Doubles = npt.NDArray[np.float64]
#: The index of a label that is none of the classes: such an event cannot be noticed.
UNKNOWN = -2


@dataclass(frozen=True)
class Matched:
    """What happened to the events of one or more recordings. Add two to judge them together."""

    n_events: int
    false_alarms: int
    hours: float
    latencies_s: tuple[float, ...]
    alarms: int = 0  # true and false

    def __add__(self, other: "Matched") -> "Matched":
        return Matched(
            self.n_events + other.n_events,
            self.false_alarms + other.false_alarms,
            self.hours + other.hours,
            self.latencies_s + other.latencies_s,
            self.alarms + other.alarms,
        )

    @property
    def missed(self) -> int:
        """Events that nobody was told of."""
        return self.n_events - len(self.latencies_s)

    @property
    def precision(self) -> float | None:
        """Share of the alarms that were true; None where there was none."""
        return 1 - self.false_alarms / self.alarms if self.alarms else None

    def as_dict(self) -> dict[str, float | None]:
        """EVENTS of the contract; None where there was nothing to measure."""
        return {
            "recall": len(self.latencies_s) / self.n_events if self.n_events else None,
            "false_alarms_per_hour": self.false_alarms / self.hours if self.hours > 0 else None,
            "latency_s_p50": float(np.median(self.latencies_s)) if self.latencies_s else None,
        }

    def deeper(self) -> dict[str, Any]:
        """EVENTS, and the counts behind them."""
        counts = {"n_events": self.n_events, "alarms": self.alarms, "false_alarms": self.false_alarms}
        late = float(np.quantile(self.latencies_s, 0.9)) if self.latencies_s else None
        return self.as_dict() | counts | {"hours": self.hours, "precision": self.precision, "latency_s_p90": late}


NOTHING = Matched(0, 0, 0.0, ())


@dataclass(frozen=True, eq=False)
class Track:
    """Scores (n, n_classes) at `times_s` (rising: the ends of the windows) of one recording, and what was there.

    Rows that are `hidden` (n,) bool may not be judged by, nor may events that they touch.
    """

    scores: Floats
    times_s: Doubles
    truth: Labels
    hidden: Bools | None = None


@dataclass(frozen=True, eq=False)
class Evidence:
    """Tracks laid end to end, a row without numbers after each, with their events as ranges of rows.

    Event j lies at rows [first[j], stop[j]), began `start_s[j]` and is of class `label[j]`. Rows outside `kept` are
    left out, and the others stand for `step_s` seconds each; `whole` are those whose window lies inside one label.
    """

    classes: tuple[str, ...]
    background: int
    scores: Floats
    times_s: Doubles
    step_s: Doubles
    kept: Bools
    whole: Bools
    first: Ints
    stop: Ints
    start_s: Doubles
    label: Ints

    def judge(self, decided: Ints) -> Matched:
        """How decisions (n,) for the rows of `scores` match the events, all classes together."""
        total = sum(self.by_class(decided).values(), NOTHING)
        n_events = total.n_events + int((self.label == UNKNOWN).sum())
        return replace(total, n_events=n_events, hours=self.hours)

    @property
    def hours(self) -> float:
        """For how long decisions were made."""
        return float(self.step_s[self.kept].sum()) / 3600

    def by_class(self, decided: Ints) -> dict[str, Matched]:
        """The same for each class but the background."""
        run = _runs(decided)
        named = [(i, name) for i, name in enumerate(self.classes) if i != self.background]
        return {name: self._one(i, decided == i, run) for i, name in named}

    def false_at_borders(self, decided: Ints) -> int:
        """False alarms that came only while something changed: no window of theirs lies whole inside a label."""
        run, false = _runs(decided), set[int]()
        for i in set(range(len(self.classes))) - {self.background}:
            alarms, true = self._alarms(i, decided == i, run)
            false |= alarms - true
        return len(false - set(run[self.whole & self.kept].tolist()))

    def _one(self, of: int, said: Bools, run: Ints) -> Matched:
        own = self.label == of
        first, stop = self.first[own], self.stop[own]
        at = np.flatnonzero(said)
        nearest = np.searchsorted(at, first)
        found = np.append(at, len(said))[nearest] < stop
        late = self.times_s[at[nearest[found]]] - self.start_s[own][found]
        alarms, true = self._alarms(of, said, run)
        return Matched(int(own.sum()), len(alarms - true), self.hours, tuple(late.tolist()), len(alarms))

    def _alarms(self, of: int, said: Bools, run: Ints) -> tuple[set[int], set[int]]:
        """The runs that say this class, and those of them that touch an event of it."""
        own = self.label == of
        during = _covered(self.first[own], self.stop[own], len(said))
        return set(run[said & self.kept].tolist()), set(run[said & during].tolist())


def _runs(decided: Ints) -> Ints:
    """The number of the run of equal decisions that each row is in."""
    return np.cumsum(np.append(True, decided[1:] != decided[:-1])[: len(decided)])


def lay(
    tracks: Sequence[Track],
    classes: Sequence[str],
    background: str | None = None,
    tolerance_s: float = 0.0,
    unlabelled_counts: bool = True,
) -> Evidence:
    """Tracks as evidence. Without `unlabelled_counts`, time outside every segment (and its tolerance) is left out."""
    names = list(classes)
    parts = [_laid(t, names, background, tolerance_s, unlabelled_counts) for t in tracks]
    parts = parts or [_laid(Track(np.zeros((0, len(names)), np.float32), np.zeros(0), Labels()), names, None, 0, True)]
    starts = np.cumsum([0, *(len(p["kept"]) for p in parts)])[:-1]
    for part, start in zip(parts, starts, strict=True):
        part["first"] = part["first"] + start
        part["stop"] = part["stop"] + start
    whole = {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}
    return Evidence(tuple(names), names.index(background) if background in names else -1, **whole)


def _laid(
    track: Track, names: list[str], background: str | None, tolerance_s: float, everything: bool
) -> dict[str, Any]:
    """One track with the row without numbers that ends it."""
    times, segments = np.asarray(track.times_s, np.float64), track.truth.segments
    start_s = np.array([s.start_s for s in segments], np.float64)
    stop_s = np.array([s.stop_s for s in segments], np.float64) + tolerance_s
    first, stop = np.searchsorted(times, start_s, "left"), np.searchsorted(times, stop_s, "right")
    inside = (
        np.searchsorted(times, start_s + tolerance_s, "left"),
        np.searchsorted(times, stop_s - tolerance_s, "right"),
    )
    label = np.array([names.index(s.label) if s.label in names else UNKNOWN for s in segments], np.int64)
    wanted = np.array([s.label != background for s in segments], bool)
    hidden = np.zeros(len(times), bool) if track.hidden is None else track.hidden
    before = np.append(0, np.cumsum(hidden))
    wanted &= before[np.maximum(first, stop)] == before[first]
    kept = ~hidden & (True if everything else _covered(first, stop, len(times)))
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    end = np.full((1, len(names)), np.nan, np.float32)
    return {
        "scores": np.concatenate([np.asarray(track.scores, np.float32), end]),
        "times_s": np.append(times, np.nan),
        "step_s": np.append(np.full(len(times), step), 0.0),
        "kept": np.append(kept, False),
        "whole": np.append(_covered(*inside, len(times)), False),
        "first": first[wanted],
        "stop": stop[wanted],
        "start_s": start_s[wanted],
        "label": label[wanted],
    }


def _covered(first: Ints, stop: Ints, n: int) -> Bools:
    """Which of n rows lie in one of the ranges [first, stop)."""
    depth = np.zeros(n + 1, np.int64)
    np.add.at(depth, first, 1)
    np.add.at(depth, np.maximum(first, stop), -1)
    inside: Bools = np.cumsum(depth)[:n] > 0
    return inside


def match(
    truth: Labels,
    times_s: Sequence[float] | npt.NDArray[np.floating],
    decided: Sequence[str],
    background: str | None = None,
    tolerance_s: float = 0.0,
    unlabelled_counts: bool = True,
) -> Matched:
    """Compare the labels of one recording with the names decided at `times_s`; "" is no answer."""
    times, said = np.asarray(times_s, np.float64), np.asarray(decided, dtype=np.str_)
    if len(times) != len(said):
        raise DataError("Events", f"{len(times)} times and {len(said)} decisions", "Give one decision per time.")
    names = sorted({*said.tolist(), *(s.label for s in truth.segments), *([background] if background else [])} - {""})
    track = Track(np.zeros((len(times), len(names)), np.float32), times, truth)
    evidence = lay([track], names, background, tolerance_s, unlabelled_counts)
    index = {name: i for i, name in enumerate(names)} | {"": -1}
    return evidence.judge(np.array([*(index[name] for name in said.tolist()), -1], np.int64))
