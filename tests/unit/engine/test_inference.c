#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/forward.h"
#include "engine/inference.h"
#include "engine/initializer.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "tests/unit/check.h"
#include "tests/unit/engine/twin.h"

enum { ROWS_MAX = 70, INPUTS_N = 5 };

/* The net's parameters go once it is laid out. */
static void compare(size_t layers_n, size_t m) {
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
    double *params = memory_new(net->block_n, sizeof *params);
    for (size_t i = 0; i < net->block_n; i++)
        params[i] = (double)net->params[i];
    struct inference *inference = inference_new(net, &e);
    net_params_free(net);
    float X[ROWS_MAX * INPUTS_N], Y[ROWS_MAX * TWIN_UNITS_MAX + 1];
    rng_normal(8, 0, X, m * INPUTS_N);
    Y[m * net->outputs_n] = 77;
    float *scratch = memory_new(forward_scratch_n(net, m), sizeof *scratch);
    inference_run(inference, X, m, scratch, Y);
    struct twin_output output = twin_output_of(net, LOSS_MSE);
    for (size_t i = 0; i < m; i++) {
        double z[TWIN_UNITS_MAX];
        twin_forward(net, params, X + i * INPUTS_N, z);
        for (size_t j = 0; j < output.k; j++) {
            double a = twin_activation(output.activation, output.slope, z[j]);
            CHECK_NEAR((double)Y[i * output.k + j], a, 2e-6);
        }
    }
    CHECK(Y[m * net->outputs_n] == 77);
    free(params);
    free(scratch);
    inference_free(inference);
    net_free(net);
}

static void against_the_twin(void) {
    for (size_t layers_n = 1; layers_n <= 4; layers_n++)
        for (size_t m = 1; m <= ROWS_MAX; m += 23)
            compare(layers_n, m);
}

/* A row of a batch, and the same row alone: the same bits, whatever the activation and
 * however long the inner products are. */
static void a_row_stands_alone(void) {
    enum { WIDE = 83, OUTPUTS = 13 };
    float *X = memory_new(ROWS_MAX * WIDE, sizeof *X);
    rng_normal(8, 1, X, ROWS_MAX * WIDE);
    for (int g = 0; g < ACTIVATIONS_N; g++) {
        struct layer_shape shapes[] = {{.units_n = 45, .activation = ACTIVATION_TANH},
                                       {.units_n = 21, .activation = ACTIVATION_RELU},
                                       {.units_n = OUTPUTS,
                                        .activation = (enum activation)g,
                                        .negative_slope = 0.3f}};
        struct err e = {0};
        struct net *net = net_new(WIDE, shapes, 3, &e);
        float all[ROWS_MAX * OUTPUTS], alone[OUTPUTS];
        float *scratch = memory_new(forward_scratch_n(net, ROWS_MAX), sizeof *scratch);
        initializer_fill(net, INITIALIZER_HE_NORMAL, 0, 9);
        struct inference *inference = inference_new(net, &e);
        inference_run(inference, X, ROWS_MAX, scratch, all);
        for (size_t i = 0; i < ROWS_MAX; i++) {
            inference_run(inference, X + i * WIDE, 1, scratch, alone);
            CHECK_SAY(memcmp(alone, all + i * OUTPUTS, sizeof alone) == 0, "%s, row %zu",
                      activation_name((enum activation)g), i);
        }
        free(scratch);
        inference_free(inference);
        net_free(net);
    }
    free(X);
}

/* What cannot be counted is not allocated. */
static void no_memory(void) {
    static const struct layer_shape shape = {.units_n = NET_UNITS_MAX};
    struct layer layer = {.shape = shape, .inputs_n = SIZE_MAX / 2};
    struct net net = {.layers_n = 1, .layers = &layer};
    struct err e = {0};
    CHECK(inference_memory(&net) == SIZE_MAX);
    CHECK(!inference_new(&net, &e) && e.kind == ERR_NO_MEMORY);
    layer.inputs_n = 3;
    CHECK(inference_memory(&net) == (size_t)NET_UNITS_MAX * 4 * sizeof(float));
}

int main(void) {
    CHECK_RUN(against_the_twin);
    CHECK_RUN(a_row_stands_alone);
    CHECK_RUN(no_memory);
    return check_done();
}
