/* One update of the parameters from their gradient; a table row an optimizer.
 *
 *   gradient_descent   w -= learning_rate * g */
#ifndef ENGINE_OPTIMIZER_H
#define ENGINE_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>

enum optimizer { OPTIMIZER_GRADIENT_DESCENT, OPTIMIZER_MOMENTUM, OPTIMIZER_RMSPROP, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZERS_N };

struct optimizer_options {
    enum optimizer kind;
    float learning_rate; /* alpha, > 0 */
    float momentum; bool nesterov; float beta_1, beta_2, epsilon;
    float weight_decay; float l2; float clip_norm;
};
struct optimizer_options optimizer_defaults(enum optimizer kind);

const char *optimizer_name(enum optimizer kind);

/* Floats of state the optimizer keeps a parameter (0 for gradient_descent). */
size_t optimizer_state_n(enum optimizer kind);

/* Updates params[0..n). The gradient is the sum of the `lanes_n` arrays lanes[i][0..n),
 * added in that order, times `scale` (1/m). Element-wise: any partition of the range
 * gives the same bits. `state` holds n * optimizer_state_n floats, or is NULL when that
 * is 0. */
void optimizer_update(const struct optimizer_options *options, float *params,
                      float *const *lanes, size_t lanes_n, float scale, float *state,
                      size_t n);

#endif
