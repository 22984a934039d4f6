/* Between float and int8: real = scale * (q - zero). */
#include "kernels.h"

void k_quantize(const float *x, int32_t n, float scale, int32_t zero, int8_t *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++) {
        float v = x[i] / scale;
        v = v > 512.0f ? 512.0f : v > -512.0f ? v : -512.0f; /* also takes NaN, before it becomes an int */
        const int32_t q = (int32_t)(v + (v < 0.0f ? -0.5f : 0.5f)) + zero; /* halves away from zero */
        y[i] = (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
    }
}

void k_dequantize(const int8_t *x, int32_t n, float scale, int32_t zero, float *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = scale * (float)(x[i] - zero);
}
