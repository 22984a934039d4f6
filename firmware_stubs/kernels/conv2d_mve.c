/* Convolution over two axes for cores with vectors, with the weights and the memory of conv2d.c. */
#include "conv2d.h"
#include "kernels.h"
#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
enum {
    PIXELS = 4 /* that are worked out together: as many as conv2d.c takes, for which the arena is laid out */
};

typedef struct {
    const int8_t *x;
    int32_t h, w, c, kh, kw, dilation_h, dilation_w, x_zero;
} view;

/* Row `top` and kw columns from `left` on, as the window sees them; padding reads x_zero. */
static int8_t *gather_row(const view *v, int32_t top, int32_t left, int8_t *to)
{
    if (top < 0 || top >= v->h)
        return filled_16(to, v->kw * v->c, v->x_zero);
    const int8_t *const row = v->x + top * v->w * v->c;
    if (v->dilation_w == 1 && left >= 0 && left + v->kw <= v->w)
        return copied_16(to, row + left * v->c, v->kw * v->c);
    for (int32_t k = 0; k < v->kw; k++, left += v->dilation_w)
        if (left < 0 || left >= v->w)
            to = filled_16(to, v->c, v->x_zero);
        else
            to = copied_16(to, row + left * v->c, v->c);
    return to;
}

static void gather(const view *v, int32_t top, int32_t left, int8_t *to, int32_t padded)
{
    int8_t *const end = to + padded;
    for (int32_t k = 0; k < v->kh; k++, top += v->dilation_h)
        to = gather_row(v, top, left, to);
    filled_16(to, (int32_t)(end - to), 0);
}

/* Sums of two outputs, o and p, for four pixels. */
typedef struct {
    int32x4_t o, p;
} sums;

static inline sums sums_of(const int8_t *const *x, const int8_t *weight, int32_t padded)
{
    const int8_t *a = x[0], *b = x[1], *c = x[2], *d = x[3];
    int32_t ao = 0, bo = 0, co = 0, zo = 0, ap = 0, bp = 0, cp = 0, zp = 0;
    for (int32_t i = padded >> 4; i > 0; i--, a += 16, b += 16, c += 16, d += 16, weight += 32) {
        const int32x4x2_t pair = vld2q_s32((const int32_t *)(const void *)weight);
        const int8x16_t o = vreinterpretq_s8_s32(pair.val[0]), p = vreinterpretq_s8_s32(pair.val[1]);
        const int8x16_t u = vldrbq_s8(a), v = vldrbq_s8(b), w = vldrbq_s8(c), z = vldrbq_s8(d);
        ao = vmladavaq_s8(ao, u, o);
        ap = vmladavaq_s8(ap, u, p);
        bo = vmladavaq_s8(bo, v, o);
        bp = vmladavaq_s8(bp, v, p);
        co = vmladavaq_s8(co, w, o);
        cp = vmladavaq_s8(cp, w, p);
        zo = vmladavaq_s8(zo, z, o);
        zp = vmladavaq_s8(zp, z, p);
    }
    if (padded & 15) { /* lanes that are not there read zeros */
        const uint32x4_t apart = vidupq_n_u32(0, 8);
        const mve_pred16_t words = vctp32q((uint32_t)(padded & 15) >> 2), there = vctp8q((uint32_t)padded & 15u);
        const int32_t *const from = (const int32_t *)(const void *)weight;
        const int8x16_t o = vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(from, apart, words));
        const int8x16_t p = vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(from + 1, apart, words));
        const int8x16_t u = vldrbq_z_s8(a, there), v = vldrbq_z_s8(b, there), w = vldrbq_z_s8(c, there),
                        z = vldrbq_z_s8(d, there);
        ao = vmladavaq_s8(ao, u, o);
        ap = vmladavaq_s8(ap, u, p);
        bo = vmladavaq_s8(bo, v, o);
        bp = vmladavaq_s8(bp, v, p);
        co = vmladavaq_s8(co, w, o);
        cp = vmladavaq_s8(cp, w, p);
        zo = vmladavaq_s8(zo, z, o);
        zp = vmladavaq_s8(zp, z, p);
    }
    const sums s = {{ao, bo, co, zo}, {ap, bp, cp, zp}};
    return s;
}

