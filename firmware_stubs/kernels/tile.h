/* Sums of products for four outputs of one pixel.

   Weights lie in rows of a multiple of four values (zeros at the end; never -128, as TensorFlow Lite's specification has
   it), four rows woven together four values at a time: what one step reads lies in a row.
   Whole numbers: the order of a sum changes no bit. */
#pragma once
#include "requantize.h"

#if defined(__ARM_FEATURE_SIMD32)
#pragma GCC diagnostic ignored "-Wunused-parameter" /* assembly takes them from registers */
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
    __asm__("cmp r2, #0\n"
            "it eq\n"
            "bxeq lr\n"
            "push {r3-r11, lr}\n"
            "add r11, r0, r2\n"
            "tst r2, #4\n"
            "ldm r3, {r2, r3, r12, lr}\n"
            "bne 2f\n"
            "1:\n" STEP_4X1 "2:\n" STEP_4X1 "cmp r0, r11\n"
            "bne 1b\n"
            "ldr r4, [sp], #4\n"
            "stm r4, {r2, r3, r12, lr}\n"
            "pop {r4-r11, pc}\n");
}
#else
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
