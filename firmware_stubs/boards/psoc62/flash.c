/* The flash of PSoC 62: rows of 512 bytes, which the small core's ROM erases and writes when asked [Infineon/mtb-pdl-cat1,
   cy_flash.c: Cy_Flash_WriteRow]. Nothing may be read from the flash meanwhile, so what waits for it lies in RAM. */
#include "board.h"
#include "registers.h"

enum { ROW = 512, WRITE_ROW = 5 << 24, BLOCKING = 1 << 8, TO_THE_ROM = 1 };

/* What the ROM is told; it puts its answer over the first word. */
struct call {
    uint32_t code, settings, address, data;
};

static volatile struct call call;
static uint32_t row[ROW / 4];

__attribute__((section(".data.ram"), noinline)) static void ask_rom(void)
{
    while (!(IPC_STRUCT1_ACQUIRE >> 31)) {
    }
    IPC_STRUCT1_DATA0 = (uint32_t)(uintptr_t)&call;
    IPC_STRUCT1_NOTIFY = TO_THE_ROM;
    while (IPC_STRUCT1_LOCK_STATUS >> 31) {
    }
}

static void write_row(uint32_t address)
{
    call.settings = 0;
    call.address = address;
    call.data = (uint32_t)(uintptr_t)row;
    call.code = WRITE_ROW | BLOCKING;
    ask_rom();
    FLASHC_FLASH_CMD = 1; /* the caches do not know what has changed under them */
    while (FLASHC_FLASH_CMD & 1) {
    }
}

/* This flash is 0 when erased; a page that is to be blank is written full of ones. */
void board_flash_erase(uint32_t offset)
{
    __builtin_memset(row, 0xFF, ROW);
    for (uint32_t at = 0; at < PAGE_BYTES; at += ROW)
        write_row(FLASH_ADDRESS + offset + at);
}

/* A row can only be written whole, so the rest of it is written again with what it holds. */
void board_flash_write(uint32_t offset, const uint8_t *bytes, int32_t n)
{
    for (int32_t done = 0; done < n;) {
        const uint32_t at = (offset + (uint32_t)done) % ROW, start = FLASH_ADDRESS + offset + (uint32_t)done - at;
        const int32_t room = (int32_t)(ROW - at), now = n - done < room ? n - done : room;
        __builtin_memcpy(row, (const void *)(uintptr_t)start, ROW);
        if (__builtin_memcmp((const uint8_t *)row + at, bytes + done, (uint32_t)now) != 0) {
            __builtin_memcpy((uint8_t *)row + at, bytes + done, (uint32_t)now);
            write_row(start);
        }
        done += now;
    }
}
