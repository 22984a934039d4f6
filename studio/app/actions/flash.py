"""Onto the board, and proof that what answers is what was built."""

from pathlib import Path
from typing import Any

import numpy as np

from studio.app import models
from studio.app.actions.evaluate import windows_for
from studio.app.links import open_link
from studio.data.project import open_project, recordings
from studio.data.stream import Array
from studio.data.talk import Talk
from studio.errors import InputError
from studio.firmware.flash import flash as write_image
from studio.firmware.verify import verify as compare
from studio.progress import Progress, Work


def flash(image: Path, url: str) -> Work[dict[str, Any]]:
    """Write an image to the board at `url`; returns the `flash` result once the board answers with its build hash."""
    if not image.is_file():
        raise InputError(str(image), "does not exist", "Build it first: `studio build PROJECT MODEL --board ID`.")
    yield Progress(0, 0, f"opening {url}")
    link = open_link(url)
    try:
        return (yield from write_image(Talk(link), image))
    finally:
        link.close()


def verify(project_path: Path, model_id: str, url: str, n: int = 200) -> Work[dict[str, Any]]:
    """Replay `n` stored windows through the board and compare every stage bit for bit; returns the `verify` result."""
    project = open_project(project_path)
    model = models.load(project, model_id)
    raw = stored_windows(windows_for(model, recordings(project)).raw, n)
    yield Progress(0, n, f"opening {url}")
    link = open_link(url)
    try:
        return (yield from compare(Talk(link), model.graph, model.stream, raw))
    finally:
        link.close()


def stored_windows(raw: Array, n: int) -> Array:
    """`n` of the windows, spread over all of them; all when there are fewer."""
    if n < 1:
        raise InputError("Number of windows", str(n), "Give at least 1.")
    chosen: Array = raw[np.linspace(0, len(raw) - 1, min(n, len(raw))).astype(int)]
    return chosen
