/* Depthwise convolution over two axes: x is (h, w, c), weight (kh, kw, c_out), y (h_out, w_out, c_out). */
#include "kernels.h"
#include "requantize.h"
#include "conv2d.h"

#if !defined(__ARM_FEATURE_MVE) /* else depthwise2d_mve.c */
/* One axis: how long, and bytes from one value to the next. */
typedef struct {
    int32_t x, y, taps, stride, pad, x_step, y_step, w_step;
} axis;

/* A channel's values lie far apart in x but its taps are neighbours: so it is laid out as a plane of int16, one strip of
   rows after the other. Rows that the next strip needs again are kept: the output may take the place of the input. */
typedef struct {
    axis down, along; /* from row to row and along a row of the plane */
    int16_t *plane;
    uint32_t *pairs;
    int32_t width, strip, x_zero, n_columns; /* the width is even */
} shape;

/* One channel: what its sum begins with (in steps of 1 / 256), and how it becomes int8. */
typedef struct {
    const int8_t *weight;
    int32_t begin, multiplier, round, n, up; /* up: every output lies at the zero point or above */
} channel;

SMALL static void fill(int16_t *to, int32_t n, int32_t value)
{
    while (n-- > 0)
        *to++ = (int16_t)value;
}

#if defined(__ARM_FEATURE_SIMD32)
#pragma GCC diagnostic ignored "-Wunused-parameter" /* assembly takes them from registers */
/* n values, `step` bytes apart, as int16. */
__attribute__((naked, noinline)) static void spread(const int8_t *x, int32_t n, int32_t step, int16_t *to)
{
    __asm__("subs r1, r1, #2\n"
            "bmi 2f\n"
            "1: ldrsb r12, [r0, r2]\n"
            "strh r12, [r3, #2]\n"
            "ldrsb r12, [r0]\n"
            "strh r12, [r3], #4\n"
            "add r0, r0, r2, lsl #1\n"
            "subs r1, r1, #2\n"
            "bpl 1b\n"
            "2: adds r1, r1, #2\n"
            "it eq\n"
            "bxeq lr\n"
            "ldrsb r12, [r0]\n"
            "strh r12, [r3]\n"
            "bx lr\n");
}
#else
static void spread(const int8_t *x, int32_t n, int32_t step, int16_t *to)
{
    for (; n > 0; n--, x += step)
        *to++ = *x;
}
#endif

static int8_t finish(int32_t sum, const channel *k)
{
    if (k->up)
        return lifted(sum, k->multiplier, k->round, k->n);
    const scaling s = {k->multiplier, k->round, k->n};
    return scaled(sum >> 8, s);
}

#if defined(__ARM_FEATURE_SIMD32)
/* 256 times two weights, the first of them low. */
static inline uint32_t pair(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xffu) << 8 | (uint32_t)high << 24;
}

/* Rows of outputs of a 3 x 3 kernel with stride 1, two at a time: 12 multiplications for their 18 products. */
typedef struct {
    uint32_t pairs[6]; /* (w0, w1), (w1, w2) of each kernel row */
    int32_t begin, multiplier, round, n, bytes, rows, odd, back, step;
} three_by_three;

/* x: plane of int16, `width` bytes from row to row; y: `step` bytes from output to output, `back` from the end of a row
   to the next; `bytes` of input are the outputs that come in twos, `odd` whether there is one more. */
