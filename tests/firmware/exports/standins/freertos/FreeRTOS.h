/* What the example uses of FreeRTOS, written for the tests: 100 ticks in a second, as ESP-IDF has it. */
#pragma once
#include <stdint.h>

typedef uint32_t TickType_t;
#define pdMS_TO_TICKS(ms) ((TickType_t)((TickType_t)(ms)*100u / 1000u))
