/* Long short-term memory in int8, as TensorFlow Lite Micro: gates with 12 fractional bits, their curves with 15, the
   cell in int16 of a scale that is a power of two.
   Reference: tensorflow/lite/micro/kernels/lstm_eval.cc, tensorflow/lite/kernels/internal/reference/integer_ops. */
#include "kernels.h"
#include "tile.h"

enum { MULTIPLIER, SHIFT, RECURRENT_MULTIPLIER, RECURRENT_SHIFT, PER_GATE };
enum { KEEP = 16, TAKE = 18, SHOW = 20 }; /* behind the four gates; multiplier and shift each */

static int32_t within_16(int32_t x)
{
    return x < -32768 ? -32768 : x > 32767 ? 32767 : x;
}

/* 1 / (1 + e^-x) with 15 fractional bits; x has 12 of them, times 3. `table` holds the curve at i / 24. */
static int32_t sigmoid(int32_t x, const uint16_t *table)
{
    const uint32_t size = (uint32_t)(x < 0 ? -x : x), place = size >> 9;
    uint32_t y = 0x7fffu << 10;
    if (place < 255)
        y = ((uint32_t)table[place] << 9) + (size & 0x1ffu) * (uint32_t)(table[place + 1] - table[place]);
    return (int32_t)((x < 0 ? (1u << 25) - y + (1u << 9) - 1u : y + (1u << 9)) >> 10);
}

static int32_t tanh_of(int32_t x, const uint16_t *table)
{
    const uint32_t size = (uint32_t)(x < 0 ? -x : x), place = size >> 8;
    int32_t y = 0xffff << 8;
    if (place < 255)
        y = (int32_t)(((uint32_t)table[place] << 8) + (size & 0xffu) * (uint32_t)(table[place + 1] - table[place]));
    return (x < 0 ? (1 << 23) - y + 127 : y - (1 << 23) + 128) >> 8;
}

/* Four gates of a unit: input, forget, cell, output, with 12 fractional bits. */
static void gates_of(const int8_t *x, const int8_t *weight, int32_t n, const int32_t *bias, const int32_t *scale,
                     int32_t *gates)
{
    int32_t sums[4] = {bias[0], bias[1], bias[2], bias[3]};
    tile_4(x, weight, n, sums);
    for (int32_t g = 0; g < 4; g++)
        gates[g] = within_16(gates[g] + within_16(rescale(sums[g], scale[g * PER_GATE], scale[g * PER_GATE + 1])));
}

void k_lstm_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *weight, const int8_t *recurrent,
               const int32_t *bias, const int32_t *recurrent_bias, const int32_t *scale, const uint16_t *table,
               int32_t tanh_multiplier, int32_t tanh_shift, int32_t clip, int32_t y_zero, void *scratch, int8_t *y,
               int32_t n_out, int32_t hidden)
{
    const int32_t wide = (c + 3) & ~3, deep = (hidden + 3) & ~3, round = tanh_shift > 0 ? 1 << (tanh_shift - 1) : 0;
    int16_t *const cell = scratch; /* then the sample and the state, filled up with what no weight sees */
    int8_t *const sample = (int8_t *)(cell + deep), *const state = sample + wide, *const next = state + deep;
    for (int32_t i = 0; i < deep; i++) {
        cell[i] = 0;
        state[i] = next[i] = (int8_t)y_zero;
    }
    for (int32_t t = 0; t < n; t++, x += c) {
        for (int32_t i = 0; i < wide; i++)
            sample[i] = i < c ? x[i] : 0;
        for (int32_t i = 0; i < hidden; i++) {
            int32_t gates[4] = {0, 0, 0, 0};
            gates_of(sample, weight + 4 * i * wide, wide, bias + 4 * i, scale, gates);
            gates_of(state, recurrent + 4 * i * deep, deep, recurrent_bias + 4 * i, scale + RECURRENT_MULTIPLIER,
                     gates);
            const int32_t kept = sigmoid(3 * gates[1], table) * cell[i];
            const int32_t taken = sigmoid(3 * gates[0], table) * tanh_of(3 * gates[2], table);
            int32_t now = within_16(within_16(rescale(kept, scale[KEEP], scale[KEEP + 1])) +
                                    within_16(rescale(taken, scale[TAKE], scale[TAKE + 1])));
            if (clip > 0)
                now = now > clip ? clip : now < -clip ? -clip : now;
            cell[i] = (int16_t)now;
            const int32_t shown = tanh_of((now * tanh_multiplier + round) >> tanh_shift, table);
            next[i] = saturated(rescale(shown * sigmoid(3 * gates[3], table), scale[SHOW], scale[SHOW + 1]) + y_zero);
        }
        for (int32_t i = 0; i < hidden; i++)
            state[i] = next[i];
        for (int32_t i = 0; i < hidden && (n_out == n || t + 1 == n); i++)
            y[(n_out == n ? t : 0) * hidden + i] = state[i];
    }
}
