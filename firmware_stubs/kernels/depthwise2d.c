/* Depthwise convolution over two axes: x is (h, w, c), weight (kh, kw, c_out), y (h_out, w_out, c_out). */
#include "kernels.h"
#include "tile.h"

#if !defined(__ARM_FEATURE_MVE) /* else depthwise2d_mve.c */
enum {
    STRIP = 8 /* most output rows that are done at once; studio/graph/ops/plane_s8.py knows it too */
};

/* Channels lie far apart in x but taps are neighbours in time and space: so four channels at a time are laid out as
   planes of int16, one strip of rows after the other. Rows that the next strip needs again are kept, so the output may
   take the place of the input. */
typedef struct {
    int16_t *plane[4];
    int32_t width, n_rows; /* of a plane; the width is even */
} planes;

__attribute__((noinline)) static void spread(const int8_t *x, int32_t n_columns, int32_t step, int32_t n_channels, const planes *p, int32_t at)
{
#if defined(__ARM_FEATURE_SIMD32)
    if (n_channels == 4) {
        int16_t *a = p->plane[0] + at, *b = p->plane[1] + at, *c = p->plane[2] + at, *d = p->plane[3] + at;
        for (; n_columns > 0; n_columns--, x += step) {
            const uint32_t bytes = four(x), even = (uint32_t)__sxtb16((int32_t)bytes);
            const uint32_t odd = (uint32_t)__sxtb16((int32_t)(bytes >> 8 | bytes << 24));
            *a++ = (int16_t)even;
            *b++ = (int16_t)odd;
            *c++ = (int16_t)(even >> 16);
            *d++ = (int16_t)(odd >> 16);
        }
        return;
    }
#endif
    for (int32_t j = 0; j < n_channels; j++)
        for (int32_t i = 0; i < n_columns; i++)
            p->plane[j][at + i] = x[i * step + j];
}

__attribute__((noinline)) static void fill(int16_t *to, int32_t n, int32_t value)
{
    while (n-- > 0)
        *to++ = (int16_t)value;
}

/* The last n values of a plane, which the next strip begins with; both numbers are even. */
static void keep(int16_t *plane, int32_t from, int32_t n)
{
    uint32_t *to = (uint32_t *)(void *)plane;
    for (const uint32_t *end = to + n / 2; to < end; to++)
        *to = to[from / 2];
}

/* One channel: its kernel, and how its sums become int8. */
typedef struct {
    int32_t kh, kw, stride_w, bias, multiplier, shift, zero, usually;
} channel;

__attribute__((noinline)) static int8_t finish(int32_t sum, const channel *k)
{
    if (k->usually)
        return scaled(sum, scaling_of(k->multiplier, k->shift, k->zero));
    return requantize(sum, k->multiplier, k->shift, k->zero, -128, 127);
}

#if defined(__ARM_FEATURE_SIMD32)
static inline uint32_t pair(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xffffu) | (uint32_t)high << 16;
}

/* Rows of outputs of a 3 x 3 kernel with stride 1, two at a time: 12 multiplications for their 18 products. */
typedef struct {
    uint32_t pairs[6]; /* (w0, w1), (w1, w2) of each kernel row */
    int32_t bias, multiplier, round, n, columns, rows, step;
} three_by_three;

