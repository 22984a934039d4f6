/* Depthwise convolution over two axes for cores with vectors: eight channels at a time, in strips as depthwise2d.c has
   them, so that the output may take the place of the input here too. */
#include "conv2d.h"
#include "kernels.h"
#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
enum {
    ROWS = 8, /* most output rows that are done at once: plane_s8.py sees to the memory */
    GROUP = 8  /* channels whose int8 take the room of four planes of int16 there */
};

/* Eight channels: the even ones and the odd ones, for products widen like that. */
typedef struct {
    int32x4_t even, odd;
} eight;

typedef struct {
    int32_t kh, kw, step, pitch; /* bytes from an output's values to the next one's, and from row to row */
    const int8_t *weight;
    int32_t c; /* from a tap's weights to the next one's */
    mve_pred16_t there;
    eight bias, multiplier, left, right;
    int32_t zero, low, high, up, round, n;
} channels;

static inline eight two(const int32_t *values)
{
    const int32x4x2_t v = vld2q_s32(values);
    const eight e = {v.val[0], v.val[1]};
    return e;
}

/* Scales of n channels from `j` on. */
static void load_scales(channels *k, const int32_t *bias, const int32_t *multiplier, const int8_t *shift, int32_t n)
{
    int32_t b[GROUP] = {0}, m[GROUP] = {0}, left[GROUP] = {0}, right[GROUP] = {0};
    for (int32_t i = 0; i < n; i++) {
        b[i] = bias[i], m[i] = multiplier[i];
        *(shift[i] > 0 ? left + i : right + i) = shift[i];
    }
    k->bias = two(b), k->multiplier = two(m), k->left = two(left), k->right = two(right);
    k->there = vctp16q((uint32_t)n);
}

/* The same where every output lies at the zero point or above: what a sum begins with, and its multiplier, in turn. */
static void load_lines(channels *k, const int32_t *lines, int32_t n)
{
    int32_t b[GROUP] = {0}, m[GROUP] = {0};
    for (int32_t i = 0; i < n; i++)
        b[i] = lines[2 * i], m[i] = lines[2 * i + 1];
    k->bias = two(b), k->multiplier = two(m);
    k->there = vctp16q((uint32_t)n);
}

static inline int32x4_t lifted_n(int32x4_t sum, int32x4_t begin, int32x4_t multiplier, const channels *k)
{
    const int32x4_t whole = vaddq_s32(vshlq_n_s32(sum, 8), begin);
    return vsubq_n_s32(vshlq_r_s32(vaddq_n_s32(vmulhq_s32(whole, multiplier), k->round), -k->n), k->zero);
}

static inline eight added(eight sum, int16x8_t products)
{
    const eight e = {vaddq_s32(sum.even, vmovlbq_s16(products)), vaddq_s32(sum.odd, vmovltq_s16(products))};
    return e;
}

static inline void finish(eight sum, const channels *k, int8_t *y)
{
    const int32x4_t even = k->up ? lifted_n(sum.even, k->bias.even, k->multiplier.even, k)
                                 : rescaled(sum.even, k->multiplier.even, k->left.even, k->right.even);
    const int32x4_t odd = k->up ? lifted_n(sum.odd, k->bias.odd, k->multiplier.odd, k)
                                : rescaled(sum.odd, k->multiplier.odd, k->left.odd, k->right.odd);
    int16x8_t q = vqmovntq_s32(vqmovnbq_s32(vuninitializedq_s16(), even), odd);
    q = vqaddq_n_s16(q, (int16_t)k->zero);
    q = vmaxq_s16(vminq_s16(q, vdupq_n_s16((int16_t)k->high)), vdupq_n_s16((int16_t)k->low));
    vstrbq_p_s16(y, q, k->there);
}

/* One output pixel, or two that are neighbours. Two products of int8 add up within 16 bits: no weight is -128. */
static inline void pixels(const int8_t *x, const channels *k, int8_t *y, int32_t n)
{
    const int8_t *w = k->weight;
    const eight none = {vdupq_n_s32(0), vdupq_n_s32(0)};
    eight a = k->up ? none : k->bias, b = a;
    for (int32_t r = 0; r < k->kh; r++, x += k->pitch) {
        const int8_t *u = x, *v = x + k->step;
        int32_t t = k->kw;
        for (; t > 1; t -= 2, u += 2 * GROUP, v += 2 * GROUP, w += 2 * k->c) {
            const int16x8_t first = vldrbq_z_s16(w, k->there), second = vldrbq_z_s16(w + k->c, k->there);
            a = added(a, vaddq_s16(vmulq_s16(vldrbq_s16(u), first), vmulq_s16(vldrbq_s16(u + GROUP), second)));
            if (n > 1)
                b = added(b, vaddq_s16(vmulq_s16(vldrbq_s16(v), first), vmulq_s16(vldrbq_s16(v + GROUP), second)));
        }
        if (t) {
            const int16x8_t last = vldrbq_z_s16(w, k->there);
            a = added(a, vmulq_s16(vldrbq_s16(u), last));
            if (n > 1)
                b = added(b, vmulq_s16(vldrbq_s16(v), last));
            w += k->c;
        }
    }
    finish(a, k, y);
    if (n > 1)
        finish(b, k, y + k->c);
}

