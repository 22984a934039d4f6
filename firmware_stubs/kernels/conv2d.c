/* Convolution over two axes: x is (h, w, c), y (h_out, w_out, c_out). A convolution over time has h = 1. */
#include "kernels.h"
#include "tile.h"

typedef struct {
    const int8_t *x;
    int32_t h, w, c, kh, kw, dilation_h, dilation_w, x_zero;
} view;

static int8_t *filled(int8_t *to, int32_t n, int32_t value)
{
    while (n-- > 0)
        *to++ = (int8_t)value;
    return to;
}

static int8_t *copied(int8_t *to, const int8_t *from, int32_t n)
{
    while (n-- > 0)
        *to++ = *from++;
    return to;
}

/* Row `top` and columns from `left` on, kw of them, as the window sees them; padding reads x_zero. */
static int8_t *gather_row(const view *v, int32_t top, int32_t left, int8_t *to)
{
    if (top < 0 || top >= v->h)
        return filled(to, v->kw * v->c, v->x_zero);
    for (int32_t k = 0; k < v->kw; k++, left += v->dilation_w)
        if (left < 0 || left >= v->w)
            to = filled(to, v->c, v->x_zero);
        else
            to = copied(to, v->x + (top * v->w + left) * v->c, v->c);
    return to;
}

/* The same straight into the tile's form, for a number of channels that is a multiple of four. */
static void widen_row(const view *v, int32_t top, int32_t left, int32_t *two, int32_t slot)
{
    const int32_t c = v->c;
    const uint32_t four_zeros = (uint32_t)(uint8_t)v->x_zero * 0x01010101u;
    const int8_t *row = v->x + top * v->w * c;
    const int32_t inside = top >= 0 && top < v->h;
    if (inside && v->dilation_w == 1 && left >= 0 && left + v->kw <= v->w) {
        widen(row + left * c, v->kw * c, two, slot);
        return;
    }
    for (int32_t k = 0; k < v->kw; k++, left += v->dilation_w, two += c)
        if (inside && left >= 0 && left < v->w)
            widen(row + left * c, c, two, slot);
        else
            for (int32_t i = 0; i < c; i += 4)
                widen((const int8_t *)&four_zeros, 4, two + i, slot);
}

static void gather(const view *v, int32_t top, int32_t left, int32_t *two, int32_t padded, int32_t slot)
{
    if ((v->c & 3) == 0) {
        for (int32_t k = 0; k < v->kh; k++)
            widen_row(v, top + k * v->dilation_h, left, two + k * v->kw * v->c, slot);
        return;
    }
    int8_t *const bytes = (int8_t *)(two + padded), *to = bytes;
    for (int32_t k = 0; k < v->kh; k++)
        to = gather_row(v, top + k * v->dilation_h, left, to);
    filled(to, padded - v->kh * v->kw * v->c, 0);
    widen(bytes, padded, two, slot);
}

void k_conv2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight, const int32_t *bias,
                 const int32_t *multiplier, const int8_t *shift, int32_t kh, int32_t kw, int32_t stride_h,
                 int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top, int32_t pad_left,
                 int32_t x_zero, int32_t y_zero, int32_t low, int32_t high, void *scratch, int8_t *y, int32_t h_out,
                 int32_t w_out, int32_t c_out)
{
    const view v = {x, h, w, c, kh, kw, dilation_h, dilation_w, x_zero};
    const int32_t padded = (kh * kw * c + 3) & ~3, n = h_out * w_out;
    int32_t *const two = scratch;
    int32_t top = -pad_top, left = -pad_left, column = 0;
    for (int32_t i = 0; i < n; i += 2, y += 2 * c_out) {
        for (int32_t slot = 0; slot < 2 && i + slot < n; slot++) {
            gather(&v, top, left, two, padded, slot);
            left += stride_w;
            if (++column == w_out)
                column = 0, left = -pad_left, top += stride_h;
        }
        int8_t *const first = y, *const second = i + 1 < n ? y + c_out : y;
        const int8_t *rows = weight;
        for (int32_t o = 0; o < c_out; o += 2, rows += 2 * padded) {
            const int32_t p = o + 1 < c_out ? o + 1 : o;
            int32_t sums[4] = {bias[o], bias[p], bias[o], bias[p]};
            tile(two, rows, padded, sums);
            const scaling s = scaling_of(multiplier[o], shift[o], y_zero);
            const scaling t = scaling_of(multiplier[p], shift[p], y_zero);
            /* What was done twice at an odd end is written first. */
            second[p] = scaled(sums[3], t, y_zero);
            second[o] = scaled(sums[2], s, y_zero);
            first[p] = scaled(sums[1], t, y_zero);
            first[o] = scaled(sums[0], s, y_zero);
        }
        bound(first, c_out, low, high);
        if (second != first)
            bound(second, c_out, low, high);
    }
}

void k_conv2d(const float *x, int32_t h, int32_t w, int32_t c, const float *weight, const float *bias, int32_t kh,
              int32_t kw, int32_t stride_h, int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top,
              int32_t pad_left, float *y, int32_t h_out, int32_t w_out, int32_t c_out)
{
    for (int32_t i = 0; i < h_out * w_out; i++) {
        const int32_t top = i / w_out * stride_h - pad_top, left = i % w_out * stride_w - pad_left;
        for (int32_t o = 0; o < c_out; o++) {
            const float *v = weight + o * kh * kw * c;
            float sum = bias[o];
            for (int32_t k = 0; k < kh * kw; k++, v += c) {
                const int32_t row = top + k / kw * dilation_h, column = left + k % kw * dilation_w;
                if (row < 0 || row >= h || column < 0 || column >= w)
                    continue;
                for (int32_t j = 0; j < c; j++)
                    sum += x[(row * w + column) * c + j] * v[j];
            }
            *y++ = sum;
        }
    }
}
