/* Vectors: fully connected layers, activations, and small arithmetic on values. */
#include "fmath.h"
#include "kernels.h"
#include "tile.h"

void k_dense(const float *x, int32_t n, const float *weight, const float *bias, float *y, int32_t n_out)
{
    for (int32_t o = 0; o < n_out; o++, weight += n) {
        float sum = bias[o];
        for (int32_t i = 0; i < n; i++)
            sum += x[i] * weight[i];
        y[o] = sum;
    }
}

#if !defined(__ARM_FEATURE_MVE) /* else dense_mve.c */
/* Four outputs at a time; step 1: a scale for each output, 0: one for all. In line, so that the calls that one model has
   share no frame with those it has not. */
__attribute__((always_inline)) static inline void dense(const int8_t *x, int32_t n, const int8_t *weight,
                                                        const int32_t *bias, const int32_t *multiplier,
                                                        const int8_t *shift, int32_t step, int32_t zero, int8_t *y,
                                                        int32_t n_out)
{
    const int32_t whole = n & ~3, usually = usual(shift, step ? n_out : 1);
    for (int32_t o = 0; o < n_out; o += 4, y += 4) {
        int32_t sums[4] = {bias[o], o + 1 < n_out ? bias[o + 1] : 0, o + 2 < n_out ? bias[o + 2] : 0,
                           o + 3 < n_out ? bias[o + 3] : 0};
        tile_4(x, weight, whole, sums);
        weight += 4 * whole;
        if (whole < n) { /* the last values do not fill a step */
            int8_t rest[4] = {x[whole], whole + 1 < n ? x[whole + 1] : 0, whole + 2 < n ? x[whole + 2] : 0, 0};
            tile_4(rest, weight, 4, sums);
            weight += 16;
        }
        if (usually && step == 0 && o + 4 <= n_out) {
            const scaling s = scaling_of(*multiplier, *shift, zero);
            y[0] = scaled(sums[0], s);
            y[1] = scaled(sums[1], s);
            y[2] = scaled(sums[2], s);
            y[3] = scaled(sums[3], s);
            continue;
        }
        for (int32_t i = 0; i < 4 && o + i < n_out; i++) {
            const int32_t at = (o + i) * step;
            y[i] = requantize(sums[i], multiplier[at], shift[at], zero, -128, 127);
        }
    }
}

void k_dense_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                const int8_t *shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    dense(x, n, weight, bias, multiplier, shift, 1, y_zero, y, n_out);
    bound(y, n_out, low, high);
}

/* All outputs with one scale. */
void k_dense_one_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, int32_t multiplier,
                    int32_t shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    const int8_t only = (int8_t)shift;
    dense(x, n, weight, bias, &multiplier, &only, 0, y_zero, y, n_out);
    bound(y, n_out, low, high);
}
#endif

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
