#include "device.h"
#include "answer.h"
#include "board.h"
#include "cbor.h"
#include "firmware.h"
#include "guard.h"
#include "parameters.h"
#include "queue.h"
#include "streams.h"

enum { STATS_EVERY_US = 1000000 };
enum wish { GO_ON, RESTART, BOOT };

static struct wire_receiver receiver;
static uint64_t stats_due_us;
static enum wish wish;

static int32_t n_streams(void)
{
    return firmware_n_streams + (firmware_input >= 0 ? 2 : 0);
}

static uint8_t answer[WIRE_PAYLOAD]; /* what is about to be told */

/* With other numbers than its own the firmware is the build that has these. */
static void hello(void)
{
    const struct wire_header header = {.type = WIRE_HELLO, .t_us = board_time_us()};
    const uint8_t *build = parameters_build();
    __builtin_memcpy(answer, firmware_hello, (uint32_t)firmware_hello_bytes);
    if (build)
        __builtin_memcpy(answer + firmware_hello_build, build, 16);
    queue_control(&header, answer, firmware_hello_bytes);
}

static void put_stats(struct cbor_out *out)
{
    cbor_head(out, CBOR_MAP, 6);
    cbor_uint(out, 0);
    cbor_uint(out, board_time_us());
    cbor_uint(out, 1);
    cbor_head(out, CBOR_MAP, (uint64_t)n_streams());
    for (int32_t id = 0; id < n_streams(); id++) {
        cbor_uint(out, (uint64_t)id);
        cbor_uint(out, streams_lost(id));
    }
    cbor_uint(out, 2);
    cbor_uint(out, receiver.bad);
    cbor_uint(out, 3);
    cbor_uint(out, (uint64_t)board_stack_used());
    cbor_uint(out, 4);
    cbor_uint(out, guard_rate_mhz());
    cbor_uint(out, 5);
    cbor_uint(out, (uint64_t)guard_fault());
}

static void send_stats(void)
{
    uint8_t bytes[256];
    struct cbor_out out = {bytes, sizeof bytes, 0};
    put_stats(&out);
    const struct wire_header header = {.type = WIRE_STATS, .t_us = board_time_us()};
    queue_control(&header, bytes, out.n);
}

/* `result` is CBOR, or NULL for none. */
static void reply(uint32_t seq, enum wire_status status, const char *text, const struct cbor_out *result)
{
    struct cbor_out out = {answer, sizeof answer, 0};
    cbor_head(&out, CBOR_MAP, 1u + (text != 0) + (result != 0));
    cbor_uint(&out, 0);
    cbor_uint(&out, status);
    if (text) {
        cbor_uint(&out, 1);
        cbor_text(&out, text);
    }
    if (result) {
        cbor_uint(&out, 2);
        cbor_raw(&out, result->bytes, result->n);
    }
    if (out.n > out.size) {
        reply(seq, STATUS_BAD_ARGUMENTS, "the answer does not fit into a frame", 0);
        return;
    }
    const struct wire_header header = {.type = WIRE_REPLY, .seq = seq, .t_us = board_time_us()};
    queue_control(&header, answer, out.n);
}

static void refuse(uint32_t seq, const char *text)
{
    reply(seq, STATUS_BAD_ARGUMENTS, text, 0);
}

/* The bit mask of streams that a START names; 0 when it names one that does not exist. */
static uint32_t named_streams(const struct wire_packet *p)
{
    const uint32_t all = (1u << n_streams()) - 1;
    struct cbor_in in;
    int32_t n;
    if (!cbor_find(p->payload, p->bytes, 1, &in))
        return all;
    if (!cbor_array(&in, &n))
        return 0;
    uint32_t ids = n ? 0 : all;
    while (n-- > 0) {
        int64_t id;
        if (!cbor_int(&in, &id) || id < 0 || id >= n_streams())
            return 0;
        ids |= 1u << id;
    }
    return ids;
}

static void start(const struct wire_packet *p)
{
    const uint32_t ids = named_streams(p);
    if (!ids) {
        refuse(p->header.seq, "START names a stream that this board does not have");
        return;
    }
    reply(p->header.seq, STATUS_OK, 0, 0);
    streams_start(ids);
    stats_due_us = board_time_us() + STATS_EVERY_US;
}

static int32_t is(const uint8_t *key, int32_t n, const char *word)
{
    while (n > 0 && *word && *key == (uint8_t)*word)
        n--, key++, word++;
    return n == 0 && *word == 0;
}

static void set(const struct wire_packet *p)
{
    struct cbor_in key, in;
    const uint8_t *name;
    int32_t n;
    int64_t value;
    const int32_t read = cbor_find(p->payload, p->bytes, 1, &key) && cbor_string(&key, CBOR_TEXT, &name, &n) &&
                         cbor_find(p->payload, p->bytes, 2, &in) && cbor_int(&in, &value);
    if (!read || value < 0 || value > 1) {
        refuse(p->header.seq, "SET wants a key and 0 or 1");
        return;
    }
    if (is(name, n, "taps")) {
        answer_set_taps((int32_t)value);
    } else if (is(name, n, "source")) {
        streams_set_source((int32_t)value);
    } else {
        refuse(p->header.seq, "SET knows taps and source");
        return;
    }
    reply(p->header.seq, STATUS_OK, 0, 0);
}

static void stats(const struct wire_packet *p)
{
    uint8_t bytes[256];
    struct cbor_out out = {bytes, sizeof bytes, 0};
    put_stats(&out);
    reply(p->header.seq, STATUS_OK, 0, &out);
}

