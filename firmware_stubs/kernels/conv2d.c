/* Convolution over two axes: x is (h, w, c), y (h_out, w_out, c_out). A convolution over time has h = 1. */
#include "kernels.h"
#include "requantize.h"
#include "conv2d.h"

#if !defined(__ARM_FEATURE_MVE) /* else conv2d_mve.c */
#if defined(__ARM_FEATURE_SIMD32)
#include "quads.h"
#else
#include "pairs.h"
#endif

typedef struct {
    const int8_t *x;
    int32_t h, w, c, kh, kw, dilation_h, dilation_w, x_zero;
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

/* What one output looks at, made wide; by way of bytes where a row is cut off or no multiple of four. */
__attribute__((noinline)) static void gather(const view *v, int32_t top, int32_t left, int32_t *wide, int32_t padded,
                                             int32_t slot)
{
    int8_t *const bytes = (int8_t *)(wide + WIDTH(padded)), *to = bytes;
    const int32_t size = v->kw * v->c, pitch = v->w * v->c * v->dilation_h;
    const int32_t whole = v->dilation_w == 1 && left >= 0 && left + v->kw <= v->w;
    const int8_t *from = v->x + (top * v->w + left) * v->c;
    if (whole && !(size & 3) && top >= 0 && top + (v->kh - 1) * v->dilation_h < v->h) {
        widen(from, size >> 2, v->kh, pitch - size, wide, slot);
        return;
    }
    for (int32_t k = 0; k < v->kh; k++, top += v->dilation_h, from += pitch) {
        to = whole && top >= 0 && top < v->h ? copied(to, from, size) : gather_row(v, top, left, to);
        if (!(size & 3)) {
            widen(bytes, size >> 2, 1, 0, wide + WIDTH(k * size), slot);
            to = bytes;
        }
    }
    if (size & 3) {
        filled(to, padded - v->kh * size, 0);
        widen(bytes, padded >> 2, 1, 0, wide, slot);
    }
}

/* A layer and where it is worked out. */
typedef struct {
    const int32_t *rows;
    const int16_t *g;
    int32_t *wide;
    int32_t h_out, w_out, c_out, padded, up; /* up: every output lies at the zero point or above */
#if defined(__ARM_FEATURE_SIMD32)
    void (*finish)(void);
#define WITH(finish) , finish
#else
#define WITH(finish)
#endif
} layer;

#if defined(__ARM_FEATURE_SIMD32)
/* Four pixels from `left` on, `stride` columns apart; 0 where that cannot be read at once. */
__attribute__((noinline)) static int32_t gather_four(const view *v, int32_t top, int32_t left, int32_t stride,
                                                     int32_t *wide, int32_t padded)
{
    const int32_t size = v->kw * v->c, start = top * v->w + left, down = (v->kh - 1) * v->dilation_h;
    if (size & 3 || v->dilation_w > 1 || top < 0 || top + down >= v->h || start < 0 ||
        start + down * v->w + 3 * stride + v->kw > v->h * v->w)
        return 0;
    widen_four(v->x + start * v->c, stride * v->c, wide, size >> 2, v->kh, v->dilation_h * v->w * v->c - size);
    for (int32_t slot = 0; slot < PIXELS; slot++, left += stride)
        if (left < 0 || left + v->kw > v->w) /* what was read beyond the row is not what padding holds */
            gather(v, top, left, wide, padded, slot);
    return 1;
}

/* Four pixels, of which `n` are there; those that are not lie under the first. */
static void together(const layer *l, int8_t *y, int32_t n)
{
    const int32_t zero = l->g[Y_ZERO], shift = l->g[N], pair = l->padded / 2 + (l->up ? 4 : 5);
    const int32_t *const last = l->rows + l->c_out / 2 * pair;
    quad q = {y, n > 1 ? l->c_out : 0, n > 2 ? 2 * l->c_out : 0, n > 3 ? 3 * l->c_out : 0, l->wide,
              entry_for(l->padded >> 2), l->wide + WIDTH(l->padded), last, l->rows,
              l->up ? (2 * zero + 1) * (1 << shift) / 2 : 2 * zero + 1, shift, l->finish};
    if (l->c_out > 1)
        quads(&q);
    if (l->c_out & 1) {
        int8_t ends[2 * PIXELS];
        q.y = ends, q.second = 2, q.third = 4, q.fourth = 6, q.rows = last, q.rows_end = last + pair;
        quads(&q);
        for (int32_t i = 0; i < n; i++)
            y[(i + 1) * l->c_out - 1] = ends[2 * i];
    }
}
#else
static int32_t gather_four(const view *v, int32_t top, int32_t left, int32_t stride, int32_t *wide, int32_t padded)
{
    (void)v, (void)top, (void)left, (void)stride, (void)wide, (void)padded;
    return 0;
}

static int8_t finished(const layer *l, int32_t sum, const int32_t *end, int32_t i)
{
    const int32_t zero = l->g[Y_ZERO], n = l->g[N];
    if (l->up)
        return lifted(sum, end[i], (2 * zero + 1) * (1 << n) / 2, n);
    return scaled(sum >> 8, scaling_of(end[i], -(i ? end[2] >> 16 : end[2] & 0xffff), zero));
}

/* Two pixels, of which `n` are there. What was done twice is written first. */
static void together(const layer *l, int8_t *y, int32_t n)
{
    int8_t *const second = n > 1 ? y + l->c_out : y;
    const int32_t *row = l->rows;
    for (int32_t o = 0; o < l->c_out; o += 2) {
        int32_t sums[4] = {0, 0, 0, 0};
        tile(l->wide, (const int8_t *)(row + 2), l->padded, sums);
        const int32_t *const end = row + 2 + l->padded / 2, p = o + 1 < l->c_out ? o + 1 : o;
        second[p] = finished(l, 256 * sums[3] + row[1], end, 1);
        second[o] = finished(l, 256 * sums[2] + row[0], end, 0);
        y[p] = finished(l, 256 * sums[1] + row[1], end, 1);
        y[o] = finished(l, 256 * sums[0] + row[0], end, 0);
        row = end + (l->up ? 2 : 3);
    }
}
#endif

/* The rows that output row `i` looks at, with their padding: what `v` sees then. */
static void lay_out(view *v, const int8_t *x, int32_t h, int32_t w, const layer *l, int32_t columns, int32_t i)
{
    const int16_t *const g = l->g;
    const int32_t size = g[KW] * v->c;
    int8_t *to = (int8_t *)(l->wide + WIDTH(l->padded)) + (size & 3 ? l->padded : size);
    const view whole = {x, h, w, v->c, 1, columns, 1, 1, v->x_zero};
    v->x = to, v->h = v->kh, v->w = columns, v->dilation_h = 1;
    for (int32_t k = 0; k < g[KH]; k++)
        to = gather_row(&whole, i * g[STRIDE_H] - g[PAD_TOP] + k * g[DILATION_H], -g[PAD_LEFT], to);
}

__attribute__((noinline)) static void convolve(const int8_t *x, int32_t h, int32_t w, int32_t c, const layer *l,
                                               int8_t *y)
{
    const int16_t *const g = l->g;
    view v = {x, h, w, c, g[KH], g[KW], g[DILATION_H], g[DILATION_W], g[X_ZERO]};
    const int32_t n = l->h_out * l->w_out, columns = (l->w_out - 1) * g[STRIDE_W] + g[KW];
    const int32_t cut_off = g[DILATION_W] == 1 && g[KH] > 1 && (g[PAD_LEFT] > 0 || columns > w);
    const int32_t laid_out = cut_off && g[KH] * columns * c <= MOST_LAID_OUT, first = laid_out ? 0 : -g[PAD_LEFT];
    int32_t top = -g[PAD_TOP], left = first, column = 0;
    for (int32_t i = 0; i < n; i += PIXELS) {
        const int32_t there = n - i < PIXELS ? n - i : PIXELS;
        for (int32_t slot = 0; slot < there; slot++) {
            if (laid_out && column == 0)
                lay_out(&v, x, h, w, l, columns, (i + slot) / l->w_out), top = 0;
            int32_t done = 1;
            if (slot == 0 && column + PIXELS <= l->w_out &&
                gather_four(&v, top, left, g[STRIDE_W], l->wide, l->padded))
                done = PIXELS;
            else
                gather(&v, top, left, l->wide, l->padded, slot);
            slot += done - 1, column += done, left += done * g[STRIDE_W];
            if (column == l->w_out)
                column = 0, left = first, top += g[STRIDE_H];
        }
        together(l, y, there);
        bound(y, there * l->c_out, g[LOW], g[HIGH]);
        y += PIXELS * l->c_out;
    }
}

void k_conv2d_up_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, const int32_t *rows, const int16_t *geometry,
                    void *scratch, int8_t *y, int32_t h_out, int32_t w_out, int32_t c_out)
{
    const layer l = {rows, geometry, scratch, h_out, w_out, c_out, (geometry[KH] * geometry[KW] * c + 3) & ~3,
                     1 WITH(finish_up)};
    convolve(x, h, w, c, &l, y);
}

