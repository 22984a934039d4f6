"""A folder for STM32CubeIDE: Inc/ and Src/ under Middlewares, and two calls for the generated main.c."""

from studio.data.stream import Stream
from studio.firmware.exports.facts import Facts
from studio.firmware.exports.single import files
from studio.firmware.exports.texts import app_loop, license_text, readme
from studio.graph.graph import Graph


def stm32cube(graph: Graph, stream: Stream, facts: Facts) -> dict[str, str]:
    """{path: text} to lay over a project that CubeMX made."""
    header, source = files(graph, stream, facts)
    root = f"Middlewares/Sensorsmith/{facts.stem}"
    use = f"copy both folders over a CubeMX project, add `{root}/Inc` to the include paths, call `{facts.name}_app_*`."
    return {
        f"{root}/Inc/{facts.stem}.h": header,
        f"{root}/Src/{facts.stem}.c": source,
        f"{root}/README.md": readme(graph, facts, use),
        f"{root}/LICENSE": license_text(),
        f"Core/Inc/{facts.name}_app.h": _app_h(graph, facts),
        f"Core/Src/{facts.name}_app.c": _app_c(graph, facts),
    }


def _app_h(graph: Graph, facts: Facts) -> str:
    return f"""{facts.banner}#pragma once
#include "main.h"

/* Once, after the peripherals are set up. */
void {facts.name}_app_init(void);

/* In the main loop, as often as it goes round: takes a sample when {1000 / graph.rate_hz:g} ms have gone by. */
void {facts.name}_app_process(UART_HandleTypeDef *uart);
"""


def _app_c(graph: Graph, facts: Facts) -> str:
    period_ms, name = max(1, round(1000 / graph.rate_hz)), facts.name
    says = "say(uart, (int32_t)(1000.0f * scores[i]));"
    tells = "say(uart, told + 1); /* 0: nothing is told, else the number of the class, from 1 */"
    return f"""{facts.banner}#include "{name}_app.h"
#include "{facts.stem}.h"

/* A number from 0 to 1000 and a space; newlib's printf would bring its heap. */
static void say(UART_HandleTypeDef *uart, int32_t value)
{{
    uint8_t text[5] = {{0, 0, 0, 0, ' '}};
    for (int32_t i = 3; i >= 0; i--, value /= 10)
        text[i] = (uint8_t)('0' + value % 10);
    HAL_UART_Transmit(uart, text, (uint16_t)sizeof text, HAL_MAX_DELAY);
}}

{app_loop(facts, says, tells, "UART_HandleTypeDef *uart")}
static uint32_t last;

void {name}_app_init(void)
{{
    last = HAL_GetTick();
    {name}_push_clear();
}}

void {name}_app_process(UART_HandleTypeDef *uart)
{{
    if ((uint32_t)(HAL_GetTick() - last) < {period_ms}u)
        return;
    last += {period_ms}u;
    step(uart);
}}
"""
