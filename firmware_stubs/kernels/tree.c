/* Decision trees on int8 values: a crown of whole levels, and below it decisions of three or four bytes.

   Values are asked as bytes from 0 to 255: value f of the input is byte f, and 255 less it is byte f + 32 (f + 256 for
   words of four bytes), so that a decision can be turned round. The way is high where the byte is not below the
   threshold, else low.
   Crown: 2^(levels + 1) numbers for each tree. Number i of 1 .. 2^levels - 1 is a decision, threshold * 256 + byte; its
   ways are 2 i and 2 i + 1. The others say where the rest of the tree begins: steps into the table of words.
   Decisions are words, highest bits first: threshold (8), byte (6 or 9), BOTH, LEAF, link (8 or 13). The low way is the
   next word. Without LEAF, the high way lies `link` steps behind that. With LEAF, the high way is the leaf
   2 link + 1; with BOTH, the low way is the leaf 2 link. A step is one byte where words have three, and four bytes where
   they have four. Three-byte words have a byte before the first one: both kinds are read as four bytes, of which the
   word is the upper part. */
#include "kernels.h"

enum { THREE = 3, FOUR = 4 };

#define STEP(bytes) ((bytes) == THREE ? 1u : 4u)
#define TURNED(bytes) ((bytes) == THREE ? 32 : 256)
#define INLINE static inline __attribute__((always_inline))

#if defined(__thumb2__) && defined(__ARM_FEATURE_UNALIGNED)
enum { MOST_LEVELS = 8, LEVEL_SIZE = 20 }; /* bytes of code for one level of the crown */

/* clang-format off */
#define LEVEL                                   \
    "ldrh.w %[w], [%[crown], %[i], lsl #1]\n"   \
    "uxtb.w %[f], %[w]\n"                       \
    "ldrb.w %[v], [%[x], %[f]]\n"               \
    "cmp.w %[v], %[w], lsr #8\n"                \
    "adc.w %[i], %[i], %[i]\n"

/* All trees: of the levels' code as much as the crown has, then from word to word. The carry is the way. */
#define WALK(bytes, step, byte_at, byte_bits, leaf_up, link_down, jump_down, both_up) \
    __asm__ volatile(                           \
        "0: mov.w %[i], #1\n"                   \
        "add pc, %[skip]\n"                     \
        "nop\n"                                 \
        LEVEL LEVEL LEVEL LEVEL LEVEL LEVEL LEVEL LEVEL \
        "ldrh.w %[f], [%[crown], %[i], lsl #1]\n" \
        "add.w %[crown], %[crown], %[size]\n"   \
        "add.w %[p], %[nodes], %[f], lsl #" step "\n" \
        "1: ldr.w %[w], [%[p]], #" bytes "\n"   \
        "ubfx %[f], %[w], #" byte_at ", #" byte_bits "\n" \
        "lsls.w %[i], %[w], #" leaf_up "\n"     \
        "ldrb.w %[v], [%[x], %[f]]\n"           \
        "bcs 2f\n"                              \
        "cmp.w %[v], %[w], lsr #24\n"           \
        "blo 1b\n"                              \
        "add.w %[p], %[p], %[i], lsr #" jump_down "\n" \
        "b 1b\n"                                \
        "2: cmp.w %[v], %[w], lsr #24\n"        \
        "lsr.w %[i], %[i], #" link_down "\n"    \
        "adc.w %[i], %[i], %[i]\n"              \
        "bcs 3f\n"                              \
        "lsls.w %[f], %[w], #" both_up "\n"     \
        "bpl 1b\n"                              \
        "3: strh.w %[i], [%[leaf]], #2\n"       \
        "cmp %[leaf], %[end]\n"                 \
        "blo 0b\n"                              \
        : [i] "=&r"(i), [p] "=&r"(p), [w] "=&r"(w), [f] "=&r"(f), [v] "=&r"(v), [crown] "+r"(crown), [leaf] "+r"(leaf) \
        : [x] "r"(x), [nodes] "r"(nodes), [skip] "r"(skip), [end] "r"(end), [size] "r"(size) \
        : "cc", "memory")
/* clang-format on */

