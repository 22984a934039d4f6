"""A whole set: a folder with `manifest.json`, which names its files and what is known about each."""

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.data.formats.array import write_npy
from studio.data.formats.format import Format, Options
from studio.data.formats.hdf5 import clean_stream
from studio.data.formats.piece import Hints, Piece, pieces, plain
from studio.data.formats.xdf import inner_gaps
from studio.data.label_files import table
from studio.data.stream import Chunk, Stream
from studio.data.travel.fit import file_name
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item, Signal
from studio.errors import DataError
from studio.paths import write_atomic


def read_manifest(path: Path, hints: Hints) -> Iterator[Piece]:
    """Every recording that the manifest names, in its order. The whole manifest is checked before the first.

    Entries with one name under "recording" are streams of one recording.
    """
    path = path / "manifest.json" if path.is_dir() else path
    entries = [_entry(path, i, e, hints) for i, e in enumerate(_listed(path))]
    groups = [list(found) for _, found in itertools.groupby(enumerate(entries), _group)]
    for group in groups:
        found = [piece for _, entry in group for piece in _pieces(entry)]
        if group[0][1].plain.get("recording"):
            yield replace(_together(found, group[0][1]), of=len(groups))
        else:
            yield from (replace(piece, of=len(groups)) for piece in found)


@dataclass(frozen=True)
class _Entry:
    """A file of the set, what is known about it, and the entry as it stands."""

    file: Path
    told: Hints
    plain: dict[str, Any]


def _group(numbered: tuple[int, _Entry]) -> Any:
    number, entry = numbered
    return plain(entry.plain.get("recording")) or number


def _pieces(entry: _Entry) -> Iterator[Piece]:
    from studio.data.formats import FORMATS

    for piece in pieces(FORMATS[_format(entry.file)].read(entry.file, entry.told)):
        told = entry.told if entry.told.labels or entry.told.label else piece.told
        scale, gaps = entry.plain.get("scale"), entry.plain.get("gaps") or ()
        if scale is not None or gaps:
            piece = _marked(piece, float(scale if scale is not None else 1), [(int(a), int(n)) for a, n in gaps])
        yield replace(piece, told=told, name=plain(entry.plain.get("recording")))


def _marked(piece: Piece, scale: float, gaps: list[tuple[int, int]]) -> Piece:
    """The piece's one stream with its scale, and without the samples inside gaps."""
    stream = replace(piece.streams[0], scale=scale)
    return replace(piece, streams=(stream,), chunks=_holed(piece.chunks, stream, gaps))


def _holed(chunks: Iterable[Chunk], stream: Stream, gaps: list[tuple[int, int]]) -> Iterator[Chunk]:
    yield Chunk(stream, 0, np.zeros((0, len(stream.channels)), stream.numpy_dtype))
    for chunk in chunks:
        lost = np.zeros(len(chunk.values), bool)
        for start, count in gaps:
            lost[max(start - chunk.start, 0) : max(start + count - chunk.start, 0)] = True
        kept = np.flatnonzero(~lost)
        for run in np.split(kept, np.flatnonzero(np.diff(kept) > 1) + 1):
            if len(run):
                yield Chunk(stream, chunk.start + int(run[0]), chunk.values[run[0] : run[-1] + 1])


def _together(found: list[Piece], first: _Entry) -> Piece:
    """One recording of several files."""
    chunks = (chunk for piece in found for chunk in piece.chunks)
    streams = tuple(stream for piece in found for stream in piece.streams)
    device = first.plain.get("device") or {}
    if not isinstance(device, dict) or len({s.name for s in streams}) < len(streams):
        seen = f"recording {found[0].name!r} has a wrong device, or two streams of one name"
        raise DataError(first.file.name, seen, "Give each entry of a recording a stream of its own.")
    created = plain(first.plain.get("created"))
    return replace(found[0], streams=streams, chunks=chunks, device=device, created=created, share=None)


