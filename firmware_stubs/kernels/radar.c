/* Radar with chirps: a frame is (n chirps, samples of a chirp). Range by a transform of each chirp, speed by one across
   the chirps, and what stands out of its surroundings. */
#include "fft.h"
#include "fmath.h"
#include "kernels.h"

/* Complex range bins of each chirp: y (n_chirps, 2 * n_bins), re and im side by side. */
void k_range_spectrum(const float *x, int32_t n, int32_t used, const float *window, const float *twiddle, int32_t n_fft,
                      int32_t n_bins, void *scratch, float *y, int32_t n_out, int32_t width)
{
    float *v = scratch;
    const int32_t m = n_fft / 2;
    (void)n, (void)width;
    for (int32_t t = 0; t < n_out; t++, x += used) {
        fft_load(x, 1, used, 0.0f, window, v, n_fft);
        fft(v, m, twiddle);
        for (int32_t k = 0; k < n_bins; k++) {
            const float *a = v + 2 * k, *b = v + 2 * (k ? m - k : 0);
            const float even_re = a[0] + b[0], even_im = a[1] - b[1], odd_re = a[1] + b[1], odd_im = b[0] - a[0];
            const float wr = twiddle[2 * k], wi = twiddle[2 * k + 1];
            *y++ = 0.5f * (even_re + (odd_re * wr - odd_im * wi));
            *y++ = 0.5f * (even_im + (odd_re * wi + odd_im * wr));
        }
    }
}

/* Power by speed and range: y (n_fft, n_bins), speed 0 in the middle row; `twiddle` is that of 2 n_fft points. */
void k_doppler(const float *x, int32_t n, int32_t c, const float *window, const float *twiddle, int32_t n_fft,
               void *scratch, float *y, int32_t n_out, int32_t n_bins)
{
    float *v = scratch;
    for (int32_t k = 0; k < n_bins; k++) {
        for (int32_t i = 0, j = 0; i < n_fft; i++) {
            v[2 * j] = i < n ? window[i] * x[i * c + 2 * k] : 0.0f;
            v[2 * j + 1] = i < n ? window[i] * x[i * c + 2 * k + 1] : 0.0f;
            int32_t bit = n_fft >> 1; /* j + 1 in reversed bits */
            for (; j & bit; bit >>= 1)
                j ^= bit;
            j |= bit;
        }
        fft(v, n_fft, twiddle);
        for (int32_t i = 0; i < n_out; i++) {
            const float *z = v + 2 * ((i + n_fft / 2) % n_fft);
            y[i * n_bins + k] = z[0] * z[0] + z[1] * z[1];
        }
    }
}

/* Cell averaging along the columns: how many times the mean of its neighbours each cell is; 0 below `factor`. */
void k_cfar(const float *x, int32_t n, int32_t c, int32_t guard, int32_t train, float factor, float *y, int32_t n_out,
            int32_t c_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++, x += c)
        for (int32_t j = 0; j < c_out; j++) {
            float sum = 0.0f;
            int32_t cells = 0;
            for (int32_t k = j - guard - train; k <= j + guard + train; k++)
                if (k >= 0 && k < c && (k < j - guard || k > j + guard)) {
                    sum += x[k];
                    cells++;
                }
            const float floor = cells > 0 ? sum / (float)cells : 0.0f;
            *y++ = x[j] > factor * floor && floor > 1e-30f ? x[j] / floor : 0.0f;
        }
}