/* The leaf of every tree: leaf (n_trees). */
INLINE void leaves_of(const uint8_t *x, const uint16_t *crown, int32_t n_trees, int32_t levels, const uint8_t *nodes,
                      int32_t bytes, uint16_t *leaf)
{
    const uint16_t *const end = leaf + n_trees;
    const int32_t skip = (MOST_LEVELS - levels) * LEVEL_SIZE, size = 4 << levels;
    const uint8_t *p;
    uint32_t i, w, f, v;
    if (bytes == THREE)
        WALK("3", "0", "18", "6", "16", "24", "24", "14");
    else
        WALK("4", "2", "15", "9", "19", "19", "17", "17");
}
#else
#define LINK_BITS(bytes) ((bytes) == THREE ? 8 : 13)
#define LEAF_AT(bytes) ((bytes) == THREE ? 16 : 13)

INLINE uint32_t leaf_of(const uint8_t *x, const uint16_t *crown, int32_t levels, const uint8_t *nodes, int32_t bytes)
{
    uint32_t i = 1;
    for (int32_t k = 0; k < levels; k++)
        i = 2 * i + (x[crown[i] & 255u] >= crown[i] >> 8);
    const uint8_t *p = nodes + crown[i] * STEP(bytes);
    for (;;) {
        const uint32_t w = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        const uint32_t link = w << (32 - LEAF_AT(bytes)) >> (32 - LINK_BITS(bytes));
        const uint32_t high = x[w << 8 >> (10 + LEAF_AT(bytes))] >= w >> 24;
        p += bytes;
        if (!(w >> LEAF_AT(bytes) & 1u))
            p += high ? link * STEP(bytes) : 0u;
        else if (high || w >> (LEAF_AT(bytes) + 1) & 1u)
            return 2 * link + high;
    }
}

/* The leaf of every tree: leaf (n_trees). */
INLINE void leaves_of(const uint8_t *x, const uint16_t *crown, int32_t n_trees, int32_t levels, const uint8_t *nodes,
                      int32_t bytes, uint16_t *leaf)
{
    for (int32_t t = 0; t < n_trees; t++, crown += 2 << levels)
        leaf[t] = (uint16_t)leaf_of(x, crown, levels, nodes, bytes);
}
#endif

/* The bytes that decisions ask for, four at a time: `bytes` and `turned` are filled up to whole words. */
INLINE void turn(const int8_t *x, int32_t n, uint8_t *bytes, uint8_t *turned)
{
    for (; n > 0; n -= 4, x += 4, bytes += 4, turned += 4) {
        uint32_t four = 0;
        if (n >= 4)
            __builtin_memcpy(&four, x, 4);
        else
            for (int32_t i = 0; i < n; i++)
                four |= (uint32_t)(uint8_t)x[i] << 8 * i;
        four ^= 0x80808080u;
        __builtin_memcpy(__builtin_assume_aligned(bytes, 4), &four, 4);
        four = ~four;
        __builtin_memcpy(__builtin_assume_aligned(turned, 4), &four, 4);
    }
}

/* Votes are added four at a time, in 16-bit lanes: up to 257 trees of 255 votes. */
INLINE void add_four(uint32_t *even, uint32_t *odd, uint32_t four)
{
#if defined(__ARM_FEATURE_SIMD32)
    __asm__("uxtab16 %0, %0, %1" : "+r"(*even) : "r"(four));
    __asm__("uxtab16 %0, %0, %1, ror #8" : "+r"(*odd) : "r"(four));
#else
    *even += four & 0x00ff00ffu;
    *odd += four >> 8 & 0x00ff00ffu;
#endif
}

/* Up to four sums out of their lanes. */
INLINE void put_four(uint32_t even, uint32_t odd, float *y, int32_t n)
{
    for (int32_t k = 0; k < 2 && 2 * k < n; k++, even >>= 16, odd >>= 16) {
        y[2 * k] = (float)(even & 0xffffu);
        if (2 * k + 1 < n)
            y[2 * k + 1] = (float)(odd & 0xffffu);
    }
}

