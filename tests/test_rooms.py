"""The law of the house: a room imports lower storeys only, each big guest has one room, and nothing is too long."""

import ast
import statistics
from pathlib import Path

import pytest

import studio

ROOT = Path(studio.__file__).parent
STOREY = {room: level for level, rooms in enumerate(studio.STOREYS) for room in rooms}
GUESTS = {
    **dict.fromkeys(["PySide6", "pyqtgraph"], "ui"),
    **dict.fromkeys(["serial", "bleak", "sounddevice", "bumble", "dbus_fast"], "sources"),
    **dict.fromkeys(["torch", "sklearn", "optuna", "ruptures", "cleanlab"], "learn"),
    **dict.fromkeys(["soundfile", "mcap", "pyxdf", "pympi", "praatio", "pyarrow"], "data"),
    **dict.fromkeys(["elftools", "unicorn", "pyocd", "smpclient", "usb", "libusb_package"], "firmware"),
    **dict.fromkeys(["tflite", "onnx"], "graph"),
    "ziglang": "zig",
    **dict.fromkeys(["scipy", "ai_edge_litert", "librosa", "pywt", "esptool", "stm32loader", "imgtool"], "tests alone"),
}
HEAVY = {"torch", "sklearn", "bleak", "serial", "sounddevice", "h5py", "soundfile", "unicorn", "tflite", "onnx"}
HEAVY |= {"optuna", "ruptures", "cleanlab", "mcap", "pyxdf", "pympi", "praatio", "pyarrow", "pyocd", "smpclient"}
EVERY = sorted(ROOT.rglob("*.py"))
FILES = [p for p in EVERY if p.parent != ROOT or p.stem in STOREY]
TREES = {p: ast.parse(p.read_text(encoding="utf-8")) for p in EVERY}
#: A program of its own, started as such: what it loads (GPL) never enters the studio's process.
EMULATOR = {
    f"firmware/{part}.py" for part in ("emulator", "boardside/chip", "boardside/count", "boardside/peripherals")
}


def imported(nodes: list[ast.AST], path: Path) -> set[str]:
    """Every module that these nodes import."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full, from studio."
            found |= {f"{node.module}.{a.name}" for a in node.names}
    return found


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def test_every_file_has_a_room() -> None:
    strays = {p.stem for p in EVERY if p.parent == ROOT} - set(STOREY) - {"__init__", "__main__"}
    assert strays == set()
    assert {room_of(p) for p in FILES} == set(STOREY)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_go_down(path: Path) -> None:
    room = room_of(path)
    for module in imported(list(ast.walk(TREES[path])), path):
        parts = module.split(".")
        if parts[0] == "studio" and len(parts) > 1 and parts[1] in STOREY:
            other = parts[1]
            assert other == room or STOREY[other] < STOREY[room], f"{room} may not import {other}"
        assert GUESTS.get(parts[0], room) == room, f"{parts[0]} lives in {GUESTS[parts[0]]}, not in {room}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_heavy_guests_come_late(path: Path) -> None:
    if name(path) in EMULATOR:
        return
    tops = {module.split(".")[0] for module in imported(list(TREES[path].body), path)}
    assert tops & HEAVY == set(), "import it inside the function that needs it: the window opens fast"


def test_the_emulator_stays_outside() -> None:
    modules = {_module(ROOT / path) for path in EMULATOR}
    for path in EVERY:
        if name(path) not in EMULATOR:
            loaded = imported(list(ast.walk(TREES[path])), path)
            assert not {m for m in loaded if m.startswith(tuple(modules))}, f"{name(path)} loads the emulator"


def test_no_import_cycle_inside_a_room() -> None:
    graph = {_module(p): _needs(p) for p in FILES}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, f"cycle: {' -> '.join([*way, module])}"
        if module not in done:
            for other in graph.get(module, ()):
                visit(other, (*way, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def _module(path: Path) -> str:
    parts = ("studio", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _needs(path: Path) -> set[str]:
    """Modules of the house that must be loaded before this one: imports at its top."""
    known = {_module(p) for p in FILES}
    found = set()
    for module in imported(list(TREES[path].body), path):
        found |= {m for m in (module, module.rpartition(".")[0]) if m in known and m != _module(path)}
    return found


def _functions() -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, kinds)]


def test_functions_are_short_and_files_too() -> None:
    lengths = sorted((f.end_lineno or f.lineno) - f.lineno + 1 for f in _functions())
    assert statistics.median(lengths) <= 10
    assert lengths[int(0.9 * len(lengths))] <= 30
    long = {name(p): n for p in EVERY if (n := len(p.read_text(encoding="utf-8").splitlines())) > 500}
    assert long == {}


def test_functions_are_typed() -> None:
    functions = _functions()
    typed = [f for f in functions if f.returns is not None and all(a.annotation for a in _asked(f))]
    assert len(typed) / len(functions) >= 0.95


def _asked(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [a for a in arguments if a.arg not in ("self", "cls")]
