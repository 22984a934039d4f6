"""Imagimob's and DEEPCRAFT's .label: Time, Length, Label, Confidence, Comment."""

import csv
import io
from pathlib import Path

from studio.data.label_files.about import About, LabelFormat
from studio.data.labels import Segment
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item
from studio.data.travel.letters import text_of
from studio.data.travel.sheet import is_number, quoted
from studio.errors import DataError
from studio.paths import write_atomic

HEADER = "Time(Seconds),Length(Seconds),Label(string),Confidence(double),Comment(string)"


def read(path: Path, about: About) -> dict[str, list[Segment]]:
    """One track."""
    reader = csv.reader(io.StringIO(text_of(path), newline=""))
    found = []
    for row in reader:
        if not any(row) or row[0].startswith("Time"):
            continue
        cells = [*row, "", "", "", "", ""]
        times = [c.strip() for c in cells[:2]]
        if not all(map(is_number, times)) or not cells[2].strip():
            seen = f"{','.join(row)[:80]!r} is no label"
            raise DataError(f"{path.name}, line {reader.line_num}", seen, f"A line is {HEADER}.")
        start_s, length_s = map(float, times)
        score = float(cells[3]) if is_number(cells[3]) else 1.0
        found.append(Segment(start_s, start_s + length_s, cells[2].strip(), score, cells[4].strip()))
    return {"labels": found}


def text(segments: tuple[Segment, ...]) -> str:
    """The file's content."""
    rows = [",".join(_cells(s)) for s in segments]
    return "\r\n".join([HEADER, *rows]) + "\r\n"


def _cells(s: Segment) -> list[str]:
    return [_plain(s.start_s), _length(s), quoted(s.label), _plain(s.score), quoted(s.comment)]


def _length(s: Segment) -> str:
    """The shortest number that leads from the start to the stop."""
    exact = s.length_s
    short = (f"{exact:.{digits}g}" for digits in range(6, 17))
    return next((text for text in short if s.start_s + float(text) == s.stop_s), repr(exact))


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def write(path: Path, item: Item) -> None:
    """The item's one track."""
    write_atomic(path, text(item.labels))


FORMAT = LabelFormat(
    "Imagimob labels", (".label",), read, write, Holds(signals=False, tracks="files", points=False)
)  # fmt: skip
