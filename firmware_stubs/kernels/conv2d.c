/* Convolution over two axes: x is (h, w, c), y (h_out, w_out, c_out). A convolution over time has h = 1. */
#include "kernels.h"
#include "tile.h"

#if !defined(__ARM_FEATURE_MVE) /* else conv2d_mve.c */
typedef struct {
    const int8_t *x;
    int32_t h, w, c, kh, kw, dilation_h, dilation_w, x_zero, dense; /* dense: not dilated */
} view;

__attribute__((noinline)) static int8_t *filled(int8_t *to, int32_t n, int32_t value)
{
    while (n-- > 0)
        *to++ = (int8_t)value;
    return to;
}

static int8_t *copied(int8_t *to, const int8_t *from, int32_t n)
{
#if defined(__ARM_FEATURE_UNALIGNED)
    for (; n >= 4; n -= 4, from += 4, to += 4)
        __builtin_memcpy(to, from, 4);
#endif
    while (n-- > 0)
        *to++ = *from++;
    return to;
}

/* Row `top` and columns from `left` on, kw of them, as the window sees them; padding reads x_zero. */
static int8_t *gather_row(const view *v, int32_t top, int32_t left, int8_t *to)
{
    if (top < 0 || top >= v->h)
        return filled(to, v->kw * v->c, v->x_zero);
    if (v->dilation_w == 1) {
        const int32_t first = left < 0 ? -left : 0, last = left + v->kw > v->w ? v->w - left : v->kw;
        if (first >= last)
            return filled(to, v->kw * v->c, v->x_zero);
        to = filled(to, first * v->c, v->x_zero);
        to = copied(to, v->x + (top * v->w + left + first) * v->c, (last - first) * v->c);
        return filled(to, (v->kw - last) * v->c, v->x_zero);
    }
    for (int32_t k = 0; k < v->kw; k++, left += v->dilation_w)
        if (left < 0 || left >= v->w)
            to = filled(to, v->c, v->x_zero);
        else
            to = copied(to, v->x + (top * v->w + left) * v->c, v->c);
    return to;
}

/* What one output looks at, in the tile's form; by way of `bytes` where a row is cut off or no multiple of four. */
__attribute__((noinline)) static void gather(const view *v, int32_t top, int32_t left, int32_t *wide, int32_t padded, int32_t slot)
{
    int8_t *const bytes = (int8_t *)(wide + WIDTH(padded)), *to = bytes;
    const int32_t size = v->kw * v->c, pitch = v->w * v->c;
    const int32_t inside = v->dense && top >= 0 && left >= 0 && top + v->kh <= v->h && left + v->kw <= v->w;
    const int8_t *from = v->x + top * pitch + left * v->c;
    if (size & 3) {
        for (int32_t k = 0; k < v->kh; k++, from += pitch)
            to = inside ? copied(to, from, size) : gather_row(v, top + k * v->dilation_h, left, to);
        filled(to, padded - v->kh * size, 0);
        widen(bytes, padded, 1, 0, wide, slot);
        return;
    }
    if (inside) {
        widen(from, size, v->kh, pitch - size, wide, slot);
        return;
    }
    const int32_t first = left < 0 ? -left : 0, last = left + v->kw > v->w ? v->w - left : v->kw;
    const int32_t at_once = v->dense && first < last;
    for (int32_t k = 0; k < v->kh;) {
        const int32_t row = top + k * v->dilation_h;
        int32_t n = at_once && row >= 0 ? (v->kh - k < v->h - row ? v->kh - k : v->h - row) : 0;
        /* Cut off columns are read past the row's ends, which must not be past those of x, and overwritten. */
        if (n > 0 && row == 0 && first > 0)
            n = 0;
        if (n > 0 && row + n == v->h && last < v->kw)
            n--;
        if (n > 0) {
            widen(v->x + row * pitch + left * v->c, size, n, pitch - size, wide + WIDTH(k * size), slot);
            for (int32_t i = 0; i < size; i++)
                if (i == first * v->c)
                    i = last * v->c - 1; /* on to what lies behind the row */
                else
                    overwrite(wide + WIDTH(k * size), slot, i, size, n, v->x_zero);
        } else {
            gather_row(v, row, left, bytes);
            widen(bytes, size, 1, 0, wide + WIDTH(k * size), slot);
            n = 1;
        }
        k += n;
    }
}

