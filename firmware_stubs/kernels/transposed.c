/* Transposed convolution: every input pixel adds its kernels to the output, `stride` apart. Worked out the other way
   round, output by output, so that no sums have to be kept. weight (c_out, kh, kw, c). */
#include "kernels.h"
#include "requantize.h"

void k_transposed_conv2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight, const int32_t *bias,
                            const int32_t *multiplier, const int8_t *shift, int32_t kh, int32_t kw, int32_t stride_h,
                            int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t x_zero, int32_t y_zero,
                            int32_t low, int32_t high, int8_t *y, int32_t h_out, int32_t w_out, int32_t c_out)
{
    for (int32_t i = 0; i < h_out * w_out; i++) {
        const int32_t row = i / w_out + pad_top, column = i % w_out + pad_left;
        for (int32_t o = 0; o < c_out; o++) {
            int32_t sum = bias[o];
            for (int32_t k = 0; k < kh * kw; k++) {
                const int32_t down = row - k / kw, right = column - k % kw;
                if (down < 0 || right < 0 || down % stride_h || right % stride_w)
                    continue;
                if (down / stride_h >= h || right / stride_w >= w)
                    continue;
                const int8_t *from = x + (down / stride_h * w + right / stride_w) * c;
                const int8_t *v = weight + (o * kh * kw + k) * c;
                for (int32_t j = 0; j < c; j++)
                    sum += (from[j] - x_zero) * v[j];
            }
            *y++ = requantize(sum, multiplier[o], shift[o], y_zero, low, high);
        }
    }
}

void k_transposed_conv2d(const float *x, int32_t h, int32_t w, int32_t c, const float *weight, const float *bias,
                         int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                         float *y, int32_t h_out, int32_t w_out, int32_t c_out)
{
    for (int32_t i = 0; i < h_out * w_out; i++) {
        const int32_t row = i / w_out + pad_top, column = i % w_out + pad_left;
        for (int32_t o = 0; o < c_out; o++) {
            float sum = bias[o];
            for (int32_t k = 0; k < kh * kw; k++) {
                const int32_t down = row - k / kw, right = column - k % kw;
                if (down < 0 || right < 0 || down % stride_h || right % stride_w)
                    continue;
                if (down / stride_h >= h || right / stride_w >= w)
                    continue;
                const float *from = x + (down / stride_h * w + right / stride_w) * c;
                const float *v = weight + (o * kh * kw + k) * c;
                for (int32_t j = 0; j < c; j++)
                    sum += from[j] * v[j];
            }
            *y++ = sum;
        }
    }
}
