/* One value at a time: sums and products of two tensors, tables, activations, and moving values about. */
#include "fmath.h"
#include "kernels.h"
#include "requantize.h"

/* As TensorFlow Lite: both inputs to 2^20 steps, scaled to a common unit, added, scaled to the output's. */
void k_add_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int32_t a_zero, int32_t a_multiplier,
              int32_t a_shift, int32_t b_zero, int32_t b_multiplier, int32_t b_shift, int32_t multiplier, int32_t shift,
              int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i++) {
        const int32_t u = rescale((a[i] - a_zero) * (1 << 20), a_multiplier, a_shift);
        const int32_t v = rescale((b[i] - b_zero) * (1 << 20), b_multiplier, b_shift);
        y[i] = requantize(u + v, multiplier, shift, y_zero, low, high);
    }
}

#if !defined(__ARM_FEATURE_MVE) /* else pointwise_mve.c */
/* The same bits from one line, where studio/graph/ops/pointwise.py has found one and tried it on all 65536 pairs. */
void k_add_line_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int32_t a_gain, int32_t b_gain,
                   int32_t offset, int32_t shift, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i++) {
        const int32_t q = (a[i] * a_gain + b[i] * b_gain + offset) >> shift;
        y[i] = saturated(q);
    }
    bound(y, n_out, low, high);
}
#endif

void k_multiply_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int32_t a_zero, int32_t b_zero,
                   int32_t multiplier, int32_t shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y,
                   int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = requantize((a[i] - a_zero) * (b[i] - b_zero), multiplier, shift, y_zero, low, high);
}

/* The same bits from one line, where studio/graph/product.py has found one and tried it on every product; `multiplier`
   is 8 * gain there. What lies below 0 has an offset of its own, for it rounds the other way. */
void k_multiply_line_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int32_t a_zero, int32_t b_zero,
                        int32_t multiplier, int32_t above, int32_t below, int32_t shift, int32_t low, int32_t high,
                        int8_t *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    const int32_t differ = below - above;
    for (int32_t i = 0; i < n_out; i++) {
#if defined(__ARM_ARCH_6M__) /* gain in two parts: products of 32 bits are enough */
        const int32_t p = (a[i] - a_zero) * (b[i] - b_zero);
        const int32_t high_part = p * (multiplier >> 18) + (p * (multiplier >> 3 & 0x7fff) >> 15);
#else
        const int32_t p = (a[i] - a_zero) * (1 << 14) * (b[i] - b_zero);
        const int32_t high_part = high_word(p, multiplier);
#endif
        y[i] = saturated((high_part + above + (p >> 31 & differ)) >> shift);
    }
    bound(y, n_out, low, high);
}

/* Any function of one int8: 256 answers, that of -128 first. */
void k_lookup_s8(const int8_t *x, int32_t n, const int8_t *table, int8_t *y, int32_t n_out)
{
    (void)n;
    const int8_t *of_zero = table + 128;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = of_zero[x[i]];
}

void k_add(const float *a, int32_t n_a, const float *b, int32_t n_b, float *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = a[i] + b[i];
}

void k_multiply(const float *a, int32_t n_a, const float *b, int32_t n_b, float *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = a[i] * b[i];
}

void k_clip(const float *x, int32_t n, float low, float high, float *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = x[i] < low ? low : x[i] > high ? high : x[i];
}

void k_sigmoid(const float *x, int32_t n, float *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = x[i] < -87.0f ? 0.0f : 1.0f / (1.0f + f_exp(-x[i])); /* below: not every core divides that finely */
}

void k_tanh(const float *x, int32_t n, float *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = f_tanh(x[i]);
}

/* Values at regular places: y[i][j][k][l] = x[start + i * s0 + j * s1 + k * s2 + l * s3]; transposes and slices. */
void k_pick_s8(const int8_t *x, int32_t n, int32_t start, int32_t s0, int32_t s1, int32_t s2, int32_t s3, int8_t *y,
               int32_t n0, int32_t n1, int32_t n2, int32_t n3)
{
    (void)n;
    for (int32_t i = 0; i < n0; i++)
        for (int32_t j = 0; j < n1; j++)
            for (int32_t k = 0; k < n2; k++)
                for (int32_t l = 0; l < n3; l++)
                    *y++ = x[start + i * s0 + j * s1 + k * s2 + l * s3];
}

