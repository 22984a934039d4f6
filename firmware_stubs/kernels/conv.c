/* Convolution over time. x is (n, c), weight (c_out, taps, c): the taps that lie inside the window are one
   unbroken stretch of x, so a convolution is a dot product that slides. */
#include "kernels.h"
#include "requantize.h"

/* The taps [first, last) of an output at time `start` that meet samples of the window. */
static inline void inside(int32_t start, int32_t taps, int32_t n, int32_t *first, int32_t *last)
{
    *first = start < 0 ? -start : 0;
    *last = start + taps > n ? n - start : taps;
    if (*last < *first)
        *last = *first;
}

void k_conv1d(const float *x, int32_t n, int32_t c, const float *weight, const float *bias, int32_t taps,
              int32_t stride, int32_t pad_before, float *y, int32_t n_out, int32_t c_out)
{
    for (int32_t t = 0; t < n_out; t++) {
        const int32_t start = t * stride - pad_before;
        int32_t first, last;
        inside(start, taps, n, &first, &last);
        for (int32_t o = 0; o < c_out; o++) {
            const float *w = weight + (o * taps + first) * c, *v = x + (start + first) * c;
            float sum = bias[o];
            for (int32_t i = 0; i < (last - first) * c; i++)
                sum += v[i] * w[i];
            *y++ = sum;
        }
    }
}

void k_depthwise_conv1d(const float *x, int32_t n, int32_t c, const float *weight, const float *bias, int32_t taps,
                        int32_t stride, int32_t pad_before, float *y, int32_t n_out, int32_t c_out)
{
    for (int32_t t = 0; t < n_out; t++) {
        const int32_t start = t * stride - pad_before;
        int32_t first, last;
        inside(start, taps, n, &first, &last);
        for (int32_t j = 0; j < c_out; j++) {
            float sum = bias[j];
            for (int32_t k = first; k < last; k++)
                sum += x[(start + k) * c + j] * weight[k * c + j];
            *y++ = sum;
        }
    }
}

/* Padding is x_zero, which the bias takes off every tap again: x_zero times the weights that meet no sample. */
static int32_t padding(const int8_t *w, int32_t first, int32_t last, int32_t end, int32_t x_zero)
{
    return x_zero * (sum_s8(w, first) + sum_s8(w + last, end - last));
}

void k_conv1d_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *weight, const int32_t *bias,
                 const int32_t *multiplier, const int8_t *shift, int32_t taps, int32_t stride, int32_t pad_before,
                 int32_t x_zero, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out, int32_t c_out)
{
    const int32_t size = taps * c;
    for (int32_t t = 0; t < n_out; t++, y += c_out) {
        const int32_t start = t * stride - pad_before;
        int32_t first, last;
        inside(start, taps, n, &first, &last);
        const int8_t *met = x + (start + first) * c;
        first *= c, last *= c;
        for (int32_t o = 0; o < c_out; o += 2) {
            const int32_t p = o + 1 < c_out ? o + 1 : o; /* an odd channel at the end is done twice */
            const int8_t *v = weight + o * size, *w = weight + p * size;
            const sums s = dot2_s8(met, v + first, w + first, last - first);
            int32_t a = bias[o] + s.v, b = bias[p] + s.w;
            if (last - first < size) {
                a += padding(v, first, last, size, x_zero);
                b += padding(w, first, last, size, x_zero);
            }
            y[o] = requantize(a, multiplier[o], shift[o], y_zero, low, high);
            y[p] = requantize(b, multiplier[p], shift[p], y_zero, low, high);
        }
    }
}

void k_depthwise_conv1d_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *weight, const int32_t *bias,
                           const int32_t *multiplier, const int8_t *shift, int32_t taps, int32_t stride,
                           int32_t pad_before, int32_t x_zero, int32_t y_zero, int32_t low, int32_t high, int8_t *y,
                           int32_t n_out, int32_t c_out)
{
    for (int32_t t = 0; t < n_out; t++) {
        const int32_t start = t * stride - pad_before;
        for (int32_t j = 0; j < c_out; j++) {
            int32_t sum = bias[j];
            for (int32_t k = 0; k < taps; k++) {
                const int32_t at = start + k;
                sum += (at < 0 || at >= n ? x_zero : x[at * c + j]) * weight[k * c + j];
            }
            *y++ = requantize(sum, multiplier[j], shift[j], y_zero, low, high);
        }
    }
}
