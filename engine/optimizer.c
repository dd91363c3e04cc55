#include "engine/optimizer.h"

#include <string.h>

#include "engine/kernel.h"

enum { CHUNK = 1024 }; /* gradients summed before they are used: they stay in cache */

KERNEL static void gradient_add(const float *a, const float *b, float *sum, size_t n) {
    KERNEL_LOOP
    for (size_t i = 0; i < n; i++)
        sum[i] = a[i] + b[i];
}

KERNEL static void gradient_descent_update(const struct optimizer_options *options,
                                           float *restrict params,
                                           const float *restrict sum, float scale,
                                           float *state, size_t n) {
    (void)state;
    float rate = options->learning_rate;
    for (size_t i = 0; i < n; i++)
        params[i] -= rate * (scale * sum[i]);
}

static const struct {
    const char *name;
    size_t state_n;
    void (*update)(const struct optimizer_options *options, float *params,
                   const float *sum, float scale, float *state, size_t n);
} optimizers[OPTIMIZERS_N] = {
    [OPTIMIZER_GRADIENT_DESCENT] = {"gradient_descent", 0, gradient_descent_update},
    [OPTIMIZER_MOMENTUM] = {"momentum", 0, gradient_descent_update},
    [OPTIMIZER_RMSPROP] = {"rmsprop", 0, gradient_descent_update},
    [OPTIMIZER_ADAM] = {"adam", 0, gradient_descent_update},
    [OPTIMIZER_ADAMW] = {"adamw", 0, gradient_descent_update},
};

const char *optimizer_name(enum optimizer kind) {
    return optimizers[kind].name;
}

size_t optimizer_state_n(enum optimizer kind) {
    return optimizers[kind].state_n;
}

void optimizer_update(const struct optimizer_options *options, float *params,
                      float *const *lanes, size_t lanes_n, float scale, float *state,
                      size_t n) {
    size_t state_n = optimizer_state_n(options->kind);
    float buffer[CHUNK];
    for (size_t at = 0; at < n; at += CHUNK) {
        size_t part = n - at < CHUNK ? n - at : CHUNK;
        const float *sum = lanes[0] + at;
        for (size_t i = 1; i < lanes_n; i++) {
            gradient_add(sum, lanes[i] + at, buffer, part);
            sum = buffer;
        }
        optimizers[options->kind].update(options, params + at, sum, scale,
                                         state ? state + at * state_n : NULL, part);
    }
}

struct optimizer_options optimizer_defaults(enum optimizer kind) {
    return (struct optimizer_options){.kind = kind, .momentum = 0.9f, .beta_1 = 0.9f, .beta_2 = kind == OPTIMIZER_RMSPROP ? 0.9f : 0.999f, .epsilon = 1e-8f, .weight_decay = kind == OPTIMIZER_ADAMW ? 0.01f : 0};
}
