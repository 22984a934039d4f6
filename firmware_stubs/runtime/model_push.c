#include "model_push.h"
#include "model.h"

enum {
    KEPT = MODEL_STRIDE < MODEL_LENGTH ? MODEL_LENGTH - MODEL_STRIDE : 0,
    SKIPPED = MODEL_STRIDE > MODEL_LENGTH ? MODEL_STRIDE - MODEL_LENGTH : 0
};

static float window[MODEL_LENGTH * MODEL_FILTERED];
static int32_t held; /* samples in the window */
static int32_t skip; /* samples to let go by before the next window begins */

void model_push_clear(void)
{
    held = skip = 0;
    model_clear();
}

/* The window moves on by a stride: once per run, not once per sample. */
static void move_on(void)
{
    for (int32_t i = 0; i < KEPT * MODEL_FILTERED; i++)
        window[i] = window[i + (MODEL_LENGTH - KEPT) * MODEL_FILTERED];
    held = KEPT;
    skip = SKIPPED;
}

int model_push(const float *sample, float *scores)
{
    const float *filtered = model_filter(sample);
    if (skip > 0) {
        skip--;
        return 0;
    }
    for (int32_t i = 0; i < MODEL_FILTERED; i++)
        window[held * MODEL_FILTERED + i] = filtered[i];
    if (++held < MODEL_LENGTH)
        return 0;
    model_run(window, scores);
    move_on();
    return 1;
}
