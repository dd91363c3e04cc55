/* A feed-forward network of dense layers.
 *
 * Shape letters, here and everywhere: m samples, L layers, n[l] units of layer l, n[0]
 * inputs. W[l] is (n[l], n[l-1]) row-major, b[l] is (n[l]); samples are rows, so A[l] is
 * (m, n[l]) row-major, which in memory is the course's (n[l], m) column-major.
 *
 * All parameters are one aligned block; a layer is offsets into it. */
#ifndef ENGINE_NET_H
#define ENGINE_NET_H

#include <stddef.h>

#include "engine/activation.h"
#include "engine/err.h"

enum {
    NET_LAYERS_MAX = 256,
    NET_UNITS_MAX = 1 << 20 /* of one layer, inputs included */
};

/* One layer as asked for: the arguments of net_new. */
struct layer_shape {
    size_t units_n;
    enum activation activation;
    float negative_slope; /* leaky_relu's, or elu's alpha; ignored by the others */
    float dropout; /* share of a hidden layer's units that training drops, 0 <= d < 1;
                      inference does not look at it */
};

struct layer {
    struct layer_shape shape;
    size_t inputs_n;   /* n[l-1] */
    size_t weights_at; /* offset of W[l] in params, in floats; a multiple of 16 */
    size_t biases_at;  /* offset of b[l] */
};

struct net {
    size_t inputs_n;      /* n[0] */
    size_t outputs_n;     /* n[L] */
    size_t layers_n;      /* L */
    size_t units_max;     /* max of n[1..L] */
    size_t parameters_n;  /* weights and biases, padding apart */
    size_t block_n;       /* floats in params, padding (always 0) included */
    struct layer *layers; /* (L) */
    float *params;        /* (block_n), zeroed by net_new */
};

/* @return a net with zero parameters, owned by the caller; NULL with ERR_RANGE (a count
 * is 0 or over its maximum, a dropout out of bounds or of the output layer) or
 * ERR_NO_MEMORY. */
struct net *net_new(size_t inputs_n, const struct layer_shape *shapes, size_t layers_n,
                    struct err *e) __attribute__((warn_unused_result));

/* The same without the parameters (params is NULL): for what follows from the shapes
 * alone, as the memory that a training would need. */
struct net *net_outline(size_t inputs_n, const struct layer_shape *shapes,
                        size_t layers_n, struct err *e)
    __attribute__((warn_unused_result));

void net_free(struct net *net); /* NULL is allowed */

/* Leaves the outline of a net. */
void net_params_free(struct net *net);

/* Makes each output z of the last layer's units s z + offset: W' = s W, b' = s b +
 * offset. So a net that was trained on scaled targets predicts them as they were. */
void net_outputs_scale(struct net *net, float s, float offset);

/* Whether some layer has dropout. */
bool net_dropout(const struct net *net);

/* Whether a softmax stands before the output layer, as imported networks may have it:
 * nothing is trained through it. */
bool net_softmax_inside(const struct net *net);

static inline float *net_weights(const struct net *net, size_t l) {
    return net->params + net->layers[l].weights_at;
}
static inline float *net_biases(const struct net *net, size_t l) {
    return net->params + net->layers[l].biases_at;
}

#endif
