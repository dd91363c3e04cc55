#include "engine/inference.h"

#include <stdint.h>
#include <stdlib.h>

#include "engine/forward.h"
#include "engine/memory.h"
#include "engine/panels.h"

enum { BLOCK_ALIGN = MEMORY_ALIGN / sizeof(float) };

struct inference {
    const struct net *net;
    float *block;
    size_t places[]; /* (L) where a layer's panels begin in the block, in floats */
};

/* Takes the floats of a layer, from an aligned offset on. */
static bool layer_place(const struct layer *layer, size_t *floats, size_t *place) {
    size_t end;
    *place = *floats;
    if (!size_add(*floats, panels_n(layer->shape.units_n, layer->inputs_n), &end) ||
        !size_add(end, BLOCK_ALIGN - 1, &end))
        return false;
    *floats = end / BLOCK_ALIGN * BLOCK_ALIGN;
    return true;
}

size_t inference_memory(const struct net *net) {
    size_t floats = 0, place, bytes;
    for (size_t l = 0; l < net->layers_n; l++)
        if (!layer_place(&net->layers[l], &floats, &place))
            return SIZE_MAX;
    return size_mul(floats, sizeof(float), &bytes) ? bytes : SIZE_MAX;
}

static void layers_fill(struct inference *inference) {
    const struct net *net = inference->net;
    size_t floats = 0;
    for (size_t l = 0; l < net->layers_n; l++) {
        const struct layer *layer = &net->layers[l];
        if (!layer_place(layer, &floats, &inference->places[l]))
            return; /* no block is so large */
        panels_fill(layer->shape.units_n, layer->inputs_n, net_weights(net, l),
                    net_biases(net, l), inference->block + inference->places[l]);
    }
}

struct inference *inference_new(const struct net *net, struct err *e) {
    struct inference *inference =
        calloc(1, sizeof *inference + net->layers_n * sizeof *inference->places);
    if (inference) {
        inference->net = net;
        inference->block = memory_new(inference_memory(net), 1);
    }
    if (!inference || !inference->block) {
        inference_free(inference);
        err_set(e, ERR_NO_MEMORY, NULL, "out of memory for the net");
        return NULL;
    }
    layers_fill(inference);
    return inference;
}

void inference_free(struct inference *inference) {
    if (!inference)
        return;
    free(inference->block);
    free(inference);
}

void inference_run(const struct inference *inference, const float *X, size_t m,
                   float *scratch, float *Y) {
    const struct net *net = inference->net;
    float *halves[2] = {scratch, scratch + forward_scratch_n(net, m) / 2};
    const float *A = X;
    for (size_t l = 0; l < net->layers_n; l++) {
        const struct layer *layer = &net->layers[l];
        const struct layer_shape *shape = &layer->shape;
        float *Z = l + 1 < net->layers_n ? halves[l % 2] : Y;
        panels_product(m, shape->units_n, layer->inputs_n, A,
                       inference->block + inference->places[l], Z);
        activation_apply(shape->activation, shape->negative_slope, Z, m, shape->units_n);
        A = Z;
    }
}
