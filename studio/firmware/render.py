"""A graph as C: `model.h` and `model.c`. One rule renders every op, so a new op needs no change here.

The call of an op comes from `studio/graph/call.py`, where the caller on this computer reads it too. What runs once per
sample, once per row (`studio/graph/rows.py`) and once per window are three functions.
"""

from collections.abc import Iterator
from math import prod

from studio.data.stream import Stream
from studio.errors import BuildError
from studio.firmware.c_layout import call, constants
from studio.firmware.c_text import comment, constant, identifiers, strings
from studio.graph.call import c_type
from studio.graph.graph import WINDOW, Graph
from studio.graph.op import Shape
from studio.graph.plan import blocks, item_bytes, plan
from studio.graph.rows import Rows, arena_bytes, resident, rows_of, stages_on_board


def render(graph: Graph, stream: Stream) -> dict[str, str]:
    """{"model.h": text, "model.c": text} of a model that listens to `stream`; BuildError when that does not fit."""
    if len(stream.channels) != len(graph.channels):
        seen = f"{len(stream.channels)} channels where the model was trained on {len(graph.channels)}"
        raise BuildError(f"Stream {stream.name!r}", seen, "Choose the stream that the model was trained on.")
    return {"model.h": header(graph, stream), "model.c": source(graph)}


def header(graph: Graph, stream: Stream) -> str:
    """The model as the runtime sees it."""
    inside, unit, rows = resident(graph), comment(stream.unit) or "no unit", rows_of(graph)
    filtered, width = graph.window_shape()[1], inside.window_shape()[1]
    what = f"row of {rows.hop} samples" if rows else "sample"
    return f"""/* Written by Sensorsmith Studio. A model of {len(stages_on_board(graph))} stages.
   It listens to stream {comment(stream.name)}: {len(graph.channels)} channels, {unit},
   {graph.rate_hz:g} samples per second. */
#pragma once
#include <stdint.h>

enum {{
    MODEL_CHANNELS = {len(graph.channels)}, /* in one sample, as it comes from the sensor */
    MODEL_FILTERED = {filtered}, /* in one sample, filtered */
    MODEL_SAMPLES = {graph.length}, /* that a window covers */
    MODEL_WIDTH = {width}, /* values in one {what}, as it enters the window */
    MODEL_LENGTH = {inside.length}, /* of these in a window */
    MODEL_STRIDE = {inside.stride}, /* of these from one window to the next */
    MODEL_LATE = {rows.late if rows else 0}, /* samples from the last row to the end of the window */
    MODEL_CLASSES = {len(graph.classes)},
    MODEL_STAGES = {len(stages_on_board(graph))}
}};

typedef {c_type(inside.holds)} model_value; /* of the window */

extern const char *const model_class_names[MODEL_CLASSES]; /* UTF-8 */
extern const char *const model_stage_names[MODEL_STAGES];

/* Called after every stage with its output, unless it is null. */
typedef void (*model_tap_fn)(int32_t stage, const void *data, int32_t bytes);
extern model_tap_fn model_tap;

/* One sample (MODEL_CHANNELS values, in the stream's unit) through the filters: MODEL_FILTERED values. */
const float *model_filter(const float *sample);

/* A filtered sample: the MODEL_WIDTH values that it completes for the window, or null when more samples must come. */
const model_value *model_row(const float *filtered);

/* A window (MODEL_LENGTH rows of MODEL_WIDTH values) to MODEL_CLASSES scores. */
void model_run(const model_value *window, float *scores);

/* {_told(graph)} */
int16_t model_decide(const float *scores);

/* The filters forget all samples{", the decision all scores" if graph.decision else ""}. */
void model_clear(void);
"""


def _arena(n_bytes: int) -> str:
    return (
        "/* Outputs of the stages; those that are not needed at the same time share bytes. */\n"
        f"static _Alignas(8) uint8_t arena[{max(n_bytes, 8)}];\n"
    )


def _fits(inside: Graph, names: list[str]) -> str:
    """Every stage's output and working memory lie in the arena, and the compiler says so if they do not."""
    layout, (outputs, scratch) = plan(inside), blocks(inside)
    places = zip(names, layout.offsets, outputs, layout.scratch, scratch, strict=True)
    ends = [(name, max(at + y.n_bytes, to + s.n_bytes)) for name, at, y, to, s in places if y.n_bytes or s.n_bytes]
    return "".join(f'_Static_assert(sizeof arena >= {end}, "{name}");\n' for name, end in ends)


