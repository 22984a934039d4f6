/* The integer arithmetic of every int8 layer: that of TensorFlow Lite Micro, with both of its roundings.

   real = scale * (q - zero). A layer's sum (int32, scale s_x * s_w) becomes int8 of scale s_y through a 31-bit
   multiplier and a shift: multiplier * 2^(shift - 31) = s_x * s_w / s_y.
   Reference: tensorflow/lite/kernels/internal/common.h, MultiplyByQuantizedMultiplier (double rounding). */
#pragma once
#include <stdint.h>

/* a * b / 2^31 to the nearest, halves up. The reference also saturates INT32_MIN squared: no multiplier is negative. */
static inline int32_t doubling_high_multiply(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * b;
    const int64_t nudged = product + (product >= 0 ? ((int64_t)1 << 30) : 1 - ((int64_t)1 << 30));
    return (int32_t)(nudged / ((int64_t)1 << 31));
}

/* x / 2^shift, halves away from zero; 0 <= shift <= 31. */
static inline int32_t rounding_shift(int32_t x, int32_t shift)
{
    const int32_t mask = (int32_t)(((int64_t)1 << shift) - 1);
    const int32_t rest = x & mask, half = (mask >> 1) + (x < 0);
    return (x >> shift) + (rest > half);
}

/* Scale a layer's sum; a left shift past 32 bits wraps around. */
static inline int32_t rescale(int32_t sum, int32_t multiplier, int32_t shift)
{
    const int32_t raised = (int32_t)((uint32_t)sum << (shift > 0 ? shift : 0));
    return rounding_shift(doubling_high_multiply(raised, multiplier), shift > 0 ? 0 : -shift);
}

/* A layer's sum as int8 in [low, high]; the bounds also carry a fused rectifier. */
static inline int8_t requantize(int32_t sum, int32_t multiplier, int32_t shift, int32_t zero, int32_t low, int32_t high)
{
    const int64_t q = (int64_t)rescale(sum, multiplier, shift) + zero;
    return (int8_t)(q < low ? low : q > high ? high : q);
}

/* Sum of x[i] * w[i]. Whole numbers: the order of the sum changes no bit, so a core may do two products at once. */
#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>

static inline int32_t dot_s8(const int8_t *x, const int8_t *w, int32_t n)
{
    int32_t sum = 0;
    for (; n >= 4; n -= 4, x += 4, w += 4) {
        uint32_t a, b;
        __builtin_memcpy(&a, x, sizeof a);
        __builtin_memcpy(&b, w, sizeof b);
        sum = __smlad(__sxtb16(a), __sxtb16(b), sum);
        sum = __smlad(__sxtb16(a >> 8 | a << 24), __sxtb16(b >> 8 | b << 24), sum);
    }
    for (; n > 0; n--)
        sum += *x++ * *w++;
    return sum;
}
#else
static inline int32_t dot_s8(const int8_t *x, const int8_t *w, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += x[i] * w[i];
    return sum;
}
#endif
