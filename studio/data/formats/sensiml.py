"""SensiML: a CSV with a column `sequence`, and one .dcli beside it with labels and what is known of each file."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.data.formats.format import Format, Options
from studio.data.formats.piece import Hints, Piece, pieces
from studio.data.formats.text import csv_stream, lines, read_csv
from studio.data.label_files import sensiml as dai
from studio.data.label_files.about import About
from studio.data.stream import Stream
from studio.data.travel.guard import reading
from studio.data.travel.holds import Gaps
from studio.data.travel.item import Item, Signal
from studio.data.travel.sheet import open_sheet
from studio.errors import DataError
from studio.paths import write_atomic
from studio.progress import Progress

FILE = "labels.dcli"
_RATE, _SUBJECT, _SET = "sample_rate", "Subject", "Set"


def read_sensiml(path: Path, hints: Hints) -> Iterator[Piece | Progress]:
    """One recording out of a CSV, or all that a .dcli names."""
    if path.suffix.lower() in (".dcli", ".dai"):
        with reading(path, "SensiML"):
            entries = dai.entries(path)
        files = [path.parent / name for name in entries]
        for file in files:
            if not file.resolve().is_relative_to(path.parent.resolve()) or not file.is_file():
                raise DataError(str(path), f"names {file.name!r}, which is not there", "Bring the file back.")
            yield replace(_piece(file, path, hints), of=len(files))
        return
    beside = _beside(path)
    if beside is None:
        yield from read_csv(path, hints)
        return
    yield _piece(path, beside, hints)


def _piece(path: Path, listing: Path, hints: Hints) -> Piece:
    with reading(listing, "SensiML"):
        entry: Any = dai.entries(listing).get(path.name) or {}
        told = {str(m["name"]): str(m["value"]) for m in entry.get("metadata") or []}
        rate_hz = hints.rate_hz or float(told.get(_RATE, 0) or 0)
    (piece,) = pieces(read_csv(path, replace(hints, rate_hz=rate_hz)))
    with reading(listing, "SensiML"):
        marks = dai.tracks_of(entry, About(path.name, piece.streams[0].rate_hz), listing)
    split = told.get(_SET, "") if told.get(_SET, "") in ("train", "test") else ""
    piece = replace(piece, marks=marks, told=None)
    return replace(piece, subject=hints.subject or told.get(_SUBJECT, ""), split=hints.split or split)


def _beside(path: Path) -> Path | None:
    """The .dcli or .dai in the same folder that names the file."""
    for listing in sorted([*path.parent.glob("*.dcli"), *path.parent.glob("*.dai")]):
        try:
            if path.name in dai.entries(listing):
                return listing
        except (DataError, ValueError, LookupError, TypeError):
            continue
    return None


def _mine(path: Path) -> bool:
    if path.is_dir() or path.suffix.lower() in (".dcli", ".dai"):
        return path.is_file()
    try:
        return "sequence" in open_sheet(path, headed=False).header and _beside(path) is not None
    except DataError:
        return False


def write_sensiml(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """A CSV for each item, and one .dcli."""
    entries = []
    for item in items:
        for signal in item.signals:
            path = folder / f"{item.name}.csv"
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.writelines(lines(signal, "sequence"))
            entries.append(dai.plain(item, path.name, _metadata(item, signal)))
            yield path
    write_atomic(folder / FILE, dai.text(entries))
    json.loads((folder / FILE).read_text(encoding="utf-8"))
    yield folder / FILE


def _metadata(item: Item, signal: Signal) -> dict[str, str]:
    told = {_RATE: repr(signal.stream.rate_hz), _SUBJECT: item.subject, _SET: item.split}
    return {name: value for name, value in told.items() if value}


def _stream(stream: Stream) -> Stream:
    return replace(csv_stream(stream), rate_hz=stream.rate_hz)


def _gaps(signal: Signal) -> Gaps:
    """Missing numbers tell of gaps, but for those at the ends."""
    return tuple((a, n) for a, n in signal.gaps if a > 0 and a + n < len(signal))


FORMAT = Format(
    "SensiML CSV with DAI", (".csv", ".dcli", ".dai"), read_sensiml, write_sensiml,
    replace(dai.FORMAT.holds, signals=True, gaps=_gaps, stream=_stream, subject=True, split=True), _mine,
    "one .dcli with the labels",
)  # fmt: skip
