/* The integer arithmetic of every int8 layer: that of TensorFlow Lite Micro, with both of its roundings.

   real = scale * (q - zero). A layer's sum (int32, scale s_x * s_w) becomes int8 of scale s_y through a 31-bit
   multiplier and a shift: multiplier * 2^(shift - 31) = s_x * s_w / s_y.
   Reference: tensorflow/lite/kernels/internal/common.h, MultiplyByQuantizedMultiplier (double rounding). */
#pragma once
#include <stdint.h>

#if defined(__ARM_FEATURE_SAT)
#include <arm_acle.h>
#endif

/* What runs seldom is kept small where size counts (-Os), at the cost of its speed. */
#if defined(__clang__) && defined(__OPTIMIZE_SIZE__)
#define SMALL __attribute__((minsize))
#else
#define SMALL
#endif

static inline uint32_t four(const int8_t *x)
{
    uint32_t bytes;
    __builtin_memcpy(&bytes, x, sizeof bytes);
    return bytes;
}

/* a * b / 2^31 to the nearest, halves up: what the reference's nudge and cut toward zero come to for both signs.
   It also saturates INT32_MIN squared, which cannot be: no multiplier is negative. */
static inline int32_t doubling_high_multiply(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^shift, halves away from zero; 0 <= shift <= 31. */
static inline int32_t rounding_shift(int32_t x, int32_t shift)
{
    const int32_t mask = (int32_t)((1u << shift) - 1u);
    const int32_t rest = x & mask, half = (mask >> 1) + (x < 0);
    return (x >> shift) + (rest > half);
}

/* Scale a layer's sum; a left shift past 32 bits wraps around. */
static inline int32_t rescale(int32_t sum, int32_t multiplier, int32_t shift)
{
    const int32_t raised = (int32_t)((uint32_t)sum << (shift > 0 ? shift : 0));
    return rounding_shift(doubling_high_multiply(raised, multiplier), shift > 0 ? 0 : -shift);
}

/* A layer's sum as int8 in [low, high]; the bounds also carry a fused rectifier. In a file of its own: it serves every
   scale there is, so it is long, and most layers get by with `scaled`. */
int8_t requantize(int32_t sum, int32_t multiplier, int32_t shift, int32_t zero, int32_t low, int32_t high);

/* How one output channel's sum becomes int8 in the usual case: a shift to the right by 1 to 22. Then both roundings and
   the zero point come to one addition: h + (h < 0 ? -1 : 0) + (2 * zero + 1) * 2^(n - 1), shifted right by n. It needs
   |sum| < 2^30, which the ops check when they are made. */
typedef struct {
    int32_t multiplier, round, n;
} scaling;

static inline int32_t usual(const int8_t *shift, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (shift[i] > -1 || shift[i] < -22)
            return 0;
    return 1;
}

static inline scaling scaling_of(int32_t multiplier, int32_t shift, int32_t zero)
{
    const scaling s = {multiplier, (2 * zero + 1) * (1 << (-shift - 1)), -shift};
    return s;
}

/* a * b / 2^31 to the nearest, halves up; |a| < 2^30, 0 <= b. */
static inline int32_t doubling_high_multiply_30(int32_t a, int32_t b)
{
#if defined(__ARM_FEATURE_SIMD32)
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a + a), "r"(b));
    return high;
#elif defined(__ARM_ARCH_6M__)
    /* Only 32 x 32 -> 32 bits there: four products of halves, and the carry of the round-up. */
    const int32_t a2 = a + a, a_high = a2 >> 16, b_high = b >> 16;
    const uint32_t a_low = (uint32_t)a2 & 0xffffu, b_low = (uint32_t)b & 0xffffu;
    const int32_t t = a_high * (int32_t)b_low + (int32_t)(a_low * b_low >> 16);
    const uint32_t u = a_low * (uint32_t)b_high + ((uint32_t)t & 0xffffu) + 0x8000u;
    return a_high * b_high + (t >> 16) + (int32_t)(u >> 16);
#else
    return doubling_high_multiply(a, b);
#endif
}

static inline int8_t saturated(int32_t q)
{
#if defined(__ARM_FEATURE_SAT)
    return (int8_t)__ssat(q, 8);
#else
    return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
#endif
}

/* A sum (|sum| < 2^30) as int8 in the usual case. */
static inline int8_t scaled(int32_t sum, scaling s)
{
    const int32_t high = doubling_high_multiply_30(sum, s.multiplier);
    return saturated((high + (high >> 31) + s.round) >> s.n);
}

/* a * b / 2^32 rounded down. */
__attribute__((always_inline)) static inline int32_t high_word(int32_t a, int32_t b)
{
#if defined(__ARM_ARCH_6M__)
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const uint32_t a_low = (uint32_t)a & 0xffffu, b_low = (uint32_t)b & 0xffffu;
    const int32_t t = a_high * (int32_t)b_low + (int32_t)(a_low * b_low >> 16);
    const int32_t u = (int32_t)(a_low * (uint32_t)b_high) + (int32_t)((uint32_t)t & 0xffffu);
    return a_high * b_high + (t >> 16) + (int32_t)((uint32_t)u >> 16);
#else
    return (int32_t)((int64_t)a * b >> 32);
#endif
}

/* A sum in steps of 1 / 256 as int8, where all that is below the zero point shows as the zero point: then there is a
   line through all steps, found and proven where the layer was made (studio/graph/scaling.py). */
__attribute__((always_inline)) static inline int8_t lifted(int32_t sum, int32_t multiplier, int32_t round, int32_t n)
{
    return saturated((high_word(sum, multiplier) + round) >> n);
}

/* Bounds of a fused rectifier; most layers have those of int8 itself, and nothing to do. */
static inline void bound(int8_t *y, int32_t n, int32_t low, int32_t high)
{
    if (low == -128 && high == 127)
        return;
    for (int32_t i = 0; i < n; i++)
        y[i] = (int8_t)(y[i] < low ? low : y[i] > high ? high : y[i]);
}
