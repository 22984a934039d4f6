/* The last rows of the calls before, and the new rows behind them: what a layer over time needs where its windows lie
   end to end. `memory` holds those last rows; without one they are zeros (int8: `value`). */
#include "kernels.h"

void k_past(const float *x, int32_t n, int32_t c, void *memory, float *y, int32_t n_out, int32_t c_out)
{
    float *const held = memory;
    const int32_t before = (n_out - n) * c_out;
    for (int32_t i = 0; i < before; i++)
        y[i] = held ? held[i] : 0.0f;
    for (int32_t i = 0; i < n * c; i++)
        y[before + i] = x[i];
    for (int32_t i = 0; held && i < before; i++)
        held[i] = y[n * c + i];
}

/* The rows are kept as their distance from `value`, so that a memory of zeros stands for it. */
void k_past_s8(const int8_t *x, int32_t n, int32_t c, int32_t value, void *memory, int8_t *y, int32_t n_out,
               int32_t c_out)
{
    int8_t *const held = memory;
    const int32_t before = (n_out - n) * c_out;
    for (int32_t i = 0; i < before; i++)
        y[i] = (int8_t)(uint8_t)((held ? (uint32_t)(uint8_t)held[i] : 0u) + (uint32_t)value);
    for (int32_t i = 0; i < n * c; i++)
        y[before + i] = x[i];
    for (int32_t i = 0; held && i < before; i++)
        held[i] = (int8_t)(uint8_t)((uint32_t)(uint8_t)y[n * c + i] - (uint32_t)value);
}
