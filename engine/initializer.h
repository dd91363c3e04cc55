/* First values of the weights; biases start at 0.
 *
 *   zeros; random_normal: N(0,1) x scale; he_normal: N(0, 2/n[l-1]); he_uniform:
 *   U(+-sqrt(6/n[l-1])) (He et al. 2015); glorot_normal: N(0, 2/(n[l-1]+n[l]));
 *   glorot_uniform: U(+-sqrt(6/(n[l-1]+n[l]))) (Glorot and Bengio 2010). */
#ifndef ENGINE_INITIALIZER_H
#define ENGINE_INITIALIZER_H

#include <stdint.h>

#include "engine/net.h"

enum initializer {
    INITIALIZER_ZEROS,
    INITIALIZER_RANDOM_NORMAL,
    INITIALIZER_HE_NORMAL,
    INITIALIZER_HE_UNIFORM,
    INITIALIZER_GLOROT_NORMAL,
    INITIALIZER_GLOROT_UNIFORM,
    INITIALIZERS_N
};

const char *initializer_name(enum initializer kind);

/* Draws every W[l] from (seed, l); `scale` is random_normal's. */
void initializer_fill(struct net *net, enum initializer kind, float scale, uint64_t seed);

#endif
