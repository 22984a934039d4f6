/* What the ROM looks for in the first 4096 bytes of the flash: a block that says that an image for the RP2350's Arm cores
   begins here, and where its vectors are [RP2350 datasheet, 5.9; pico-sdk, boot_picobin_headers/include/boot/picobin.h].
   The ROM sets up the reading of the flash itself. */
#include <stdint.h>

enum { IMAGE_TYPE = 0x42, VECTOR_TABLE = 0x03, LAST = 0xFF, EXECUTABLE = 1, SECURE = 2 << 4, FOR_RP2350 = 1 << 12 };

__attribute__((section(".first"), used)) static const uint32_t first[64] = {
    0xFFFFDED3u,
    IMAGE_TYPE | 1u << 8 | (EXECUTABLE | SECURE | FOR_RP2350) << 16,
    VECTOR_TABLE | 2u << 8,
    FLASH_ADDRESS + sizeof first,
    LAST | 3u << 8, /* words of the items before it */
    0,              /* the only block: the next one is itself */
    0xAB123579u,
};
