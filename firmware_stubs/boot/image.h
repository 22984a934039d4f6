/* What lies at the start of the app's area: a header, written last, then the payload. Made by studio/firmware/image.py. */
#pragma once
#include "wire.h"

enum { IMAGE_FORMAT = 1, IMAGE_NONE = 0, IMAGE_GOOD, IMAGE_BAD };

struct image_header {
    char magic[4]; /* SSM1 */
    uint32_t header_bytes, payload_bytes, payload_crc32;
    char board[32]; /* NUL padded */
    uint8_t build_hash[16];
    uint32_t format;
    uint32_t plain; /* 1: without a model; nothing to the boot loader */
    uint8_t reserved[180];
    uint32_t crc32; /* of all that stands before it */
};

_Static_assert(sizeof(struct image_header) == 256, "the payload's vector table must lie on a multiple of 256");

/* STATUS_OK, STATUS_BAD_IMAGE or STATUS_OTHER_BOARD. */
enum wire_status image_check_header(const struct image_header *header);
/* The image in the flash: header, board and payload. */
enum wire_status image_check(void);
/* IMAGE_NONE, IMAGE_GOOD or IMAGE_BAD, for HELLO. */
int32_t image_state(void);
