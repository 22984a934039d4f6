/* The inner loops of int8 layers: sums of products for two outputs of two pixels, and for four outputs of one.

   Weights lie in rows of `padded` values (a multiple of four, zeros at the end; never -128, as TensorFlow Lite's
   specification has it), two or four rows woven together four values at a time: what one step reads lies in a row.
   Whole numbers: the order of a sum changes no bit. */
#pragma once
#include "requantize.h"

#if defined(__ARM_FEATURE_SIMD32)
#define PIXELS 3                    /* that are worked out together */
#define WIDTH(n) (((n) >> 1) * 3) /* words that n of their values take */
#else
#define PIXELS 2
#define WIDTH(n) (n)
#endif

#if defined(__ARM_FEATURE_SIMD32)
/* `rows` rows of `words` times four values, `skip` bytes from the end of one to the next, made wide for `tile`: for
   every four values the pixels' even and odd pairs, one pixel after the other. `to` is where this one's first goes. */
__attribute__((naked, noinline, unused)) static void widen_words(const int8_t *x, int32_t words, int32_t *to,
                                                                 int32_t rows, int32_t skip)
{
    __asm__("push {r4-r7, lr}\n"
            "ldr r12, [sp, #20]\n"
            "1: lsrs r7, r1, #1\n"
            "bcc 2f\n"
            "ldr r6, [r0], #4\n"
            "sxtb16 r4, r6\n"
            "sxtb16 r5, r6, ror #8\n"
            "strd r4, r5, [r2], #24\n"
            "cbz r7, 3f\n"
            "2: ldr r6, [r0], #4\n"
            "ldr lr, [r0], #4\n"
            "sxtb16 r4, r6\n"
            "sxtb16 r5, r6, ror #8\n"
            "strd r4, r5, [r2], #24\n"
            "sxtb16 r4, lr\n"
            "sxtb16 r5, lr, ror #8\n"
            "strd r4, r5, [r2], #24\n"
            "subs r7, r7, #1\n"
            "bne 2b\n"
            "3: add r0, r12\n"
            "subs r3, r3, #1\n"
            "bne 1b\n"
            "pop {r4-r7, pc}\n");
}
#endif

/* `rows` rows of n values each (a multiple of four), `skip` bytes apart, made wide for `tile`; `slot` says which of the
   pixels they are. */
static inline void widen(const int8_t *x, int32_t n, int32_t rows, int32_t skip, int32_t *wide, int32_t slot)
{
    if (n <= 0 || rows <= 0)
        return;
#if defined(__ARM_FEATURE_SIMD32)
    widen_words(x, n >> 2, wide + 2 * slot, rows, skip);
#else
    /* Every value of pixel 0 plus 2^16 times that of pixel 1: one product serves both pixels. */
    for (; rows > 0; rows--, x += skip)
        if (slot == 0)
            for (const int8_t *end = x + n; x < end; x++)
                *wide++ = *x;
        else
            for (const int8_t *end = x + n; x < end; x++, wide++)
                *wide = (int32_t)((uint32_t)*wide + ((uint32_t)(int32_t)*x << 16));
#endif
}

/* Value `i` of every one of `rows` rows of n values becomes `value`. */
static inline void overwrite(int32_t *wide, int32_t slot, int32_t i, int32_t n, int32_t rows, int32_t value)
{
#if defined(__ARM_FEATURE_SIMD32)
    int16_t *to = (int16_t *)(void *)(wide + WIDTH(i & ~3) + 2 * slot) + ((i & 1) << 1 | (i >> 1 & 1));
    for (; rows > 0; rows--, to += 2 * WIDTH(n))
        *to = (int16_t)value;
#else
    for (wide += i; rows > 0; rows--, wide += n)
        *wide = slot == 0 ? value : (int32_t)((uint32_t)(int32_t)(int16_t)*wide + ((uint32_t)value << 16));
#endif
}

