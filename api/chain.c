#include "api/chain.h"

#include <stdlib.h>
#include <string.h>

#include "engine/finite.h"
#include "engine/memory.h"

bool chain_init(struct chain *chain, size_t inputs_n, size_t bytes_max, struct err *e) {
    *chain =
        (struct chain){.inputs_n = inputs_n, .width = inputs_n, .bytes_max = bytes_max};
    return (inputs_n >= 1 && inputs_n <= NET_UNITS_MAX) ||
           err_set(e, ERR_INVALID, NULL, "%zu inputs; expected 1 to %d", inputs_n,
                   NET_UNITS_MAX);
}

static void pending_free(struct chain *chain) {
    free(chain->offset);
    free(chain->scale);
    free(chain->shift);
    chain->offset = chain->scale = chain->shift = NULL;
}

void chain_free(struct chain *chain) {
    for (size_t l = 0; l < chain->layers_n; l++) {
        free(chain->layers[l].W);
        free(chain->layers[l].b);
    }
    pending_free(chain);
    transform_free(&chain->transform);
    *chain = (struct chain){.layers_n = 0};
}

static struct chain_layer *last_layer(struct chain *chain) {
    return chain->layers_n ? &chain->layers[chain->layers_n - 1] : NULL;
}

float *chain_dense(struct chain *chain, size_t units_n, struct err *e) {
    size_t bytes;
    if (chain->layers_n == NET_LAYERS_MAX || units_n < 1 || units_n > NET_UNITS_MAX) {
        err_set(e, ERR_INVALID, NULL,
                "a network has at most %d layers, of 1 to %d units each", NET_LAYERS_MAX,
                NET_UNITS_MAX);
        return NULL;
    }
    if (!size_mul(chain->width + 1, units_n * sizeof(float), &bytes) ||
        !size_add(bytes, chain->bytes_used, &bytes) || bytes > chain->bytes_max) {
        err_set(e, ERR_TOO_LARGE, NULL, "the layers are far larger than the file");
        return NULL;
    }
    chain->bytes_used = bytes;
    struct chain_layer *layer = &chain->layers[chain->layers_n];
    *layer = (struct chain_layer){
        .shape = {.units_n = units_n,
                  .activation = ACTIVATION_LINEAR,
                  .negative_slope = ACTIVATION_NEGATIVE_SLOPE},
        .inputs_n = chain->width,
        .W = memory_new(units_n * chain->width, sizeof *layer->W),
        .b = memory_new(units_n, sizeof *layer->b),
    };
    chain->layers_n++; /* owned from here on */
    if (!layer->W || !layer->b) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for a layer");
        return NULL;
    }
    chain->width = units_n;
    chain->open = true;
    return layer->W;
}

/* In front of the first layer, offset and scale are the model's transform, which keeps
 * the digits that weights would lose to a large offset. */
static bool transform_take(struct chain *chain) {
    size_t n = chain->inputs_n;
    float *offset = memory_new(n, sizeof *offset), *scale = memory_new(n, sizeof *scale);
    if (!offset || !scale) {
        free(offset);
        free(scale);
        return false;
    }
    for (size_t j = 0; j < n; j++) {
        offset[j] = (float)chain->offset[j];
        scale[j] = (float)chain->scale[j];
        chain->offset[j] = 0;
        chain->scale[j] = 1;
    }
    chain->transform = (struct transform){NORMALIZE_STANDARD, n, offset, scale};
    return true;
}

/* W ((x - offset) scale + shift) = (W scale) x + W (shift - offset scale) */
void chain_fold(struct chain *chain) {
    struct chain_layer *layer = last_layer(chain);
    if (!chain->scale)
        return;
    if (chain->layers_n == 1)
        (void)transform_take(chain); /* without memory: into the weights */
    for (size_t i = 0; i < layer->shape.units_n; i++) {
        float *w = layer->W + i * layer->inputs_n;
        double sum = 0;
        for (size_t j = 0; j < layer->inputs_n; j++) {
            double weight = (double)w[j];
            sum += weight * (chain->shift[j] - chain->offset[j] * chain->scale[j]);
            w[j] = (float)(weight * chain->scale[j]);
        }
        layer->biased = layer->biased || sum != 0;
        layer->b[i] = (float)sum;
    }
    pending_free(chain);
}

