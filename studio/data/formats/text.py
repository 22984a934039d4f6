"""CSV: a header row, then a row per sample. Also the CSV of labels.

A column `time` gives the rate and shows what is missing; a column `label` holds a word per sample. Nothing is guessed
silently: a row that does not fit stops the import with its line and content.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.data.formats.piece import Hints, Piece, named
from studio.data.labels import Labels, Segment
from studio.data.stream import Chunk, Stream
from studio.errors import DataError

Floats = npt.NDArray[np.float64]

_TIME = re.compile(r"(time|t|timestamp)(?:[ _]*[(\[]?(s|sec|seconds|ms|us|ns)[)\]]?)?", re.IGNORECASE)
_SECONDS = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_LABEL = ("label", "class", "activity")
#: A rate this close to a whole number is that number: time columns are rounded.
_WHOLE = 2e-4


@dataclass(frozen=True)
class Table:
    """Cells as text, with the line of the file that each row stands on."""

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    def wrong(self, row: int, seen: str) -> DataError:
        """What is wrong in a row, with its line and content."""
        content = ",".join(self.rows[row])[:80]
        return DataError(
            f"{self.path.name}, line {self.lines[row]}", f"{seen}: {content!r}", "Correct the line, then import again."
        )


def read_csv(path: Path, hints: Hints) -> Iterator[Piece]:
    """One recording out of a CSV."""
    table = read_table(path)
    clock = next((i for i, name in enumerate(table.header) if _TIME.fullmatch(name)), None)
    words = next((i for i, name in enumerate(table.header) if name.lower() in _LABEL), None)
    columns = _columns(table, hints, {clock, words})
    values = _numbers(table, columns)
    rate_hz, index = _index(table, clock, hints.rate_hz)
    stream = named(Stream("sensor", rate_hz, tuple(table.header[i] for i in columns)), hints)
    chunks = _chunks(stream, index, values.astype("<f4"))
    labels = _runs([row[words] for row in table.rows], index, rate_hz) if words is not None else Labels()
    yield Piece(path, chunks, labels, hints.subject, hints.split)


def read_labels(path: Path) -> Labels:
    """A CSV start_s,stop_s,label as a track; DataError names the line that is wrong."""
    table = read_table(path)
    wanted = ["start_s", "stop_s", "label"]
    if any(name not in table.header for name in wanted):
        raise DataError(str(path), f"has the columns {', '.join(table.header)}", "Labels need start_s,stop_s,label.")
    start, stop, label = (table.header.index(name) for name in wanted)
    borders, track = _numbers(table, [start, stop]), Labels()
    for i, (start_s, stop_s) in enumerate(borders.tolist()):
        try:
            segment = Segment(start_s, stop_s, table.rows[i][label].strip())
            joined = Labels(tuple(sorted((*track.segments, segment))))
            joined.check(float("inf"))
        except DataError as e:
            raise table.wrong(i, f"the label {e.seen}") from e
        track = joined
    return track


def read_table(path: Path) -> Table:
    """The cells of a CSV, separated by comma, semicolon or tab; DataError when it is no table."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as e:
        raise DataError(str(path), "there is no such file", "Check the name and the folder.") from e
    except (OSError, UnicodeDecodeError) as e:
        raise DataError(str(path), f"cannot be read as text ({e})", "Save it as CSV in UTF-8.") from e
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    if delimiter == ";" and "," in text and "." not in text:
        text = text.replace(",", ".")  # decimal commas
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    found = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    kept = [(line, row) for line, row in found if any(row)]
    if len(kept) < 2:
        raise DataError(str(path), "has no row of samples", "A CSV needs a header row and a row per sample.")
    table = Table(path, kept[0][1], [row for _, row in kept[1:]], [line for line, _ in kept[1:]])
    _check_shape(table)
    return table


def _check_shape(table: Table) -> None:
    header = table.header
    if all(_is_number(cell) for cell in header if cell):
        raise DataError(
            f"{table.path.name}, line 1", "is not a header", "Write the columns' names into the first line."
        )
    if "" in header or len(set(header)) < len(header):
        seen = "a column has no name" if "" in header else "two columns have one name"
        raise DataError(f"{table.path.name}, line 1", seen, "Give every column a name of its own.")
    for i, row in enumerate(table.rows):
        if len(row) != len(header):
            raise table.wrong(i, f"has {len(row)} cells where the header has {len(header)}")


