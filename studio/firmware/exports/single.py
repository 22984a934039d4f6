"""A model as one header and one source: what every export is built around.

Everything that the source defines is its own except what its header declares, and that bears the project's name:
two models fit into one program.
"""

import re
from collections.abc import Iterable
from math import prod

import numpy as np

from studio.data.stream import Stream
from studio.firmware.c_text import comment, number
from studio.firmware.exports.facts import Facts
from studio.firmware.exports.prune import needed
from studio.firmware.render import render
from studio.graph.call import Table, arguments
from studio.graph.graph import Graph
from studio.graph.op import Shape
from studio.graph.rows import arena_bytes, resident, rows_of
from studio.paths import STUBS

#: Why here and not in a build file: these hold wherever the source is compiled, also where flags cannot be set.
EXACT = """#if defined(__FAST_MATH__)
#error "Compile without -ffast-math: this model's answers are checked bit for bit."
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#else
#error "Compile with GCC or Clang (Arm Compiler 6 is one)."
#endif
"""

#: For kernels that are assembly on some cores: GCC must not guess from an empty body what a call leaves alone.
ASSEMBLY = """#if defined(__clang__)
#define ASSEMBLY naked
#else
#define ASSEMBLY naked, noipa
#endif
#pragma GCC diagnostic ignored "-Wunused-parameter" /* assembly reads them from their registers */
"""

#: Variables of a few bytes that are not counted.
COUNTERS = ("held", "skip", "wait", "frame_held")

GUARD = '#ifdef __cplusplus\nextern "C" {\n#endif\n'
UNGUARD = "#ifdef __cplusplus\n}\n#endif\n"

#: Variables of a few bytes that are not counted.
COUNTERS = ("held", "skip", "wait", "frame_held")


def header(graph: Graph, stream: Stream, facts: Facts) -> str:
    """What a program includes: sizes, scale, and the functions from sample to decision."""
    model = render(graph, stream)["model.h"].replace("#include <stdint.h>\n", f"#include <stdint.h>\n\n{GUARD}", 1)
    push = (STUBS / "runtime" / "model_push.h").read_text(encoding="utf-8").split("#pragma once\n")[1]
    unit = comment(stream.unit) or "the stream's unit"
    figures = f"""
/* A raw value of the sensor times MODEL_SCALE is a value in {unit}. Samples must come at MODEL_RATE_HZ. */
#define MODEL_SCALE {number(stream.scale)}
#define MODEL_RATE_HZ {number(graph.rate_hz)}
#define MODEL_RAM_BYTES {sum(ram(graph).values())} /* variables of this model, without stack; counters left out */
#define MODEL_WEIGHT_BYTES {weight_bytes(graph)} /* constant tables, in flash */
"""
    return renamed(f"{facts.banner}{model}{figures}{push}\n{UNGUARD}", facts.name)


def source(graph: Graph, stream: Stream, facts: Facts) -> str:
    """The header's functions, with the kernels that this model needs and no other."""
    model = _body(render(graph, stream)["model.c"])
    push = _body((STUBS / "runtime" / "model_push.c").read_text(encoding="utf-8"))
    roots = list(dict.fromkeys(re.findall(r"\b(?:k_\w+|START|FOUR)(?=\()", model)))
    tables = re.findall(r"^static (?:const )?(?:_Alignas\(\d\) )?\w+ (\w+)[\[;]", model + push, re.M)
    numbers = re.findall(r"^static const \w+ (\w+) = ", model, re.M)
    kernels = needed(roots, frozenset([*tables, *numbers, "tap", "move_on", "take"]))
    before = EXACT + (ASSEMBLY if "((ASSEMBLY," in kernels else "")
    parts = f"{before}\n/* Kernels */\n\n{kernels}\n/* The model */\n\n{model}\n/* The window */\n\n{push}"
    text = f'{facts.banner}#include "{facts.stem}.h"\n\n{parts}{asserts(graph, tables)}'
    return renamed(text, facts.name)


def files(graph: Graph, stream: Stream, facts: Facts) -> tuple[str, str]:
    """(header, source); BuildError when the stream does not fit the graph."""
    return header(graph, stream, facts), source(graph, stream, facts)


def asserts(graph: Graph, tables: Iterable[str]) -> str:
    """The sizes that the studio worked out, checked by whatever compiler builds the export."""
    constant = [t for t in tables if t not in ram(graph)]
    sizes = " + ".join(f"sizeof {t}" for t in constant if t not in COUNTERS) or "0u"
    lines = [
        '_Static_assert(sizeof(float) == 4, "float is IEEE 754 single precision");',
        *(f'_Static_assert(sizeof {name} == {n}u, "{name}");' for name, n in ram(graph).items()),
        f'_Static_assert({sizes} == MODEL_WEIGHT_BYTES, "weights");',
    ]
    return "\n/* Sizes */\n\n" + "\n".join(lines) + "\n"


def ram(graph: Graph) -> dict[str, int]:
    """Bytes of every variable of the model by its name, but for its counters."""
    shape: Shape = (len(graph.channels),)
    found, rows = {"arena": max(arena_bytes(graph), 8)}, rows_of(graph)
    for i, op in enumerate(graph.stream_ops):
        found[f"filter_{i}_state"] = 4 * max(op.state(shape), 1)
        shape = op.shape(shape)
        found[f"filter_{i}_sample"] = 4 * shape[0]
    if graph.decision is not None:
        found["decide_state"] = 4 * graph.decision.state((len(graph.classes),))
    size = np.dtype(resident(graph).holds).itemsize
    if rows:
        found |= {"frame": 4 * prod(rows.shapes[0]), "row": size * rows.width}
    return found | {"window": size * prod(resident(graph).window_shape())}


def weight_bytes(graph: Graph) -> int:
    """Bytes of all constant tables."""
    rows, inside = rows_of(graph), resident(graph)
    calls = [arguments(node.op, *inputs) for node, inputs, _ in inside.edges_into(inside.shapes())]
    if rows:
        calls += [arguments(node.op, x) for node, x in zip(rows.nodes, rows.shapes, strict=False)]
    shape: Shape = (len(graph.channels),)
    for op in graph.stream_ops:
        calls.append(arguments(op, shape))
        shape = op.shape(shape)
    if graph.decision is not None:
        calls.append(arguments(graph.decision, (len(graph.classes),)))
    every = [value.values for call in calls for value in call if isinstance(value, Table)]
    # Curves of the arithmetic, which nothing may write, are declared once.
    curves = {(v.dtype.str, v.shape, v.tobytes()): v for v in every if not v.flags.writeable}
    tables = [*(v for v in every if v.flags.writeable), *curves.values()]
    return sum(max(values.size, 1) * values.dtype.itemsize for values in tables)


def renamed(text: str, name: str) -> str:
    """`text` with `name` in place of "model" wherever that begins an identifier; strings stay as they are."""

    def word(found: re.Match[str]) -> str:
        return found[0] if found[0][0] == '"' else f"{name.upper() if found[0][0] == 'M' else name}_"

    return re.sub(r'"(?:[^"\\\n]|\\.)*"|\bmodel_|\bMODEL_', word, text)


def _body(text: str) -> str:
    """Without its first comment and its includes of our own."""
    lines = re.sub(r'^#include ".*"\n', "", text, flags=re.M)
    return re.sub(r"\A/\*.*?\*/\n", "", lines, flags=re.S).strip("\n") + "\n"
