/* A microphone whose samples a chip's DMA writes into a ring, round and round, without the core.
   How often it went round while nobody looked is told by the time that passed: a clock that is off by two percent
   misleads it after six seconds without a look. */
#include "sound.h"

enum { RING = 4096, MARGIN = 256, SETTLING = 64 }; /* what a filter gives first is no sound yet */

static int16_t ring[RING];
static uint32_t written, taken; /* samples since the start */
static uint64_t seen_us;
static uint32_t rate;

static int32_t start(uint8_t address, uint32_t rate_mhz)
{
    (void)address;
    written = 0;
    taken = SETTLING;
    rate = rate_mhz;
    seen_us = board_time_us();
    return board_sound_start(rate_mhz, ring, RING);
}

static void look(void)
{
    const uint32_t step = ((uint32_t)board_sound_at() - written) % RING;
    const uint64_t now = board_time_us();
    const uint32_t due = (uint32_t)((now - seen_us) * rate / 1000000000u);
    const uint32_t rounds = due > step ? (due - step + RING / 2) / RING : 0;
    written += step + rounds * RING;
    seen_us = now;
}

static int32_t waiting(uint8_t address, int32_t *overrun)
{
    (void)address;
    look();
    if ((int32_t)(written - taken) <= 0)
        return 0;
    if (written - taken > RING - MARGIN) { /* the oldest are being written over */
        const uint32_t lost = written - taken - (RING - MARGIN);
        *overrun = (int32_t)lost;
        taken += lost;
    }
    return (int32_t)(written - taken);
}

static int32_t read(uint8_t address, int16_t *rows, int32_t n)
{
    (void)address;
    for (int32_t i = 0; i < n; i++)
        rows[i] = ((volatile int16_t *)ring)[taken++ % RING];
    return 1;
}

static void stop(uint8_t address)
{
    (void)address;
    board_sound_stop();
}

const struct driver sound = {start, waiting, read, stop, 0, 0, 1, 0};
