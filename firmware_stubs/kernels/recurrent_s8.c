/* Recurrent layers in int8 over a window x (n, c). Sums of products become gates with 12 fractional bits, their curves
   have 15. What a gated unit holds is int16 with 15 fractional bits, so that small steps toward a value are not lost;
   the products see it as int8, in the steps of the output. `memory` as in recurrent.c. */
#include "curves.h"
#include "kernels.h"
#include "tile.h"

/* Four rows of weights times a vector, with 12 fractional bits. */
static void four_sums(const int8_t *x, const int8_t *weight, int32_t n, const int32_t *bias, const int32_t *scale,
                      int32_t *sums)
{
    for (int32_t i = 0; i < 4; i++)
        sums[i] = bias[i];
    tile_4(x, weight, n, sums);
    for (int32_t i = 0; i < 4; i++)
        sums[i] = rescale_16(sums[i], scale[0], scale[1]);
}

/* One sample, filled up to a multiple of four with what no weight sees. */
static void fill_up(int8_t *to, const int8_t *x, int32_t c, int32_t wide)
{
    for (int32_t i = 0; i < wide; i++)
        to[i] = i < c ? x[i] : 0;
}

void k_rnn_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *weight, const int8_t *recurrent, const int32_t *bias,
              const int32_t *recurrent_bias, const int32_t *scale, const uint16_t *table, int32_t rectified,
              int32_t y_zero, void *memory, void *scratch, int8_t *y, int32_t n_out, int32_t hidden)
{
    const int32_t wide = (c + 3) & ~3, deep = (hidden + 3) & ~3;
    int8_t *const state = memory ? memory : scratch; /* kept as its distance from y_zero */
    int8_t *const next = (int8_t *)scratch + (memory ? 0 : deep), *const sample = next + deep;
    for (int32_t i = 0; i < deep; i++)
        state[i] = (int8_t)(uint8_t)((memory ? (uint32_t)(uint8_t)state[i] : 0u) + (uint32_t)y_zero);
    for (int32_t t = 0; t < n; t++, x += c) {
        fill_up(sample, x, c, wide);
        for (int32_t i = 0; i < deep; i += 4) {
            int32_t a[4], b[4];
            four_sums(sample, weight + i * wide, wide, bias + i, scale, a);
            four_sums(state, recurrent + i * deep, deep, recurrent_bias + i, scale + 2, b);
            for (int32_t u = 0; u < 4; u++) {
                const int32_t sum = within_16(a[u] + b[u]);
                const int32_t q =
                    rectified ? (sum > 0 ? sum : 0) : rescale_16(tanh_of(3 * sum, table), scale[4], scale[5]);
                next[i + u] = saturated(q + y_zero);
            }
        }
        for (int32_t i = 0; i < deep; i++)
            state[i] = next[i];
        for (int32_t i = 0; i < hidden && (n_out == n || t + 1 == n); i++)
            y[(n_out == n ? t : 0) * hidden + i] = state[i];
    }
    for (int32_t i = 0; memory && i < deep; i++)
        state[i] = (int8_t)(uint8_t)((uint32_t)(uint8_t)state[i] - (uint32_t)y_zero);
}

typedef struct {
    const int8_t *weight, *recurrent; /* for every four units: reset, update, new */
    const int32_t *bias, *recurrent_bias, *scale;
    const uint16_t *table;
    int32_t wide, deep;
} gates;

enum { RESET, UPDATE, NEW };

/* Sums of gate g of units i to i + 3: from the sample and from the state (or from what of it was not reset). */
static void gate_sums(const gates *p, int32_t g, int32_t i, const int8_t *sample, const int8_t *state, int32_t *a,
                      int32_t *b)
{
    const int32_t row = 3 * i + 4 * g;
    four_sums(sample, p->weight + row * p->wide, p->wide, p->bias + row, p->scale + 4 * g, a);
    four_sums(state, p->recurrent + row * p->deep, p->deep, p->recurrent_bias + row, p->scale + 4 * g + 2, b);
}

/* A gate's four values with 15 fractional bits. */
static void open_gate(const gates *p, int32_t g, int32_t i, const int8_t *sample, const int8_t *state, int32_t *value)
{
    int32_t a[4], b[4];
    gate_sums(p, g, i, sample, state, a, b);
    for (int32_t u = 0; u < 4; u++)
        value[u] = sigmoid_of(3 * within_16(a[u] + b[u]), p->table);
}

