/* What CubeMX generates, as far as the export uses it; written for the tests. */
#pragma once
#include <stdint.h>

typedef struct {
    uint32_t state;
} UART_HandleTypeDef;
typedef enum { HAL_OK, HAL_ERROR } HAL_StatusTypeDef;
#define HAL_MAX_DELAY 0xFFFFFFFFu

uint32_t HAL_GetTick(void);
HAL_StatusTypeDef HAL_UART_Transmit(UART_HandleTypeDef *uart, const uint8_t *data, uint16_t size, uint32_t timeout);
