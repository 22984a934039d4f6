"""What a firmware weighs on every board: one that only streams, and one with a model of a project."""

import tempfile
from pathlib import Path
from typing import Any

from studio.app import models
from studio.app.models import Model
from studio.data.project import open_project
from studio.data.stream import Stream
from studio.errors import BuildError
from studio.firmware.board import Board, boards
from studio.firmware.build import Image, build
from studio.progress import Progress, Work


def board_sizes(project: Path | None, model_id: str = "") -> Work[dict[str, Any]]:
    """{"boards": [{"id", "streaming": {"flash_bytes", "ram_bytes"}, "model": the same or None, "why_not"}]}.

    A model is weighed on the first stream of as many channels in the same unit, at the board's own rate: that changes
    neither size. Without a project only streaming is weighed.
    """
    model = models.load(open_project(project), model_id) if project is not None else None
    known, rows = list(boards().values()), []
    for i, board in enumerate(known):
        yield Progress(i, len(known), f"building for {board.title}")
        rows.append((yield from _weighed(board, model)))
    return {"boards": rows, "model": model.id if model is not None else ""}


def _weighed(board: Board, model: Model | None) -> Work[dict[str, Any]]:
    row: dict[str, Any] = {"id": board.id, "title": board.title, "streaming": None, "model": None, "why_not": ""}
    with tempfile.TemporaryDirectory(prefix="sizes") as folder:
        try:
            row["streaming"] = _bytes((yield from build(None, None, board, Path(folder) / "streaming")))
            stream = _stream(board, model) if model is not None else None
            if model is not None and stream is not None:
                row["model"] = _bytes((yield from build(model.graph, stream, board, Path(folder) / "model")))
        except BuildError as e:
            row["why_not"] = f"{e.thing} {e.seen}"
    return row


def _stream(board: Board, model: Model) -> Stream | None:
    wanted = model.stream
    if board.any_sensor:
        return wanted
    alike = (s for s in board.streams if len(s.channels) == len(wanted.channels) and s.unit == wanted.unit)
    return next(alike, None)


def _bytes(image: Image) -> dict[str, int]:
    return {"flash_bytes": image.flash_bytes, "ram_bytes": image.ram_bytes}
