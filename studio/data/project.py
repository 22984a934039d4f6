"""A project: a folder with `project.json`, `recordings/<id>/`, `models/<id>/` and `builds/`, readable by anyone."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from studio.data.raw import disk_error
from studio.data.recording import Recording, load
from studio.errors import DataError, ProjectError
from studio.paths import write_atomic

FORMAT = 1
#: Colours for classes that have none yet; told apart by the colour-blind, on light and dark.
COLORS = ("#4C9BE8", "#E8A33D", "#5DB075", "#D65D8E", "#9B7BE0", "#3DB8B0", "#C9733F", "#8A9A3B", "#6F86A6", "#C85A54")


@dataclass(frozen=True)
class LabelClass:
    """A class that labels may carry: its colour on the plots, and the key that sets it."""

    name: str
    color: str
    key: str = ""


@dataclass(frozen=True, eq=False)
class Project:
    """What `project.json` holds. `settings` are the project's own choices, by name."""

    path: Path
    name: str
    classes: tuple[LabelClass, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def recordings_path(self) -> Path:
        """Where the recordings are."""
        return self.path / "recordings"


def create(path: Path, name: str = "") -> Project:
    """A new, empty project; ProjectError when the folder is one already or cannot be written."""
    path = Path(path)
    if (path / "project.json").exists():
        raise ProjectError(
            str(path), "is a project already", f"Open it with `studio {path}`, or choose another folder."
        )
    project = Project(path, name or path.resolve().name)
    try:
        for folder in ("recordings", "models", "builds"):
            (path / folder).mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise _unwritable(path, e) from e
    save(project)
    return project


def open_project(path: Path) -> Project:
    """The project in a folder; ProjectError when there is none, it cannot be read, or a newer studio made it."""
    path = Path(path)
    try:
        found = json.loads((path / "project.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as e:
        next_step = f"Create one with `studio new {path}`, or choose the folder that holds project.json."
        raise ProjectError(str(path), "is not a project", next_step) from e
    except (OSError, ValueError) as e:
        raise _broken(path, f"cannot be read ({e})") from e
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise _broken(path, "does not say its format")
    if found["format"] > FORMAT:
        seen = f"was made by a newer studio (format {found['format']}; this one knows up to {FORMAT})"
        raise ProjectError(str(path), seen, "Update the studio to open it. Nothing was changed.")
    try:
        classes = tuple(LabelClass(**c) for c in found["classes"])
        return Project(path, str(found["name"]), classes, dict(found["settings"]), found["format"])
    except (KeyError, TypeError, ValueError) as e:
        raise _broken(path, f"a field is missing or wrong ({type(e).__name__}: {e})") from e


def save(project: Project) -> None:
    """Write `project.json` in one step; ProjectError when the disk will not take it."""
    kept = {"format": FORMAT, "name": project.name}
    kept |= {"classes": [asdict(c) for c in project.classes], "settings": project.settings}
    try:
        write_atomic(project.path / "project.json", json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    except OSError as e:
        raise _unwritable(project.path, e) from e


def recordings(project: Project, broken: list[DataError] | None = None) -> tuple[Recording, ...]:
    """Every recording, by id. Those that cannot be read go into `broken`, or raise DataError when it is None."""
    found: list[Recording] = []
    for folder in sorted(project.recordings_path.glob("*/recording.json")):
        if folder.parent.name.startswith("."):
            continue  # an import that did not finish
        try:
            found.append(load(folder.parent))
        except DataError as e:
            if broken is None:
                raise
            broken.append(e)
    return tuple(found)


def new_recording_path(project: Project, hint: str = "recording") -> Path:
    """A free folder for a recording, such as `recordings/wave-003`; it is not created."""
    project.recordings_path.mkdir(parents=True, exist_ok=True)
    slug = re.sub(r"[^\w]+", "-", hint).strip("-_")[:40] or "recording"
    taken = {name.casefold() for name in os.listdir(project.recordings_path)}
    number = 1
    while f"{slug}-{number:03d}".casefold() in taken:
        number += 1
    return project.recordings_path / f"{slug}-{number:03d}"


def with_classes(classes: Sequence[LabelClass], names: Sequence[str]) -> tuple[LabelClass, ...]:
    """`classes` and one more for every new name, each with a free colour and a digit as its key."""
    found = list(classes)
    for name in names:
        if name not in {c.name for c in found}:
            keys = [k for k in "123456789" if k not in {c.key for c in found}]
            colors = [c for c in COLORS if c not in {f.color for f in found}] or [COLORS[len(found) % len(COLORS)]]
            found.append(LabelClass(name, colors[0], keys[0] if keys else ""))
    return tuple(found)


def _broken(path: Path, seen: str) -> ProjectError:
    next_step = "Bring it back from a copy; the recordings beside it are untouched."
    return ProjectError(str(path / "project.json"), seen, next_step)


def _unwritable(path: Path, error: OSError) -> ProjectError:
    found = disk_error(path, error)
    return ProjectError(found.thing, found.seen, "Choose a folder that you may write to, with space on its disk.")
