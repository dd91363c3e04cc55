#include "engine/rng.h"

#include <math.h>

#include "engine/kernel.h"

enum { ROUNDS = 10 };

struct block {
    uint32_t word[4];
};

/* One Philox round: two 32x32 multiplications, crossed and mixed with the key. */
KERNEL_INLINE struct block round_done(struct block c, uint32_t k0, uint32_t k1) {
    uint64_t a = (uint64_t)0xD2511F53u * c.word[0], b = (uint64_t)0xCD9E8D57u * c.word[2];
    return (struct block){{(uint32_t)(b >> 32) ^ c.word[1] ^ k0, (uint32_t)b,
                           (uint32_t)(a >> 32) ^ c.word[3] ^ k1, (uint32_t)a}};
}

/* Unrolled, so that the loop around it becomes vector code. */
KERNEL_INLINE struct block block_of(uint64_t seed, uint64_t stream, uint64_t index) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    struct block c = {{(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream,
                       (uint32_t)(stream >> 32)}};
#pragma GCC unroll 10
    for (int round = 0; round < ROUNDS; round++) {
        c = round_done(c, k0, k1);
        k0 += 0x9E3779B9u; /* the golden ratio */
        k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    return c;
}

void rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]) {
    struct block block = block_of(seed, stream, index);
    for (int i = 0; i < 4; i++)
        out[i] = block.word[i];
}

KERNEL static void blocks_draw(uint64_t seed, uint64_t stream, uint64_t index,
                               size_t blocks_n, uint32_t *restrict out) {
    for (size_t i = 0; i < blocks_n; i++) {
        struct block block = block_of(seed, stream, index + i);
        out[4 * i] = block.word[0];
        out[4 * i + 1] = block.word[1];
        out[4 * i + 2] = block.word[2];
        out[4 * i + 3] = block.word[3];
    }
}

void rng_blocks(uint64_t seed, uint64_t stream, uint64_t index, size_t blocks_n,
                uint32_t *out) {
    blocks_draw(seed, stream, index, blocks_n, out);
}

void rng_uniform(uint64_t seed, uint64_t stream, float *out, size_t n) {
    uint32_t words[4];
    for (size_t i = 0; i < n; i++) {
        if (i % 4 == 0)
            rng_block(seed, stream, i / 4, words);
        out[i] = (float)(words[i % 4] >> 8) * 0x1p-24f;
    }
}

/* Two words make two normals. The radius is drawn from (0,1], where the logarithm is. */
static void normal_pair(const uint32_t words[2], float out[2]) {
    const double two_pi = 6.283185307179586476925;
    double radius = sqrt(-2.0 * log(((double)words[0] + 1.0) * 0x1p-32));
    double angle = two_pi * (double)words[1] * 0x1p-32;
    out[0] = (float)(radius * cos(angle));
    out[1] = (float)(radius * sin(angle));
}

void rng_normal(uint64_t seed, uint64_t stream, float *out, size_t n) {
    for (size_t i = 0; i < n; i += 4) {
        uint32_t words[4];
        float drawn[4];
        rng_block(seed, stream, i / 4, words);
        normal_pair(words, drawn);
        normal_pair(words + 2, drawn + 2);
        for (size_t j = 0; j < 4 && i + j < n; j++)
            out[i + j] = drawn[j];
    }
}

/* The words of a stream, one after the other. */
struct words {
    uint64_t seed, stream, index;
    uint32_t block[4];
    int left;
};

static uint32_t words_next(struct words *w) {
    if (!w->left) {
        rng_block(w->seed, w->stream, w->index++, w->block);
        w->left = 4;
    }
    return w->block[4 - w->left--];
}

/* Uniform in 0..range-1 (Lemire 2019): the high half of word * range; the few words that
 * would favour some results are drawn again. */
static uint32_t words_below(struct words *w, uint32_t range) {
    uint64_t product = (uint64_t)words_next(w) * range;
    if ((uint32_t)product < range) {
        uint32_t reject = -range % range; /* 2^32 mod range */
        while ((uint32_t)product < reject)
            product = (uint64_t)words_next(w) * range;
    }
    return (uint32_t)(product >> 32);
}

void rng_permutation(uint64_t seed, uint64_t stream, uint32_t *out, size_t n) {
    struct words w = {.seed = seed, .stream = stream};
    for (size_t i = 0; i < n; i++)
        out[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t j = words_below(&w, (uint32_t)i);
        uint32_t swapped = out[i - 1];
        out[i - 1] = out[j];
        out[j] = swapped;
    }
}
