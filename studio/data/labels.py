"""Labels: who said what about which stretch of time. A person writes one track, a board another.

A track is an immutable value, so undo is keeping the old one. Segments of one track never overlap. A point event is
a segment without length; it may lie inside a segment, and beside other points. Every edit finds its place by
bisection: one label more costs the same among ten and among twenty thousand.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from studio.errors import DataError

#: From so many on, labels are added all at once.
MANY = 8
#: Borders closer than this are one: less than a sample of anything we record.
BORDER_S = 1e-6


@dataclass(frozen=True, order=True)
class Segment:
    """[start_s, stop_s) carries `label`; seconds from the start of the recording. A point has stop_s == start_s.

    `score` is how sure its maker was, 0 to 1; a person's word counts 1 unless they say otherwise.
    """

    start_s: float
    stop_s: float
    label: str
    score: float = 1.0
    comment: str = ""

    @property
    def is_point(self) -> bool:
        """A moment, not a stretch."""
        return self.stop_s == self.start_s

    @property
    def length_s(self) -> float:
        return self.stop_s - self.start_s


@dataclass(frozen=True)
class Labels:
    """One track: segments in order of time. Every edit returns a new track."""

    segments: tuple[Segment, ...] = ()

    def __len__(self) -> int:
        return len(self.segments)

    # --- one label -----------------------------------------------------------------------

    def add(self, segment: Segment) -> "Labels":
        """The track with `segment` in it; what a stretch covers gives way, points stay, a point twice is one."""
        _check(segment)
        if segment.is_point:
            return self._with_point(segment)
        i, j = self._touched(segment.start_s, segment.stop_s)
        kept = [piece for old in self.segments[i:j] for piece in _outside(old, segment)]
        return Labels((*self.segments[:i], *sorted([*kept, segment]), *self.segments[j:]))

    def remove(self, index: int) -> "Labels":
        """The track without segment `index`."""
        return Labels(self.segments[:index] + self.segments[index + 1 :])

    def move(self, index: int, start_s: float, stop_s: float) -> "Labels":
        """The track with segment `index` at new borders, kept clear of its neighbours; a point stays a point."""
        old = self.segments[index]
        if old.is_point:
            return self.remove(index).add(replace(old, start_s=start_s, stop_s=start_s))
        low, high = self.room(index)
        moved = replace(old, start_s=max(start_s, low), stop_s=min(stop_s, high))
        if not moved.start_s < moved.stop_s:
            raise _no_length(moved)
        return self.remove(index).add(moved)

    def rename(self, index: int, label: str) -> "Labels":
        """The track with another label on segment `index`; who names it is sure of it."""
        return self.change([index], lambda s: replace(s, label=label, score=1.0))

    def split(self, index: int, at_s: float) -> "Labels":
        """Segment `index` as two that meet at `at_s`; DataError when that is not inside it."""
        old = self.segments[index]
        if not old.start_s < at_s < old.stop_s:
            seen = f"reaches from {old.start_s:g} s to {old.stop_s:g} s, {at_s:g} s is not inside"
            raise DataError(f"Label {old.label!r}", seen, "Choose a moment inside the label.")
        left, right = replace(old, stop_s=at_s), replace(old, start_s=at_s)
        rest = sorted([left, right, *self._points_of(index)])
        return self._spliced(index, index + len(rest) - 1, rest)

    def covering(self, start_s: float, stop_s: float) -> str | None:
        """The label that covers the whole of [start_s, stop_s), if one does."""
        index = self.at(start_s)
        return self.segments[index].label if index is not None and stop_s <= self.segments[index].stop_s else None

    def at(self, time_s: float) -> int | None:
        """Index of the stretch that covers `time_s`; points are not asked."""
        index = self._span_before(bisect_right(self.segments, time_s, key=_start))
        return index if index is not None and time_s < self.segments[index].stop_s else None

    def room(self, index: int) -> tuple[float, float]:
        """How far segment `index` may reach: to the stretch before and the one after, else without end."""
        before, after = self._span_before(index), self._span_after(index + 1)
        low = self.segments[before].stop_s if before is not None else float("-inf")
        return low, self.segments[after].start_s if after is not None else float("inf")

    # --- many labels ---------------------------------------------------------------------

    def change(self, indices: Iterable[int], how: Callable[[Segment], Segment]) -> "Labels":
        """The track with `how` applied to those segments; their borders must stay. Points that became equal are one."""
        found, points = list(self.segments), False
        for index in indices:
            found[index] = how(found[index])
            _check(found[index])
            points = points or found[index].is_point
        return Labels(_once(found) if points else tuple(found))

    def without(self, indices: Iterable[int]) -> "Labels":
        """The track without those segments."""
        gone = set(indices)
        return Labels(tuple(s for i, s in enumerate(self.segments) if i not in gone))

    def copy(self, indices: Iterable[int]) -> tuple[Segment, ...]:
        """Those segments, in order of time: what `paste` takes."""
        return tuple(self.segments[i] for i in sorted(indices))

    def paste(self, segments: Sequence[Segment], at_s: float, end_s: float) -> "Labels":
        """The track with copies whose first starts at `at_s`, cut at `end_s`; what they cover gives way."""
        if not segments:
            return self
        by_s = at_s - min(s.start_s for s in segments)
        placed = [replace(s, start_s=s.start_s + by_s, stop_s=s.stop_s + by_s) for s in segments]
        return self.add_all(_cut(s, 0.0, end_s) for s in placed)

    def add_all(self, segments: Iterable[Segment | None]) -> "Labels":
        """Each of them added in turn; None adds nothing."""
        found = [s for s in segments if s is not None]
        if len(found) > MANY and _is_track(found):
            return self._with_track(found)
        track = self
        for segment in found:
            track = track.add(segment)
        return track

    def merge(self, indices: Iterable[int]) -> "Labels":
        """From the first of those stretches to the last as one, with the first's label; points stay.

        What lies between gives way. DataError with fewer than two stretches.
        """
        spans = [self.segments[i] for i in sorted(indices) if not self.segments[i].is_point]
        if len(spans) < 2:
            raise DataError("Merge", "needs two labels at least", "Select the labels to merge first.")
        words = " ".join(dict.fromkeys(s.comment for s in spans if s.comment))
        whole = replace(spans[0], stop_s=spans[-1].stop_s, score=min(s.score for s in spans), comment=words)
        return self.add(whole)

    def shift(self, indices: Iterable[int], by_s: float, end_s: float) -> "Labels":
        """Those segments moved together, as far as the others and [0, end_s] let them."""
        chosen = sorted(set(indices))
        by_s = self.allowed(chosen, by_s, end_s)
        moved = [replace(s, start_s=s.start_s + by_s, stop_s=s.stop_s + by_s) for s in self.copy(chosen)]
        return self.without(chosen).add_all(moved) if by_s else self

    def allowed(self, indices: Iterable[int], by_s: float, end_s: float) -> float:
        """How much of `by_s` those segments can move together without touching one that stays."""
        chosen = set(indices)
        for index in chosen:
            segment = self.segments[index]
            low, high = 0.0, end_s
            if not segment.is_point:
                before, after = self._span_before(index), self._span_after(index + 1)
                low = self.segments[before].stop_s if before is not None and before not in chosen else 0.0
                high = self.segments[after].start_s if after is not None and after not in chosen else end_s
            room = min(low - segment.start_s, 0.0), max(high - segment.stop_s, 0.0)
            by_s = min(max(by_s, room[0]), room[1])
        return by_s

    def trim(self, start_s: float, stop_s: float) -> "Labels":
        """Only what lies within [start_s, stop_s]."""
        i, j = self._touched(start_s, stop_s)
        cut = (_cut(s, start_s, stop_s) for s in self.segments[i:j])
        return Labels(tuple(sorted(s for s in cut if s is not None)))

    def clear(self, start_s: float, stop_s: float) -> "Labels":
        """Nothing within [start_s, stop_s); what reaches over an edge of it is cut there."""
        i, j = self._touched(start_s, stop_s)
        hole = Segment(start_s, stop_s, "hole")
        kept = [p for s in self.segments[i:j] for p in _outside(s, hole) if not (p.is_point and _inside(p, hole))]
        return self._spliced(i, j, sorted(kept))

    def renamed(self, old: str, new: str) -> "Labels":
        """Every `old` called `new`; the same track when there is none."""
        if not any(s.label == old for s in self.segments):
            return self
        return Labels(_once(replace(s, label=new) if s.label == old else s for s in self.segments))

    def check(self, end_s: float, where: str = "the recording") -> None:
        """DataError when a segment is empty, overlaps another, or lies outside [0, end_s]."""
        last = 0.0
        for s in self.segments:
            _check(s)
            floor = 0.0 if s.is_point else last
            if s.start_s < floor - BORDER_S:
                place = "before the start" if s.start_s < 0 else "before the label in front of it ends"
                seen = f"starts at {s.start_s:g} s, {place}"
                raise DataError(f"Label {s.label!r} of {where}", seen, "Move its left edge to the right.")
            if s.stop_s > end_s + BORDER_S:
                seen = f"stops at {s.stop_s:g} s, past the end at {end_s:g} s"
                raise DataError(f"Label {s.label!r} of {where}", seen, "Move its right edge to the left.")
            last = max(last, s.stop_s)

    # --- inner ---------------------------------------------------------------------------

    def _with_track(self, new: Sequence[Segment]) -> "Labels":
        """`new` over this track, all at once: one pass and not one for each."""
        spans = [s for s in new if not s.is_point]
        starts, stops = [s.start_s for s in spans], [s.stop_s for s in spans]
        found = []
        for old in self.segments:
            pieces = [old]
            if not old.is_point:
                for k in range(bisect_right(stops, old.start_s), bisect_left(starts, old.stop_s)):
                    pieces = [p for piece in pieces for p in _outside(piece, spans[k])]
            found += pieces
        points = {(s.start_s, s.label) for s in new if s.is_point}
        kept = [s for s in found if not (s.is_point and (s.start_s, s.label) in points)]
        return Labels(_once([*kept, *new]))

    def _with_point(self, point: Segment) -> "Labels":
        i = bisect_left(self.segments, point.start_s, key=_start)
        j = bisect_right(self.segments, point.start_s, key=_start)
        here = [s for s in self.segments[i:j] if not (s.is_point and s.label == point.label)]
        return self._spliced(i, j, sorted([*here, point]))

    def _spliced(self, i: int, j: int, pieces: Sequence[Segment]) -> "Labels":
        return Labels((*self.segments[:i], *pieces, *self.segments[j:]))

    def _touched(self, start_s: float, stop_s: float) -> tuple[int, int]:
        """Range [i, j) of the segments that may reach into [start_s, stop_s], points between them too."""
        i = bisect_left(self.segments, start_s, key=_start)
        before = self._span_before(i)
        if before is not None and self.segments[before].stop_s > start_s:
            i = before
        return i, max(i, bisect_right(self.segments, stop_s, key=_start))

    def _points_of(self, index: int) -> tuple[Segment, ...]:
        """The points that follow segment `index` in the order, up to the next stretch."""
        after = self._span_after(index + 1)
        return self.segments[index + 1 : after]

    def _span_before(self, index: int) -> int | None:
        """The last stretch in front of place `index`."""
        return next((i for i in range(index - 1, -1, -1) if not self.segments[i].is_point), None)

    def _span_after(self, index: int) -> int | None:
        """The first stretch from place `index` on."""
        return next((i for i in range(index, len(self.segments)) if not self.segments[i].is_point), None)


def plain_tracks(tracks: Mapping[str, Labels]) -> dict[str, list[list[Any]]]:
    """Tracks as they stand in `recording.json`: [start_s, stop_s, label, score] per segment, a comment after it."""
    return {name: [plain_row(s) for s in track.segments] for name, track in tracks.items()}


def plain_row(s: Segment) -> list[Any]:
    """One segment as it stands in a file."""
    return [s.start_s, s.stop_s, s.label, s.score, *([s.comment] if s.comment else [])]


def parse_row(row: Sequence[Any]) -> Segment:
    """One segment out of a file: four elements, or five with a comment."""
    start_s, stop_s, label, score, *rest = row
    (comment,) = rest or ("",)
    return Segment(float(start_s), float(stop_s), str(label), min(max(float(score), 0.0), 1.0), str(comment))


def parse_tracks(found: Mapping[str, Sequence[Sequence[Any]]]) -> dict[str, Labels]:
    """Tracks out of `recording.json`."""
    return {name: Labels(tuple(sorted(parse_row(row) for row in rows))) for name, rows in found.items()}


def _start(segment: Segment) -> float:
    return segment.start_s


def _check(segment: Segment) -> None:
    if not segment.start_s <= segment.stop_s:
        raise _no_length(segment)
    if not segment.label.strip():
        raise DataError("Label", "has no name", "Choose or type a class.")
    if not 0 <= segment.score <= 1:
        seen = f"has confidence {segment.score:g}"
        raise DataError(f"Label {segment.label!r}", seen, "Confidence is between 0 and 1.")


def _no_length(segment: Segment) -> DataError:
    seen = f"starts at {segment.start_s:g} s and stops at {segment.stop_s:g} s"
    return DataError(f"Label {segment.label!r}", seen, "Drag its right edge past its left.")


def _once(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Points that became equal are one."""
    points: set[tuple[float, str]] = set()
    found = []
    for s in segments:
        if s.is_point and (s.start_s, s.label) in points:
            continue
        if s.is_point:
            points.add((s.start_s, s.label))
        found.append(s)
    return tuple(sorted(found))


