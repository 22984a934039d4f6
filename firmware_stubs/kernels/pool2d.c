/* Pooling over two axes: x is (h, w, c), y (h_out, w_out, c). Padding takes no part. */
#include "kernels.h"
#include "requantize.h"

/* The part [first, last) of a pool of `size` at `start` that lies inside n. */
static inline int32_t clip(int32_t start, int32_t size, int32_t n, int32_t *last)
{
    *last = start + size > n ? n : start + size;
    return start < 0 ? 0 : start;
}

typedef struct {
    int32_t top, bottom, left, right;
} box;

SMALL static box pool(int32_t i, int32_t w_out, int32_t h, int32_t w, int32_t kh, int32_t kw, int32_t stride_h,
                      int32_t stride_w, int32_t pad_top, int32_t pad_left)
{
    box b;
    b.top = clip(i / w_out * stride_h - pad_top, kh, h, &b.bottom);
    b.left = clip(i % w_out * stride_w - pad_left, kw, w, &b.right);
    return b;
}

static int32_t sum_of(const int8_t *x, int32_t w, int32_t c, box b)
{
    int32_t sum = 0;
    for (int32_t row = b.top; row < b.bottom; row++)
        for (int32_t column = b.left; column < b.right; column++)
            sum += x[(row * w + column) * c];
    return sum;
}

/* Mean, halves away from zero. */
SMALL static int8_t mean(int32_t sum, int32_t n, int32_t low, int32_t high)
{
    const int32_t q = (sum > 0 ? sum + n / 2 : sum - n / 2) / n;
    return (int8_t)(q < low ? low : q > high ? high : q);
}

SMALL void k_average_pool2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw,
                               int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t low,
                               int32_t high, int8_t *y, int32_t h_out, int32_t w_out, int32_t c_out)
{
    for (int32_t i = 0; i < h_out * w_out; i++, y += c_out) {
        const box b = pool(i, w_out, h, w, kh, kw, stride_h, stride_w, pad_top, pad_left);
        const int32_t n = (b.bottom - b.top) * (b.right - b.left);
        for (int32_t j = 0; j < c; j++)
            y[j] = mean(sum_of(x + j, w, c, b), n, low, high);
    }
}

void k_mean2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, int32_t x_zero, int32_t multiplier, int32_t shift,
                 int32_t y_zero, int8_t *y, int32_t c_out)
{
    const box whole = {0, h, 0, w};
    for (int32_t j = 0; j < c_out; j++)
        y[j] = requantize(sum_of(x + j, w, c, whole) - h * w * x_zero, multiplier, shift, y_zero, -128, 127);
}

void k_max_pool2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                     int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t low, int32_t high, int8_t *y,
                     int32_t h_out, int32_t w_out, int32_t c_out)
{
    for (int32_t i = 0; i < h_out * w_out; i++, y += c_out) {
        const box b = pool(i, w_out, h, w, kh, kw, stride_h, stride_w, pad_top, pad_left);
        for (int32_t j = 0; j < c; j++) {
            int32_t greatest = low;
            for (int32_t row = b.top; row < b.bottom; row++)
                for (int32_t column = b.left; column < b.right; column++) {
                    const int32_t value = x[(row * w + column) * c + j];
                    greatest = value > greatest ? value : greatest;
                }
            y[j] = (int8_t)(greatest > high ? high : greatest);
        }
    }
}

void k_average_pool2d(const float *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                      int32_t stride_w, int32_t pad_top, int32_t pad_left, float *y, int32_t h_out, int32_t w_out,
                      int32_t c_out)
{
    for (int32_t i = 0; i < h_out * w_out; i++, y += c_out) {
        const box b = pool(i, w_out, h, w, kh, kw, stride_h, stride_w, pad_top, pad_left);
        for (int32_t j = 0; j < c; j++) {
            float sum = 0.0f;
            for (int32_t row = b.top; row < b.bottom; row++)
                for (int32_t column = b.left; column < b.right; column++)
                    sum += x[(row * w + column) * c + j];
            y[j] = sum / (float)((b.bottom - b.top) * (b.right - b.left));
        }
    }
}

void k_max_pool2d(const float *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                  int32_t stride_w, int32_t pad_top, int32_t pad_left, float *y, int32_t h_out, int32_t w_out,
                  int32_t c_out)
{
    for (int32_t i = 0; i < h_out * w_out; i++, y += c_out) {
        const box b = pool(i, w_out, h, w, kh, kw, stride_h, stride_w, pad_top, pad_left);
        for (int32_t j = 0; j < c; j++) {
            float greatest = x[(b.top * w + b.left) * c + j];
            for (int32_t row = b.top; row < b.bottom; row++)
                for (int32_t column = b.left; column < b.right; column++) {
                    const float value = x[(row * w + column) * c + j];
                    greatest = value > greatest ? value : greatest;
                }
            y[j] = greatest;
        }
    }
}
