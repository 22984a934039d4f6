#include "answer.h"
#include "board.h"
#include "firmware.h"
#include "guard.h"
#include "model.h"
#include "model_push.h"
#include "queue.h"
#include "streams.h"

enum { TAP_HEAD = 12, TAP_MOST = 960, DECISION_FAULT = -2 };

static uint32_t window; /* number of the next one since CLEAR */
static uint32_t spent, resumed; /* ticks of this inference, without the time it takes to report them */

static void tap(int32_t stage, const void *data, int32_t bytes)
{
    spent += board_ticks() - resumed;
    _Alignas(4) static uint8_t payload[TAP_HEAD + TAP_MOST];
    const uint32_t head[3] = {(uint32_t)bytes, wire_crc32(0, data, bytes), spent};
    const int32_t told = bytes <= TAP_MOST ? bytes : 0;
    __builtin_memcpy(payload, head, TAP_HEAD);
    __builtin_memcpy(payload + TAP_HEAD, data, (uint32_t)told);
    const struct wire_header header = {
        .type = WIRE_RESULT, .channel = (uint8_t)stage, .seq = window, .t_us = board_time_us()};
    queue_control(&header, payload, TAP_HEAD + told);
    resumed = board_ticks();
}

void answer_set_taps(int32_t on) { model_tap = on ? tap : 0; }

void answer_clear(void)
{
    model_push_clear();
    window = 0;
}

/* Stream.to_unit in studio/data/stream.py: the same multiplication in the same precision. */
static void to_unit(const struct stream *stream, const uint8_t *row, float *sample)
{
    for (int32_t i = 0; i < MODEL_CHANNELS; i++) {
        int16_t i16;
        int32_t i32;
        float value;
        if (stream->dtype == DTYPE_I16) {
            __builtin_memcpy(&i16, row + 2 * i, 2);
            value = (float)i16;
        } else if (stream->dtype == DTYPE_I32) {
            __builtin_memcpy(&i32, row + 4 * i, 4);
            value = (float)i32;
        } else {
            __builtin_memcpy(&value, row + 4 * i, 4);
        }
        sample[i] = value * stream->scale;
    }
}

/* What came at another rate than the model has learned is not answered: scores that are no numbers, decision -2. */
static void withhold(float *scores)
{
    static const uint32_t no_number = 0x7FC00000u;
    for (int32_t i = 0; i < MODEL_CLASSES; i++)
        __builtin_memcpy(scores + i, &no_number, sizeof no_number);
}

static void tell(float *scores, uint64_t t_us)
{
    const int32_t fault = guard_fault() && !streams_inject();
    if (fault)
        withhold(scores);
    const int16_t said = model_decide(scores); /* also of what is withheld: what it remembers is then forgotten */
    const int16_t decision = fault ? DECISION_FAULT : said;
    streams_answer(firmware_n_streams, window, t_us, scores, MODEL_CLASSES * (int32_t)sizeof *scores);
    streams_answer(firmware_n_streams + 1, window, t_us, &decision, sizeof decision);
    window++;
}

void answer_take(const void *rows, int32_t n, uint64_t t_us)
{
    const struct stream *stream = &firmware_streams[firmware_input];
    static float sample[MODEL_CHANNELS], scores[MODEL_CLASSES];
    for (int32_t i = 0; i < n; i++) {
        to_unit(stream, (const uint8_t *)rows + i * row_bytes(stream), sample);
        if (model_tap) {
            spent = 0;
            resumed = board_ticks();
        }
        if (model_push(sample, scores))
            tell(scores, t_us + (uint64_t)i * 1000000000u / stream->rate_mhz);
    }
}
