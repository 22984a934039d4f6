"""Labels as a file has them, made to fit a recording: cut at its end, overlaps parted, and every change said."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from studio.data.labels import Labels, Segment
from studio.data.travel.entry import Entry
from studio.errors import DataError

Marks = Mapping[str, Sequence[Segment]]
#: Overlaps smaller than this are a rounding of the file, no overlap.
TOUCH_S = 1e-6
#: More than this share of what is labelled past the end: the labels are of another recording.
OTHER = 0.5


def settle(
    marks: Marks, end_s: float, slack_s: float, where: str, recording: str = ""
) -> tuple[dict[str, Labels], tuple[Entry, ...]]:
    """(tracks that fit a recording of `end_s` seconds, what had to be changed).

    Borders up to `slack_s` past the end are a rounding. DataError when a label is no label, or most lie past the end.
    """
    said: list[Entry] = []
    tracks: dict[str, Labels] = {}
    for name, found in marks.items():
        for s in found:
            _check(s, where)
        inside = _inside(sorted(found), end_s, slack_s, where, Entry(recording, "past the end", name, 0, ""), said)
        for lane, segments in enumerate(_lanes(inside, Entry(recording, "overlap", name, 0, ""), said)):
            tracks[_free(name, lane, tracks, marks)] = Labels(tuple(segments))
    return tracks, tuple(said)


def _check(s: Segment, where: str) -> None:
    if not (math.isfinite(s.start_s) and math.isfinite(s.stop_s)) or s.stop_s < s.start_s - TOUCH_S:
        seen = f"starts at {s.start_s:g} s and stops at {s.stop_s:g} s"
        raise DataError(f"Label {s.label!r} of {where}", seen, "Correct the label, then import again.")
    if not s.label.strip():
        raise DataError(f"A label of {where}", f"has no name, at {s.start_s:g} s", "Name it, then import again.")
    if not 0 <= s.score <= 1:
        seen = f"has confidence {s.score:g}"
        raise DataError(f"Label {s.label!r} of {where}", seen, "Confidence is between 0 and 1.")


def _inside(
    found: list[Segment], end_s: float, slack_s: float, where: str, entry: Entry, said: list[Entry]
) -> list[Segment]:
    beyond = [s for s in found if s.stop_s > end_s + slack_s or s.start_s < -slack_s]
    if beyond:
        _same_recording(found, beyond, end_s, where)
        text = f"{len(beyond)} labels reach past the recording, which lasts {end_s:.6g} s; they are cut there."
        said.append(replace(entry, count=len(beyond), text=text))
    kept = [_cut(s, end_s, slack_s) for s in found]
    return [s for s in kept if s is not None]


def _same_recording(found: Sequence[Segment], beyond: Sequence[Segment], end_s: float, where: str) -> None:
    """DataError when most of the labels, or most of the labelled time, is not in this recording."""
    total_s = sum(s.length_s for s in found)
    outside_s = sum(s.length_s - max(0.0, min(s.stop_s, end_s) - max(s.start_s, 0.0)) for s in found)
    away = sum(s.start_s > end_s or s.stop_s < 0 for s in found)
    if outside_s <= OTHER * total_s and away <= OTHER * len(found):
        return
    s = max(beyond, key=lambda s: s.stop_s)
    seen = f"stops at {s.stop_s:g} s, past the end at {end_s:g} s"
    if s.start_s < 0:
        seen = f"starts at {s.start_s:g} s, before the start"
    next_step = "Most labels do not fit: choose the label file of this recording, or correct its times (seconds)."
    raise DataError(f"Label {s.label!r} of {where}", seen, next_step)


def _cut(s: Segment, end_s: float, slack_s: float) -> Segment | None:
    """What of the label is inside [0, end_s]; None when nothing is."""
    if s.stop_s - s.start_s <= 0:
        inside = -slack_s <= s.start_s <= end_s + slack_s
        at_s = min(max(s.start_s, 0.0), end_s)
        return replace(s, start_s=at_s, stop_s=at_s) if inside else None
    start_s, stop_s = max(s.start_s, 0.0), min(s.stop_s, end_s)
    return replace(s, start_s=start_s, stop_s=stop_s) if start_s < stop_s else None


def _lanes(found: list[Segment], entry: Entry, said: list[Entry]) -> list[list[Segment]]:
    """Segments parted so that none overlap inside a lane; the first lane takes all it can."""
    lanes: list[list[Segment]] = [[]]
    ends: list[float] = [0.0]
    points: set[tuple[float, str]] = set()
    for s in found:
        if s.is_point:
            if (s.start_s, s.label) not in points:
                points.add((s.start_s, s.label))
                lanes[0].append(s)
            continue
        lane = next((i for i, end in enumerate(ends) if s.start_s >= end - TOUCH_S), len(lanes))
        if lane == len(lanes):
            lanes.append([])
            ends.append(0.0)
        start_s = max(s.start_s, ends[lane])
        if start_s < s.stop_s:
            lanes[lane].append(replace(s, start_s=start_s))
            ends[lane] = s.stop_s
    moved = sum(map(len, lanes[1:]))
    if moved:
        text = f"{moved} labels overlap others; they stand on {len(lanes) - 1} more tracks."
        said.append(replace(entry, count=moved, text=text))
    return [lane for lane in lanes if lane]


def _free(name: str, lane: int, tracks: Mapping[str, Labels], marks: Marks) -> str:
    """The name of a lane's track: `labels`, then `labels 2`, ..., never one that the file has for another."""
    if not lane:
        return name
    number = lane + 1
    while f"{name} {number}" in tracks or f"{name} {number}" in marks:
        number += 1
    return f"{name} {number}"
