/* One update of parameters from their gradient; a table row an optimizer.
 *
 * With w a parameter, alpha the learning rate and t = 1, 2, ... the number of the update:
 *
 *   g = dW, the mean over the batch's m samples; for weights (never biases)
 *       g = dW + l2/m w, the gradient of the cost with its penalty l2/(2m) sum w^2
 *   gradient_descent   w -= alpha g
 *   momentum           v = momentum v + g;  w -= alpha v
 *            nesterov  v = momentum v + g;  w -= alpha (g + momentum v)
 *   rmsprop            s = beta_2 s + (1-beta_2) g^2;  w -= alpha g / (sqrt(s) + epsilon)
 *   adam               v = beta_1 v + (1-beta_1) g;  s = beta_2 s + (1-beta_2) g^2
 *                      w -= alpha v/(1-beta_1^t) / (sqrt(s/(1-beta_2^t)) + epsilon)
 *   adamw              w -= alpha weight_decay w for weights, then as adam
 *
 * These are PyTorch's SGD (dampening 0), RMSprop (its alpha is beta_2; neither centered
 * nor with momentum), Adam and AdamW. The course's v_dW = beta v_dW + (1-beta) dW of
 * gradient descent with momentum is 1-beta times this v: its alpha is 1/(1-beta) times
 * this one. Its adam and rmsprop are these. Sources: Polyak 1964; Sutskever et al. 2013
 * (nesterov); Tieleman and Hinton 2012 (rmsprop); Kingma and Ba 2015, algorithm 1 (adam);
 * Loshchilov and Hutter 2019, algorithm 2 (adamw: the decay is not scaled by s, and not
 * divided by m as l2 is).
 *
 * clip_norm: where the norm of all g together, sqrt(sum g^2), is over it, each g is
 * multiplied by clip_norm / norm (Pascanu et al. 2013); PyTorch adds 1e-6 to that norm.
 */
#ifndef ENGINE_OPTIMIZER_H
#define ENGINE_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

enum optimizer {
    OPTIMIZER_GRADIENT_DESCENT,
    OPTIMIZER_MOMENTUM,
    OPTIMIZER_RMSPROP,
    OPTIMIZER_ADAM,
    OPTIMIZER_ADAMW,
    OPTIMIZERS_N
};

/* An option that its kind does not use is not looked at. */
struct optimizer_options {
    enum optimizer kind;
    float learning_rate; /* alpha, > 0 */
    float momentum;      /* momentum: 0 <= momentum < 1 */
    bool nesterov;       /* momentum */
    float beta_1;        /* adam, adamw: 0 <= beta_1 < 1 */
    float beta_2;        /* rmsprop, adam, adamw: 0 <= beta_2 < 1 */
    float epsilon;       /* rmsprop, adam, adamw: > 0 */
    float weight_decay;  /* adamw: >= 0 */
    float l2;            /* lambda, of any kind; >= 0, 0 is none */
    float clip_norm;     /* of any kind; >= 0, 0 is none */
};

const char *optimizer_name(enum optimizer kind);

/* What `kind` takes where nothing was asked for: momentum 0.9, beta_1 0.9, beta_2 0.999
 * (0.9 of rmsprop), epsilon 1e-8, weight_decay 0.01; neither l2 nor clipping. The
 * learning rate is left 0: it is the caller's to choose. */
struct optimizer_options optimizer_defaults(enum optimizer kind);

/* @return false with ERR_RANGE, which names the option and its bounds. */
bool optimizer_check(const struct optimizer_options *options, struct err *e)
    __attribute__((warn_unused_result));

/* Floats of state the optimizer keeps a parameter: 0, 1 or 2. */
size_t optimizer_state_n(enum optimizer kind);

/* What of one update is the same for all its parameters; made by optimizer_begin. */
struct optimizer_step {
    const struct optimizer_options *options;
    float scale;          /* of the sum of gradients: 1/m, clipped */
    float l2_scale;       /* of the weights in their gradient: l2/m, clipped */
    float learning_rate;  /* alpha of this update */
    float corrected_rate; /* alpha / (1 - beta_1^t) */
    float corrected_root; /* 1 / sqrt(1 - beta_2^t) */
    float keep;           /* 1 - alpha weight_decay */
};

/* `options` is borrowed for the step's life; `update` is t, 1 for the first; `rows_n` is
 * m. The learning rate is a parameter, for a schedule changes it. */
struct optimizer_step optimizer_begin(const struct optimizer_options *options,
                                      float learning_rate, int64_t update, size_t rows_n);

/* All parameters of a net, of which an update takes ranges. */
struct optimizer_block {
    float *params;       /* (n) */
    float *const *lanes; /* (lanes_n) arrays of (n): their sum, in this order, over m is
                            the gradient */
    size_t lanes_n;
    float *state; /* (optimizer_state_n, n), zero before the first update; NULL without */
    size_t n;
};
struct optimizer_range {
    size_t from, to; /* parameters from..to-1 */
    bool weights;    /* l2 and weight_decay are for these alone */
};

/* Updates the range. Element-wise: any partition gives the same bits. */
void optimizer_update(const struct optimizer_step *step,
                      const struct optimizer_block *block, struct optimizer_range range);

/* The range's sum of g^2, in float64, for optimizer_clip. Its bits depend on the range's
 * bounds, so let these depend on the net alone. */
double optimizer_gradient_square(const struct optimizer_step *step,
                                 const struct optimizer_block *block,
                                 struct optimizer_range range);

/* Scales the step's gradients, which have `square` as the sum of their squares. */
void optimizer_clip(struct optimizer_step *step, double square);

/* The sum of x[0..n)^2 in float64, always in the same order. */
double optimizer_square(const float *x, size_t n);

#endif
