"""CSV: a header row, then a row per sample; read and written in blocks, so its size does not matter.

A column `time` gives the rate and shows what is missing; a column `label` holds a word per sample. Nothing is guessed
silently: a row that does not fit stops the import with its line and content. Labels written with it stand beside it,
in NAME.labels.csv, and are found there.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from studio.data.formats.piece import Hints, Piece, named
from studio.data.formats.times import TIME, Clock, Ints, measure
from studio.data.labels import Segment
from studio.data.stream import Array, Chunk, Stream
from studio.data.travel.holds import Gaps, short_rate
from studio.data.travel.item import Signal
from studio.data.travel.sheet import Rows, Sheet, open_sheet, quoted
from studio.errors import DataError
from studio.progress import Progress, Work

_LABEL = ("label", "class", "activity")
_SEQUENCE = "sequence"
#: A recording of other speed than stated by more than this is a mistake in one of them.
_RATE_OFF = 0.02


def read_csv(path: Path, hints: Hints) -> Iterator[Piece | Progress]:
    """One recording out of a CSV; its time column is measured first."""
    sheet = open_sheet(path)
    table = _layout(sheet, hints)
    rate_hz, clock = yield from _rate(sheet, table.clock, hints)
    stream = named(Stream("sensor", rate_hz, tuple(sheet.header[i] for i in table.samples)), hints)
    marks: dict[str, list[Segment]] = {"labels": []} if table.words is not None else {}
    reading = _Reading(sheet, replace(table, clock=clock), stream, marks.get("labels"))
    sidecar = {} if marks else labels_beside(path)
    told = replace(hints, labels=sidecar.get("labels", hints.labels)) if not hints.labels and not hints.label else None
    yield Piece(path, (stream,), reading, marks, hints.subject, hints.split, share=reading.share, told=told)


def labels_beside(path: Path) -> dict[str, Path]:
    """The file NAME.labels.csv beside NAME, if it is there."""
    beside = path.with_name(f"{path.stem}.labels.csv")
    return {"labels": beside} if beside.is_file() and beside != path else {}


@dataclass(frozen=True)
class _Layout:
    """Which column is what."""

    samples: tuple[int, ...]
    clock: Clock | None
    words: int | None
    sequence: int | None
    absolute: bool = False


def _layout(sheet: Sheet, hints: Hints) -> _Layout:
    header = [name.lower() for name in sheet.header]
    time = next((i for i, name in enumerate(header) if TIME.fullmatch(name)), None)
    words = next((i for i, name in enumerate(header) if name in _LABEL), None)
    sequence = header.index(_SEQUENCE) if _SEQUENCE in header and time is None else None
    if hints.channels and set(hints.channels) <= set(sheet.header):
        samples = [sheet.header.index(name) for name in hints.channels]
    else:
        samples = [i for i in range(len(header)) if i not in (time, words, sequence)]
    if not samples:
        next_step = "A CSV needs at least one besides time and label."
        raise DataError(str(sheet.path), "has no column of samples", next_step)
    return _Layout(tuple(samples), None if time is None else Clock(time), words, sequence)


def _rate(sheet: Sheet, clock: Clock | None, hints: Hints) -> Work[tuple[float, Clock | None]]:
    """(rate, how to read the time column): measured on the column, or as stated."""
    stated_hz, blocks, measured = hints.rate_hz, sheet.blocks(), None
    if clock is not None:
        some = itertools.islice(blocks, 1 if hints.quick else None)
        measured = yield from measure(some, clock.column, lambda: blocks.share)
    if measured is None or not measured.rate_hz:
        if not stated_hz:
            next_step = (
                "Add a column `time` in seconds, or give the rate (field Rate, --rate, or rate_hz in manifest.json)."
            )
            raise DataError(str(sheet.path), "does not say its sampling rate", next_step)
        return stated_hz, None
    if stated_hz and abs(measured.rate_hz / stated_hz - 1) >= _RATE_OFF:
        seen = f"its time column runs at {measured.rate_hz:.6g} Hz, the manifest says {stated_hz:g} Hz"
        raise DataError(str(sheet.path), seen, "Correct rate_hz, or the unit of the time column (seconds).")
    return stated_hz or measured.rate_hz, measured


class _Reading:
    """The chunks of a sheet, block by block; words of a label column gather in `words` meanwhile."""

    def __init__(self, sheet: Sheet, table: _Layout, stream: Stream, words: list[Segment] | None) -> None:
        self._blocks, self._table, self._stream = sheet.blocks(), table, stream
        self._runs = Runs(stream.rate_hz, words) if words is not None else None
        self._last_s = self._next = 0.0
        self._first = 0

    def share(self) -> float:
        """How much of the file was read."""
        return self._blocks.share

    def __iter__(self) -> Iterator[Chunk]:
        at = 0
        for n, rows in enumerate(self._blocks):
            index = self._index(rows, at, n == 0)
            at = int(index[-1]) + 1
            values = rows.numbers(self._table.samples).astype("<f4")
            if self._runs is not None and self._table.words is not None:
                self._runs.add(rows.column(self._table.words), index)
            borders = [0, *(np.flatnonzero(np.diff(index) > 1) + 1).tolist(), len(index)]
            for a, b in itertools.pairwise(borders):
                yield Chunk(self._stream, int(index[a]), values[a:b])
        if self._runs is not None:
            self._runs.end()

    def _index(self, rows: Rows, at: int, first: bool) -> Ints:
        """Index of each row: by its time, by its number, or one after the other."""
        if self._table.clock is not None:
            time_s = self._table.clock.seconds(rows)
            steps = np.diff(time_s) if first else np.diff(time_s, prepend=self._last_s)
            self._last_s = float(time_s[-1])
            counts = self._table.clock.counts(steps)
            return np.cumsum(np.concatenate([[0], counts])) if first else at - 1 + np.cumsum(counts)
        if self._table.sequence is not None:
            return self._numbered(rows, self._table.sequence, first)
        return np.arange(at, at + len(rows))

    def _numbered(self, rows: Rows, column: int, first: bool) -> Ints:
        index = np.rint(rows.numbers([column])[:, 0]).astype(np.int64)
        self._first = int(index[0]) if first and not self._table.absolute else self._first
        index = index - self._first
        if first:
            self._next = 0
        if index[0] < self._next or (np.diff(index) <= 0).any():
            row = int((np.diff(index) <= 0).argmax()) + 1 if len(index) > 1 else 0
            raise rows.wrong(row, "its number does not go on")
        self._next = int(index[-1]) + 1
        return index


class Runs:
    """Stretches of one word; an empty word is no label, and a gap ends a stretch."""

    def __init__(self, rate_hz: float, found: list[Segment]) -> None:
        self._rate_hz, self._found = rate_hz, found
        self._word, self._begin, self._stop = "", 0, 0

    def add(self, words: Sequence[str], index: Ints) -> None:
        """Some more rows."""
        for word, i in zip(words, index.tolist(), strict=True):
            if word != self._word or i != self._stop:
                self.end()
                self._word, self._begin = word, i
            self._stop = i + 1

    def end(self) -> None:
        """Close the stretch that runs."""
        if self._word:
            segment = Segment(self._begin / self._rate_hz, self._stop / self._rate_hz, self._word)
            self._found.append(segment)
        self._word = ""


# --- writing -----------------------------------------------------------------------------


def csv_stream(stream: Stream) -> Stream:
    """What a CSV says of a stream: its channels, and its rate by the column of times."""
    channels = free_names(stream.channels, {*_LABEL, "time", "sequence"})
    return Stream("sensor", short_rate(stream.rate_hz), channels)


def free_names(channels: Sequence[str], taken: set[str]) -> tuple[str, ...]:
    """The channels' names as headers: none empty, none twice, none that means something else."""
    found: list[str] = []
    for i, name in enumerate(channels):
        name = " ".join(name.replace('"', "'").split()).lstrip("#").strip() or f"ch{i + 1}"
        while name.lower() in taken or name in found:
            name += "_"
        found.append(name)
    return tuple(found)


