/* Pooling over time: x is (n, c), y (n_out, c). */
#include "kernels.h"
#include "requantize.h"

void k_max_pool1d(const float *x, int32_t n, int32_t c, int32_t size, int32_t stride, float *y, int32_t n_out,
                  int32_t c_out)
{
    (void)n;
    for (int32_t t = 0; t < n_out; t++)
        for (int32_t j = 0; j < c_out; j++) {
            const float *v = x + t * stride * c + j;
            float greatest = v[0];
            for (int32_t k = 1; k < size; k++)
                greatest = v[k * c] > greatest ? v[k * c] : greatest;
            *y++ = greatest;
        }
}

void k_max_pool1d_s8(const int8_t *x, int32_t n, int32_t c, int32_t size, int32_t stride, int8_t *y, int32_t n_out,
                     int32_t c_out)
{
    (void)n;
    for (int32_t t = 0; t < n_out; t++)
        for (int32_t j = 0; j < c_out; j++) {
            const int8_t *v = x + t * stride * c + j;
            int8_t greatest = v[0];
            for (int32_t k = 1; k < size; k++)
                greatest = v[k * c] > greatest ? v[k * c] : greatest;
            *y++ = greatest;
        }
}

void k_average_pool1d(const float *x, int32_t n, int32_t c, int32_t size, int32_t stride, float *y, int32_t n_out,
                      int32_t c_out)
{
    (void)n;
    for (int32_t t = 0; t < n_out; t++)
        for (int32_t j = 0; j < c_out; j++) {
            float sum = 0.0f;
            for (int32_t k = 0; k < size; k++)
                sum += x[(t * stride + k) * c + j];
            *y++ = sum / (float)size;
        }
}

void k_average_pool1d_s8(const int8_t *x, int32_t n, int32_t c, int32_t size, int32_t stride, int32_t x_zero,
                         int32_t multiplier, int32_t shift, int32_t y_zero, int8_t *y, int32_t n_out, int32_t c_out)
{
    (void)n;
    for (int32_t t = 0; t < n_out; t++)
        for (int32_t j = 0; j < c_out; j++) {
            int32_t sum = -size * x_zero;
            for (int32_t k = 0; k < size; k++)
                sum += x[(t * stride + k) * c + j];
            *y++ = requantize(sum, multiplier, shift, y_zero, -128, 127);
        }
}

void k_global_average(const float *x, int32_t n, int32_t c, float *y, int32_t n_out)
{
    k_average_pool1d(x, n, c, n, n, y, 1, n_out);
}

void k_global_average_s8(const int8_t *x, int32_t n, int32_t c, int32_t x_zero, int32_t multiplier, int32_t shift,
                         int32_t y_zero, int8_t *y, int32_t n_out)
{
    k_average_pool1d_s8(x, n, c, n, n, x_zero, multiplier, shift, y_zero, y, 1, n_out);
}
