"""A look into files before they are imported: format, streams, labels, first rows; nothing is written."""

import itertools
from pathlib import Path
from typing import Any

from studio.app.actions.import_ import LISTINGS
from studio.data.formats import FORMATS
from studio.data.formats.piece import Hints, Piece, pieces
from studio.data.formats.recognize import format_of
from studio.data.label_files import LABEL_FILES, is_label_file
from studio.data.stream import Chunk
from studio.errors import StudioError
from studio.progress import Progress, Work

#: First rows that are shown of each stream.
ROWS = 5


def preview_files(paths: tuple[Path, ...], format: str = "", hints: Hints | None = None) -> Work[list[dict[str, Any]]]:
    """One dict for each path: "path", "format", "title", "streams", "labels", "recordings", "note", "error"."""
    found = []
    for i, path in enumerate(paths):
        yield Progress(i, len(paths), f"looking at {path.name}")
        if not format and path.suffix.lower() not in LISTINGS and (kind := _is_labels(path)):
            found.append({"path": str(path), "title": kind, "labels_only": kind, "error": "", "note": ""})
            continue
        try:
            found.append(_looked(path, format, hints or Hints(quick=True)))
        except StudioError as e:
            found.append({"path": str(path), "error": str(e), "thing": e.thing, "labels_only": ""})
    return found


def _looked(path: Path, format: str, hints: Hints) -> dict[str, Any]:
    name = format_of(FORMATS, path, format or None)
    piece = next(pieces(FORMATS[name].read(path, hints)))
    chunks = list(itertools.islice((c for c in piece.chunks if len(c.values)), 8))
    return {
        "path": str(path),
        "format": name,
        "title": FORMATS[name].title,
        "streams": [_stream(piece, s.name, chunks) for s in piece.streams],
        "labels": {track: len(found) for track, found in piece.marks.items() if found},
        "recordings": piece.of,
        "subject": piece.subject,
        "split": piece.split,
        "note": " ".join(e.text for e in piece.entries),
        "error": "",
    }


def _stream(piece: Piece, name: str, chunks: list[Chunk]) -> dict[str, Any]:
    stream = next(s for s in piece.streams if s.name == name)
    first = next((c for c in chunks if c.stream.name == name), None)
    rows = first.values[:ROWS].tolist() if first is not None else []
    told = {"name": name, "rate_hz": stream.rate_hz, "channels": list(stream.channels), "unit": stream.unit}
    return told | {"dtype": stream.dtype, "kind": stream.kind, "rows": rows}


def _is_labels(path: Path) -> str:
    """The kind of label file that a path is, "" when it is none."""
    name = is_label_file(path)
    return LABEL_FILES[name].title if name else ""
