/* How much each sample counts in the cost, by its class.
 *
 * A sample of class c weighs w_c m / sum_i w_c(i): the classes' weights, scaled to the
 * mean 1 over the samples. The cost is then sum w_c(i) L_i / sum w_c(i), the one of a
 * table that holds each row of a class w_c times, and the learning rate means what it
 * means without weights. Pure; any thread. */
#ifndef ENGINE_WEIGHING_H
#define ENGINE_WEIGHING_H

#include "engine/err.h"
#include "engine/loss.h"

/* A new array of m weights, to free. `targets` has classes in 0..k-1, or values 0 and 1
 * of two classes. by_class (k) is finite and not negative; NULL: 1/n_c, so that each
 * class counts as much as any other (m / (k n_c) a sample, k the classes that there are).
 * NULL with ERR_INVALID when no sample would weigh anything, or ERR_NO_MEMORY. */
float *weighing_new(struct targets targets, size_t m, const float *by_class, size_t k,
                    struct err *e) __attribute__((warn_unused_result));

#endif
