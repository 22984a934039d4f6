"""A model without any firmware around it: compiled for a core, weighed, and counted instruction by instruction.

For benchmarks: this is what a model costs a program that already has everything else. Flash is code and constants of
the model and its kernels; RAM is its arena and variables, and the stack it was seen to use. The window it is given and
the scores it returns belong to the caller. Where rows are worked out while samples come in, the counts are without.
"""

import io
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio import zig
from studio.data.stream import Array, Stream
from studio.errors import BuildError, VerifyError
from studio.firmware.board import Board
from studio.firmware.render import render
from studio.firmware.sources import WARNINGS, freestanding
from studio.firmware.stack import FLAG, StackBound, stack_bound
from studio.graph.graph import Graph
from studio.graph.rows import rows_of, stages_on_board
from studio.paths import STUBS

SCRIPT = """
SECTIONS { . = 0x1000; .text : { *(.text*) } .rodata : { *(.rodata*) } .ARM.exidx : { *(.ARM.exidx*) }
           . = 0x20000000; .data : { *(.data*) } .bss : { *(SORT_BY_ALIGNMENT(.bss*)) *(COMMON) } }
"""
NOWHERE = 0x20000000 + (4 << 20) - 8  # the end of the RAM that boardside/count.py gives


@dataclass(frozen=True, eq=False)
class Bare:
    """Flash, RAM, stack and instructions are those of a model without taps. `stages` are (name, instructions) of each
    node for the first window; `scores` (n, n_classes) float32.

    `stack_bytes` were seen, and never more than `stack_bound_bytes` can be.
    """

    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    stack_bound_bytes: int
    instructions: int
    stages: tuple[tuple[str, int], ...]
    scores: Array


def bare(graph: Graph, board: Board, windows: Array) -> Bare:
    """`graph` on the core of `board`, run on filtered windows (n, length, n_channels) float32."""
    stream = Stream("input", graph.rate_hz, graph.channels, "", "f32", 1.0, "input")
    with tempfile.TemporaryDirectory(prefix="bare") as folder:
        elf = _linked(Path(folder), render(graph, stream), board, taps=False)
        tapped = _linked(Path(folder), render(graph, stream), board)
    held = [w.tobytes() for w in held_windows(graph, windows)]
    runs, (_, _, flash, ram) = _run(elf, graph, board, held)["runs"], _read(elf)
    scores = np.frombuffer(b"".join(r["output"] for r in runs), np.float32).reshape(len(windows), -1)
    marks = _run(tapped, graph, board, held[:1])["marks"]
    ends = [0, *(ticks for _, ticks in marks)]
    names = [stages_on_board(graph)[stage] for stage, _ in marks]
    stages = tuple((name, b - a) for name, a, b in zip(names, ends[:-1], ends[1:], strict=True))
    stack = max(r["stack_bytes"] for r in runs)
    bound = stack_bound(elf).n_bytes
    return Bare(flash, ram, stack, bound, max(r["instructions"] for r in runs), stages, scores)


def _run(elf: bytes, graph: Graph, board: Board, windows: list[bytes]) -> dict[str, Any]:
    """The linked model counted on what a board's window holds; marks of stages where it has taps."""
    segments, symbols, _, _ = _read(elf)
    request = {"core": board.core, "segments": segments, "function": symbols["model_run"], "windows": windows}
    return _counted(request | {"tap": symbols.get("model_tap", NOWHERE), "n_output": 4 * len(graph.classes)})


def bound_of(graph: Graph, board: Board) -> StackBound:
    """The most stack that a window can need on `board`, from its first call on."""
    stream = Stream("input", graph.rate_hz, graph.channels, "", "f32", 1.0, "input")
    with tempfile.TemporaryDirectory(prefix="bare") as folder:
        return stack_bound(_linked(Path(folder), render(graph, stream), board))


def held_windows(graph: Graph, windows: Array) -> Array:
    """What a board's window holds for filtered windows (n, length, n_channels): the same, or rows of features."""
    held, rows = np.ascontiguousarray(windows, np.float32), rows_of(graph)
    for node in rows.nodes if rows else ():
        held = node.op.run(held)
    return held


def _linked(folder: Path, texts: dict[str, str], board: Board, taps: bool = True) -> bytes:
    if board.form != "elf":
        raise BuildError(board.title, "has no core that can be counted", "Choose a Cortex-M board.")
    for name, text in {**texts, "bare.ld": SCRIPT}.items():
        (folder / name).write_text(text, encoding="utf-8")
    kernels = [p for p in sorted((STUBS / "kernels").glob("*.c")) if p.stem != "freestanding"]
    flags = [f for f in board.flags if not f.startswith("-Wl,-e")]
    rooms = [f"-I{folder}", f"-I{STUBS / 'kernels'}", f"-I{STUBS / 'kernels' / 'inc'}"]
    files = [folder / "model.c", *kernels, *freestanding(board)]
    rooms.append(f"-DMODEL_TAPS={int(taps)}")
    end = ["-g", FLAG, "-T", str(folder / "bare.ld"), "-Wl,-e,model_run", "-o", str(folder / "bare.elf")]
    zig.run(["cc", *zig.EXACT, *WARNINGS, *flags, *rooms, *map(str, files), *end], "The model")
    return (folder / "bare.elf").read_bytes()


def _read(content: bytes) -> tuple[list[tuple[int, bytes]], dict[str, int], int, int]:
    """Segments, addresses of symbols, bytes of flash and of RAM of a linked model."""
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(io.BytesIO(content))
    held = [s for s in elf.iter_sections() if s["sh_flags"] & 2 and s["sh_size"]]
    flash = sum(s["sh_size"] for s in held if s["sh_type"] == "SHT_PROGBITS" and s.name != ".ARM.exidx")
    ram = sum(s["sh_size"] for s in held if s["sh_flags"] & 1)
    segments = [(s["p_vaddr"], s.data()) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
    symbols = {s.name: s["st_value"] & ~1 for s in elf.get_section_by_name(".symtab").iter_symbols()}
    return segments, symbols, int(flash), int(ram)


def _counted(request: dict[str, Any]) -> dict[str, Any]:
    program = [sys.executable, "-m", "studio.firmware.boardside.count"]
    done = subprocess.run(program, input=pickle.dumps(request), capture_output=True, check=False)
    if done.returncode:
        raise VerifyError("The emulated core", done.stderr.decode()[-300:], "Run `pip install unicorn==2.1.4`.")
    found: dict[str, Any] = pickle.loads(done.stdout)
    return found
