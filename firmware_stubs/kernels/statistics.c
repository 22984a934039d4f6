/* Features of a window in time: x is (n samples, c channels), time first. */
#include "fmath.h"
#include "kernels.h"

enum { N_STATISTICS = 10 };

static float column_mean(const float *x, int32_t n, int32_t c)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < n; i++)
        sum += x[i * c];
    return sum / (float)n;
}

/* The features of one channel that need no mean: rms, least, greatest, mean absolute difference. */
static void plain_statistics(const float *x, int32_t n, int32_t c, float *y)
{
    float squares = 0.0f, low = x[0], high = x[0], steps = 0.0f;
    for (int32_t i = 0; i < n; i++) {
        const float v = x[i * c];
        squares += v * v;
        low = v < low ? v : low;
        high = v > high ? v : high;
        if (i > 0)
            steps += f_abs(v - x[(i - 1) * c]);
    }
    y[2] = f_sqrt(squares / (float)n);
    y[3] = low;
    y[4] = high;
    y[6] = n > 1 ? steps / (float)(n - 1) : 0.0f;
}

/* Around the mean: standard deviation, mean absolute deviation, share of crossings, skewness, excess kurtosis. */
static void central_statistics(const float *x, int32_t n, int32_t c, float mean, float *y)
{
    float m1 = 0.0f, m2 = 0.0f, m3 = 0.0f, m4 = 0.0f;
    int32_t crossings = 0, above = 0;
    for (int32_t i = 0; i < n; i++) {
        const float d = x[i * c] - mean, dd = d * d;
        m1 += f_abs(d);
        m2 += dd;
        m3 += dd * d;
        m4 += dd * dd;
        crossings += i > 0 && above != (d > 0.0f);
        above = d > 0.0f;
    }
    const float count = (float)n, variance = m2 / count, deviation = f_sqrt(variance);
    /* A constant channel has only the rounding of its mean left: no shape to speak of. */
    const int32_t flat = variance <= 1e-12f * mean * mean + 1e-30f;
    y[1] = deviation;
    y[5] = m1 / count;
    y[7] = flat ? 0.0f : (float)crossings / count;
    y[8] = flat ? 0.0f : m3 / count / (variance * deviation);
    y[9] = flat ? 0.0f : m4 / count / (variance * variance) - 3.0f;
}

void k_statistics(const float *x, int32_t n, int32_t c, float *y, int32_t n_out)
{
    (void)n_out;
    for (int32_t j = 0; j < c; j++, y += N_STATISTICS) {
        y[0] = column_mean(x + j, n, c);
        plain_statistics(x + j, n, c, y);
        central_statistics(x + j, n, c, y[0], y);
    }
}

/* Shell sort with Ciura's gaps: no recursion, no second buffer. */
static void sort(float *v, int32_t n)
{
    static const int16_t gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (uint32_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        const int32_t gap = gaps[g];
        for (int32_t i = gap; i < n; i++) {
            const float moved = v[i];
            int32_t j = i;
            for (; j >= gap && v[j - gap] > moved; j -= gap)
                v[j] = v[j - gap];
            v[j] = moved;
        }
    }
}

void k_quantiles(const float *x, int32_t n, int32_t c, const float *levels, int32_t n_levels, void *scratch, float *y,
                 int32_t n_out)
{
    float *sorted = scratch;
    (void)n_out;
    for (int32_t j = 0; j < c; j++) {
        for (int32_t i = 0; i < n; i++)
            sorted[i] = x[i * c + j];
        sort(sorted, n);
        for (int32_t k = 0; k < n_levels; k++) {
            const float at = levels[k] * (float)(n - 1);
            const int32_t i = (int32_t)at, next = i + 1 < n ? i + 1 : i;
            *y++ = sorted[i] + (at - (float)i) * (sorted[next] - sorted[i]);
        }
    }
}

/* Square root of the sum of squares around the mean; 0 for a constant channel, where only rounding is left. */
static float column_norm(const float *x, int32_t n, int32_t c, float mean)
{
    float squares = 0.0f;
    for (int32_t i = 0; i < n; i++)
        squares += (x[i * c] - mean) * (x[i * c] - mean);
    return squares <= 1e-12f * mean * mean * (float)n + 1e-30f ? 0.0f : f_sqrt(squares);
}

void k_channel_correlation(const float *x, int32_t n, int32_t c, void *scratch, float *y, int32_t n_out)
{
    float *mean = scratch, *norm = mean + c;
    (void)n_out;
    for (int32_t j = 0; j < c; j++) {
        mean[j] = column_mean(x + j, n, c);
        norm[j] = column_norm(x + j, n, c, mean[j]);
    }
    for (int32_t a = 0; a < c; a++)
        for (int32_t b = a + 1; b < c; b++) {
            const float norms = norm[a] * norm[b];
            float sum = 0.0f;
            for (int32_t i = 0; i < n; i++)
                sum += (x[i * c + a] - mean[a]) * (x[i * c + b] - mean[b]);
            *y++ = norms > 0.0f ? sum / norms : 0.0f;
        }
}

void k_magnitude(const float *x, int32_t n, int32_t c, int32_t size, float *y, int32_t n_out, int32_t c_out)
{
    (void)n_out;
    for (int32_t i = 0; i < n; i++, x += c, y += c_out) {
        for (int32_t j = 0; j < c; j++)
            y[j] = x[j];
        for (int32_t g = 0; g < c_out - c; g++) {
            float squares = 0.0f;
            for (int32_t j = g * size; j < (g + 1) * size; j++)
                squares += x[j] * x[j];
            y[c + g] = f_sqrt(squares);
        }
    }
}

void k_difference(const float *x, int32_t n, int32_t c, float *y, int32_t n_out, int32_t c_out)
{
    (void)n;
    for (int32_t i = 0; i < n_out * c_out; i++)
        y[i] = x[i + c] - x[i];
}
