#include "queue.h"
#include "board.h"
#include "firmware.h"

#ifndef QUEUE_BYTES
#define QUEUE_BYTES 8192
#endif
enum { CONTROL_BYTES = 2 * (WIRE_FRAME + 16), PATIENCE_US = 1000000, LAST_WORDS_US = 100000 };

struct record {
    uint32_t order; /* of arrival, over both rings */
    uint16_t bytes, rows;
    uint32_t stream;
};

/* Records one after the other; only whole ones come and go. */
struct ring {
    uint8_t *bytes;
    int32_t size, first, used;
};

static uint8_t sample_bytes[QUEUE_BYTES], control_bytes[CONTROL_BYTES];
static struct ring samples = {sample_bytes, QUEUE_BYTES, 0, 0}, control = {control_bytes, CONTROL_BYTES, 0, 0};
static uint32_t arrived, dropped[MOST_STREAMS];
static uint8_t coded[WIRE_FRAME], outgoing[WIRE_FRAME];
static int32_t outgoing_bytes, outgoing_sent;

static int32_t fits(const struct ring *ring, int32_t bytes)
{
    return ring->size - ring->used >= bytes + (int32_t)sizeof(struct record);
}

static void ring_put(struct ring *ring, const void *bytes, int32_t n)
{
    const int32_t at = (ring->first + ring->used) % ring->size;
    const int32_t before_wrap = n < ring->size - at ? n : ring->size - at;
    __builtin_memcpy(ring->bytes + at, bytes, (uint32_t)before_wrap);
    __builtin_memcpy(ring->bytes, (const uint8_t *)bytes + before_wrap, (uint32_t)(n - before_wrap));
    ring->used += n;
}

static void ring_peek(const struct ring *ring, void *bytes, int32_t n)
{
    const int32_t before_wrap = n < ring->size - ring->first ? n : ring->size - ring->first;
    __builtin_memcpy(bytes, ring->bytes + ring->first, (uint32_t)before_wrap);
    __builtin_memcpy((uint8_t *)bytes + before_wrap, ring->bytes, (uint32_t)(n - before_wrap));
}

static void ring_skip(struct ring *ring, int32_t n)
{
    ring->first = (ring->first + n) % ring->size;
    ring->used -= n;
}

static void ring_add(struct ring *ring, const struct record *record)
{
    ring_put(ring, record, sizeof *record);
    ring_put(ring, coded, record->bytes);
}

static void drop_oldest(struct ring *ring)
{
    struct record record;
    ring_peek(ring, &record, sizeof record);
    dropped[record.stream] += record.rows;
    ring_skip(ring, (int32_t)sizeof record + record.bytes);
}

void queue_samples(const struct wire_header *header, const void *rows, int32_t bytes)
{
    const int32_t n = wire_encode(header, rows, bytes, coded);
    while (!fits(&samples, n))
        drop_oldest(&samples);
    ring_add(&samples, &(struct record){arrived++, (uint16_t)n, header->count, header->channel});
    queue_pump();
}

/* A link that takes nothing for a second is dead: the oldest answer is then worth less than the newest. */
void queue_control(const struct wire_header *header, const void *payload, int32_t bytes)
{
    const uint64_t until = board_time_us() + PATIENCE_US;
    const int32_t most = WIRE_FRAME;
    while (!fits(&control, most)) {
        queue_pump();
        if (fits(&control, most))
            break;
        board_idle(1);
        if (board_time_us() > until)
            drop_oldest(&control);
    }
    const int32_t n = wire_encode(header, payload, bytes, coded);
    ring_add(&control, &(struct record){arrived++, (uint16_t)n, 0, 0});
    queue_pump();
}

int32_t queue_takes_control(void) { return fits(&control, WIRE_FRAME); }

/* The ring whose front frame came first, or 0 when both are empty. */
static struct ring *next_ring(void)
{
    struct record sample, answer;
    if (!samples.used || !control.used)
        return samples.used ? &samples : control.used ? &control : 0;
    ring_peek(&samples, &sample, sizeof sample);
    ring_peek(&control, &answer, sizeof answer);
    return (int32_t)(sample.order - answer.order) < 0 ? &samples : &control;
}

static int32_t load_next(void)
{
    struct ring *ring = next_ring();
    struct record record;
    if (!ring)
        return 0;
    ring_peek(ring, &record, sizeof record);
    ring_skip(ring, sizeof record);
    ring_peek(ring, outgoing, record.bytes);
    ring_skip(ring, record.bytes);
    outgoing_bytes = record.bytes;
    outgoing_sent = 0;
    return 1;
}

int32_t queue_pump(void)
{
    while (outgoing_sent < outgoing_bytes || load_next()) {
        const int32_t taken = board_write(outgoing + outgoing_sent, outgoing_bytes - outgoing_sent);
        outgoing_sent += taken;
        if (outgoing_sent < outgoing_bytes)
            return 1;
    }
    return 0;
}

uint32_t queue_dropped(int32_t stream) { return dropped[stream]; }

void queue_forget(void)
{
    samples.first = samples.used = 0;
    for (int32_t i = 0; i < MOST_STREAMS; i++)
        dropped[i] = 0;
}

void queue_flush(void)
{
    const uint64_t until = board_time_us() + LAST_WORDS_US;
    while (queue_pump() && board_time_us() < until)
        board_idle(1);
}
