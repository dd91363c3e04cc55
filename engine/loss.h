/* Losses, each fused with the activation of the output layer, so that no log(0) is taken.
 *
 *   binary_cross_entropy  -y log a - (1-y) log(1-a), a = sigmoid(z), summed over outputs
 *   cross_entropy         -log a_c, a = softmax(z), c the class of the sample
 *   mse                   sum over outputs of (a - y)^2 / 2 (the course's half), any a =
 * g(z) but softmax The cost J is the mean of the loss over the samples, with weights the
 * sum of weight times loss over the number of samples: weights of mean 1, which the
 * caller sees to, keep the cost's scale and the learning rate's meaning. Pure; any
 * thread.
 */
#ifndef ENGINE_LOSS_H
#define ENGINE_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/activation.h"

enum loss { LOSS_BINARY_CROSS_ENTROPY, LOSS_CROSS_ENTROPY, LOSS_MSE, LOSSES_N };

const char *loss_name(enum loss loss);
bool loss_find(const char *name, enum loss *loss);

/* Whether `loss` can stand on an output layer with activation g; none can on those of
 * imported networks. */
bool loss_fits(enum loss loss, enum activation g);

/* What the output should be: classes for cross_entropy, values for the others. */
struct targets {
    const float *values;    /* (m,k) row-major, or NULL */
    const int32_t *classes; /* (m), each in 0..k-1, or NULL */
    const float *weights;   /* (m), finite and not negative, or NULL: 1 each */
};

/* Targets of the rows from `row` on, k outputs each. */
struct targets targets_from(struct targets t, size_t row, size_t k);

/* Z (m,k): the output layer's pre-activations, replaced by dZ = dL/dZ of each sample's
 * loss (not divided by m), each times its sample's weight. @return the sum of the m
 * losses times their weights, accumulated in double; not finite when an input is not. */
double loss_fuse(enum loss loss, enum activation g, float slope, float *Z,
                 struct targets targets, size_t m, size_t k);

#endif
