"""Files that hold labels alone: `LABEL_FILES` says who reads and writes which."""

from pathlib import Path

from studio.data.label_files import (
    audacity,
    elan,
    imagimob,
    impulse,
    label_studio,
    praat,
    raven,
    sensiml,
    subtitles,
    table,
)
from studio.data.label_files.about import About, LabelFormat
from studio.data.labels import Segment
from studio.data.travel.guard import reading
from studio.errors import InputError

#: Name -> how labels of that kind are read and written. The order is that in which a file is tried.
LABEL_FILES: dict[str, LabelFormat] = {
    "labels-csv": table.FORMAT,
    "audacity": audacity.FORMAT,
    "srt": subtitles.SRT,
    "webvtt": subtitles.WEBVTT,
    "elan": elan.FORMAT,
    "praat": praat.FORMAT,
    "raven": raven.FORMAT,
    "label-studio": label_studio.FORMAT,
    "imagimob-label": imagimob.FORMAT,
    "sensiml-dai": sensiml.FORMAT,
    "edge-impulse-labels": impulse.FORMAT,
}


def label_format_of(path: Path, format: str = "") -> str:
    """Name of a label file's format, by its name and a look into it; InputError when nobody reads it."""
    known = ", ".join(LABEL_FILES)
    if format:
        if format not in LABEL_FILES:
            raise InputError(f"Format {format!r}", "is not a known kind of label file", f"Choose one of {known}.")
        return format
    for name, row in LABEL_FILES.items():
        if path.name.lower().endswith(row.suffixes) and (row.mine is None or row.mine(path)):
            return name
    if path.suffix.lower() == ".csv":
        return "labels-csv"
    raise InputError(str(path), "is no kind of label file that the studio knows", f"It reads {known}.")


def is_label_file(path: Path) -> str:
    """Name of the kind of label file that `path` surely is, "" when it may be something else."""
    for name, row in LABEL_FILES.items():
        if path.is_file() and path.name.lower().endswith(row.suffixes) and (row.mine is None or row.mine(path)):
            return name
    return ""


def read_label_file(path: Path, about: About, format: str = "") -> dict[str, list[Segment]]:
    """Tracks of labels as they stand in a file; DataError says what is wrong where."""
    row = LABEL_FILES[label_format_of(path, format)]
    with reading(path, row.title):
        return {name: list(segments) for name, segments in row.read(path, about).items() if segments}