def source(graph: Graph) -> str:
    """The weights as constants, and one call per stage."""
    inside, arena = resident(graph), arena_bytes(graph)
    tables: list[str] = []
    names = identifiers(graph)
    decide = _decide(graph, tables)
    n = len(graph.nodes) - len(inside.nodes)
    memories, forget = _memories(inside, names[n:])
    filters = (memories + _filters(graph, tables, forget)).lstrip("\n")
    row = _row(graph, names, tables)
    stages = "\n".join(_stages(inside, names[n:], min(n, 1), tables)).rstrip("\n")
    return f"""/* Written by Sensorsmith Studio: {len(stages_on_board(graph))} stages, {arena} bytes of arena. */
#include "model.h"
#include "kernels.h"

{constants([_names(graph), *tables])}
{_arena(arena) + _fits(inside, names[n:]) if "arena + " in row + stages else ""}#ifndef MODEL_TAPS
#define MODEL_TAPS 1 /* 0 where nobody looks at stages: smaller */
#endif
#if MODEL_TAPS
model_tap_fn model_tap = 0;

static __attribute__((noinline)) void tap(int32_t stage, const void *data, int32_t bytes)
{{
    if (model_tap)
        model_tap(stage, data, bytes);
}}
#else
#define tap(stage, data, bytes) (void)(data)
#endif

{filters}
{row}
void model_run(const model_value *window, float *scores)
{{
{stages}
}}

{decide}"""


def _names(graph: Graph) -> str:
    return (
        f"const char *const model_class_names[MODEL_CLASSES] = {{\n    {strings(graph.classes)}}};\n"
        f"const char *const model_stage_names[MODEL_STAGES] = {{\n    {strings(stages_on_board(graph))}}};\n"
    )


def _told(graph: Graph) -> str:
    if graph.decision is None:
        return "Index of the greatest score (the first of equals), or -1 when it lies below the threshold."
    return "Index of the class that is told, or -1 for none. It remembers: call it once for every window, in order."


def _decide(graph: Graph, tables: list[str]) -> str:
    """model_decide, from each window alone or with a memory of those before."""
    if graph.decision is None:
        tables.append(constant("decide_threshold", float(graph.threshold)))
        return """int16_t model_decide(const float *scores)
{
    int16_t best = 0;
    for (int16_t i = 1; i < MODEL_CLASSES; i++)
        if (scores[i] > scores[best])
            best = i;
    if (scores[best] >= decide_threshold)
        return best;
    return -1;
}
"""
    pointers = {"input": ["scores"], "state": "decide_state", "output": "told"}
    return f"""int16_t model_decide(const float *scores)
{{
    int16_t told[1];
    {call(graph.decision, [(len(graph.classes),)], "decide", pointers, tables)}
    return told[0];
}}
"""


def _memories(graph: Graph, names: list[str]) -> tuple[str, str]:
    """What nodes keep from window to window: declarations, and the lines that empty them."""
    declared, forget = "", ""
    for (node, inputs, _), name in zip(graph.edges_into(graph.shapes()), names, strict=True):
        if n_bytes := node.op.memory(*inputs):
            declared += f"static _Alignas(8) uint8_t {name}_memory[{n_bytes}]; /* goes on from window to window */\n"
            forget += f"    for (int32_t i = 0; i < {n_bytes}; i++)\n        {name}_memory[i] = 0;\n"
    return declared, forget


