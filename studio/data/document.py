"""`recording.json` as a file: read, written in one step, and what a broken one means."""

import contextlib
import json
from pathlib import Path
from typing import Any

from studio.data.raw import disk_error
from studio.errors import DataError
from studio.paths import write_atomic

FORMAT = 1


def document(path: Path) -> dict[str, Any]:
    """What `recording.json` says; DataError when there is none, it cannot be read, or a newer studio made it."""
    try:
        found = json.loads((path / "recording.json").read_text(encoding="utf-8"))
    except FileNotFoundError as e:
        raise DataError(str(path), "holds no recording.json", "Choose a folder inside a project's recordings.") from e
    except (OSError, ValueError) as e:
        raise broken(path, f"cannot be read ({e})") from e
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise broken(path, "does not say its format")
    if found["format"] > FORMAT:
        seen = f"has format {found['format']}, this studio knows up to {FORMAT}"
        raise DataError(str(path / "recording.json"), seen, "Update the studio to open it.")
    return found


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Write it in one step; DataError when the disk refuses."""
    try:
        write_atomic(path / "recording.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    except OSError as e:
        raise disk_error(path, e) from e


def broken(path: Path, seen: str) -> DataError:
    """What a `recording.json` that cannot be used means to a person."""
    next_step = "The samples beside it are untouched; bring recording.json back from a copy."
    return DataError(str(path / "recording.json"), seen, next_step)


def written(path: Path) -> tuple[int, int]:
    """Which writing of `recording.json` this is."""
    with contextlib.suppress(OSError):
        now = (path / "recording.json").stat()
        return now.st_ino, now.st_mtime_ns
    return 0, 0
