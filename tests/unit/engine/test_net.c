#include <stdint.h>
#include <string.h>

#include "engine/net.h"
#include "tests/unit/check.h"

static void layout(void) {
    struct layer_shape shapes[] = {
        {.units_n = 5, .activation = ACTIVATION_TANH},
        {.units_n = 17, .activation = ACTIVATION_LEAKY_RELU, .negative_slope = 0.1f},
        {.units_n = 3, .activation = ACTIVATION_SOFTMAX}};
    struct err e = {0};
    struct net *net = net_new(4, shapes, 3, &e);
    if (!CHECK(net))
        return;
    CHECK(net->inputs_n == 4 && net->outputs_n == 3 && net->layers_n == 3);
    CHECK(net->units_max == 17);
    CHECK(net->parameters_n == 5 * 5 + 17 * 6 + 3 * 18);
    size_t end = 0;
    for (size_t l = 0; l < 3; l++) {
        const struct layer *layer = &net->layers[l];
        CHECK(layer->inputs_n == (l ? shapes[l - 1].units_n : 4));
        CHECK(memcmp(&layer->shape, &shapes[l], sizeof shapes[l]) == 0);
        CHECK(layer->weights_at % 16 == 0 && layer->weights_at >= end);
        CHECK((uintptr_t)net_weights(net, l) % 64 == 0);
        end = layer->weights_at + layer->shape.units_n * layer->inputs_n;
        CHECK(layer->biases_at >= end);
        end = layer->biases_at + layer->shape.units_n;
    }
    CHECK(net->block_n >= end && net->block_n % 16 == 0);
    for (size_t i = 0; i < net->block_n; i++)
        CHECK(net->params[i] == 0);
    net_free(net);
    net_free(NULL);
}

static void refused(size_t inputs_n, size_t units_n, size_t layers_n, enum activation g) {
    static struct layer_shape shapes[NET_LAYERS_MAX + 1];
    struct err e = {0};
    for (size_t l = 0; l < NET_LAYERS_MAX + 1; l++)
        shapes[l] = (struct layer_shape){.units_n = units_n, .activation = g};
    struct net *net = net_new(inputs_n, shapes, layers_n, &e);
    CHECK_SAY(!net && e.kind == ERR_RANGE && *e.text, "%zu inputs, %zu layers of %zu",
              inputs_n, layers_n, units_n);
    net_free(net);
}

static void bounds(void) {
    refused(0, 1, 1, ACTIVATION_RELU);
    refused(NET_UNITS_MAX + 1, 1, 1, ACTIVATION_RELU);
    refused(1, 0, 1, ACTIVATION_RELU);
    refused(1, NET_UNITS_MAX + 1, 1, ACTIVATION_RELU);
    refused(1, 1, 0, ACTIVATION_RELU);
    refused(1, 1, NET_LAYERS_MAX + 1, ACTIVATION_RELU);
    refused(1, 2, 2, ACTIVATION_SOFTMAX);
}

static void the_deepest(void) {
    static struct layer_shape shapes[NET_LAYERS_MAX];
    struct err e = {0};
    for (size_t l = 0; l < NET_LAYERS_MAX; l++)
        shapes[l] = (struct layer_shape){.units_n = 1, .activation = ACTIVATION_TANH};
    struct net *net = net_new(1, shapes, NET_LAYERS_MAX, &e);
    CHECK(net && net->parameters_n == 2 * NET_LAYERS_MAX);
    net_free(net);
}

int main(void) {
    CHECK_RUN(layout);
    CHECK_RUN(bounds);
    CHECK_RUN(the_deepest);
    return check_done();
}