/* The votes of `words` times four classes, one or two times; `leaves` tell the first of them in words. */
INLINE void sum_votes(const uint16_t *leaf, const uint16_t *end, const uint16_t *leaves, const uint8_t *rows,
                      int32_t words, float *y, int32_t n)
{
    uint32_t sums[4] = {0, 0, 0, 0};
    do {
        const uint32_t *four = __builtin_assume_aligned(rows + 4u * leaves[*leaf++], 4);
        add_four(sums, sums + 1, four[0]);
        if (words > 1)
            add_four(sums + 2, sums + 3, four[1]);
    } while (leaf < end);
    put_four(sums[0], sums[1], y, n);
    if (words > 1)
        put_four(sums[2], sums[3], y + 4, n - 4);
}

INLINE void votes(const int8_t *x, int32_t n, const uint16_t *crown, int32_t n_trees, int32_t levels,
                  const uint8_t *nodes, int32_t bytes, const uint16_t *leaves, const uint8_t *rows, void *scratch,
                  float *y, int32_t n_out)
{
    const int32_t turned = TURNED(bytes);
    uint8_t *const asked = scratch;
    uint16_t *const leaf = (void *)(asked + turned + (n + 3) / 4 * 4), *const end = leaf + n_trees;
    turn(x, n, asked, asked + turned);
    leaves_of(asked, crown, n_trees, levels, nodes, bytes, leaf);
    for (; n_out > 4; n_out -= 8, rows += 8, y += 8)
        sum_votes(leaf, end, leaves, rows, 2, y, n_out < 8 ? n_out : 8);
    if (n_out > 0)
        sum_votes(leaf, end, leaves, rows, 1, y, n_out);
}

void k_tree_votes_s8(const int8_t *x, int32_t n, const uint16_t *crown, int32_t n_trees, int32_t levels,
                     const uint8_t *nodes, const uint16_t *leaves, const uint8_t *rows, void *scratch, float *y,
                     int32_t n_out)
{
    votes(x, n, crown, n_trees, levels, nodes, FOUR, leaves, rows, scratch, y, n_out);
}

void k_tree_votes_three_s8(const int8_t *x, int32_t n, const uint16_t *crown, int32_t n_trees, int32_t levels,
                           const uint8_t *nodes, const uint16_t *leaves, const uint8_t *rows, void *scratch, float *y,
                           int32_t n_out)
{
    votes(x, n, crown, n_trees, levels, nodes, THREE, leaves, rows, scratch, y, n_out);
}

/* Tree t adds its leaf's value to sum t mod groups, of the last `groups` outputs. */
INLINE void sums(const int8_t *x, int32_t n, const uint16_t *crown, int32_t n_trees, int32_t levels,
                 const uint8_t *nodes, int32_t bytes, const int16_t *leaves, const float *start, float scale,
                 int32_t groups, void *scratch, float *y, int32_t n_out)
{
    const int32_t first = n_out - groups, turned = TURNED(bytes);
    uint8_t *const asked = scratch;
    uint16_t *const leaf = (void *)(asked + turned + (n + 3) / 4 * 4), *const end = leaf + n_trees;
    turn(x, n, asked, asked + turned);
    leaves_of(asked, crown, n_trees, levels, nodes, bytes, leaf);
    for (int32_t k = 0; k < n_out; k++) {
        int32_t sum = 0;
        if (k >= first)
            for (const uint16_t *l = leaf + (k - first); l < end; l += groups)
                sum += leaves[*l];
        y[k] = start[k] + scale * (float)sum;
    }
}

void k_tree_sums_s8(const int8_t *x, int32_t n, const uint16_t *crown, int32_t n_trees, int32_t levels,
                    const uint8_t *nodes, const int16_t *leaves, const float *start, float scale, int32_t groups,
                    void *scratch, float *y, int32_t n_out)
{
    sums(x, n, crown, n_trees, levels, nodes, FOUR, leaves, start, scale, groups, scratch, y, n_out);
}

void k_tree_sums_three_s8(const int8_t *x, int32_t n, const uint16_t *crown, int32_t n_trees, int32_t levels,
                          const uint8_t *nodes, const int16_t *leaves, const float *start, float scale, int32_t groups,
                          void *scratch, float *y, int32_t n_out)
{
    sums(x, n, crown, n_trees, levels, nodes, THREE, leaves, start, scale, groups, scratch, y, n_out);
}
