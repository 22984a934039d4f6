/* Elementary functions in single precision that give the same bits on every IEEE machine.

   Why our own: each C library rounds differently, and some use double inside. Here every step is one float
   operation in a fixed order (compile with -ffp-contract=off), and floats are clamped before they become ints.
   Polynomials: Cephes Mathematical Library, single precision (S. L. Moshier, public domain). */
#pragma once
#include <stdint.h>

/* Natural logarithm; below the smallest normal number (also of 0 and negative numbers) -87.33655. */
float f_log(float x);

/* e to the x; 0 below -87.33, 3.4e38 above 88.72. */
float f_exp(float x);

/* Sine and cosine of x radians; accurate to |x| = 8192. */
float f_sin(float x);
float f_cos(float x);

float f_tanh(float x);

/* Angle of the point (x, y) in radians, -pi to pi; 0 for the origin. */
float f_atan2(float y, float x);

/* Correctly rounded, as IEEE 754 asks of every square root. */
static inline float f_sqrt(float x)
{
    return __builtin_sqrtf(x);
}

static inline float f_abs(float x)
{
    return x < 0.0f ? -x : x;
}
