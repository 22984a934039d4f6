"""A model for other people's toolchains: each export is {path: text} that builds as it is.

EXPORTS: name -> function of graph, stream and facts. ARCHIVES: for those that travel as one file, its name.
"""

from collections.abc import Callable

from studio.data.stream import Stream
from studio.firmware.exports.arduino import arduino
from studio.firmware.exports.cmsis_pack import cmsis_pack, pack_name
from studio.firmware.exports.esp_idf import esp_idf
from studio.firmware.exports.facts import Facts
from studio.firmware.exports.plain import plain
from studio.firmware.exports.platformio import platformio
from studio.firmware.exports.stm32cube import stm32cube
from studio.firmware.exports.zephyr import zephyr
from studio.graph.graph import Graph

Export = Callable[[Graph, Stream, Facts], dict[str, str]]

EXPORTS: dict[str, Export] = {
    "c": plain,
    "arduino": arduino,
    "zephyr": zephyr,
    "cmsis-pack": cmsis_pack,
    "platformio": platformio,
    "esp-idf": esp_idf,
    "stm32cube": stm32cube,
}

ARCHIVES: dict[str, Callable[[Facts], str]] = {
    "arduino": lambda facts: f"{facts.stem}.zip",
    "cmsis-pack": lambda facts: f"{pack_name(facts)}.pack",
}