/* What a layer does with its sums, and where the lanes go. */
typedef struct {
    int32x4_t low, high;
    uint32x4_t apart;
    mve_pred16_t there;
    int32_t zero, up, round, n;
} ending;

/* One output of four pixels: `begin` is 256 times its bias, and more where all of them lie above the zero point. */
static inline void finish(int32x4_t s, int32_t begin, int32_t multiplier, int32_t shift, const ending *e, int8_t *y)
{
    const int32x4_t whole = vaddq_n_s32(vshlq_n_s32(s, 8), begin);
    const int32x4_t up = vshlq_r_s32(vaddq_n_s32(vmulhq_s32(whole, vdupq_n_s32(multiplier)), e->round), -e->n);
    const int32x4_t q = e->up ? up : vqaddq_n_s32(rescaled_n(vshrq_n_s32(whole, 8), multiplier, -shift), e->zero);
    vstrbq_scatter_offset_p_s32(y, e->apart, vmaxq_s32(vminq_s32(q, e->high), e->low), e->there);
}

static void together(const int8_t *const *pixel, const int32_t *row, int32_t padded, const ending *e, int8_t *y,
                     int32_t c_out)
{
    for (int32_t o = 0; o < c_out; o += 2) {
        const int32_t *const end = row + 2 + padded / 2, shifts = e->up ? 0 : end[2];
        const sums s = sums_of(pixel, (const int8_t *)(row + 2), padded);
        int8_t *const to = y + (o + 1 < c_out ? o : c_out - 2); /* an odd last one comes with the one before it */
        finish(s.o, row[0], end[0], shifts & 0xffff, e, to);
        finish(s.p, row[1], end[1], shifts >> 16, e, to + 1);
        row = end + (e->up ? 2 : 3);
    }
}

static void convolve(const int8_t *x, const int32_t *rows, const int16_t *g, int8_t *seen, int8_t *y, int32_t up)
{
    const int32_t c = g[C], h_out = g[H_OUT], w_out = g[W_OUT], c_out = g[C_OUT];
    const view v = {x, g[H], g[W], c, g[KH], g[KW], g[DILATION_H], g[DILATION_W], g[X_ZERO]};
    const int32_t padded = (v.kh * v.kw * c + 3) & ~3, n = h_out * w_out, zero = g[Y_ZERO];
    ending e = {vdupq_n_s32(g[LOW]),
                vdupq_n_s32(g[HIGH]),
                vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)c_out),
                0,
                zero,
                up,
                (2 * zero + 1) * (1 << g[N]) / 2,
                g[N]};
    int32_t top = -g[PAD_TOP], left = -g[PAD_LEFT], column = 0;
    for (int32_t i = 0; i < n; i += PIXELS, y += PIXELS * c_out) {
        const int8_t *pixel[PIXELS] = {seen, seen, seen, seen}; /* those that are not there: the first again */
        const int32_t there = n - i < PIXELS ? n - i : PIXELS;
        for (int32_t slot = 0; slot < there; slot++) {
            pixel[slot] = seen + slot * padded;
            gather(&v, top, left, seen + slot * padded, padded);
            left += g[STRIDE_W];
            if (++column == w_out)
                column = 0, left = -g[PAD_LEFT], top += g[STRIDE_H];
        }
        e.there = vctp32q((uint32_t)there);
        together(pixel, rows, padded, &e, y, c_out);
    }
}

void k_conv2d_up_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y)
{
    convolve(x, rows, geometry, scratch, y, 1);
}

void k_conv2d_inside_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y)
{
    convolve(x, rows, geometry, scratch, y, 1);
}

void k_conv2d_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y)
{
    convolve(x, rows, geometry, scratch, y, 0);
}
#endif
