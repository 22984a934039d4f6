"""Several devices in one recording session: a recording for each, all on one time line.

Why not one recording: a recording has one origin and one clock, and a sample's address is its device's own count. So
each device keeps its own, and `data.timeline` says what moment of one is the same as a moment of another.
"""

import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.app.actions.record import result
from studio.app.live import Connection
from studio.data.project import Project, open_project
from studio.data.recording import Recording
from studio.data.timeline import offset_s
from studio.errors import DataError, StudioError
from studio.progress import Progress, Work


class Together:
    """`connections` that stream, recorded at the same time. One that fails ends alone; see its own errors."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self.connections, self.session = tuple(connections), secrets.token_hex(8)

    def start_recording(self, project: Project, subject: str = "", label: str = "") -> None:
        """All of them, or none: what had begun is closed again when one cannot."""
        begun: list[Connection] = []
        try:
            for connection in self.connections:
                connection.start_recording(project, subject, label, session=self.session)
                begun.append(connection)
        except StudioError:
            for connection in begun:
                connection.stop_recording()
            raise

    def stop_recording(self) -> tuple[Recording, ...]:
        """The recordings, in the order of the connections."""
        return tuple(connection.stop_recording() for connection in self.connections)


def record_together(
    project_path: Path, urls: Sequence[str], seconds: float = 10.0, label: str = "", subject: str = ""
) -> Work[dict[str, Any]]:
    """Record `seconds` from every URL at once; the `record` result of each, and how much later than the first it began.

    Returns {"session", "recordings": [...], "offsets_s": [...]}; an offset is None where no clock tells it.
    """
    project = open_project(project_path)
    connections = [Connection(url, reconnect=True) for url in urls]
    together = Together(connections)
    try:
        for connection in connections:
            yield Progress(0, seconds, f"opening {connection.url}")
            connection.wait()
        together.start_recording(project, subject, label)
        began_s = time.monotonic()
        while (passed := time.monotonic() - began_s) < seconds:
            yield Progress(passed, seconds, f"recording {passed:.1f} of {seconds:g} s")
            _check(connections)
            time.sleep(0.02)
        stats = [connection.stats for connection in connections]
        made = together.stop_recording()
    finally:
        for connection in connections:
            connection.close()
    told = [result(r, s, c.loss) for r, s, c in zip(made, stats, connections, strict=True)]
    return {"session": together.session, "recordings": told, "offsets_s": [_offset(made[0], r) for r in made]}


def _check(connections: Sequence[Connection]) -> None:
    for connection in connections:
        error = connection.error or connection.recording_error
        if error is not None:
            raise error


def _offset(first: Recording, other: Recording) -> float | None:
    try:
        return round(offset_s(first, other), 6)
    except DataError:
        return None
