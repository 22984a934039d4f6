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
/* Sums of four outputs; the bias is filled up to a multiple of four. The weights of the next four. */
static inline const int8_t *four_sums(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias,
                                      int32_t *sums)
{
    sums[0] = bias[0], sums[1] = bias[1], sums[2] = bias[2], sums[3] = bias[3];
#if defined(__ARM_FEATURE_SIMD32)
    const int32_t padded = (n + 3) & ~3; /* what lies behind x meets weights of zero */
    tile_4(x, weight, padded, sums);
    return weight + 4 * padded;
#else
    const int32_t whole = n & ~3;
    tile_4(x, weight, whole, sums);
    weight += 4 * whole;
    if (whole == n)
        return weight;
    const int8_t rest[4] = {x[whole], whole + 1 < n ? x[whole + 1] : 0, whole + 2 < n ? x[whole + 2] : 0, 0};
    tile_4(rest, weight, 4, sums); /* the last values do not fill a step */
    return weight + 16;
#endif
}

void k_dense_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                const int8_t *shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    for (int32_t o = 0; o < n_out; o += 4) {
        int32_t sums[4];
        weight = four_sums(x, n, weight, bias + o, sums);
        for (int32_t i = 0; i < 4 && o + i < n_out; i++)
            y[o + i] = requantize(sums[i], multiplier[o + i], shift[o + i], y_zero, low, high);
    }
}

/* All outputs with one scale, of the usual kind. */
void k_dense_one_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, int32_t multiplier,
                    int32_t shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    const scaling s = scaling_of(multiplier, shift, y_zero);
    int8_t *const first = y;
    for (int32_t left = n_out; left > 0; left -= 4, y += 4, bias += 4) {
        int32_t sums[4];
        weight = four_sums(x, n, weight, bias, sums);
        for (int32_t i = 0; i < 4 && i < left; i++)
            y[i] = scaled(sums[i], s);
    }
    bound(first, n_out, low, high);
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
