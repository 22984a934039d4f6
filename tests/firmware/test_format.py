"""The C that people read, ours and what is generated for them, lies as clang-format would lay it out.

`python -m tests.firmware.test_format` lays out the shipped C files anew.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from studio.data.stream import Stream
from studio.firmware.render import render
from studio.graph.graph import Graph
from studio.graph.importing import import_graph
from studio.graph.passes import quantize
from studio.paths import STUBS
from tests.firmware.firmwares import graph
from tests.graph.nets import motion, plane_graph

needs_formatter = pytest.mark.skipif(
    importlib.util.find_spec("clang_format") is None, reason="package clang-format is not installed"
)
STYLE = (
    "{BasedOnStyle: LLVM, IndentWidth: 4, ColumnLimit: 120, BreakBeforeBraces: Linux, SortIncludes: Never, "
    "AllowShortFunctionsOnASingleLine: None, AlignEscapedNewlines: DontAlign, ReflowComments: Never, "
    "AlignTrailingComments: {Kind: Leave}}"
)
FAMILIES = ("cnn", "forest", "rows", "told")


def shipped() -> list[Path]:
    """What travels with every model."""
    rooms = (STUBS / "kernels", STUBS / "alone")
    return sorted(p for room in rooms for p in room.rglob("*") if p.suffix in (".c", ".h"))


def laid_out(paths: list[Path], folder: Path) -> list[str]:
    """Names of those that the formatter would change."""
    import clang_format

    command = [str(Path(clang_format.__file__).parent / "data" / "bin" / "clang-format"), f"--style={STYLE}", "-i"]
    copies = [folder / f"{i}{p.suffix}" for i, p in enumerate(paths)]
    for path, copy in zip(paths, copies, strict=True):
        shutil.copyfile(path, copy)
    subprocess.run([*command, *map(str, copies)], check=True)
    return [p.name for p, copy in zip(paths, copies, strict=True) if p.read_bytes() != copy.read_bytes()]


@cache
def models() -> dict[str, Graph]:
    found = {name: graph(name) for name in FAMILIES}
    return found | {"plane": plane_graph(), "plane int8": quantize(plane_graph(), motion(20, 384, 1))}


def written(made: Graph, folder: Path) -> list[Path]:
    stream = Stream("input", made.rate_hz, made.channels, "", "f32", 1.0, "input")
    paths = []
    for name, text in render(made, stream).items():
        paths.append(folder / name)
        paths[-1].write_text(text, encoding="utf-8")
    return paths


@needs_formatter
@pytest.mark.parametrize("name", [*FAMILIES, "plane", "plane int8"])
def test_generated_c_lies_as_the_formatter_would_have_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    assert laid_out(written(models()[name], tmp_path / "made"), tmp_path) == []


@needs_formatter
@pytest.mark.parametrize("name", ["kws_ref_model", "hello_world_int8"])
def test_imported_models_too(name: str, shared: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    made = import_graph(shared / "models" / f"{name}.tflite")
    assert laid_out(written(made, tmp_path / "made"), tmp_path) == []


@needs_formatter
def test_shipped_c_lies_as_the_formatter_would_have_it(tmp_path: Path) -> None:
    assert laid_out(shipped(), tmp_path) == []


@needs_formatter
def test_a_crooked_line_is_seen(tmp_path: Path) -> None:
    (tmp_path / "crooked.c").write_text("int f(int a) {return a;}\n")
    assert laid_out([tmp_path / "crooked.c"], tmp_path) == ["crooked.c"]


def test_every_call_names_its_numbers_and_every_table_its_shape() -> None:
    text = render(models()["plane int8"], Stream("input", 1000.0, ("sound",), "", "f32", 1.0, "input"))["model.c"]
    calls = re.findall(r"(?:/\* ([^*]*) \*/\n    )?k_(conv2d|depthwise|dense)\w*\(", text)
    named = {kernel: " ".join(said for said, k in calls if k == kernel) for _, kernel in calls}
    assert "stride_h 1, stride_w 2, pad_top 1" in named["conv2d"] and "y_zero" in named["dense"]
    assert "kh 3, kw 3" in named["depthwise"]
    assert all("/*" in line for line in text.splitlines() if line.startswith("static const") and "[" in line)
    laid, _, rest = text.partition("/* clang-format off */")
    assert all(len(line) <= 120 for line in (laid + rest.partition("/* clang-format on */")[2]).splitlines())


if __name__ == "__main__":
    import clang_format

    program = Path(clang_format.__file__).parent / "data" / "bin" / "clang-format"
    sys.exit(subprocess.run([str(program), f"--style={STYLE}", "-i", *map(str, shipped())], check=False).returncode)
