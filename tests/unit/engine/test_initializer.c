#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/initializer.h"
#include "tests/unit/check.h"

static struct net *net_made(void) {
    struct layer_shape shapes[] = {{.units_n = 200, .activation = ACTIVATION_RELU},
                                   {.units_n = 300, .activation = ACTIVATION_LINEAR}};
    struct err e = {0};
    return net_new(100, shapes, 2, &e);
}

/* The deviation of layer l as its paper has it; `bound` is infinite for the normals. */
static void spread_of(enum initializer kind, double inputs, double outputs, double scale,
                      double *deviation, double *bound) {
    double variance[INITIALIZERS_N] = {
        [INITIALIZER_RANDOM_NORMAL] = scale * scale,
        [INITIALIZER_HE_NORMAL] = 2 / inputs,
        [INITIALIZER_HE_UNIFORM] = 2 / inputs,
        [INITIALIZER_GLOROT_NORMAL] = 2 / (inputs + outputs),
        [INITIALIZER_GLOROT_UNIFORM] = 2 / (inputs + outputs),
    };
    *deviation = sqrt(variance[kind]);
    bool uniform = kind == INITIALIZER_HE_UNIFORM || kind == INITIALIZER_GLOROT_UNIFORM;
    *bound = uniform ? sqrt(3) * *deviation : INFINITY;
}

static void layer_check(const struct net *net, size_t l, enum initializer kind,
                        double scale) {
    const struct layer *layer = &net->layers[l];
    size_t n = layer->inputs_n * layer->shape.units_n;
    double deviation, bound, mean = 0, squares = 0, max = 0;
    spread_of(kind, (double)layer->inputs_n, (double)layer->shape.units_n, scale,
              &deviation, &bound);
    for (size_t i = 0; i < n; i++) {
        double w = (double)net_weights(net, l)[i];
        mean += w / (double)n;
        squares += w * w / (double)n;
        max = fmax(max, fabs(w));
    }
    CHECK_SAY(fabs(mean) <= 0.025 * deviation, "%s: mean %g", initializer_name(kind),
              mean);
    CHECK_SAY(fabs(sqrt(squares) - deviation) <= 0.015 * deviation,
              "%s: deviation %g, not %g", initializer_name(kind), sqrt(squares),
              deviation);
    if (isfinite(bound))
        CHECK(max <= bound * 1.0000001 && max > bound * 0.999);
    else
        CHECK(kind == INITIALIZER_ZEROS || max > 3.5 * deviation);
    for (size_t i = 0; i < layer->shape.units_n; i++)
        CHECK(net_biases(net, l)[i] == 0);
}

static void moments(void) {
    struct net *net = net_made();
    for (int kind = 0; kind < INITIALIZERS_N; kind++) {
        initializer_fill(net, (enum initializer)kind, 0.01f, 7);
        for (size_t l = 0; l < 2; l++)
            layer_check(net, l, (enum initializer)kind, 0.01);
    }
    net_free(net);
}

static void seeds(void) {
    struct net *a = net_made(), *b = net_made();
    size_t bytes = a->block_n * sizeof *a->params;
    initializer_fill(a, INITIALIZER_HE_NORMAL, 0, 1);
    initializer_fill(b, INITIALIZER_HE_NORMAL, 0, 1);
    CHECK(memcmp(a->params, b->params, bytes) == 0);
    initializer_fill(b, INITIALIZER_HE_NORMAL, 0, 2);
    CHECK(memcmp(a->params, b->params, bytes) != 0);
    float ratio = net_weights(a, 0)[0] / net_weights(a, 1)[0];
    CHECK(fabsf(ratio - sqrtf(2)) > 1e-3f); /* each layer draws its own */
    net_free(a);
    net_free(b);
}

static void names(void) {
    CHECK_TEXT(initializer_name(INITIALIZER_GLOROT_UNIFORM), "glorot_uniform");
}

int main(void) {
    CHECK_RUN(moments);
    CHECK_RUN(seeds);
    CHECK_RUN(names);
    return check_done();
}