void k_conv2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, const int32_t *rows, const int16_t *geometry,
                 void *scratch, int8_t *y, int32_t h_out, int32_t w_out, int32_t c_out)
{
    const layer l = {rows, geometry, scratch, h_out, w_out, c_out, (geometry[KH] * geometry[KW] * c + 3) & ~3,
                     0 WITH(finish_any)};
    convolve(x, h, w, c, &l, y);
}

#endif

/* Any scaling there is, plainly. */
void k_conv2d_any_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight, const int32_t *bias,
                     const int32_t *multiplier, const int8_t *shift, const int16_t *geometry, int8_t *y, int32_t h_out,
                     int32_t w_out, int32_t c_out)
{
    const int16_t *const g = geometry;
    for (int32_t i = 0; i < h_out * w_out; i++) {
        const int32_t top = i / w_out * g[STRIDE_H] - g[PAD_TOP], left = i % w_out * g[STRIDE_W] - g[PAD_LEFT];
        const int8_t *v = weight;
        for (int32_t o = 0; o < c_out; o++) {
            int32_t sum = bias[o];
            for (int32_t k = 0; k < g[KH] * g[KW]; k++, v += c) {
                const int32_t row = top + k / g[KW] * g[DILATION_H], column = left + k % g[KW] * g[DILATION_W];
                const int32_t outside = row < 0 || row >= h || column < 0 || column >= w;
                for (int32_t j = 0; j < c; j++)
                    sum += (outside ? g[X_ZERO] : x[(row * w + column) * c + j]) * v[j];
            }
            *y++ = requantize(sum, multiplier[o], shift[o], g[Y_ZERO], g[LOW], g[HIGH]);
        }
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
