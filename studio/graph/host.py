"""The kernels on this computer: compiled once, kept under the hash of what they were made from, called in batches.

A ctypes call costs more than many a kernel, so every kernel gets a small C function around it that walks a whole
batch: all of them have one signature, and the declarations in `kernels.h` say how to fill it.
"""

import ctypes
import hashlib
import os
import platform
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from studio import zig
from studio.errors import BuildError, GraphError
from studio.graph.call import Slot, Table, arguments, c_type
from studio.graph.op import Array, Op, Shape, StreamOp
from studio.paths import RESOURCES, STUBS, home

FLAGS = (*zig.EXACT, "-O2", "-mcpu=baseline", "-fvisibility=hidden", "-shared", "-nostdlib")
SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
EXPORT = """#ifdef _WIN32
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif
"""


def sources() -> list[Path]:
    """The kernels' C files, in a fixed order."""
    return sorted((STUBS / "kernels").glob("*.c"))


@cache
def declarations() -> dict[str, tuple[str, ...]]:
    """Kernel name -> the C type of each parameter ("float*", "int32_t", ...), read from kernels.h."""
    text = (STUBS / "kernels" / "kernels.h").read_text()
    found = {}
    for name, parameters in re.findall(r"^void (k_\w+)\(([^)]*)\);", text, re.M):
        words = [p.replace("const", "").replace("*", "* ").split() for p in parameters.split(",")]
        found[name] = tuple(w[0] + ("*" if "*" in w else "") if len(w) == 2 else "".join(w[:-1]) for w in words)
    return found


def _around(name: str, types: Sequence[str]) -> str:
    """The C function that calls kernel `name` for a whole batch."""
    counts = {"p": 0, "i": 0, "f": 0}
    terms = []
    for t in types:
        kind = "p" if t.endswith("*") else "f" if t == "float" else "i"
        at, counts[kind] = counts[kind], counts[kind] + 1
        terms.append(f"(void *)(p[{at}] + i * step[{at}])" if kind == "p" else f"{kind}s[{at}]")
    return (
        f"API void many_{name}(int64_t n, uint8_t *const *p, const int64_t *step, const int32_t *is, const float *fs)\n"
        f"{{\n    (void)is, (void)fs;\n    for (int64_t i = 0; i < n; i++)\n        {name}({', '.join(terms)});\n}}\n"
    )


def batches() -> str:
    """The C text of the functions around all kernels."""
    text = "".join(_around(name, types) for name, types in declarations().items())
    return f'/* Written by studio/graph/host.py. */\n#include "kernels.h"\n{EXPORT}\n{text}'


def compile_shared(name: str, files: Sequence[Path], texts: dict[str, str], include: Sequence[Path] = ()) -> Path:
    """A shared library for this computer from `files` and further `texts` {file name: C}; made once, then found.

    Several processes may do this at the same time: each compiles aside and moves the result into place.
    """
    digest = hashlib.sha256(repr((FLAGS, sys.platform, platform.machine(), sorted(texts.items()))).encode())
    for path in sorted([*files, *(h for folder in include for h in folder.glob("*.h"))]):
        digest.update(path.name.encode() + path.read_bytes())
    library_name = f"{name}{SUFFIX}"
    shipped = RESOURCES / "host" / digest.hexdigest()[:16] / library_name
    if shipped.exists():
        return shipped
    target = home() / "kernels" / digest.hexdigest()[:16] / library_name
    if not target.exists():
        try:
            _compile(target, files, texts, include)
        except OSError as e:
            next_step = "Make room there, or set SENSORSMITH_HOME to a folder that can be written."
            raise BuildError(f"The folder for compiled C, {target.parent}", e.strerror or str(e), next_step) from e
    return target


