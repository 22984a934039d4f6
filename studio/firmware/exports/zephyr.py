"""A Zephyr module: found through ZEPHYR_EXTRA_MODULES or a west manifest, switched on by one option."""

from studio.data.stream import Stream
from studio.firmware.exports.facts import Facts
from studio.firmware.exports.single import files
from studio.firmware.exports.texts import app_loop, license_text, readme
from studio.graph.graph import Graph


def zephyr(graph: Graph, stream: Stream, facts: Facts) -> dict[str, str]:
    """{path: text} of the module with a sample application."""
    header, source = files(graph, stream, facts)
    use = "`west build -b BOARD samples/scores`; elsewhere `-DZEPHYR_EXTRA_MODULES=` this folder, and set "
    return {
        "zephyr/module.yml": f"{facts.spdx}name: {facts.stem}\nbuild:\n  cmake: zephyr\n  kconfig: zephyr/Kconfig\n",
        "zephyr/CMakeLists.txt": _cmake(facts),
        "zephyr/Kconfig": _kconfig(facts),
        f"include/{facts.stem}.h": header,
        f"src/{facts.stem}.c": source,
        "samples/scores/CMakeLists.txt": _sample_cmake(facts),
        "samples/scores/prj.conf": f"{facts.spdx}CONFIG_{facts.stem.upper()}=y\n",
        "samples/scores/src/main.c": _sample(graph, facts),
        "README.md": readme(graph, facts, f"{use}`CONFIG_{facts.stem.upper()}=y`."),
        "LICENSE": license_text(),
    }


def _cmake(facts: Facts) -> str:
    return f"""# SPDX-License-Identifier: Apache-2.0
if(CONFIG_{facts.stem.upper()})
  zephyr_include_directories(../include)
  zephyr_library_named({facts.stem})
  zephyr_library_sources(../src/{facts.stem}.c)
  zephyr_library_compile_options(-ffp-contract=off -fno-math-errno)
endif()
"""


def _kconfig(facts: Facts) -> str:
    title = facts.title.replace('"', "'").replace("$", "_")
    lines = (f'bool "{title}"', "imply FPU", "help", "  Scores of a trained sensor model: generated C.")
    body = "\n".join(f"\t{line}" for line in lines)
    return f"# SPDX-License-Identifier: Apache-2.0\nconfig {facts.stem.upper()}\n{body}\n"


def _sample_cmake(facts: Facts) -> str:
    return f"""# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.20.0)
list(APPEND ZEPHYR_EXTRA_MODULES ${{CMAKE_CURRENT_LIST_DIR}}/../..)
find_package(Zephyr REQUIRED HINTS $ENV{{ZEPHYR_BASE}})
project({facts.stem}_scores)
target_sources(app PRIVATE src/main.c)
"""


def _sample(graph: Graph, facts: Facts) -> str:
    says, tells = 'printk("%d ", (int)(1000.0f * scores[i]));', 'printk("-> %d\\n", (int)told);'
    return f"""{facts.banner}#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>
#include "{facts.stem}.h"

{app_loop(facts, says, tells)}
int main(void)
{{
    {facts.name}_push_clear();
    for (;;) {{
        step();
        k_usleep({round(1e6 / graph.rate_hz)});
    }}
    return 0;
}}
"""
