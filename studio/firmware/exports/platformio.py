"""A PlatformIO library: library.json, include/, src/, and an example for the Arduino framework."""

import json

from studio.data.stream import Stream
from studio.firmware.exports.arduino import arduino
from studio.firmware.exports.facts import LICENSE, MAINTAINER, Facts
from studio.firmware.exports.single import files
from studio.firmware.exports.texts import license_text, readme
from studio.graph.graph import Graph


def platformio(graph: Graph, stream: Stream, facts: Facts) -> dict[str, str]:
    """{path: text}; it builds for every platform and framework, the example for Arduino's."""
    header, source = files(graph, stream, facts)
    sketch = arduino(graph, stream, facts)[f"{facts.stem}/examples/Scores/Scores.ino"]
    use = f"`lib_deps = symlink://` this folder in platformio.ini, then `#include <{facts.stem}.h>`."
    return {
        "library.json": _manifest(facts),
        f"include/{facts.stem}.h": header,
        f"src/{facts.stem}.c": source,
        "examples/scores/main.cpp": sketch,
        "README.md": readme(graph, facts, use),
        "LICENSE": license_text(),
    }


def _manifest(facts: Facts) -> str:
    fields = {
        "name": facts.stem,
        "version": facts.version,
        "description": f"{facts.title}: scores of a trained sensor model, generated C without dependencies.",
        "keywords": ["sensor", "machine learning", "tinyml"],
        "authors": [{"name": MAINTAINER}],
        "license": LICENSE,
        "frameworks": "*",
        "platforms": "*",
        "headers": f"{facts.stem}.h",
        "build": {"flags": ["-ffp-contract=off"]},
        "examples": [{"name": "scores", "base": "examples/scores", "files": ["main.cpp"]}],
    }
    return json.dumps(fields, indent=2, ensure_ascii=True) + "\n"