def _listed(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as e:
        raise DataError(str(path), "there is no such file", "A folder to import needs a manifest.json.") from e
    except (OSError, ValueError) as e:
        raise DataError(str(path), f"cannot be read ({e})", "Correct the file, then import again.") from e
    entries = found.get("recordings") if isinstance(found, dict) else None
    if not isinstance(entries, list) or not entries or not all(isinstance(e, dict) and "file" in e for e in entries):
        raise DataError(str(path), 'has no list "recordings" whose entries name a "file"', "See Help, Import.")
    return entries


def _entry(path: Path, number: int, entry: dict[str, Any], given: Hints) -> _Entry:
    """(file, what is known about it); what the person gave on the command line fills what the entry leaves out."""
    where = f"{path.name}, recording {number + 1} ({entry['file']!r})"
    file = _inside(path.parent, entry["file"], where)
    labels = _inside(path.parent, entry["labels"], where) if entry.get("labels") else None
    split = plain(entry.get("split")) or given.split
    if split not in ("", "train", "test"):
        raise DataError(where, f"split is {split!r}", "Use train or test, or leave it out.")
    try:
        rate_hz = float(entry.get("frame_rate_hz") or entry.get("rate_hz") or 0)
        channels = tuple(map(str, entry.get("channels") or ()))
    except (TypeError, ValueError) as e:
        raise DataError(where, str(e), "rate_hz is a number, channels a list of names.") from e
    if not 0 <= rate_hz < float("inf"):
        raise DataError(where, f"rate_hz is {rate_hz:g}", "Give samples per second.")
    words: dict[str, Any] = {key: plain(entry.get(key)) for key in ("unit", "stream", "kind", "label")}
    subject = plain(entry.get("subject")) or given.subject
    told = Hints(rate_hz, channels, **words, labels=labels, subject=subject, split=split)
    return _Entry(file, told, entry)


def _inside(folder: Path, name: Any, where: str) -> Path:
    """A file of the set; it must be there, and inside its folder."""
    file = folder / str(name)
    if not file.resolve().is_relative_to(folder.resolve()):
        raise DataError(where, f"{name!r} lies outside the folder", "Keep the files beside their manifest.")
    if not file.is_file():
        raise DataError(where, f"there is no file {name!r}", "Correct the name, or bring the file back.")
    return file


def _format(file: Path) -> str:
    from studio.data.formats import FORMATS
    from studio.data.formats.recognize import format_of

    files = {name: row for name, row in FORMATS.items() if name != "manifest"}
    return format_of(files, file)


# --- writing -----------------------------------------------------------------------------


def write_manifest(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """An array for each stream, labels as CSV, and the manifest that names them."""
    entries = []
    for item in items:
        for number, signal in enumerate(item.signals):
            file = f"{item.name}.{file_name(signal.stream.name)}"
            yield from write_npy(folder, [Item(file, (signal,))], options)
            entries.append(_listing(item, signal, f"{file}.npy", number == 0))
        if item.tracks:
            table.write(folder / f"{item.name}.labels.csv", item)
            yield folder / f"{item.name}.labels.csv"
    found = {"name": folder.name, "recordings": entries}
    write_atomic(folder / "manifest.json", json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    yield folder / "manifest.json"


def _listing(item: Item, signal: Signal, file: str, first: bool) -> dict[str, Any]:
    s = signal.stream
    found: dict[str, Any] = {"file": file, "recording": item.name, "rate_hz": s.rate_hz, "channels": list(s.channels)}
    found |= {"unit": s.unit, "stream": s.name, "kind": s.kind, "scale": s.scale}
    found |= {"gaps": [list(gap) for gap in signal.gaps]} if signal.gaps else {}
    found |= {"subject": item.subject, "split": item.split}
    if first:
        found |= {"created": item.created, "device": dict(item.device)}
        found |= {"labels": f"{item.name}.labels.csv"} if item.tracks else {}
    return found


FORMAT = Format(
    "Data set with manifest.json", (".json",), read_manifest, write_manifest,
    Holds(streams=True, gaps=inner_gaps, stream=clean_stream, subject=True, split=True, origin=True, tracks="all"),
    mine=lambda path: path.name == "manifest.json", note="arrays, labels as CSV, and one list of them",
)  # fmt: skip