def _columns(table: Table, hints: Hints, others: set[int | None]) -> list[int]:
    """The columns that hold samples: those that the manifest names, or all but time and label."""
    if hints.channels and set(hints.channels) <= set(table.header):
        return [table.header.index(name) for name in hints.channels]
    found = [i for i in range(len(table.header)) if i not in others]
    if not found:
        raise DataError(str(table.path), "has no column of samples", "A CSV needs at least one besides time and label.")
    return found


def _numbers(table: Table, columns: Sequence[int]) -> Floats:
    """The cells of some columns (n, len(columns)); DataError names the first line where one is not finite."""
    cells = [[row[i] for i in columns] for row in table.rows]
    try:
        values = np.array(cells, np.float64)
    except ValueError:
        for i, row in enumerate(cells):
            for cell in row:
                if not _is_number(cell):
                    raise table.wrong(i, f"{cell!r} is not a number") from None
        raise
    bad = ~(np.abs(values) <= np.finfo(np.float32).max).all(axis=1)
    if bad.any():
        raise table.wrong(int(bad.argmax()), "a value is not a finite number")
    return values


def _index(table: Table, clock: int | None, stated_hz: float) -> tuple[float, npt.NDArray[np.int64]]:
    """(rate, index of each row): from the time column, or one after the other at the stated rate."""
    if clock is None or len(table.rows) < 2:
        if not stated_hz:
            next_step = "Add a column `time` in seconds, or import it through a manifest.json that says rate_hz."
            raise DataError(str(table.path), "does not say its sampling rate", next_step)
        return stated_hz, np.arange(len(table.rows))
    time_s = _numbers(table, [clock])[:, 0] * _unit_s(table.header[clock])
    steps = np.diff(time_s)
    if (steps <= 0).any():
        raise table.wrong(int((steps <= 0).argmax()) + 1, "time does not go on")
    counts, rate_hz = _counted(table, steps)
    if stated_hz and abs(rate_hz / stated_hz - 1) < 0.02:
        rate_hz = stated_hz
    elif stated_hz:
        seen = f"its time column runs at {rate_hz:.6g} Hz, the manifest says {stated_hz:g} Hz"
        raise DataError(str(table.path), seen, "Correct rate_hz, or the unit of the time column (seconds).")
    return rate_hz, np.concatenate([[0], np.cumsum(counts)])


def _counted(table: Table, steps: Floats) -> tuple[npt.NDArray[np.int64], float]:
    """(samples that each step of time covers, rate). More than one: the rest was lost; jitter is no loss."""
    typical = float(np.median(steps))
    counts = np.rint(steps / typical).astype(np.int64)
    if counts.min() < 1:  # stamps came late and then too soon: they jitter, and a longer step proves nothing
        worst = int(steps.argmax())
        if steps[worst] > 5 * typical:
            raise table.wrong(worst + 1, f"time leaps by {steps[worst]:g} s among uneven steps of {typical:g} s")
        counts = np.ones_like(counts)
    rate_hz = float(counts.sum() / steps.sum())
    whole = round(rate_hz)
    return counts, float(whole) if whole and abs(rate_hz / whole - 1) < _WHOLE else rate_hz


def _unit_s(name: str) -> float:
    found = _TIME.fullmatch(name)
    return _SECONDS.get((found[2] or "s").lower(), 1.0) if found else 1.0


def _chunks(stream: Stream, index: npt.NDArray[np.int64], values: npt.NDArray[np.float32]) -> tuple[Chunk, ...]:
    borders = [0, *(np.flatnonzero(np.diff(index) > 1) + 1).tolist(), len(index)]
    return tuple(Chunk(stream, int(index[a]), values[a:b]) for a, b in itertools.pairwise(borders))


def _runs(words: list[str], index: npt.NDArray[np.int64], rate_hz: float) -> Labels:
    """Stretches of one word; an empty word is no label, and a gap ends a stretch."""
    found: list[Segment] = []
    begin = 0
    for i in range(1, len(words) + 1):
        if i == len(words) or words[i] != words[begin] or index[i] != index[i - 1] + 1:
            if words[begin]:
                found.append(Segment(float(index[begin] / rate_hz), float((index[i - 1] + 1) / rate_hz), words[begin]))
            begin = i
    return Labels(tuple(found))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
