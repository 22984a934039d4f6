/* Recurrent layers in float over a window x (n, c): one row of `hidden` values for every sample, or only the last.
   Their memory is zero when a window begins. Gates lie one after the other in the weights. */
#include "fmath.h"
#include "kernels.h"

static float dot(const float *a, const float *b, int32_t n)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* 1 / (1 + e^-x); 0 where that is next to nothing: cores that work floats out in software know no denormal numbers. */
static float gate(float x)
{
    return x < -80.0f ? 0.0f : 1.0f / (1.0f + f_exp(-x));
}

static void take_over(float *to, const float *from, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        to[i] = from[i];
}

void k_gru(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
           const float *recurrent_bias, int32_t reset_after, void *scratch, float *y, int32_t n_out, int32_t hidden)
{
    float *const state = scratch, *const reset = state + hidden, *const update = reset + hidden;
    for (int32_t i = 0; i < hidden; i++)
        state[i] = 0.0f;
    for (int32_t t = 0; t < n; t++, x += c) {
        for (int32_t i = 0; i < 2 * hidden; i++) /* reset, then update */
            reset[i] = gate(bias[i] + dot(weight + i * c, x, c) +
                            (recurrent_bias[i] + dot(recurrent + i * hidden, state, hidden)));
        for (int32_t i = 0; !reset_after && i < hidden; i++)
            reset[i] *= state[i];
        for (int32_t i = 0, k = 2 * hidden; i < hidden; i++, k++) {
            const float past = recurrent_bias[k] + dot(recurrent + k * hidden, reset_after ? state : reset, hidden);
            const float next = f_tanh(bias[k] + dot(weight + k * c, x, c) + (reset_after ? reset[i] * past : past));
            update[i] = next + update[i] * (state[i] - next);
        }
        take_over(state, update, hidden);
        if (n_out == n)
            take_over(y + t * hidden, state, hidden);
    }
    if (n_out != n)
        take_over(y, state, hidden);
}

void k_lstm(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
            float clip, void *scratch, float *y, int32_t n_out, int32_t hidden)
{
    float *const state = scratch, *const cell = state + hidden, *const next = cell + hidden;
    for (int32_t i = 0; i < 2 * hidden; i++)
        state[i] = 0.0f;
    for (int32_t t = 0; t < n; t++, x += c) {
        for (int32_t i = 0; i < hidden; i++) {
            float sums[4]; /* input, forget, cell, output */
            for (int32_t g = 0; g < 4; g++) {
                const int32_t k = g * hidden + i;
                sums[g] = bias[k] + dot(weight + k * c, x, c) + dot(recurrent + k * hidden, state, hidden);
            }
            const float kept = gate(sums[1]) * cell[i] + gate(sums[0]) * f_tanh(sums[2]);
            cell[i] = clip > 0.0f && kept > clip ? clip : clip > 0.0f && kept < -clip ? -clip : kept;
            next[i] = gate(sums[3]) * f_tanh(cell[i]);
        }
        take_over(state, next, hidden);
        if (n_out == n)
            take_over(y + t * hidden, state, hidden);
    }
    if (n_out != n)
        take_over(y, state, hidden);
}

/* A low-rank filter over time (SVDF): each of the filters looks at a sample by `feature`, and at the last `memory` of
   what it saw by `time`; `rank` of them make an output. */
void k_svdf(const float *x, int32_t n, int32_t c, const float *feature, const float *time, const float *bias,
            int32_t rank, int32_t memory, void *scratch, float *y, int32_t n_out, int32_t units)
{
    float *const seen = scratch; /* memory values of each filter, the newest last */
    for (int32_t i = 0; i < units * rank * memory; i++)
        seen[i] = 0.0f;
    for (int32_t t = 0; t < n; t++, x += c) {
        float *const out = n_out == n ? y + t * units : y;
        for (int32_t u = 0; u < units; u++) {
            float sum = bias[u];
            for (int32_t f = u * rank; f < (u + 1) * rank; f++) {
                float *const past = seen + f * memory;
                take_over(past, past + 1, memory - 1);
                past[memory - 1] = dot(feature + f * c, x, c);
                sum += dot(time + f * memory, past, memory);
            }
            out[u] = sum;
        }
    }
}
