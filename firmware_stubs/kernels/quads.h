/* Cores with DSP instructions: sums of products for two outputs of four pixels, and how they become int8.

   Weights come four to a word, a word of one output and then of the next. kernels.h codes them so that a half word is
   256 * b + a for neighbours a and b: with an input's pair z = (x1, x3) and y = 256 * (x0, x2) - z + 127 a word is two
   pairs of weights at the cost of one unpacking: (word . z) + ((a, a') . y) = 256 * sum(w * x) + 127 * (a + a').
   The last term is in the sum that a row begins with (START in kernels.h).
   Whole numbers: the order of a sum changes no bit, and what wraps around on the way comes back. */
#pragma once
#include "requantize.h"

/* Assembly is laid out by hand, a line per instruction, and takes parameters from registers. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
/* clang-format off */
enum {
    PIXELS = 4, /* that are worked out together */
    STEP_BYTES = 92, /* of code for one word of two outputs */
#if defined(__OPTIMIZE_SIZE__)
    UNROLLED = 2
#else
    UNROLLED = 4
#endif
};
#define WIDTH(n) (2 * (n)) /* words that n values of four pixels take */

/* `rows` rows of `words` times four values of four pixels `step` apart, `skip` from the end of a row to the next:
   z of each pixel, then y of each. */
__attribute__((naked, noinline)) static void widen_four(const int8_t *x, int32_t step, int32_t *to, int32_t words,
                                                        int32_t rows, int32_t skip)
{
    __asm__("push {r4-r11, lr}\n"
            "mov r12, #0x007f007f\n"
            "add r11, r1, r1, lsl #1\n"
            "1: ldr lr, [sp, #36]\n"
            "subs lr, lr, #1\n"
            "str lr, [sp, #36]\n"
            "bmi 3f\n"
            "push {r3}\n"
            "2: ldr r5, [r0, r1]\n"
            "ldr r6, [r0, r1, lsl #1]\n"
            "ldr r7, [r0, r11]\n"
            "ldr r4, [r0], #4\n"
            "sxtb16 r8, r4, ror #8\n"
            "sxtb16 r9, r5, ror #8\n"
            "sxtb16 r10, r6, ror #8\n"
            "sxtb16 lr, r7, ror #8\n"
            "stm r2!, {r8, r9, r10, lr}\n"
            "rev16 r4, r4\n"
            "rev16 r5, r5\n"
            "rev16 r6, r6\n"
            "rev16 r7, r7\n"
            "eor r4, r4, r12\n"
            "eor r5, r5, r12\n"
            "eor r6, r6, r12\n"
            "eor r7, r7, r12\n"
            "stm r2!, {r4-r7}\n"
            "subs r3, r3, #1\n"
            "bne 2b\n"
            "pop {r3}\n"
            "ldr lr, [sp, #40]\n"
            "add r0, r0, lr\n"
            "b 1b\n"
            "3: pop {r4-r11, pc}\n");
}

/* The same for one pixel, number `slot`. */
__attribute__((noinline)) static void widen(const int8_t *x, int32_t words, int32_t rows, int32_t skip, int32_t *to,
                                            int32_t slot)
{
    for (to += slot; rows > 0; rows--, x += skip)
        for (int32_t i = words; i > 0; i--, x += 4, to += WIDTH(4)) {
            const uint32_t bytes = four(x);
            to[0] = __sxtb16((int32_t)(bytes >> 8 | bytes << 24));
            to[PIXELS] = (int32_t)(((bytes & 0x00ff00ffu) << 8 | (bytes >> 8 & 0x00ff00ffu)) ^ 0x007f007fu);
        }
}

/* Four pixels through all outputs of a layer, two at a time. */
typedef struct {
    int8_t *y;                                   /* the first pixel's first output */
    int32_t second, third, fourth;               /* bytes from there to the others' */
    const int32_t *wide;                         /* four pixels' values */
    uintptr_t entry;                             /* into the unrolled steps */
    const int32_t *wide_end, *rows_end;
    const int32_t *rows;                         /* begin of a sum, weights, scaling: for two outputs, and two more... */
    int32_t round, n;                            /* for all outputs */
    void (*finish)(void);                        /* one of those below */
} quad;

#define TAKE(a, b, c, d) \
    "ldrd r12, lr, [r0], #8\n" \
    "smlad " a ", r12, r10, " a "\n" \
    "smlad " b ", r12, r11, " b "\n" \
    "smlad " c ", lr, r10, " c "\n" \
    "smlad " d ", lr, r11, " d "\n"

