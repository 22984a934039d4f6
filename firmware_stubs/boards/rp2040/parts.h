/* Where RP2040 differs from its successor; numbers as in pico-sdk's src/rp2040/hardware_regs. */
#pragma once
#include "registers.h"

enum {
    RESET_DMA = 2,
    RESET_I2C0 = 3,
    RESET_IO = 5,
    RESET_PADS = 8,
    RESET_PLL_SYS = 12,
    RESET_TIMER = 21,
    RESET_UART0 = 22
};
enum { RESET_PLL_USB = 13, RESET_USBCTRL = 24, USB_IRQ = 5 };
enum { DMA_ON = 1, FROM_MEMORY = 1 << 4, TO_MEMORY = 1 << 5, RING_4096 = 12 << 6 | 1 << 10, BUSY = 1 << 24 };
enum { UART0_TX = 20 << 15, UART0_RX = 21 << 15, ONLY_0 = 0 << 11, ONLY_1 = 1 << 11 };
enum { PLL_DIVIDER = 6, ALL_BUT_OSCILLATORS = 0x1FFFC };
#define MOST_ROUNDS 0xFFFFF000u

/* What the timer counts. */
static inline void start_ticks(uint32_t crystal_mhz)
{
    WATCHDOG_TICK = 1u << 9 | crystal_mhz;
}

/* The ROM says at 0x14 where its table of functions is, at 0x18 what looks something up in it. */
static inline void *in_rom(char a, char b)
{
    void *(*const look_up)(const uint16_t *, uint32_t) =
        (void *(*)(const uint16_t *, uint32_t))(uintptr_t)*(volatile uint16_t *)0x18;
    return look_up((const uint16_t *)(uintptr_t)*(volatile uint16_t *)0x14, (uint32_t)(a | b << 8));
}

/* The ROM's loader, which shows a drive; no light, nothing of it switched off. */
static inline void rom_loader(void)
{
    ((void (*)(uint32_t, uint32_t))in_rom('U', 'B'))(0, 0);
}
