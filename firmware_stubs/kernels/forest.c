/* Decision trees. A node is a row of four arrays; a child index below 0 is a leaf: row ~child of `leaves`. */
#include "kernels.h"

void k_forest(const float *x, int32_t n, const int32_t *roots, int32_t n_trees, const uint16_t *feature,
              const float *threshold, const int16_t *left, const int16_t *right, const uint8_t *leaves, float *y,
              int32_t n_out)
{
    (void)n;
    for (int32_t k = 0; k < n_out; k++)
        y[k] = 0.0f;
    for (int32_t t = 0; t < n_trees; t++) {
        int32_t at = roots[t] < 0 ? roots[t] : 0;
        while (at >= 0) {
            const int32_t i = roots[t] + at;
            at = x[feature[i]] <= threshold[i] ? left[i] : right[i];
        }
        const uint8_t *votes = leaves + ~at * n_out;
        for (int32_t k = 0; k < n_out; k++)
            y[k] += (float)votes[k]; /* whole numbers far below 2^24: exact in any order */
    }
}
