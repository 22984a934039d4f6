/* Softmax in int8, as TensorFlow Lite Micro: fixed point throughout, 5 integer bits before the exponential.
   Reference: tensorflow/lite/kernels/internal/reference/softmax.h on gemmlowp/fixedpoint/fixedpoint.h. */
#include "kernels.h"
#include "requantize.h"

/* a * b / 2^31, halves away from zero as in gemmlowp; INT32_MIN squared cannot be here. */
#define times doubling_high_multiply

/* x * 2^n, kept in int32; n >= 0. */
SMALL static int32_t raised(int32_t x, int32_t n)
{
    const int32_t most = (int32_t)((1u << (31 - n)) - 1u);
    return x > most ? INT32_MAX : x < -most ? INT32_MIN : (int32_t)((uint32_t)x << n);
}

/* e^x for x in [-1/4, 0), 31 fractional bits: a polynomial around -1/8. */
SMALL static int32_t exp_of_a_quarter(int32_t x)
{
    const int32_t centre = 1895147668, third = 715827883; /* e^(-1/8), 1/3 */
    x += 1 << 28;
    const int32_t x2 = times(x, x), x3 = times(x2, x), x4 = times(x2, x2);
    const int32_t rest = rounding_shift(times(rounding_shift(x4, 2) + x3, third) + x2, 1);
    return centre + times(centre, x + rest);
}

/* e^x for x <= 0 with 26 fractional bits; the result has 31. */
SMALL static int32_t exp_of(int32_t x)
{
    static const int32_t halves[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    if (x == 0)
        return INT32_MAX;
    const int32_t quarter = 1 << 24;
    const int32_t fraction = (int32_t)((uint32_t)x & (uint32_t)(quarter - 1)) - quarter;
    int32_t y = exp_of_a_quarter(raised(fraction, 5));
    const uint32_t rest = (uint32_t)(fraction - x);
    for (int32_t i = 0; i < 7; i++) /* e^(-1/4), e^(-1/2) ... e^(-16) */
        if (rest >> (24 + i) & 1u)
            y = times(y, halves[i]);
    return y;
}

/* 1 / (1 + x) for x in [0, 1), 31 fractional bits, by three steps of Newton's. */
SMALL static int32_t one_over_one_plus(int32_t x)
{
    const int64_t whole = (int64_t)x + INT32_MAX;
    const int32_t half = (int32_t)((whole + 1) / 2);             /* (x + 1) / 2, rounded */
    int32_t y = 1515870810 + times(half, -1010580540);           /* 48/17 - 32/17 * half, 29 fractional bits */
    for (int32_t i = 0; i < 3; i++) {
        const int32_t error = (1 << 29) - times(half, y);
        y += raised(times(y, error), 2);
    }
    return raised(y, 1);
}

SMALL void k_softmax_s8(const int8_t *x, int32_t n, int32_t size, int32_t multiplier, int32_t shift, int32_t least,
                        int8_t *y, int32_t n_out, int32_t size_out)
{
    (void)n, (void)size_out;
    for (int32_t row = 0; row < n_out; row++, x += size, y += size) {
        int32_t greatest = -128, sum = 0; /* the sum has 19 fractional bits */
        for (int32_t i = 0; i < size; i++)
            greatest = x[i] > greatest ? x[i] : greatest;
        for (int32_t i = 0; i < size; i++)
            if (x[i] - greatest >= least)
                sum += rounding_shift(exp_of(rescale(x[i] - greatest, multiplier, shift)), 12);
        const int32_t over = __builtin_clz((uint32_t)sum);
        const int32_t inverse = one_over_one_plus((int32_t)(((uint32_t)sum << over) - (1u << 31)));
        for (int32_t i = 0; i < size; i++) {
            int32_t q = 0;
            if (x[i] - greatest >= least) {
                const int32_t e = exp_of(rescale(x[i] - greatest, multiplier, shift));
                q = rounding_shift(times(inverse, e), 35 - over);
            }
            y[i] = (int8_t)(q > 255 ? 127 : q - 128);
        }
    }
}
