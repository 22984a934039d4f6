"""Pieces of C text: calls of kernels, tables, constants, names, comments.

Floats are written as hexadecimal constants, which C99 reads back exactly.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from studio.errors import BuildError
from studio.graph.call import Argument, Slot, Table, arguments, c_type
from studio.graph.graph import Graph
from studio.graph.op import Array, Op, Shape

Pointers = Mapping[str, str | Sequence[str]]


def call(op: Op, shapes: list[Shape], name: str, pointers: Pointers, tables: list[str]) -> str:
    """One statement; the op's constant arrays are declared in `tables`."""
    terms = [_term(value, name, pointers, tables) for value in arguments(op, *shapes)]
    return f"{op.kernel(len(shapes))}({', '.join(terms)});"


def _term(value: Argument, name: str, pointers: Pointers, tables: list[str]) -> str:
    if isinstance(value, Slot):
        given = pointers[value.role]
        return given if isinstance(given, str) else given[value.index]
    if isinstance(value, Table):
        tables.append(table(f"{name}_{value.name}", value.values))
        return f"{name}_{value.name}"
    return number(value)


def number(value: float | int | np.generic) -> str:
    """A C constant with exactly this value in float32, or an integer."""
    if isinstance(value, int | np.integer):
        return str(int(value))
    single = np.float32(value)
    if not np.isfinite(single):
        raise BuildError("A constant of the model", f"{value}", "Train again: a weight has run away.")
    return re.sub(r"\.?0*p", "p", float(single).hex()) + "f"  # 0x1.8000000000000p+0 -> 0x1.8p+0f


def table(name: str, values: Array) -> str:
    """A constant array, some values to a line, with its shape as a comment."""
    flat, per_line = values.ravel(), 6 if values.dtype.kind == "f" else 20
    lines = [", ".join(number(v) for v in flat[i : i + per_line]) for i in range(0, len(flat), per_line)]
    size = max(len(flat), 1)
    body = ",\n    ".join(lines) or "0"
    shape = " x ".join(map(str, values.shape))
    aligned = "_Alignas(4) " if values.dtype.itemsize == 1 else ""  # kernels read four at a time
    return f"static const {aligned}{c_type(values.dtype)} {name}[{size}] = {{ /* {shape} */\n    {body}}};\n"


def identifiers(graph: Graph) -> list[str]:
    """A C name for each node: its own, made fit, and different from all others.

    What is declared for a node is this name, one underscore and a word without any, so nothing meets by accident.
    """
    found: list[str] = []
    for node in graph.nodes:
        name = re.sub(r"\W", "_", node.name, flags=re.ASCII)
        name = name if name[:1].isalpha() else f"stage_{name}"
        while name in found:
            name += "x"
        found.append(name)
    return found


def strings(texts: Iterable[str]) -> str:
    """C string constants of texts; every byte that is not plain is written in octal, which always ends in time."""
    return ",\n    ".join(_string(text) for text in texts)


def _string(text: str) -> str:
    plain = (chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in text.encode())
    return f'"{"".join(plain)}"'


def comment(text: str) -> str:
    """`text` on one line of plain characters that cannot end a comment."""
    return re.sub(r"[^ -~]", "_", text).replace("*/", "* /").replace("/*", "/ *")
