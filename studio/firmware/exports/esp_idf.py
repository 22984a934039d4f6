"""An ESP-IDF component: its folder goes into `components/`, or its path into a project's idf_component.yml."""

from studio.data.stream import Stream
from studio.firmware.exports.facts import LICENSE, Facts
from studio.firmware.exports.single import files
from studio.firmware.exports.texts import app_loop, license_text, readme
from studio.graph.graph import Graph


def esp_idf(graph: Graph, stream: Stream, facts: Facts) -> dict[str, str]:
    """{path: text} of the component with an example project."""
    header, source = files(graph, stream, facts)
    root, example = facts.stem, f"{facts.stem}/examples/scores"
    use = f"`cd {example} && idf.py build flash monitor`; or copy `{root}` into your project's `components/`."
    return {
        f"{root}/CMakeLists.txt": _cmake(facts),
        f"{root}/idf_component.yml": _manifest(facts),
        f"{root}/include/{facts.stem}.h": header,
        f"{root}/{facts.stem}.c": source,
        f"{example}/CMakeLists.txt": _project(facts),
        f"{example}/main/CMakeLists.txt": f'{facts.spdx}idf_component_register(SRCS "main.c" REQUIRES {facts.stem})\n',
        f"{example}/main/main.c": _main(graph, facts),
        f"{root}/README.md": readme(graph, facts, use),
        f"{root}/LICENSE": license_text(),
    }


def _cmake(facts: Facts) -> str:
    return f"""# SPDX-License-Identifier: Apache-2.0
idf_component_register(SRCS "{facts.stem}.c" INCLUDE_DIRS "include")
target_compile_options(${{COMPONENT_LIB}} PRIVATE -ffp-contract=off -fno-math-errno)
"""


def _manifest(facts: Facts) -> str:
    title = facts.title.replace("\\", "_").replace('"', "'")
    return f"""{facts.spdx}version: "{facts.version}"
description: "{title}"
license: "{LICENSE}"
dependencies:
  idf: ">=5.0"
"""


def _project(facts: Facts) -> str:
    return f"""# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.16)
set(EXTRA_COMPONENT_DIRS ${{CMAKE_CURRENT_LIST_DIR}}/../..)
include($ENV{{IDF_PATH}}/tools/cmake/project.cmake)
project({facts.stem}_scores)
"""


def _main(graph: Graph, facts: Facts) -> str:
    period_ms = max(1, round(1000 / graph.rate_hz))
    says = f'ESP_LOGI("{facts.name}", "%d: %d", (int)i, (int)(1000.0f * scores[i]));'
    tells = f'ESP_LOGI("{facts.name}", "told: %d", (int)told);'
    return f"""{facts.banner}#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "esp_log.h"
#include "{facts.stem}.h"

{app_loop(facts, says, tells)}
void app_main(void)
{{
    TickType_t last = xTaskGetTickCount();
    {facts.name}_push_clear();
    for (;;) {{
        step();
        vTaskDelayUntil(&last, pdMS_TO_TICKS({period_ms}) > 0 ? pdMS_TO_TICKS({period_ms}) : 1);
    }}
}}
"""
