/* Back propagation: dW[l] = dZ[l]^T A[l-1], db[l] = sum of dZ[l] over samples,
 * dZ[l] = dZ[l+1] W[l+1] * g'(Z[l]); sums over the samples, not yet divided by m. */
#ifndef ENGINE_BACKWARD_H
#define ENGINE_BACKWARD_H

#include "engine/net.h"

/* Floats of scratch for m rows: two layers' dZ. */
size_t backward_scratch_n(const struct net *net, size_t m);

/* `cache` is forward_train's of the same X and m, its last block now dZ[L] (loss_fuse);
 * with masks where a layer has dropout. What it held of such a layer is not kept.
 * `grads` has the layout of net->params (padding stays 0); added to when `accumulate`,
 * overwritten otherwise. */
void backward(const struct net *net, const float *X, size_t m, float *cache,
              float *scratch, float *grads, bool accumulate);

#endif
