#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/forward.h"
#include "engine/initializer.h"
#include "engine/matrix.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "tests/unit/check.h"
#include "tests/unit/engine/twin.h"

enum { ROWS_MAX = 70, INPUTS_N = 5 };

static struct net *net_made(size_t layers_n) {
    static const struct layer_shape shapes[] = {
        {.units_n = 7, .activation = ACTIVATION_TANH},
        {.units_n = 19, .activation = ACTIVATION_RELU},
        {.units_n = 3, .activation = ACTIVATION_LEAKY_RELU, .negative_slope = 0.1f},
        {.units_n = 9, .activation = ACTIVATION_SIGMOID}};
    struct err e = {0};
    struct net *net = net_new(INPUTS_N, shapes, layers_n, &e);
    initializer_fill(net, INITIALIZER_GLOROT_NORMAL, 0, 3);
    for (size_t l = 0; l < layers_n; l++)
        rng_normal(3, l, net_biases(net, l), shapes[l].units_n);
    return net;
}

static void compare(size_t layers_n, size_t m) {
    struct net *net = net_made(layers_n);
    float X[ROWS_MAX * INPUTS_N];
    rng_normal(8, 0, X, m * INPUTS_N);
    float *cache = memory_new(forward_cache_n(net, m), sizeof *cache);
    double *params = memory_new(net->block_n, sizeof *params);
    for (size_t i = 0; i < net->block_n; i++)
        params[i] = (double)net->params[i];
    forward_train(net, X, m, NULL, cache);
    const float *Z = forward_cached(net, m, cache, layers_n - 1);
    struct twin_output output = twin_output_of(net, LOSS_MSE);
    for (size_t i = 0; i < m; i++) {
        double z[TWIN_UNITS_MAX];
        twin_forward(net, params, X + i * INPUTS_N, z);
        for (size_t j = 0; j < output.k; j++)
            CHECK_NEAR((double)Z[i * output.k + j], z[j], 2e-6);
    }
    free(params);
    free(cache);
    net_free(net);
}

static void against_the_twin(void) {
    for (size_t layers_n = 1; layers_n <= 4; layers_n++)
        for (size_t m = 1; m <= ROWS_MAX; m += 23)
            compare(layers_n, m);
}

static void the_cache_holds_activations(void) {
    struct net *net = net_made(4);
    float X[3 * INPUTS_N], W[19 * 7];
    rng_normal(8, 0, X, sizeof X / sizeof *X);
    float *cache = memory_new(forward_cache_n(net, 3), sizeof *cache);
    forward_train(net, X, 3, NULL, cache);
    const float *A1 = forward_cached(net, 3, cache, 0),
                *A2 = forward_cached(net, 3, cache, 1);
    memcpy(W, net_weights(net, 1), sizeof W);
    for (size_t i = 0; i < 3; i++)
        for (size_t u = 0; u < 19; u++) {
            double z = (double)net_biases(net, 1)[u];
            for (size_t j = 0; j < 7; j++)
                z += (double)W[u * 7 + j] * (double)A1[i * 7 + j];
            CHECK_NEAR((double)A2[i * 19 + u], fmax(z, 0), 1e-6);
        }
    free(cache);
    net_free(net);
}

static void sizes_saturate(void) {
    struct net *net = net_made(4);
    CHECK(forward_scratch_n(net, SIZE_MAX / 3) == SIZE_MAX);
    CHECK(forward_cache_n(net, SIZE_MAX / 3) == SIZE_MAX);
    net_free(net);
}

int main(void) {
    struct err e = {0};
    if (!CHECK_SAY(matrix_start(&e), "%s", e.text))
        return 1;
    CHECK_RUN(against_the_twin);
    CHECK_RUN(the_cache_holds_activations);
    CHECK_RUN(sizes_saturate);
    return check_done();
}
