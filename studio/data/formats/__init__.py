"""Files of others: `FORMATS` says who reads which, `import_path` makes recordings of them."""

from pathlib import Path

from studio.data.formats.array import read_npy
from studio.data.formats.audio import read_audio
from studio.data.formats.importing import bring_in
from studio.data.formats.manifest import read_manifest
from studio.data.formats.piece import Reader
from studio.data.formats.text import read_csv
from studio.data.project import Project
from studio.progress import Work

#: Name -> reader. The name is also the suffix of the files; "manifest" reads a whole folder.
FORMATS: dict[str, Reader] = {
    "csv": read_csv,
    "wav": read_audio,
    "flac": read_audio,
    "npy": read_npy,
    "manifest": read_manifest,
}


def import_path(
    project: Project,
    path: Path,
    format: str | None = None,
    labels: Path | None = None,
    subject: str = "",
    split: str = "",
) -> Work[list[str]]:
    """Bring a file, or a folder with manifest.json, into `project`: all of it or, after an error, nothing.

    `labels` is a CSV start_s,stop_s,label. Returns the ids of the new recordings. DataError says what is wrong where.
    """
    return bring_in(FORMATS, project, path, format, labels, subject, split)
