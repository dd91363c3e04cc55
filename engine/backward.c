#include "engine/backward.h"

#include "engine/dropout.h"
#include "engine/forward.h"
#include "engine/matrix.h"

size_t backward_scratch_n(const struct net *net, size_t m) {
    return forward_scratch_n(net, m);
}

/* The gradients of layer l from its dZ and its inputs. */
static void layer_gradients(const struct layer *layer, const float *dZ,
                            const float *A_prev, size_t m, float *grads,
                            bool accumulate) {
    matrix_mul_tn(layer->shape.units_n, layer->inputs_n, m, dZ, A_prev,
                  grads + layer->weights_at, accumulate);
    matrix_sum_rows(m, layer->shape.units_n, dZ, grads + layer->biases_at, accumulate);
}

void backward(const struct net *net, const float *X, size_t m, float *cache,
              float *scratch, float *grads, bool accumulate) {
    float *halves[2] = {scratch, scratch + backward_scratch_n(net, m) / 2};
    const float *dZ = forward_cached(net, m, cache, net->layers_n - 1);
    for (size_t l = net->layers_n - 1; l > 0; l--) {
        const struct layer *layer = &net->layers[l];
        const struct layer_shape *before = &net->layers[l - 1].shape;
        float *A_prev = forward_cached(net, m, cache, l - 1);
        float *dA = halves[l % 2];
        layer_gradients(layer, dZ, A_prev, m, grads, accumulate);
        matrix_mul_nn(m, layer->inputs_n, layer->shape.units_n, dZ, net_weights(net, l),
                      dA);
        if (before->dropout > 0.0f)
            dropout_backward(before->dropout, A_prev, dA, m * before->units_n);
        activation_backward(before->activation, before->negative_slope, A_prev, dA, m,
                            before->units_n);
        dZ = dA;
    }
    layer_gradients(&net->layers[0], dZ, X, m, grads, accumulate);
}