def _filters(graph: Graph, tables: list[str], forget: str) -> str:
    """model_filter and model_clear, with the memories of the filters and of the decision."""
    memories, calls, x = "", "", "sample"
    shape: Shape = (len(graph.channels),)
    for i, op in enumerate(graph.stream_ops):
        name, given = f"filter_{i}", op.shape(shape)
        n_state = max(op.state(shape), 1)
        memories += f"static float {name}_state[{n_state}];\nstatic float {name}_sample[{prod(given)}];\n"
        pointers = {"input": [x], "state": f"{name}_state", "output": f"{name}_sample"}
        calls += f"    {call(op, [shape], name, pointers, tables)}\n"
        forget += f"    for (int32_t i = 0; i < {n_state}; i++)\n        {name}_state[i] = 0.0f;\n"
        x, shape = f"{name}_sample", given
    if graph.decision is not None:
        n = graph.decision.state((len(graph.classes),))
        memories += f"static float decide_state[{n}];\n"
        forget += f"    for (int32_t i = 0; i < {n}; i++)\n        decide_state[i] = 0.0f;\n"
    if rows_of(graph):
        memories += "static int32_t frame_held; /* samples of the newest frame; below 0: so many to let go by */\n"
        forget += "    frame_held = 0;\n"
    return (
        f"{memories}\nconst float *model_filter(const float *sample)\n{{\n{calls}    return {x};\n}}\n\n"
        f"void model_clear(void)\n{{\n{forget}}}\n"
    )


def _row(graph: Graph, names: list[str], tables: list[str]) -> str:
    """model_row, with the newest frame."""
    rows = rows_of(graph)
    if rows is None:
        return "const model_value *model_row(const float *filtered)\n{\n    return filtered;\n}\n"
    n, c = rows.shapes[0]
    kept, skipped = max(n - rows.hop, 0), max(rows.hop - n, 0)
    steps = "\n".join(_row_steps(rows, names, tables))
    return f"""static float frame[{n * c}]; /* {n} samples of {c} */
static model_value row[MODEL_WIDTH];

const model_value *model_row(const float *filtered)
{{
    if (frame_held >= 0)
        for (int32_t i = 0; i < {c}; i++)
            frame[frame_held * {c} + i] = filtered[i];
    if (++frame_held < {n})
        return 0;
{steps}
    for (int32_t i = 0; i < {kept * c}; i++)
        frame[i] = frame[i + {(n - kept) * c}];
    frame_held = {kept - skipped};
    return row;
}}
"""


def _row_steps(rows: Rows, names: list[str], tables: list[str]) -> Iterator[str]:
    """The lines of model_row for each node."""
    places, x = rows.places()[0], "frame"
    for i, node in enumerate(rows.nodes):
        y, given = f"{names[i]}_row", c_type(node.op.gives)
        yield f"    /* {comment(node.name)}: {type(node.op).__name__} of {rows.shapes[i]} gives {rows.shapes[i + 1]} */"
        if node is rows.nodes[-1]:
            y = "row"
        else:
            yield f"    {given} *const {y} = ({given} *)(void *)(arena + {places[2 * i + 1]});"
        pointers = {"input": [x], "scratch": f"arena + {places[2 * i]}", "output": y}
        yield f"    {call(node.op, [rows.shapes[i]], names[i], pointers, tables)}"
        x = y


def _stages(graph: Graph, names: list[str], first: int, tables: list[str]) -> Iterator[str]:
    """The lines of model_run for each node; the first of them is stage `first` of those that can be shown."""
    sizes, found, layout = item_bytes(graph), graph.shapes(), plan(graph)
    end = len(graph.nodes) - 1
    if first:
        yield "    tap(0, window, (int32_t)sizeof(model_value) * MODEL_LENGTH * MODEL_WIDTH);\n"
    y = [f"{name}_out" for name in names[:end]] + ["scores"]
    for i, (node, inputs, _) in enumerate(graph.edges_into(found)):
        x = ["window" if j == WINDOW else y[j] for j in node.inputs]
        shapes = " and ".join(f"{name} {shape}" for name, shape in zip(x, inputs, strict=True))
        yield f"    /* {first + i} {comment(node.name)}: {type(node.op).__name__} of {shapes} gives {found[i]} */"
        given = c_type(node.op.gives)
        if i < end and node.op.alias:
            yield f"    const {given} *const {y[i]} = {x[0]};"
            yield f"    tap({first + i}, {y[i]}, {sizes[i]});\n"
            continue
        if i < end:
            yield f"    {given} *const {y[i]} = ({given} *)(void *)(arena + {layout.offsets[i]});"
        memory = f"{names[i]}_memory" if node.op.memory(*inputs) else "0"
        pointers = {"input": x, "memory": memory, "scratch": f"arena + {layout.scratch[i]}", "output": y[i]}
        yield f"    {call(node.op, inputs, names[i], pointers, tables)}"
        yield f"    tap({first + i}, {y[i]}, {sizes[i]});\n"