static int8_t shown(int32_t held, const int32_t *scale, int32_t y_zero)
{
    return saturated(rescale_16(held, scale[0], scale[1]) + y_zero);
}

void k_gru_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *weight, const int8_t *recurrent, const int32_t *bias,
              const int32_t *recurrent_bias, const int32_t *scale, const uint16_t *table, int32_t reset_after,
              int32_t y_zero, void *memory, void *scratch, int8_t *y, int32_t n_out, int32_t hidden)
{
    const int32_t deep = (hidden + 3) & ~3;
    const gates p = {weight, recurrent, bias, recurrent_bias, scale, table, (c + 3) & ~3, deep};
    int16_t *const held = memory ? memory : scratch;
    int8_t *const state = (int8_t *)scratch + (memory ? 0 : 2 * deep), *const rest = state + deep;
    int8_t *const sample = rest + deep; /* `rest`: what of the state was not reset */
    for (int32_t i = 0; i < deep; i++) {
        held[i] = memory ? held[i] : 0;
        state[i] = shown(held[i], scale + 12, y_zero);
    }
    for (int32_t t = 0; t < n; t++, x += c) {
        int32_t reset[4], update[4], a[4], b[4];
        fill_up(sample, x, c, p.wide);
        for (int32_t i = 0; !reset_after && i < deep; i += 4) {
            open_gate(&p, RESET, i, sample, state, reset);
            for (int32_t u = i; u < i + 4; u++)
                rest[u] = shown((reset[u - i] * held[u] + 0x4000) >> 15, scale + 12, y_zero);
        }
        for (int32_t i = 0; i < deep; i += 4) {
            if (reset_after)
                open_gate(&p, RESET, i, sample, state, reset);
            open_gate(&p, UPDATE, i, sample, state, update);
            gate_sums(&p, NEW, i, sample, reset_after ? state : rest, a, b);
            for (int32_t u = 0; u < 4; u++) {
                const int32_t past = reset_after ? (reset[u] * b[u] + 0x4000) >> 15 : b[u];
                const int32_t next = tanh_of(3 * within_16(a[u] + past), table);
                held[i + u] = (int16_t)within_16(next + ((update[u] * (held[i + u] - next) + 0x4000) >> 15));
            }
        }
        for (int32_t i = 0; i < deep; i++)
            state[i] = shown(held[i], scale + 12, y_zero);
        for (int32_t i = 0; i < hidden && (n_out == n || t + 1 == n); i++)
            y[(n_out == n ? t : 0) * hidden + i] = state[i];
    }
}

void k_svdf_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *feature, const int32_t *offset, const int16_t *time,
               const int32_t *bias, int32_t rank, int32_t length, const int32_t *scale, int32_t y_zero, void *memory,
               void *scratch, int8_t *y, int32_t n_out, int32_t units)
{
    const int32_t wide = (c + 3) & ~3, filters = units * rank, held = filters * length;
    int16_t *const seen = memory ? memory : scratch; /* of each filter, the newest last */
    int8_t *const sample = (int8_t *)scratch + (memory ? 0 : (2 * held + 3) & ~3);
    for (int32_t i = 0; !memory && i < held; i++)
        seen[i] = 0;
    for (int32_t t = 0; t < n; t++, x += c) {
        int8_t *const out = y + (n_out == n ? t * units : 0);
        fill_up(sample, x, c, wide);
        for (int32_t i = 0; i + 1 < held; i++)
            seen[i] = seen[i + 1];
        for (int32_t f = 0; f < filters; f += 4) {
            int32_t sums[4];
            four_sums(sample, feature + f * wide, wide, offset + f, scale, sums);
            for (int32_t i = f; i < f + 4 && i < filters; i++)
                seen[(i + 1) * length - 1] = (int16_t)sums[i - f];
        }
        for (int32_t u = 0; u < units; u++) {
            uint32_t sum = (uint32_t)bias[u];
            for (int32_t i = u * rank * length; i < (u + 1) * rank * length; i++)
                sum += (uint32_t)(seen[i] * time[i]);
            out[u] = saturated(rescale((int32_t)sum, scale[2], scale[3]) + y_zero);
        }
    }
}
