#include "engine/initializer.h"

#include <math.h>
#include <string.h>

#include "engine/rng.h"

/* The spread of a layer's weights: sqrt(numerator / fan), as a standard deviation or as
 * the bound of a uniform draw. */
enum spread { SPREAD_NONE, SPREAD_SCALE, SPREAD_INPUTS, SPREAD_BOTH };

static const struct {
    const char *name;
    enum spread spread;
    bool uniform;
} initializers[INITIALIZERS_N] = {
    [INITIALIZER_ZEROS] = {"zeros", SPREAD_NONE, false},
    [INITIALIZER_RANDOM_NORMAL] = {"random_normal", SPREAD_SCALE, false},
    [INITIALIZER_HE_NORMAL] = {"he_normal", SPREAD_INPUTS, false},
    [INITIALIZER_HE_UNIFORM] = {"he_uniform", SPREAD_INPUTS, true},
    [INITIALIZER_GLOROT_NORMAL] = {"glorot_normal", SPREAD_BOTH, false},
    [INITIALIZER_GLOROT_UNIFORM] = {"glorot_uniform", SPREAD_BOTH, true},
};

const char *initializer_name(enum initializer kind) {
    return initializers[kind].name;
}

static float spread_of(enum initializer kind, const struct layer *layer, float scale) {
    /* The variance of U(+-a) is a^2 / 3. */
    double numerator = initializers[kind].uniform ? 6.0 : 2.0;
    switch (initializers[kind].spread) {
    case SPREAD_INPUTS:
        return (float)sqrt(numerator / (double)layer->inputs_n);
    case SPREAD_BOTH:
        return (float)sqrt(numerator / (double)(layer->inputs_n + layer->shape.units_n));
    default:
        return scale;
    }
}

static void weights_draw(enum initializer kind, float spread, uint64_t seed,
                         uint64_t stream, float *W, size_t n) {
    if (initializers[kind].uniform) {
        rng_uniform(seed, stream, W, n);
        for (size_t i = 0; i < n; i++)
            W[i] = spread * (2.0f * W[i] - 1.0f);
    } else {
        rng_normal(seed, stream, W, n);
        for (size_t i = 0; i < n; i++)
            W[i] *= spread;
    }
}

void initializer_fill(struct net *net, enum initializer kind, float scale,
                      uint64_t seed) {
    memset(net->params, 0, net->block_n * sizeof *net->params);
    if (initializers[kind].spread == SPREAD_NONE)
        return;
    for (size_t l = 0; l < net->layers_n; l++) {
        const struct layer *layer = &net->layers[l];
        weights_draw(kind, spread_of(kind, layer, scale), seed, RNG_STREAM_WEIGHTS | l,
                     net_weights(net, l), layer->shape.units_n * layer->inputs_n);
    }
}