#if defined(__ARM_FEATURE_SIMD32)
#define STEP_2X2 \
    "ldrd r8, r9, [r1], #8\n" \
    "ldm r0!, {r4-r7}\n" \
    "add r0, r0, #8\n" \
    "sxtb16 r10, r8\n" \
    "sxtb16 r8, r8, ror #8\n" \
    "sxtb16 r11, r9\n" \
    "sxtb16 r9, r9, ror #8\n" \
    "smlad r2, r4, r10, r2\n" \
    "smlad r12, r6, r10, r12\n" \
    "smlad r3, r4, r11, r3\n" \
    "smlad lr, r6, r11, lr\n" \
    "smlad r2, r5, r8, r2\n" \
    "smlad r12, r7, r8, r12\n" \
    "smlad r3, r5, r9, r3\n" \
    "smlad lr, r7, r9, lr\n"

/* sums[2 * pixel + row] += the products of the `padded` values of two pixels and two rows of weights. */
__attribute__((naked, noinline, unused)) static void tile(const int32_t *wide, const int8_t *weight, int32_t padded,
                                                          int32_t *sums)
{
    __asm__("add r2, r2, r2, lsl #1\n"
            "add r2, r0, r2, lsl #1\n"
            "push {r2-r11, lr}\n" /* all but the stack holds operands, so the end lies on the stack */
            "ldm r3, {r2, r3, r12, lr}\n"
            "1:\n" STEP_2X2 "ldr r8, [sp]\n"
            "cmp r0, r8\n"
            "bne 1b\n"
            "ldr r4, [sp, #4]\n"
            "stm r4, {r2, r3, r12, lr}\n"
            "add sp, #8\n"
            "pop {r4-r11, pc}\n");
}

#define STEP_2X3 \
    "ldrd r6, r8, [r1], #8\n" \
    "ldrd r4, r5, [r0], #8\n" \
    "sxtb16 r7, r6, ror #8\n" \
    "sxtb16 r6, r6\n" \
    "sxtb16 r9, r8, ror #8\n" \
    "sxtb16 r8, r8\n" \
    "smlad r2, r4, r6, r2\n" \
    "smlad r3, r4, r8, r3\n" \
    "smlad r2, r5, r7, r2\n" \
    "smlad r3, r5, r9, r3\n" \
    "ldrd r4, r5, [r0], #8\n" \
    "smlad r12, r4, r6, r12\n" \
    "smlad lr, r4, r8, lr\n" \
    "smlad r12, r5, r7, r12\n" \
    "smlad lr, r5, r9, lr\n" \
    "ldrd r4, r5, [r0], #8\n" \
    "smlad r10, r4, r6, r10\n" \
    "smlad r11, r4, r8, r11\n" \
    "smlad r10, r5, r7, r10\n" \
    "smlad r11, r5, r9, r11\n"

#define SCALE(sum, multiplier, round, n) \
    "add " sum ", " sum ", " sum "\n" \
    "smmulr " sum ", " sum ", " multiplier "\n" \
    "add " sum ", " sum ", " sum ", asr #31\n" \
    "add " sum ", " sum ", " round "\n" \
    "asr " sum ", " sum ", " n "\n" \
    "ssat " sum ", #8, " sum "\n"

#define STORE(at, a, b) \
    "ldr r4, [sp, #" at "]\n" \
    "strb " a ", [r4], #1\n" \
    "strb " b ", [r4], #1\n" \
    "str r4, [sp, #" at "]\n"

/* Three pixels through all outputs of a layer, two at a time: sums as `tile` makes them, scaled, written. */
typedef struct {
    const int32_t *wide, *single_end, *end; /* steps one by one, then four at once */
    const int8_t *weight;
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t twice; /* 2 * zero + 1 */
    int8_t *y[PIXELS];
    int32_t n_pairs; /* of outputs, at least one */
} pixels;