#define QUAD_STEP \
    "ldrd r10, r11, [r1], #8\n" TAKE("r2", "r3", "r4", "r5") TAKE("r6", "r7", "r8", "r9") \
    "sxtb16 r10, r10\n" \
    "sxtb16 r11, r11\n" TAKE("r2", "r3", "r4", "r5") TAKE("r6", "r7", "r8", "r9")

#if defined(__OPTIMIZE_SIZE__)
#define QUAD_STEPS QUAD_STEP QUAD_STEP
#else
#define QUAD_STEPS QUAD_STEP QUAD_STEP QUAD_STEP QUAD_STEP
#endif

/* All registers but the stack hold sums and operands; r2, r4, r6, r8 are one output of four pixels, r3, r5, r7, r9 the
   next. quad_steps is where the unrolled steps begin, quad_store where a `finish` goes on. */
__attribute__((naked, noinline)) static void quads(const quad *q)
{
    __asm__("push {r4-r11, lr}\n"
            "sub sp, #44\n"
            "ldm r0!, {r1-r8}\n"
            "stm sp, {r1-r8}\n"
            "ldm r0, {r1-r4}\n"
            "add r12, sp, #32\n"
            "stm r12, {r2-r4}\n"
            "1: ldrd r2, r3, [r1], #8\n"
            "mov r4, r2\n"
            "mov r5, r3\n"
            "mov r6, r2\n"
            "mov r7, r3\n"
            "mov r8, r2\n"
            "mov r9, r3\n"
            "ldrd r0, r12, [sp, #16]\n"
            "bx r12\n"
            "quad_steps:\n" QUAD_STEPS "ldr r10, [sp, #24]\n"
            "cmp r0, r10\n"
            "bne quad_steps\n"
            "ldr r10, [sp, #40]\n"
            "bx r10\n"
            "quad_store: ldm sp, {r0, r10, r11, r12}\n" /* the last first: those that are not there lie under others */
            "bfi r8, r9, #8, #24\n"
            "strh r8, [r0, r12]\n"
            "bfi r6, r7, #8, #24\n"
            "strh r6, [r0, r11]\n"
            "bfi r4, r5, #8, #24\n"
            "strh r4, [r0, r10]\n"
            "bfi r2, r3, #8, #24\n"
            "strh r2, [r0], #2\n"
            "str r0, [sp]\n"
            "ldr r10, [sp, #28]\n"
            "cmp r1, r10\n"
            "bne 1b\n"
            "add sp, #44\n"
            "pop {r4-r11, pc}\n");
}

#define UP(sum, multiplier) \
    "smmla " sum ", " sum ", " multiplier ", r12\n" \
    "asr " sum ", " sum ", lr\n" \
    "ssat " sum ", #8, " sum "\n"

/* Layers whose outputs lie at the zero point or above it: one multiplication and addition, exact in all that shows. */
__attribute__((naked, noinline, unused)) static void finish_up(void)
{
    __asm__("ldrd r10, r11, [r1], #8\n"
            "ldrd r12, lr, [sp, #32]\n" UP("r2", "r10") UP("r3", "r11") UP("r4", "r10") UP("r5", "r11")
                UP("r6", "r10") UP("r7", "r11") UP("r8", "r10") UP("r9", "r11") "b.w quad_store\n");
}

#define ANY(sum, multiplier) \
    "asr " sum ", " sum ", #7\n" \
    "smmulr " sum ", " sum ", " multiplier "\n" \
    "add " sum ", " sum ", " sum ", asr #31\n" \
    "add " sum ", " sum ", lr\n" \
    "asr " sum ", " sum ", r0\n" \
    "ssat " sum ", #8, " sum "\n"

/* r0 becomes the shift, lr what rounds, from the layer's 2 * zero + 1. */
#define SHIFT_AND_ROUND \
    "ldr lr, [sp, #32]\n" \
    "lsl lr, lr, r0\n" \
    "asr lr, lr, #1\n"

/* Any layer: both roundings. */
__attribute__((naked, noinline, unused)) static void finish_any(void)
{
    __asm__("ldm r1!, {r10, r11, r12}\n"
            "uxth r0, r12\n" SHIFT_AND_ROUND ANY("r2", "r10") ANY("r4", "r10") ANY("r6", "r10") ANY("r8", "r10")
            "lsr r0, r12, #16\n" SHIFT_AND_ROUND ANY("r3", "r11") ANY("r5", "r11") ANY("r7", "r11") ANY("r9", "r11")
            "b.w quad_store\n");
}

/* Where to begin so that `words` steps come out even. */
static inline uintptr_t entry_for(int32_t words)
{
    extern const char quad_steps[];
    return ((uintptr_t)quad_steps + (uintptr_t)(-words & (UNROLLED - 1)) * STEP_BYTES) | 1u;
}
