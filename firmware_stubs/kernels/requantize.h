/* The integer arithmetic of every int8 layer: that of TensorFlow Lite Micro, with both of its roundings.

   real = scale * (q - zero). A layer's sum (int32, scale s_x * s_w) becomes int8 of scale s_y through a 31-bit
   multiplier and a shift: multiplier * 2^(shift - 31) = s_x * s_w / s_y.
   Reference: tensorflow/lite/kernels/internal/common.h, MultiplyByQuantizedMultiplier (double rounding). */
#pragma once
#include <stdint.h>

#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>

static inline uint32_t four(const int8_t *x)
{
    uint32_t bytes;
    __builtin_memcpy(&bytes, x, sizeof bytes);
    return bytes;
}
#endif

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

/* A layer's sum as int8 in [low, high]; the bounds also carry a fused rectifier. */
static inline int8_t requantize(int32_t sum, int32_t multiplier, int32_t shift, int32_t zero, int32_t low, int32_t high)
{
    const int32_t q = rescale(sum, multiplier, shift); /* compared before zero is added, which could overflow */
    return (int8_t)(q < low - zero ? low : q > high - zero ? high : q + zero);
}

/* Two sums at once, of x[i] * v[i] and x[i] * w[i]: each x is read (and widened) once for two outputs of a layer.
   Whole numbers: the order of a sum changes no bit, so a core that can multiplies two pairs in one instruction. */
typedef struct {
    int32_t v, w;
} sums;

static inline sums dot2_s8(const int8_t *x, const int8_t *v, const int8_t *w, int32_t n)
{
    sums s = {0, 0};
#if defined(__ARM_FEATURE_SIMD32)
    for (; n >= 4; n -= 4, x += 4, v += 4, w += 4) {
        const uint32_t a = four(x), b = four(v), c = four(w);
        const uint32_t even = __sxtb16(a), odd = __sxtb16(a >> 8 | a << 24);
        s.v = __smlad(even, __sxtb16(b), s.v);
        s.w = __smlad(even, __sxtb16(c), s.w);
        s.v = __smlad(odd, __sxtb16(b >> 8 | b << 24), s.v);
        s.w = __smlad(odd, __sxtb16(c >> 8 | c << 24), s.w);
    }
#endif
    for (int32_t i = 0; i < n; i++) {
        s.v += x[i] * v[i];
        s.w += x[i] * w[i];
    }
    return s;
}

/* Sum of w[i]. */
static inline int32_t sum_s8(const int8_t *w, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += w[i];
    return sum;
}
