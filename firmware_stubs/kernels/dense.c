/* Vectors: fully connected layers, activations, and small arithmetic on values. */
#include "fmath.h"
#include "kernels.h"
#include "requantize.h"

void k_dense(const float *x, int32_t n, const float *weight, const float *bias, float *y, int32_t n_out)
{
    for (int32_t o = 0; o < n_out; o++, weight += n) {
        float sum = bias[o];
        for (int32_t i = 0; i < n; i++)
            sum += x[i] * weight[i];
        y[o] = sum;
    }
}

void k_dense_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                const int8_t *shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    for (int32_t o = 0; o < n_out; o += 2) {
        const int32_t p = o + 1 < n_out ? o + 1 : o; /* an odd output at the end is done twice */
        const sums s = dot2_s8(x, weight + o * n, weight + p * n, n);
        y[o] = requantize(bias[o] + s.v, multiplier[o], shift[o], y_zero, low, high);
        y[p] = requantize(bias[p] + s.w, multiplier[p], shift[p], y_zero, low, high);
    }
}

void k_relu(const float *x, int32_t n, float *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

void k_relu_s8(const int8_t *x, int32_t n, int32_t zero, int8_t *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = x[i] > zero ? x[i] : (int8_t)zero;
}

void k_softmax(const float *x, int32_t n, float *y, int32_t n_out)
{
    float greatest = x[0], sum = 0.0f;
    for (int32_t i = 1; i < n; i++)
        greatest = x[i] > greatest ? x[i] : greatest;
    for (int32_t i = 0; i < n_out; i++) {
        y[i] = f_exp(x[i] - greatest);
        sum += y[i];
    }
    for (int32_t i = 0; i < n_out; i++)
        y[i] /= sum;
}

void k_normalize(const float *x, int32_t n, float *y, int32_t n_out)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < n; i++)
        sum += x[i];
    for (int32_t i = 0; i < n_out; i++)
        y[i] = sum > 0.0f ? x[i] / sum : 1.0f / (float)n_out;
}

void k_standardize(const float *x, int32_t n, const float *mean, const float *gain, int32_t period, float *y,
                   int32_t n_out)
{
    (void)n;
    for (int32_t i = 0, j = 0; i < n_out; i++, j = j + 1 < period ? j + 1 : 0)
        y[i] = (x[i] - mean[j]) * gain[j];
}

void k_flatten(const float *x, int32_t n, float *y, int32_t n_out)
{
    (void)n;
    __builtin_memcpy(y, x, (uint32_t)n_out * sizeof *y);
}

void k_flatten_s8(const int8_t *x, int32_t n, int8_t *y, int32_t n_out)
{
    (void)n;
    __builtin_memcpy(y, x, (uint32_t)n_out * sizeof *y);
}
