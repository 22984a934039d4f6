/* Pins: what they are connected to, and how they drive. Codes as in Infineon's cy_gpio.h and gpio_psoc6_02_124_bga.h. */
#pragma once
#include "registers.h"

enum { DRIVE_STRONG = 6, DRIVE_INPUT = 8, DRIVE_PULL_UP = 10, DRIVE_OPEN_DRAIN = 12 };
enum { BY_SOFTWARE = 0, BY_UART = 18, BY_I2C = 19, BY_SPI = 20, BY_PDM = 21 };

static inline void pin_level(uint32_t port, uint32_t pin, int32_t high)
{
    (high ? &GPIO_PRT0_OUT_SET : &GPIO_PRT0_OUT_CLR)[32 * port] = 1u << pin;
}

static inline void set_pin(uint32_t port, uint32_t pin, uint32_t drive, uint32_t by)
{
    volatile uint32_t *driving = &GPIO_PRT0_CFG + 32 * port;
    volatile uint32_t *selected = &HSIOM_PRT0_PORT_SEL0 + 4 * port + pin / 4;
    const uint32_t at = pin % 4 * 8;
    *selected = (*selected & ~(31u << at)) | by << at;
    *driving = (*driving & ~(15u << pin * 4)) | drive << pin * 4;
}

/* One of the eight small dividers of the 100 MHz that the peripherals get. */
enum { DIVIDER_UART, DIVIDER_COUNTER, DIVIDER_I2C, DIVIDER_SPI };

static inline void divide(uint32_t divider, uint32_t by, volatile uint32_t *user)
{
    (&PERI_DIV_8_CTL0)[divider] = (by - 1) << 8;
    PERI_DIV_CMD = 1u << 31 | 0x3FFu << 16 | divider; /* on, in step with no other */
    *user = divider;
}
