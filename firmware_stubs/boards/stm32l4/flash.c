/* The flash of STM32L475: two banks of 256 pages of 2 KiB, written in pairs of words [RM0351, 3.3.7]. */
#include "board.h"
#include "registers.h"

enum { BANK_BYTES = 0x80000, BUSY = 1 << 16, ALL_ERRORS = 0xC3FB, PROGRAM = 1, ERASE = 2, SECOND_BANK = 1 << 11 };

static void unlock(void)
{
    if (FLASH_CR >> 31) {
        FLASH_KEYR = 0x45670123u;
        FLASH_KEYR = 0xCDEF89ABu;
    }
    while (FLASH_SR & BUSY) {
    }
    FLASH_SR = ALL_ERRORS; /* an error that is still up blocks the next operation */
}

/* The caches do not know what has changed under them: off, empty, on. */
static void finish(void)
{
    while (FLASH_SR & BUSY) {
    }
    FLASH_CR = 0;
    const uint32_t setting = FLASH_ACR;
    FLASH_ACR = setting & ~(3u << 9);
    FLASH_ACR |= 3u << 11;
    FLASH_ACR &= ~(3u << 11);
    FLASH_ACR = setting;
    FLASH_CR = 1u << 31;
}

void board_flash_erase(uint32_t offset)
{
    const uint32_t page = offset % BANK_BYTES / PAGE_BYTES;
    unlock();
    FLASH_CR = ERASE | page << 3 | (offset >= BANK_BYTES ? SECOND_BANK : 0);
    FLASH_CR |= 1u << 16;
    finish();
}

/* A pair can be written once after erasing, its check bits with it. So a pair that stays blank is left alone (the
   header comes later), and one that holds the value already is too (a host that missed an answer asks again). */
static void write_pair(volatile uint32_t *to, uint32_t low, uint32_t high)
{
    if ((low & high) == 0xFFFFFFFFu || (to[0] == low && to[1] == high))
        return;
    FLASH_CR = PROGRAM;
    to[0] = low;
    to[1] = high;
    while (FLASH_SR & BUSY) {
    }
}

void board_flash_write(uint32_t offset, const uint8_t *bytes, int32_t n)
{
    unlock();
    for (int32_t i = 0; i < n; i += 8) {
        uint32_t pair[2] = {0xFFFFFFFFu, 0xFFFFFFFFu};
        __builtin_memcpy(pair, bytes + i, n - i < 8 ? 4 : 8);
        write_pair(&REGISTER(FLASH_ADDRESS + offset + (uint32_t)i), pair[0], pair[1]);
    }
    finish();
}
