"""How much of what is labelled. Recordings are immutable values, so each is counted once, however often it is drawn."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from studio.data.labels import Labels
from studio.data.recording import Recording


@dataclass(frozen=True)
class Tally:
    """Labels and labelled seconds of each class."""

    counts: dict[str, int]
    seconds: dict[str, float]

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    @property
    def total_s(self) -> float:
        return sum(self.seconds.values())


_known: "WeakKeyDictionary[Recording, dict[str, Tally]]" = WeakKeyDictionary()


def tally(recording: Recording, track: str = "labels") -> Tally:
    """The tally of one track of one recording."""
    kept = _known.setdefault(recording, {})
    if track not in kept:
        kept[track] = _count(recording.labels.get(track, Labels()))
    return kept[track]


def tally_all(recordings: Iterable[Recording], track: str = "labels") -> Tally:
    """The tally of a track over many recordings."""
    counts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for recording in recordings:
        one = tally(recording, track)
        counts.update(one.counts)
        seconds.update(one.seconds)
    return Tally(dict(counts), dict(seconds))


def share(recording: Recording, track: str = "labels") -> float:
    """Labelled part of the recording's time, 0 to 1."""
    return min(1.0, tally(recording, track).total_s / recording.duration_s) if recording.duration_s else 0.0


def _count(labels: Labels) -> Tally:
    counts: Counter[str] = Counter()
    seconds: dict[str, float] = {}
    for s in labels.segments:
        counts[s.label] += 1
        seconds[s.label] = seconds.get(s.label, 0.0) + s.stop_s - s.start_s
    return Tally(dict(counts), seconds)


def span_text(seconds: float) -> str:
    """3.2 s, 6 min 12 s, 1 h 05 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def grouped(n: int) -> str:
    """20 000, with a thin space."""
    return f"{n:,}".replace(",", "\u2009")
