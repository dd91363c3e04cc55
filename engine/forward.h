/* Forward propagation: Z[l] = A[l-1] W[l]^T + b[l], A[l] = g[l](Z[l]), A[0] = X. Training
 * puts D[l] for A[l] where the layer has dropout. */
#ifndef ENGINE_FORWARD_H
#define ENGINE_FORWARD_H

#include "engine/dropout.h"
#include "engine/net.h"

/* Floats of scratch that forward_predict needs for m rows: two layers' activations. */
size_t forward_scratch_n(const struct net *net, size_t m);

/* Y (m, n[L]) = A[L] of X (m, n[0]). `scratch` holds forward_scratch_n(net, m) floats,
 * aligned to 64 bytes. Any number of threads may share `net`. A row of Y depends on its
 * own row of X alone, to the bit: what else is predicted with it changes nothing. */
void forward_predict(const struct net *net, const float *X, size_t m, float *scratch,
                     float *Y);

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
