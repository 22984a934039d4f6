"""Every kernel, compiled for Cortex-M and run inside an emulated core, gives the bits it gives on this computer."""

import io
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from studio import zig
from studio.graph.call import Slot, Table
from studio.graph.host import batches, call_stream, prepare, sources
from studio.graph.op import Array, StreamOp
from studio.paths import STUBS
from tests.graph.arithmetic import Example
from tests.graph.examples import EXAMPLES
from tests.graph.plane_examples import VARIANTS
from tests.graph.test_ops_contract import N, inputs

pytestmark = pytest.mark.skipif(find_spec("unicorn") is None, reason="the extra `emulator` is not installed")
CORES = {
    "cortex_m0plus": ("thumb-freestanding-eabi", "cortex_m0plus"),
    "cortex_m4": ("thumb-freestanding-eabihf", "cortex_m4+vfp4d16sp"),
    "cortex_m33": ("thumb-freestanding-eabihf", "cortex_m33+fp_armv8d16sp"),
    "cortex_m33 dsp": ("thumb-freestanding-eabihf", "cortex_m33+fp_armv8d16sp+dsp"),
    "cortex_m7": ("thumb-freestanding-eabihf", "cortex_m7+fp_armv8d16"),
}
SCRIPT = """
SECTIONS { . = 0x1000; .text : { *(.text*) } .rodata : { *(.rodata*) } .ARM.exidx : { *(.ARM.exidx*) }
           . = 0x20000000; .data : { *(.data*) } .bss : { *(.bss*) *(COMMON) } }
"""


def linked(core: str, folder: Path, how: str = "-Os") -> bytes:
    """All kernels and the functions around them as one ELF."""
    (folder / "batches.c").write_text(batches())
    (folder / "script.ld").write_text(SCRIPT)
    target, cpu = CORES[core]
    size = (how, "-fhosted", "-fomit-frame-pointer", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
    paths = ["-I", STUBS / "kernels", "-T", folder / "script.ld", folder / "batches.c", *sources()]
    link = ("-g", "-Wl,-e,many_k_relu")
    zig.run(["cc", "-target", target, f"-mcpu={cpu}", *zig.EXACT, *size, *link, *paths, "-o", folder / "all.elf"])
    return (folder / "all.elf").read_bytes()


DSP = ("cortex_m4", "cortex_m33 dsp", "cortex_m7")  # whose weights are coded for them


def held(table: Table, core: str) -> Array:
    """A table as a core's C compiler would lay it down."""
    return table.paired.table(dsp=core in DSP) if table.paired is not None else table.values


def job(example: Example, symbols: dict[str, int], core: str) -> tuple[dict[str, Any], bytes]:
    """What to lay into the core's memory for the op's example, and the output that this computer gives."""
    op, x = example.op, inputs(example)
    prepared = prepare(op, example.shapes)
    if isinstance(op, StreamOp):
        want, _ = call_stream(op, x[0], np.zeros(op.state(x[0].shape[1:]), np.float32))
    else:
        want = op.run(*x)
    blocks, steps, output = [], [], 0
    for i, p in enumerate(prepared.pointers):
        role = p.role if isinstance(p, Slot) else "table"
        data = {
            "table": lambda p=p: held(p, core),
            "input": lambda p=p: x[p.index],
            "output": lambda: np.zeros_like(want),
        }
        data["memory"] = lambda: np.zeros((N, prepared.memory // 8 + 1)) if prepared.memory else None
        rest = np.zeros(prepared.scratch // 4 + 64, np.float32)
        values = data[role]() if role in data else rest
        output = i if role == "output" else output
        blocks.append(None if values is None else np.ascontiguousarray(values).tobytes())
        steps.append(values.strides[0] if role in ("input", "output", "memory") and values is not None else 0)
        assert isinstance(p, Slot | Table)
    tables = [np.array(steps, np.int64), prepared.ints, prepared.floats]
    function = symbols[f"many_{op.kernel_on(*example.shapes)}"]
    made = {"function": function, "n": N, "blocks": blocks, "tables": [t.tobytes() for t in tables], "output": output}
    return made, want.tobytes()


@pytest.mark.parametrize("core", CORES)
def test_a_core_gives_the_same_bits(core: str, tmp_path: Path) -> None:
    elf = ELFFile(io.BytesIO(linked(core, tmp_path)))
    symbols = {s.name: s["st_value"] for s in elf.get_section_by_name(".symtab").iter_symbols()}
    segments = [(s["p_vaddr"], s.data()) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
    jobs = {name: job(example, symbols, core) for name, example in (EXAMPLES | VARIANTS).items()}
    request = {"core": core.split()[0], "segments": segments, "jobs": [j for j, _ in jobs.values()]}
    program = [sys.executable, str(Path(__file__).with_name("on_core.py"))]
    done = subprocess.run(program, input=pickle.dumps(request), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    got = dict(zip(jobs, pickle.loads(done.stdout), strict=True))
    assert [name for name in jobs if got[name] != jobs[name][1]] == []
