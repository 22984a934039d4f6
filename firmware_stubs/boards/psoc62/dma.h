/* Descriptors of the DataWire channels [Infineon/mtb-pdl-cat1, drivers/include/cy_dma.h]: six words in RAM. */
#pragma once
#include <stdint.h>

enum { BYTES = 0, HALFWORDS = 1 };
/* Each request moves one item; a request that stays up is looked at again after four clocks. Registers are words. */
enum { ONE_LOOP = 1 << 30, TO_WORD = 1 << 27, FROM_WORD = 1 << 26, THEN_OFF = 1 << 24, AGAIN_AFTER_4 = 1 };
enum { RING_COLUMNS = 256 };

struct descriptor {
    uint32_t control, from, to, x, y, next;
};

/* From a FIFO into `items` of a ring, a multiple of 256, round and round. */
static inline void into_ring(struct descriptor *d, volatile uint32_t *fifo, void *ring, uint32_t items, uint32_t size)
{
    *d = (struct descriptor){
        .control = 2u << 30 | size << 28 | FROM_WORD | AGAIN_AFTER_4,
        .from = (uint32_t)(uintptr_t)fifo,
        .to = (uint32_t)(uintptr_t)ring,
        .x = (RING_COLUMNS - 1u) << 24 | 1u << 12,
        .y = (items / RING_COLUMNS - 1) << 24 | (uint32_t)RING_COLUMNS << 12,
        .next = (uint32_t)(uintptr_t)d,
    };
}

/* Where in the ring the next item lands, from the channel's two indices. */
static inline uint32_t ring_at(uint32_t indices) { return (indices >> 8 & 255) * RING_COLUMNS + (indices & 255); }
