"""Recordings and labels become files of others; what the format cannot hold is said."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.app.actions.import_ import until
from studio.data.formats.exporting import Plan, carry_out, holds_of, plan
from studio.data.formats.format import Options
from studio.data.project import open_project, recordings
from studio.data.recording import Recording
from studio.errors import InputError
from studio.progress import Work


def export_files(
    project_path: Path,
    out: Path,
    format: str,
    ids: Sequence[str] = (),
    key: str = "0",
    stop: Path | None = None,
) -> Work[dict[str, Any]]:
    """Write recordings (all, or those of `ids`) into the folder `out`.

    Returns {"format", "recordings", "files", "report": [{"recording","kind","where","count","text"}]}.
    """
    holds_of(format)
    chosen = _chosen(project_path, ids)
    made: Plan = yield from plan(chosen, format)
    files = yield from until(carry_out(made, out, Options(key)), stop)
    return {
        "format": format,
        "recordings": [r.id for r in chosen],
        "files": [str(f) for f in files or []],
        "report": [e.plain() for e in made.entries],
        "stopped": files is None,
    }


def export_report(project_path: Path, format: str, ids: Sequence[str] = ()) -> Work[dict[str, Any]]:
    """What an export would lose; writes nothing."""
    made = yield from plan(_chosen(project_path, ids), format)
    return {"format": format, "files": len(made.items), "report": [e.plain() for e in made.entries]}


def _chosen(project_path: Path, ids: Sequence[str]) -> tuple[Recording, ...]:
    """The recordings in question; InputError when one is not there, or there are none."""
    found = {r.id: r for r in recordings(open_project(project_path))}
    missing = [i for i in ids if i not in found]
    if missing:
        raise InputError(f"Recording {missing[0]!r}", "is not in the project", f"It has {', '.join(list(found)[:6])}.")
    if not found:
        raise InputError(str(project_path), "has no recording", "Record or import something first.")
    return tuple(found[i] for i in ids) if ids else tuple(found.values())
