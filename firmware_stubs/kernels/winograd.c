/* Convolution in int8 with 3 x 3 taps and stride 1, in tiles of 2 x 2 outputs: 16 products where the sums have 36.

   F(2x2, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308, section 4.1),
   in whole numbers: its halves are left out of the weights' transform and made up for in the outputs', so that all
   sums come out four times as great, and a layer's sums are taken 256 times anyway. An input's transform is at most 4
   * 128 and a weight's 9 * 127, which fit 16 bits; what wraps around on the way comes back, since the whole result
   fits. So every bit is that of conv2d.c, whose table of weights this reads too: weights are transformed here, again
   for every few rows of tiles, and take no flash of their own. */
#include "conv2d.h"
#include "kernels.h"
#include "requantize.h"

/* Assembly is laid out by hand, a line per instruction, and takes parameters from registers. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* Cores with vectors do without, and cores with DSP instructions where size counts: it is 3 KB of code. */
#if defined(__ARM_FEATURE_MVE) || (defined(__ARM_FEATURE_SIMD32) && defined(__OPTIMIZE_SIZE__))
__attribute__((naked)) void k_conv2d_tiles_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry,
                                              void *scratch, int8_t *y)
{
    __asm__("b.w k_conv2d_s8\n");
}

__attribute__((naked)) void k_conv2d_tiles_up_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry,
                                                 void *scratch, int8_t *y)
{
    __asm__("b.w k_conv2d_up_s8\n");
}
#else

/* Two values in a word: of four neighbours, the first and third, or the second and fourth. Without DSP instructions
   it is first + 2^16 * second, which sums keep, and 128 more than they are; `settled` makes it 16 bits each and takes
   off what that came to. */
typedef uint32_t two;
#define BIAS 128

#if defined(__ARM_FEATURE_SIMD32)
#define PLUS(a, b) ((two)__sadd16((int32_t)(a), (int32_t)(b)))
#define MINUS(a, b) ((two)__ssub16((int32_t)(a), (int32_t)(b)))

static inline two settled(two v, uint32_t bias)
{
    (void)bias;
    return v;
}

static inline void split(two bytes, two *odd, two *even)
{
    *odd = (two)__sxtb16((int32_t)bytes);
    *even = (two)__sxtb16((int32_t)(bytes >> 8 | bytes << 24));
}

/* quads.h says how weights are coded. */
static inline void split_weights(two bytes, two *odd, two *even)
{
    *odd = (two)__sxtb16((int32_t)bytes);
    const two b = MINUS(bytes, *odd);
    *even = (two)__sxtb16((int32_t)(b >> 8 | b << 24));
}
#else
#define PLUS(a, b) ((a) + (b))
#define MINUS(a, b) ((a) - (b))
typedef int16_t __attribute__((may_alias)) one;

static inline two settled(two v, uint32_t bias)
{
    return (v + (0x8000u - 0x10001u * bias)) ^ 0x8000u;
}

static inline void split(two bytes, two *odd, two *even)
{
    bytes ^= 0x80808080u;
    *odd = bytes & 0x00ff00ffu;
    *even = bytes >> 8 & 0x00ff00ffu;
}
#define split_weights split
#endif

enum {
    SIDE = 4, /* of what a tile looks at */
    ALL = 16,
    TOGETHER = 2 /* tiles, and outputs */
};

/* A layer and where it is worked out. */
typedef struct {
    const int8_t *x;
    const int16_t *g;
    two *inputs;   /* (pairs of tiles, ALL, c / 2, TOGETHER), transformed */
    two *weights;  /* (SIDE, c / 2, TOGETHER): one row of the transformed weights of two outputs */
    int32_t *sums; /* (tiles, outputs, 4) */
    int8_t *padding; /* a pixel of it */
    int32_t even[TOGETHER];
} tiled;

/* The transform of four values in a row. */
#define TRANSFORMED(v, a, b, c, d) const two v[SIDE] = {MINUS(a, c), PLUS(b, c), MINUS(c, b), MINUS(b, d)}

