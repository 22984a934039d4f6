/* Frames on the wire: COBS(header 16 | payload | CRC-32) 0x00, little endian. The other end is studio/data/wire.py. */
#pragma once
#include <stdint.h>

enum { WIRE_PROTOCOL = 1, WIRE_HEADER = 16, WIRE_PAYLOAD = 1024, WIRE_BODY = WIRE_HEADER + WIRE_PAYLOAD + 4 };
enum { WIRE_FRAME = WIRE_BODY + WIRE_BODY / 254 + 2 }; /* a code byte in front, one more every 254 bytes, the zero */

enum wire_type {
    WIRE_HELLO = 1,
    WIRE_SAMPLES,
    WIRE_STATS,
    WIRE_COMMAND,
    WIRE_REPLY,
    WIRE_INJECT,
    WIRE_RESULT,
    WIRE_LOG
};

enum wire_verb {
    VERB_START = 1,
    VERB_STOP,
    VERB_SET,
    VERB_STATS,
    VERB_BOOT,
    VERB_RESTART,
    VERB_PING,
    VERB_CLEAR,
    VERB_PARTS,
    VERB_ERASE = 16,
    VERB_WRITE,
    VERB_CHECK,
    VERB_RUN,
    VERB_CONFIRM,
    VERB_REVERT,
    VERB_PARAMETERS,
    VERB_USE
};

enum wire_status {
    STATUS_OK,
    STATUS_UNKNOWN_VERB,
    STATUS_BAD_ARGUMENTS,
    STATUS_NOT_ALLOWED,
    STATUS_BAD_IMAGE,
    STATUS_OTHER_BOARD,
    STATUS_FLASH_FAILED,
    STATUS_BUSY
};

/* Exactly as it lies in the frame. */
struct wire_header {
    uint8_t type, channel;
    uint16_t count;
    uint32_t seq;
    uint64_t t_us;
};

/* A frame that came whole: `payload` lives in the receiver until its next byte. */
struct wire_packet {
    struct wire_header header;
    const uint8_t *payload;
    int32_t bytes;
};

struct wire_receiver {
    _Alignas(8) uint8_t body[WIRE_BODY];
    int32_t n;         /* bytes unstuffed so far; more than WIRE_BODY: too long a frame */
    uint8_t code, left; /* of the current COBS block */
    uint32_t bad;      /* damaged frames since the start */
};

/* zlib's CRC-32: begin with 0, go on with what the last call gave. */
uint32_t wire_crc32(uint32_t crc, const uint8_t *bytes, int32_t n);

/* Write header and payload as a frame (at most WIRE_FRAME bytes, its zero included); returns its length. */
int32_t wire_encode(const struct wire_header *header, const void *payload, int32_t bytes, uint8_t *frame);

/* One byte from the link; 1 when it ends a sound frame, which is then in `packet`. */
int32_t wire_take(struct wire_receiver *receiver, uint8_t byte, struct wire_packet *packet);
