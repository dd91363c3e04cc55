#include "engine/dropout.h"

#include "engine/kernel.h"
#include "engine/rng.h"

enum { CHUNK_BLOCKS = 512 }; /* drawn before they are used: they stay in cache */

/* A kept zero loses its sign, which is the mark of a dropped one. */
KERNEL static void mask_apply(const uint32_t *restrict words, uint32_t threshold,
                              float scale, float *restrict A, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float kept = (A[i] == 0.0f ? 0.0f : A[i]) * scale;
        A[i] = words[i] < threshold ? -0.0f : kept;
    }
}

KERNEL static void mask_backward(float scale, float keep, float *restrict D,
                                 float *restrict dA, size_t n) {
    for (size_t i = 0; i < n; i++) {
        dA[i] = kernel_bits(D[i]) == INT32_MIN ? 0.0f : dA[i] * scale;
        D[i] *= keep;
    }
}

void dropout_apply(const struct dropout *masks, size_t l, float d, float *A, size_t m,
                   size_t n) {
    const uint32_t threshold = (uint32_t)((double)d * 0x1p32);
    const float scale = 1.0f / (1.0f - d);
    uint64_t stream = RNG_STREAM_DROPOUT | masks->update << 8 | l;
    size_t row_blocks = (n + 3) / 4, blocks_n = m * row_blocks;
    uint64_t first = masks->row * row_blocks;
    if (n % 4 == 0) /* no words are left over: as one long row */
        n = m * n, row_blocks = blocks_n;
    for (size_t done = 0; done < blocks_n; done += CHUNK_BLOCKS) {
        uint32_t words[4 * CHUNK_BLOCKS];
        size_t drawn = blocks_n - done < CHUNK_BLOCKS ? blocks_n - done : CHUNK_BLOCKS;
        rng_blocks(masks->seed, stream, first + done, drawn, words);
        for (size_t i = 0; i < drawn;) { /* a row, or the part of it that was drawn */
            size_t row = (done + i) / row_blocks, unit = (done + i) % row_blocks * 4;
            size_t left = 4 * (drawn - i);
            size_t units = n - unit < left ? n - unit : left;
            mask_apply(words + 4 * i, threshold, scale, A + row * n + unit, units);
            i += (units + 3) / 4;
        }
    }
}

void dropout_backward(float d, float *D, float *dA, size_t count) {
    float keep = 1.0f - d;
    mask_backward(1.0f / keep, keep, D, dA, count);
}
