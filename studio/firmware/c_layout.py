"""How generated C is laid out: as clang-format would have it with the style that tests/firmware/test_format.py names.

Constant tables stay as they are, a row of values to a line, and say so to the formatter.
"""

import textwrap
from dataclasses import fields
from numbers import Number

from studio.firmware import c_text
from studio.firmware.c_text import Pointers
from studio.graph.op import Op, Shape
from studio.graph.ops.plane import Conv2d

WIDTH = 120
TABLES = """/* Names and constants, some values to a line, each array with its shape. */
/* clang-format off */
{}/* clang-format on */
"""


def call(op: Op, shapes: list[Shape], name: str, pointers: Pointers, tables: list[str]) -> str:
    """The statement that calls the op's kernel, under a comment that names its numbers; for a body 4 columns in."""
    statement = broken(c_text.call(op, shapes, name, pointers, tables), 4)
    named = {f.name: getattr(op, f.name) for f in fields(op)} | op.args()
    if isinstance(op, Conv2d):  # whose kernels are told all of it in a table
        named |= dict(zip(("kh", "kw"), op.taps(), strict=True))
    numbers = [f"{k} {_plain(v)}" for k, v in named.items() if isinstance(v, Number)]
    if not numbers:
        return statement
    lines = textwrap.wrap(", ".join(numbers), WIDTH - 14)
    return "/* " + "\n       ".join(lines) + " */\n    " + statement


def _plain(value: object) -> str:
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def broken(statement: str, indent: int) -> str:
    """A call that begins `indent` columns in, its arguments aligned behind the bracket where a line is not enough."""
    if indent + len(statement) <= WIDTH:
        return statement
    head, _, rest = statement.partition("(")
    column = indent + len(head) + 1
    lines = [head + "("]
    used = column
    terms = rest.split(", ")
    for i, term in enumerate(terms):
        piece = term if i == len(terms) - 1 else term + ","
        if used + len(piece) + (lines[-1][-1] != "(" and used > column) > WIDTH:
            lines.append(" " * column + piece)
            used = column + len(piece)
        else:
            space = " " if used > column else ""
            lines[-1] += space + piece
            used += len(space) + len(piece)
    return "\n".join(lines)


def constants(declarations: list[str]) -> str:
    """Constant arrays one after the other."""
    return TABLES.format("".join(declarations))
