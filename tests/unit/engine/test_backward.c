#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/backward.h"
#include "engine/forward.h"
#include "engine/initializer.h"
#include "engine/matrix.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "tests/unit/check.h"
#include "tests/unit/engine/twin.h"

enum { ROWS_N = 9, INPUTS_N = 4, OUTPUTS_N = 3, DEPTH_MAX = 4 };

/* A net with its samples; hidden layers all of one activation. */
struct setting {
    struct net *net;
    enum loss loss;
    float X[ROWS_N * INPUTS_N], Y[ROWS_N * OUTPUTS_N];
    int32_t classes[ROWS_N];
    float weights[ROWS_N];
    bool weighted;
};

static void setting_make(struct setting *s, size_t depth, enum activation hidden,
                         enum loss loss, enum activation output) {
    struct layer_shape shapes[DEPTH_MAX];
    for (size_t l = 0; l < depth; l++)
        shapes[l] = (struct layer_shape){
            .units_n = 5 + l, .activation = hidden, .negative_slope = 0.1f};
    shapes[depth - 1] = (struct layer_shape){
        .units_n = OUTPUTS_N, .activation = output, .negative_slope = 0.2f};
    struct err e = {0};
    s->loss = loss;
    s->weighted = false;
    s->net = net_new(INPUTS_N, shapes, depth, &e);
    initializer_fill(s->net, INITIALIZER_GLOROT_NORMAL, 0, depth);
    for (size_t l = 0; l < depth; l++)
        rng_normal(1, l, net_biases(s->net, l), shapes[l].units_n);
    rng_normal(2, 1, s->X, ROWS_N * INPUTS_N);
    rng_uniform(2, 2, s->Y, ROWS_N * OUTPUTS_N);
    rng_uniform(2, 3, s->weights, ROWS_N);
    for (int32_t i = 0; i < ROWS_N; i++)
        s->classes[i] = i % OUTPUTS_N;
}

static struct targets setting_targets(const struct setting *s) {
    return (struct targets){.values = s->Y,
                            .classes = s->classes,
                            .weights = s->weighted ? s->weights : NULL};
}

/* @return the sum of losses; its gradient goes into grads. */
static double gradient(const struct setting *s, float *grads, bool accumulate) {
    const struct net *net = s->net;
    float *cache = memory_new(forward_cache_n(net, ROWS_N), sizeof *cache);
    float *scratch = memory_new(backward_scratch_n(net, ROWS_N), sizeof *scratch);
    const struct layer_shape *output = &net->layers[net->layers_n - 1].shape;
    forward_train(net, s->X, ROWS_N, NULL, cache);
    double sum = loss_fuse(s->loss, output->activation, output->negative_slope,
                           forward_cached(net, ROWS_N, cache, net->layers_n - 1),
                           setting_targets(s), ROWS_N, OUTPUTS_N);
    backward(net, s->X, ROWS_N, cache, scratch, grads, accumulate);
    free(scratch);
    free(cache);
    return sum;
}

static double difference(const struct setting *s, double *params, size_t at) {
    const double step = 1e-6;
    double here = params[at];
    params[at] = here + step;
    double above = twin_cost(s->net, params, s->loss, s->X, setting_targets(s), ROWS_N);
    params[at] = here - step;
    double below = twin_cost(s->net, params, s->loss, s->X, setting_targets(s), ROWS_N);
    params[at] = here;
    return (above - below) / (2 * step);
}

/* Each component against the central difference of the twin's cost, in double; the error
 * is relative to the layer's largest component. */
static bool setting_check(const struct setting *s, const char *what) {
    const struct net *net = s->net;
    float *grads = memory_new(net->block_n, sizeof *grads);
    double *params = memory_new(net->block_n, sizeof *params);
    bool ok = CHECK(grads && params);
    for (size_t i = 0; i < net->block_n; i++)
        params[i] = (double)net->params[i];
    double cost = gradient(s, grads, false);
    double want = twin_cost(net, params, s->loss, s->X, setting_targets(s), ROWS_N);
    ok &= CHECK_SAY(fabs(cost - want) <= 2e-6 * want, "%s: cost %g, not %g", what, cost,
                    want);
    for (size_t l = 0; l < net->layers_n; l++) {
        const struct layer *layer = &net->layers[l];
        size_t to = layer->biases_at + layer->shape.units_n;
        double largest = 0, off = 0;
        for (size_t i = layer->weights_at; i < to; i++) {
            double slope = difference(s, params, i);
            bool padding =
                i >= layer->weights_at + layer->shape.units_n * layer->inputs_n &&
                i < layer->biases_at;
            off = fmax(off, fabs((double)grads[i] - (padding ? 0 : slope)));
            largest = fmax(largest, fabs(slope));
        }
        ok &= CHECK_SAY(off <= 1e-5 * largest && largest > 0,
                        "%s, layer %zu: off by %g of %g", what, l + 1, off, largest);
    }
    free(params);
    free(grads);
    return ok;
}

static void gradient_checks(void) {
    for (size_t depth = 1; depth <= DEPTH_MAX; depth++)
        for (int hidden = 0; hidden < ACTIVATION_SOFTMAX; hidden++)
            for (int loss = 0; loss < LOSSES_N; loss++)
                for (int output = 0; output < ACTIVATIONS_N; output++) {
                    if (!loss_fits((enum loss)loss, (enum activation)output))
                        continue;
                    struct setting s;
                    char what[100];
                    snprintf(what, sizeof what, "%zu layers of %s, %s of %s", depth,
                             activation_name((enum activation)hidden),
                             loss_name((enum loss)loss),
                             activation_name((enum activation)output));
                    setting_make(&s, depth, (enum activation)hidden, (enum loss)loss,
                                 (enum activation)output);
                    setting_check(&s, what);
                    s.weighted = true;
                    setting_check(&s, what);
                    net_free(s.net);
                }
}

static void gradients_add_up(void) {
    struct setting s;
    setting_make(&s, 3, ACTIVATION_TANH, LOSS_CROSS_ENTROPY, ACTIVATION_SOFTMAX);
    float *once = memory_new(s.net->block_n, sizeof *once);
    float *twice = memory_new(s.net->block_n, sizeof *twice);
    gradient(&s, once, false);
    for (size_t i = 0; i < s.net->block_n; i++)
        twice[i] = once[i] == 0 ? 0 : 1000; /* overwritten, padding apart */
    gradient(&s, twice, false);
    CHECK(memcmp(once, twice, s.net->block_n * sizeof *once) == 0);
    gradient(&s, twice, true);
    for (size_t i = 0; i < s.net->block_n; i++)
        CHECK_NEAR((double)twice[i], 2 * (double)once[i], 1e-6);
    free(once);
    free(twice);
    net_free(s.net);
}

int main(void) {
    struct err e = {0};
    if (!CHECK_SAY(matrix_start(&e), "%s", e.text))
        return 1;
    CHECK_RUN(gradient_checks);
    CHECK_RUN(gradients_add_up);
    return check_done();
}
