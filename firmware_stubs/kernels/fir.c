/* Filters with finite response over a window, x (n, c), time first: y (n - frame + 1, c) is where all taps have samples.
   Short ones sum products; long ones multiply spectra, two stretches at a time, one as the real part and one as the
   imaginary part of the same transform (overlap-save). */
#include "fft.h"
#include "kernels.h"

/* Four outputs at a time share the loads; the order of every sum is that of its taps, from the last. */
static void four_sums(const float *x, int32_t c, const float *taps, int32_t frame, float *y, int32_t c_out)
{
    float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
    float a = x[0], b = x[c], d = x[2 * c];
    x += 3 * c;
    for (const float *tap = taps + frame; tap > taps; x += c) {
        const float t = *--tap, e = *x;
        s0 += t * a;
        s1 += t * b;
        s2 += t * d;
        s3 += t * e;
        a = b;
        b = d;
        d = e;
    }
    y[0] = s0;
    y[c_out] = s1;
    y[2 * c_out] = s2;
    y[3 * c_out] = s3;
}

void k_fir(const float *x, int32_t n, int32_t c, const float *taps, int32_t frame, float *y, int32_t n_out,
           int32_t c_out)
{
    (void)n;
    for (int32_t j = 0; j < c_out; j++) {
        int32_t t = 0;
        for (; t + 4 <= n_out; t += 4)
            four_sums(x + t * c + j, c, taps, frame, y + t * c_out + j, c_out);
        for (; t < n_out; t++) {
            float sum = 0.0f;
            for (int32_t k = 0; k < frame; k++)
                sum += taps[frame - 1 - k] * x[(t + k) * c + j];
            y[t * c_out + j] = sum;
        }
    }
}

/* `n_fft` samples of two stretches from x[at] and x[at + step] on, zeros behind the end, in bit-reversed order. */
static void load_two(const float *x, int32_t n, int32_t c, int32_t at, int32_t step, float *v, int32_t n_fft)
{
    for (int32_t i = 0, j = 0; i < n_fft; i++) {
        v[2 * j] = at + i < n ? x[(at + i) * c] : 0.0f;
        v[2 * j + 1] = at + step + i < n ? x[(at + step + i) * c] : 0.0f;
        int32_t bit = n_fft >> 1; /* j + 1 in reversed bits */
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
}

/* v times the filter's spectrum, each value's conjugate: transforming that forwards once more is the way back. */
static void multiply(float *v, const float *spectrum, int32_t n_fft)
{
    for (int32_t k = 0; k < 2 * n_fft; k += 2) {
        const float re = v[k] * spectrum[k] - v[k + 1] * spectrum[k + 1];
        v[k + 1] = -(v[k] * spectrum[k + 1] + v[k + 1] * spectrum[k]);
        v[k] = re;
    }
}

/* `spectrum` is that of the taps over n_fft. */
void k_fast_fir(const float *x, int32_t n, int32_t c, const float *spectrum, const float *twiddle, int32_t frame,
                int32_t n_fft, void *scratch, float *y, int32_t n_out, int32_t c_out)
{
    float *const v = scratch;
    const int32_t step = n_fft - frame + 1; /* outputs of one stretch */
    for (int32_t j = 0; j < c_out; j++)
        for (int32_t at = 0; at < n_out; at += 2 * step) {
            load_two(x + j, n, c, at, step, v, n_fft);
            fft(v, n_fft, twiddle);
            multiply(v, spectrum, n_fft);
            fft_reverse(v, n_fft);
            fft(v, n_fft, twiddle);
            for (int32_t i = 0; i < step; i++) {
                if (at + i < n_out)
                    y[(at + i) * c_out + j] = v[2 * (frame - 1 + i)];
                if (at + step + i < n_out)
                    y[(at + step + i) * c_out + j] = -v[2 * (frame - 1 + i) + 1];
            }
        }
}