def _compile(target: Path, files: Sequence[Path], texts: dict[str, str], include: Sequence[Path]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as aside:
        folder = Path(aside)
        for file_name, text in texts.items():
            (folder / file_name).write_text(text, encoding="utf-8")
        written = [folder / n for n in texts if n.endswith(".c")]
        made = folder / target.name
        headers = [f"-I{path}" for path in (folder, *include)]
        zig.run(["cc", *FLAGS, *headers, *written, *files, "-o", made], "The C kernels for this computer")
        try:
            os.replace(made, target)
        except PermissionError:  # Windows: another process made it first and has it open
            if not target.exists():
                raise


@cache
def library() -> ctypes.CDLL:
    """The kernels; BuildError where the compiler is missing."""
    path = compile_shared("kernels", sources(), {"batches.c": batches()}, [STUBS / "kernels"])
    return ctypes.CDLL(str(path))


@dataclass(frozen=True, eq=False)
class Prepared:
    """One op on inputs of known shapes: all that does not change from batch to batch."""

    function: "ctypes._NamedFuncPointer"
    pointers: tuple[Slot | Table, ...]
    ints: Array
    floats: Array
    y: Shape
    scratch: int
    memory: int


_prepared: WeakKeyDictionary[Op, dict[tuple[Shape, ...], Prepared]] = WeakKeyDictionary()


def prepare(op: Op, shapes: tuple[Shape, ...]) -> Prepared:
    """All that calling `op` on inputs of these shapes needs besides the inputs; worked out once per op."""
    known = _prepared.setdefault(op, {})
    if shapes not in known:
        known[shapes] = _new(op, shapes)
    return known[shapes]


def _new(op: Op, shapes: tuple[Shape, ...]) -> Prepared:
    name, y = op.kernel_on(*shapes), op.shape(*shapes)
    given, types = arguments(op, *shapes), declarations().get(name, ())
    if len(given) != len(types):
        seen = f"{len(given)} arguments for the {len(types)} of {name} in kernels.h"
        raise GraphError(f"Op {type(op).__name__}", seen, "Make the class and the C function agree.")
    for value, t in zip(given, types, strict=True):
        _agree(op, value, t)
    pointers = tuple(v for v in given if isinstance(v, Slot | Table))
    ints = [v for v, t in zip(given, types, strict=True) if t == "int32_t"]
    floats = [v for v, t in zip(given, types, strict=True) if t == "float"]
    function = getattr(library(), f"many_{name}")
    function.argtypes, function.restype = [ctypes.c_int64, *[ctypes.c_void_p] * 4], None
    numbers = np.array(ints, np.int32), np.array(floats, np.float32)
    return Prepared(function, pointers, *numbers, y, op.scratch(*shapes), op.memory(*shapes))


def _agree(op: Op, value: Slot | Table | int | float, t: str) -> None:
    """GraphError unless an argument has the type that kernels.h declares for it."""
    if isinstance(value, Slot):
        element = {"input": op.takes, "output": op.gives, "state": np.float32}.get(value.role)
        fits = t == (c_type(element) + "*" if element else "void*")
    elif isinstance(value, Table):
        fits = t == c_type(value.values.dtype) + "*"
    else:
        fits = t == "float" or (t == "int32_t" and not isinstance(value, float))
    if not fits:
        seen = f"{value} where kernels.h declares {t}"
        raise GraphError(f"Op {type(op).__name__}", seen, "Make the class and the C function agree.")


def _run(prepared: Prepared, n: int, slots: dict[Slot, tuple[Array | None, bool]]) -> None:
    """Call the kernel n times; each slot is (array or None for null, whether every call has its own row)."""
    arrays, steps = [], []
    for p in prepared.pointers:
        values, own = (p.values, False) if isinstance(p, Table) else slots[p]
        arrays.append(0 if values is None else values.ctypes.data)
        steps.append(values.strides[0] if own and values is not None else 0)
    pointers, step = np.array(arrays, np.uintp), np.array(steps, np.int64)
    tables = (pointers, step, prepared.ints, prepared.floats)
    prepared.function(n, *(a.ctypes.data for a in tables))


def _empty(prepared: Prepared, n: int) -> Array | None:
    """Memories for n items (n, ...), or None for an op that has none."""
    return np.zeros((n, prepared.memory // 8 + 1), np.float64) if prepared.memory else None


def new_scratch(n_bytes: int) -> Array:
    """Working memory for a kernel, aligned for any type."""
    return np.zeros(n_bytes // 8 + 1, np.float64)


def call(op: Op, inputs: Sequence[Array], in_order: bool = False) -> Array:
    """A batch through the op's kernel: inputs (n, *in_shape) -> (n, *out_shape).

    An op with a memory begins each item with an empty one; `in_order` it does so with the first, and goes on.
    """
    given: list[Array] = [np.ascontiguousarray(x, op.takes) for x in inputs]
    prepared = prepare(op, tuple(x.shape[1:] for x in given))
    n = len(given[0])
    y: Array = np.zeros((n, *prepared.y), op.gives)
    if n:
        slots: dict[Slot, tuple[Array | None, bool]] = {Slot("input", i): (x, True) for i, x in enumerate(given)}
        slots |= {Slot("scratch"): (new_scratch(prepared.scratch), False), Slot("output"): (y, True)}
        slots[Slot("memory")] = (_empty(prepared, 1 if in_order else n), not in_order)
        _run(prepared, n, slots)
    return y


def call_stream(op: StreamOp, samples: Array, state: Array) -> tuple[Array, Array]:
    """Samples (n, *in_shape) in order and the memory before them; the outputs and the memory after."""
    x: Array = np.ascontiguousarray(samples, op.takes)
    after = np.array(state, np.float32)
    prepared = prepare(op, (x.shape[1:],))
    if after.size != op.state(x.shape[1:]):
        seen = f"{after.size} values of memory for {op.state(x.shape[1:])}"
        raise GraphError(f"Op {type(op).__name__}", seen, "Start it with state() zeros.")
    y: Array = np.zeros((len(x), *prepared.y), op.gives)
    slots: dict[Slot, tuple[Array | None, bool]] = {Slot("input"): (x, True), Slot("state"): (after, False)}
    slots[Slot("output")] = (y, True)
    slots[Slot("scratch")] = (new_scratch(prepared.scratch), False)
    if prod(x.shape):
        _run(prepared, len(x), slots)
    return y, after
