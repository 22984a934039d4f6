/* A program alone on a core under QEMU: what start.c does for it. */
#pragma once
#include <stdint.h>

#define ALONE_TOO_MANY 0xFFFFFFFFu /* ticks that the counter could not hold */

/* The program; start.c calls it, and ends when it returns. */
void alone_main(void);

/* Ticks of the counter since alone_restart. */
void alone_restart(void);
uint32_t alone_ticks(void);

/* A number, bytes and ticks to the console. */
void alone_tell(int32_t number, const void *data, uint32_t n_bytes, uint32_t n_ticks);
