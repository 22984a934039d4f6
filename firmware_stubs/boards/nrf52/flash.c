/* The flash of nRF52: pages of 4 KiB, written in words; a word may be written twice between erases [NVMC]. */
#include "board.h"
#include "registers.h"

enum { READ = 0, WRITE = 1, ERASE = 2 };

static void set_mode(uint32_t mode)
{
    NVMC_CONFIG = mode;
    while (!NVMC_READY) {
    }
}

void board_flash_erase(uint32_t offset)
{
    set_mode(ERASE);
    NVMC_ERASEPAGE = FLASH_ADDRESS + offset;
    set_mode(READ);
}

/* Words that are right already are left alone. */
void board_flash_write(uint32_t offset, const uint8_t *bytes, int32_t n)
{
    set_mode(WRITE);
    for (int32_t i = 0; i < n; i += 4) {
        volatile uint32_t *to = &REGISTER(FLASH_ADDRESS + offset + (uint32_t)i);
        uint32_t word;
        __builtin_memcpy(&word, bytes + i, 4);
        if (*to == word)
            continue;
        *to = word;
        while (!NVMC_READY) {
        }
    }
    set_mode(READ);
}
