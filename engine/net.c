#include "engine/net.h"

#include <stdlib.h>

#include "engine/memory.h"

enum { BLOCK_ALIGN = MEMORY_ALIGN / sizeof(float) };

static bool dropout_check(float dropout, size_t l, size_t layers_n, struct err *e) {
    if (!(dropout >= 0.0f && dropout < 1.0f))
        return err_set(e, ERR_RANGE, NULL,
                       "dropout is at least 0 and below 1, not %g (layer %zu)",
                       (double)dropout, l + 1);
    if (dropout > 0.0f && l + 1 == layers_n)
        return err_set(e, ERR_RANGE, NULL,
                       "dropout is for hidden layers, not the output layer");
    return true;
}

static bool shapes_check(size_t inputs_n, const struct layer_shape *shapes,
                         size_t layers_n, struct err *e) {
    if (inputs_n < 1 || inputs_n > NET_UNITS_MAX)
        return err_set(e, ERR_RANGE, NULL, "a net has 1 to %d inputs, not %zu",
                       NET_UNITS_MAX, inputs_n);
    if (layers_n < 1 || layers_n > NET_LAYERS_MAX)
        return err_set(e, ERR_RANGE, NULL, "a net has 1 to %d layers, not %zu",
                       NET_LAYERS_MAX, layers_n);
    for (size_t l = 0; l < layers_n; l++) {
        if (shapes[l].units_n < 1 || shapes[l].units_n > NET_UNITS_MAX)
            return err_set(e, ERR_RANGE, NULL,
                           "a layer has 1 to %d units, not %zu (layer %zu)",
                           NET_UNITS_MAX, shapes[l].units_n, l + 1);
        if (!dropout_check(shapes[l].dropout, l, layers_n, e))
            return false;
    }
    return true;
}

/* Reserves `count` floats from an aligned offset on. */
static bool block_take(size_t *block_n, size_t count, size_t *at) {
    size_t end;
    if (!size_add(*block_n, count, &end) || !size_add(end, BLOCK_ALIGN - 1, &end))
        return false;
    *at = *block_n;
    *block_n = end / BLOCK_ALIGN * BLOCK_ALIGN;
    return true;
}

static bool layers_place(struct net *net, const struct layer_shape *shapes) {
    size_t inputs_n = net->inputs_n;
    for (size_t l = 0; l < net->layers_n; l++) {
        struct layer *layer = &net->layers[l];
        size_t weights_n;
        layer->shape = shapes[l];
        layer->inputs_n = inputs_n;
        if (!size_mul(shapes[l].units_n, inputs_n, &weights_n) ||
            !block_take(&net->block_n, weights_n, &layer->weights_at) ||
            !block_take(&net->block_n, shapes[l].units_n, &layer->biases_at))
            return false;
        net->parameters_n += weights_n + shapes[l].units_n; /* at most block_n */
        inputs_n = shapes[l].units_n;
        if (inputs_n > net->units_max)
            net->units_max = inputs_n;
    }
    net->outputs_n = inputs_n;
    return true;
}

struct net *net_outline(size_t inputs_n, const struct layer_shape *shapes,
                        size_t layers_n, struct err *e) {
    if (!shapes_check(inputs_n, shapes, layers_n, e))
        return NULL;
    struct net *net = memory_new(1, sizeof *net);
    if (!net)
        goto no_memory;
    net->inputs_n = inputs_n;
    net->layers_n = layers_n;
    net->layers = memory_new(layers_n, sizeof *net->layers);
    if (net->layers && layers_place(net, shapes))
        return net;
no_memory:
    net_free(net);
    err_set(e, ERR_NO_MEMORY, NULL, "out of memory for the net");
    return NULL;
}

struct net *net_new(size_t inputs_n, const struct layer_shape *shapes, size_t layers_n,
                    struct err *e) {
    struct net *net = net_outline(inputs_n, shapes, layers_n, e);
    if (!net)
        return NULL;
    net->params = memory_new(net->block_n, sizeof *net->params);
    if (net->params)
        return net;
    net_free(net);
    err_set(e, ERR_NO_MEMORY, NULL, "out of memory for the net");
    return NULL;
}

void net_free(struct net *net) {
    if (!net)
        return;
    free(net->params);
    free(net->layers);
    free(net);
}

void net_params_free(struct net *net) {
    free(net->params);
    net->params = NULL;
}

void net_outputs_scale(struct net *net, float s, float offset) {
    size_t l = net->layers_n - 1;
    float *W = net_weights(net, l), *b = net_biases(net, l);
    for (size_t i = 0; i < net->outputs_n * net->layers[l].inputs_n; i++)
        W[i] *= s;
    for (size_t i = 0; i < net->outputs_n; i++)
        b[i] = b[i] * s + offset;
}

bool net_dropout(const struct net *net) {
    for (size_t l = 0; l < net->layers_n; l++)
        if (net->layers[l].shape.dropout > 0.0f)
            return true;
    return false;
}

bool net_softmax_inside(const struct net *net) {
    for (size_t l = 0; l + 1 < net->layers_n; l++)
        if (activation_by_rows(net->layers[l].shape.activation))
            return true;
    return false;
}
