"""Every export, compiled as its user would and with more warnings, and its answers compared bit for bit."""

import io
import pickle
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from studio import zig
from studio.firmware.exports import EXPORTS
from studio.firmware.exports.facts import Facts
from studio.firmware.exports.prune import FOLDER, needed
from studio.firmware.exports.single import weight_bytes
from studio.graph.graph import Graph
from tests.firmware.exports.compilers import GCC_CORES, LOOSE, STANDINS, gcc, sources, with_gcc, with_zig, write
from tests.firmware.firmwares import ACCELEROMETER, graph, raw_windows
from tests.graph import on_core
from tests.graph.nets import cnn_graph

FACTS = Facts("Zauberstab (größer)", "forest-1", "2026-01-02T03:04:05+00:00")
KERNELS = re.findall(r"^void (k_\w+)\(", (FOLDER / "kernels.h").read_text(), re.M)


def written(kind: str, family: str, folder: Path, facts: Facts = FACTS) -> Path:
    return write(EXPORTS[kind](model(family), ACCELEROMETER, facts), folder)


def model(family: str) -> Graph:
    """A forest, an int8 network, or the "float" network: the one whose answers show every rounding."""
    return cnn_graph() if family == "float" else graph(family)


@pytest.mark.parametrize("kind", EXPORTS)
def test_builds_with_clang(kind: str, tmp_path: Path) -> None:
    for path in sources(written(kind, "cnn", tmp_path)):
        with_zig(path, tmp_path)


@pytest.mark.parametrize(("core", "family"), [("cortex-m0plus", "forest"), ("cortex-m3", "cnn"), ("cortex-m4", "cnn")])
@pytest.mark.parametrize("kind", EXPORTS)
def test_builds_with_gcc(kind: str, core: str, family: str, tmp_path: Path) -> None:
    for path in sources(written(kind, family, tmp_path)):
        with_gcc(path, tmp_path, core)


@pytest.mark.parametrize("core", GCC_CORES)
@pytest.mark.parametrize("family", ["forest", "cnn"])
def test_code_is_small_and_asks_for_no_heap(core: str, family: str, tmp_path: Path) -> None:
    """Besides its own tables at most 6 kB; what it calls are the compiler's own routines and a square root."""
    folder = written("c", family, tmp_path)
    arguments = [*GCC_CORES[core], "-ffreestanding", "-std=c11", "-Os", "-c", f"{FACTS.stem}.c", "-o", "small.o"]
    elf = ELFFile(io.BytesIO(gcc(arguments, folder).read_bytes()))
    symbols = elf.get_section_by_name(".symtab").iter_symbols()
    asked = {s.name for s in symbols if s["st_shndx"] == "SHN_UNDEF" and s.name}
    assert {n for n in asked if not n.startswith("__")} <= {"memcpy", "memmove", "memset", "sqrtf"}
    assert not any(re.match(r"__aeabi_(d|[a-z]*2d)", name) for name in asked), "double arithmetic"
    code = sum(s["sh_size"] for s in elf.iter_sections() if s["sh_type"] == "SHT_PROGBITS" and s["sh_flags"] & 2)
    assert code - weight_bytes(model(family)) < 6 * 1024


def test_every_kernel_stands_alone(tmp_path: Path) -> None:
    """What is cut out is all that is needed and nothing more: GCC names whatever is missing or never called."""
    for kernel in KERNELS:
        keep = f"void *const used_by_test = (void *)(uintptr_t)&{kernel};\n"
        assembly = "#define ASSEMBLY naked, noipa\n"
        write({f"{kernel}.c": f"#include <stdint.h>\n{assembly}{needed([kernel])}{keep}"}, tmp_path)
        quiet = ("-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-fsyntax-only")
        gcc([*GCC_CORES["cortex-m0plus"], "-ffreestanding", *quiet, f"{kernel}.c"], tmp_path)


@pytest.mark.parametrize("family", ["forest", "cnn", "rows", "told"])
def test_the_example_prints_the_graphs_scores(family: str, tmp_path: Path) -> None:
    folder = written("c", family, tmp_path)
    zig.run(["cc", "-O2", "-std=c11", f"-I{folder}", *sources(folder), "-o", folder / "example"])
    raw = raw_windows(12, seed=3).reshape(-1, 3)
    text = "\n".join(", ".join(map(str, row)) for row in raw)
    lines = subprocess.run([folder / "example"], input=text, capture_output=True, text=True, check=True).stdout
    want = expected(graph(family), raw)
    got = np.array([line.split() for line in lines.splitlines()], np.float64)
    assert got[:, :-1].astype(np.float32).tobytes() == want.tobytes() and len(want) > 5
    np.testing.assert_array_equal(got[:, -1], graph(family).decide(want))


def expected(of: Graph, raw: np.ndarray) -> np.ndarray:
    return of.scores(of.windows(ACCELEROMETER.to_unit(raw)))


