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

typedef struct {
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t step, zero; /* 1: a scale for each output, 0: one for all */
} layer;

static void finish(const int32_t *sums, const layer *l, int32_t o, int32_t n, int8_t *y)
{
    for (int32_t i = 0; i < n; i++) {
        const int32_t at = (o + i) * l->step;
        y[i] = requantize(sums[i], l->multiplier[at], l->shift[at], l->zero, -128, 127);
    }
}

static void dense(const int8_t *x, int32_t n, const int8_t *weight, const layer *l, int8_t *y, int32_t n_out)
{
    const int32_t whole = n & ~3, usually = usual(l->shift, l->step ? n_out : 1);
    int8_t rest[4] = {0, 0, 0, 0}; /* the last values, when they do not fill a step */
    for (int32_t i = whole; i < n; i++)
        rest[i - whole] = x[i];
    const scaling s = scaling_of(l->multiplier[0], usually ? l->shift[0] : -1, l->zero);
    for (int32_t o = 0; o < n_out; o += 4, y += 4) {
        const int32_t *const bias = l->bias + o;
        int32_t sums[4] = {bias[0], o + 1 < n_out ? bias[1] : 0, o + 2 < n_out ? bias[2] : 0,
                           o + 3 < n_out ? bias[3] : 0};
        tile_4(x, weight, whole, sums);
        weight += 4 * whole;
        if (whole < n) {
            tile_4(rest, weight, 4, sums);
            weight += 16;
        }
        if (usually && l->step == 0 && o + 4 <= n_out) {
            y[0] = scaled(sums[0], s);
            y[1] = scaled(sums[1], s);
            y[2] = scaled(sums[2], s);
            y[3] = scaled(sums[3], s);
        } else
            finish(sums, l, o, n_out - o < 4 ? n_out - o : 4, y);
    }
}

void k_dense_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                const int8_t *shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    const layer l = {bias, multiplier, shift, 1, y_zero};
    dense(x, n, weight, &l, y, n_out);
    bound(y, n_out, low, high);
}

/* All outputs with one scale. */
void k_dense_one_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, int32_t multiplier,
                    int32_t shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    const int8_t only = (int8_t)shift;
    const layer l = {bias, &multiplier, &only, 0, y_zero};
    dense(x, n, weight, &l, y, n_out);
    bound(y, n_out, low, high);
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
