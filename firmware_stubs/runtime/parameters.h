/* The numbers of a model (weights, thresholds), replaced without its code.

   They lie in one block. The firmware brings one along; behind the image, in the rest of its slot, there is room for
   two more, each with a header in front. A block is for one layout (the schema) and for the image as it lies there (its
   counter). The host writes it, its header last, and says USE: it counts until the next start. Only when the host has
   seen it answer rightly is it confirmed, and only confirmed blocks are looked for at a start. So a cut at any moment
   leaves the numbers before, whole. The header is made by studio/firmware/parameters.py. */
#pragma once
#include "cbor.h"
#include "wire.h"

enum { PARAMETER_BLOCKS = 2, PARAMETER_HEAD = 128, SCHEMA_BYTES = 16, BUILT_IN = -1 };

/* In front of each block; behind it two marks of MARK_BYTES, and the rest blank up to PARAMETER_HEAD. */
struct parameter_header {
    char magic[4]; /* SPR1 */
    uint32_t header_bytes, block_bytes, block_crc32;
    uint8_t schema[SCHEMA_BYTES];
    uint8_t build_hash[16]; /* of the firmware that has these numbers built in */
    uint32_t image_counter; /* of the image that they are for */
    uint32_t counter;       /* the greater is the newer */
    uint32_t reserved;
    uint32_t crc32; /* of all that stands before it */
};

_Static_assert(sizeof(struct parameter_header) == 64, "marks come behind it");

/* What every block begins with. */
struct parameter_block {
    uint8_t schema[SCHEMA_BYTES];
    uint32_t bytes, reserved;
};

/* An answer to one of the verbs: CBOR in `result` when something was put there. */
struct parameter_answer {
    enum wire_status status;
    const char *text;
    struct cbor_out result;
};

/* Take up the newest confirmed block. */
void parameters_start(void);
/* The build hash that stands for the numbers in use; 0 for those that the firmware brought along. */
const uint8_t *parameters_build(void);
/* 1 when the verb was one of these. */
int32_t parameters_obey(int64_t verb, const struct wire_packet *packet, struct parameter_answer *answer);