__attribute__((naked, noinline)) static void rows_3x3(const three_by_three *k, const int16_t *x, int8_t *y,
                                                      int32_t width)
{
    __asm__("push {r4-r11, lr}\n"
            "sub sp, #40\n"
            "add r12, r0, #24\n"
            "ldm r12!, {r4-r11}\n"
            "stm sp, {r4-r11}\n" /* begin, multiplier, round, n, bytes, rows, odd, back */
            "str r1, [sp, #32]\n"
            "ldr lr, [r12]\n"
            "ldm r0, {r4-r9}\n"
            "mov r0, lr\n"
            "mov r12, r3\n"
            "1: ldr r1, [sp, #32]\n"
            "ldr r3, [sp, #16]\n"
            "add r3, r3, r1\n"
            "str r3, [sp, #36]\n"
            "cmp r1, r3\n"
            "beq 3f\n"
            "2: ldr r10, [sp]\n" /* r10 and r11: the sums of two neighbours */
            "ldr r3, [r1, r12]\n"
            "smlatb r11, r3, r6, r10\n"
            "smlad r10, r3, r6, r10\n"
            "ldr r3, [r1, r12, lsl #1]\n"
            "smlatb r11, r3, r8, r11\n"
            "smlad r10, r3, r8, r10\n"
            "ldr r3, [r1], #4\n"
            "smlatb r11, r3, r4, r11\n"
            "smlad r10, r3, r4, r10\n"
            "ldr r3, [r1]\n"
            "smlad r11, r3, r5, r11\n"
            "smlabt r10, r3, r5, r10\n"
            "ldr r3, [r1, r12]\n"
            "smlad r11, r3, r7, r11\n"
            "smlabt r10, r3, r7, r10\n"
            "ldr r3, [r1, r12, lsl #1]\n"
            "smlad r11, r3, r9, r11\n"
            "smlabt r10, r3, r9, r10\n"
            "ldrd r3, lr, [sp, #4]\n"
            "smmla r10, r10, r3, lr\n"
            "smmla r11, r11, r3, lr\n"
            "ldr r3, [sp, #12]\n"
            "asr r10, r10, r3\n"
            "asr r11, r11, r3\n"
            "ssat r10, #8, r10\n"
            "ssat r11, #8, r11\n"
            "strb r10, [r2]\n"
            "strb r11, [r2, r0]\n"
            "add r2, r2, r0, lsl #1\n"
            "ldr r3, [sp, #36]\n"
            "cmp r1, r3\n"
            "bne 2b\n"
            "3: ldr r3, [sp, #24]\n"
            "cbz r3, 4f\n"
            "ldr r10, [sp]\n" /* one output is left in the row */
            "ldr r3, [r1, r12]\n"
            "ldr r11, [r1, r12, lsl #1]\n"
            "smlad r10, r3, r6, r10\n"
            "smlad r10, r11, r8, r10\n"
            "ldr r3, [r1], #4\n"
            "ldr r11, [r1]\n"
            "smlad r10, r3, r4, r10\n"
            "smlabt r10, r11, r5, r10\n"
            "ldr r3, [r1, r12]\n"
            "ldr r11, [r1, r12, lsl #1]\n"
            "smlabt r10, r3, r7, r10\n"
            "smlabt r10, r11, r9, r10\n"
            "ldrd r3, lr, [sp, #4]\n"
            "smmla r10, r10, r3, lr\n"
            "ldr r3, [sp, #12]\n"
            "asr r10, r10, r3\n"
            "ssat r10, #8, r10\n"
            "strb r10, [r2]\n"
            "add r2, r2, r0\n"
            "4: ldr r3, [sp, #28]\n"
            "add r2, r2, r3\n"
            "ldrd r1, r3, [sp, #32]\n"
            "add r1, r1, r12\n"
            "str r1, [sp, #32]\n"
            "ldr r3, [sp, #20]\n"
            "subs r3, r3, #1\n"
            "str r3, [sp, #20]\n"
            "bne 1b\n"
            "add sp, #40\n"
            "pop {r4-r11, pc}\n");
}

/* Any kernel: `pairs` holds for each kernel row the weights as pairs that begin at an even column, (w0, w1), (w2, w3)
   ..., and as pairs that begin one before an odd column, (0, w0), (w1, w2) ...: both woven together. */
__attribute__((noinline)) static void row_any(const uint32_t *x, const shape *s, const channel *k, int8_t *y)
{
    const int32_t n_pairs = (s->along.taps + 2) / 2, n = s->along.y, words = s->width / 2;
    for (int32_t i = 0, column = 0; i < n; i++, column += s->along.stride, y += s->along.y_step) {
        const uint32_t *w = s->pairs + (column & 1), *from = x + (column >> 1);
        const int32_t both = s->along.stride == 1 && i + 1 < n; /* the next output reads the same words */
        int32_t e = k->begin, f = e;
        for (int32_t r = 0; r < s->down.taps; r++, from += words - n_pairs)
            if (both)
                for (int32_t t = 0; t < n_pairs; t++, w += 2) {
                    const uint32_t u = *from++;
                    e = __smlad((int32_t)u, (int32_t)w[0], e);
                    f = __smlad((int32_t)u, (int32_t)w[1], f);
                }
            else
                for (int32_t t = 0; t < n_pairs; t++, w += 2)
                    e = __smlad((int32_t)*from++, (int32_t)*w, e);
        *y = finish(e, k);
        if (both) {
            i++, column++, y += s->along.y_step;
            *y = finish(f, k);
        }
    }
}

SMALL static void load_pairs(const shape *s, const int8_t *weight)
{
    uint32_t *pairs = s->pairs;
    for (int32_t r = 0; r < s->down.taps; r++, weight += s->down.w_step)
        for (int32_t t = 0, before = 0; t < s->along.taps + 1; t += 2, pairs += 2) {
            const int8_t *const at = weight + t * s->along.w_step;
            const int32_t a = t < s->along.taps ? *at : 0, b = t + 1 < s->along.taps ? at[s->along.w_step] : 0;
            pairs[0] = pair(a, b);
            pairs[1] = pair(before, a);
            before = b;
        }
}

