/* As much of CBOR (RFC 8949) as commands and replies need: definite lengths, no floats, no tags. */
#pragma once
#include <stdint.h>

enum cbor_major { CBOR_UINT, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_TAG, CBOR_SIMPLE };

/* Writes never pass `size`; `n` greater than `size` afterwards means that it did not fit. */
struct cbor_out {
    uint8_t *bytes;
    int32_t size, n;
};

void cbor_head(struct cbor_out *out, enum cbor_major major, uint64_t value);
void cbor_raw(struct cbor_out *out, const void *bytes, int32_t n);
void cbor_uint(struct cbor_out *out, uint64_t value);
void cbor_text(struct cbor_out *out, const char *text);
void cbor_null(struct cbor_out *out);

/* What is left to read. Every reader below gives 1, or 0 when the next item is something else or broken. */
struct cbor_in {
    const uint8_t *at, *end;
};

/* The value at `key` of a map with integer keys. */
int32_t cbor_find(const uint8_t *map, int32_t bytes, int64_t key, struct cbor_in *value);
int32_t cbor_int(struct cbor_in *in, int64_t *value);
/* A string of `major` CBOR_BYTES or CBOR_TEXT: its bytes, not copied. */
int32_t cbor_string(struct cbor_in *in, enum cbor_major major, const uint8_t **bytes, int32_t *n);
int32_t cbor_array(struct cbor_in *in, int32_t *n);
int32_t cbor_skip(struct cbor_in *in);
