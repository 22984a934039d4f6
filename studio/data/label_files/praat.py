"""Praat's .TextGrid: a tier of intervals for each track, and a tier of points beside it where it has points."""

import tempfile
from pathlib import Path

import numpy as np

from studio.data.label_files.about import About, LabelFormat
from studio.data.labels import Segment
from studio.data.travel.holds import Holds, one_line
from studio.data.travel.item import Item
from studio.data.travel.letters import text_of
from studio.paths import write_atomic

_POINTS = " (points)"


def read(path: Path, about: About) -> dict[str, list[Segment]]:
    """A track for each tier; the points of `name (points)` belong to `name`. Empty intervals are no label."""
    from praatio import textgrid

    with tempfile.TemporaryDirectory() as folder:  # praatio reads files alone, and guesses their encoding
        copy = Path(folder) / "labels.TextGrid"
        copy.write_text(text_of(path), encoding="utf-8", newline="")
        grid = textgrid.openTextgrid(str(copy), False, reportingMode="silence", duplicateNamesMode="rename")
    found: dict[str, list[Segment]] = {}
    for tier in grid.tiers:
        track = found.setdefault(tier.name.removesuffix(_POINTS) or "labels", [])
        for start_s, *stop_s, words in tier.entries:
            label = one_line(words if stop_s else words.replace('""', '"'))  # praatio leaves a point's quotes doubled
            if label:
                track.append(Segment(float(start_s), float(stop_s[0] if stop_s else start_s), label))
    return found


def write(path: Path, item: Item) -> None:
    """All tracks of the item, in Praat's long form: written here, because praatio rounds and drops short ones."""
    end_s = item.duration_s or max((s.stop_s for t in item.tracks.values() for s in t.segments), default=0.0)
    tiers = []
    for name, track in item.tracks.items():
        spans = [s for s in track.segments if not s.is_point]
        points = [s for s in track.segments if s.is_point]
        if spans or not points:
            tiers.append(_intervals(name, spans, end_s))
        if points:
            tiers.append(_marks(name + _POINTS, points, end_s))
    head = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0 ", f"xmax = {_number(end_s)} "]
    head += ["tiers? <exists> ", f"size = {len(tiers)} ", "item []: "]
    for i, tier in enumerate(tiers, 1):
        head += [f"    item [{i}]:", *tier]
    write_atomic(path, "\n".join(head) + "\n")


def _intervals(name: str, spans: list[Segment], end_s: float) -> list[str]:
    """Praat's intervals fill the whole time: empty ones stand between labels."""
    rows: list[tuple[float, float, str]] = []
    at_s = 0.0
    for s in spans:
        if s.start_s > at_s:
            rows.append((at_s, s.start_s, ""))
        rows.append((max(s.start_s, at_s), s.stop_s, s.label))
        at_s = s.stop_s
    if at_s < end_s:
        rows.append((at_s, end_s, ""))
    lines = [*_head("IntervalTier", name, end_s), f"        intervals: size = {len(rows)} "]
    for i, (a, b, text) in enumerate(rows, 1):
        lines += [f"        intervals [{i}]:", f"            xmin = {_number(a)} ", f"            xmax = {_number(b)} "]
        lines.append(f"            text = {_quoted(text)} ")
    return lines


def _marks(name: str, points: list[Segment], end_s: float) -> list[str]:
    lines = [*_head("TextTier", name, end_s), f"        points: size = {len(points)} "]
    for i, s in enumerate(points, 1):
        lines += [f"        points [{i}]:", f"            number = {_number(s.start_s)} "]
        lines.append(f"            mark = {_quoted(s.label)} ")
    return lines


def _head(kind: str, name: str, end_s: float) -> list[str]:
    return [
        f'        class = "{kind}" ',
        f"        name = {_quoted(name)} ",
        "        xmin = 0 ",
        f"        xmax = {_number(end_s)} ",
    ]


def _number(value: float) -> str:
    """The shortest number without an exponent that is the same double."""
    return np.format_float_positional(value, trim="0")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


FORMAT = LabelFormat(
    "Praat TextGrid", (".textgrid",), read, write,
    Holds(signals=False, tracks="all", score=False, comment=False, text=one_line),
)  # fmt: skip