/* x: plane of int16, `width` bytes from row to row; y: `step` bytes from output to output. */
__attribute__((naked, noinline)) static void rows_3x3(const three_by_three *k, const int16_t *x, int8_t *y,
                                                      int32_t width)
{
    __asm__("push {r4-r11, lr}\n"
            "sub sp, #32\n"
            "add r12, r0, #24\n"
            "ldm r12, {r4-r10}\n"
            "stm sp, {r4-r9}\n" /* bias, multiplier, round, n, columns, rows */
            "strd r1, r10, [sp, #24]\n" /* the row of x, step */
            "mov r12, r3\n"
            "ldm r0, {r4-r9}\n"
            "1: ldr r1, [sp, #24]\n"
            "ldr lr, [sp, #16]\n"
            "ldr r0, [sp, #28]\n"
            "subs lr, lr, #2\n"
            "bmi 3f\n"
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
            "ldr r3, [sp, #4]\n"
            "add r10, r10, r10\n"
            "add r11, r11, r11\n"
            "smmulr r10, r10, r3\n"
            "smmulr r11, r11, r3\n"
            "ldr r3, [sp, #8]\n"
            "add r10, r10, r10, asr #31\n"
            "add r11, r11, r11, asr #31\n"
            "add r10, r10, r3\n"
            "add r11, r11, r3\n"
            "ldr r3, [sp, #12]\n"
            "asr r10, r10, r3\n"
            "asr r11, r11, r3\n"
            "ssat r10, #8, r10\n"
            "ssat r11, #8, r11\n"
            "strb r10, [r2]\n"
            "strb r11, [r2, r0]\n"
            "add r2, r2, r0, lsl #1\n"
            "subs lr, lr, #2\n"
            "bpl 2b\n"
            "3: adds lr, lr, #2\n"
            "beq 4f\n"
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
            "ldrd r3, r11, [sp, #4]\n"
            "add r10, r10, r10\n"
            "smmulr r10, r10, r3\n"
            "ldr r3, [sp, #12]\n"
            "add r10, r10, r10, asr #31\n"
            "add r10, r10, r11\n"
            "asr r10, r10, r3\n"
            "ssat r10, #8, r10\n"
            "strb r10, [r2]\n"
            "add r2, r2, r0\n"
            "4: ldrd r3, r1, [sp, #20]\n"
            "add r1, r1, r12\n"
            "subs r3, r3, #1\n"
            "strd r3, r1, [sp, #20]\n"
            "bne 1b\n"
            "add sp, #32\n"
            "pop {r4-r11, pc}\n");
}

/* Any kernel: `pairs` holds for each kernel row the weights as pairs that begin at an even column, (w0, w1), (w2, w3)
   ..., and as pairs that begin one before an odd column, (0, w0), (w1, w2) ...: both woven together. */
__attribute__((noinline)) static void row_any(const uint32_t *x, int32_t words, const uint32_t *pairs, const channel *k, int8_t *y, int32_t step,
                    int32_t n)
{
    const int32_t n_pairs = (k->kw + 2) / 2;
    for (int32_t i = 0, column = 0; i < n; i++, column += k->stride_w, y += step) {
        const uint32_t *w = pairs + (column & 1), *from = x + (column >> 1);
        const int32_t both = k->stride_w == 1 && i + 1 < n; /* the next output reads the same words */
        int32_t e = k->bias, f = e;
        for (int32_t r = 0; r < k->kh; r++, from += words - n_pairs)
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
            i++, column++, y += step;
            *y = finish(f, k);
        }
    }
}

static void load_pairs(const int8_t *weight, int32_t c, const channel *k, uint32_t *pairs)
{
    for (int32_t r = 0; r < k->kh; r++)
        for (int32_t t = 0, before = 0; t < k->kw + 1; t += 2, pairs += 2) {
            const int32_t a = t < k->kw ? *weight : 0, b = t + 1 < k->kw ? weight[c] : 0;
            pairs[0] = pair(a, b);
            pairs[1] = pair(before, a);
            before = b;
            weight += t + 1 < k->kw ? 2 * c : t < k->kw ? c : 0;
        }
}

/* n_rows of n_columns outputs; `down` int16 from one row's input to the next's. */
static void strip_of(const int16_t *plane, int32_t width, int32_t down, const int8_t *weight, int32_t c,
                     const channel *k, uint32_t *pairs, int8_t *y, int32_t n_columns, int32_t n_rows)
{
    if (k->kh == 3 && k->kw == 3 && k->stride_w == 1 && down == width && k->usually) {
        three_by_three t;
        for (int32_t r = 0; r < 3; r++, weight += 3 * c) {
            t.pairs[2 * r] = pair(weight[0], weight[c]);
            t.pairs[2 * r + 1] = pair(weight[c], weight[2 * c]);
        }
        const scaling s = scaling_of(k->multiplier, k->shift, k->zero);
        t.bias = k->bias, t.multiplier = s.multiplier, t.round = s.round, t.n = s.n;
        t.columns = n_columns, t.rows = n_rows, t.step = c;
        rows_3x3(&t, plane, y, 2 * width);
        return;
    }
    load_pairs(weight, c, k, pairs);
    for (int32_t r = 0; r < n_rows; r++, plane += down, y += n_columns * c)
        row_any((const uint32_t *)(const void *)plane, width / 2, pairs, k, y, c, n_columns);
}
#else
static void strip_of(const int16_t *plane, int32_t width, int32_t down, const int8_t *weight, int32_t c,
                     const channel *k, uint32_t *pairs, int8_t *y, int32_t n_columns, int32_t n_rows)
{
    int32_t *const taps = (int32_t *)(void *)pairs;
    const int32_t usually = k->usually;
    const scaling s = scaling_of(k->multiplier, usually ? k->shift : -1, k->zero);
    for (int32_t i = 0; i < k->kh * k->kw; i++)
        taps[i] = weight[i * c];
    for (int32_t i = 0; i < n_rows; i++, plane += down)
        for (int32_t j = 0; j < n_columns; j++, y += c) {
            const int16_t *x = plane + j * k->stride_w;
            const int32_t *w = taps;
            int32_t sum = k->bias;
            for (int32_t r = k->kh; r > 0; r--, x += width) {
                if (k->kw == 3) {
                    sum += x[0] * w[0] + x[1] * w[1] + x[2] * w[2];
                    w += 3;
                } else
                    for (int32_t t = 0; t < k->kw; t++)
                        sum += x[t] * *w++;
            }
            *y = usually ? scaled(sum, s) : finish(sum, k);
        }
}
#endif