void k_pick(const float *x, int32_t n, int32_t start, int32_t s0, int32_t s1, int32_t s2, int32_t s3, float *y,
            int32_t n0, int32_t n1, int32_t n2, int32_t n3)
{
    (void)n;
    for (int32_t i = 0; i < n0; i++)
        for (int32_t j = 0; j < n1; j++)
            for (int32_t k = 0; k < n2; k++)
                for (int32_t l = 0; l < n3; l++)
                    *y++ = x[start + i * s0 + j * s1 + k * s2 + l * s3];
}

/* x (h, w, c) in the midst of y (h_out, w_out, c_out), `value` around it. */
void k_pad_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, int32_t top, int32_t left, int32_t front, int32_t value,
              int8_t *y, int32_t h_out, int32_t w_out, int32_t c_out)
{
    for (int32_t i = 0; i < h_out * w_out * c_out; i++)
        y[i] = (int8_t)value;
    for (int32_t i = 0; i < h * w; i++)
        for (int32_t k = 0; k < c; k++)
            y[((i / w + top) * w_out + i % w + left) * c_out + front + k] = x[i * c + k];
}

void k_pad(const float *x, int32_t h, int32_t w, int32_t c, int32_t top, int32_t left, int32_t front, float value,
           float *y, int32_t h_out, int32_t w_out, int32_t c_out)
{
    for (int32_t i = 0; i < h_out * w_out * c_out; i++)
        y[i] = value;
    for (int32_t i = 0; i < h * w; i++)
        for (int32_t k = 0; k < c; k++)
            y[((i / w + top) * w_out + i % w + left) * c_out + front + k] = x[i * c + k];
}

/* Rows of a and b in turn: (n, c_a) and (n, c_b) to (n, c_a + c_b). */
void k_join_s8(const int8_t *a, int32_t n, int32_t c_a, const int8_t *b, int32_t n_b, int32_t c_b, int8_t *y,
               int32_t n_out, int32_t c_out)
{
    (void)n, (void)n_b, (void)c_out;
    for (int32_t i = 0; i < n_out; i++) {
        for (int32_t j = 0; j < c_a; j++)
            *y++ = *a++;
        for (int32_t j = 0; j < c_b; j++)
            *y++ = *b++;
    }
}

void k_join(const float *a, int32_t n, int32_t c_a, const float *b, int32_t n_b, int32_t c_b, float *y, int32_t n_out,
            int32_t c_out)
{
    (void)n, (void)n_b, (void)c_out;
    for (int32_t i = 0; i < n_out; i++) {
        for (int32_t j = 0; j < c_a; j++)
            *y++ = *a++;
        for (int32_t j = 0; j < c_b; j++)
            *y++ = *b++;
    }
}

void k_maximum(const float *a, int32_t n_a, const float *b, int32_t n_b, float *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = a[i] > b[i] ? a[i] : b[i];
}

void k_minimum(const float *a, int32_t n_a, const float *b, int32_t n_b, float *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = a[i] < b[i] ? a[i] : b[i];
}

void k_maximum_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int8_t *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = a[i] > b[i] ? a[i] : b[i];
}

void k_minimum_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int8_t *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = a[i] < b[i] ? a[i] : b[i];
}

/* A table of 256 answers for each of `period` values in turn. */
void k_tables_s8(const int8_t *x, int32_t n, const int8_t *table, int32_t period, int8_t *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0, j = 0; i < n_out; i++, j = j + 1 < period ? j + 1 : 0)
        y[i] = table[256 * j + 128 + x[i]];
}

void k_hard_swish(const float *x, int32_t n, float *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++) {
        const float gate = x[i] + 3.0f;
        y[i] = x[i] * (gate < 0.0f ? 0.0f : gate > 6.0f ? 6.0f : gate) * 0.16666667f;
    }
}
