/* nRF52833 or nRF52840 at 64 MHz: sensors on TWIM0 by EasyDMA. The pins are the board's. */
#include "chip.h"
#include "driver.h"
#include "gpio.h"
#include "pins.h"
#include "registers.h"

enum { LASTTX_STARTRX = 1 << 7, LASTTX_STOP = 1 << 9, LASTRX_STOP = 1 << 12 };
enum { TWIM_ON = 6, BITS_32 = 3, KHZ_400 = 0x06400000, MOST_OUT = 36, I2C_PATIENCE_US = 20000 };

/* The crystal, because the inner oscillator is too far off for a fast link. */
static void start_clock(void)
{
    CLOCK_EVENTS_HFCLKSTARTED = 0;
    CLOCK_TASKS_HFCLKSTART = 1;
    while (!CLOCK_EVENTS_HFCLKSTARTED) {
    }
}

/* 16 MHz / 2^4. */
static void start_counter(void)
{
    TIMER0_BITMODE = BITS_32;
    TIMER0_PRESCALER = 4;
    TIMER0_TASKS_START = 1;
}

static void start_i2c(void)
{
#ifdef PINS_POWER
    static const uint8_t powered[] = PINS_POWER;
    for (uint32_t i = 0; i < sizeof powered; i++)
        pin_high(powered[i], HIGH_DRIVE);
#endif
    *pin_setting(PIN_SCL) = PULL_UP | OPEN_DRAIN;
    *pin_setting(PIN_SDA) = PULL_UP | OPEN_DRAIN;
    TWIM0_PSEL_SCL = PIN_SCL;
    TWIM0_PSEL_SDA = PIN_SDA;
    TWIM0_FREQUENCY = KHZ_400;
    TWIM0_ENABLE = TWIM_ON;
}

void chip_start(void)
{
    start_clock();
    start_counter();
    chip_link_start();
    start_i2c();
}

uint32_t chip_time_us(void)
{
    TIMER0_TASKS_CAPTURE_0 = 1;
    return TIMER0_CC_0;
}

/* This register outlives a reset, which RAM is not promised to do; a maker's boot loader uses GPREGRET. */
uint32_t chip_note(void)
{
    return POWER_GPREGRET2;
}

void chip_set_note(uint32_t note)
{
    POWER_GPREGRET2 = note;
}

void chip_reset(void)
{
    SCB_AIRCR = 0x05FA0004u;
}

#ifdef MAKER_LOADER
void chip_maker_loader(void)
{
    POWER_GPREGRET = MAKER_LOADER;
    chip_reset();
    for (;;) {
    }
}
#endif

/* Until STOPPED; an error stops nothing by itself, so the bus is told to. */
static int32_t i2c_done(void)
{
    const uint32_t since = chip_time_us();
    int32_t sound = 1;
    while (!TWIM0_EVENTS_STOPPED && chip_time_us() - since < I2C_PATIENCE_US)
        if (TWIM0_EVENTS_ERROR) {
            TWIM0_EVENTS_ERROR = 0;
            TWIM0_TASKS_STOP = 1;
            sound = 0;
        }
    return sound && TWIM0_EVENTS_STOPPED;
}

/* What EasyDMA sends must lie in RAM, so it is copied; drivers send a register and at most 32 bytes. */
int32_t board_i2c(uint8_t address, const uint8_t *out, int32_t n_out, uint8_t *in, int32_t n_in)
{
    static uint8_t block[MOST_OUT];
    if (n_out > MOST_OUT)
        return 0;
    __builtin_memcpy(block, out, (uint32_t)n_out);
    TWIM0_ADDRESS = address;
    TWIM0_TXD_PTR = (uint32_t)(uintptr_t)block;
    TWIM0_TXD_MAXCNT = (uint32_t)n_out;
    TWIM0_RXD_PTR = (uint32_t)(uintptr_t)in;
    TWIM0_RXD_MAXCNT = (uint32_t)n_in;
    TWIM0_SHORTS = n_in ? LASTTX_STARTRX | LASTRX_STOP : LASTTX_STOP;
    TWIM0_EVENTS_STOPPED = 0;
    TWIM0_EVENTS_ERROR = 0;
    TWIM0_ERRORSRC = 7;
    TWIM0_TASKS_STARTTX = 1;
    return i2c_done();
}
