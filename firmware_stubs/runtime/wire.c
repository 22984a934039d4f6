#include "wire.h"

/* Four bits at a time: 64 bytes of table, so that the boot loader carries it too. */
static const uint32_t crc_table[16] = {
    0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
    0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
};

uint32_t wire_crc32(uint32_t crc, const uint8_t *bytes, int32_t n)
{
    crc = ~crc;
    while (n-- > 0) {
        crc ^= *bytes++;
        crc = crc >> 4 ^ crc_table[crc & 15];
        crc = crc >> 4 ^ crc_table[crc & 15];
    }
    return ~crc;
}

/* Byte stuffing in progress: the open block's code byte lies at `code`. */
struct stuffing {
    uint8_t *frame;
    int32_t n, code;
};

static void open_block(struct stuffing *s, int32_t run)
{
    s->frame[s->code] = (uint8_t)run;
    s->code = s->n++;
}

/* A full block ends only when more bytes follow: so says the standard, and Python's `cobs` with it. */
static void stuff(struct stuffing *s, const uint8_t *bytes, int32_t n)
{
    int32_t run = s->n - s->code;
    for (; n > 0; n--, bytes++) {
        if (run == 255) {
            open_block(s, run);
            run = 1;
        }
        if (*bytes) {
            s->frame[s->n++] = *bytes;
            run++;
        } else {
            open_block(s, run);
            run = 1;
        }
    }
}

int32_t wire_encode(const struct wire_header *header, const void *payload, int32_t bytes, uint8_t *frame)
{
    const uint8_t *head = (const uint8_t *)header;
    const uint32_t crc = wire_crc32(wire_crc32(0, head, WIRE_HEADER), payload, bytes);
    struct stuffing s = {frame, 1, 0};
    stuff(&s, head, WIRE_HEADER);
    stuff(&s, payload, bytes);
    stuff(&s, (const uint8_t *)&crc, 4);
    frame[s.code] = (uint8_t)(s.n - s.code);
    frame[s.n++] = 0;
    return s.n;
}

static void put(struct wire_receiver *r, uint8_t byte)
{
    if (r->n < WIRE_BODY)
        r->body[r->n] = byte;
    if (r->n <= WIRE_BODY)
        r->n++;
}

static int32_t end_of_frame(struct wire_receiver *r, struct wire_packet *packet)
{
    const int32_t n = r->n, empty = r->code == 0;
    int32_t sound = r->left == 0 && n >= WIRE_HEADER + 4 && n <= WIRE_BODY;
    r->n = r->code = r->left = 0;
    if (empty) /* two zeros in a row: how a connection begins */
        return 0;
    uint32_t crc = 0;
    if (sound) {
        __builtin_memcpy(&crc, r->body + n - 4, 4);
        sound = wire_crc32(0, r->body, n - 4) == crc;
    }
    if (!sound) {
        r->bad++;
        return 0;
    }
    __builtin_memcpy(&packet->header, r->body, WIRE_HEADER);
    packet->payload = r->body + WIRE_HEADER;
    packet->bytes = n - WIRE_HEADER - 4;
    return 1;
}

int32_t wire_take(struct wire_receiver *r, uint8_t byte, struct wire_packet *packet)
{
    if (byte == 0)
        return end_of_frame(r, packet);
    if (r->left) {
        r->left--;
        put(r, byte);
        return 0;
    }
    if (r->code != 0 && r->code != 255)
        put(r, 0);
    r->code = byte;
    r->left = (uint8_t)(byte - 1);
    return 0;
}
