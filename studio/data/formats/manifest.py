"""A whole set: a folder with `manifest.json`, which names its files and what is known about each."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.data.formats.piece import Hints, Piece, plain
from studio.errors import DataError, InputError

_KEYS = {
    "file",
    "rate_hz",
    "frame_rate_hz",
    "channels",
    "unit",
    "stream",
    "kind",
    "label",
    "labels",
    "subject",
    "split",
}


def read_manifest(path: Path, hints: Hints) -> Iterator[Piece]:
    """Every recording that the manifest names, in its order. The whole manifest is checked before the first."""
    from studio.data.formats import FORMATS
    from studio.data.formats.importing import labelled

    path = path / "manifest.json" if path.is_dir() else path
    entries = [_entry(path, i, e, hints) for i, e in enumerate(_listed(path))]
    for file, told in entries:
        for piece in FORMATS[_format(file)](file, told):
            yield replace(labelled(piece, told), of=len(entries))


def _listed(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as e:
        raise DataError(str(path), "there is no such file", "A folder to import needs a manifest.json.") from e
    except (OSError, ValueError) as e:
        raise DataError(str(path), f"cannot be read ({e})", "Correct the file, then import again.") from e
    entries = found.get("recordings") if isinstance(found, dict) else None
    if not isinstance(entries, list) or not entries or not all(isinstance(e, dict) and "file" in e for e in entries):
        raise DataError(str(path), 'has no list "recordings" whose entries name a "file"', "See Help, Import.")
    return entries


def _entry(path: Path, number: int, entry: dict[str, Any], given: Hints) -> tuple[Path, Hints]:
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
    words = {key: plain(entry.get(key)) for key in ("unit", "stream", "kind", "label")}
    subject = plain(entry.get("subject")) or given.subject
    return file, Hints(rate_hz, channels, **words, labels=labels, subject=subject, split=split)


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

    name = file.suffix.lower().lstrip(".")
    if name not in FORMATS or name == "manifest":
        known = ", ".join(f for f in FORMATS if f != "manifest")
        raise InputError(str(file), f"is a {file.suffix or 'nameless'} file", f"The studio reads {known}.")
    return name