__attribute__((naked, noinline, unused)) static void three_pixels(const pixels *p)
{
    __asm__("push {r4-r11, lr}\n"
            "sub sp, #48\n"
            "ldm r0!, {r1-r8}\n"
            "stm sp, {r1-r8}\n"
            "mov r1, r4\n"
            "ldm r0, {r5-r8}\n"
            "add r12, sp, #32\n"
            "stm r12, {r5-r8}\n"
            "5: ldr r4, [sp, #16]\n" /* bias */
            "ldrd r2, r3, [r4], #8\n"
            "str r4, [sp, #16]\n"
            "mov r12, r2\n"
            "mov lr, r3\n"
            "mov r10, r2\n"
            "mov r11, r3\n"
            "ldr r0, [sp]\n"
            "ldr r4, [sp, #4]\n"
            "cmp r0, r4\n"
            "beq 2f\n"
            "1:\n" STEP_2X3 "ldr r4, [sp, #4]\n"
            "cmp r0, r4\n"
            "bne 1b\n"
            "2: ldr r4, [sp, #8]\n"
            "cmp r0, r4\n"
            "beq 4f\n"
            "3:\n" STEP_2X3 STEP_2X3 STEP_2X3 STEP_2X3 "ldr r4, [sp, #8]\n"
            "cmp r0, r4\n"
            "bne 3b\n"
            "4: ldr r4, [sp, #20]\n" /* multipliers */
            "ldrd r5, r6, [r4], #8\n"
            "str r4, [sp, #20]\n"
            "ldr r4, [sp, #24]\n" /* shifts: r7 and r8 become those to the right, r0 and r9 what rounds */
            "ldrsb r7, [r4], #1\n"
            "ldrsb r8, [r4], #1\n"
            "str r4, [sp, #24]\n"
            "ldr r4, [sp, #28]\n"
            "mvn r0, r7\n"
            "mvn r9, r8\n"
            "lsl r0, r4, r0\n"
            "lsl r9, r4, r9\n"
            "rsb r7, r7, #0\n"
            "rsb r8, r8, #0\n" SCALE("r2", "r5", "r0", "r7") SCALE("r3", "r6", "r9", "r8")
                SCALE("r12", "r5", "r0", "r7") SCALE("lr", "r6", "r9", "r8") SCALE("r10", "r5", "r0", "r7")
                    SCALE("r11", "r6", "r9", "r8") /* the last pixel first: at the end they lie on one another */
            STORE("40", "r10", "r11") STORE("36", "r12", "lr") STORE("32", "r2", "r3") "ldr r4, [sp, #44]\n"
            "subs r4, r4, #1\n"
            "str r4, [sp, #44]\n"
            "bne 5b\n"
            "add sp, #48\n"
            "pop {r4-r11, pc}\n");
}

#define STEP_4X1 \
    "ldr r8, [r0], #4\n" \
    "ldm r1!, {r4-r7}\n" \
    "sxtb16 r9, r8, ror #8\n" \
    "sxtb16 r8, r8\n" \
    "sxtb16 r10, r4\n" \
    "sxtb16 r4, r4, ror #8\n" \
    "smlad r2, r8, r10, r2\n" \
    "sxtb16 r10, r5\n" \
    "smlad r2, r9, r4, r2\n" \
    "sxtb16 r5, r5, ror #8\n" \
    "smlad r3, r8, r10, r3\n" \
    "sxtb16 r10, r6\n" \
    "smlad r3, r9, r5, r3\n" \
    "sxtb16 r6, r6, ror #8\n" \
    "smlad r12, r8, r10, r12\n" \
    "sxtb16 r10, r7\n" \
    "smlad r12, r9, r6, r12\n" \
    "sxtb16 r7, r7, ror #8\n" \
    "smlad lr, r8, r10, lr\n" \
    "smlad lr, r9, r7, lr\n"

