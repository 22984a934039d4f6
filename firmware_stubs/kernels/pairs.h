/* Cores without DSP instructions: sums of products for two outputs of two pixels.

   Weights lie in rows of `padded` values (a multiple of four, zeros at the end; never -128), two rows woven together
   four values at a time. Every value of the first pixel plus 2^16 times that of the second is one number, so that one
   product serves both. Whole numbers: the order of a sum changes no bit. */
#pragma once
#include "requantize.h"

/* Assembly is laid out by hand, a line per instruction, and takes parameters from registers. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
/* clang-format off */
enum {
    PIXELS = 2 /* that are worked out together */
};
#define WIDTH(n) (n) /* words that n values of two pixels take */

/* `rows` rows of `words` times four values, `skip` bytes from the end of one to the next, made wide for `tile`; `slot`
   says which of the pixels they are. */
static inline void widen(const int8_t *x, int32_t words, int32_t rows, int32_t skip, int32_t *wide, int32_t slot)
{
    for (; rows > 0; rows--, x += skip)
        for (const int8_t *end = x + 4 * words; x < end; x++, wide++)
            *wide = slot == 0 ? *x : (int32_t)((uint32_t)*wide + ((uint32_t)(int32_t)*x << 16));
}

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
