/* Convolution over time in float. x is (n, c), weight (c_out, taps, c): the taps that lie inside the window are one
   unbroken stretch of x, so a convolution is a dot product that slides. In int8 it is that of conv2d.c with h = 1. */
#include "kernels.h"

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
