"""Files of others become recordings of the project."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

from studio.data.formats import import_path
from studio.data.formats.piece import Hints
from studio.data.project import open_project
from studio.data.travel.entry import Entry
from studio.errors import InputError
from studio.progress import Progress, Work


def import_files(
    project_path: Path,
    paths: tuple[Path, ...],
    format: str = "",
    labels: Path | None = None,
    subject: str = "",
    split: str = "",
    hints: Hints | None = None,
    stop: Path | None = None,
) -> Work[dict[str, Any]]:
    """Import files and folders; returns {"recordings": ids, "report": what had to be changed}.

    What was imported before an error stays. When a file `stop` appears, the one being imported is given up: that is
    how a window ends work in another process without leaving anything half done.
    """
    project = open_project(project_path)
    if split not in ("", "train", "test"):
        raise InputError("Option --split", repr(split), "Give train or test.")
    ids: list[str] = []
    said: list[Entry] = []
    stopped = False
    for i, path in enumerate(paths):
        yield Progress(i, len(paths), f"importing {path.name}")
        work = import_path(project, path, format or None, labels, subject, split, hints, said)
        found = yield from until(work, stop)
        stopped = found is None
        ids += found or []
        if stopped:
            break
    return {"recordings": ids, "report": [e.plain() for e in said], "stopped": stopped}


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
