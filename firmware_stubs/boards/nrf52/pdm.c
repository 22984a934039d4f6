/* The PDM filter of nRF52840: 1.28 MHz / 80 = 16 kHz, one channel, by EasyDMA. PPI counts the blocks that end and
   catches the moment, so nothing depends on how soon the core looks. */
#include "chip.h"
#include "driver.h"
#include "gpio.h"
#include "pins.h"
#include "registers.h"

#ifdef PIN_PDM_CLK

enum { RATE_MHZ = 16000000, KHZ_1280 = 0x0A000000, BY_80 = 1, MONO_AT_FALLING = 1 };
enum { COUNTER = 1, BITS_32 = 3, CHANNELS_1_2 = 3 << 1, PATIENCE_US = 1000 };

static int32_t comes(volatile uint32_t *event)
{
    const uint32_t since = chip_time_us();
    while (!*event && chip_time_us() - since < PATIENCE_US) {
    }
    return *event != 0;
}

static void count_blocks(void)
{
    TIMER2_MODE = COUNTER;
    TIMER2_BITMODE = BITS_32;
    TIMER2_TASKS_CLEAR = 1;
    TIMER2_TASKS_START = 1;
    PPI_CH_1_EEP = (uint32_t)(uintptr_t)&PDM_EVENTS_END;
    PPI_CH_1_TEP = (uint32_t)(uintptr_t)&TIMER2_TASKS_COUNT;
    PPI_CH_2_EEP = (uint32_t)(uintptr_t)&PDM_EVENTS_END;
    PPI_CH_2_TEP = (uint32_t)(uintptr_t)&TIMER0_TASKS_CAPTURE_1;
    PPI_CHENSET = CHANNELS_1_2;
}

static void set_up(void)
{
    *(PIN_PDM_CLK < 32 ? &P0_OUTCLR : &P1_OUTCLR) = 1u << PIN_PDM_CLK % 32;
    *pin_setting(PIN_PDM_CLK) = OUTPUT | INPUT_OFF;
    *pin_setting(PIN_PDM_DIN) = 0;
    PDM_PSEL_CLK = PIN_PDM_CLK;
    PDM_PSEL_DIN = PIN_PDM_DIN;
    PDM_PDMCLKCTRL = KHZ_1280;
    PDM_RATIO = BY_80;
    PDM_MODE = MONO_AT_FALLING;
    PDM_GAINL = PDM_GAIN;
    PDM_GAINR = PDM_GAIN;
    PDM_ENABLE = 1;
}

/* A buffer's address is taken over when it begins: only after STARTED may the next one be told, as nrfx_pdm.c does. */
int32_t board_pdm_start(uint32_t rate_mhz, int16_t *first, int16_t *second, int32_t n)
{
    if (rate_mhz != RATE_MHZ)
        return 0;
    set_up();
    count_blocks();
    PDM_SAMPLE_PTR = (uint32_t)(uintptr_t)first;
    PDM_SAMPLE_MAXCNT = (uint32_t)n;
    PDM_EVENTS_STARTED = 0;
    PDM_TASKS_START = 1;
    TIMER0_TASKS_CAPTURE_1 = 1;
    if (!comes(&PDM_EVENTS_STARTED)) {
        board_pdm_stop();
        return 0;
    }
    PDM_SAMPLE_PTR = (uint32_t)(uintptr_t)second;
    return 1;
}

void board_pdm_next(int16_t *block) { PDM_SAMPLE_PTR = (uint32_t)(uintptr_t)block; }

/* In this order a block that ends meanwhile reads as one that is about to end. */
uint32_t board_pdm_ended(uint32_t *since_us)
{
    const uint32_t last = TIMER0_CC_1;
    *since_us = chip_time_us() - last;
    TIMER2_TASKS_CAPTURE_0 = 1;
    return TIMER2_CC_0;
}

void board_pdm_stop(void)
{
    PDM_EVENTS_STOPPED = 0;
    PDM_TASKS_STOP = 1;
    comes(&PDM_EVENTS_STOPPED);
    PDM_ENABLE = 0;
    PPI_CHENCLR = CHANNELS_1_2;
}

#endif
