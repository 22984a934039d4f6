#include "cbor.h"

void cbor_raw(struct cbor_out *out, const void *bytes, int32_t n)
{
    if (out->n > out->size || n > out->size - out->n) {
        out->n = out->size + 1;
        return;
    }
    __builtin_memcpy(out->bytes + out->n, bytes, (uint32_t)n);
    out->n += n;
}

void cbor_head(struct cbor_out *out, enum cbor_major major, uint64_t value)
{
    uint8_t head[9] = {(uint8_t)(major << 5)};
    int32_t size = value < 24 ? 0 : value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x100000000u ? 4 : 8;
    if (size == 0)
        head[0] |= (uint8_t)value;
    else
        head[0] |= (uint8_t)(size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27);
    for (int32_t i = size; i > 0; i--, value >>= 8)
        head[i] = (uint8_t)value;
    cbor_raw(out, head, 1 + size);
}

void cbor_uint(struct cbor_out *out, uint64_t value) { cbor_head(out, CBOR_UINT, value); }

void cbor_text(struct cbor_out *out, const char *text)
{
    int32_t n = 0;
    while (text[n])
        n++;
    cbor_head(out, CBOR_TEXT, (uint64_t)n);
    cbor_raw(out, text, n);
}

void cbor_null(struct cbor_out *out) { cbor_head(out, CBOR_SIMPLE, 22); }

static int32_t head(struct cbor_in *in, int32_t *major, uint64_t *value)
{
    if (in->at >= in->end)
        return 0;
    const uint8_t first = *in->at++;
    *major = first >> 5;
    *value = first & 31;
    if (*value < 24)
        return 1;
    if (*value > 27) /* indefinite lengths are not for us */
        return 0;
    int32_t n = 1 << (*value - 24);
    if (in->end - in->at < n)
        return 0;
    for (*value = 0; n > 0; n--)
        *value = *value << 8 | *in->at++;
    return 1;
}

/* Counts open items instead of calling itself: a hostile nest of arrays must not eat the stack. */
int32_t cbor_skip(struct cbor_in *in)
{
    uint64_t items = 1;
    while (items > 0) {
        int32_t major;
        uint64_t value;
        if (!head(in, &major, &value))
            return 0;
        items--;
        const uint64_t left = (uint64_t)(in->end - in->at);
        if (major >= CBOR_BYTES && major <= CBOR_MAP && value > left)
            return 0;
        if (major == CBOR_BYTES || major == CBOR_TEXT)
            in->at += value;
        else if (major == CBOR_ARRAY || major == CBOR_MAP)
            items += major == CBOR_MAP ? 2 * value : value;
        else if (major == CBOR_TAG)
            items++;
    }
    return 1;
}

int32_t cbor_int(struct cbor_in *in, int64_t *value)
{
    int32_t major;
    uint64_t size;
    if (!head(in, &major, &size) || major > CBOR_NEGATIVE || size >> 63)
        return 0;
    *value = major == CBOR_UINT ? (int64_t)size : -1 - (int64_t)size;
    return 1;
}

int32_t cbor_string(struct cbor_in *in, enum cbor_major wanted, const uint8_t **bytes, int32_t *n)
{
    int32_t major;
    uint64_t size;
    if (!head(in, &major, &size) || major != (int32_t)wanted || size > (uint64_t)(in->end - in->at))
        return 0;
    *bytes = in->at;
    *n = (int32_t)size;
    in->at += size;
    return 1;
}

int32_t cbor_array(struct cbor_in *in, int32_t *n)
{
    int32_t major;
    uint64_t size;
    if (!head(in, &major, &size) || major != CBOR_ARRAY || size > (uint64_t)(in->end - in->at))
        return 0;
    *n = (int32_t)size;
    return 1;
}

int32_t cbor_find(const uint8_t *map, int32_t bytes, int64_t key, struct cbor_in *value)
{
    int32_t major;
    uint64_t pairs;
    int64_t found;
    *value = (struct cbor_in){map, map + bytes};
    if (!head(value, &major, &pairs) || major != CBOR_MAP)
        return 0;
    while (pairs-- > 0) {
        if (!cbor_int(value, &found))
            return 0;
        if (found == key)
            return 1;
        if (!cbor_skip(value))
            return 0;
    }
    return 0;
}
