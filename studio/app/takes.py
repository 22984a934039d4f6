"""What a person marks while a recording runs: points, and stretches for as long as a key is held.

A mark is kept as sample indices of every stream, the device's own count: it stands on the plots where it was set, and
in the recording at that very sample, whatever was delayed on the way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from studio.data.labels import Labels, Segment
from studio.data.recording import load, save

Moment = Mapping[str, float]
Place = Callable[[Moment], float | None]
TRACK = "labels"
#: A key that was only touched paints no stretch.
SHORTEST_S = 0.05


@dataclass(frozen=True)
class Mark:
    """A label from `start` to `stop`, both as stream -> sample index; `stop` None while it is being painted."""

    label: str
    start: Moment
    stop: Moment | None = None
    point: bool = False


class Take:
    """The marks of one recording; `moment` says which sample is being taken now, `path` is the recording's folder."""

    def __init__(self, moment: Callable[[], Moment], path: Path | None = None) -> None:
        self._moment, self._path = moment, path
        self._lock, self._closed = Lock(), False
        self.marks: list[Mark] = []
        self._held: dict[str, Moment] = {}

    @property
    def held(self) -> tuple[Mark, ...]:
        """Stretches being painted now."""
        return tuple(Mark(label, start) for label, start in self._held.items())

    def point(self, label: str) -> Mark:
        """A marker here."""
        now = self._moment()
        self.marks.append(Mark(label, now, now, point=True))
        return self.marks[-1]

    def press(self, label: str) -> None:
        """Begin to paint; pressing what is held changes nothing."""
        self._held.setdefault(label, self._moment())

    def release(self, label: str) -> None:
        """End the stretch."""
        start = self._held.pop(label, None)
        if start is not None:
            self.marks.append(Mark(label, start, self._moment()))

    def release_all(self) -> None:
        """End every stretch: the recording stops, or the window lost the keyboard."""
        for label in list(self._held):
            self.release(label)

    def close(self) -> None:
        """No more marks; waits for a `keep` that is going on."""
        self.release_all()
        with self._lock:
            self._closed = True

    def keep(self, place: Place, whole: str = "") -> None:
        """Write the marks so far beside the samples, so that a kill of this program loses none. DataError: the disk."""
        with self._lock:
            if self._closed or self._path is None:
                return
            now = load(self._path)
            save(replace(now, labels={**now.labels, TRACK: self.labels(place, now.duration_s, whole)}))

    def paint(self, label: str, start: Moment, stop: Moment) -> None:
        """A stretch that somebody else measured."""
        self.marks.append(Mark(label, start, stop))

    def labels(self, place: Place, end_s: float, whole: str = "") -> Labels:
        """The track: `place` gives seconds in the recording; `whole` covers what no other label does."""
        found = Labels((Segment(0.0, end_s, whole),) if whole and end_s > 0 else ())
        for mark in self.marks:
            start_s, stop_s = place(mark.start), place(mark.stop) if mark.stop is not None else None
            if start_s is None or stop_s is None:
                continue
            start_s, stop_s = max(0.0, min(start_s, end_s)), max(0.0, min(stop_s, end_s))
            if mark.point or stop_s - start_s >= SHORTEST_S:
                found = found.add(Segment(start_s, stop_s, mark.label))
        return found


def moved(moment: Moment, seconds: float, rates_hz: Mapping[str, float]) -> Moment:
    """The moment `seconds` later, by each stream's own rate."""
    return {name: at + seconds * rates_hz[name] for name, at in moment.items() if name in rates_hz}