/* n_rows of outputs from the plane. */
static inline void strip_3x3(const shape *s, const channel *k, int8_t *y, int32_t n_rows)
{
    three_by_three t;
    const int8_t *w = k->weight;
    for (int32_t r = 0; r < 3; r++, w += s->down.w_step) {
        const int32_t middle = w[s->along.w_step];
        t.pairs[2 * r] = pair(w[0], middle);
        t.pairs[2 * r + 1] = pair(middle, w[2 * s->along.w_step]);
    }
    t.begin = k->begin, t.multiplier = k->multiplier, t.round = k->round, t.n = k->n;
    t.bytes = 2 * (s->along.y & ~1), t.odd = s->along.y & 1, t.rows = n_rows, t.step = s->along.y_step;
    t.back = s->down.y_step - s->along.y * s->along.y_step;
    rows_3x3(&t, s->plane, y, 2 * s->width);
}

static inline void strip_of(const shape *s, const channel *k, int8_t *y, int32_t n_rows)
{
    load_pairs(s, k->weight);
    for (int32_t r = 0; r < n_rows; r++, y += s->down.y_step)
        row_any((const uint32_t *)(const void *)(s->plane + r * s->down.stride * s->width), s, k, y);
}
#else
#define strip_3x3 strip_of
static void strip_of(const shape *s, const channel *k, int8_t *y, int32_t n_rows)
{
    const int32_t kh = s->down.taps, kw = s->along.taps;
    const int32_t up = k->up, begin = k->begin, multiplier = k->multiplier, round = k->round, shift = k->n;
    int32_t *const taps = (int32_t *)(void *)s->pairs;
    for (int32_t i = 0; i < kh * kw; i++)
        taps[i] = k->weight[i / kw * s->down.w_step + i % kw * s->along.w_step];
    for (int32_t i = 0; i < n_rows; i++, y += s->down.y_step) {
        const int16_t *from = s->plane + i * s->down.stride * s->width;
        int8_t *to = y;
        for (int32_t j = 0; j < s->along.y; j++, to += s->along.y_step, from += s->along.stride) {
            const int16_t *x = from;
            const int32_t *w = taps;
            int32_t sum = 0;
            for (int32_t r = kh; r > 0; r--, x += s->width) {
                if (kw == 3) {
                    sum += x[0] * w[0] + x[1] * w[1] + x[2] * w[2];
                    w += 3;
                } else
                    for (int32_t t = 0; t < kw; t++)
                        sum += x[t] * *w++;
            }
            *to = up ? lifted(256 * sum + begin, multiplier, round, shift) : finish(256 * sum + begin, k);
        }
    }
}
#endif

/* One channel: x and y are those of its first value. In line, so that a model is linked with what it needs. */
__attribute__((always_inline)) static inline void work_out(const shape *s, const channel *k, const int8_t *x, int8_t *y,
                                                           int32_t three)
{
    const axis *const d = &s->down, *const a = &s->along;
    const int32_t kept = d->taps > d->stride ? (d->taps - d->stride) * s->width : 0;
    for (int32_t first = 0; first < d->y; first += s->strip) {
        const int32_t n = d->y - first < s->strip ? d->y - first : s->strip;
        int16_t *to = s->plane + (first ? kept : 0);
        int32_t row = first * d->stride - d->pad + (first && kept ? d->taps - d->stride : 0);
        for (int16_t *const end = s->plane + ((n - 1) * d->stride + d->taps) * s->width; to < end;
             to += s->width, row++)
            if (row >= 0 && row < d->x)
                spread(x + row * d->x_step, s->n_columns, a->x_step, to + a->pad);
            else if (s->strip < d->y) /* else what was there stays */
                fill(to, s->width, s->x_zero);
        if (three)
            strip_3x3(s, k, y + first * d->y_step, n);
        else
            strip_of(s, k, y + first * d->y_step, n);
        for (int32_t i = 0; first + n < d->y && i < kept; i++)
            s->plane[i] = s->plane[i + n * d->stride * s->width];
    }
}

/* The numbers of one axis of x, 0: from row to row, 1: along a row; in a geometry they lie beside one another. */
SMALL __attribute__((noinline)) static void set(axis *a, const int16_t *g, int32_t which)
{
    const int32_t c = g[C];
    a->x = g[H + which], a->y = g[H_OUT + which], a->taps = g[KH + which];
    a->stride = g[STRIDE_H + which], a->pad = g[PAD_TOP + which];
    a->x_step = a->y_step = a->w_step = c;
    if (which == 0)
        a->x_step *= g[W], a->y_step *= g[W_OUT], a->w_step *= g[KW];
}

