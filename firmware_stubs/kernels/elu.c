/* The exponential linear unit. */
#include "fmath.h"
#include "kernels.h"

void k_elu(const float *x, int32_t n, float alpha, float *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = x[i] > 0.0f ? x[i] : alpha * ((x[i] < -80.0f ? 0.0f : f_exp(x[i])) - 1.0f);
}
