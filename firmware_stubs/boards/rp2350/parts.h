/* Where RP2350 differs from its forerunner; numbers as in pico-sdk's src/rp2350/hardware_regs. */
#pragma once
#include "registers.h"

enum {
    RESET_DMA = 2,
    RESET_I2C0 = 4,
    RESET_IO = 6,
    RESET_PADS = 9,
    RESET_PLL_SYS = 14,
    RESET_TIMER = 23,
    RESET_UART0 = 26
};
enum { RESET_PLL_USB = 15, RESET_USBCTRL = 28, USB_IRQ = 14 };
enum { DMA_ON = 1, FROM_MEMORY = 1 << 4, TO_MEMORY = 1 << 6, RING_4096 = 12 << 8 | 1 << 12, BUSY = 1 << 26 };
enum { UART0_TX = 28 << 17, UART0_RX = 29 << 17, ONLY_0 = 0 << 13, ONLY_1 = 1 << 13 };
enum { PLL_DIVIDER = 5, ALL_BUT_OSCILLATORS = 0x1FFFFF3, ARM_SECURE = 4 };
#define MOST_ROUNDS 0x0FFFF000u /* the upper four bits are a mode */

/* What the timer counts. */
static inline void start_ticks(uint32_t crystal_mhz)
{
    TICKS_TIMER0_CYCLES = crystal_mhz;
    TICKS_TIMER0_CTRL = 1;
}

/* The ROM says at 0x16 what looks its functions up. */
static inline void *in_rom(char a, char b)
{
    void *(*const look_up)(uint32_t, uint32_t) = (void *(*)(uint32_t, uint32_t))(uintptr_t)*(volatile uint16_t *)0x16;
    return look_up((uint32_t)(a | b << 8), ARM_SECURE);
}

/* The ROM's loader, which shows a drive: reboot to BOOTSEL, do not come back, in 10 ms. */
static inline void rom_loader(void)
{
    ((int32_t (*)(uint32_t, uint32_t, uint32_t, uint32_t))in_rom('R', 'B'))(0x102, 10, 0, 0);
}
