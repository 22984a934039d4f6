/* From scores to decisions along time: averaging, two thresholds per class, patience, quiet after a detection. */
#include "kernels.h"

/* Where what is remembered lies in `state`, all zero at the start; whole numbers far below 2^24 are exact floats. */
enum {
    HELD, /* rows that the mean is of */
    OLDEST, /* the first of them, in the ring */
    NOW, /* the class that was greatest in the last window, and one more */
    RUN, /* windows in a row that it was greatest and over its threshold */
    TOLD, /* the class that is told, and one more */
    SILENT /* for each class: windows for which it is not told; then the mean, then the rows that it is of */
};

static int all_numbers(const float *x, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (!(x[i] >= -3.402823466e38f && x[i] <= 3.402823466e38f))
            return 0;
    return 1;
}

/* The mean moves a share of the way to what came; the first row is the mean. */
static void fade(const float *x, int32_t n, float share, float *state, float *mean)
{
    for (int32_t i = 0; i < n; i++)
        mean[i] = state[HELD] > 0.0f ? mean[i] + share * (x[i] - mean[i]) : x[i];
    state[HELD] = 1.0f;
}

/* The mean of the newest rows, summed from the oldest on: no error builds up. */
static void average_rows(const float *x, int32_t n, int32_t average, float *state, float *mean)
{
    float *const rows = mean + n;
    int32_t held = (int32_t)state[HELD], at = (int32_t)state[OLDEST];
    float *const newest = rows + (held < average ? held : at) * n;
    if (held < average)
        held++;
    else
        at = at + 1 < average ? at + 1 : 0;
    state[HELD] = (float)held;
    state[OLDEST] = (float)at;
    for (int32_t i = 0; i < n; i++) {
        newest[i] = x[i];
        mean[i] = 0.0f;
    }
    for (int32_t k = 0; k < held; k++) {
        for (int32_t i = 0; i < n; i++)
            mean[i] += rows[at * n + i];
        at = at + 1 < held ? at + 1 : 0;
    }
    for (int32_t i = 0; i < n; i++)
        mean[i] /= (float)held;
}

/* A class begins once it was greatest and at least `on` for `least` windows in a row and is not silent; it goes on
   while it is at least `off` and no other begins; then it is silent for `quiet` windows. */
static int32_t next_told(const float *mean, int32_t n, int32_t least, int32_t quiet, const float *on, const float *off,
                         float *state)
{
    const int32_t told = (int32_t)state[TOLD] - 1;
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++)
        if (mean[i] > mean[best])
            best = i;
    const int over = mean[best] >= on[best];
    if (told >= 0 && mean[told] >= off[told] && (best == told || !over))
        return told;
    if (told >= 0)
        state[SILENT + told] = (float)quiet;
    const float run = best + 1 == (int32_t)state[NOW] ? state[RUN] + 1.0f : 1.0f;
    state[NOW] = (float)(best + 1);
    state[RUN] = over ? run : 0.0f;
    return state[RUN] >= (float)least && state[SILENT + best] <= 0.0f ? best : -1;
}

/* Scores that are no numbers tell nothing, and what came before them is forgotten. */
void k_decide(const float *x, int32_t n, int32_t average, float share, int32_t least, int32_t quiet, const float *on,
              const float *off, float *state, int16_t *y, int32_t n_out)
{
    float *const mean = state + SILENT + n;
    const int32_t kept = SILENT + 2 * n + (average > 1 && share <= 0.0f ? average * n : 0);
    (void)n_out;
    y[0] = -1;
    if (!all_numbers(x, n)) {
        for (int32_t i = 0; i < kept; i++)
            state[i] = 0.0f;
        return;
    }
    if (share > 0.0f)
        fade(x, n, share, state, mean);
    else if (average > 1)
        average_rows(x, n, average, state, mean);
    const int32_t told = next_told(share > 0.0f || average > 1 ? mean : x, n, least, quiet, on, off, state);
    state[TOLD] = (float)(told + 1);
    for (int32_t i = 0; i < n; i++)
        state[SILENT + i] -= state[SILENT + i] > 0.0f ? 1.0f : 0.0f;
    y[0] = (int16_t)told;
}
