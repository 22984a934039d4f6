"""How much of what is labelled. Tracks are immutable values: each is counted once, an edit only where it changed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from studio.data.edits import difference
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


#: The last track that was counted at each place, so that an edit costs what it changes.
_known: dict[tuple[str, str], tuple[Labels, Tally]] = {}


def tally(recording: Recording, track: str = "labels") -> Tally:
    """The tally of one track of one recording."""
    labels = recording.labels.get(track, _NONE)
    place = str(recording.path), track
    known = _known.get(place)
    if known is None or known[0] is not labels:
        _known[place] = known = labels, _count(labels) if known is None else _recount(*known, labels)
    return known[1]


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


_NONE = Labels()


def _count(labels: Labels) -> Tally:
    return _recount(_NONE, Tally({}, {}), labels)


def _recount(old: Labels, known: Tally, new: Labels) -> Tally:
    """What `known` of `old` becomes for `new`: only what differs is counted."""
    front, back = difference(old.segments, new.segments)
    counts, seconds = Counter(known.counts), dict(known.seconds)
    for track, sign in ((old, -1), (new, 1)):
        for s in track.segments[front : len(track) - back]:
            counts[s.label] += sign
            seconds[s.label] = seconds.get(s.label, 0.0) + sign * s.length_s
    there = {name: n for name, n in counts.items() if n > 0}
    return Tally(there, {name: max(seconds[name], 0.0) for name in there})


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
