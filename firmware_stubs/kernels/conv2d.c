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

SMALL __attribute__((noinline)) static int8_t *filled(int8_t *to, int32_t n, int32_t value)
{
    while (n-- > 0)
        *to++ = (int8_t)value;
    return to;
}

SMALL __attribute__((noinline)) static int8_t *copied(int8_t *to, const int8_t *from, int32_t n)
{
#if defined(__ARM_FEATURE_UNALIGNED)
    for (; n >= 8; n -= 8, from += 8, to += 8) {
        __builtin_memcpy(to, from, 4);
        __builtin_memcpy(to + 4, from + 4, 4);
    }
    for (; n >= 4; n -= 4, from += 4, to += 4)
        __builtin_memcpy(to, from, 4);
#endif
    while (n-- > 0)
        *to++ = *from++;
    return to;
}

/* Row `top` and columns from `left` on, kw of them, as the window sees them; padding reads x_zero. */
SMALL static int8_t *gather_row(const view *v, int32_t top, int32_t left, int8_t *to)
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
SMALL __attribute__((noinline)) static void gather(const view *v, int32_t top, int32_t left, int32_t *wide,
                                                   int32_t padded, int32_t slot)
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

/* A layer and where it is worked out. An odd last output comes with the one before it, which is done twice. */
typedef struct {
    const int32_t *rows;
    const int16_t *g;
    int32_t *wide;
    int32_t padded, up; /* up: every output lies at the zero point or above */
#if defined(__ARM_FEATURE_SIMD32)
    quad q;
#endif
} layer;

#if defined(__ARM_FEATURE_SIMD32)
/* Four pixels from `left` on, `stride` columns apart; 0 where that cannot be read at once. */
SMALL __attribute__((noinline)) static int32_t gather_four(const view *v, int32_t top, int32_t left, int32_t stride,
                                                           const layer *l)
{
    const int32_t size = v->kw * v->c, start = top * v->w + left, down = (v->kh - 1) * v->dilation_h;
    if (size & 3 || v->dilation_w > 1 || top < 0 || top + down >= v->h || start < 0 ||
        start + down * v->w + 3 * stride + v->kw > v->h * v->w)
        return 0;
    widen_four(v->x + start * v->c, stride * v->c, l->wide, size >> 2, v->kh, v->dilation_h * v->w * v->c - size);
    for (int32_t slot = 0; slot < PIXELS; slot++, left += stride)
        if (left < 0 || left + v->kw > v->w) /* what was read beyond the row is not what padding holds */
            gather(v, top, left, l->wide, l->padded, slot);
    return 1;
}

SMALL __attribute__((noinline)) static void last_pair(const layer *l, int8_t *y)
{
    quad last = l->q;
    last.y = y, last.rows = last.rows_end, last.rows_end += l->padded / 2 + (l->up ? 4 : 5);
    quads(&last);
}

/* Four pixels, of which `n` are there; those that are not lie under the first. */
static inline void together(layer *l, int8_t *y, int32_t n)
{
    const int32_t c_out = l->g[C_OUT];
    l->q.y = y;
    l->q.second = n > 1 ? c_out : 0;
    l->q.third = n > 2 ? 2 * c_out : 0;
    l->q.fourth = n > 3 ? 3 * c_out : 0;
    quads(&l->q);
    if (c_out & 1)
        last_pair(l, y + c_out - 2);
}
#else
static int32_t gather_four(const view *v, int32_t top, int32_t left, int32_t stride, const layer *l)
{
    (void)v, (void)top, (void)left, (void)stride, (void)l;
    return 0;
}

/* Two pixels, of which `n` are there. What was done twice is written first. */
static void together(layer *l, int8_t *y, int32_t n)
{
    const int32_t c_out = l->g[C_OUT], zero = l->g[Y_ZERO], shift = l->g[N], up = l->up;
    const int32_t round = (2 * zero + 1) * (1 << shift) / 2;
    const int32_t *row = l->rows;
    for (int32_t o = 0; o < c_out; o += 2) {
        int8_t *const first = y + (o + 1 < c_out ? o : c_out - 2), *const second = n > 1 ? first + c_out : first;
        int32_t sums[4] = {0, 0, 0, 0};
        tile(l->wide, (const int8_t *)(row + 2), l->padded, sums);
        const int32_t *const end = row + 2 + l->padded / 2;
        if (up) {
            second[1] = lifted(256 * sums[3] + row[1], end[1], round, shift);
            second[0] = lifted(256 * sums[2] + row[0], end[0], round, shift);
            first[1] = lifted(256 * sums[1] + row[1], end[1], round, shift);
            first[0] = lifted(256 * sums[0] + row[0], end[0], round, shift);
            row = end + 2;
            continue;
        }
        const scaling s = scaling_of(end[0], -(end[2] & 0xffff), zero), t = scaling_of(end[1], -(end[2] >> 16), zero);
        second[1] = scaled((256 * sums[3] + row[1]) >> 8, t);
        second[0] = scaled((256 * sums[2] + row[0]) >> 8, s);
        first[1] = scaled((256 * sums[1] + row[1]) >> 8, t);
        first[0] = scaled((256 * sums[0] + row[0]) >> 8, s);
        row = end + 3;
    }
}
#endif

