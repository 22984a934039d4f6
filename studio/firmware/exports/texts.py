"""What the exports share in words: the README of ten lines, and the example loop that boards without files get."""

from studio.firmware.exports.facts import LICENSE, Facts
from studio.graph.graph import Graph
from studio.paths import ROOT

LICENSE_NOTE = (
    f"SPDX-License-Identifier: {LICENSE} for C and kernels (file LICENSE). "
    "Weights and names come from your data and are yours."
)


def license_text() -> str:
    """The licence that the kernels travel with."""
    return (ROOT / "LICENSE").read_text(encoding="utf-8")


def readme(graph: Graph, facts: Facts, use: str) -> str:
    """Ten lines: what it is, how to use it, what it needs, what holds, whose it is. `use` fits on one line."""
    name, upper = facts.name, facts.name.upper()
    known = " ".join(facts.rows) or "No test is known of this model."
    return f"""# {facts.title}

- **What**: {len(graph.classes)} classes from {len(graph.channels)} channels at {graph.rate_hz:g} Hz. {known}
- **Use**: {use}
- **Call**: `{name}_push_clear()` once; for every sample `{name}_push(sample, scores)`; 1 means new scores.
- **Samples**: raw values times `{upper}_SCALE`, `{upper}_CHANNELS` at a time.
- **Decision**: `{name}_decide(scores)` {_decision(graph)}.
- **Memory**: `{upper}_RAM_BYTES` of variables, `{upper}_WEIGHT_BYTES` of tables; the compiler checks both.
- **Style**: C11, MISRA-minded: no heap, recursion, goto, double or library but `sqrtf`.
- **Licence**: {LICENSE_NOTE}
"""


def _decision(graph: Graph) -> str:
    """What the decision is made of, in words; it fits on the line."""
    if graph.decision is None:
        return "is the class with the greatest score, or -1"
    return f"once for each window, in order: it remembers ({graph.decision.words()}); -1 is nothing"


def app_loop(facts: Facts, says: str, tells: str, arguments: str = "void") -> str:
    """A sensor that must be replaced, and `step()`, which `says` every score, then `tells` what is decided."""
    name, upper = facts.name, facts.name.upper()
    return f"""/* Put your sensor here: {upper}_CHANNELS raw values of one sample. Until then a triangle stands in. */
static void read_sensor(int32_t raw[{upper}_CHANNELS])
{{
    static int32_t at = 0;
    at = (at + 1) % 64;
    for (int32_t i = 0; i < {upper}_CHANNELS; i++)
        raw[i] = 64 * (at < 32 ? at : 64 - at) - 1024 + i;
}}

/* One sample in; for every window the scores come out, in thousandths, and what they come to: a class, or -1. */
static void step({arguments})
{{
    int32_t raw[{upper}_CHANNELS];
    float sample[{upper}_CHANNELS], scores[{upper}_CLASSES];
    read_sensor(raw);
    for (int32_t i = 0; i < {upper}_CHANNELS; i++)
        sample[i] = (float)raw[i] * {upper}_SCALE;
    if (!{name}_push(sample, scores))
        return;
    for (int32_t i = 0; i < {upper}_CLASSES; i++) {{
        {says}
    }}
    const int16_t told = {name}_decide(scores);
    {tells}
}}
"""
