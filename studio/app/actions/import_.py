"""Files of others become recordings of the project."""

from pathlib import Path
from typing import Any

from studio.data.formats import import_path
from studio.data.project import open_project
from studio.errors import InputError
from studio.progress import Progress, Work


def import_files(
    project_path: Path,
    paths: tuple[Path, ...],
    format: str = "",
    labels: Path | None = None,
    subject: str = "",
    split: str = "",
) -> Work[dict[str, Any]]:
    """Import files and folders; returns {"recordings": ids}. What was imported before an error stays."""
    project = open_project(project_path)
    if split not in ("", "train", "test"):
        raise InputError("Option --split", repr(split), "Give train or test.")
    ids: list[str] = []
    for i, path in enumerate(paths):
        yield Progress(i, len(paths), f"importing {path.name}")
        ids += yield from import_path(project, path, format or None, labels, subject, split)
    return {"recordings": ids}
