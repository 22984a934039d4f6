"""A model alone on one of the cores of `cores.py` under QEMU: the bytes of every stage, and its instructions.

QEMU counts instructions as time (`-icount`), which the core's own timer shows; what a tick is worth is measured with a
loop of known length at the start. On Cortex-M a count is right to about five instructions, on RISC-V exact.
"""

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio import zig
from studio.data.stream import Array, Stream
from studio.errors import BuildError, VerifyError
from studio.firmware.bare import held_windows
from studio.firmware.cores import CORES, Core
from studio.firmware.render import render
from studio.firmware.sources import WARNINGS
from studio.graph.graph import Graph
from studio.graph.rows import stages_on_board
from studio.paths import STUBS

FLAGS = ("-Os", "-fhosted", "-fomit-frame-pointer", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
         "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-Wl,-e,alone_start")  # fmt: skip
SCRIPT = """
SECTIONS {{ . = {text:#x}; .text : {{ KEEP(*(.vectors)) *(.text*) }} .rodata : {{ *(.rodata*) *(.srodata*) }}
           .ARM.exidx : {{ *(.ARM.exidx*) }}
           ASSERT(. <= {text_end:#x}, "more flash than the machine has")
           . = {ram:#x}; .data : {{ *(.data*) *(.sdata*) }}
           .bss : {{ *(.bss*) *(.sbss*) *(COMMON) }} alone_stack_end = {end:#x};
           ASSERT(. + {stack:#x} <= {end:#x}, "more RAM than the machine has") }}
"""
STACK = 2048
SHIFT = 4  # an instruction takes 2^SHIFT ns of QEMU's time
CALIBRATION = 1_000_000  # instructions of the loop in start.c
TOO_MANY = 0xFFFFFFFF
PATIENCE_S = 120.0


@dataclass(frozen=True, eq=False)
class Told:
    """What a program told with `alone_tell`; `instructions` are None when they were more than the timer holds."""

    number: int
    data: bytes
    instructions: int | None


@dataclass(frozen=True, eq=False)
class Alone:
    """`stages` are (name, instructions) for the first window; `outputs` each stage's bytes, per window.

    `scores` are (n, n_classes) float32, as `model_run` gives them.
    """

    stages: tuple[tuple[str, int | None], ...]
    outputs: tuple[dict[str, bytes], ...]
    scores: Array

    @property
    def instructions(self) -> int:
        """Of the first window, all stages that could be counted."""
        return sum(n or 0 for _, n in self.stages)


def can_run(core: str) -> bool:
    """Whether the program that plays `core` is installed."""
    return shutil.which(CORES[core].program) is not None


def alone(graph: Graph, core: str, windows: Array) -> Alone:
    """Filtered `windows` (n, length, n_channels) through `graph` on `core`; BuildError, VerifyError."""
    stream = Stream("input", graph.rate_hz, graph.channels, "", "f32", 1.0, "input")
    texts = {**render(graph, stream), "windows.c": _windows_c(held_windows(graph, windows))}
    found, names = play(CORES[core], texts, [STUBS / "alone" / "alone.c"]), stages_on_board(graph)
    per_window = [found[i : i + len(names)] for i in range(0, len(found), len(names))]
    outputs = tuple({names[t.number]: t.data for t in window} for window in per_window)
    stages = tuple((names[t.number], t.instructions) for t in per_window[0])
    scores = np.frombuffer(b"".join(o[names[-1]] for o in outputs), np.float32).reshape(len(outputs), -1)
    return Alone(stages, outputs, scores)


def play(core: Core, texts: Mapping[str, str], files: Sequence[Path]) -> list[Told]:
    """Compile `texts` {file name: C} and `files` with the kernels, run that on `core`, and return what it told."""
    program = shutil.which(core.program)
    if program is None:
        raise BuildError(core.title, f"needs {core.program}", "Install QEMU, for example `apt install qemu-system`.")
    with tempfile.TemporaryDirectory(prefix="alone") as folder:
        elf = _linked(Path(folder), core, texts, files)
        return _told(_run(program, core, elf))


def _linked(folder: Path, core: Core, texts: Mapping[str, str], files: Sequence[Path]) -> Path:
    for name, text in {**texts, "alone.ld": _script(core)}.items():
        (folder / name).write_text(text, encoding="utf-8")
    kernels = [p for p in sorted((STUBS / "kernels").glob("*.c")) if p.stem != "freestanding"]
    rooms = [f"-I{folder}", *(f"-I{STUBS / room}" for room in ("kernels", "kernels/inc", "alone"))]
    sources = [*(folder / n for n in texts if n.endswith(".c")), *files, STUBS / "alone" / "start.c", *kernels]
    out = folder / "alone.elf"
    end = ["-T", str(folder / "alone.ld"), "-o", str(out)]
    zig.run(["cc", *zig.EXACT, *WARNINGS, *core.target, *FLAGS, *rooms, *map(str, sources), *end], "The program")
    return out


def _script(core: Core) -> str:
    text_end, end = core.text + core.text_bytes, core.ram + core.ram_bytes
    return SCRIPT.format(text=core.text, text_end=text_end, ram=core.ram, end=end, stack=STACK)


def _windows_c(windows: Array) -> str:
    return (
        f'#include "alone.h"\n_Static_assert(sizeof(model_value) == {windows.dtype.itemsize}, "type of the window");\n'
        f"const uint32_t alone_windows[] = {{{words(windows.tobytes())}}};\n"
        f"const int32_t alone_n_windows = {len(windows)};\n"
    )


def words(data: bytes) -> str:
    """Bytes as the initializer of an array of uint32_t."""
    full = data + bytes(-len(data) % 4)
    return ",".join(map(str, struct.unpack(f"<{len(full) // 4}I", full))) or "0"


def _run(program: str, core: Core, elf: Path) -> bytes:
    quiet = ["-display", "none", "-monitor", "none", "-serial", "none"]
    bios = ["-bios", "none"] if "riscv" in core.program else []
    counted = ["-icount", f"shift={SHIFT},sleep=off", "-semihosting-config", "enable=on,target=native"]
    command = [program, "-M", core.machine, *quiet, *bios, *counted, "-kernel", str(elf)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired as e:
        raise VerifyError(core.title, f"gave no end within {PATIENCE_S:g} s", "Try fewer windows.") from e
    if done.returncode or not done.stdout:
        seen = done.stderr.decode(errors="replace").strip()[-300:] or "stopped at a fault"
        raise VerifyError(core.title, seen, "Try QEMU 7.2 or later.")
    return done.stdout


def _told(data: bytes) -> list[Told]:
    at, per_tick, found = 0, 0.0, list[Told]()
    while at < len(data):
        number, n, ticks = struct.unpack_from("<iII", data, at)
        at += 12
        if number < 0:
            per_tick = CALIBRATION / ticks
        else:
            found.append(Told(number, data[at : at + n], None if ticks == TOO_MANY else round(ticks * per_tick)))
        at += n
    return found
