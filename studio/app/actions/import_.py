"""Files of others become recordings of the project."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.data.formats import import_path
from studio.data.formats.importing import ROUNDED_S, about
from studio.data.formats.piece import Hints
from studio.data.label_files import is_label_file, read_label_file
from studio.data.labels import Labels
from studio.data.project import Project, open_project, recordings, with_classes
from studio.data.project import save as save_project
from studio.data.recording import Recording, load
from studio.data.recording import save as save_recording
from studio.data.travel.entry import Entry
from studio.data.travel.settle import settle
from studio.errors import InputError
from studio.progress import Progress, Work

#: Label files that also name the recordings they are about, and bring them along.
LISTINGS = (".dcli", ".dai")


def import_files(
    project_path: Path,
    paths: tuple[Path, ...],
    format: str = "",
    labels: Path | None = None,
    subject: str = "",
    split: str = "",
    hints: Hints | None = None,
    pairs: tuple[tuple[Path, Path], ...] = (),
    stop: Path | None = None,
    into: str = "",
) -> Work[dict[str, Any]]:
    """Import files and folders; returns {"recordings": ids, "report": what had to be changed, "labelled": ids}.

    `labels` is the label file of all of them, `pairs` name one for some. A file of labels alone goes to the recording
    `into`, or to the one it was made for, as tracks beside those there. What was imported before an error stays. When
    a file `stop` appears, the one being imported is given up: that is how a window ends work in another process
    without leaving anything half done.
    """
    project = open_project(project_path)
    if split not in ("", "train", "test"):
        raise InputError("Option --split", repr(split), "Give train or test.")
    ids: list[str] = []
    said: list[Entry] = []
    labelled: list[str] = []
    stopped = False
    for i, path in enumerate(paths):
        yield Progress(i, len(paths), f"importing {path.name}")
        if into or _labels_alone(path, format):
            labelled.append((yield from import_labels(project_path, path, into, format, said)))
            continue
        work = import_path(project, path, format or None, dict(pairs).get(path, labels), subject, split, hints, said)
        found = yield from until(work, stop)
        stopped = found is None
        ids += found or []
        if stopped:
            break
    return {"recordings": ids, "labelled": labelled, "report": [e.plain() for e in said], "stopped": stopped}


def _labels_alone(path: Path, format: str) -> bool:
    return not format and bool(is_label_file(path)) and path.suffix.lower() not in LISTINGS


def import_labels(project_path: Path, path: Path, into: str, format: str, said: list[Entry]) -> Work[str]:
    """Labels out of a file become tracks of a recording that is here; returns its id."""
    found = yield from read_labels(project_path, path, into, format)
    said += [Entry(**e) for e in found["report"]]
    project = open_project(project_path)
    recording = load(project.recordings_path / found["recording"])
    save_recording(replace(recording, labels=recording.labels | found["tracks"]))
    add_classes(project, found["tracks"])
    return recording.id


def add_classes(project: Project, tracks: Mapping[str, Labels]) -> None:
    """The project gets a class for every label that has none."""
    names = [s.label for track in tracks.values() for s in track.segments]
    classes = with_classes(project.classes, list(dict.fromkeys(names)))
    if classes != project.classes:
        save_project(replace(project, classes=classes))


def read_labels(
    project_path: Path, path: Path, into: str = "", format: str = "", stop: Path | None = None
) -> Work[dict[str, Any]]:
    """{"recording": id, "tracks": {name: Labels}, "report"}; nothing is changed.

    A track whose name is taken by labels of the recording gets the file's name beside it. It is too quick
    for `stop` to matter.
    """
    yield Progress(0, 1, f"reading {path.name}")
    recording = _meant(project_path, path, into)
    file = str(recording.device.get("imported_from") or f"{recording.id}.csv")
    marks = read_label_file(path, about(recording, file), format)
    slack_s = max([ROUNDED_S, *(1 / s.rate_hz for s in recording.streams)])
    tracks, entries = settle(marks, recording.duration_s, slack_s, path.name, recording.id)
    named = {_beside(name, path, recording): track for name, track in tracks.items()}
    return {"recording": recording.id, "tracks": named, "report": [e.plain() for e in entries]}


def _beside(name: str, path: Path, recording: Recording) -> str:
    found = name if not len(recording.labels.get(name, ())) else f"{name}:{path.stem}"
    number = 2
    while len(recording.labels.get(found, ())):
        found, number = f"{name}:{path.stem} {number}", number + 1
    return found


def _meant(project_path: Path, path: Path, into: str) -> Recording:
    """The recording that labels belong to: the one named, else the one of the file's name, else the only one."""
    found = recordings(open_project(project_path))
    if into:
        fits = [r for r in found if r.id == into]
    else:
        stems = {path.stem.lower(), path.name.lower().split(".")[0]}
        fits = [r for r in found if {r.id.lower(), Path(str(r.device.get("imported_from"))).stem.lower()} & stems]
        fits = fits or list(found)
    if len(fits) == 1:
        return fits[0]
    seen = f"names no recording of the project ({into})" if into else f"could be of {len(fits)} recordings"
    raise InputError(str(path), seen, "Say which one: --into ID.")


def until(work: Work[Any], stop: Path | None) -> Generator[Progress, None, Any]:
    """The work's result; None when a file `stop` appeared before its end."""
    try:
        while stop is None or not stop.exists():
            yield next(work)
    except StopIteration as end:
        return end.value
    finally:
        work.close()
    return None
