/* Sound as it is heard: frames of a signal, their power in mel bands, and what is read from those.
   Time first: y is (n frames, bands of all channels), the channels of one band side by side. */
#include "fft.h"
#include "fmath.h"
#include "kernels.h"

/* Triangular bands over powers v[0], v[2], ...: segment s, the bins from edges[s] to edges[s + 1], rises into band s
   and falls out of band s - 1. Band s goes to y[s * c]. */
static void mel_bands(const float *v, const int16_t *edges, const float *rise, const float *gain, int32_t n_mels,
                      float *y, int32_t c)
{
    float up = 0.0f;
    for (int32_t s = 0; s <= n_mels; s++) {
        const float before = up;
        float down = 0.0f;
        up = 0.0f;
        for (int32_t k = edges[s]; k < edges[s + 1]; k++) {
            const float share = rise[k - edges[0]], power = v[2 * k];
            up += power * share;
            down += power * (1.0f - share);
        }
        if (s > 0)
            y[(s - 1) * c] = gain[s - 1] * (before + down);
    }
}

void k_mel(const float *x, int32_t n, int32_t c, const float *window, const float *twiddle, const int16_t *edges,
           const float *rise, const float *gain, int32_t frame, int32_t hop, int32_t n_fft, int32_t n_mels,
           void *scratch, float *y, int32_t n_frames, int32_t width)
{
    float *v = scratch;
    (void)n;
    for (int32_t t = 0; t < n_frames; t++)
        for (int32_t j = 0; j < c; j++) {
            fft_load(x + t * hop * c + j, c, frame, 0.0f, window, v, n_fft);
            fft(v, n_fft / 2, twiddle);
            fft_powers(v, n_fft / 2, twiddle);
            v[n_fft] = v[1]; /* the last bin, where its like are */
            mel_bands(v, edges, rise, gain, n_mels, y + t * width + j, c);
        }
}

void k_log_mel(const float *x, int32_t n, int32_t c, const float *window, const float *twiddle, const int16_t *edges,
               const float *rise, const float *gain, int32_t frame, int32_t hop, int32_t n_fft, int32_t n_mels,
               float least, void *scratch, float *y, int32_t n_frames, int32_t width)
{
    k_mel(x, n, c, window, twiddle, edges, rise, gain, frame, hop, n_fft, n_mels, scratch, y, n_frames, width);
    for (int32_t i = 0; i < n_frames * width; i++)
        y[i] = f_log(y[i] + least);
}

/* A cosine transform: `cosines` holds half of every row, whose other half is the mirror image, negated in odd rows. */
void k_mfcc(const float *x, int32_t n, int32_t width, const float *cosines, int32_t n_mels, int32_t n_kept, float *y,
            int32_t n_out, int32_t width_out)
{
    const int32_t c = width / n_mels, half = n_mels / 2, stored = (n_mels + 1) / 2;
    (void)n;
    for (int32_t t = 0; t < n_out; t++)
        for (int32_t j = 0; j < c; j++) {
            const float *mels = x + t * width + j;
            for (int32_t k = 0; k < n_kept; k++) {
                const float *row = cosines + k * stored;
                const float sign = k % 2 ? -1.0f : 1.0f;
                float sum = half < stored ? row[half] * mels[half * c] : 0.0f;
                for (int32_t m = 0; m < half; m++)
                    sum += row[m] * (mels[m * c] + sign * mels[(n_mels - 1 - m) * c]);
                y[t * width_out + k * c + j] = sum;
            }
        }
}

void k_delta(const float *x, int32_t n, int32_t c, int32_t reach, float *y, int32_t n_out, int32_t c_out)
{
    float squares = 0.0f;
    for (int32_t k = 1; k <= reach; k++)
        squares += (float)(2 * k * k);
    const float gain = 1.0f / squares;
    for (int32_t t = 0; t < n_out; t++)
        for (int32_t j = 0; j < c_out; j++) {
            float sum = 0.0f;
            for (int32_t k = 1; k <= reach; k++) {
                const int32_t next = t + k < n ? t + k : n - 1, last = t - k > 0 ? t - k : 0;
                sum += (float)k * (x[next * c + j] - x[last * c + j]);
            }
            y[t * c_out + j] = gain * sum;
        }
}

/* base^exponent of a number that is not below 0. */
static float power(float base, float exponent)
{
    return base > 0.0f ? f_exp(exponent * f_log(base)) : 0.0f;
}

void k_pcen(const float *x, int32_t n, int32_t c, float smooth, float strength, float bias, float root, float least,
            float *y, int32_t n_out, int32_t c_out)
{
    const float floor = power(bias, root);
    (void)n;
    for (int32_t j = 0; j < c_out; j++) {
        float level = x[j];
        for (int32_t t = 0; t < n_out; t++) {
            const float energy = x[t * c + j];
            level = (1.0f - smooth) * level + smooth * energy;
            y[t * c_out + j] = power(energy * power(least + level, -strength) + bias, root) - floor;
        }
    }
}
