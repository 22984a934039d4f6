/* Recurrent layers in float over a window x (n, c): one row of `hidden` values for every sample, or only the last.
   `memory` goes on from call to call; where it is null, a window begins with an empty one, in scratch memory.
   Gates lie one after the other in the weights. */
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

/* The memory of n values: what the caller keeps, or the empty beginning of the scratch memory. */
static float *begun(void *memory, void *scratch, int32_t n)
{
    float *const state = memory ? memory : scratch;
    for (int32_t i = 0; !memory && i < n; i++)
        state[i] = 0.0f;
    return state;
}

static void rnn(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
                int32_t rectified, float *state, float *next, float *y, int32_t n_out, int32_t hidden)
{
    for (int32_t t = 0; t < n; t++, x += c) {
        for (int32_t i = 0; i < hidden; i++) {
            const float sum = bias[i] + dot(weight + i * c, x, c) + dot(recurrent + i * hidden, state, hidden);
            next[i] = !rectified ? f_tanh(sum) : sum > 0.0f ? sum : 0.0f;
        }
        take_over(state, next, hidden);
        if (n_out == n || t + 1 == n)
            take_over(y + (n_out == n ? t : 0) * hidden, state, hidden);
    }
}

void k_rnn(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
           int32_t rectified, void *memory, void *scratch, float *y, int32_t n_out, int32_t hidden)
{
    float *const state = begun(memory, scratch, hidden), *const rest = (float *)scratch + (memory ? 0 : hidden);
    rnn(x, n, c, weight, recurrent, bias, rectified, state, rest, y, n_out, hidden);
}

void k_rnn_from(const float *x, int32_t n, int32_t c, const float *h, int32_t n_h, const float *weight,
                const float *recurrent, const float *bias, int32_t rectified, void *scratch, float *y, int32_t n_out,
                int32_t hidden)
{
    float *const state = scratch;
    take_over(state, h, n_h);
    rnn(x, n, c, weight, recurrent, bias, rectified, state, (float *)scratch + hidden, y, n_out, hidden);
}

static void gru(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
                const float *recurrent_bias, int32_t reset_after, float *state, float *rest, float *y, int32_t n_out,
                int32_t hidden)
{
    float *const reset = rest, *const update = reset + hidden;
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
        if (n_out == n || t + 1 == n)
            take_over(y + (n_out == n ? t : 0) * hidden, state, hidden);
    }
}

void k_gru(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
           const float *recurrent_bias, int32_t reset_after, void *memory, void *scratch, float *y, int32_t n_out,
           int32_t hidden)
{
    float *const state = begun(memory, scratch, hidden), *const rest = (float *)scratch + (memory ? 0 : hidden);
    gru(x, n, c, weight, recurrent, bias, recurrent_bias, reset_after, state, rest, y, n_out, hidden);
}

void k_gru_from(const float *x, int32_t n, int32_t c, const float *h, int32_t n_h, const float *weight,
                const float *recurrent, const float *bias, const float *recurrent_bias, int32_t reset_after,
                void *scratch, float *y, int32_t n_out, int32_t hidden)
{
    float *const state = scratch;
    take_over(state, h, n_h);
    gru(x, n, c, weight, recurrent, bias, recurrent_bias, reset_after, state, (float *)scratch + hidden, y, n_out,
        hidden);
}

/* `both`: a row is the state and then the cell. */
static void lstm(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
                 float clip, int32_t both, float *state, float *next, float *y, int32_t n_out, int32_t width)
{
    const int32_t hidden = both ? width / 2 : width;
    float *const cell = state + hidden;
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
        if (n_out == n || t + 1 == n)
            take_over(y + (n_out == n ? t : 0) * width, state, width);
    }
}

void k_lstm(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
            float clip, int32_t both, void *memory, void *scratch, float *y, int32_t n_out, int32_t width)
{
    const int32_t held = both ? width : 2 * width;
    float *const state = begun(memory, scratch, held), *const rest = (float *)scratch + (memory ? 0 : held);
    lstm(x, n, c, weight, recurrent, bias, clip, both, state, rest, y, n_out, width);
}

void k_lstm_from(const float *x, int32_t n, int32_t c, const float *h, int32_t n_h, const float *cell, int32_t n_cell,
                 const float *weight, const float *recurrent, const float *bias, float clip, int32_t both,
                 void *scratch, float *y, int32_t n_out, int32_t width)
{
    float *const state = scratch;
    take_over(state, h, n_h);
    take_over(state + n_h, cell, n_cell);
    lstm(x, n, c, weight, recurrent, bias, clip, both, state, (float *)scratch + n_h + n_cell, y, n_out, width);
}

/* A low-rank filter over time (SVDF): each of the filters looks at a sample by `feature`, and at the last `length` of
   what it saw by `time`; `rank` of them make an output. */
void k_svdf(const float *x, int32_t n, int32_t c, const float *feature, const float *time, const float *bias,
            int32_t rank, int32_t length, void *memory, void *scratch, float *y, int32_t n_out, int32_t units)
{
    float *const seen = begun(memory, scratch, units * rank * length); /* of each filter, the newest last */
    for (int32_t t = 0; t < n; t++, x += c) {
        float *const out = n_out == n ? y + t * units : y;
        for (int32_t u = 0; u < units; u++) {
            float sum = bias[u];
            for (int32_t f = u * rank; f < (u + 1) * rank; f++) {
                float *const past = seen + f * length;
                take_over(past, past + 1, length - 1);
                past[length - 1] = dot(feature + f * c, x, c);
                sum += dot(time + f * length, past, length);
            }
            out[u] = sum;
        }
    }
}
