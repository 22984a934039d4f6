/* What a board must be able to do. Everything else is the same on every board. */
#pragma once
#include <stdint.h>

/* The link. Both take or give what they can at once and return how many bytes that was; bytes are copied. */
int32_t board_write(const uint8_t *bytes, int32_t n);
int32_t board_read(uint8_t *bytes, int32_t n);

/* Microseconds since power up; never goes back. */
uint64_t board_time_us(void);
/* Instructions or cycles, modulo 2^32; always 0 where the board cannot count them. */
uint32_t board_ticks(void);
/* Most bytes of stack used so far; 0 where the board does not know. */
int32_t board_stack_used(void);

/* Sensor `index` into a FIFO of the board's own: rows of `row_bytes`, `rate_mhz` thousandths of a row per second.
   The board should wake up from board_idle when `watermark` rows wait. */
void board_sensor_start(int32_t index, int32_t row_bytes, uint32_t rate_mhz, int32_t watermark);
void board_sensor_stop(int32_t index);
/* Move at most `n` rows, oldest first; returns how many. Told with them: when the first was measured, and how many
   rows before it were lost since the start because nobody read them in time. */
struct sensor_batch {
    uint64_t t_us;
    uint32_t overruns;
};
int32_t board_sensor_read(int32_t index, void *rows, int32_t n, struct sensor_batch *batch);

/* Is the part behind sensor `index` there? `told` is its own word and `expected` what it should be. */
enum sensor_part { PART_NONE, PART_RIGHT, PART_OTHER, PART_SILENT };
enum sensor_part board_sensor_part(int32_t index, int32_t *told, int32_t *expected);

/* Sleep until bytes come, a sensor reaches its watermark, or (when `writing`) the link takes bytes again. */
void board_idle(int32_t writing);

/* Start anew, in the boot loader when `boot` is 1. Does not return on a chip; on a computer `main` returns next. */
void board_restart(int32_t boot);

/* For the boot loader only. */
int32_t board_asked_to_stay(void);                /* 1 once after board_restart(1) */
void board_start_app(uint32_t offset);            /* the image there; like board_restart: may return on a computer */
const uint8_t *board_flash(uint32_t offset);      /* where the flash can be read */
void board_flash_erase(uint32_t offset);          /* the page at `offset` to 0xFF */
void board_flash_write(uint32_t offset, const uint8_t *bytes, int32_t n); /* whole words; bits go from 1 to 0 only */
