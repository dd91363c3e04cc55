/* A net laid out for predictions: A[l] = g[l](A[l-1] W[l]^T + b[l]), A[0] = X.
 *
 * Immutable: any number of threads share one. A row of the outputs depends on its own row
 * of X alone, to the bit: what else is predicted with it changes nothing. */
#ifndef ENGINE_INFERENCE_H
#define ENGINE_INFERENCE_H

#include "engine/net.h"

struct inference;

/* From the parameters of a net, of whose shapes it makes use as long as it lives; the
 * parameters can go (net_params_free). @return one that is the caller's; NULL with
 * ERR_NO_MEMORY. */
struct inference *inference_new(const struct net *net, struct err *e)
    __attribute__((warn_unused_result));
void inference_free(struct inference *inference); /* NULL is allowed */

/* Bytes that one of such a net takes up; SIZE_MAX, which no allocation meets, on
 * overflow. */
size_t inference_memory(const struct net *net);

/* Y (m, n[L]) of X (m, n[0]). `scratch` holds forward_scratch_n(net, m) floats, aligned
 * to 64 bytes. */
void inference_run(const struct inference *inference, const float *X, size_t m,
                   float *scratch, float *Y);

#endif
