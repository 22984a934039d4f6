"""From pieces to recordings of a project: written aside, then moved in together, so nothing is ever half there."""

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from studio.data.formats.format import Format
from studio.data.formats.piece import Hints, Piece
from studio.data.formats.recognize import format_of
from studio.data.label_files import read_label_file
from studio.data.label_files.about import About
from studio.data.labels import Segment
from studio.data.project import Project, new_recording_path, open_project, save, with_classes
from studio.data.raw import disk_error
from studio.data.recording import Recording, Writer
from studio.data.recording import save as save_recording
from studio.data.travel.entry import Entry
from studio.data.travel.settle import Marks, settle
from studio.errors import DataError, InputError
from studio.progress import Progress, Work

#: An import that did not end for so long was killed.
STALE_S = 86400.0
#: Labels rounded to milliseconds may stop so much after the last sample.
ROUNDED_S = 1.1e-3


def bring_in(
    formats: Mapping[str, Format],
    project: Project,
    path: Path,
    format: str | None,
    hints: Hints,
    said: list[Entry],
) -> Work[list[str]]:
    """See `studio.data.formats.import_path`."""
    name = format_of(formats, path, format)
    if hints.labels and name == "manifest":
        raise InputError(str(path), "is a set that names its own labels", "Leave the labels file out.")
    _sweep(project)
    try:
        aside = Path(tempfile.mkdtemp(prefix=".import-", dir=project.recordings_path))
    except OSError as e:
        raise disk_error(project.recordings_path, e) from e
    news: list[Entry] = []
    try:
        written = yield from _write_all(formats[name].read(path, hints), path, aside, hints, news)
        ids = _move_in(project, written)
        _add_classes(project, ids)
        places = {folder.name: id for (folder, _), id in zip(written, ids, strict=True)}
        said += [replace(e, recording=places.get(e.recording, e.recording)) for e in news]
        return ids
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write_all(
    found: Iterable[Piece | Progress], path: Path, aside: Path, hints: Hints, news: list[Entry]
) -> Work[list[tuple[Path, str]]]:
    """(folder, what it may be called) of each recording, written aside; what was changed goes to `news`."""
    written: list[tuple[Path, str]] = []
    for piece in found:
        if isinstance(piece, Progress):
            yield Progress(piece.done, piece.total, f"looking through {path.name}, {piece.done:.0%}")
            continue
        folder = aside / f"{len(written):06d}"
        news += yield from _write(piece, folder, len(written), hints)
        written.append((folder, piece.name or piece.source.stem))
    return written


def _write(piece: Piece, folder: Path, number: int, hints: Hints) -> Work[list[Entry]]:
    """One recording, written aside; says what had to be changed."""
    text = f"importing {piece.source.name}"
    yield Progress(number, piece.of, text)
    device = dict(piece.device) | {"imported_from": piece.source.name}
    writer = Writer(folder, piece.streams, subject=piece.subject, device=device)
    last = 0.0
    try:
        for chunk in piece.chunks:
            writer.append(chunk)
            now = piece.share() if piece.share is not None else 0.0
            if last + 0.005 < now < 1:
                last = now
                yield Progress(number + now, piece.of, f"{text}, {now:.0%}")
    finally:
        recording = writer.close()
    told = piece.told or hints
    marks = _marks(piece, recording, told)
    slack_s = max((1.0 / s.rate_hz for s in recording.streams), default=0.0)
    where = f"{piece.source.name} (in {told.labels.name})" if told.labels else piece.source.name
    tracks, entries = settle(marks, recording.duration_s, max(slack_s, ROUNDED_S), where, folder.name)
    device["sha256"] = _digest(piece.source)
    created = piece.created or recording.created
    save_recording(replace(recording, labels=tracks, split=piece.split, device=device, created=created))
    return [*(replace(e, recording=folder.name) for e in piece.entries), *entries]


def _marks(piece: Piece, recording: Recording, told: Hints) -> Marks:
    """The labels: of the file that was named, of the whole, or of the piece itself."""
    if told.labels is not None:
        return read_label_file(told.labels, about(recording, piece.source.name), told.labels_format)
    if told.label:
        return {"labels": (Segment(0.0, recording.duration_s, told.label),)}
    return piece.marks


def about(recording: Recording, file: str) -> About:
    """What a reader of labels may ask about the recording they belong to."""
    longest = max(recording.streams, key=lambda s: recording.n_samples[s.name] / s.rate_hz, default=None)
    rate_hz = longest.rate_hz if longest else 1.0
    return About(file, rate_hz, recording.n_samples[longest.name] if longest else 0, recording.duration_s)


def _digest(source: Path) -> str:
    if not source.is_file():
        return ""
    with open(source, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def _add_classes(project: Project, ids: list[str]) -> None:
    from studio.data.recording import load

    tracks = [t for i in ids for name, t in load(project.recordings_path / i).labels.items() if _by_person(name)]
    names = [s.label for track in tracks for s in track.segments]
    now = open_project(project.path)
    classes = with_classes(now.classes, list(dict.fromkeys(names)))
    if classes != now.classes:
        save(replace(now, classes=classes))


def _by_person(track: str) -> bool:
    return not track.startswith(("predicted:", "proposed:"))


def _sweep(project: Project) -> None:
    """Remove what an import left that was killed long ago."""
    for left in project.recordings_path.glob(".import-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_S:
                shutil.rmtree(left, ignore_errors=True)


def no_samples(path: Path) -> DataError:
    """A file without anything to import."""
    return DataError(str(path), "holds no sample", "Leave it out of the import.")
