/* Fully connected layers for cores with vectors, with the weights of dense.c. */
#include "kernels.h"
#include "mve.h"

#if defined(__ARM_FEATURE_MVE)
/* Four sums: the products of n values and four rows of weights, woven together four values at a time. */
static inline int32x4_t sums_of(const int8_t *x, int32_t n, const int8_t *weight, int32x4_t bias)
{
    int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3];
    for (; n >= 16; n -= 16, x += 16, weight += 64) {
        const int32x4x4_t rows = vld4q_s32((const int32_t *)(const void *)weight);
        const int8x16_t v = vldrbq_s8(x);
        a = vmladavaq_s8(a, v, vreinterpretq_s8_s32(rows.val[0]));
        b = vmladavaq_s8(b, v, vreinterpretq_s8_s32(rows.val[1]));
        c = vmladavaq_s8(c, v, vreinterpretq_s8_s32(rows.val[2]));
        d = vmladavaq_s8(d, v, vreinterpretq_s8_s32(rows.val[3]));
    }
    if (n) { /* lanes that are not there read zeros */
        const uint32x4_t apart = vidupq_n_u32(0, 8) + vidupq_n_u32(0, 8);
        const mve_pred16_t words = vctp32q((uint32_t)(n + 3) >> 2);
        const int32_t *const from = (const int32_t *)(const void *)weight;
        const int8x16_t v = vldrbq_z_s8(x, vctp8q((uint32_t)n));
        a = vmladavaq_s8(a, v, vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(from, apart, words)));
        b = vmladavaq_s8(b, v, vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(from + 1, apart, words)));
        c = vmladavaq_s8(c, v, vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(from + 2, apart, words)));
        d = vmladavaq_s8(d, v, vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32(from + 3, apart, words)));
    }
    const int32x4_t sums = {a, b, c, d};
    return sums;
}

static inline void finish(int32x4_t scaled, int32_t zero, int32_t low, int32_t high, int8_t *y, mve_pred16_t there)
{
    const int32x4_t q = vqaddq_n_s32(scaled, zero);
    vstrbq_p_s32(y, vmaxq_s32(vminq_s32(q, vdupq_n_s32(high)), vdupq_n_s32(low)), there);
}

void k_dense_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                const int8_t *shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    const int32_t padded = (n + 3) & ~3;
    for (int32_t o = 0; o < n_out; o += 4) {
        const mve_pred16_t there = vctp32q((uint32_t)(n_out - o));
        const int32x4_t s = sums_of(x, n, weight + o * padded, vldrwq_z_s32(bias + o, there));
        const int32x4_t by = vldrbq_z_s32(shift + o, there), none = vdupq_n_s32(0);
        const int32x4_t scaled =
            rescaled(s, vldrwq_z_s32(multiplier + o, there), vmaxq_s32(by, none), vminq_s32(by, none));
        finish(scaled, y_zero, low, high, y + o, there);
    }
}

/* All outputs with one scale. */
void k_dense_one_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, int32_t multiplier,
                    int32_t shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out)
{
    const int32_t padded = (n + 3) & ~3;
    for (int32_t o = 0; o < n_out; o += 4) {
        const mve_pred16_t there = vctp32q((uint32_t)(n_out - o));
        const int32x4_t s = sums_of(x, n, weight + o * padded, vldrwq_z_s32(bias + o, there));
        finish(rescaled_n(s, multiplier, shift), y_zero, low, high, y + o, there);
    }
}
#endif
