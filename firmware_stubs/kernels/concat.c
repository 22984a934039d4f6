/* One vector out of several. */
#include "kernels.h"

static float *append(float *to, const float *from, int32_t n)
{
    __builtin_memcpy(to, from, (uint32_t)n * sizeof *to);
    return to + n;
}

void k_concat2(const float *a, int32_t n_a, const float *b, int32_t n_b, float *y, int32_t n_out)
{
    (void)n_out;
    append(append(y, a, n_a), b, n_b);
}

void k_concat3(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, float *y,
               int32_t n_out)
{
    k_concat2(a, n_a, b, n_b, y, n_out - n_c);
    append(y + n_out - n_c, c, n_c);
}

void k_concat4(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, const float *d,
               int32_t n_d, float *y, int32_t n_out)
{
    k_concat3(a, n_a, b, n_b, c, n_c, y, n_out - n_d);
    append(y + n_out - n_d, d, n_d);
}

void k_concat5(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, const float *d,
               int32_t n_d, const float *e, int32_t n_e, float *y, int32_t n_out)
{
    k_concat4(a, n_a, b, n_b, c, n_c, d, n_d, y, n_out - n_e);
    append(y + n_out - n_e, e, n_e);
}

void k_concat6(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, const float *d,
               int32_t n_d, const float *e, int32_t n_e, const float *f, int32_t n_f, float *y, int32_t n_out)
{
    k_concat5(a, n_a, b, n_b, c, n_c, d, n_d, e, n_e, y, n_out - n_f);
    append(y + n_out - n_f, f, n_f);
}

void k_concat7(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, const float *d,
               int32_t n_d, const float *e, int32_t n_e, const float *f, int32_t n_f, const float *g, int32_t n_g,
               float *y, int32_t n_out)
{
    k_concat6(a, n_a, b, n_b, c, n_c, d, n_d, e, n_e, f, n_f, y, n_out - n_g);
    append(y + n_out - n_g, g, n_g);
}

void k_concat8(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, const float *d,
               int32_t n_d, const float *e, int32_t n_e, const float *f, int32_t n_f, const float *g, int32_t n_g,
               const float *h, int32_t n_h, float *y, int32_t n_out)
{
    k_concat7(a, n_a, b, n_b, c, n_c, d, n_d, e, n_e, f, n_f, g, n_g, y, n_out - n_h);
    append(y + n_out - n_h, h, n_h);
}
