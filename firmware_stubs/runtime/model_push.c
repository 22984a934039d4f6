#include "model_push.h"
#include "model.h"

enum {
    KEPT = MODEL_STRIDE < MODEL_LENGTH ? MODEL_LENGTH - MODEL_STRIDE : 0,
    SKIPPED = MODEL_STRIDE > MODEL_LENGTH ? MODEL_STRIDE - MODEL_LENGTH : 0
};

static model_value window[MODEL_LENGTH * MODEL_WIDTH];
static int32_t held; /* rows in the window */
static int32_t skip; /* rows to let go by before the next window begins */
static int32_t wait; /* samples until the window is over, and this one; 0 while it is not full */

void model_push_clear(void)
{
    held = skip = wait = 0;
    model_clear();
}

/* The window moves on by a stride: once per run, not once per sample. */
static void move_on(void)
{
    for (int32_t i = 0; i < KEPT * MODEL_WIDTH; i++)
        window[i] = window[i + (MODEL_LENGTH - KEPT) * MODEL_WIDTH];
    held = KEPT;
    skip = SKIPPED;
}

static void take(const model_value *given)
{
    if (skip > 0) {
        skip--;
        return;
    }
    for (int32_t i = 0; i < MODEL_WIDTH; i++)
        window[held * MODEL_WIDTH + i] = given[i];
    if (++held == MODEL_LENGTH)
        wait = MODEL_LATE + 1;
}

int model_push(const float *sample, float *scores)
{
    const model_value *given = model_row(model_filter(sample));
    if (given)
        take(given);
    if (wait == 0 || --wait > 0)
        return 0;
    model_run(window, scores);
    move_on();
    return 1;
}
