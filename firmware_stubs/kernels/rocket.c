/* MiniRocket: 84 kernels of nine taps, three of them 2 and six -1, at several dilations; of each the share of samples
   that lie above a bias. Reference: Dempster et al., MiniRocket, KDD 2021. */
#include "kernels.h"

enum { TAPS = 9, KERNELS = 84 };

static float at(const float *x, int32_t n, int32_t c, int32_t t)
{
    return t < 0 || t >= n ? 0.0f : x[t * c];
}

/* biases (n_dilations, 84, n_biases), channel (n_dilations, 84); the signal is followed and preceded by zeros. */
void k_rocket(const float *x, int32_t n, int32_t c, const int32_t *dilations, int32_t n_dilations,
              const uint8_t *channel, const float *biases, int32_t n_biases, float *y, int32_t n_out)
{
    (void)n_out;
    for (int32_t d = 0; d < n_dilations; d++)
        for (int32_t i = 0; i < TAPS; i++)
            for (int32_t j = i + 1; j < TAPS; j++)
                for (int32_t k = j + 1; k < TAPS; k++, biases += n_biases, y += n_biases) {
                    const float *from = x + *channel++;
                    const int32_t step = dilations[d];
                    for (int32_t b = 0; b < n_biases; b++)
                        y[b] = 0.0f;
                    for (int32_t t = 0; t < n; t++) {
                        float sum = 0.0f;
                        for (int32_t tap = 0; tap < TAPS; tap++)
                            sum += at(from, n, c, t + (tap - TAPS / 2) * step);
                        const float three = at(from, n, c, t + (i - TAPS / 2) * step) +
                                            at(from, n, c, t + (j - TAPS / 2) * step) +
                                            at(from, n, c, t + (k - TAPS / 2) * step);
                        for (int32_t b = 0; b < n_biases; b++)
                            y[b] += 3.0f * three - sum > biases[b] ? 1.0f : 0.0f;
                    }
                    for (int32_t b = 0; b < n_biases; b++)
                        y[b] /= (float)n;
                }
}
