/* Long short-term memory in int8, as TensorFlow Lite Micro: gates with 12 fractional bits, their curves with 15, the
   cell in int16 of a scale that is a power of two.
   Reference: tensorflow/lite/micro/kernels/lstm_eval.cc, tensorflow/lite/kernels/internal/reference/integer_ops. */
#include "curves.h"
#include "kernels.h"
#include "tile.h"

enum { MULTIPLIER, SHIFT, RECURRENT_MULTIPLIER, RECURRENT_SHIFT, PER_GATE };
enum { KEEP = 16, TAKE = 18, SHOW = 20 }; /* behind the four gates; multiplier and shift each */

/* Four gates of a unit: input, forget, cell, output, with 12 fractional bits. */
static void gates_of(const int8_t *x, const int8_t *weight, int32_t n, const int32_t *bias, const int32_t *scale,
                     int32_t *gates)
{
    int32_t sums[4] = {bias[0], bias[1], bias[2], bias[3]};
    tile_4(x, weight, n, sums);
    for (int32_t g = 0; g < 4; g++)
        gates[g] = within_16(gates[g] + rescale_16(sums[g], scale[g * PER_GATE], scale[g * PER_GATE + 1]));
}

void k_lstm_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *weight, const int8_t *recurrent,
               const int32_t *bias, const int32_t *recurrent_bias, const int32_t *scale, const uint16_t *table,
               int32_t tanh_multiplier, int32_t tanh_shift, int32_t clip, int32_t y_zero, void *memory, void *scratch,
               int8_t *y, int32_t n_out, int32_t hidden)
{
    const int32_t wide = (c + 3) & ~3, deep = (hidden + 3) & ~3, round = tanh_shift > 0 ? 1 << (tanh_shift - 1) : 0;
    int16_t *const cell = memory ? memory : scratch; /* then the state; it is kept as its distance from y_zero */
    int8_t *const state = (int8_t *)(cell + deep), *const next = memory ? scratch : (void *)(state + deep);
    int8_t *const sample = next + deep; /* filled up with what no weight sees */
    for (int32_t i = 0; i < deep; i++) {
        cell[i] = memory ? cell[i] : 0;
        next[i] = state[i] = (int8_t)(uint8_t)((memory ? (uint32_t)(uint8_t)state[i] : 0u) + (uint32_t)y_zero);
    }
    for (int32_t t = 0; t < n; t++, x += c) {
        for (int32_t i = 0; i < wide; i++)
            sample[i] = i < c ? x[i] : 0;
        for (int32_t i = 0; i < hidden; i++) {
            int32_t gates[4] = {0, 0, 0, 0};
            gates_of(sample, weight + 4 * i * wide, wide, bias + 4 * i, scale, gates);
            gates_of(state, recurrent + 4 * i * deep, deep, recurrent_bias + 4 * i, scale + RECURRENT_MULTIPLIER,
                     gates);
            const int32_t kept = sigmoid_of(3 * gates[1], table) * cell[i];
            const int32_t taken = sigmoid_of(3 * gates[0], table) * tanh_of(3 * gates[2], table);
            int32_t now = within_16(rescale_16(kept, scale[KEEP], scale[KEEP + 1]) +
                                    rescale_16(taken, scale[TAKE], scale[TAKE + 1]));
            if (clip > 0)
                now = now > clip ? clip : now < -clip ? -clip : now;
            cell[i] = (int16_t)now;
            const int32_t shown = tanh_of((now * tanh_multiplier + round) >> tanh_shift, table);
            next[i] =
                saturated(rescale_16(shown * sigmoid_of(3 * gates[3], table), scale[SHOW], scale[SHOW + 1]) + y_zero);
        }
        for (int32_t i = 0; i < hidden; i++)
            state[i] = next[i];
        for (int32_t i = 0; i < hidden && (n_out == n || t + 1 == n); i++)
            y[(n_out == n ? t : 0) * hidden + i] = state[i];
    }
    for (int32_t i = 0; memory && i < deep; i++)
        state[i] = (int8_t)(uint8_t)((uint32_t)(uint8_t)state[i] - (uint32_t)y_zero);
}
