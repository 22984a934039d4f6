#include "fmath.h"

static float from_bits(uint32_t bits)
{
    float x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t to_bits(float x)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

float f_log(float x)
{
    const uint32_t bits = to_bits(x);
    if (!(x > 0.0f) || bits < 0x00800000u)
        return -87.33655f;
    int32_t e = (int32_t)(bits >> 23) - 126;
    float m = from_bits((bits & 0x007fffffu) | 0x3f000000u); /* in [0.5, 1) */
    if (m < 0.70710678f) {
        e--;
        m = m + m - 1.0f;
    } else {
        m -= 1.0f;
    }
    const float z = m * m;
    float p = 7.0376836292e-2f;
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    float y = m * z * p;
    y += -2.12194440e-4f * (float)e;
    y += -0.5f * z;
    return m + y + 0.693359375f * (float)e;
}

float f_exp(float x)
{
    if (!(x >= -87.33f))
        return 0.0f;
    if (x > 88.72f)
        x = 88.72f;
    const float halves = x * 1.44269504088896341f + 0.5f;
    int32_t n = (int32_t)halves;
    if ((float)n > halves)
        n--;
    x -= (float)n * 0.693359375f;
    x -= (float)n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * x + 1.3981999507e-3f;
    p = p * x + 8.3334519073e-3f;
    p = p * x + 4.1665795894e-2f;
    p = p * x + 1.6666665459e-1f;
    p = p * x + 5.0000001201e-1f;
    float y = p * (x * x) + x + 1.0f;
    if (n > 127) { /* 2^128 is no float */
        y += y;
        n = 127;
    }
    return y * from_bits((uint32_t)(n + 127) << 23);
}

/* sin(x + quarters * pi / 2): reduce to [-pi/4, pi/4] with pi/2 in three parts, then one of two polynomials. */
static float sine(float x, int32_t quarters)
{
    if (!(x > -1e9f && x < 1e9f))
        x = 0.0f;
    const float k = x * 0.636619772367581343f;
    const int32_t n = (int32_t)(k + (k < 0.0f ? -0.5f : 0.5f));
    x -= (float)n * 1.5703125f;
    x -= (float)n * 4.837512969970703125e-4f;
    x -= (float)n * 7.54978995489188216e-8f;
    quarters = (quarters + n) & 3;
    const float z = x * x;
    float y;
    if (quarters & 1)
        y = ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
    else
        y = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * x + x;
    return quarters & 2 ? -y : y;
}

float f_sin(float x)
{
    return sine(x, 0);
}

float f_cos(float x)
{
    return sine(x, 1);
}

float f_tanh(float x)
{
    const float a = f_abs(x);
    if (a > 9.0f)
        return x < 0.0f ? -1.0f : 1.0f;
    if (a < 0.625f) {
        const float z = x * x;
        float p = -5.70498872745e-3f;
        p = p * z + 2.06390887954e-2f;
        p = p * z - 5.37397155531e-2f;
        p = p * z + 1.33314422036e-1f;
        p = p * z - 3.33332819422e-1f;
        return p * z * x + x;
    }
    const float y = 1.0f - 2.0f / (f_exp(a + a) + 1.0f);
    return x < 0.0f ? -y : y;
}

/* Arc tangent of t in [0, 1]: around 0 or, above tan(pi / 8), around pi / 4. */
static float arc_tangent(float t)
{
    const float offset = t > 0.41421356f ? 0.78539816f : 0.0f;
    if (t > 0.41421356f)
        t = (t - 1.0f) / (t + 1.0f);
    const float z = t * t;
    float p = 8.05374449538e-2f;
    p = p * z - 1.38776856032e-1f;
    p = p * z + 1.99777106478e-1f;
    p = p * z - 3.33329491539e-1f;
    return offset + (p * z * t + t);
}

float f_atan2(float y, float x)
{
    const float a = f_abs(x), b = f_abs(y);
    if (!(a > 0.0f || b > 0.0f))
        return 0.0f;
    float angle = b > a ? 1.5707963f - arc_tangent(a / b) : arc_tangent(b / a);
    angle = x < 0.0f ? 3.1415927f - angle : angle;
    return y < 0.0f ? -angle : angle;
}