/* What one tile looks at, from row `top` and column `left` on. */
static void transform_tile(const tiled *t, int32_t top, int32_t left, two *to)
{
    const int16_t *const g = t->g;
    const int32_t c = g[C];
    const int8_t *at[ALL];
    for (int32_t i = 0, k = 0; i < SIDE; i++)
        for (int32_t j = 0; j < SIDE; j++, k++) {
            const int32_t row = top + i, column = left + j;
            const int32_t there = row >= 0 && row < g[H] && column >= 0 && column < g[W];
            at[k] = there ? t->x + (row * g[W] + column) * c : t->padding;
        }
    for (int32_t i = 0; i < c; i += 4, to += 2 * TOGETHER) {
        two odd[ALL], even[ALL];
        for (int32_t k = 0; k < SIDE; k++) {
            two a[SIDE], b[SIDE];
            split(four(at[k] + i), a, b);
            split(four(at[k + 4] + i), a + 1, b + 1);
            split(four(at[k + 8] + i), a + 2, b + 2);
            split(four(at[k + 12] + i), a + 3, b + 3);
            TRANSFORMED(p, a[0], a[1], a[2], a[3]);
            TRANSFORMED(q, b[0], b[1], b[2], b[3]);
            odd[k] = p[0], odd[k + 4] = p[1], odd[k + 8] = p[2], odd[k + 12] = p[3];
            even[k] = q[0], even[k + 4] = q[1], even[k + 8] = q[2], even[k + 12] = q[3];
        }
        two *place = to;
        for (int32_t k = 0; k < ALL; k += SIDE) {
            const uint32_t bias = k == SIDE ? 4 * BIAS : 0; /* all others take as much off as they put on */
            TRANSFORMED(p, odd[k], odd[k + 1], odd[k + 2], odd[k + 3]);
            TRANSFORMED(q, even[k], even[k + 1], even[k + 2], even[k + 3]);
            place[0] = settled(p[0], 0), place[TOGETHER] = settled(q[0], 0), place += c;
            place[0] = settled(p[1], bias), place[TOGETHER] = settled(q[1], bias), place += c;
            place[0] = settled(p[2], 0), place[TOGETHER] = settled(q[2], 0), place += c;
            place[0] = settled(p[3], 0), place[TOGETHER] = settled(q[3], 0), place += c;
        }
    }
}

/* One column of a row of the transformed weights: the word at w, or with `inner` those above and below and the
   middle. */
static inline void column_of(const int32_t *w, int32_t row, int32_t inner, two *odd, two *even)
{
    two a, b;
    split_weights((two)w[0], odd, even);
    if (!inner)
        return;
    split_weights((two)w[2 * row], &a, &b);
    *odd = PLUS(*odd, a), *even = PLUS(*even, b);
    split_weights((two)w[row], &a, &b);
    *odd = inner > 0 ? PLUS(*odd, a) : MINUS(*odd, a), *even = inner > 0 ? PLUS(*even, b) : MINUS(*even, b);
}

static inline void put(two *to, int32_t c, const two *v, uint32_t bias)
{
    const two outer = PLUS(v[0], v[2]);
    *to = settled(v[0], bias), to += c;
    *to = settled(PLUS(outer, v[1]), 3 * bias), to += c;
    *to = settled(MINUS(outer, v[1]), bias), to += c;
    *to = settled(v[2], bias);
}

/* A row of the transformed weights of two outputs; `inner`: what becomes of the middle row. */
__attribute__((always_inline)) static inline void transform_row(tiled *t, const int32_t *w, int32_t inner)
{
    const int32_t c = t->g[C], step = c / 2; /* words: c / 4 of each of two outputs */
    const uint32_t bias = inner > 0 ? 3 * BIAS : BIAS;
    two *to = t->weights;
    for (int32_t k = 0; k < step; k++, w++, to += k & 1 ? 1 : 3) { /* the two outputs in turn */
        two odd[3], even[3];
        column_of(w, 3 * step, inner, odd, even);
        column_of(w + step, 3 * step, inner, odd + 1, even + 1);
        column_of(w + 2 * step, 3 * step, inner, odd + 2, even + 2);
        put(to, c, odd, bias);
        put(to + TOGETHER, c, even, bias);
#if defined(__ARM_FEATURE_SIMD32)
        if (inner > 0) /* all nine of them */
            t->even[k & 1] = __smlad((int32_t)to[c], 0x00010001, t->even[k & 1]);
#endif
    }
}

static void transform_weights(tiled *t, const int32_t *w, int32_t i)
{
    if (i == 0 || i == 3)
        transform_row(t, w + i * t->g[C], 0);
    else
        transform_row(t, w, i == 1 ? 1 : -1);
}

/* Sums of products of n pairs of values (an even number), for two outputs of two tiles, at SIDE places. */
#if defined(__ARM_FEATURE_SIMD32)
#define STEP_2X2 \
    "ldrd r10, r11, [r0], #8\n" \
    "ldrd r12, lr, [r1], #8\n" \
    "smlad r4, r10, r12, r4\n" \
    "smlad r5, r10, lr, r5\n" \
    "smlad r6, r11, r12, r6\n" \
    "smlad r7, r11, lr, r7\n"

