#include "streams.h"
#include "answer.h"
#include "board.h"
#include "firmware.h"
#include "guard.h"
#include "queue.h"

struct progress {
    uint32_t next;     /* index of the next sample from the sensor */
    uint32_t overruns; /* of the sensor, as far as they are counted in `next` */
    int32_t held;      /* rows in the frame being gathered */
    uint64_t t_us;     /* of the first of them */
    int32_t running;
};

static struct progress progress[MOST_STREAMS];
static uint32_t sending; /* bit mask of stream ids */
static int32_t source_inject;

static int32_t feeds_model(int32_t id)
{
    const uint32_t answers = 3u << firmware_n_streams;
    return id == firmware_input && !source_inject && (sending & answers);
}

static void send_frame(int32_t id)
{
    struct progress *p = &progress[id];
    const struct stream *stream = &firmware_streams[id];
    const struct wire_header header = {
        .type = WIRE_SAMPLES,
        .channel = (uint8_t)id,
        .count = (uint16_t)p->held,
        .seq = p->next - (uint32_t)p->held,
        .t_us = p->t_us,
    };
    if (p->held && sending >> id & 1)
        queue_samples(&header, stream->frame, p->held * row_bytes(stream));
    p->held = 0;
}

/* Sensors run exactly while somebody wants their samples. */
static void run_sensors(void)
{
    for (int32_t id = 0; id < firmware_n_streams; id++) {
        const struct stream *stream = &firmware_streams[id];
        const int32_t wanted = (sending >> id & 1) || feeds_model(id);
        if (wanted && !progress[id].running) {
            progress[id] = (struct progress){.running = 1};
            if (id == firmware_input)
                guard_clear();
            board_sensor_start(id, row_bytes(stream), stream->rate_mhz, stream->rows);
        } else if (!wanted && progress[id].running) {
            board_sensor_stop(id);
            progress[id].running = 0;
        }
    }
}

void streams_start(uint32_t ids)
{
    sending = 0;
    run_sensors();
    queue_forget();
    answer_clear();
    sending = ids;
    run_sensors();
}

void streams_stop(void)
{
    streams_poll();
    for (int32_t id = 0; id < firmware_n_streams; id++)
        if (progress[id].running)
            send_frame(id);
    sending = 0;
    run_sensors();
}

int32_t streams_running(void) { return sending != 0; }

void streams_set_source(int32_t inject)
{
    source_inject = inject;
    run_sensors();
}

int32_t streams_inject(void) { return source_inject; }

/* Rows were lost between those held and the `n` that have just been put behind them: the frame ends at the hole. */
static void end_at_hole(int32_t id, int32_t n, uint32_t overruns)
{
    struct progress *p = &progress[id];
    const int32_t size = row_bytes(&firmware_streams[id]);
    uint8_t *frame = firmware_streams[id].frame;
    const int32_t held = p->held;
    send_frame(id);
    __builtin_memmove(frame, frame + held * size, (uint32_t)(n * size));
    p->next += overruns - p->overruns;
    p->overruns = overruns;
}

static int32_t poll(int32_t id)
{
    struct progress *p = &progress[id];
    const struct stream *stream = &firmware_streams[id];
    const int32_t size = row_bytes(stream);
    struct sensor_batch batch;
    const int32_t n = board_sensor_read(id, stream->frame + p->held * size, stream->rows - p->held, &batch);
    if (n == 0)
        return 0;
    if (batch.overruns != p->overruns)
        end_at_hole(id, n, batch.overruns);
    if (p->held == 0)
        p->t_us = batch.t_us;
    p->held += n;
    p->next += (uint32_t)n;
    if (feeds_model(id)) {
        guard_take(p->next - (uint32_t)n, batch.t_us);
        answer_take(stream->frame + (p->held - n) * size, n, batch.t_us);
    }
    if (p->held == stream->rows)
        send_frame(id);
    return 1;
}

int32_t streams_poll(void)
{
    int32_t moved = 0;
    for (int32_t id = 0; id < firmware_n_streams; id++)
        if (progress[id].running)
            moved |= poll(id);
    return moved;
}

void streams_answer(int32_t id, uint32_t index, uint64_t t_us, const void *row, int32_t bytes)
{
    const struct wire_header header = {
        .type = WIRE_SAMPLES, .channel = (uint8_t)id, .count = 1, .seq = index, .t_us = t_us};
    if (sending >> id & 1)
        queue_samples(&header, row, bytes);
}

uint32_t streams_lost(int32_t id)
{
    return queue_dropped(id) + (id < firmware_n_streams ? progress[id].overruns : 0);
}
