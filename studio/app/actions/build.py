"""From a model to C, to an image, to what it weighs."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from studio.app import models
from studio.app.card import card
from studio.app.models import Model
from studio.app.tools import TOOLS, versions
from studio.data.project import Project, open_project
from studio.errors import BuildError, InputError
from studio.firmware import weigh as scales
from studio.firmware.bare import bound_of
from studio.firmware.bill import bill
from studio.firmware.board import Board, boards
from studio.firmware.build import Image
from studio.firmware.build import build as build_image
from studio.firmware.exports import ARCHIVES, EXPORTS
from studio.firmware.exports.archive import archive
from studio.firmware.exports.facts import Facts
from studio.firmware.layers import layers, memory
from studio.firmware.optimise import OPTIMISE, folder_name, optimised
from studio.firmware.sources import firmware_of
from studio.firmware.supplies import supplies
from studio.learn.cost import estimate
from studio.paths import write_atomic
from studio.progress import Progress, Work


def build(
    project_path: Path,
    model_id: str,
    board_id: str,
    out: Path | None = None,
    optimise: str = "size",
    compare: bool = False,
) -> Work[dict[str, Any]]:
    """Image of a model for a board, with its COST; returns the `build` result.

    `compare` adds the key "other": what the model weighs when it is optimised the other way.
    """
    project = open_project(project_path)
    model = models.load(project, model_id)
    board = boards().get(board_id)
    if board is None:
        raise InputError(f"Board {board_id!r}", "is not known", f"Choose one of {', '.join(sorted(boards()))}.")
    board = optimised(board, optimise)
    folder = out or project.path / "builds" / folder_name(model.id, board.id, optimise)
    image = yield from build_image(model.graph, model.stream, board, folder)
    cost, stages = yield from _weighed(image, model, board)
    papers = _papers(image, model, board, cost)
    files = [str(p) for p in (*image.files, *papers)]
    held: dict[str, Any] = dict(memory(model.graph))
    if board.form == "elf":
        held["stack_bound_bytes"] = bound_of(model.graph, board).n_bytes
    parts: dict[str, Any] = {"layers": layers(model.graph, board, stages), "memory": held, "optimise": optimise}
    if compare and scales.can_measure(board):
        parts["other"] = yield from _otherwise(model, board, optimise)
    return {**cost, **parts, "files": files, "sha256": image.sha256, "build_hash": image.build_hash, "board": board.id}


def _otherwise(model: Model, board: Board, optimise: str) -> Work[dict[str, Any]]:
    """Flash, RAM, instructions and time of the model optimised the other way; its image is thrown away."""
    (other,) = set(OPTIMISE) - {optimise}
    board = optimised(board, other)
    yield Progress(0, 0, f"weighing it optimised for {other}")
    with TemporaryDirectory(prefix="other") as folder:
        image = yield from build_image(model.graph, model.stream, board, Path(folder))
        cost = yield from cost_of(image, model, board)
    kept = ("flash_bytes", "ram_bytes", "instructions_per_inference", "latency_ms")
    return {"optimise": other, **{key: cost[key] for key in kept}}


def firmware(board_id: str, out: Path) -> Work[dict[str, Any]]:
    """The image of a board without a model: it streams its sensors, so that there is something to record from."""
    board = boards().get(board_id)
    if board is None:
        raise InputError(f"Board {board_id!r}", "is not known", f"Choose one of {', '.join(sorted(boards()))}.")
    image = yield from build_image(None, None, board, out)
    sizes = {"flash_bytes": image.flash_bytes, "ram_bytes": image.ram_bytes}
    files = [str(p) for p in image.files]
    return sizes | {"board": board.id, "files": files, "sha256": image.sha256, "build_hash": image.build_hash}


def give_part(driver: str, path: Path) -> dict[str, Any]:
    """Keep what a sensor's maker publishes for it and the studio does not bring; builds then find it."""
    known = supplies()
    if driver not in known:
        raise InputError(
            f"Part {driver!r}", "needs nothing, or is not known", f"Choose one of {', '.join(sorted(known))}."
        )
    return {"part": driver, "kept": str(known[driver].take(path)), "n_bytes": known[driver].n_bytes}


def folder_of(project: Project, model: Model, board: Board) -> Path:
    """Where the images of a model for a board lie."""
    return project.path / "builds" / folder_name(model.id, board.id, "size")


def weigh(project: Project, model: Model, board: Board) -> Work[dict[str, Any]]:
    """COST of a model on a board, from its linked image."""
    image = yield from build_image(model.graph, model.stream, board, folder_of(project, model, board))
    return (yield from cost_of(image, model, board))


def cost_of(image: Image, model: Model, board: Board) -> Work[dict[str, Any]]:
    """Bytes from the ELF; instructions and stack from the emulated core where there is one, else an estimate."""
    return (yield from _weighed(image, model, board))[0]


def _weighed(image: Image, model: Model, board: Board) -> Work[tuple[dict[str, Any], Mapping[str, int]]]:
    """COST, and the instructions of each stage where they can be counted."""
    guess = estimate(model.graph, board.clock_hz, board.fpu).as_dict()
    cost = guess | {"flash_bytes": image.flash_bytes, "ram_bytes": image.ram_bytes, "source": "estimate"}
    if not scales.can_measure(board):
        return cost, {}
    yield Progress(0, 0, "counting instructions on the emulated core")
    measured = scales.measure(board, image, model.graph, model.stream)
    cost["instructions_per_inference"] = measured.instructions
    cost["stack_bytes"] = measured.stack_bytes
    cost["latency_ms"] = round(1000.0 * measured.instructions / board.clock_hz, 4)
    cost["source"] = "elf+emulator"
    return cost, measured.stages


def _papers(image: Image, model: Model, board: Board, cost: dict[str, Any]) -> tuple[Path, Path]:
    """The bill of materials and the model card, beside the image."""
    materials = bill(firmware_of(model.graph, model.stream, board), image) | {"tools": versions(), "licenses": TOOLS}
    texts = json.dumps(materials, indent=1, ensure_ascii=False) + "\n", card(model, board, cost)
    paths = image.bin.with_name("bom.json"), image.bin.with_name("model-card.md")
    for path, text in zip(paths, texts, strict=True):
        write_atomic(path, text)
    return paths


def export(model: Model, project: str, kind: str) -> dict[str, str | bytes]:
    """{path: content} of a model for a toolchain, with the archive where it travels as one; InputError: unknown."""
    if kind not in EXPORTS:
        raise InputError(f"Export {kind!r}", "is not known", f"Choose one of {', '.join(EXPORTS)}.")
    test = model.test
    rows = (f"Tested: {test['accuracy']:.1%} of {test['n_windows']} windows right.",) if "accuracy" in test else ()
    facts = Facts(project, model.id, model.created, rows)
    files = EXPORTS[kind](model.graph, model.stream, facts)
    return {**files, ARCHIVES[kind](facts): archive(files)} if kind in ARCHIVES else {**files}


def render(project_path: Path, model_id: str, out: Path, kind: str = "c") -> Work[dict[str, Any]]:
    """Write a model into `out` as one of EXPORTS."""
    project = open_project(project_path)
    model = models.load(project, model_id)
    yield Progress(0, 1, f"rendering {model.id}")
    files = export(model, project.name, kind)
    try:
        for name, content in files.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(out / name, content)
    except OSError as e:
        raise BuildError(str(out), str(e), "Choose a folder that can be written to.") from e
    return {"model": model.id, "as": kind, "files": [str(out / name) for name in files]}