/* sums[row] += the products of n values (a multiple of four) and four rows of weights. */
__attribute__((naked, noinline, unused)) static void tile_4(const int8_t *x, const int8_t *weight, int32_t n,
                                                            int32_t *sums)
{
    __asm__("push {r3-r11, lr}\n"
            "and r4, r2, #12\n"
            "add r11, r0, r4\n"
            "add r4, r0, r2\n"
            "push {r4}\n"
            "ldm r3, {r2, r3, r12, lr}\n"
            "cmp r0, r11\n"
            "beq 2f\n"
            "1:\n" STEP_4X1 "cmp r0, r11\n"
            "bne 1b\n"
            "2: ldr r11, [sp]\n"
            "cmp r0, r11\n"
            "beq 4f\n"
            "3:\n" STEP_4X1 STEP_4X1 STEP_4X1 STEP_4X1 "cmp r0, r11\n"
            "bne 3b\n"
            "4: ldr r4, [sp, #4]\n"
            "stm r4, {r2, r3, r12, lr}\n"
            "add sp, #8\n"
            "pop {r4-r11, pc}\n");
}
#else
/* The sum of two products for pixel 0 (16 bits: two times 128 * 127 fit) and for pixel 1 (what lies above). */
#if defined(__ARM_ARCH_6M__)
/* `word` holds weights of one row, the next two of them lowest; r2 and r3 two inputs; low and high are sums. */
#define TAPS(word, last, low, high) \
    "sxtb r4, " word "\n" \
    "asrs " word ", " word ", #8\n" last "muls r4, r2, r4\n" \
    "muls r5, r3, r5\n" \
    "adds r4, r4, r5\n" \
    "sxth r5, r4\n" \
    "add " low ", " low ", r5\n" \
    "subs r4, r4, r5\n" \
    "asrs r4, r4, #16\n" \
    "add " high ", " high ", r4\n"

__attribute__((naked, noinline, unused)) static void tile(const int32_t *wide, const int8_t *weight, int32_t padded,
                                                          int32_t *sums)
{
    __asm__("push {r4-r7, lr}\n"
            "mov r4, r8\n"
            "mov r5, r9\n"
            "mov r6, r10\n"
            "mov r7, r11\n"
            "push {r3-r7}\n"
            "lsls r2, r2, #2\n"
            "adds r2, r2, r0\n"
            "mov r12, r2\n"
            "ldm r3!, {r4-r7}\n"
            "mov r8, r4\n"
            "mov r9, r5\n"
            "mov r10, r6\n"
            "mov r11, r7\n"
            "1: ldm r1!, {r6, r7}\n"
            "ldm r0!, {r2, r3}\n" TAPS("r6", "sxtb r5, r6\nasrs r6, r6, #8\n", "r8", "r10")
                TAPS("r7", "sxtb r5, r7\nasrs r7, r7, #8\n", "r9", "r11") "ldm r0!, {r2, r3}\n"
            TAPS("r6", "mov r5, r6\n", "r8", "r10") TAPS("r7", "mov r5, r7\n", "r9", "r11") "cmp r0, r12\n"
            "bne 1b\n"
            "pop {r3}\n"
            "mov r4, r8\n"
            "mov r5, r9\n"
            "mov r6, r10\n"
            "mov r7, r11\n"
            "stm r3!, {r4-r7}\n"
            "pop {r4-r7}\n"
            "mov r8, r4\n"
            "mov r9, r5\n"
            "mov r10, r6\n"
            "mov r11, r7\n"
            "pop {r4-r7, pc}\n");
}
#else
#define PAIR(s0, s1, row) \
    do { \
        const uint32_t both = (uint32_t)wide[0] * (uint32_t)w[row] + (uint32_t)wide[1] * (uint32_t)w[row + 1]; \
        const int32_t first = (int16_t)both; \
        s0 += first; \
        s1 += (int32_t)(both - (uint32_t)first) >> 16; \
    } while (0)

__attribute__((noinline, unused)) static void tile(const int32_t *wide, const int8_t *weight, int32_t padded,
                                                   int32_t *sums)
{
    int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    const int8_t *w = weight;
    for (const int32_t *end = wide + padded; wide < end; wide += 2, w += 6) {
        PAIR(a, c, 0);
        PAIR(b, d, 4);
        wide += 2, w += 2;
        PAIR(a, c, 0);
        PAIR(b, d, 4);
    }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}
#endif

__attribute__((noinline, unused)) static void tile_4(const int8_t *x, const int8_t *weight, int32_t n, int32_t *sums)
{
    int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    for (const int8_t *end = x + n; x < end; weight += 12)
        for (int32_t k = 0; k < 4; k++, x++, weight++) {
            const int32_t value = *x;
            a += value * weight[0];
            b += value * weight[4];
            c += value * weight[8];
            d += value * weight[12];
        }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}
#endif
