/* Real FFT in single precision: radix 4, with one pass of radix 2 where the size asks for it. Twiddles come from a
   table, and every sum has one order, so that all machines give the same bits. */
#include "fft.h"

void fft_load(const float *x, int32_t step, int32_t used, float mean, const float *window, float *v, int32_t n_fft)
{
    const int32_t pairs = n_fft / 2;
    for (int32_t i = 0, j = 0; i < pairs; i++) {
        const int32_t even = 2 * i, odd = even + 1;
        v[2 * j] = even < used ? (x[even * step] - mean) * window[even] : 0.0f;
        v[2 * j + 1] = odd < used ? (x[odd * step] - mean) * window[odd] : 0.0f;
        int32_t bit = pairs >> 1; /* j + 1 in reversed bits */
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
}

void fft_reverse(float *v, int32_t n)
{
    for (int32_t i = 0, j = 0; i < n; i++) {
        if (i < j)
            for (int32_t part = 0; part < 2; part++) {
                const float kept = v[2 * i + part];
                v[2 * i + part] = v[2 * j + part];
                v[2 * j + part] = kept;
            }
        int32_t bit = n >> 1; /* j + 1 in reversed bits */
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
}

static inline void add_and_subtract(float *a, float *b)
{
    const float re = b[0], im = b[1];
    b[0] = a[0] - re;
    b[1] = a[1] - im;
    a[0] += re;
    a[1] += im;
}

/* Four transforms of `quarter` points become one, at v, with the twiddles w, w^2 and w^3. */
static inline void butterfly(float *v, int32_t quarter, const float *w1, const float *w2, const float *w3, float sign)
{
    float *a = v, *b = a + 2 * quarter, *c = b + 2 * quarter, *d = c + 2 * quarter;
    const float b_re = b[0] * w2[0] - b[1] * w2[1], b_im = b[0] * w2[1] + b[1] * w2[0];
    const float c_re = c[0] * w1[0] - c[1] * w1[1], c_im = c[0] * w1[1] + c[1] * w1[0];
    const float w3_re = sign * w3[0], w3_im = sign * w3[1];
    const float d_re = d[0] * w3_re - d[1] * w3_im, d_im = d[0] * w3_im + d[1] * w3_re;
    const float even_re = a[0] + b_re, even_im = a[1] + b_im, odd_re = a[0] - b_re, odd_im = a[1] - b_im;
    const float sum_re = c_re + d_re, sum_im = c_im + d_im, gap_re = c_re - d_re, gap_im = c_im - d_im;
    a[0] = even_re + sum_re;
    a[1] = even_im + sum_im;
    b[0] = odd_re + gap_im;
    b[1] = odd_im - gap_re;
    c[0] = even_re - sum_re;
    c[1] = even_im - sum_im;
    d[0] = odd_re - gap_im;
    d[1] = odd_im + gap_re;
}

void fft(float *v, int32_t n, const float *twiddle)
{
    int32_t quarter = 1;
    while (quarter * 4 <= n)
        quarter *= 4;
    const int32_t first = quarter < n ? 2 : 1;
    if (first == 2)
        for (int32_t i = 0; i < n; i += 2)
            add_and_subtract(v + 2 * i, v + 2 * i + 2);
    for (quarter = first; quarter < n; quarter *= 4) {
        const int32_t step = n / quarter; /* floats between the twiddles of this pass: 2 n points in the table */
        for (int32_t k = 0; k < quarter; k++) {
            const int32_t at = 3 * k * step;
            const float sign = at < 2 * n ? 1.0f : -1.0f; /* half a turn on */
            const float *w3 = twiddle + (at < 2 * n ? at : at - 2 * n);
            for (int32_t i = k; i < n; i += 4 * quarter)
                butterfly(v + 2 * i, quarter, twiddle + k * step, twiddle + 2 * k * step, w3, sign);
        }
    }
}

void fft_powers(float *v, int32_t m, const float *twiddle)
{
    const float first = v[0] + v[1], last = v[0] - v[1];
    v[0] = 4.0f * (first * first);
    v[1] = 4.0f * (last * last);
    for (int32_t k = 1; k <= m / 2; k++) {
        float *a = v + 2 * k, *b = v + 2 * (m - k);
        const float even_re = a[0] + b[0], even_im = a[1] - b[1], odd_re = a[1] + b[1], odd_im = b[0] - a[0];
        const float wr = twiddle[2 * k], wi = twiddle[2 * k + 1];
        const float turned_re = odd_re * wr - odd_im * wi, turned_im = odd_re * wi + odd_im * wr;
        const float near_re = even_re + turned_re, near_im = even_im + turned_im;
        const float far_re = even_re - turned_re, far_im = even_im - turned_im;
        a[0] = near_re * near_re + near_im * near_im;
        b[0] = far_re * far_re + far_im * far_im; /* at k = m / 2 both are one place, and equal */
    }
}
