/* The link of a board (runtime/board.h) over a UART: received bytes land in a ring by DMA. */
#include "board.h"
#include "chip.h"

#ifndef USB_LINK

int32_t board_write(const uint8_t *bytes, int32_t n)
{
    static uint8_t block[LINK_BLOCK];
    if (!chip_can_send())
        return 0;
    const int32_t taken = n < LINK_BLOCK ? n : LINK_BLOCK;
    __builtin_memcpy(block, bytes, (uint32_t)taken);
    if (taken > 0)
        chip_send(block, taken);
    return taken;
}

int32_t board_read(uint8_t *bytes, int32_t n)
{
    static uint32_t at;
    const uint32_t end = chip_received();
    int32_t got = 0;
    for (; got < n && at != end; at = (at + 1) % LINK_RING)
        bytes[got++] = ((volatile uint8_t *)chip_ring)[at];
    return got;
}

#endif