def _is_track(segments: Sequence[Segment]) -> bool:
    """Whether they could stand in one track as they are: in order, none over another, none wrong."""
    for s in segments:
        _check(s)
    spans = [s for s in segments if not s.is_point]
    return list(segments) == sorted(segments) and all(a.stop_s <= b.start_s for a, b in pairwise(spans))


def _inside(point: Segment, hole: Segment) -> bool:
    return hole.start_s <= point.start_s < hole.stop_s


def _cut(segment: Segment, start_s: float, stop_s: float) -> Segment | None:
    """What of `segment` lies within [start_s, stop_s]."""
    if segment.is_point:
        return segment if start_s <= segment.start_s <= stop_s else None
    a, b = max(segment.start_s, start_s), min(segment.stop_s, stop_s)
    return replace(segment, start_s=a, stop_s=b) if a < b else None


def _outside(old: Segment, new: Segment) -> list[Segment]:
    """What a stretch `new` leaves of `old`; a point is left whole."""
    if old.is_point or old.stop_s <= new.start_s or new.stop_s <= old.start_s:
        return [old]
    left = old.start_s, min(old.stop_s, new.start_s)
    right = max(old.start_s, new.stop_s), old.stop_s
    return [replace(old, start_s=a, stop_s=b) for a, b in (left, right) if a < b]
