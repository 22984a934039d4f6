/* RP2040 and RP2350: sensors on I2C0 (GPIO 4 and 5). What differs is in parts.h.
   Source: RP2040 datasheet, sections in brackets. */
#include "chip.h"
#include "driver.h"
#include "parts.h"
#include "registers.h"

enum { CRYSTAL_MHZ = 12, I2C_FIFO = 16, I2C_PATIENCE_US = 20000 };
enum { STOP_BIT = 1 << 9, READ_BIT = 1 << 8, RESTART_BIT = 1 << 10, ABORTED = 1 << 6, STOPPED = 1 << 9, ROOM = 1 << 1 };

/* Crystal, then PLL: 12 MHz * 125 / PLL_DIVIDER / 2 [2.16, 2.18]. An app finds it running. */
static void start_clock(void)
{
    if (CLOCKS_CLK_SYS_SELECTED == 2)
        return;
    XOSC_CTRL = 0xAA0;
    XOSC_STARTUP = 47;
    XOSC_CTRL = 0xFAB000 | 0xAA0;
    while (!(XOSC_STATUS >> 31)) {
    }
    CLOCKS_CLK_REF_CTRL = 2;
    while (CLOCKS_CLK_REF_SELECTED != 4) {
    }
    PLL_SYS_CS = 1;
    PLL_SYS_FBDIV_INT = 125;
    PLL_SYS_PWR &= ~(1u | 1u << 5);
    while (!(PLL_SYS_CS >> 31)) {
    }
    PLL_SYS_PRIM = (uint32_t)PLL_DIVIDER << 16 | 2u << 12;
    PLL_SYS_PWR &= ~(1u << 3);
    CLOCKS_CLK_SYS_CTRL = 1; /* the auxiliary source, which is the PLL */
    while (CLOCKS_CLK_SYS_SELECTED != 2) {
    }
    CLOCKS_CLK_PERI_CTRL = 1u << 11;
}

static void wake(void)
{
    const uint32_t wanted = 1u << RESET_DMA | 1u << RESET_I2C0 | 1u << RESET_IO | 1u << RESET_PADS |
                            1u << RESET_PLL_SYS | 1u << RESET_TIMER | 1u << RESET_UART0;
    RESETS_RESET &= ~wanted;
    while ((RESETS_RESET_DONE & wanted) != wanted) {
    }
}

/* Function 3 is I2C; inputs are pulled up. */
static void start_pins(void)
{
    const uint32_t pulled_up = 0x5A;
    PADS_BANK0_GPIO4 = pulled_up;
    PADS_BANK0_GPIO5 = pulled_up;
    IO_BANK0_GPIO4_CTRL = 3;
    IO_BANK0_GPIO5_CTRL = 3;
}

/* 400 kHz: 312 clocks, three fifths of them low [4.3.14]. */
static void start_i2c(void)
{
    const uint32_t period = CLOCK_HZ / 400000, low = period * 3 / 5;
    I2C0_IC_ENABLE = 0;
    I2C0_IC_CON = 1u | 2u << 1 | 1u << 5 | 1u << 6;
    I2C0_IC_FS_SCL_LCNT = low;
    I2C0_IC_FS_SCL_HCNT = period - low;
    I2C0_IC_FS_SPKLEN = low / 16;
    I2C0_IC_SDA_HOLD = CLOCK_HZ / 10000000 * 3 + 1;
    I2C0_IC_ENABLE = 1;
}

void chip_start(void)
{
    wake();
    start_clock();
    start_ticks(CRYSTAL_MHZ);
    start_pins();
    chip_link_start();
    start_i2c();
}

uint32_t chip_time_us(void)
{
    return TIMER_TIMERAWL;
}

/* Outlives what the watchdog resets; the ROM looks at SCRATCH4 and above only. */
uint32_t chip_note(void)
{
    return WATCHDOG_SCRATCH0;
}

void chip_set_note(uint32_t note)
{
    WATCHDOG_SCRATCH0 = note;
}

/* Everything but the two oscillators [2.13.2, 4.7]. */
void chip_reset(void)
{
    PSM_WDSEL = ALL_BUT_OSCILLATORS;
    WATCHDOG_CTRL = 1u << 31;
}

/* The ROM's, which shows a drive. */
void chip_maker_loader(void)
{
    rom_loader();
    for (;;) {
    }
}

/* 1 when `ready` says so before patience ends or the other end refuses. */
static int32_t i2c_wait(volatile uint32_t *where, uint32_t mask)
{
    const uint32_t since = chip_time_us();
    while (chip_time_us() - since < I2C_PATIENCE_US) {
        if (I2C0_IC_RAW_INTR_STAT & ABORTED)
            return 0;
        if (*where & mask)
            return 1;
    }
    return 0;
}

static int32_t i2c_out(const uint8_t *out, int32_t n, int32_t last)
{
    for (int32_t i = 0; i < n; i++) {
        if (!i2c_wait(&I2C0_IC_STATUS, ROOM))
            return 0;
        I2C0_IC_DATA_CMD = out[i] | (last && i == n - 1 ? STOP_BIT : 0);
    }
    return 1;
}

/* Commands to read go out as long as what they bring has room. */
static int32_t i2c_in(uint8_t *in, int32_t n)
{
    int32_t asked = 0;
    for (int32_t got = 0; got < n; got++) {
        for (; asked < n && asked - got < I2C_FIFO; asked++)
            I2C0_IC_DATA_CMD = READ_BIT | (asked == 0 ? RESTART_BIT : 0) | (asked == n - 1 ? STOP_BIT : 0);
        if (!i2c_wait(&I2C0_IC_RXFLR, ~0u))
            return 0;
        in[got] = (uint8_t)I2C0_IC_DATA_CMD;
    }
    return 1;
}

int32_t board_i2c(uint8_t address, const uint8_t *out, int32_t n_out, uint8_t *in, int32_t n_in)
{
    I2C0_IC_ENABLE = 0; /* the address can be changed while off only, and what was left over is forgotten */
    I2C0_IC_TAR = address;
    I2C0_IC_ENABLE = 1;
    (void)I2C0_IC_CLR_TX_ABRT;
    (void)I2C0_IC_CLR_STOP_DET;
    return i2c_out(out, n_out, n_in == 0) && i2c_in(in, n_in) && i2c_wait(&I2C0_IC_RAW_INTR_STAT, STOPPED);
}