void k_depthwise_conv2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight, const int32_t *bias,
                           const int32_t *multiplier, const int8_t *shift, int32_t kh, int32_t kw, int32_t stride_h,
                           int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t x_zero, int32_t y_zero,
                           int32_t low, int32_t high, void *scratch, int8_t *y, int32_t h_out, int32_t w_out,
                           int32_t c_out)
{
    if (w == 1 && kw == 1) { /* a signal over time: its samples lie side by side */
        w = h, kw = kh, stride_w = stride_h, pad_left = pad_top, w_out = h_out;
        h = kh = stride_h = h_out = 1, pad_top = 0;
    }
    const int32_t strips = (h_out + STRIP - 1) / STRIP, strip = (h_out + strips - 1) / strips; /* of like height */
    const int32_t n_rows = (strip - 1) * stride_h + kh;
    const int32_t width = ((w_out - 1) * stride_w + 2 * ((kw + 2) / 2) + 1) & ~1, size = n_rows * width;
    int16_t *const all = scratch;
    const planes p = {{all, all + size, all + 2 * size, all + 3 * size}, width, n_rows};
    uint32_t *const pairs = (uint32_t *)(void *)(all + 4 * size);
    const int32_t n_columns = w < width - pad_left ? w : width - pad_left;
    const int32_t kept = kh > stride_h ? kh - stride_h : 0;
    fill(all, 4 * size, x_zero);
    for (int32_t j = 0; j < c; j += 4) {
        const int32_t n_channels = c - j < 4 ? c - j : 4;
        for (int32_t first = 0; first < h_out; first += strip) {
            const int32_t n = h_out - first < strip ? h_out - first : strip;
            for (int32_t r = first ? kept : 0; r < (n - 1) * stride_h + kh; r++) {
                const int32_t row = first * stride_h - pad_top + r;
                if (row >= 0 && row < h)
                    spread(x + row * w * c + j, n_columns, c, n_channels, &p, r * width + pad_left);
                else
                    for (int32_t i = 0; i < n_channels; i++)
                        fill(p.plane[i] + r * width, width, x_zero);
            }
            for (int32_t i = 0; i < n_channels; i++) {
                const int32_t at = j + i;
                const channel k = {kh, kw, stride_w, bias[at], multiplier[at], shift[at], y_zero, usual(shift + at, 1)};
                strip_of(p.plane[i], width, stride_h * width, weight + at, c, &k, pairs, y + first * w_out * c + at,
                         w_out, n);
                keep(p.plane[i], n * stride_h * width, kept * width);
            }
        }
    }
    bound(y, h_out * w_out * c_out, low, high);
}
#endif

void k_depthwise_any_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight, const int32_t *bias,
                        const int32_t *multiplier, const int8_t *shift, int32_t kh, int32_t kw, int32_t stride_h,
                        int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top, int32_t pad_left,
                        int32_t x_zero, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t h_out,
                        int32_t w_out, int32_t c_out)
{
    const int32_t times = c_out / c;
    for (int32_t i = 0; i < h_out * w_out; i++) {
        const int32_t top = i / w_out * stride_h - pad_top, left = i % w_out * stride_w - pad_left;
        for (int32_t o = 0; o < c_out; o++) {
            int32_t sum = bias[o];
            for (int32_t k = 0; k < kh * kw; k++) {
                const int32_t row = top + k / kw * dilation_h, column = left + k % kw * dilation_w;
                const int32_t outside = row < 0 || row >= h || column < 0 || column >= w;
                sum += (outside ? x_zero : x[(row * w + column) * c + o / times]) * weight[k * c_out + o];
            }
            *y++ = requantize(sum, multiplier[o], shift[o], y_zero, low, high);
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
