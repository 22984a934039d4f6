"""Out into files: worked out and reported first, written aside, then moved in together."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.data.formats import FORMATS
from studio.data.formats.format import Options, the
from studio.data.label_files import LABEL_FILES
from studio.data.raw import disk_error
from studio.data.recording import Recording
from studio.data.travel.entry import Entry
from studio.data.travel.fit import file_name, fit
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item, item_of
from studio.errors import InputError
from studio.progress import Progress, Work


@dataclass(frozen=True, eq=False)
class Plan:
    """What an export will write, and what the format cannot hold."""

    format: str
    items: tuple[Item, ...]
    entries: tuple[Entry, ...]


def holds_of(format: str) -> Holds:
    """What a format holds, of data or of labels alone; InputError when nobody here writes it."""
    if format in LABEL_FILES:
        return LABEL_FILES[format].holds
    if format not in FORMATS:
        known = ", ".join([*(n for n, f in FORMATS.items() if f.write is not None), *LABEL_FILES])
        raise InputError(f"Format {format!r}", "is not known", f"Choose one of {known}.")
    return the(FORMATS, format).holds


def plan(recordings: Sequence[Recording], format: str) -> Work[Plan]:
    """Work out what will be written; reads samples where their values decide."""
    holds = holds_of(format)
    items: list[Item] = []
    entries: list[Entry] = []
    for i, recording in enumerate(recordings):
        yield Progress(i, len(recordings), f"looking at {recording.id}")
        fitted, said = fit(item_of(recording), holds)
        items += [item for item in fitted if item.signals or format in LABEL_FILES]
        entries += said
    return Plan(format, tuple(_apart(items)), tuple(entries))


def _apart(items: Sequence[Item]) -> list[Item]:
    """Items with names that are files' on every system, each its own."""
    taken: set[str] = set()
    found = []
    for item in items:
        name = base = file_name(item.name)
        number = 2
        while name.casefold() in taken:
            name, number = f"{base} {number}", number + 1
        taken.add(name.casefold())
        found.append(replace(item, name=name))
    return found


def carry_out(made: Plan, out: Path, options: Options | None = None) -> Work[list[Path]]:
    """Write the files of a plan into the folder `out`: all, or after an error or a cancel none."""
    parent = _existing(out)
    try:
        aside = Path(tempfile.mkdtemp(prefix=".export-", dir=parent))
    except OSError as e:
        raise disk_error(parent, e) from e
    try:
        n = max(1, len(made.items))
        for i, path in enumerate(_written(made, aside, options or Options())):
            yield Progress(min(i, n), n, f"writing {path.name}")
        return _move_in(aside, out)
    except OSError as e:
        raise disk_error(out, e) from e
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _existing(out: Path) -> Path:
    """The nearest folder above `out` that is there; InputError when `out` is a file."""
    if out.is_file():
        raise InputError(str(out), "is a file", "Choose a folder to export into.")
    place = out.resolve()
    while not place.is_dir():
        place = place.parent
    return place


def _written(made: Plan, folder: Path, options: Options) -> Any:
    if made.format not in LABEL_FILES:
        yield from _writer(made.format)(folder, list(made.items), options)
        return
    row = LABEL_FILES[made.format]
    for item in made.items:
        if item.tracks:
            path = folder / f"{item.name}{_suffix(made.format)}"
            row.write(path, item)
            yield path


def _suffix(format: str) -> str:
    return {"praat": ".TextGrid", "labels-csv": ".labels.csv"}.get(format, LABEL_FILES[format].suffixes[0])


def _writer(format: str) -> Any:
    return the(FORMATS, format).write


def _move_in(aside: Path, out: Path) -> list[Path]:
    """Move every file to its place; what stands there already stays, and nothing is moved."""
    files = [p for p in sorted(aside.rglob("*")) if p.is_file()]
    there = [p for p in files if (out / p.relative_to(aside)).exists()]
    if there:
        name = there[0].relative_to(aside)
        raise InputError(str(out / name), "exists already", "Choose an empty folder, or move the file away.")
    moved = []
    for path in files:
        target = out / path.relative_to(aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
        moved.append(target)
    return moved


def table_of_formats() -> list[Mapping[str, Any]]:
    """Both tables for people: name, title, what it cannot hold, whether it is of labels alone."""
    from studio.data.travel.holds import cannot

    rows: list[Mapping[str, Any]] = []
    for labels_only, found in ((False, FORMATS), (True, LABEL_FILES)):
        for name, row in found.items():
            if row.write is not None:
                told = {"name": name, "title": row.title, "cannot": cannot(row.holds), "note": row.note}
                rows.append(told | {"labels_only": labels_only, "suffix": row.suffixes[0]})
    return rows
