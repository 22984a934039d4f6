"""Files of others: `FORMATS` says who reads and writes which, `import_path` makes recordings of them."""

from dataclasses import replace
from pathlib import Path

from studio.data.formats import array, audio, hdf5, imagimob, impulse, manifest, mcap_file, parquet, sensiml, xdf
from studio.data.formats import table_of_text as csv
from studio.data.formats.format import Format
from studio.data.formats.importing import bring_in
from studio.data.formats.piece import Hints
from studio.data.project import Project
from studio.data.travel.entry import Entry
from studio.progress import Work

#: Name -> how files of that format are read and written. Where several share a suffix, a look into the file decides.
FORMATS: dict[str, Format] = {
    "csv": csv.FORMAT,
    "wav": audio.WAV,
    "flac": audio.FLAC,
    "npy": array.FORMAT,
    "parquet": parquet.FORMAT,
    "hdf5": hdf5.FORMAT,
    "edge-impulse": impulse.JSON,
    "edge-impulse-cbor": impulse.CBOR,
    "imagimob": imagimob.FORMAT,
    "sensiml": sensiml.FORMAT,
    "xdf": xdf.FORMAT,
    "mcap": mcap_file.FORMAT,
    "manifest": manifest.FORMAT,
}


def import_path(
    project: Project,
    path: Path,
    format: str | None = None,
    labels: Path | None = None,
    subject: str = "",
    split: str = "",
    hints: Hints | None = None,
    said: list[Entry] | None = None,
) -> Work[list[str]]:
    """Bring a file, or a folder with manifest.json, into `project`: all of it or, after an error, nothing.

    `labels` is a label file of any kind in LABEL_FILES; `hints` say more. What had to be changed is appended to
    `said`. Returns the ids of the new recordings. DataError says what is wrong where.
    """
    told = replace(hints or Hints(), labels=labels, subject=subject, split=split)
    return bring_in(FORMATS, project, path, format, told, said if said is not None else [])
