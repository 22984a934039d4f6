/* Sensors that gather rows of 16-bit values in a FIFO of their own. */
#pragma once
#include <stdint.h>

struct driver {
    /* 1 when the sensor answers, is the one it should be, and runs at this rate. */
    int32_t (*start)(uint8_t address, uint32_t rate_mhz);
    /* Rows in the FIFO. When rows were lost before these, `*overrun` becomes how many, or -1 when nobody knows. */
    int32_t (*waiting)(uint8_t address, int32_t *overrun);
    /* Oldest first; 1 when all came. */
    int32_t (*read)(uint8_t address, int16_t *rows, int32_t n);
    void (*stop)(uint8_t address);
    /* What the sensor says that it is, and what it should say; -1: nothing answers. 0 for a part that says nothing. */
    int32_t (*identity)(uint8_t address);
    uint8_t expected;
    uint16_t axes;      /* values in a row; at most MOST_AXES where there are units or another stream of the part */
    const float *units; /* 0: the stream sends what was read; else floats, what was read times these, one per axis */
};

enum { MOST_AXES = 6 };

/* A sensor where the board has it: its driver and its 7-bit address.
   One part may give two streams, a wider one whose rows begin with the narrower one's. While the wider one runs, the
   narrower is fed from it, for a part has one FIFO. `wider` and `narrower` are the other's index, or -1. */
struct plugged {
    const struct driver *driver;
    uint8_t address;
    int8_t wider, narrower;
};

/* Write `n_out` bytes, then (when `n_in`) read after a repeated start; 1 when every byte was acknowledged.
   At most 256 bytes each way. The board brings it. */
int32_t board_i2c(uint8_t address, const uint8_t *out, int32_t n_out, uint8_t *in, int32_t n_in);

/* Write `n_out` bytes to part number `part` on SPI, then read `n_in` while zeros go out; 1 when that happened. */
int32_t board_spi(uint8_t part, const uint8_t *out, int32_t n_out, uint8_t *in, int32_t n_in);
/* A pulse on the reset line of such a part. */
int32_t board_spi_reset(uint8_t part);

/* Microseconds since power up, as in board.h. */
uint64_t board_time_us(void);
/* Let time go by; at most a few milliseconds. The board brings it. */
void board_wait_us(uint32_t us);

static inline int32_t put_register(uint8_t address, uint8_t name, uint8_t value)
{
    const uint8_t out[2] = {name, value};
    return board_i2c(address, out, 2, 0, 0);
}

static inline int32_t get_registers(uint8_t address, uint8_t first, uint8_t *in, int32_t n)
{
    return board_i2c(address, &first, 1, in, n);
}

/* A part with one FIFO for both often gives the gyroscope's half of a row first. */
static inline void swap_halves(int16_t *rows, int32_t n)
{
    enum { HALF = MOST_AXES / 2 };
    for (int16_t *row = rows; n-- > 0; row += MOST_AXES)
        for (int32_t i = 0; i < HALF; i++) {
            const int16_t first = row[i];
            row[i] = row[i + HALF];
            row[i + HALF] = first;
        }
}

/* A microphone at a chip's own filter or converter, one channel of 16 bits: blocks of `n` samples land in memory one after
   another without the core. Begin with `first` and go on in `second`; 1 when it runs at this rate. */
int32_t board_pdm_start(uint32_t rate_mhz, int16_t *first, int16_t *second, int32_t n);
/* Where what follows the block that is filled just now goes; without it that block is filled over and over. */
void board_pdm_next(int16_t *block);
/* Blocks that have ended; `*since_us`, asked first, is how long ago the last did (or the start). */
uint32_t board_pdm_ended(uint32_t *since_us);
void board_pdm_stop(void);

/* A microphone of 16 bits whose samples a chip's DMA writes into a ring of `n`, a multiple of 256, round and round; 1 when
   it runs at this rate. */
int32_t board_sound_start(uint32_t rate_mhz, int16_t *ring, int32_t n);
/* Where in the ring the next sample lands. */
int32_t board_sound_at(void);
void board_sound_stop(void);
