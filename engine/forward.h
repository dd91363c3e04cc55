/* Forward propagation of training: Z[l] = A[l-1] W[l]^T + b[l], A[l] = g[l](Z[l]),
 * A[0] = X, with D[l] for A[l] where the layer has dropout. Predictions go another way
 * (inference.h). */
#ifndef ENGINE_FORWARD_H
#define ENGINE_FORWARD_H

#include "engine/dropout.h"
#include "engine/net.h"

/* Floats of scratch for m rows: two layers' activations, each aligned to 64 bytes;
 * SIZE_MAX on overflow. */
size_t forward_scratch_n(const struct net *net, size_t m);

/* Floats of the cache that training keeps for m rows: A[1] .. A[L-1], then Z[L]. */
size_t forward_cache_n(const struct net *net, size_t m);

/* Where layer l's (m, n[l]) block starts in the cache of m rows, l in 0..L-1. */
float *forward_cached(const struct net *net, size_t m, float *cache, size_t l);

/* Fills the cache: A[l] of the hidden layers, D[l] of those with dropout, and of the
 * output layer Z[L], which the loss turns into dZ[L]. NULL for `masks`: without dropout,
 * for the cost alone (or a net that has none). */
void forward_train(const struct net *net, const float *X, size_t m,
                   const struct dropout *masks, float *cache);

#endif
