/* Activation functions g and their derivatives, element by element, vectorised.
 *
 * Formulas: sigmoid 1/(1+e^-z), tanh, relu max(0,z), leaky_relu max(slope z, z), linear
 * z, softmax e^z_j / sum e^z (over a row). For networks from elsewhere,
 * behind no loss: elu z or alpha (e^z - 1) below 0, softplus log(1 + e^z), log_softmax
 * log softmax. Pure; any thread. */
#ifndef ENGINE_ACTIVATION_H
#define ENGINE_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

enum activation {
    ACTIVATION_LINEAR,
    ACTIVATION_SIGMOID,
    ACTIVATION_TANH,
    ACTIVATION_RELU,
    ACTIVATION_LEAKY_RELU,
    ACTIVATION_SOFTMAX, /* those behind it are for imported networks */
    ACTIVATION_ELU,
    ACTIVATION_SOFTPLUS,
    ACTIVATION_LOG_SOFTMAX,
    ACTIVATIONS_N
};

#define ACTIVATION_NEGATIVE_SLOPE 0.01f /* leaky_relu's default */

const char *activation_name(enum activation g); /* "leaky_relu"; static storage */

/* By canonical name. @return false when there is none of that name. */
bool activation_find(const char *name, enum activation *g);

/* Whether g looks at a whole row; training has it on the output layer alone. */
bool activation_by_rows(enum activation g);

/* A = g(Z), in place. Z is (m,n) row-major float32. `slope` is for leaky_relu, in [0,1),
 * and elu's alpha, above 0.
 * Relative error at most 4e-7 against the double function where that is normal. */
void activation_apply(enum activation g, float slope, float *Z, size_t m, size_t n);

/* dZ = dA * g'(Z), in place in dA, from A = g(Z) alone. Not for those by rows (softmax
 * is fused with its loss). A and dA are (m,n). relu' and leaky_relu' at 0 take the left
 * side. */
void activation_backward(enum activation g, float slope, const float *A, float *dA,
                         size_t m, size_t n);

#endif
