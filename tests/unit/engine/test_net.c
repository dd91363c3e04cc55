#include <math.h>
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

/* What the last layer makes of its inputs is scaled and shifted; the layers before it,
 * and the padding, stay. */
static void outputs_scale(void) {
    struct layer_shape shapes[] = {{.units_n = 3, .activation = ACTIVATION_TANH},
                                   {.units_n = 2, .activation = ACTIVATION_LINEAR}};
    struct err e = {0};
    struct net *net = net_new(2, shapes, 2, &e);
    if (!CHECK(net))
        return;
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < shapes[l].units_n * net->layers[l].inputs_n; i++)
            net_weights(net, l)[i] = (float)(i + 1);
        for (size_t i = 0; i < shapes[l].units_n; i++)
            net_biases(net, l)[i] = (float)i;
    }
    net_outputs_scale(net, 3, 10);
    for (size_t i = 0; i < 6; i++) {
        CHECK(net_weights(net, 0)[i] == (float)(i + 1));
        CHECK(net_weights(net, 1)[i] == 3 * (float)(i + 1));
    }
    for (size_t i = 0; i < 3; i++)
        CHECK(net_biases(net, 0)[i] == (float)i);
    CHECK(net_biases(net, 1)[0] == 10 && net_biases(net, 1)[1] == 13);
    CHECK(net->params[net->block_n - 1] == 0);
    net_free(net);
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
}

static void softmax_inside(void) {
    struct layer_shape shapes[] = {{.units_n = 3, .activation = ACTIVATION_RELU},
                                   {.units_n = 2, .activation = ACTIVATION_SOFTMAX},
                                   {.units_n = 1}};
    struct err e = {0};
    for (size_t layers_n = 2; layers_n <= 3; layers_n++) {
        struct net *net = net_new(1, shapes, layers_n, &e);
        CHECK(net && net_softmax_inside(net) == (layers_n == 3));
        net_free(net);
    }
}

static void dropout_refused(float hidden, float output, const char *text) {
    struct layer_shape shapes[] = {{.units_n = 3, .dropout = hidden},
                                   {.units_n = 1, .dropout = output}};
    struct err e = {0};
    struct net *net = net_new(2, shapes, 2, &e);
    CHECK(!net && e.kind == ERR_RANGE);
    CHECK_TEXT(e.text, text);
    net_free(net);
}

static void bounds_of_dropout(void) {
    dropout_refused(1, 0, "dropout is at least 0 and below 1, not 1 (layer 1)");
    dropout_refused(-0.5f, 0, "dropout is at least 0 and below 1, not -0.5 (layer 1)");
    dropout_refused(NAN, 0, "dropout is at least 0 and below 1, not nan (layer 1)");
    dropout_refused(0, 0.5f, "dropout is for hidden layers, not the output layer");
    struct layer_shape shapes[] = {{.units_n = 3, .dropout = 0.999f}, {.units_n = 1}};
    struct err e = {0};
    struct net *net = net_new(2, shapes, 2, &e);
    CHECK_SAY(net && net_dropout(net), "%s", e.text);
    net_free(net);
    shapes[0].dropout = 0;
    net = net_new(2, shapes, 2, &e);
    CHECK_SAY(net && !net_dropout(net), "%s", e.text);
    net_free(net);
}

static void an_outline_has_no_parameters(void) {
    struct layer_shape shapes[] = {{.units_n = 300}, {.units_n = 2}};
    struct err e = {0};
    struct net *net = net_new(20, shapes, 2, &e),
               *outline = net_outline(20, shapes, 2, &e);
    if (CHECK_SAY(net && outline, "%s", e.text))
        CHECK(!outline->params && outline->block_n == net->block_n &&
              outline->parameters_n == net->parameters_n && outline->outputs_n == 2);
    net_free(outline);
    net_free(net);
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
    CHECK_RUN(outputs_scale);
    CHECK_RUN(bounds);
    CHECK_RUN(softmax_inside);
    CHECK_RUN(bounds_of_dropout);
    CHECK_RUN(an_outline_has_no_parameters);
    CHECK_RUN(the_deepest);
    return check_done();
}
