#include "engine/optimizer.h"

#include <math.h>

#include "engine/kernel.h"

enum {
    CHUNK = 1024, /* gradients made before they are used: they stay in cache */
    SQUARES = 16  /* sums that go on side by side */
};

KERNEL static void gradient_add(const float *a, const float *b, float *sum, size_t n) {
    KERNEL_LOOP
    for (size_t i = 0; i < n; i++)
        sum[i] = a[i] + b[i];
}

KERNEL static void gradient_penalise(float scale, const float *sum, float l2_scale,
                                     const float *params, float *grads, size_t n) {
    KERNEL_LOOP
    for (size_t i = 0; i < n; i++)
        grads[i] = scale * sum[i] + l2_scale * params[i];
}

KERNEL static void weights_decay(float keep, float *params, size_t n) {
    for (size_t i = 0; i < n; i++)
        params[i] *= keep;
}

KERNEL static void gradient_descent_update(const struct optimizer_step *step, float scale,
                                           float *restrict params,
                                           const float *restrict grads,
                                           float *restrict state_1,
                                           float *restrict state_2, size_t n) {
    (void)state_1, (void)state_2;
    float rate = step->learning_rate;
    for (size_t i = 0; i < n; i++)
        params[i] -= rate * (scale * grads[i]);
}

KERNEL static void momentum_update(const struct optimizer_step *step, float scale,
                                   float *restrict params, const float *restrict grads,
                                   float *restrict velocity, float *restrict state_2,
                                   size_t n) {
    (void)state_2;
    float rate = step->learning_rate, momentum = step->options->momentum;
    for (size_t i = 0; i < n; i++) {
        velocity[i] = momentum * velocity[i] + scale * grads[i];
        params[i] -= rate * velocity[i];
    }
}

KERNEL static void nesterov_update(const struct optimizer_step *step, float scale,
                                   float *restrict params, const float *restrict grads,
                                   float *restrict velocity, size_t n) {
    float rate = step->learning_rate, momentum = step->options->momentum;
    for (size_t i = 0; i < n; i++) {
        float g = scale * grads[i];
        velocity[i] = momentum * velocity[i] + g;
        params[i] -= rate * (g + momentum * velocity[i]);
    }
}

static void momentum_choose(const struct optimizer_step *step, float scale, float *params,
                            const float *grads, float *velocity, float *state_2,
                            size_t n) {
    if (step->options->nesterov)
        nesterov_update(step, scale, params, grads, velocity, n);
    else
        momentum_update(step, scale, params, grads, velocity, state_2, n);
}

KERNEL static void rmsprop_update(const struct optimizer_step *step, float scale,
                                  float *restrict params, const float *restrict grads,
                                  float *restrict squares, float *restrict state_2,
                                  size_t n) {
    (void)state_2;
    float rate = step->learning_rate, epsilon = step->options->epsilon;
    float beta_2 = step->options->beta_2, rest_2 = 1.0f - beta_2;
    for (size_t i = 0; i < n; i++) {
        float g = scale * grads[i];
        squares[i] = beta_2 * squares[i] + rest_2 * (g * g);
        params[i] -= rate * g / (sqrtf(squares[i]) + epsilon);
    }
}

KERNEL static void adam_update(const struct optimizer_step *step, float scale,
                               float *restrict params, const float *restrict grads,
                               float *restrict velocity, float *restrict squares,
                               size_t n) {
    float rate = step->corrected_rate, root = step->corrected_root;
    float epsilon = step->options->epsilon;
    float beta_1 = step->options->beta_1, rest_1 = 1.0f - beta_1;
    float beta_2 = step->options->beta_2, rest_2 = 1.0f - beta_2;
    for (size_t i = 0; i < n; i++) {
        float g = scale * grads[i];
        velocity[i] = beta_1 * velocity[i] + rest_1 * g;
        squares[i] = beta_2 * squares[i] + rest_2 * (g * g);
        params[i] -= rate * velocity[i] / (sqrtf(squares[i]) * root + epsilon);
    }
}

/* Options beside learning_rate, l2 and clip_norm, which all have. */
enum { USES_MOMENTUM = 1, USES_BETA_1 = 2, USES_BETA_2 = 4, USES_DECAY = 8 };

static const struct {
    const char *name;
    size_t state_n;
    unsigned uses;
    void (*update)(const struct optimizer_step *step, float scale, float *params,
                   const float *grads, float *state_1, float *state_2, size_t n);
} optimizers[OPTIMIZERS_N] = {
    [OPTIMIZER_GRADIENT_DESCENT] = {"gradient_descent", 0, 0, gradient_descent_update},
    [OPTIMIZER_MOMENTUM] = {"momentum", 1, USES_MOMENTUM, momentum_choose},
    [OPTIMIZER_RMSPROP] = {"rmsprop", 1, USES_BETA_2, rmsprop_update},
    [OPTIMIZER_ADAM] = {"adam", 2, USES_BETA_1 | USES_BETA_2, adam_update},
    [OPTIMIZER_ADAMW] = {"adamw", 2, USES_BETA_1 | USES_BETA_2 | USES_DECAY, adam_update},
};

const char *optimizer_name(enum optimizer kind) {
    return optimizers[kind].name;
}

size_t optimizer_state_n(enum optimizer kind) {
    return optimizers[kind].state_n;
}

struct optimizer_options optimizer_defaults(enum optimizer kind) {
    return (struct optimizer_options){
        .kind = kind,
        .momentum = 0.9f,
        .beta_1 = 0.9f,
        .beta_2 = kind == OPTIMIZER_RMSPROP ? 0.9f : 0.999f,
        .epsilon = 1e-8f,
        .weight_decay = 0.01f,
    };
}

