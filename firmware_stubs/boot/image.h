/* What lies at the start of a slot: a header, written last, then the payload. Made by studio/firmware/image.py.

   The app's area holds two slots, so that a new image never touches the one that runs: SLOT_BYTES each, the second for
   the same program linked for there. An image that is longer than a slot takes the first and what it needs of the
   second. At the end of each slot lie marks, words that are blank or not. */
#pragma once
#include "wire.h"

enum { IMAGE_FORMAT = 1, IMAGE_NONE = 0, IMAGE_GOOD, IMAGE_BAD };
enum { SLOTS = 2, MARK_BYTES = 8 };

struct image_header {
    char magic[4]; /* SSM1 */
    uint32_t header_bytes, payload_bytes, payload_crc32;
    char board[32]; /* NUL padded */
    uint8_t build_hash[16];
    uint32_t format;
    uint32_t plain;   /* 1: without a model; nothing to the boot loader */
    uint32_t counter; /* the greater is the newer */
    uint8_t reserved[176];
    uint32_t crc32; /* of all that stands before it */
};

_Static_assert(sizeof(struct image_header) == 256, "the payload's vector table must lie on a multiple of 256");

/* TRIED: has been started. CONFIRMED: the host has seen it work. REJECTED: is not to be started while another can. */
enum image_mark { MARK_TRIED, MARK_CONFIRMED, MARK_REJECTED, MARKS };

/* A slot as it was last looked at. */
struct slot {
    enum wire_status status; /* STATUS_OK, STATUS_BAD_IMAGE or STATUS_OTHER_BOARD */
    int32_t marks;           /* bit mask of image_mark */
};

extern struct slot slots[SLOTS];

/* Where a slot begins, and the header that may be there. */
uint32_t slot_offset(int32_t slot);
const struct image_header *slot_header(int32_t slot);

/* Look at both slots anew. */
void slots_look(void);
/* The slot to start, of those last looked at: the newest that is sound and not rejected; -1 when none is sound. */
int32_t slots_choice(void);
/* Another slot that could be started instead of `slot`, or -1. */
int32_t slots_other(int32_t slot);
/* The slot to start now. An image that has a forerunner is started once; again only when it was confirmed. */
int32_t slots_start(void);
void slots_mark(int32_t slot, enum image_mark mark);

/* STATUS_OK, STATUS_BAD_IMAGE or STATUS_OTHER_BOARD. */
enum wire_status image_check_header(const struct image_header *header);
/* IMAGE_NONE, IMAGE_GOOD or IMAGE_BAD, for HELLO. */
int32_t image_state(void);
