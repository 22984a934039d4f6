/* Values that do not depend on any input. */
#include "kernels.h"

void k_fixed(const float *x, int32_t n, const float *values, float *y, int32_t n_out)
{
    (void)x, (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = values[i];
}
