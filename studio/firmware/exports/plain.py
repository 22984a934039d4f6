"""Plain C: one header, one source, CMake, and an example that prints scores."""

from studio.data.stream import Stream
from studio.firmware.exports.facts import Facts
from studio.firmware.exports.single import files
from studio.firmware.exports.texts import license_text, readme
from studio.graph.graph import Graph


def plain(graph: Graph, stream: Stream, facts: Facts) -> dict[str, str]:
    """{path: text} for any C project."""
    header, source = files(graph, stream, facts)
    use = f"`cmake -B build && cmake --build build`, then `build/example < samples.csv`; or add `{facts.stem}.c`."
    return {
        f"{facts.stem}.h": header,
        f"{facts.stem}.c": source,
        "CMakeLists.txt": _cmake(facts),
        "example.c": _example(facts),
        "README.md": readme(graph, facts, use),
        "LICENSE": license_text(),
    }


def _cmake(facts: Facts) -> str:
    return f"""# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.13)
project({facts.stem} C)

add_library({facts.stem} STATIC {facts.stem}.c)
target_include_directories({facts.stem} PUBLIC ${{CMAKE_CURRENT_LIST_DIR}})
target_compile_features({facts.stem} PUBLIC c_std_11)
target_compile_options({facts.stem} PRIVATE -ffp-contract=off -fno-math-errno)
if(UNIX)
  target_link_libraries({facts.stem} PUBLIC m)
endif()

add_executable(example example.c)
target_link_libraries(example PRIVATE {facts.stem})
"""


def _example(facts: Facts) -> str:
    name, upper = facts.name, facts.name.upper()
    return f"""{facts.banner}
/* Raw samples from standard input, {upper}_CHANNELS numbers each, commas or spaces between; for every window the
   scores and the decision go to standard output, with all digits. */
#include <stdio.h>
#include "{facts.stem}.h"

static void print(const float *scores)
{{
    for (int32_t i = 0; i < {upper}_CLASSES; i++)
        printf("%.9g ", (double)scores[i]);
    printf("%d\\n", (int){name}_decide(scores));
}}

int main(void)
{{
    float sample[{upper}_CHANNELS], scores[{upper}_CLASSES];
    double raw = 0.0;
    int32_t n = 0;
    {name}_push_clear();
    while (scanf("%lf%*1[,;]", &raw) == 1) {{
        sample[n++] = (float)raw * {upper}_SCALE;
        if (n < {upper}_CHANNELS)
            continue;
        n = 0;
        if ({name}_push(sample, scores))
            print(scores);
    }}
    return 0;
}}
"""