/* The rows that output row `i` looks at, with their padding. Some lie there since the row before. */
SMALL __attribute__((noinline)) static const int8_t *lay_out(const int8_t *x, const layer *l, int32_t i)
{
    const int16_t *const g = l->g;
    const int32_t size = g[KW] * g[C], pitch = g[COLUMNS] * g[C], kept = g[KH] - g[STRIDE_H];
    int8_t *to = (int8_t *)(l->wide + WIDTH(l->padded)) + (size & 3 ? l->padded : size);
    const view whole = {x, g[H], g[W], g[C], 1, g[COLUMNS], 1, 1, g[X_ZERO]};
    int8_t *const all = to;
    int32_t k = 0;
    if (i > 0 && kept > 0 && g[DILATION_H] == 1) {
        to = copied(to, to + g[STRIDE_H] * pitch, kept * pitch);
        k = kept;
    }
    for (; k < g[KH]; k++)
        to = gather_row(&whole, i * g[STRIDE_H] - g[PAD_TOP] + k * g[DILATION_H], -g[PAD_LEFT], to);
    return all;
}

SMALL __attribute__((noinline)) static void convolve(const int8_t *x, layer *l, int8_t *y)
{
    const int16_t *const g = l->g;
    view v = {x, g[H], g[W], g[C], g[KH], g[KW], g[DILATION_H], g[DILATION_W], g[X_ZERO]};
    int32_t top = -g[PAD_TOP], first = -g[PAD_LEFT], down = g[STRIDE_H], column = 0, row = 0;
    if (g[COLUMNS])
        v.h = v.kh, v.w = g[COLUMNS], v.dilation_h = 1, first = top = down = 0;
    int32_t left = first;
    for (int32_t n = g[H_OUT] * g[W_OUT]; n > 0; n -= PIXELS) {
        const int32_t there = n < PIXELS ? n : PIXELS;
        for (int32_t slot = 0; slot < there; slot++) {
            if (g[COLUMNS] && column == 0)
                v.x = lay_out(x, l, row++);
            int32_t done = 1;
            if (slot == 0 && column + PIXELS <= g[W_OUT] && gather_four(&v, top, left, g[STRIDE_W], l))
                done = PIXELS;
            else
                gather(&v, top, left, l->wide, l->padded, slot);
            slot += done - 1, column += done, left += done * g[STRIDE_W];
            if (column == g[W_OUT])
                column = 0, left = first, top += down;
        }
        together(l, y, there);
        bound(y, there * g[C_OUT], g[LOW], g[HIGH]);
        y += PIXELS * g[C_OUT];
    }
}

/* Every window lies inside of x, or of the rows that are laid out, is not dilated, and its rows are multiples of four. */
SMALL static inline void inside(const int8_t *x, layer *l, int8_t *y)
{
    const int16_t *const g = l->g;
    const int32_t size = g[KW] * g[C], step = g[STRIDE_W] * g[C], c_out = g[C_OUT];
    const int32_t pitch = (g[COLUMNS] ? g[COLUMNS] : g[W]) * g[C];
    int32_t slot = 0;
    for (int32_t row = 0; row < g[H_OUT]; row++) {
        const int8_t *from = g[COLUMNS] ? lay_out(x, l, row) : x + row * g[STRIDE_H] * pitch;
        for (int32_t left = g[W_OUT]; left > 0;) {
            int32_t n = 1;
#if defined(__ARM_FEATURE_SIMD32)
            if (slot == 0 && left >= PIXELS) {
                n = PIXELS;
                widen_four(from, step, l->wide, size >> 2, g[KH], pitch - size);
            } else
#endif
                widen(from, size >> 2, g[KH], pitch - size, l->wide, slot);
            slot += n, left -= n, from += n * step;
            if (slot < PIXELS && (left > 0 || row + 1 < g[H_OUT]))
                continue;
            together(l, y, slot);
            bound(y, slot * c_out, g[LOW], g[HIGH]);
            y += PIXELS * c_out;
            slot = 0;
        }
    }
}

#if defined(__ARM_FEATURE_SIMD32)
typedef void (*finishing)(void);
#define FINISH_UP finish_up
#define FINISH_ANY finish_any
#else
typedef int32_t finishing; /* whether every output lies at the zero point or above */
#define FINISH_UP 1
#define FINISH_ANY 0
#endif

SMALL __attribute__((noinline)) static void prepare(layer *l, const int32_t *rows, const int16_t *g, void *scratch,
                                                    int32_t up, finishing finish)
{
    l->rows = rows, l->g = g, l->wide = scratch, l->up = up;
    l->padded = (g[KH] * g[KW] * g[C] + 3) & ~3;
#if defined(__ARM_FEATURE_SIMD32)
    const int32_t zero = g[Y_ZERO], n = g[N], pair = l->padded / 2 + (up ? 4 : 5);
    l->q.wide = l->wide, l->q.wide_end = l->wide + WIDTH(l->padded), l->q.entry = entry_for(l->padded >> 2);
    l->q.rows = rows, l->q.rows_end = rows + g[C_OUT] / 2 * pair;
    l->q.round = up ? (2 * zero + 1) * (1 << n) / 2 : 2 * zero + 1;
    l->q.n = n, l->q.finish = finish;
#else
    (void)finish;
#endif
}

void k_conv2d_inside_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y)
{
    layer l;
    prepare(&l, rows, geometry, scratch, 1, FINISH_UP);
    inside(x, &l, y);
}

void k_conv2d_up_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y)
{
    layer l;
    prepare(&l, rows, geometry, scratch, 1, FINISH_UP);
    convolve(x, &l, y);
}

void k_conv2d_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y)
{
    layer l;
    prepare(&l, rows, geometry, scratch, 0, FINISH_ANY);
    convolve(x, &l, y);
}
#endif

/* Any scaling there is, plainly. */
void k_conv2d_any_s8(const int8_t *x, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                     const int8_t *shift, const int16_t *geometry, int8_t *y)
{
    const int16_t *const g = geometry;
    const int32_t h = g[H], w = g[W], c = g[C], h_out = g[H_OUT], w_out = g[W_OUT], c_out = g[C_OUT];
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
