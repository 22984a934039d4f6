/* The converter of nRF52 with an analogue microphone: 16 MHz / 1000 = 16 kHz, of which as many are averaged as the rate
   asks for; 14 bits, by EasyDMA. Gain and reference as lancaster-university/codal-microbit-v2 44f4150 and codal-nrf52
   (NRF52ADC.cpp) set them. PPI starts the next block when one ends, counts it and catches the moment. */
#include "chip.h"
#include "driver.h"
#include "gpio.h"
#include "pins.h"
#include "registers.h"

#ifdef PIN_MICROPHONE_POWER

enum { GAIN_4 = 7 << 8, QUARTER_OF_SUPPLY = 1 << 12, BITS_14 = 3, BY_TIMER = 1 << 12, DIVIDED = 1000, BASE_HZ = 16000 };
enum { COUNTER = 1, BITS_32 = 3, CHANNELS_1_2_3 = 7 << 1, MOST_AVERAGED = 8, PATIENCE_US = 1000 };

static int32_t comes(volatile uint32_t *event)
{
    const uint32_t since = chip_time_us();
    while (!*event && chip_time_us() - since < PATIENCE_US) {
    }
    return *event != 0;
}

static void wire(void)
{
    TIMER2_MODE = COUNTER;
    TIMER2_BITMODE = BITS_32;
    TIMER2_TASKS_CLEAR = 1;
    TIMER2_TASKS_START = 1;
    PPI_CH_1_EEP = (uint32_t)(uintptr_t)&SAADC_EVENTS_END;
    PPI_CH_1_TEP = (uint32_t)(uintptr_t)&TIMER2_TASKS_COUNT;
    PPI_CH_2_EEP = (uint32_t)(uintptr_t)&SAADC_EVENTS_END;
    PPI_CH_2_TEP = (uint32_t)(uintptr_t)&TIMER0_TASKS_CAPTURE_1;
    PPI_CH_3_EEP = (uint32_t)(uintptr_t)&SAADC_EVENTS_END;
    PPI_CH_3_TEP = (uint32_t)(uintptr_t)&SAADC_TASKS_START;
    PPI_CHENSET = CHANNELS_1_2_3;
}

/* How many samples make one, as a power of two; -1 for a rate that this does not give. */
static int32_t averaged(uint32_t rate_mhz)
{
    for (int32_t power = 0; power <= MOST_AVERAGED; power++)
        if (rate_mhz << power == (uint32_t)BASE_HZ * 1000)
            return power;
    return -1;
}

static void set_up(uint32_t power)
{
    pin_high(PIN_MICROPHONE_POWER, HIGH_DRIVE);
    SAADC_ENABLE = 0;
    SAADC_CH_0_PSELP = MICROPHONE_INPUT;
    SAADC_CH_0_PSELN = 0;
    SAADC_CH_0_CONFIG = GAIN_4 | QUARTER_OF_SUPPLY;
    SAADC_RESOLUTION = BITS_14;
    SAADC_OVERSAMPLE = power;
    SAADC_SAMPLERATE = BY_TIMER | DIVIDED;
    SAADC_ENABLE = 1;
}

/* A block's address is taken over when it begins: only after STARTED may the next one be told. */
int32_t board_pdm_start(uint32_t rate_mhz, int16_t *first, int16_t *second, int32_t n)
{
    const int32_t power = averaged(rate_mhz);
    if (power < 0)
        return 0;
    set_up((uint32_t)power);
    wire();
    SAADC_RESULT_PTR = (uint32_t)(uintptr_t)first;
    SAADC_RESULT_MAXCNT = (uint32_t)n;
    SAADC_EVENTS_STARTED = 0;
    SAADC_TASKS_START = 1;
    if (!comes(&SAADC_EVENTS_STARTED)) {
        board_pdm_stop();
        return 0;
    }
    SAADC_RESULT_PTR = (uint32_t)(uintptr_t)second;
    TIMER0_TASKS_CAPTURE_1 = 1;
    SAADC_TASKS_SAMPLE = 1;
    return 1;
}

void board_pdm_next(int16_t *block) { SAADC_RESULT_PTR = (uint32_t)(uintptr_t)block; }

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
    PPI_CHENCLR = CHANNELS_1_2_3;
    SAADC_EVENTS_STOPPED = 0;
    SAADC_TASKS_STOP = 1;
    comes(&SAADC_EVENTS_STOPPED);
    SAADC_ENABLE = 0;
    pin_low(PIN_MICROPHONE_POWER);
}

#endif