static bool share_check(const char *name, float x, struct err *e) {
    return (x >= 0.0f && x < 1.0f) ||
           err_set(e, ERR_RANGE, NULL, "%s is at least 0 and below 1, not %g", name,
                   (double)x);
}

static bool positive_check(const char *name, float x, struct err *e) {
    return (x > 0.0f && isfinite(x)) ||
           err_set(e, ERR_RANGE, NULL, "%s is over 0 and finite, not %g", name,
                   (double)x);
}

static bool amount_check(const char *name, float x, struct err *e) {
    return (x >= 0.0f && isfinite(x)) ||
           err_set(e, ERR_RANGE, NULL, "%s is at least 0 and finite, not %g", name,
                   (double)x);
}

bool optimizer_check(const struct optimizer_options *options, struct err *e) {
    unsigned uses = optimizers[options->kind].uses;
    return positive_check("learning_rate", options->learning_rate, e) &&
           amount_check("l2", options->l2, e) &&
           amount_check("clip_norm", options->clip_norm, e) &&
           (!(uses & USES_MOMENTUM) || share_check("momentum", options->momentum, e)) &&
           (!(uses & USES_BETA_1) || share_check("beta_1", options->beta_1, e)) &&
           (!(uses & USES_BETA_2) || (share_check("beta_2", options->beta_2, e) &&
                                      positive_check("epsilon", options->epsilon, e))) &&
           (!(uses & USES_DECAY) ||
            amount_check("weight_decay", options->weight_decay, e));
}

struct optimizer_step optimizer_begin(const struct optimizer_options *options,
                                      float learning_rate, int64_t update,
                                      size_t rows_n) {
    struct optimizer_step step = {
        .options = options,
        .scale = (float)(1.0 / (double)rows_n),
        .l2_scale = (float)((double)options->l2 / (double)rows_n),
        .learning_rate = learning_rate,
        .keep = 1.0f,
    };
    unsigned uses = optimizers[options->kind].uses;
    if (uses & USES_BETA_1) {
        double rest_1 = 1.0 - pow((double)options->beta_1, (double)update);
        double rest_2 = 1.0 - pow((double)options->beta_2, (double)update);
        step.corrected_rate = (float)((double)learning_rate / rest_1);
        step.corrected_root = (float)(1.0 / sqrt(rest_2));
    }
    if (uses & USES_DECAY)
        step.keep = (float)(1.0 - (double)learning_rate * (double)options->weight_decay);
    return step;
}

void optimizer_clip(struct optimizer_step *step, double square) {
    double clip_norm = (double)step->options->clip_norm, norm = sqrt(square);
    if (norm <= clip_norm)
        return;
    step->scale = (float)((double)step->scale * (clip_norm / norm));
    step->l2_scale = (float)((double)step->l2_scale * (clip_norm / norm));
}

/* The gradient of n <= CHUNK parameters from `at` on is *scale times what comes back:
 * `buffer`, or a lane itself. */
static const float *gradient_make(const struct optimizer_step *step,
                                  const struct optimizer_block *block, bool weights,
                                  size_t at, size_t n, float *buffer, float *scale) {
    const float *grads = block->lanes[0] + at;
    for (size_t i = 1; i < block->lanes_n; i++) {
        gradient_add(grads, block->lanes[i] + at, buffer, n);
        grads = buffer;
    }
    *scale = step->scale;
    if (!weights || step->options->l2 <= 0.0f)
        return grads;
    gradient_penalise(step->scale, grads, step->l2_scale, block->params + at, buffer, n);
    *scale = 1.0f;
    return buffer;
}

void optimizer_update(const struct optimizer_step *step,
                      const struct optimizer_block *block, struct optimizer_range range) {
    enum optimizer kind = step->options->kind;
    size_t state_n = optimizers[kind].state_n;
    bool decays = range.weights && step->keep < 1.0f;
    float buffer[CHUNK];
    for (size_t at = range.from; at < range.to; at += CHUNK) {
        size_t n = range.to - at < CHUNK ? range.to - at : CHUNK;
        float scale, *params = block->params + at;
        const float *grads =
            gradient_make(step, block, range.weights, at, n, buffer, &scale);
        if (decays)
            weights_decay(step->keep, params, n);
        optimizers[kind].update(step, scale, params, grads,
                                state_n > 0 ? block->state + at : NULL,
                                state_n > 1 ? block->state + block->n + at : NULL, n);
    }
}

KERNEL static double square_sum(const float *x, size_t n) {
    double sums[SQUARES] = {0}, total = 0;
    size_t i = 0;
    for (; i + SQUARES <= n; i += SQUARES)
        for (size_t j = 0; j < SQUARES; j++)
            sums[j] += (double)x[i + j] * (double)x[i + j];
    for (; i < n; i++)
        sums[i % SQUARES] += (double)x[i] * (double)x[i];
    for (size_t j = 0; j < SQUARES; j++)
        total += sums[j];
    return total;
}

double optimizer_square(const float *x, size_t n) {
    return square_sum(x, n);
}

double optimizer_gradient_square(const struct optimizer_step *step,
                                 const struct optimizer_block *block,
                                 struct optimizer_range range) {
    float buffer[CHUNK];
    double square = 0;
    for (size_t at = range.from; at < range.to; at += CHUNK) {
        size_t n = range.to - at < CHUNK ? range.to - at : CHUNK;
        float scale;
        const float *grads =
            gradient_make(step, block, range.weights, at, n, buffer, &scale);
        square += (double)scale * (double)scale * square_sum(grads, n);
    }
    return square;
}