def row_gaps(signal: Signal) -> Gaps:
    """The gaps that missing rows tell of: none at the ends, and only while most rows follow each other."""
    inner = tuple((a, n) for a, n in signal.gaps if a > 0 and a + n < len(signal))
    first = _first_rows(replace(signal, gaps=inner))
    return inner if len(first) < 2 or np.median(np.diff(first)) == 1 else ()


def _first_rows(signal: Signal, most: int = 20_000) -> Ints:
    """Indices of the first rows."""
    found: list[Ints] = []
    for a, b in signal.spans():
        found.append(np.arange(a, min(b, a + most)))
        if sum(map(len, found)) >= most:
            break
    return np.concatenate(found)[:most] if found else np.zeros(0, np.int64)


def lines(signal: Signal, first: str = "time") -> Iterator[str]:
    """The lines of a CSV: times in seconds, or numbers of samples, then the channels."""
    yield ",".join([first, *map(quoted, signal.stream.channels)]) + "\r\n"
    for start, rows in signal.runs():
        index = np.arange(start, start + len(rows))
        stamps = list(map(repr, (index / signal.stream.rate_hz).tolist())) if first == "time" else index.tolist()
        yield from (f"{t},{','.join(row)}\r\n" for t, row in zip(stamps, _cells(rows), strict=True))


def _cells(rows: Array) -> list[list[str]]:
    """Numbers with the fewest digits that give the same float32 again."""
    found: list[list[str]] = rows.astype(str).tolist()
    return found
