"""An Arduino library, as its library specification 1.5 has it: library.properties, src/, examples/."""

from studio.data.stream import Stream
from studio.firmware.exports.facts import MAINTAINER, Facts
from studio.firmware.exports.single import files
from studio.firmware.exports.texts import app_loop, license_text, readme
from studio.graph.graph import Graph


def arduino(graph: Graph, stream: Stream, facts: Facts) -> dict[str, str]:
    """{path: text}; zipped it is what the Arduino IDE takes."""
    header, source = files(graph, stream, facts)
    use = f"Arduino IDE: Sketch, Include Library, Add .ZIP Library; then File, Examples, {facts.stem}, Scores."
    return {
        f"{facts.stem}/library.properties": _properties(facts),
        f"{facts.stem}/src/{facts.stem}.h": header,
        f"{facts.stem}/src/{facts.stem}.c": source,
        f"{facts.stem}/examples/Scores/Scores.ino": _sketch(graph, facts),
        f"{facts.stem}/README.md": readme(graph, facts, use),
        f"{facts.stem}/LICENSE": license_text(),
    }


def _properties(facts: Facts) -> str:
    return f"""{facts.spdx}name={facts.stem}
version={facts.version}
author={MAINTAINER}
maintainer={MAINTAINER}
sentence={facts.title}.
paragraph=Scores of a trained sensor model, generated C without dependencies.
category=Data Processing
url=
architectures=*
includes={facts.stem}.h
"""


def _sketch(graph: Graph, facts: Facts) -> str:
    says = "Serial.print((int)(1000.0f * scores[i]));\n        Serial.print(' ');"
    tells = "Serial.print((int)told);\n    Serial.println();"
    period_us = round(1e6 / graph.rate_hz)
    return f"""{facts.banner}#include <Arduino.h>
#include <{facts.stem}.h>

{app_loop(facts, says, tells)}
void setup()
{{
    Serial.begin(115200);
    {facts.name}_push_clear();
}}

void loop()
{{
    static uint32_t last = 0;
    if ((uint32_t)(micros() - last) < {period_us}u)
        return;
    last += {period_us}u;
    step();
}}
"""