static void rows_of(const int8_t *x, int32_t down, const channels *k, int8_t *y, int32_t n_columns, int32_t n_rows)
{
    for (; n_rows > 0; n_rows--, x += down) {
        const int8_t *from = x;
        int32_t column = 0;
        for (; column + 1 < n_columns; column += 2, from += 2 * k->step, y += 2 * k->c)
            pixels(from, k, y, 2);
        if (column < n_columns) {
            pixels(from, k, y, 1);
            y += k->c;
        }
    }
}

/* n_columns pixels of a group, side by side. */
static void packed(const int8_t *x, int32_t n_columns, int32_t c, mve_pred16_t there, int8_t *to)
{
    for (; n_columns > 0; n_columns--, x += c, to += GROUP)
        vstrbq_s16(to, vldrbq_z_s16(x, there));
}

static void depthwise(const int8_t *x, const int8_t *weight, const int32_t *lines, const int32_t *bias,
                      const int32_t *multiplier, const int8_t *shift, const int16_t *g, void *scratch, int8_t *y)
{
    const int32_t h = g[H], w = g[W], c = g[C], h_out = g[H_OUT], w_out = g[W_OUT], c_out = g[C_OUT];
    const int32_t kh = g[KH], kw = g[KW], stride_h = g[STRIDE_H], stride_w = g[STRIDE_W], pad_top = g[PAD_TOP];
    const int32_t pad_left = g[PAD_LEFT], x_zero = g[X_ZERO], strips = (h_out + ROWS - 1) / ROWS;
    const int32_t strip = (h_out + strips - 1) / strips; /* of like height */
    const int32_t width = (w_out - 1) * stride_w + kw, n_rows = (strip - 1) * stride_h + kh;
    const int32_t n_columns = w < width - pad_left ? w : width - pad_left;
    const int32_t pitch = width * GROUP, kept = kh > stride_h ? kh - stride_h : 0;
    int8_t *const held = scratch;
    channels k = {.kh = kh,
                  .kw = kw,
                  .step = stride_w * GROUP,
                  .pitch = pitch,
                  .c = c,
                  .zero = g[Y_ZERO],
                  .low = g[LOW],
                  .high = g[HIGH],
                  .up = lines != 0,
                  .n = g[N],
                  .round = (2 * g[Y_ZERO] + 1) * (1 << g[N]) / 2};
    for (int32_t j = 0; j < c_out; j += GROUP) {
        const int32_t n_channels = c - j < GROUP ? c - j : GROUP;
        if (lines)
            load_lines(&k, lines + 2 * j, n_channels);
        else
            load_scales(&k, bias + j, multiplier + j, shift + j, n_channels);
        k.weight = weight + j;
        filled_16(held, n_rows * pitch, x_zero);
        for (int32_t first = 0; first < h_out; first += strip) {
            const int32_t n = h_out - first < strip ? h_out - first : strip;
            for (int32_t r = first ? kept : 0; r < (n - 1) * stride_h + kh; r++) {
                const int32_t row = first * stride_h - pad_top + r;
                if (row >= 0 && row < h)
                    packed(x + row * w * c + j, n_columns, c, k.there, held + r * pitch + pad_left * GROUP);
                else
                    filled_16(held + r * pitch, pitch, x_zero);
            }
            rows_of(held, stride_h * pitch, &k, y + first * w_out * c + j, w_out, n);
            copied_16(held, held + n * stride_h * pitch, kept * pitch);
        }
    }
}

void k_depthwise_3x3_s8(const int8_t *x, const int8_t *weight, const int32_t *lines, const int16_t *geometry,
                        void *scratch, int8_t *y)
{
    depthwise(x, weight, lines, 0, 0, 0, geometry, scratch, y);
}

void k_depthwise_up_s8(const int8_t *x, const int8_t *weight, const int32_t *lines, const int16_t *geometry,
                       void *scratch, int8_t *y)
{
    depthwise(x, weight, lines, 0, 0, 0, geometry, scratch, y);
}

void k_depthwise_conv2d_s8(const int8_t *x, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                           const int8_t *shift, const int16_t *geometry, void *scratch, int8_t *y)
{
    depthwise(x, weight, 0, bias, multiplier, shift, geometry, scratch, y);
}
#endif
