/* What differs from build to build; studio/firmware/build.py writes firmware.c. */
#pragma once
#include <stdint.h>

enum dtype { DTYPE_I16, DTYPE_I32, DTYPE_F32 };

struct stream {
    enum dtype dtype;
    int32_t columns;
    int32_t rows;      /* of one frame */
    uint32_t rate_mhz; /* thousandths of a row per second */
    float scale;       /* raw value to unit */
    uint8_t *frame;    /* room for `rows` rows */
};

enum { MOST_STREAMS = 16 };

extern const struct stream firmware_streams[];
extern const int32_t firmware_n_streams; /* sensors only; scores and decisions follow */
extern const int32_t firmware_input;     /* the sensor the model listens to, or -1 */
extern const uint8_t firmware_hello[];   /* CBOR, ready to send */
extern const int32_t firmware_hello_bytes;
extern const int32_t firmware_hello_build; /* where in it the 16 bytes of the build hash stand */

static inline int32_t row_bytes(const struct stream *stream)
{
    return stream->columns * (stream->dtype == DTYPE_I16 ? 2 : 4);
}
