"""Imagimob and DEEPCRAFT: a folder for each recording with .data, .label and the .imsession that ties them together."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from studio.data.formats.format import Format, Options
from studio.data.formats.piece import Hints, Piece, pieces
from studio.data.formats.text import csv_stream, lines, read_csv, row_gaps
from studio.data.label_files import imagimob as label_file
from studio.data.label_files.about import About
from studio.data.labels import Labels, Segment
from studio.data.raw import safe_name
from studio.data.stream import Stream
from studio.data.travel.fit import file_name
from studio.data.travel.guard import reading
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item
from studio.errors import DataError
from studio.paths import write_atomic


def read_imagimob(path: Path, hints: Hints) -> Iterator[Piece]:
    """One recording out of a session, or out of a single .data with the .label beside it."""
    if path.suffix.lower() != ".imsession":
        yield _single(path, hints)
        return
    with reading(path, "Imagimob session"):
        tracks = [_Track(t, path) for t in ElementTree.fromstring(path.read_bytes()).iter("Track")]
    data = [t for t in tracks if not t.is_label and t.file.suffix.lower() in (".data", ".csv")]
    if not data:
        raise DataError(str(path), "names no track of data", "Add a .data file to the session in Imagimob Studio.")
    found: list[Piece] = []
    for track in data:
        (piece,) = pieces(read_csv(track.file, replace(hints, stream=_safe(track.name, len(found)))))
        found.append(replace(piece, told=None))
    streams = tuple(p.streams[0] for p in found)
    chunks = (chunk for piece in found for chunk in piece.chunks)
    marks = {t.name: t.labels() for t in tracks if t.is_label}
    yield Piece(path, streams, chunks, marks, hints.subject, hints.split)


class _Track:
    """A track of a session: the file it names, and when it begins."""

    def __init__(self, found: ElementTree.Element, session: Path) -> None:
        self.name = found.get("name") or "labels"
        self.is_label = found.get("isLabelTrack", "").lower() == "true" or found.get("type") == "labelcsv"
        self.file = session.parent / (found.findtext("PayloadFile") or "").replace("\\", "/")
        self.offset_s = float(found.findtext("Offset") or 0)
        if not self.file.resolve().is_relative_to(session.parent.resolve()) or not self.file.is_file():
            seen = f"names {self.file.name!r}, which is not there"
            raise DataError(str(session), seen, "Bring the file back.")

    def labels(self) -> list[Segment]:
        """The labels, moved by the track's offset."""
        by = self.offset_s
        found = label_file.read(self.file, About())["labels"]
        return [replace(s, start_s=s.start_s + by, stop_s=s.stop_s + by) for s in found] if by else found


def _single(path: Path, hints: Hints) -> Piece:
    (piece,) = pieces(read_csv(path, hints))
    beside = [path.with_suffix(".label"), path.with_name("label.label")]
    file = next((f for f in beside if f.is_file()), None)
    if file is None or hints.labels or hints.label:
        return piece
    with reading(file, "Imagimob label"):
        return replace(piece, marks=label_file.read(file, About()), told=None)


def _safe(name: str, number: int) -> str:
    try:
        return safe_name(name)
    except DataError:
        return f"data {number + 1}"


def write_imagimob(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """A folder for each item."""
    for item in items:
        place = folder / item.name
        place.mkdir(parents=True, exist_ok=True)
        tracks = []
        for signal in item.signals:
            path = place / f"{file_name(signal.stream.name)}.data"
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.writelines(lines(signal))
            tracks.append(_track(signal.stream.name, path.name, "datacsv"))
            yield path
        for number, (name, track) in enumerate(item.tracks.items()):
            path = place / f"{_label_file(name, number)}.label"
            label_file.write(path, replace(item, tracks={"labels": track}))
            tracks.append(_track(name, path.name, "labelcsv"))
            yield path
        session = place / f"{item.name}.imsession"
        head = '<?xml version="1.0" encoding="utf-8"?>\n<ImagimobStudio version="0.9">\n<Timeline id="1">\n<Tracks>\n'
        write_atomic(session, head + "".join(tracks) + "</Tracks>\n</Timeline>\n</ImagimobStudio>\n")
        yield session


def _label_file(name: str, number: int) -> str:
    return "label" if name == "labels" else f"label {number} {file_name(name)}"


def _track(name: str, file: str, kind: str) -> str:
    is_label = str(kind == "labelcsv")
    head = f'<Track name={quoteattr(name)} type="{kind}" isLabelTrack="{is_label}" timecoded="TimestampBeginDuration">'
    return f'{head}<PayloadFile>{escape(file)}</PayloadFile><Offset unit="seconds">0</Offset><Shape/></Track>\n'


def _stream(stream: Stream) -> Stream:
    return replace(csv_stream(stream), name=stream.name)


def no_labels() -> Labels:
    """An empty track."""
    return Labels()


FORMAT = Format(
    "Imagimob / DEEPCRAFT", (".imsession", ".data"), read_imagimob, write_imagimob,
    Holds(streams=True, least=2, gaps=row_gaps, stream=_stream, tracks="all", points=False),
    note=".data, .label and .imsession",
)  # fmt: skip