static bool pending_start(struct chain *chain, struct err *e) {
    size_t n = chain->width;
    if (chain->scale)
        return true;
    chain->offset = memory_new(n, sizeof(double));
    chain->scale = memory_new(n, sizeof(double));
    chain->shift = memory_new(n, sizeof(double));
    if (!chain->offset || !chain->scale || !chain->shift) {
        pending_free(chain);
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu units", n);
    }
    for (size_t j = 0; j < n; j++)
        chain->scale[j] = 1;
    return true;
}

bool chain_shift(struct chain *chain, const double *c, struct err *e) {
    struct chain_layer *layer = last_layer(chain);
    if (chain->open) {
        for (size_t i = 0; i < chain->width; i++)
            layer->b[i] = (float)(layer->biased ? (double)layer->b[i] + c[i] : c[i]);
        layer->biased = true;
        return true;
    }
    if (!pending_start(chain, e))
        return false;
    for (size_t j = 0; j < chain->width; j++)
        if (chain->scale[j] != 0)
            chain->offset[j] -= c[j] / chain->scale[j];
        else
            chain->shift[j] += c[j];
    return true;
}

bool chain_scale(struct chain *chain, const double *k, struct err *e) {
    struct chain_layer *layer = last_layer(chain);
    if (!chain->open && !pending_start(chain, e))
        return false;
    for (size_t i = 0; i < chain->width; i++) {
        if (!chain->open) {
            chain->scale[i] *= k[i];
            chain->shift[i] *= k[i];
            continue;
        }
        for (size_t j = 0; j < layer->inputs_n; j++) {
            float *w = &layer->W[i * layer->inputs_n + j];
            *w = (float)((double)*w * k[i]);
        }
        layer->b[i] = (float)((double)layer->b[i] * k[i]);
    }
    return true;
}

static bool identity_add(struct chain *chain, struct err *e) {
    size_t n = chain->width;
    if (n > CHAIN_IDENTITY_MAX)
        return err_set(e, ERR_INVALID, NULL,
                       "a step without a dense layer before it, on %zu units; at most %d",
                       n, CHAIN_IDENTITY_MAX);
    float *W = chain_dense(chain, n, e);
    if (!W)
        return false;
    for (size_t i = 0; i < n; i++)
        W[i * n + i] = 1;
    chain_fold(chain);
    return true;
}

bool chain_activate(struct chain *chain, enum activation g, float slope, struct err *e) {
    if (!chain->open && !identity_add(chain, e))
        return false;
    struct layer_shape *shape = &last_layer(chain)->shape;
    shape->activation = g;
    shape->negative_slope = slope;
    chain->open = false;
    return true;
}

static bool numbers_check(const struct chain *chain, struct err *e) {
    const struct transform *t = &chain->transform;
    bool ok = !t->scale ||
              (finite_all(t->offset, t->columns_n) && finite_all(t->scale, t->columns_n));
    for (size_t l = 0; ok && l < chain->layers_n; l++) {
        const struct chain_layer *layer = &chain->layers[l];
        ok = finite_all(layer->W, layer->shape.units_n * layer->inputs_n) &&
             finite_all(layer->b, layer->shape.units_n);
        if (!ok)
            return err_set(e, ERR_INVALID, NULL,
                           "layer %zu holds a number that is not finite in float32",
                           l + 1);
    }
    return ok || err_set(e, ERR_INVALID, NULL,
                         "the inputs' scaling holds a number that is not finite");
}

bool chain_finish(struct chain *chain, struct model *parts, struct err *e) {
    struct layer_shape shapes[NET_LAYERS_MAX];
    if ((!chain->layers_n || chain->scale) && !identity_add(chain, e))
        return false;
    if (!numbers_check(chain, e))
        return false;
    for (size_t l = 0; l < chain->layers_n; l++)
        shapes[l] = chain->layers[l].shape;
    parts->net = net_new(chain->inputs_n, shapes, chain->layers_n, e);
    if (!parts->net)
        return false;
    for (size_t l = 0; l < chain->layers_n; l++) {
        struct chain_layer *layer = &chain->layers[l];
        size_t units = layer->shape.units_n;
        memcpy(net_weights(parts->net, l), layer->W,
               units * layer->inputs_n * sizeof(float));
        memcpy(net_biases(parts->net, l), layer->b, units * sizeof(float));
        free(layer->W); /* a large net is not held twice for long */
        layer->W = NULL;
    }
    parts->transform = chain->transform;
    parts->transform.columns_n = chain->inputs_n;
    chain->transform = (struct transform){.kind = NORMALIZE_NONE};
    return true;
}
