/* A model alone on a core, without any firmware: it runs every window of alone_windows and tells the output of every
   stage, with the ticks that the stage took. */
#include "alone.h"
#include "start.h"

static void tap(int32_t stage, const void *data, int32_t bytes)
{
    const uint32_t n = alone_ticks();
    alone_tell(stage, data, (uint32_t)bytes, n);
    alone_restart();
}

void alone_main(void)
{
    const model_value *const windows = (const void *)alone_windows;
    model_tap = tap;
    for (int32_t i = 0; i < alone_n_windows; i++) {
        float scores[MODEL_CLASSES];
        model_clear();
        alone_restart();
        model_run(windows + i * MODEL_LENGTH * MODEL_WIDTH, scores);
    }
}
