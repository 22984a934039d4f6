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
from studio.graph.paired import Paired

Pointers = Mapping[str, str | Sequence[str]]

#: Integers of ops that are worked out from data.
LEARNED = ("zero", "low", "high", "multiplier", "shift", "a_gain", "b_gain", "offset", "above", "below")


def call(op: Op, shapes: list[Shape], name: str, pointers: Pointers, tables: list[str]) -> str:
    """One statement; the op's constants that come from data are declared in `tables`."""
    learned = _learned(op, shapes)
    terms = []
    for i, value in enumerate(arguments(op, *shapes)):
        if i in learned and isinstance(value, int | float | np.generic):
            terms.append(f"{name}_{learned[i]}")
            tables.append(constant(terms[-1], value))
        else:
            terms.append(_term(value, name, pointers, tables))
    return f"{op.kernel_on(*shapes)}({', '.join(terms)});"


def _learned(op: Op, shapes: list[Shape]) -> dict[int, str]:
    """Which of the op's numbers come from data and not from its make: {place in the call: name}."""
    first = sum(1 + len(op.dims(shape, False)) for shape in shapes)
    return {i: name for i, (name, value) in enumerate(op.args().items(), first) if is_learned(name, value)}


def is_learned(name: str, value: object) -> bool:
    """Whether a number of an op may change without its code: every float, and what quantization has worked out."""
    if isinstance(value, float | np.floating):
        return True
    return isinstance(value, int | np.integer) and (name in LEARNED or name.endswith("_zero"))


def constant(name: str, value: float | int | np.generic) -> str:
    """A number with a name."""
    kind = "int32_t" if isinstance(value, int | np.integer) else "float"
    return f"static const {kind} {name} = {number(value)};\n"


def _term(value: Argument, name: str, pointers: Pointers, tables: list[str]) -> str:
    if isinstance(value, Slot):
        given = pointers[value.role]
        return given if isinstance(given, str) else given[value.index]
    if isinstance(value, Table):
        full = f"{name}_{value.name}"
        if not value.values.flags.writeable and (same := _shared(full, value.values, tables)):
            return same
        tables.append(table(full, value.values) if value.paired is None else paired_table(full, value.paired))
        return f"{name}_{value.name}"
    return number(value)


def _shared(name: str, values: Array, tables: list[str]) -> str:
    """The name under which a curve of the arithmetic, which no training changes, is declared already; "" if not."""
    text = table(name, values)
    for other in tables:
        found = re.search(r"(\w+)\[", other)
        if found and other == text.replace(f" {name}[", f" {found[1]}[", 1):
            return found[1]
    return ""


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


def paired_table(name: str, paired: Paired) -> str:
    """The same of weights whose code differs from core to core: macros of kernels.h write them."""
    rows = (_pair(*given) for given in zip(paired.begin, paired.even, paired.weight, paired.end, strict=True))
    n, words, _, _ = paired.weight.shape
    what = f"{n} pairs of outputs: how two sums begin, 2 x {4 * words} weights, scales"
    body = ",\n    ".join(rows)
    return f"static const int32_t {name}[{paired.table().size}] = {{ /* {what} */\n    {body}}};\n"


def _pair(begin: Array, even: Array, weight: Array, end: Array) -> str:
    words = [f"FOUR({', '.join(map(str, four))})" for four in weight.reshape(-1, 4).tolist()]
    lines = [", ".join(words[i : i + 6]) for i in range(0, len(words), 6)]
    first = ", ".join(f"START({b}, {e})" for b, e in zip(begin.tolist(), even.tolist(), strict=True))
    return ",\n    ".join((first, *lines, ", ".join(map(str, end.tolist()))))


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
