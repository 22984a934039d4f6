/* Pins, numbered 32 * port + pin, as in PSEL. */
#pragma once
#include "registers.h"

enum { OUTPUT = 1, INPUT_OFF = 1 << 1, PULL_UP = 3 << 2, HIGH_DRIVE = 1 << 8, OPEN_DRAIN = 6 << 8 };

static inline volatile uint32_t *pin_setting(uint32_t pin)
{
    return (pin < 32 ? &P0_PIN_CNF_0 : &P1_PIN_CNF_0) + pin % 32;
}

static inline void pin_high(uint32_t pin, uint32_t drive)
{
    *(pin < 32 ? &P0_OUTSET : &P1_OUTSET) = 1u << pin % 32;
    *(pin < 32 ? &P0_DIRSET : &P1_DIRSET) = 1u << pin % 32;
    *pin_setting(pin) = OUTPUT | INPUT_OFF | drive;
}

static inline void pin_low(uint32_t pin)
{
    *(pin < 32 ? &P0_OUTCLR : &P1_OUTCLR) = 1u << pin % 32;
}
