/* The Fourier transform that spectra share. A signal of n_fft real values is transformed as n_fft / 2 complex ones. */
#pragma once
#include <stdint.h>

/* n_fft values from `used` samples x[0], x[step], ..., each less `mean` and times window[i], then zeros: as complex
   pairs (even, odd) in bit-reversed order, which is what fft() begins with. */
void fft_load(const float *x, int32_t step, int32_t used, float mean, const float *window, float *v, int32_t n_fft);

/* Puts n complex values into bit-reversed order. */
void fft_reverse(float *v, int32_t n);

/* In-place complex FFT of n points, re and im interleaved, that come in bit-reversed order and leave in their own;
   `twiddle` holds cos, -sin of 2 pi k / (2 n), k < n. */
void fft(float *v, int32_t n, const float *twiddle);

/* 4 |X[k]|^2 of the real signal of 2 m points whose m pairs fft() has transformed: v[2 k] for k < m, v[1] for k = m. */
void fft_powers(float *v, int32_t m, const float *twiddle);