__attribute__((naked, noinline)) static void products(const two *x, const two *w, int32_t n, int32_t *sums)
{
    __asm__("push {r4-r11, lr}\n"
            "add r8, r3, #64\n"
            "1: add r9, r0, r2, lsl #3\n"
            "mov r4, #0\n"
            "mov r5, #0\n"
            "mov r6, #0\n"
            "mov r7, #0\n"
            "tst r2, #2\n"
            "bne 3f\n"
            "2:" STEP_2X2 STEP_2X2 "3:" STEP_2X2 STEP_2X2 "cmp r0, r9\n"
            "bne 2b\n"
            "stm r3!, {r4-r7}\n"
            "cmp r3, r8\n"
            "bne 1b\n"
            "pop {r4-r11, pc}\n");
}
#elif defined(__ARM_ARCH_6M__)
#define STEP_2X2 \
    "ldm r0!, {r2, r3}\n" \
    "ldm r1!, {r4, r5}\n" \
    "sxth r6, r2\n" \
    "sxth r7, r4\n" \
    "muls r7, r6, r7\n" \
    "add r8, r7\n" \
    "sxth r7, r5\n" \
    "muls r6, r7, r6\n" \
    "add r9, r6\n" \
    "sxth r6, r3\n" \
    "muls r7, r6, r7\n" \
    "add r11, r7\n" \
    "sxth r7, r4\n" \
    "muls r6, r7, r6\n" \
    "add r10, r6\n" \
    "asrs r2, r2, #16\n" \
    "asrs r3, r3, #16\n" \
    "asrs r4, r4, #16\n" \
    "asrs r5, r5, #16\n" \
    "mov r6, r4\n" \
    "muls r6, r2, r6\n" \
    "add r8, r6\n" \
    "muls r2, r5, r2\n" \
    "add r9, r2\n" \
    "muls r4, r3, r4\n" \
    "add r10, r4\n" \
    "muls r5, r3, r5\n" \
    "add r11, r5\n"

__attribute__((naked, noinline)) static void products(const two *x, const two *w, int32_t n, int32_t *sums)
{
    __asm__("push {r4-r7, lr}\n"
            "mov r4, r8\n"
            "mov r5, r9\n"
            "mov r6, r10\n"
            "mov r7, r11\n"
            "push {r4-r7}\n"
            "movs r4, #64\n"
            "adds r4, r3, r4\n"
            "lsls r2, r2, #3\n"
            "push {r2, r3, r4}\n" /* bytes of a place, where sums go, their end */
            "1: ldr r2, [sp]\n"
            "adds r2, r0, r2\n"
            "mov r12, r2\n"
            "movs r2, #0\n"
            "mov r8, r2\n"
            "mov r9, r2\n"
            "mov r10, r2\n"
            "mov r11, r2\n"
            "2:" STEP_2X2 STEP_2X2 "cmp r0, r12\n"
            "bne 2b\n"
            "ldr r2, [sp, #4]\n"
            "mov r4, r8\n"
            "mov r5, r9\n"
            "mov r6, r10\n"
            "mov r7, r11\n"
            "stm r2!, {r4-r7}\n"
            "str r2, [sp, #4]\n"
            "ldr r4, [sp, #8]\n"
            "cmp r2, r4\n"
            "bne 1b\n"
            "add sp, #12\n"
            "pop {r4-r7}\n"
            "mov r8, r4\n"
            "mov r9, r5\n"
            "mov r10, r6\n"
            "mov r11, r7\n"
            "pop {r4-r7, pc}\n");
}
#else
__attribute__((noinline)) static void products(const two *x, const two *w, int32_t n, int32_t *sums)
{
    const one *p = (const one *)x, *q = (const one *)w;
    for (int32_t k = 0; k < SIDE; k++, sums += SIDE) {
        int32_t a = 0, b = 0, c = 0, d = 0;
        for (const one *end = p + 4 * n; p < end; p += 4, q += 4) {
            a += p[0] * q[0], b += p[0] * q[2], c += p[2] * q[0], d += p[2] * q[2];
            a += p[1] * q[1], b += p[1] * q[3], c += p[3] * q[1], d += p[3] * q[3];
        }
        sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
    }
}
#endif

/* What row `i` of the products adds to the outputs of two tiles. */
static void gather_row(const int32_t *m, int32_t i, int32_t *sums)
{
    for (int32_t k = 0; k < TOGETHER * TOGETHER; k++, m++, sums += 4) {
        const int32_t a = 2 * m[0] + m[4] + m[8], b = m[4] - m[8] - 2 * m[12];
        if (i == 0) {
            sums[0] = 2 * a, sums[1] = 2 * b, sums[2] = 0, sums[3] = 0;
        } else if (i == 3) {
            sums[2] -= 2 * a, sums[3] -= 2 * b;
        } else {
            sums[0] += a, sums[1] += b;
            sums[2] += i == 1 ? a : -a, sums[3] += i == 1 ? b : -b;
        }
    }
}

