/* A vector against stored ones: densities, radial kernels, neighbours. */
#include "fmath.h"
#include "kernels.h"

void k_select(const float *x, int32_t n, const uint16_t *index, float *y, int32_t n_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out; i++)
        y[i] = x[index[i]];
}

void k_gaussians(const float *x, int32_t n, const float *mean, const float *precision, const float *offset, float *y,
                 int32_t n_out)
{
    for (int32_t k = 0; k < n_out; k++, mean += n, precision += n) {
        float sum = 0.0f;
        for (int32_t i = 0; i < n; i++) {
            const float d = x[i] - mean[i];
            sum += precision[i] * d * d;
        }
        y[k] = offset[k] - sum;
    }
}

void k_greatest(const float *x, int32_t n, float *y, int32_t n_out)
{
    (void)n_out;
    y[0] = x[0];
    for (int32_t i = 1; i < n; i++)
        y[0] = x[i] > y[0] ? x[i] : y[0];
}

void k_log_sum_exp(const float *x, int32_t n, float *y, int32_t n_out)
{
    float greatest, sum = 0.0f;
    k_greatest(x, n, &greatest, n_out);
    for (int32_t i = 0; i < n; i++)
        sum += f_exp(x[i] - greatest);
    y[0] = greatest + f_log(sum);
}

#if defined(__ARM_FEATURE_SIMD32)
/* The squared differences of four values, two 16-bit lanes at a time: differences of int8 fit in nine bits. */
static inline int32_t four_squares(uint32_t a, uint32_t b, int32_t sum)
{
    uint32_t even, odd, other;
    __asm__("sxtb16 %0, %4\n"
            "sxtb16 %2, %5\n"
            "ssub16 %0, %0, %2\n"
            "sxtb16 %1, %4, ror #8\n"
            "sxtb16 %2, %5, ror #8\n"
            "ssub16 %1, %1, %2\n"
            "smlad %3, %0, %0, %3\n"
            "smlad %3, %1, %1, %3\n"
            : "=&r"(even), "=&r"(odd), "=&r"(other), "+r"(sum)
            : "r"(a), "r"(b));
    return sum;
}
#endif

/* Whole numbers: exact for any n that a board can hold, in any order. */
static int32_t squared_distance(const int8_t *a, const int8_t *b, int32_t n)
{
    int32_t sum = 0;
#if defined(__ARM_FEATURE_SIMD32)
    for (; n >= 4; n -= 4, a += 4, b += 4) {
        uint32_t x, y;
        __builtin_memcpy(&x, a, 4);
        __builtin_memcpy(&y, b, 4); /* rows of points need not be aligned: these cores do not mind */
        sum = four_squares(x, y, sum);
    }
#endif
    for (int32_t i = 0; i < n; i++) {
        const int32_t d = a[i] - b[i];
        sum += d * d;
    }
    return sum;
}

void k_radial_s8(const int8_t *x, int32_t n, const int8_t *points, float gamma, float *y, int32_t n_out)
{
    for (int32_t k = 0; k < n_out; k++, points += n)
        y[k] = f_exp(-gamma * (float)squared_distance(x, points, n));
}

struct neighbour {
    int32_t squared, point;
};

/* The k nearest points, nearest first; of equals the first in the table. */
static void nearest(const int8_t *x, int32_t n, const int8_t *points, int32_t n_points, int32_t k,
                    struct neighbour *found)
{
    int32_t have = 0;
    for (int32_t p = 0; p < n_points; p++, points += n) {
        const int32_t squared = squared_distance(x, points, n);
        if (have == k && squared >= found[k - 1].squared)
            continue;
        int32_t at = have < k ? have++ : k - 1;
        for (; at > 0 && found[at - 1].squared > squared; at--)
            found[at] = found[at - 1];
        found[at] = (struct neighbour){squared, p};
    }
}

void k_neighbours_s8(const int8_t *x, int32_t n, const int8_t *points, int32_t n_points, const uint8_t *label,
                     int32_t k, void *scratch, float *y, int32_t n_out)
{
    struct neighbour *const found = scratch;
    nearest(x, n, points, n_points, k, found);
    for (int32_t i = 0; i < n_out; i++)
        y[i] = 0.0f;
    for (int32_t i = 0; i < k; i++)
        y[label[found[i].point]] += 1.0f;
}

void k_outlier_factor_s8(const int8_t *x, int32_t n, const int8_t *points, int32_t n_points, const float *reach,
                         const float *density, int32_t k, void *scratch, float *y, int32_t n_out)
{
    (void)n_out;
    struct neighbour *const found = scratch;
    nearest(x, n, points, n_points, k, found);
    float far = 0.0f, theirs = 0.0f;
    for (int32_t i = 0; i < k; i++) {
        const float own = reach[found[i].point], d = f_sqrt((float)found[i].squared);
        far += d > own ? d : own;
        theirs += density[found[i].point];
    }
    y[0] = theirs / (float)k * (far / (float)k + 1e-10f);
}
