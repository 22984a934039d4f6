/* Power spectra of 16-bit samples in whole numbers: for cores without a floating point unit, and in half the memory.
   The transform is radix 4 with one pass of radix 2 where the size asks for it. Before each pass all values are known to
   fit, and only as many bits are dropped as the pass may need (block floating point). */
#include "kernels.h"

struct pair {
    int16_t re, im;
};

/* a times w, which has 15 fractional bits: lengths do not grow. */
static inline void times(struct pair a, struct pair w, int32_t *re, int32_t *im)
{
#if defined(__ARM_FEATURE_SIMD32)
    uint32_t both_a, both_w;
    __builtin_memcpy(&both_a, &a, 4);
    __builtin_memcpy(&both_w, &w, 4);
    __asm__("smusd %0, %1, %2" : "=r"(*re) : "r"(both_a), "r"(both_w));
    __asm__("smuadx %0, %1, %2" : "=r"(*im) : "r"(both_a), "r"(both_w));
#else
    *re = a.re * w.re - a.im * w.im;
    *im = a.re * w.im + a.im * w.re;
#endif
    *re = (*re + 0x4000) >> 15;
    *im = (*im + 0x4000) >> 15;
}

static inline int32_t size_of(int32_t v)
{
    return v < 0 ? ~v : v;
}

/* The sum of two lengths, less `down` bits, rounded; `most` collects the bits of all. */
static inline struct pair lower(int32_t re, int32_t im, int32_t down, int32_t *most)
{
    const int32_t half = 1 << down >> 1;
    const struct pair y = {(int16_t)((re + half) >> down), (int16_t)((im + half) >> down)};
    *most |= size_of(y.re) | size_of(y.im);
    return y;
}

/* Transforms of one point each become ones of two. */
static void pass_of_two(struct pair *v, int32_t m, int32_t down, int32_t *most)
{
    for (int32_t i = 0; i < m; i += 2) {
        const struct pair a = v[i], b = v[i + 1];
        v[i] = lower(a.re + b.re, a.im + b.im, down, most);
        v[i + 1] = lower(a.re - b.re, a.im - b.im, down, most);
    }
}

/* Four transforms of `quarter` points become one, at v, with the twiddles w, w^2 and w^3. */
static inline void butterfly(struct pair *v, int32_t quarter, const struct pair *w, int32_t down, int32_t *most)
{
    struct pair *const a = v, *const b = a + quarter, *const c = b + quarter, *const d = c + quarter;
    int32_t b_re, b_im, c_re, c_im, d_re, d_im;
    times(*b, w[1], &b_re, &b_im);
    times(*c, w[0], &c_re, &c_im);
    times(*d, w[2], &d_re, &d_im);
    const int32_t even_re = a->re + b_re, even_im = a->im + b_im, odd_re = a->re - b_re, odd_im = a->im - b_im;
    const int32_t sum_re = c_re + d_re, sum_im = c_im + d_im, gap_re = c_re - d_re, gap_im = c_im - d_im;
    *a = lower(even_re + sum_re, even_im + sum_im, down, most);
    *b = lower(odd_re + gap_im, odd_im - gap_re, down, most);
    *c = lower(even_re - sum_re, even_im - sum_im, down, most);
    *d = lower(odd_re - gap_im, odd_im + gap_re, down, most);
}

static struct pair twiddle_at(const struct pair *twiddle, int32_t m, int32_t k)
{
    struct pair w = twiddle[k < m ? k : k - m]; /* half a turn on: the sign changes */
    if (k >= m) {
        w.re = (int16_t)-w.re;
        w.im = (int16_t)-w.im;
    }
    return w;
}

/* Bits that a pass must drop, so that values below `most` times its growth fit into 16 bits. */
static int32_t bits_over(int32_t most, int32_t fits)
{
    int32_t down = 0;
    for (; most >> down >= fits; down++)
        ;
    return down;
}