SMALL __attribute__((noinline)) static void lay_out(shape *s, const int16_t *g, void *scratch)
{
    set(&s->down, g, g[DOWN]);
    set(&s->along, g, !g[DOWN]);
    s->plane = scratch, s->width = g[WIDTH_OF_ROW], s->strip = g[STRIP], s->x_zero = g[X_ZERO];
    const int32_t most = s->width - s->along.pad;
    const int32_t size = ((s->strip - 1) * s->down.stride + s->down.taps) * s->width;
    s->n_columns = s->along.x < most ? s->along.x : most;
    s->pairs = (uint32_t *)(void *)(s->plane + size);
    fill(s->plane, size, s->x_zero);
}

/* Every channel. In line for the same reason. */
__attribute__((always_inline)) static inline void channels_up(const int8_t *x, const int8_t *weight,
                                                              const int32_t *lines, const int16_t *g, void *scratch,
                                                              int8_t *y, int32_t three)
{
    shape s;
    lay_out(&s, g, scratch);
    for (int32_t j = 0; j < g[C]; j++, lines += 2) {
        const channel k = {weight + j, lines[0], lines[1], (2 * g[Y_ZERO] + 1) * (1 << g[N]) / 2, g[N], 1};
        work_out(&s, &k, x + j, y + j, three);
    }
    bound(y, g[H_OUT] * g[W_OUT] * g[C], g[LOW], g[HIGH]);
}

/* A kernel of 3 x 3 with stride 1. */
SMALL void k_depthwise_3x3_s8(const int8_t *x, const int8_t *weight, const int32_t *lines, const int16_t *geometry,
                              void *scratch, int8_t *y)
{
    channels_up(x, weight, lines, geometry, scratch, y, 1);
}

SMALL void k_depthwise_up_s8(const int8_t *x, const int8_t *weight, const int32_t *lines, const int16_t *geometry,
                             void *scratch, int8_t *y)
{
    channels_up(x, weight, lines, geometry, scratch, y, 0);
}

SMALL void k_depthwise_conv2d_s8(const int8_t *x, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                                 const int8_t *shift, const int16_t *geometry, void *scratch, int8_t *y)
{
    const int16_t *const g = geometry;
    shape s;
    lay_out(&s, g, scratch);
    for (int32_t j = 0; j < g[C]; j++) {
        const scaling t = scaling_of(multiplier[j], shift[j], g[Y_ZERO]);
        const channel k = {weight + j, 256 * bias[j], t.multiplier, t.round, t.n, 0};
        work_out(&s, &k, x + j, y + j, 0);
    }
    bound(y, g[H_OUT] * g[W_OUT] * g[C], g[LOW], g[HIGH]);
}
#endif

void k_depthwise_any_s8(const int8_t *x, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                        const int8_t *shift, const int16_t *geometry, int8_t *y)
{
    const int16_t *const g = geometry;
    const int32_t h = g[H], w = g[W], c = g[C], h_out = g[H_OUT], w_out = g[W_OUT], c_out = g[C_OUT];
    const int32_t times = c_out / c, kh = g[KH], kw = g[KW];
    for (int32_t i = 0; i < h_out * w_out; i++) {
        const int32_t top = i / w_out * g[STRIDE_H] - g[PAD_TOP], left = i % w_out * g[STRIDE_W] - g[PAD_LEFT];
        for (int32_t o = 0; o < c_out; o++) {
            int32_t sum = bias[o];
            for (int32_t k = 0; k < kh * kw; k++) {
                const int32_t row = top + k / kw * g[DILATION_H], column = left + k % kw * g[DILATION_W];
                const int32_t outside = row < 0 || row >= h || column < 0 || column >= w;
                sum += (outside ? g[X_ZERO] : x[(row * w + column) * c + o / times]) * weight[k * c_out + o];
            }
            *y++ = requantize(sum, multiplier[o], shift[o], g[Y_ZERO], g[LOW], g[HIGH]);
        }
    }
}

void k_depthwise_conv2d(const float *x, int32_t h, int32_t w, int32_t c, const float *weight, const float *bias,
                        int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t dilation_h,
                        int32_t dilation_w, int32_t pad_top, int32_t pad_left, float *y, int32_t h_out, int32_t w_out,
                        int32_t c_out)
{
    const int32_t times = c_out / c;
    for (int32_t i = 0; i < h_out * w_out; i++) {
        const int32_t top = i / w_out * stride_h - pad_top, left = i % w_out * stride_w - pad_left;
        for (int32_t o = 0; o < c_out; o++) {
            float sum = bias[o];
            for (int32_t k = 0; k < kh * kw; k++) {
                const int32_t row = top + k / kw * dilation_h, column = left + k % kw * dilation_w;
                if (row >= 0 && row < h && column >= 0 && column < w)
                    sum += x[(row * w + column) * c + o / times] * weight[k * c_out + o];
            }
            *y++ = sum;
        }
    }
}
