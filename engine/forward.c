#include "engine/forward.h"

#include <stdint.h>

#include "engine/matrix.h"
#include "engine/memory.h"

enum { BLOCK_ALIGN = MEMORY_ALIGN / sizeof(float) };

/* Floats of an aligned (m,n) block; SIZE_MAX, which no allocation meets, on overflow. */
static size_t block_floats(size_t m, size_t n) {
    size_t floats;
    if (!size_mul(m, n, &floats) || !size_add(floats, BLOCK_ALIGN - 1, &floats))
        return SIZE_MAX;
    return floats / BLOCK_ALIGN * BLOCK_ALIGN;
}

/* Z = A_prev W^T + b */
static void layer_product(const struct net *net, size_t l, const float *A_prev, size_t m,
                          float *Z) {
    const struct layer *layer = &net->layers[l];
    matrix_mul_nt(m, layer->shape.units_n, layer->inputs_n, A_prev, net_weights(net, l),
                  Z);
    matrix_add_row(m, layer->shape.units_n, Z, net_biases(net, l));
}

static void layer_activate(const struct net *net, size_t l, float *Z, size_t m) {
    const struct layer_shape *shape = &net->layers[l].shape;
    activation_apply(shape->activation, shape->negative_slope, Z, m, shape->units_n);
}

size_t forward_scratch_n(const struct net *net, size_t m) {
    size_t floats;
    return size_mul(2, block_floats(m, net->units_max), &floats) ? floats : SIZE_MAX;
}

size_t forward_cache_n(const struct net *net, size_t m) {
    size_t floats = 0;
    for (size_t l = 0; l < net->layers_n; l++)
        if (!size_add(floats, block_floats(m, net->layers[l].shape.units_n), &floats))
            return SIZE_MAX;
    return floats;
}

float *forward_cached(const struct net *net, size_t m, float *cache, size_t l) {
    for (size_t i = 0; i < l; i++)
        cache += block_floats(m, net->layers[i].shape.units_n);
    return cache;
}

void forward_train(const struct net *net, const float *X, size_t m,
                   const struct dropout *masks, float *cache) {
    const float *A = X;
    float *Z = cache;
    for (size_t l = 0; l < net->layers_n; l++) {
        layer_product(net, l, A, m, Z);
        const struct layer_shape *shape = &net->layers[l].shape;
        if (l + 1 < net->layers_n)
            layer_activate(net, l, Z, m);
        if (masks && shape->dropout > 0.0f)
            dropout_apply(masks, l, shape->dropout, Z, m, shape->units_n);
        A = Z;
        Z += block_floats(m, net->layers[l].shape.units_n);
    }
}
