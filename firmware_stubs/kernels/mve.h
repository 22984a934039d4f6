/* What the int8 kernels for cores with vectors (M-profile Vector Extension, as Cortex-M55) have in common.

   Arithmetic: that of requantize.h, bit for bit. VQRDMULH is doubling_high_multiply; VRSHL by a negative number rounds
   halves up, so that one less for negative numbers makes it rounding_shift.
   Reference: Armv8-M ARM (DDI 0553), VQRDMULH, VRSHL; Arm C Language Extensions, arm_mve.h. */
#pragma once
#include "requantize.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* Four sums with one scale. */
static inline int32x4_t rescaled_n(int32x4_t sums, int32_t multiplier, int32_t shift)
{
    if (shift >= 0)
        return vqrdmulhq_n_s32(vshlq_r_s32(sums, shift), multiplier);
    const int32x4_t high = vqrdmulhq_n_s32(sums, multiplier);
    return vrshlq_n_s32(vaddq_s32(high, vshrq_n_s32(high, 31)), shift);
}

/* Four sums, each with its own scale: `left` are the shifts that are positive, `right` those that are negative. */
static inline int32x4_t rescaled(int32x4_t sums, int32x4_t multiplier, int32x4_t left, int32x4_t right)
{
    const int32x4_t high = vqrdmulhq_s32(vshlq_s32(sums, left), multiplier);
    return vrshlq_s32(vaddq_s32(high, vshrq_n_s32(vandq_s32(high, right), 31)), right);
}

static inline int8_t *copied_16(int8_t *to, const int8_t *from, int32_t n)
{
    for (int32_t i = 0; i < n; i += 16) {
        const mve_pred16_t there = vctp8q((uint32_t)(n - i));
        vstrbq_p_s8(to + i, vldrbq_z_s8(from + i, there), there);
    }
    return to + n;
}

static inline int8_t *filled_16(int8_t *to, int32_t n, int32_t value)
{
    for (int32_t i = 0; i < n; i += 16)
        vstrbq_p_s8(to + i, vdupq_n_s8((int8_t)value), vctp8q((uint32_t)(n - i)));
    return to + n;
}
#endif
