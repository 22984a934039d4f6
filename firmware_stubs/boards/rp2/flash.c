/* The flash outside the chip, through the functions in its ROM [RP2040 datasheet, 2.8.3; RP2350 datasheet, 5.4.8]. While they run the flash
   cannot be read, so what calls them lies in RAM. */
#include "board.h"
#include "parts.h"

enum { PROGRAM_BYTES = 256, BLOCK_BYTES = 1 << 16, ERASE_BLOCK = 0xD8 };

struct rom {
    void (*connect)(void), (*leave_xip)(void);
    void (*erase)(uint32_t at, uint32_t n, uint32_t block, uint8_t command);
    void (*program)(uint32_t at, const uint8_t *bytes, uint32_t n);
    void (*flush)(void), (*enter_xip)(void);
};

static struct rom rom(void)
{
    return (struct rom){
        .connect = (void (*)(void))in_rom('I', 'F'),
        .leave_xip = (void (*)(void))in_rom('E', 'X'),
        .erase = (void (*)(uint32_t, uint32_t, uint32_t, uint8_t))in_rom('R', 'E'),
        .program = (void (*)(uint32_t, const uint8_t *, uint32_t))in_rom('R', 'P'),
        .flush = (void (*)(void))in_rom('F', 'C'),
        .enter_xip = (void (*)(void))in_rom('C', 'X'),
    };
}

/* Programs `bytes`, or erases a page when there are none. */
__attribute__((section(".data.ram"), noinline)) static void change(const struct rom *r, uint32_t at, const uint8_t *bytes)
{
    r->connect();
    r->leave_xip();
    if (bytes)
        r->program(at, bytes, PROGRAM_BYTES);
    else
        r->erase(at, PAGE_BYTES, BLOCK_BYTES, ERASE_BLOCK);
    r->flush();
    r->enter_xip();
}

/* Through a pointer, because RAM is too far away for a plain call. */
static void (*volatile const change_from_ram)(const struct rom *, uint32_t, const uint8_t *) = change;

void board_flash_erase(uint32_t offset)
{
    const struct rom r = rom();
    change_from_ram(&r, offset, 0);
}

/* The flash takes 256 bytes at a time; what stays 0xFF changes nothing. */
void board_flash_write(uint32_t offset, const uint8_t *bytes, int32_t n)
{
    const struct rom r = rom();
    while (n > 0) {
        uint8_t block[PROGRAM_BYTES];
        const uint32_t start = offset % PROGRAM_BYTES, room = PROGRAM_BYTES - start;
        const uint32_t now = (uint32_t)n < room ? (uint32_t)n : room;
        for (uint32_t i = 0; i < PROGRAM_BYTES; i++)
            block[i] = i - start < now ? bytes[i - start] : 0xFF;
        change_from_ram(&r, offset - start, block);
        offset += now;
        bytes += now;
        n -= (int32_t)now;
    }
}
