"""A track as a format holds it: what becomes of points, confidence, comments, letters and borders."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from studio.data.labels import Labels, Segment
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item

#: Times closer than this are the same: a double's own rounding is no loss.
SAME_S = 1e-9
Say = Callable[[str, int, str], None]
Pairs = list[tuple[Segment, Segment]]
#: Why a label is left out -> the words for it.
_GONE = {
    "points": "Events without length are left out: a label there needs one.",
    "filler": "The format takes this name to mean that no label is there.",
    "short": "Labels shorter than a tick of the file's time vanish.",
}


def fit_track(track: Labels, item: Item, rates: tuple[float, float], holds: Holds, say: Say) -> Labels:
    """The track as the reader will give it back. `rates` are the samples' before and after; label times follow."""
    end_s = item.duration_s if item.signals else float("inf")
    ticks = (item.beat.stream.rate_hz if item.signals else 0.0) if holds.ticks == "samples" else float(holds.ticks)
    gone: Counter[str] = Counter()
    kept: Pairs = []
    for old in track.segments:
        new = _fitted(old, end_s, ticks, holds)
        if isinstance(new, str):
            gone[new] += 1
        else:
            kept.append((old, new))
    _say_changes(kept, gone, end_s, holds, say)
    joined = _joined(kept, holds)
    say("merged", len(kept) - len(joined), "Labels of one class that touch become one.")
    off = [max(abs(a.start_s - b.start_s), abs(min(a.stop_s, end_s) - b.stop_s)) for a, b in joined]
    say("times", sum(d > SAME_S for d in off), f"Borders are rounded by up to {max(off, default=0.0):.3g} s.")
    by = rates[0] / rates[1]
    moved = (replace(s, start_s=s.start_s * by, stop_s=s.stop_s * by) if by != 1 else s for _, s in joined)
    return Labels(tuple(sorted(moved)))


def _fitted(s: Segment, end_s: float, ticks: float, holds: Holds) -> Segment | str:
    """The label as the format holds it, or why it does not."""
    if s.start_s > end_s or (s.start_s == end_s and not s.is_point):
        return "past the end"
    if s.is_point and not holds.points:
        return "points"
    label = holds.text(s.label) or "?"
    if holds.filler and label == holds.filler:
        return "filler"
    start_s, stop_s = (_ticked(t, ticks, end_s) for t in (s.start_s, s.stop_s))
    if not s.is_point and not start_s < stop_s:
        return "short"
    comment = holds.text(s.comment) if holds.comment else ""
    return Segment(start_s, stop_s, label, s.score if holds.score else 1.0, comment)


def _ticked(time_s: float, ticks: float, end_s: float) -> float:
    return min(round(time_s * ticks) / ticks if ticks else time_s, end_s)


def _say_changes(kept: Pairs, gone: Counter[str], end_s: float, holds: Holds, say: Say) -> None:
    for reason, words in _GONE.items():
        say(reason, gone[reason], words)
    cut = gone["past the end"] + sum(a.stop_s > end_s + SAME_S for a, _ in kept)
    say("past the end", cut, f"Labels are cut where this stream ends, at {end_s:.6g} s.")
    say("confidence", sum(a.score != b.score for a, b in kept), "How sure the labels are is not in the file.")
    silent = 0 if holds.comment else sum(bool(a.comment) for a, _ in kept)
    say("comments", silent, "Comments are not in the file.")
    odd = sum(a.label != b.label or (holds.comment and a.comment != b.comment) for a, b in kept)
    say("text", odd, "Line breaks, outer spaces or control characters are changed.")


def _joined(kept: Pairs, holds: Holds) -> Pairs:
    """Points that became equal are one; so are equal neighbours where the format cannot part them."""
    made: Pairs = []
    points: set[tuple[float, str]] = set()
    for old, new in kept:
        if new.is_point and (new.start_s, new.label) in points:
            continue
        if new.is_point:
            points.add((new.start_s, new.label))
        if not holds.touching and made and _touch(made[-1][1], new):
            before, last = made[-1]
            made[-1] = replace(before, stop_s=old.stop_s), replace(last, stop_s=new.stop_s)
        else:
            made.append((old, new))
    return made


def _touch(a: Segment, b: Segment) -> bool:
    return a.label == b.label and b.start_s - a.stop_s <= SAME_S
