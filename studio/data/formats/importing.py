"""From pieces to recordings of a project: written aside, then moved in together, so nothing is ever half there."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from studio.data.formats.piece import Hints, Piece, Reader
from studio.data.formats.text import read_labels
from studio.data.labels import Labels, Segment
from studio.data.project import Project, new_recording_path, open_project, save, with_classes
from studio.data.raw import disk_error
from studio.data.recording import write_chunks
from studio.errors import DataError, InputError
from studio.progress import Progress, Work


def bring_in(
    formats: Mapping[str, Reader],
    project: Project,
    path: Path,
    format: str | None,
    labels: Path | None,
    subject: str,
    split: str,
) -> Work[list[str]]:
    """See `studio.data.formats.import_path`."""
    reader = formats[_format_of(formats, path, format)]
    if labels and reader is formats["manifest"]:
        raise InputError(str(path), "is a set that names its own labels", "Leave the labels file out.")
    hints = Hints(labels=labels, subject=subject, split=split)
    try:
        aside = Path(tempfile.mkdtemp(prefix=".import-", dir=project.recordings_path))
    except OSError as e:
        raise disk_error(project.recordings_path, e) from e
    try:
        written: list[tuple[Path, str]] = []
        names: list[str] = []
        for i, piece in enumerate(reader(path, hints)):
            piece = labelled(piece, hints) if not piece.labels or labels else piece
            yield Progress(i, piece.of, f"importing {piece.source.name}")
            written.append((_write(piece, aside / f"{i:06d}"), piece.source.stem))
            names += [s.label for s in piece.labels.segments]
        ids = _move_in(project, written)
        _add_classes(project, names)
        return ids
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def labelled(piece: Piece, hints: Hints) -> Piece:
    """The piece with the labels that the hints give. DataError for a label past its end."""
    end_s, track = piece.duration_s, piece.labels
    if hints.labels is not None:
        track = _fitted(read_labels(hints.labels), piece, hints.labels.name)
    elif hints.label:
        track = Labels((Segment(0.0, end_s, hints.label),))
    return replace(piece, labels=track)


def _fitted(track: Labels, piece: Piece, where: str) -> Labels:
    """A border within one sample of the end is the end: labels are often rounded."""
    end_s = piece.duration_s
    slack_s = 1.0 / min(s.rate_hz for s in piece.streams)
    kept = tuple(replace(s, stop_s=end_s) if end_s < s.stop_s <= end_s + slack_s else s for s in track.segments)
    fitted = Labels(kept)
    fitted.check(end_s, f"{piece.source.name} (in {where})")
    return fitted


def _write(piece: Piece, folder: Path) -> Path:
    digest = hashlib.sha256(piece.source.read_bytes()).hexdigest()
    device = {"imported_from": piece.source.name, "sha256": digest}
    tracks = {"labels": piece.labels} if piece.labels.segments else {}
    write_chunks(folder, piece.streams, piece.chunks, tracks, piece.subject, piece.split, device)
    return folder


def _move_in(project: Project, written: list[tuple[Path, str]]) -> list[str]:
    """Rename every folder to its place; after an error those that were moved go back."""
    moved: list[Path] = []
    try:
        for folder, hint in written:
            target = new_recording_path(project, hint)
            os.rename(folder, target)
            moved.append(target)
    except OSError as e:
        for target in moved:
            shutil.rmtree(target, ignore_errors=True)
        raise disk_error(project.recordings_path, e) from e
    return [target.name for target in moved]


def _add_classes(project: Project, names: list[str]) -> None:
    now = open_project(project.path)
    classes = with_classes(now.classes, list(dict.fromkeys(names)))
    if classes != now.classes:
        save(replace(now, classes=classes))


def _format_of(formats: Mapping[str, Reader], path: Path, format: str | None) -> str:
    known = ", ".join(formats)
    if format:
        if format not in formats:
            raise InputError(f"Format {format!r}", "is not known", f"Choose one of {known}.")
        return format
    if not path.exists():
        raise DataError(str(path), "there is no such file", "Check the name and the folder.")
    name = "manifest" if path.is_dir() or path.name == "manifest.json" else path.suffix.lower().lstrip(".")
    if name not in formats:
        raise InputError(str(path), f"is a {path.suffix or 'nameless'} file", f"The studio reads {known}.")
    return name
