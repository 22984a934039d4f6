/* Sums of two tensors for cores with vectors. */
#include "kernels.h"
#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
void k_add_line_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int32_t a_gain, int32_t b_gain,
                   int32_t offset, int32_t shift, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    (void)n_a, (void)n_b;
    for (int32_t i = 0; i < n_out; i += 4) {
        const mve_pred16_t there = vctp32q((uint32_t)(n_out - i));
        int32x4_t q = vmulq_n_s32(vldrbq_z_s32(a + i, there), a_gain);
        q = vaddq_n_s32(vmlaq_n_s32(q, vldrbq_z_s32(b + i, there), b_gain), offset);
        q = vshlq_r_s32(q, -shift);
        vstrbq_p_s32(y + i, vmaxq_s32(vminq_s32(q, vdupq_n_s32(high)), vdupq_n_s32(low)), there);
    }
}
#endif