/* Four times the sums of two outputs, for `n` tiles. */
static void sum_up(tiled *t, const int32_t *w, int32_t n)
{
    const int32_t c = t->g[C];
    t->even[0] = t->even[1] = 0;
    for (int32_t i = 0; i < SIDE; i++) {
        transform_weights(t, w, i);
        for (int32_t k = 0; k < n; k += TOGETHER) {
            const two *const x = t->inputs + (k / TOGETHER * ALL + i * SIDE) * c;
            int32_t m[ALL];
            products(x, t->weights, c / 2, m);
            gather_row(m, i, t->sums + 8 * k);
        }
    }
}

/* The sums as int8, of two outputs, in the tiles from row `top` on; y is their first pixel. */
static void finish(const tiled *t, const int32_t *row, const int32_t *end, int32_t top, int32_t n, int8_t *y)
{
    const int16_t *const g = t->g;
    const int32_t zero = g[Y_ZERO], up = g[N] > 0, round = (2 * zero + 1) * (1 << g[N]) / 2;
    const int32_t w_out = g[W_OUT], c_out = g[C_OUT];
    for (int32_t j = 0; j < TOGETHER; j++, y++) {
        const int32_t down = up ? 1 : j ? end[2] >> 16 : end[2] & 0xffff, begin = row[j] + 127 * t->even[j];
        const scaling s = scaling_of(end[j], -down, zero);
        int8_t *to = y;
        int32_t left = 0, there = g[H_OUT] - top;
        const int32_t *sums = t->sums + 4 * j;
        for (int32_t k = 0; k < n; k++, sums += 8) {
            for (int32_t p = 0; p < 4; p++) {
                if ((p & 1 && left + 1 == w_out) || (p & 2 && there == 1))
                    continue;
                const int32_t sum = (int32_t)(64u * (uint32_t)sums[p] + (uint32_t)begin);
                to[((p & 1) + (p & 2 ? w_out : 0)) * c_out] =
                    up ? lifted(sum, s.multiplier, round, g[N]) : scaled(sum >> 8, s);
            }
            left += 2, to += 2 * c_out;
            if (left >= w_out)
                to += (2 * w_out - left) * c_out, left = 0, there -= 2;
        }
    }
}

static void convolve(const int8_t *x, const int32_t *rows, const int16_t *g, void *scratch, int8_t *y)
{
    const int32_t c = g[C], c_out = g[C_OUT], columns = (g[W_OUT] + 1) / 2, most = g[TILES] * columns;
    tiled t = {x, g, scratch, 0, 0, 0, {0, 0}};
    t.weights = t.inputs + (most + 1) / 2 * ALL * c;
    t.sums = (int32_t *)(t.weights + SIDE * c);
    t.padding = (int8_t *)(t.sums + (most + 1) / 2 * 16);
    for (int32_t i = 0; i < c; i++)
        t.padding[i] = (int8_t)g[X_ZERO];
    for (int32_t first = 0; first < g[H_OUT]; first += 2 * g[TILES]) {
        const int32_t left = g[H_OUT] - first, there = left < 2 * g[TILES] ? left : 2 * g[TILES];
        const int32_t n = (there + 1) / 2 * columns;
        for (int32_t k = 0, i = 0; i < there; i += 2)
            for (int32_t column = 0; column < columns; column++, k++)
                transform_tile(&t, first + i - g[PAD_TOP], 2 * column - g[PAD_LEFT],
                               t.inputs + k / 2 * ALL * c + k % 2);
        const int32_t *row = rows;
        for (int32_t o = 0; o < c_out; o += 2) {
            const int32_t *const end = row + 2 + 9 * c / 2;
            sum_up(&t, row + 2, n);
            finish(&t, row, end, first, n, y + first * g[W_OUT] * c_out + (o + 1 < c_out ? o : c_out - 2));
            row = end + (g[N] > 0 ? 2 : 3);
        }
        bound(y + first * g[W_OUT] * c_out, there * g[W_OUT] * c_out, g[LOW], g[HIGH]);
    }
}

/* With DSP instructions it takes more tiles at once than without to make up for the weights' transform. */
static inline int32_t too_few(const int16_t *g)
{
#if defined(__ARM_FEATURE_SIMD32)
    return g[C] < 32 || g[TILES] * ((g[W_OUT] + 1) / 2) * g[C] < 512;
#else
    (void)g;
    return 0;
#endif
}

void k_conv2d_tiles_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y)
{
    if (too_few(geometry))
        k_conv2d_s8(x, rows, geometry, scratch, y);
    else
        convolve(x, rows, geometry, scratch, y);
}

void k_conv2d_tiles_up_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y)
{
    if (too_few(geometry))
        k_conv2d_up_s8(x, rows, geometry, scratch, y);
    else
        convolve(x, rows, geometry, scratch, y);
}
#endif
