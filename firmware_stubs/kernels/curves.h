/* Logistic curve and hyperbolic tangent of whole numbers, by straight lines between 256 points of one table, as
   TensorFlow Lite Micro has them. Off by less than 2^-13 from the true curves.
   Reference: tensorflow/lite/kernels/internal/reference/integer_ops/{logistic,tanh}.h */
#pragma once
#include "requantize.h"

static inline int32_t within_16(int32_t x)
{
#if defined(__ARM_FEATURE_SAT)
    return __ssat(x, 16);
#else
    return x < -32768 ? -32768 : x > 32767 ? 32767 : x;
#endif
}

/* What `rescale` makes of a sum (|sum| < 2^30), within 16 bits; in fewer steps where the shift goes to the right. */
static inline int32_t rescale_16(int32_t sum, int32_t multiplier, int32_t shift)
{
    if (shift > -1 || shift < -30)
        return within_16(rescale(sum, multiplier, shift));
    const int32_t high = doubling_high_multiply_30(sum, multiplier);
    return within_16((high + (high >> 31) + (1 << (-shift - 1))) >> -shift);
}

/* 1 / (1 + e^-x) with 15 fractional bits; x has 12 of them, times 3. `table` holds the curve at i / 24. */
static inline int32_t sigmoid_of(int32_t x, const uint16_t *table)
{
    const uint32_t size = (uint32_t)(x < 0 ? -x : x), place = size >> 9;
    uint32_t y = 0x7fffu << 10;
    if (place < 255)
        y = ((uint32_t)table[place] << 9) + (size & 0x1ffu) * (uint32_t)(table[place + 1] - table[place]);
    return (int32_t)((x < 0 ? (1u << 25) - y + (1u << 9) - 1u : y + (1u << 9)) >> 10);
}

/* tanh(x) with 15 fractional bits; x as above. */
static inline int32_t tanh_of(int32_t x, const uint16_t *table)
{
    const uint32_t size = (uint32_t)(x < 0 ? -x : x), place = size >> 8;
    int32_t y = 0xffff << 8;
    if (place < 255)
        y = (int32_t)(((uint32_t)table[place] << 8) + (size & 0xffu) * (uint32_t)(table[place + 1] - table[place]));
    return (x < 0 ? (1 << 23) - y + 127 : y - (1 << 23) + 128) >> 8;
}
