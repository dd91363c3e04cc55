/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel
 * random numbers: as easy as 1, 2, 3", SC'11).
 *
 * A draw depends on (seed, stream, index) alone: no hidden state, so that an epoch's
 * shuffle or a layer's weights can be drawn again, in any order, on any machine. Pure;
 * any thread. */
#ifndef ENGINE_RNG_H
#define ENGINE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Streams keep the uses of one seed apart; the low bits hold a layer or an epoch. */
#define RNG_STREAM_WEIGHTS (UINT64_C(1) << 56)
#define RNG_STREAM_SHUFFLE (UINT64_C(2) << 56)
#define RNG_STREAM_SPLIT (UINT64_C(3) << 56)
#define RNG_STREAM_DROPOUT (UINT64_C(4) << 56) /* a layer and an update: dropout.h */

/* The four 32-bit words of block `index`. */
void rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

/* The words of `blocks_n` blocks from `index` on, one after the other: rng_block's, by
 * vector code. out holds 4 * blocks_n. */
void rng_blocks(uint64_t seed, uint64_t stream, uint64_t index, size_t blocks_n,
                uint32_t *out);

/* n draws, uniform in [0, 1): 24 random bits each. */
void rng_uniform(uint64_t seed, uint64_t stream, float *out, size_t n);

/* n draws from the standard normal distribution (Box and Muller 1958, in double). */
void rng_normal(uint64_t seed, uint64_t stream, float *out, size_t n);

/* A random permutation of 0..n-1 (Fisher and Yates; unbiased by rejection). */
void rng_permutation(uint64_t seed, uint64_t stream, uint32_t *out, size_t n);

#endif
