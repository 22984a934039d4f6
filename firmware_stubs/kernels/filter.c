/* Stream ops: one sample (c channels) at a time, with a memory. */
#include "kernels.h"

/* Transposed direct form II, one section: coefficients b0 b1 b2 a1 a2; the state holds z0 of every channel, then z1. */
void k_biquad(const float *x, int32_t c, const float *coefficients, float *state, float *y, int32_t c_out)
{
    const float b0 = coefficients[0], b1 = coefficients[1], b2 = coefficients[2];
    const float a1 = coefficients[3], a2 = coefficients[4];
    float *z0 = state, *z1 = state + c;
    for (int32_t j = 0; j < c_out; j++) {
        const float in = x[j], out = b0 * in + z0[j];
        z0[j] = b1 * in - a1 * out + z1[j];
        z1[j] = b2 * in - a2 * out;
        y[j] = out;
    }
}
