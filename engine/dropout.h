/* Inverted dropout (Srivastava et al. 2014; the course's): while training, each unit of a
 * hidden layer is 0 with probability d, and those that stay are divided by 1-d, so that
 * inference is the plain net.
 *
 * A mask is drawn from (seed, layer, update, row of the batch, unit) alone: the same with
 * any number of threads, and again after a resume. Unit u of row r is dropped when word
 * u % 4 of rng_block(seed, RNG_STREAM_DROPOUT | update << 8 | layer, r * B + u / 4) is
 * below d 2^32, with B = ceil(n / 4) blocks a row. Pure; any thread. */
#ifndef ENGINE_DROPOUT_H
#define ENGINE_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

/* Which masks; all layers of a pass share it. */
struct dropout {
    uint64_t seed;
    uint64_t update; /* updates of the parameters before this one, below 2^48 */
    uint64_t row;    /* where in its batch the first row stands, below 2^32 */
};

/* A (m,n), of layer l, becomes D: a / (1-d) where the unit stays, -0 where it is dropped.
 * A unit that stays is never -0, so D alone says who was dropped. 0 < d < 1. */
void dropout_apply(const struct dropout *masks, size_t l, float d, float *A, size_t m,
                   size_t n);

/* dA = dD times the mask, in place in dA; and D (count) becomes A again to rounding (0
 * where dropped), for the derivative of its activation. */
void dropout_backward(float d, float *D, float *dA, size_t count);

#endif
