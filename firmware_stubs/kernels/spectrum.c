/* Power spectra and what is read from them. Frequency first: y is (n bins, c channels). */
#include "fft.h"
#include "fmath.h"
#include "kernels.h"

enum { N_SHAPES = 5 };

void k_spectrum(const float *x, int32_t n, int32_t c, const float *window, const float *twiddle, int32_t used,
                int32_t n_fft, float gain, void *scratch, float *y, int32_t n_bins, int32_t c_out)
{
    float *v = scratch;
    (void)n;
    for (int32_t j = 0; j < c; j++) {
        float mean = 0.0f;
        for (int32_t i = 0; i < used; i++)
            mean += x[i * c + j];
        mean /= (float)used;
        fft_load(x + j, c, used, mean, window, v, n_fft);
        fft(v, n_fft / 2, twiddle);
        fft_powers(v, n_fft / 2, twiddle);
        y[j] = 0.25f * gain * v[0];
        y[(n_bins - 1) * c_out + j] = 0.25f * gain * v[1];
        for (int32_t k = 1; k < n_bins - 1; k++)
            y[k * c_out + j] = 0.5f * gain * v[2 * k]; /* with the mirrored half of a real signal */
    }
}

void k_band_power(const float *x, int32_t n_bins, int32_t c, const int32_t *edges, int32_t n_bands, float least,
                  float *y, int32_t n_out)
{
    (void)n_bins, (void)n_out;
    for (int32_t j = 0; j < c; j++)
        for (int32_t b = 0; b < n_bands; b++) {
            float sum = 0.0f;
            for (int32_t k = edges[b]; k < edges[b + 1]; k++)
                sum += x[k * c + j];
            *y++ = f_log(sum + least);
        }
}

/* One channel: centroid, spread, frequency of the greatest bin, its share of the power, entropy (0 tone, 1 noise). */
static void spectral_shape(const float *x, int32_t n_bins, int32_t c, float bin_hz, float least, float *y)
{
    float total = 0.0f, first = 0.0f, second = 0.0f, entropy = 0.0f;
    int32_t peak = 1;
    for (int32_t k = 1; k < n_bins; k++) {
        total += x[k * c];
        first += (float)k * x[k * c];
        second += (float)k * (float)k * x[k * c];
        peak = x[k * c] > x[peak * c] ? k : peak;
    }
    if (!(total > least)) {
        for (int32_t i = 0; i < N_SHAPES; i++)
            y[i] = 0.0f;
        return;
    }
    for (int32_t k = 1; k < n_bins; k++) {
        const float share = x[k * c] / total;
        entropy -= share > 1e-12f ? share * f_log(share) : 0.0f;
    }
    const float centroid = first / total, spread = second / total - centroid * centroid;
    y[0] = centroid * bin_hz;
    y[1] = f_sqrt(spread > 0.0f ? spread : 0.0f) * bin_hz;
    y[2] = (float)peak * bin_hz;
    y[3] = x[peak * c] / total;
    y[4] = n_bins > 2 ? entropy / f_log((float)(n_bins - 1)) : 0.0f;
}

void k_spectral_shape(const float *x, int32_t n_bins, int32_t c, float bin_hz, float least, float *y, int32_t n_out)
{
    (void)n_out;
    for (int32_t j = 0; j < c; j++, y += N_SHAPES)
        spectral_shape(x + j, n_bins, c, bin_hz, least, y);
}

/* One channel: the `n_peaks` highest bins that are above both neighbours: frequency (the top of the parabola through the
   three) and logarithm of the power, the highest first. */
static void spectral_peaks(const float *x, int32_t n_bins, int32_t c, float bin_hz, float least, int32_t n_peaks,
                           float *y)
{
    float most = -1.0f; /* height of the peak before: the next is lower, or as high and behind it */
    int32_t before = -1;
    for (int32_t i = 0; i < n_peaks; i++) {
        int32_t best = 0;
        for (int32_t k = 1; k < n_bins - 1; k++) {
            const float v = x[k * c];
            if (v > x[(k - 1) * c] && v > x[(k + 1) * c] && (best == 0 || v > x[best * c]) &&
                (before < 0 || v < most || (v <= most && k > before)))
                best = k;
        }
        if (best == 0) {
            for (; i < n_peaks; i++) {
                y[2 * i] = 0.0f;
                y[2 * i + 1] = f_log(least);
            }
            return;
        }
        const float low = x[(best - 1) * c], top = x[best * c], high = x[(best + 1) * c];
        y[2 * i] = bin_hz * ((float)best + 0.5f * (low - high) / ((low - top) + (high - top)));
        y[2 * i + 1] = f_log(top + least);
        most = top;
        before = best;
    }
}

void k_peaks(const float *x, int32_t n_bins, int32_t c, float bin_hz, float least, int32_t n_peaks, float *y,
             int32_t n_out)
{
    (void)n_out;
    for (int32_t j = 0; j < c; j++, y += 2 * n_peaks)
        spectral_peaks(x + j, n_bins, c, bin_hz, least, n_peaks, y);
}

/* Length of the analytic signal of what lies in the bins from `first` up to, not including, `last`. */
void k_envelope(const float *x, int32_t n, int32_t c, const float *twiddle, int32_t first, int32_t last, void *scratch,
                float *y, int32_t n_out, int32_t c_out)
{
    float *v = scratch;
    (void)n;
    for (int32_t j = 0; j < c_out; j++) {
        float mean = 0.0f;
        for (int32_t i = 0; i < n_out; i++)
            mean += x[i * c + j];
        mean /= (float)n_out;
        for (int32_t i = 0; i < n_out; i++) {
            v[2 * i] = x[i * c + j] - mean;
            v[2 * i + 1] = 0.0f;
        }
        fft_reverse(v, n_out);
        fft(v, n_out, twiddle);
        for (int32_t k = 0; k < n_out; k++) {
            const int32_t in = k >= first && k < last;
            v[2 * k] = in ? v[2 * k] : 0.0f;
            v[2 * k + 1] = in ? -v[2 * k + 1] : 0.0f; /* turned round in time: what is wanted is the length alone */
        }
        fft_reverse(v, n_out);
        fft(v, n_out, twiddle);
        for (int32_t i = 0; i < n_out; i++)
            y[i * c_out + j] = 2.0f / (float)n_out * f_sqrt(v[2 * i] * v[2 * i] + v[2 * i + 1] * v[2 * i + 1]);
    }
}