/* Each sensor: {0: enum sensor_part, 1: what it says that it is, 2: what it should say}. */
static void parts(const struct wire_packet *p)
{
    uint8_t bytes[256];
    struct cbor_out out = {bytes, sizeof bytes, 0};
    cbor_head(&out, CBOR_MAP, (uint64_t)firmware_n_streams);
    for (int32_t id = 0; id < firmware_n_streams; id++) {
        int32_t told = 0, expected = 0;
        const enum sensor_part part = board_sensor_part(id, &told, &expected);
        cbor_uint(&out, (uint64_t)id);
        cbor_head(&out, CBOR_MAP, 3);
        cbor_uint(&out, 0);
        cbor_uint(&out, part);
        cbor_uint(&out, 1);
        cbor_uint(&out, (uint64_t)(told < 0 ? 0 : told));
        cbor_uint(&out, 2);
        cbor_uint(&out, (uint64_t)expected);
    }
    reply(p->header.seq, STATUS_OK, 0, &out);
}

static void ping(const struct wire_packet *p)
{
    struct cbor_in in;
    if (!cbor_find(p->payload, p->bytes, 1, &in)) {
        reply(p->header.seq, STATUS_OK, 0, 0);
        return;
    }
    const uint8_t *from = in.at;
    if (!cbor_skip(&in)) {
        refuse(p->header.seq, "PING carries something broken");
        return;
    }
    const int32_t n = (int32_t)(in.at - from);
    reply(p->header.seq, STATUS_OK, 0, &(struct cbor_out){(uint8_t *)from, n, n});
}

/* 1 when the verb was about the model's numbers. */
static int32_t numbers(const struct wire_packet *p, int64_t verb)
{
    uint8_t bytes[128];
    struct parameter_answer told = {.result = {bytes, sizeof bytes, 0}};
    if (!parameters_obey(verb, p, &told))
        return 0;
    reply(p->header.seq, told.status, told.text, told.result.n ? &told.result : 0);
    return 1;
}

static void obey(const struct wire_packet *p, int64_t verb)
{
    const uint32_t seq = p->header.seq;
    if (verb == VERB_STOP)
        streams_stop();
    else if (verb == VERB_CLEAR)
        answer_clear();
    else if (verb == VERB_BOOT || verb == VERB_RESTART)
        wish = verb == VERB_BOOT ? BOOT : RESTART;
    else {
        reply(seq, STATUS_UNKNOWN_VERB, "the firmware does not know this verb", 0);
        return;
    }
    reply(seq, STATUS_OK, 0, 0);
}

static void command(const struct wire_packet *p)
{
    struct cbor_in in;
    int64_t verb;
    if (!cbor_find(p->payload, p->bytes, 0, &in) || !cbor_int(&in, &verb))
        refuse(p->header.seq, "a command is a map with a verb at key 0");
    else if (verb == VERB_START)
        start(p);
    else if (verb == VERB_SET)
        set(p);
    else if (verb == VERB_STATS)
        stats(p);
    else if (verb == VERB_PING)
        ping(p);
    else if (verb == VERB_PARTS)
        parts(p);
    else if (!numbers(p, verb))
        obey(p, verb);
}

static void inject(const struct wire_packet *p)
{
    const struct wire_header *h = &p->header;
    if (firmware_input < 0 || h->channel != firmware_input)
        refuse(h->seq, "no model listens to this stream");
    else if (!streams_inject())
        reply(h->seq, STATUS_BUSY, "the model listens to its sensor; set source to 1 first", 0);
    else if (h->count * row_bytes(&firmware_streams[firmware_input]) != p->bytes)
        refuse(h->seq, "the rows do not fill the frame");
    else {
        answer_take(p->payload, h->count, board_time_us());
        reply(h->seq, STATUS_OK, 0, 0);
    }
}

static void take(const struct wire_packet *p)
{
    if (p->header.type == WIRE_HELLO)
        hello();
    else if (p->header.type == WIRE_COMMAND)
        command(p);
    else if (p->header.type == WIRE_INJECT)
        inject(p);
}

/* Reads only while an answer fits: a host that does not listen is not listened to. */
static int32_t listen(void)
{
    uint8_t bytes[256];
    int32_t heard = 0;
    struct wire_packet packet;
    while (wish == GO_ON && queue_takes_control()) {
        const int32_t n = board_read(bytes, sizeof bytes);
        for (int32_t i = 0; i < n; i++)
            if (wire_take(&receiver, bytes[i], &packet))
                take(&packet);
        if (n == 0)
            break;
        heard = 1;
        streams_poll(); /* a flood of commands must not starve the sensors */
    }
    return heard;
}

static void stats_when_due(void)
{
    const uint64_t now = board_time_us();
    if (!streams_running() || now < stats_due_us)
        return;
    send_stats();
    stats_due_us = now + STATS_EVERY_US;
}

int32_t device_run(void)
{
    static const uint8_t zero;
    board_write(&zero, 1); /* ends what the program before may have left half said */
    parameters_start();
    hello();
    while (wish == GO_ON) {
        int32_t moved = listen();
        moved |= streams_poll();
        stats_when_due();
        const int32_t writing = queue_pump();
        if (!moved && wish == GO_ON)
            board_idle(writing);
    }
    queue_flush();
    return wish == BOOT;
}

int main(void)
{
    board_restart(device_run());
    return 0;
}
