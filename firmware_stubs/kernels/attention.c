/* Each step of a sequence as a mixture of all steps, weighed by how well its query suits their keys. */
#include "fmath.h"
#include "kernels.h"

/* weight[j] = softmax over j of query . key[j] / sqrt(width); rows of the keys are d apart. */
static void weigh(const float *query, const float *keys, int32_t m, int32_t d, int32_t width, float *weight)
{
    const float scale = 1.0f / f_sqrt((float)width);
    float most = 0.0f, sum = 0.0f;
    for (int32_t j = 0; j < m; j++) {
        float product = 0.0f;
        for (int32_t k = 0; k < width; k++)
            product += query[k] * keys[j * d + k];
        weight[j] = product * scale;
        if (j == 0 || weight[j] > most)
            most = weight[j];
    }
    for (int32_t j = 0; j < m; j++) {
        weight[j] = weight[j] - most < -60.0f ? 0.0f : f_exp(weight[j] - most); /* far from denormal numbers */
        sum += weight[j];
    }
    for (int32_t j = 0; j < m; j++)
        weight[j] /= sum;
}

void k_attention(const float *q, int32_t n, int32_t d, const float *k, int32_t n_k, int32_t d_k, const float *v,
                 int32_t n_v, int32_t d_v, int32_t heads, void *scratch, float *y, int32_t n_out, int32_t d_out)
{
    float *const weight = scratch;
    const int32_t width = d / heads;
    (void)n_v, (void)n_out;
    for (int32_t i = 0; i < n; i++)
        for (int32_t first = 0; first < d; first += width) {
            float *const out = y + i * d_out + first;
            weigh(q + i * d + first, k + first, n_k, d_k, width, weight);
            for (int32_t c = 0; c < width; c++)
                out[c] = 0.0f;
            for (int32_t j = 0; j < n_k; j++)
                for (int32_t c = 0; c < width; c++)
                    out[c] += weight[j] * v[j * d_v + first + c];
        }
}
