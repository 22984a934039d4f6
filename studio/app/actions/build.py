"""From a model to C, to an image, to what it weighs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.app import models
from studio.app.models import Model
from studio.data.project import Project, open_project
from studio.errors import BuildError, InputError
from studio.firmware import weigh as scales
from studio.firmware.board import Board, boards
from studio.firmware.build import Image
from studio.firmware.build import build as build_image
from studio.firmware.render import render as render_c
from studio.learn.cost import estimate
from studio.paths import STUBS, write_atomic
from studio.progress import Progress, Work


def build(project_path: Path, model_id: str, board_id: str, out: Path | None = None) -> Work[dict[str, Any]]:
    """Image of a model for a board, with its COST; returns the `build` result."""
    project = open_project(project_path)
    model = models.load(project, model_id)
    board = boards().get(board_id)
    if board is None:
        raise InputError(f"Board {board_id!r}", "is not known", f"Choose one of {', '.join(sorted(boards()))}.")
    folder = out or folder_of(project, model, board)
    image = yield from build_image(model.graph, model.stream, board, folder)
    cost = yield from cost_of(image, model, board)
    files = [str(p) for p in image.files]
    return {**cost, "files": files, "sha256": image.sha256, "build_hash": image.build_hash, "board": board.id}


def folder_of(project: Project, model: Model, board: Board) -> Path:
    """Where the images of a model for a board lie."""
    return project.path / "builds" / f"{model.id}-{board.id}"


def weigh(project: Project, model: Model, board: Board) -> Work[dict[str, Any]]:
    """COST of a model on a board, from its linked image."""
    image = yield from build_image(model.graph, model.stream, board, folder_of(project, model, board))
    return (yield from cost_of(image, model, board))


def cost_of(image: Image, model: Model, board: Board) -> Work[dict[str, Any]]:
    """Bytes from the ELF; instructions and stack from the emulated core where there is one, else an estimate."""
    guess = estimate(model.graph, board.clock_hz, board.fpu).as_dict()
    cost = guess | {"flash_bytes": image.flash_bytes, "ram_bytes": image.ram_bytes, "source": "estimate"}
    if not scales.can_measure(board):
        return cost
    yield Progress(0, 0, "counting instructions on the emulated core")
    measured = scales.measure(board, image, model.graph, model.stream)
    cost["instructions_per_inference"] = measured.instructions
    cost["stack_bytes"] = measured.stack_bytes
    cost["latency_ms"] = round(1000.0 * measured.instructions / board.clock_hz, 4)
    cost["source"] = "elf+emulator"
    return cost


def _as_c(model: Model) -> dict[str, str]:
    """Model, kernels and the sample loop: everything a C project needs, nothing else."""
    files = render_c(model.graph, model.stream)
    for path in sorted((STUBS / "kernels").glob("*.[ch]")):
        files[path.name] = path.read_text(encoding="utf-8")
    for name in ("model_push.c", "model_push.h"):
        files[name] = (STUBS / "runtime" / name).read_text(encoding="utf-8")
    return files


#: What `render --as` can write: name -> files of a model.
RENDERINGS: dict[str, Callable[[Model], dict[str, str]]] = {"c": _as_c}


def render(project_path: Path, model_id: str, out: Path, kind: str = "c") -> Work[dict[str, Any]]:
    """Write the generated source of a model into `out`."""
    if kind not in RENDERINGS:
        raise InputError(f"Export {kind!r}", "is not known", f"Choose one of {', '.join(RENDERINGS)}.")
    model = models.load(open_project(project_path), model_id)
    yield Progress(0, 1, f"rendering {model.id}")
    files = RENDERINGS[kind](model)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_atomic(out / name, text)
    except OSError as e:
        raise BuildError(str(out), str(e), "Choose a folder that can be written to.") from e
    return {"model": model.id, "as": kind, "files": [str(out / name) for name in files]}
