/* Between float and int8: real = scale * (q - zero). */
#include "kernels.h"

/* The nearest whole number, halves away from zero, moved by `zero` and kept in int8. */
static int8_t to_s8(float v, int32_t zero)
{
    v = v > 512.0f ? 512.0f : v > -512.0f ? v : -512.0f; /* also takes NaN, before it becomes an int */
    const int32_t q = (int32_t)(v + (v < 0.0f ? -0.5f : 0.5f)) + zero;
    return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

void k_quantize(const float *x, int32_t n, float scale, int32_t zero, int8_t *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = to_s8(x[i] / scale, zero);
}

void k_quantize_channels(const float *x, int32_t n, const float *mean, const float *gain, int32_t period, int32_t zero,
                         int8_t *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0, j = 0; i < n_out; i++, j = j + 1 < period ? j + 1 : 0)
        y[i] = to_s8((x[i] - mean[j]) * gain[j], zero);
}

void k_dequantize(const int8_t *x, int32_t n, float scale, int32_t zero, float *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = scale * (float)(x[i] - zero);
}
