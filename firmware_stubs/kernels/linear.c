/* Linear models on int8 values: whole products and sums, one float step per output. */
#include "kernels.h"

void k_linear_s8(const int8_t *x, int32_t n, const int16_t *weight, const float *scale, const float *bias, float *y,
                 int32_t n_out)
{
    for (int32_t o = 0; o < n_out; o++, weight += n) {
        int32_t sum = 0;
        for (int32_t i = 0; i < n; i++)
            sum += x[i] * weight[i];
        y[o] = bias[o] + scale[o] * (float)sum;
    }
}
