"""Labels: who said what about which stretch of time. A person writes one track, a board another.

A track is an immutable value, so undo is keeping the old one. Segments of one track never overlap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.errors import DataError


@dataclass(frozen=True, order=True)
class Segment:
    """[start_s, stop_s) carries `label`; seconds from the start of the recording. `score` is 1 for a person."""

    start_s: float
    stop_s: float
    label: str
    score: float = 1.0


@dataclass(frozen=True)
class Labels:
    """One track: segments in order of time. Every edit returns a new track."""

    segments: tuple[Segment, ...] = ()

    def __len__(self) -> int:
        return len(self.segments)

    def add(self, segment: Segment) -> "Labels":
        """The track with `segment` in it; what it covers gives way."""
        _check(segment)
        kept = [piece for old in self.segments for piece in _outside(old, segment)]
        return Labels(tuple(sorted([*kept, segment])))

    def remove(self, index: int) -> "Labels":
        """The track without segment `index`."""
        return Labels(self.segments[:index] + self.segments[index + 1 :])

    def move(self, index: int, start_s: float, stop_s: float) -> "Labels":
        """The track with segment `index` at new borders, kept clear of its neighbours."""
        low = self.segments[index - 1].stop_s if index > 0 else float("-inf")
        high = self.segments[index + 1].start_s if index + 1 < len(self) else float("inf")
        moved = replace(self.segments[index], start_s=max(start_s, low), stop_s=min(stop_s, high))
        _check(moved)
        return Labels((*self.segments[:index], moved, *self.segments[index + 1 :]))

    def rename(self, index: int, label: str) -> "Labels":
        """The track with another label on segment `index`."""
        named = replace(self.segments[index], label=label, score=1.0)
        return Labels((*self.segments[:index], named, *self.segments[index + 1 :]))

    def covering(self, start_s: float, stop_s: float) -> str | None:
        """The label that covers the whole of [start_s, stop_s), if one does."""
        for s in self.segments:
            if s.start_s <= start_s and stop_s <= s.stop_s:
                return s.label
        return None

    def check(self, end_s: float, where: str = "the recording") -> None:
        """DataError when a segment is empty, overlaps another, or lies outside [0, end_s]."""
        last = 0.0
        for s in self.segments:
            _check(s)
            if s.start_s < last - BORDER_S:
                place = "before the start" if s.start_s < 0 else "before the label in front of it ends"
                seen = f"starts at {s.start_s:g} s, {place}"
                raise DataError(f"Label {s.label!r} of {where}", seen, "Move its left edge to the right.")
            if s.stop_s > end_s + BORDER_S:
                seen = f"stops at {s.stop_s:g} s, past the end at {end_s:g} s"
                raise DataError(f"Label {s.label!r} of {where}", seen, "Move its right edge to the left.")
            last = s.stop_s


#: Borders closer than this are one: less than a sample of anything we record.
BORDER_S = 1e-6


def plain_tracks(tracks: Mapping[str, Labels]) -> dict[str, list[list[Any]]]:
    """Tracks as they stand in `recording.json`: [start_s, stop_s, label, score] per segment."""
    return {name: [[s.start_s, s.stop_s, s.label, s.score] for s in track.segments] for name, track in tracks.items()}


def parse_tracks(found: Mapping[str, Sequence[Sequence[Any]]]) -> dict[str, Labels]:
    """Tracks out of `recording.json`."""
    return {
        name: Labels(
            tuple(sorted(Segment(float(a), float(b), str(label), float(score)) for a, b, label, score in rows))
        )
        for name, rows in found.items()
    }


def _check(segment: Segment) -> None:
    if not segment.start_s < segment.stop_s:
        seen = f"starts at {segment.start_s:g} s and stops at {segment.stop_s:g} s"
        raise DataError(f"Label {segment.label!r}", seen, "Drag its right edge past its left.")
    if not segment.label.strip():
        raise DataError("Label", "has no name", "Choose or type a class.")


def _outside(old: Segment, new: Segment) -> list[Segment]:
    if old.stop_s <= new.start_s or new.stop_s <= old.start_s:
        return [old]
    left = old.start_s, min(old.stop_s, new.start_s)
    right = max(old.start_s, new.stop_s), old.stop_s
    return [replace(old, start_s=a, stop_s=b) for a, b in (left, right) if a < b]
