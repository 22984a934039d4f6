/* Decision trees on int8 values: three bytes per decision where its numbers are small enough, else four.

   A decision is a word, lowest bits first: threshold (8, signed), two flags, feature (`feature_bits`), link (the rest).
   A value not above the threshold goes low, else high. A child that is a decision follows its parent in the table;
   where both are, the high one lies `link` decisions behind the parent. Where one child is a leaf, `link` is its number;
   where both are, the low leaf is number `link` and the high one the next. A root below 0 is the leaf ~root. */
#include "kernels.h"

#define LOW_LEAF (1u << 8)
#define HIGH_LEAF (1u << 9)
#define FEATURE 10
#define LINK(w, bytes) ((w) << 8 * (4 - (bytes)) >> (8 * (4 - (bytes)) + FEATURE) >> feature_bits)

/* Work that only one way needs stays on that way: the compiler would do it before the decision, at every step. */
#define KEEP(v) __asm__("" : "+r"(v))

#define INLINE static inline __attribute__((always_inline))

/* The number of the leaf that x falls into. `bytes` is a constant where this is called. */
INLINE uint32_t leaf_of(const int8_t *x, const uint8_t *nodes, uint32_t bytes, int32_t feature_bits, int32_t root)
{
    const uint32_t mask = (1u << feature_bits) - 1u;
    const uint8_t *p = nodes + (uint32_t)root * bytes;
    if (root < 0)
        return (uint32_t)~root;
    for (;;) {
        uint32_t w;
        if (bytes == 4)
            p = __builtin_assume_aligned(p, 4);
        __builtin_memcpy(&w, p, 4); /* three bytes: the fourth is the next decision's, or one behind the table */
        p += bytes;
        KEEP(p);
        if (x[w >> FEATURE & mask] <= (int8_t)w) {
            KEEP(w);
            if (w & LOW_LEAF)
                return LINK(w, bytes);
        } else {
            KEEP(w);
            if (w & HIGH_LEAF)
                return LINK(w, bytes) + (w >> 8 & 1u);
            if (!(w & LOW_LEAF))
                p += (LINK(w, bytes) - 1) * bytes;
        }
    }
}

/* Votes are added four at a time, in 16-bit lanes: up to 257 trees of 255 votes. */
INLINE void add_votes(const int8_t *x, const int32_t *roots, const int32_t *end, const uint8_t *nodes, uint32_t bytes,
                      int32_t feature_bits, const uint16_t *leaves, const uint8_t *rows, uint32_t *sums, int32_t words)
{
    do {
        const uint32_t row = leaves[leaf_of(x, nodes, bytes, feature_bits, *roots++)];
        const uint8_t *votes = __builtin_assume_aligned(rows + row * (uint32_t)words * 4u, 4);
        uint32_t *to = sums;
        int32_t left = words;
        do {
            uint32_t four;
            __builtin_memcpy(&four, votes, 4);
            votes += 4;
            *to++ += four & 0x00ff00ffu;
            *to++ += four >> 8 & 0x00ff00ffu;
        } while (--left);
    } while (roots < end);
}

void k_tree_votes_s8(const int8_t *x, int32_t n, const int32_t *roots, int32_t n_trees, const uint8_t *nodes,
                     int32_t node_bytes, int32_t feature_bits, const uint16_t *leaves, const uint8_t *rows, void *scratch,
                     float *y, int32_t n_out)
{
    (void)n;
    uint32_t *const sums = scratch;
    const int32_t words = (n_out + 3) / 4;
    for (int32_t i = 0; i < 2 * words; i++)
        sums[i] = 0;
    if (node_bytes == 3)
        add_votes(x, roots, roots + n_trees, nodes, 3, feature_bits, leaves, rows, sums, words);
    else
        add_votes(x, roots, roots + n_trees, nodes, 4, feature_bits, leaves, rows, sums, words);
    for (int32_t k = 0; k < n_out; k++)
        y[k] = (float)(sums[k / 4 * 2 + (k & 1)] >> ((k & 2) * 8) & 0xffffu);
}

/* Tree t adds its leaf's value to sum t mod groups. */
INLINE void add_values(const int8_t *x, const int32_t *roots, const int32_t *end, const uint8_t *nodes, uint32_t bytes,
                       int32_t feature_bits, const int16_t *leaves, int32_t *sums, int32_t groups)
{
    int32_t k = 0;
    do {
        sums[k] += leaves[leaf_of(x, nodes, bytes, feature_bits, *roots++)];
        k = k + 1 < groups ? k + 1 : 0;
    } while (roots < end);
}

void k_tree_sums_s8(const int8_t *x, int32_t n, const int32_t *roots, int32_t n_trees, const uint8_t *nodes,
                    int32_t node_bytes, int32_t feature_bits, const int16_t *leaves, const float *start, float scale,
                    int32_t groups, void *scratch, float *y, int32_t n_out)
{
    (void)n;
    int32_t *const sums = scratch, *const last = sums + (n_out - groups);
    for (int32_t k = 0; k < n_out; k++)
        sums[k] = 0;
    if (node_bytes == 3)
        add_values(x, roots, roots + n_trees, nodes, 3, feature_bits, leaves, last, groups);
    else
        add_values(x, roots, roots + n_trees, nodes, 4, feature_bits, leaves, last, groups);
    for (int32_t k = 0; k < n_out; k++)
        y[k] = start[k] + scale * (float)sums[k];
}
