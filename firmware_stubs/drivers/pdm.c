/* A microphone behind a PDM filter or a converter: blocks that the chip fills one after another, as a FIFO.
   The chip asks where to go on when a block ends and nobody serves its interrupt, so the place of the next block is told
   as soon as one has ended. Who comes too late for that loses whole blocks, and knows how many. */
#include "pdm.h"

enum { BLOCK = 512, BLOCKS = 4, MARGIN_US = 1000, SLOWNESS = 1024, UNKNOWN = 1 << 30 };

static int16_t blocks[BLOCKS][BLOCK];
static int32_t lost_before[BLOCKS]; /* samples between a block's first and the one before it */
static int32_t oldest, filling;     /* from `oldest` up to, without, `filling`: there to be read */
static int32_t taken;               /* samples of the oldest */
static uint32_t seen, block_us;
static int32_t level;               /* of an analogue microphone, times 256 */

static int32_t after(int32_t block) { return (block + 1) % BLOCKS; }

static int32_t start(uint8_t address, uint32_t rate_mhz)
{
    (void)address;
    oldest = filling = taken = 0;
    seen = 0;
    level = UNKNOWN;
    block_us = (uint32_t)((uint64_t)BLOCK * 1000000000u / rate_mhz);
    __builtin_memset(lost_before, 0, sizeof lost_before);
    return board_pdm_start(rate_mhz, blocks[0], blocks[1], BLOCK);
}

/* Nobody read in time: the oldest block makes way. */
static void drop_oldest(void)
{
    const int32_t block = oldest;
    oldest = after(block);
    lost_before[oldest] += lost_before[block] + BLOCK - taken;
    taken = 0;
}

/* Near the end of a block nothing is told: it could end between the look and the telling. Then it is filled once more,
   and what it holds now is lost. */
static void go_on(void)
{
    uint32_t since_us;
    const uint32_t ended = board_pdm_ended(&since_us);
    if (ended == seen || since_us + MARGIN_US > block_us)
        return;
    filling = after(filling);
    lost_before[filling] = (int32_t)(ended - seen - 1) * BLOCK;
    seen = ended;
    if (after(filling) == oldest)
        drop_oldest();
    board_pdm_next(blocks[after(filling)]);
}

static int32_t waiting(uint8_t address, int32_t *overrun)
{
    (void)address;
    go_on();
    if (oldest == filling)
        return 0;
    if (taken == 0 && lost_before[oldest]) {
        *overrun = lost_before[oldest];
        lost_before[oldest] = 0;
    }
    int32_t n = BLOCK - taken;
    for (int32_t i = after(oldest); i != filling && !lost_before[i]; i = after(i))
        n += BLOCK;
    return n;
}

static int32_t read(uint8_t address, int16_t *rows, int32_t n)
{
    (void)address;
    while (n > 0) {
        const int32_t now = n < BLOCK - taken ? n : BLOCK - taken;
        __builtin_memcpy(rows, blocks[oldest] + taken, 2u * (uint32_t)now);
        rows += now;
        n -= now;
        taken += now;
        if (taken == BLOCK) {
            taken = 0;
            oldest = after(oldest);
        }
    }
    return 1;
}

/* An analogue microphone's samples, of 14 bits, lie around a level that drifts: a slow mean is taken off. */
static int32_t read_analogue(uint8_t address, int16_t *rows, int32_t n)
{
    if (!read(address, rows, n))
        return 0;
    for (int32_t i = 0; i < n; i++) {
        if (level == UNKNOWN)
            level = rows[i] * 256;
        level += ((int32_t)rows[i] * 256 - level) / SLOWNESS;
        const int32_t value = (rows[i] - level / 256) * 4;
        rows[i] = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
    }
    return 1;
}

static void stop(uint8_t address)
{
    (void)address;
    board_pdm_stop();
}

const struct driver pdm = {start, waiting, read, stop, 0, 0, 1, 0};
const struct driver pdm_analogue = {start, waiting, read_analogue, stop, 0, 0, 1, 0};