DRIVER = """#include "NAME.h"
void *memcpy(void *to, const void *from, unsigned n) { char *t = to; const char *f = from; while (n--) *t++ = *f++;
    return to; }
void *memmove(void *to, const void *from, unsigned n) { char *t = to; const char *f = from;
    if (t < f) { while (n--) *t++ = *f++; } else { while (n--) t[n] = f[n]; } return to; }
void *memset(void *to, int v, unsigned n) { char *t = to; while (n--) *t++ = (char)v; return to; }
float sqrtf(float x) { return x; } /* of negative numbers alone: the others have an instruction */
void drive(int64_t n, float *const *blocks)
{
    float *y = blocks[1];
    SHORT_push_clear();
    for (const float *x = blocks[0]; n-- > 0; x += 3)
        y += 3 * SHORT_push(x, y);
}
"""
SCRIPT = """
SECTIONS { . = 0x1000; .text : { *(.text*) *(.rodata*) *(.data*) } . = 0x20000000; .bss : { *(.bss*) *(COMMON) } }
"""


@pytest.mark.skipif(find_spec("unicorn") is None, reason="the extra `emulator` is not installed")
@pytest.mark.parametrize(
    ("core", "family"),
    [
        ("cortex-m4", "forest"),
        ("cortex-m4", "cnn"),
        ("cortex-m4", "float"),
        ("cortex-m0plus", "cnn"),
        ("cortex-m0plus", "float"),
    ],
)
def test_gcc_gives_a_core_the_same_bits(core: str, family: str, tmp_path: Path) -> None:
    """With a compiler that would gladly fuse multiplications, and an optimizer that looks into assembly functions."""
    folder = written("c", family, tmp_path)
    driver = DRIVER.replace("NAME", FACTS.stem).replace("SHORT", FACTS.name)
    write({"driver.c": driver, "script.ld": SCRIPT}, folder)
    inputs = (f"{FACTS.stem}.c", "driver.c", "-I.", f"-I{STANDINS}", "-T", "script.ld", "-Wl,-e,drive", "-nostdlib")
    options = ("-ffreestanding", "-fno-tree-loop-distribute-patterns", *LOOSE, *inputs)
    elf = ELFFile(io.BytesIO(gcc([*GCC_CORES[core], *options, "-lgcc", "-o", "run.elf"], folder).read_bytes()))
    symbols = {s.name: s["st_value"] for s in elf.get_section_by_name(".symtab").iter_symbols()}
    segments = [(s["p_vaddr"], s.data()) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
    raw = raw_windows(8, seed=4).reshape(-1, 3)
    want = expected(model(family), raw)
    blocks = [ACCELEROMETER.to_unit(raw).tobytes(), bytes(want.nbytes)]
    job = {"function": symbols["drive"], "n": len(raw), "blocks": blocks, "tables": [bytes(8)] * 3, "output": 1}
    request = {"core": core.replace("-", "_"), "segments": segments, "jobs": [job]}
    program = [sys.executable, on_core.__file__]
    done = subprocess.run(program, input=pickle.dumps(request), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert pickle.loads(done.stdout)[0] == want.tobytes()


def test_two_models_fit_into_one_program(tmp_path: Path) -> None:
    facts = [Facts("one", "a"), Facts("two", "b")]
    for family, f in zip(("forest", "cnn"), facts, strict=True):
        written("c", family, tmp_path, f)
    (tmp_path / "example.c").unlink()
    calls = "one_push_clear(); two_push_clear(); return one_tap != 0 || two_tap != 0;"
    main = f'#include "one_model.h"\n#include "two_model.h"\nint main(void) {{ {calls} }}\n'
    write({"main.c": main}, tmp_path)
    zig.run(["cc", "-O2", f"-I{tmp_path}", *sources(tmp_path), "-o", tmp_path / "both"])
    assert subprocess.run([tmp_path / "both"]).returncode == 0


def test_a_wrong_size_stops_the_compiler(tmp_path: Path) -> None:
    folder = written("c", "forest", tmp_path)
    path = folder / f"{FACTS.stem}.c"
    text = path.read_text()
    path.write_text(re.sub(r"(static _Alignas\(8\) uint8_t arena\[)(\d+)", lambda m: f"{m[1]}{int(m[2]) - 8}", text))
    with pytest.raises(Exception, match="static assertion failed"):
        with_zig(path, folder)


@pytest.mark.skipif(not shutil.which("cmake"), reason="cmake is not installed")
def test_the_cmake_file_builds(tmp_path: Path) -> None:
    folder = written("c", "forest", tmp_path)
    for command in (["cmake", "-B", "build"], ["cmake", "--build", "build"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


def test_threshold_and_names_survive(tmp_path: Path) -> None:
    """Class names with quotes, line ends and the word that gets renamed."""
    odd = replace(graph("forest"), classes=('model_"x"', "MODEL_\n*/", "??/ü"), threshold=0.25)
    folder = write(EXPORTS["c"](odd, ACCELEROMETER, FACTS), tmp_path)
    with_zig(folder / f"{FACTS.stem}.c", folder)
    assert '"model_\\042x\\042"' in (folder / f"{FACTS.stem}.c").read_text()
