/* Layers with int16 values and int8 weights (TensorFlow Lite's 16x8): real = scale * q, without a zero point.

   Sums are 64 bits wide, for their products fill 23. They are scaled once, by a mantissa of 16 bits.
   Reference: tensorflow/lite/kernels/internal/common.h, MultiplyByQuantizedMultiplier of int64_t;
   tensorflow/lite/kernels/internal/reference/integer_ops/{conv,depthwise_conv,fully_connected,pooling}.h, add.h. */
#include "kernels.h"
#include "requantize.h"

enum { CHUNK = 256 }; /* products whose sum surely fits 32 bits */

static int64_t dot(const int16_t *x, const int8_t *weight, int32_t n)
{
    int64_t sum = 0;
    while (n > 0) {
        const int32_t some = n < CHUNK ? n : CHUNK;
        int32_t part = 0;
        for (int32_t i = 0; i < some; i++)
            part += x[i] * weight[i];
        sum += part;
        x += some, weight += some, n -= some;
    }
    return sum;
}

static int16_t within(int32_t q, int32_t low, int32_t high)
{
    return (int16_t)(q < low ? low : q > high ? high : q);
}

/* A sum as int16; `right` is at least 1. */
static int16_t narrowed(int64_t sum, int32_t multiplier, int32_t right, int32_t low, int32_t high)
{
    const int64_t q = (sum * multiplier + ((int64_t)1 << (right - 1))) >> right;
    return (int16_t)(q < low ? low : q > high ? high : q);
}

void k_dense_s16(const int16_t *x, int32_t n, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                 const int8_t *right, int32_t low, int32_t high, int16_t *y, int32_t n_out)
{
    for (int32_t o = 0; o < n_out; o++)
        y[o] = narrowed(bias[o] + dot(x, weight + o * n, n), multiplier[o], right[o], low, high);
}

/* Where tap `k` of an output that begins at `at` lies, or -1 when that is outside of n. */
static int32_t place(int32_t at, int32_t k, int32_t dilation, int32_t n)
{
    const int32_t i = at + k * dilation;
    return i < 0 || i >= n ? -1 : i;
}

void k_conv2d_s16(const int16_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight, const int32_t *bias,
                  const int32_t *multiplier, const int8_t *right, int32_t kh, int32_t kw, int32_t stride_h,
                  int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top, int32_t pad_left,
                  int32_t low, int32_t high, int16_t *y, int32_t h_out, int32_t w_out, int32_t c_out)
{
    for (int32_t i = 0; i < h_out; i++)
        for (int32_t j = 0; j < w_out; j++)
            for (int32_t o = 0; o < c_out; o++) {
                const int8_t *taps = weight + o * kh * kw * c;
                int64_t sum = bias[o];
                for (int32_t a = 0; a < kh; a++)
                    for (int32_t b = 0; b < kw; b++, taps += c) {
                        const int32_t row = place(i * stride_h - pad_top, a, dilation_h, h);
                        const int32_t column = place(j * stride_w - pad_left, b, dilation_w, w);
                        if (row >= 0 && column >= 0)
                            sum += dot(x + (row * w + column) * c, taps, c);
                    }
                *y++ = narrowed(sum, multiplier[o], right[o], low, high);
            }
}

void k_depthwise_conv2d_s16(const int16_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight,
                            const int32_t *bias, const int32_t *multiplier, const int8_t *right, int32_t kh, int32_t kw,
                            int32_t stride_h, int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top,
                            int32_t pad_left, int32_t low, int32_t high, int16_t *y, int32_t h_out, int32_t w_out,
                            int32_t c_out)
{
    const int32_t times = c_out / c;
    for (int32_t i = 0; i < h_out; i++)
        for (int32_t j = 0; j < w_out; j++)
            for (int32_t o = 0; o < c_out; o++) {
                int64_t sum = bias[o];
                for (int32_t a = 0; a < kh; a++)
                    for (int32_t b = 0; b < kw; b++) {
                        const int32_t row = place(i * stride_h - pad_top, a, dilation_h, h);
                        const int32_t column = place(j * stride_w - pad_left, b, dilation_w, w);
                        if (row >= 0 && column >= 0)
                            sum += x[(row * w + column) * c + o / times] * weight[(a * kw + b) * c_out + o];
                    }
                *y++ = narrowed(sum, multiplier[o], right[o], low, high);
            }
}

/* Rows or columns [*first, *end) of a pool that begins at `at`. */
static void inside(int32_t at, int32_t size, int32_t n, int32_t *first, int32_t *end)
{
    *first = at < 0 ? 0 : at;
    *end = at + size > n ? n : at + size;
}

void k_max_pool2d_s16(const int16_t *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                      int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t low, int32_t high, int16_t *y,
                      int32_t h_out, int32_t w_out, int32_t c_out)
{
    for (int32_t i = 0; i < h_out; i++)
        for (int32_t j = 0; j < w_out; j++)
            for (int32_t o = 0; o < c_out; o++) {
                int32_t top, bottom, left, right, best = -32768;
                inside(i * stride_h - pad_top, kh, h, &top, &bottom);
                inside(j * stride_w - pad_left, kw, w, &left, &right);
                for (int32_t a = top; a < bottom; a++)
                    for (int32_t b = left; b < right; b++)
                        best = x[(a * w + b) * c + o] > best ? x[(a * w + b) * c + o] : best;
                *y++ = within(best, low, high);
            }
}

void k_average_pool2d_s16(const int16_t *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                          int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t low, int32_t high, int16_t *y,
                          int32_t h_out, int32_t w_out, int32_t c_out)
{
    for (int32_t i = 0; i < h_out; i++)
        for (int32_t j = 0; j < w_out; j++)
            for (int32_t o = 0; o < c_out; o++) {
                int32_t top, bottom, left, right;
                int64_t sum = 0;
                inside(i * stride_h - pad_top, kh, h, &top, &bottom);
                inside(j * stride_w - pad_left, kw, w, &left, &right);
                for (int32_t a = top; a < bottom; a++)
                    for (int32_t b = left; b < right; b++)
                        sum += x[(a * w + b) * c + o];
                const int32_t n = (bottom - top) * (right - left);
                *y++ = within((int32_t)((sum > 0 ? sum + n / 2 : sum - n / 2) / n), low, high);
            }
}

void k_add_s16(const int16_t *a, int32_t n_a, const int16_t *b, int32_t n_b, int32_t a_multiplier, int32_t a_shift,
               int32_t b_multiplier, int32_t b_shift, int32_t multiplier, int32_t shift, int32_t low, int32_t high,
               int16_t *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i++) {
        const int32_t left = rescale(a[i] * (1 << 15), a_multiplier, a_shift);
        const int32_t right = rescale(b[i] * (1 << 15), b_multiplier, b_shift);
        y[i] = within(rescale(left + right, multiplier, shift), low, high);
    }
}

void k_quantize_s16(const float *x, int32_t n, float scale, int16_t *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++) {
        const float v = x[i] / scale;
        const float q = v > 0.0f ? v + 0.5f : v - 0.5f;
        y[i] = (int16_t)(q >= 32767.0f   ? 32767
                         : q > -32768.0f ? (int32_t)q
                                         : -32768); /* -32768 for what is no number */
    }
}

void k_dequantize_s16(const int16_t *x, int32_t n, float scale, float *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = scale * (float)x[i];
}

void k_relu_s16(const int16_t *x, int32_t n, int16_t *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = x[i] > 0 ? x[i] : 0;
}

void k_flatten_s16(const int16_t *x, int32_t n, int16_t *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = x[i];
}