typedef struct {
    const int8_t *weight;
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t padded, zero, c_out, usually;
} layer;

/* Outputs from `o` on of two pixels, plainly. What was done twice at an odd end is written first. */
static void outputs(const layer *l, const int32_t *wide, int32_t o, int8_t *first, int8_t *second)
{
    for (; o < l->c_out; o += 2) {
        const int32_t p = o + 1 < l->c_out ? o + 1 : o;
        int32_t sums[4] = {l->bias[o], l->bias[p], l->bias[o], l->bias[p]};
        tile(wide, l->weight + o * l->padded, l->padded, sums);
        if (l->usually) {
            const scaling s = scaling_of(l->multiplier[o], l->shift[o], l->zero);
            const scaling u = scaling_of(l->multiplier[p], l->shift[p], l->zero);
            second[p] = scaled(sums[3], u);
            second[o] = scaled(sums[2], s);
            first[p] = scaled(sums[1], u);
            first[o] = scaled(sums[0], s);
            continue;
        }
        for (int32_t i = 3; i >= 0; i--) {
            const int32_t at = i & 1 ? p : o;
            (i & 2 ? second : first)[at] = requantize(sums[i], l->multiplier[at], l->shift[at], l->zero, -128, 127);
        }
    }
}

/* PIXELS pixels, of which `n` are there; those that are not lie under the first. */
static void together(const layer *l, const int32_t *wide, int8_t *y, int32_t n)
{
    int8_t *const second = n > 1 ? y + l->c_out : y;
#if defined(__ARM_FEATURE_SIMD32)
    int8_t *const third = n > 2 ? second + l->c_out : y;
    int32_t done = 0;
    if (l->usually && l->c_out > 1) {
        const pixels p = {wide, wide + WIDTH(l->padded & 12), wide + WIDTH(l->padded), l->weight, l->bias,
                          l->multiplier, l->shift, 2 * l->zero + 1, {y, second, third}, l->c_out / 2};
        three_pixels(&p);
        done = l->c_out & ~1;
    }
    outputs(l, wide + 2, done, second, third);
    outputs(l, wide, done, y, second);
#else
    outputs(l, wide, 0, y, second);
#endif
}

void k_conv2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight, const int32_t *bias,
                 const int32_t *multiplier, const int8_t *shift, int32_t kh, int32_t kw, int32_t stride_h,
                 int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top, int32_t pad_left,
                 int32_t x_zero, int32_t y_zero, int32_t low, int32_t high, void *scratch, int8_t *y, int32_t h_out,
                 int32_t w_out, int32_t c_out)
{
    const view v = {x, h, w, c, kh, kw, dilation_h, dilation_w, x_zero, dilation_h == 1 && dilation_w == 1};
    const int32_t padded = (kh * kw * c + 3) & ~3, n = h_out * w_out;
    const layer l = {weight, bias, multiplier, shift, padded, y_zero, c_out, usual(shift, c_out)};
    int32_t *const wide = scratch;
    int32_t top = -pad_top, left = -pad_left, column = 0;
    for (int32_t i = 0; i < n; i += PIXELS, y += PIXELS * c_out) {
        const int32_t there = n - i < PIXELS ? n - i : PIXELS;
        for (int32_t slot = 0; slot < there; slot++) {
            gather(&v, top, left, wide, padded, slot);
            left += stride_w;
            if (++column == w_out)
                column = 0, left = -pad_left, top += stride_h;
        }
        together(&l, wide, y, there);
        bound(y, there * c_out, low, high);
    }
}
#endif

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
