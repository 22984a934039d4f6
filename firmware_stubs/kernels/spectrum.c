/* Power spectra and what is read from them. Frequency first: y is (n bins, c channels). */
#include "fmath.h"
#include "kernels.h"

enum { N_SHAPES = 5 };

/* In-place complex FFT of n points, re and im interleaved; `twiddle` holds cos, -sin of 2 pi k / (2 n), k < n. */
static void fft(float *v, int32_t n, const float *twiddle)
{
    for (int32_t i = 1, j = 0; i < n; i++) {
        int32_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            const float re = v[2 * i], im = v[2 * i + 1];
            v[2 * i] = v[2 * j];
            v[2 * i + 1] = v[2 * j + 1];
            v[2 * j] = re;
            v[2 * j + 1] = im;
        }
    }
    for (int32_t half = 1; half < n; half <<= 1) {
        const int32_t step = 2 * (n / half); /* floats between the twiddles of this pass: 2 n points in the table */
        for (int32_t start = 0; start < n; start += 2 * half) {
            for (int32_t k = 0; k < half; k++) {
                const float wr = twiddle[k * step], wi = twiddle[k * step + 1];
                float *a = v + 2 * (start + k), *b = a + 2 * half;
                const float re = b[0] * wr - b[1] * wi, im = b[0] * wi + b[1] * wr;
                b[0] = a[0] - re;
                b[1] = a[1] - im;
                a[0] += re;
                a[1] += im;
            }
        }
    }
}

/* |X[k]|^2 of a real signal of 2 m points from the complex FFT of its m (even, odd) pairs. */
static float bin_power(const float *z, int32_t m, int32_t k, const float *twiddle)
{
    if (k == 0 || k == m) {
        const float x = k == 0 ? z[0] + z[1] : z[0] - z[1];
        return x * x;
    }
    const float *a = z + 2 * k, *b = z + 2 * (m - k);
    const float even_re = 0.5f * (a[0] + b[0]), even_im = 0.5f * (a[1] - b[1]);
    const float odd_re = 0.5f * (a[1] + b[1]), odd_im = -0.5f * (a[0] - b[0]);
    const float wr = twiddle[2 * k], wi = twiddle[2 * k + 1];
    const float re = even_re + (odd_re * wr - odd_im * wi), im = even_im + (odd_re * wi + odd_im * wr);
    return re * re + im * im;
}

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
        for (int32_t i = 0; i < n_fft; i++)
            v[i] = i < used ? (x[i * c + j] - mean) * window[i] : 0.0f;
        fft(v, n_fft / 2, twiddle);
        for (int32_t k = 0; k < n_bins; k++) {
            const float both = k == 0 || k == n_bins - 1 ? 1.0f : 2.0f; /* the mirrored half of a real signal */
            y[k * c_out + j] = both * gain * bin_power(v, n_fft / 2, k, twiddle);
        }
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
