"""A graph as C: `model.h` and `model.c`. One rule renders every op, so a new op needs no change here.

The call of an op comes from `studio/graph/call.py`, where the caller on this computer reads it too. Floats are
written as hexadecimal constants, which C99 reads back exactly.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

import numpy as np

from studio.data.stream import Stream
from studio.errors import BuildError
from studio.graph.call import Argument, Slot, Table, arguments, c_type
from studio.graph.graph import WINDOW, Graph
from studio.graph.op import Array, Op, Shape
from studio.graph.plan import Plan, item_bytes, plan

Pointers = Mapping[str, str | Sequence[str]]


def render(graph: Graph, stream: Stream) -> dict[str, str]:
    """{"model.h": text, "model.c": text} of a model that listens to `stream`; BuildError when that does not fit."""
    if len(stream.channels) != len(graph.channels):
        seen = f"{len(stream.channels)} channels where the model was trained on {len(graph.channels)}"
        raise BuildError(f"Stream {stream.name!r}", seen, "Choose the stream that the model was trained on.")
    return {"model.h": header(graph, stream), "model.c": source(graph)}


def header(graph: Graph, stream: Stream) -> str:
    """The model as the runtime sees it."""
    filtered, unit = graph.window_shape()[1], comment(stream.unit) or "no unit"
    return f"""/* Written by Sensorsmith Studio. A model of {len(graph.nodes)} stages.
   It listens to stream {comment(stream.name)}: {len(graph.channels)} channels, {unit},
   {graph.rate_hz:g} samples per second. */
#pragma once
#include <stdint.h>

enum {{
    MODEL_CHANNELS = {len(graph.channels)}, /* in one sample, as it comes from the sensor */
    MODEL_FILTERED = {filtered}, /* in one sample, as it enters the window */
    MODEL_LENGTH = {graph.length}, /* samples in a window */
    MODEL_STRIDE = {graph.stride}, /* samples from one window to the next */
    MODEL_CLASSES = {len(graph.classes)},
    MODEL_STAGES = {len(graph.nodes)}
}};

extern const char *const model_class_names[MODEL_CLASSES]; /* UTF-8 */
extern const char *const model_stage_names[MODEL_STAGES];

/* Called after every stage with its output, unless it is null. */
typedef void (*model_tap_fn)(int32_t stage, const void *data, int32_t bytes);
extern model_tap_fn model_tap;

/* One sample (MODEL_CHANNELS values, in the stream's unit) through the filters: MODEL_FILTERED values. */
const float *model_filter(const float *sample);

/* A window (MODEL_LENGTH rows of MODEL_FILTERED values) to MODEL_CLASSES scores. */
void model_run(const float *window, float *scores);

/* Index of the greatest score (the first of equals), or -1 when it lies below the threshold. */
int16_t model_decide(const float *scores);

/* The filters forget all samples. */
void model_clear(void);
"""


def source(graph: Graph) -> str:
    """The weights as constants, and one call per stage."""
    layout = plan(graph)
    tables: list[str] = []
    filters = _filters(graph, tables)
    stages = "\n".join(_stages(graph, layout, tables)).rstrip("\n")
    return f"""/* Written by Sensorsmith Studio: {len(graph.nodes)} stages, {layout.arena_bytes} bytes of arena. */
#include "model.h"
#include "kernels.h"

model_tap_fn model_tap = 0;

const char *const model_class_names[MODEL_CLASSES] = {{
    {strings(graph.classes)}}};
const char *const model_stage_names[MODEL_STAGES] = {{
    {strings(n.name for n in graph.nodes)}}};

{"".join(tables)}
/* Outputs of the stages; those that are not needed at the same time share bytes. */
static _Alignas(8) uint8_t arena[{max(layout.arena_bytes, 8)}];

static void tap(int32_t stage, const void *data, int32_t bytes)
{{
    if (model_tap)
        model_tap(stage, data, bytes);
}}

{filters}
void model_run(const float *window, float *scores)
{{
{stages}
}}

int16_t model_decide(const float *scores)
{{
    int16_t best = 0;
    for (int16_t i = 1; i < MODEL_CLASSES; i++)
        if (scores[i] > scores[best])
            best = i;
    return scores[best] >= {number(float(graph.threshold))} ? best : -1;
}}
"""


def _filters(graph: Graph, tables: list[str]) -> str:
    """model_filter and model_clear, with the filters' memories."""
    memories, calls, forget, x = "", "", "", "sample"
    shape: Shape = (len(graph.channels),)
    for i, op in enumerate(graph.stream_ops):
        name, given = f"filter_{i}", op.shape(shape)
        n_state = max(op.state(shape), 1)
        memories += f"static float {name}_state[{n_state}];\nstatic float {name}_sample[{prod(given)}];\n"
        pointers = {"input": [x], "state": f"{name}_state", "output": f"{name}_sample"}
        calls += f"    {_call(op, [shape], name, pointers, tables)}\n"
        forget += f"    for (int32_t i = 0; i < {n_state}; i++)\n        {name}_state[i] = 0.0f;\n"
        x, shape = f"{name}_sample", given
    return (
        f"{memories}\nconst float *model_filter(const float *sample)\n{{\n{calls}    return {x};\n}}\n\n"
        f"void model_clear(void)\n{{\n{forget}}}\n"
    )


def _stages(graph: Graph, layout: Plan, tables: list[str]) -> Iterator[str]:
    """The lines of model_run for each node."""
    names, sizes, found = identifiers(graph), item_bytes(graph), graph.shapes()
    end = len(graph.nodes) - 1
    y = [f"{name}_out" for name in names[:end]] + ["scores"]
    for i, (node, inputs, _) in enumerate(graph.edges_into(found)):
        x = ["window" if j == WINDOW else y[j] for j in node.inputs]
        shapes = " and ".join(f"{name} {shape}" for name, shape in zip(x, inputs, strict=True))
        yield f"    /* {i} {comment(node.name)}: {type(node.op).__name__} of {shapes} gives {found[i]} */"
        given = c_type(node.op.gives)
        if i < end and node.op.alias:
            yield f"    const {given} *const {y[i]} = {x[0]};"
            yield f"    tap({i}, {y[i]}, {sizes[i]});\n"
            continue
        if i < end:
            yield f"    {given} *const {y[i]} = ({given} *)(void *)(arena + {layout.offsets[i]});"
        pointers = {"input": x, "scratch": f"arena + {layout.scratch[i]}", "output": y[i]}
        yield f"    {_call(node.op, inputs, names[i], pointers, tables)}"
        yield f"    tap({i}, {y[i]}, {sizes[i]});\n"


def _call(op: Op, shapes: list[Shape], name: str, pointers: Pointers, tables: list[str]) -> str:
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