/* In-place transform of m complex values in bit-reversed order; returns how many bits were dropped. */
static int32_t transform(struct pair *v, int32_t m, const struct pair *twiddle, int32_t most)
{
    int32_t quarter = 1, dropped = 0;
    while (quarter * 4 <= m)
        quarter *= 4;
    if (quarter < m) {
        dropped = bits_over(most, 16384); /* grows twice at most */
        most = 0;
        pass_of_two(v, m, dropped, &most);
    }
    for (quarter = quarter < m ? 2 : 1; quarter < m; quarter *= 4) {
        const int32_t down = bits_over(most, 4096), step = m / (2 * quarter); /* a component grows 5.66 times at most */
        dropped += down;
        most = 0;
        for (int32_t k = 0; k < quarter; k++) {
            const struct pair w[3] = {twiddle_at(twiddle, m, k * step), twiddle_at(twiddle, m, 2 * k * step),
                                      twiddle_at(twiddle, m, 3 * k * step)};
            for (int32_t i = k; i < m; i += 4 * quarter)
                butterfly(v + i, quarter, w, down, &most);
        }
    }
    return dropped;
}

/* |X / 2|^2 of the real signal whose pairs have been transformed: bins k and m - k. */
static void two_powers(struct pair a, struct pair b, struct pair w, uint32_t *near, uint32_t *far)
{
    const int32_t even_re = (a.re + b.re + 1) >> 1, even_im = (a.im - b.im + 1) >> 1;
    const struct pair odd = {(int16_t)((a.im + b.im + 1) >> 1), (int16_t)((b.re - a.re + 1) >> 1)};
    int32_t re, im;
    times(odd, w, &re, &im);
    const int32_t near_re = (even_re + re + 1) >> 1, near_im = (even_im + im + 1) >> 1;
    const int32_t far_re = (even_re - re + 1) >> 1, far_im = (even_im - im + 1) >> 1;
    *near = (uint32_t)(near_re * near_re) + (uint32_t)(near_im * near_im);
    *far = (uint32_t)(far_re * far_re) + (uint32_t)(far_im * far_im);
}

/* Samples less their mean under the window, as pairs in bit-reversed order, as large as 14 bits hold; returns how many
   bits they were raised. */
static int32_t load(const int16_t *x, int32_t c, const int16_t *window, int32_t used, struct pair *v, int32_t n_fft)
{
    int32_t mean = 0, most = 0, bits = 0;
    for (int32_t i = 0; i < used; i++)
        mean += x[i * c];
    mean = mean / used;
    for (int32_t i = 0; i < used; i++)
        most |= size_of((x[i * c] - mean) * window[i]); /* 65535 * 32767 at most: 31 bits */
    for (; most; most >>= 1)
        bits++;
    const int32_t down = bits > 14 ? bits - 14 : 0, half = 1 << down >> 1, up = bits < 14 ? 14 - bits : 0;
    int16_t *const values = (int16_t *)v;
    for (int32_t i = 0, j = 0; i < n_fft; i += 2) {
        for (int32_t side = 0; side < 2; side++) {
            const int32_t at = i + side, product = at < used ? (x[at * c] - mean) * window[at] : 0;
            values[2 * j + side] = (int16_t)((product * (1 << up) + half) >> down);
        }
        int32_t bit = n_fft >> 2; /* j + 1 in reversed bits */
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
    return 15 + up - down;
}

void k_spectrum_s16(const int16_t *x, int32_t n, int32_t c, const int16_t *window, const int16_t *twiddle, int32_t used,
                    int32_t n_fft, float gain, void *scratch, float *y, int32_t n_bins, int32_t c_out)
{
    struct pair *const v = scratch;
    const struct pair *const w = (const void *)twiddle;
    const int32_t m = n_fft / 2;
    (void)n;
    for (int32_t j = 0; j < c_out; j++) {
        const int32_t up = load(x + j, c, window, used, v, n_fft);
        int32_t over = transform(v, m, w, 16383) - up;
        float one = gain;
        for (; over < 0; over++)
            one *= 0.25f;
        for (; over > 0; over--)
            one *= 4.0f;
        const int32_t first = (v[0].re + v[0].im + 1) >> 1, last = (v[0].re - v[0].im + 1) >> 1;
        y[j] = one * (float)(first * first);
        y[(n_bins - 1) * c_out + j] = one * (float)(last * last);
        for (int32_t k = 1; k <= m / 2; k++) {
            uint32_t near, far;
            two_powers(v[k], v[m - k], w[k], &near, &far);
            y[k * c_out + j] = 2.0f * one * (float)near;
            y[(m - k) * c_out + j] = 2.0f * one * (float)far;
        }
    }
}
