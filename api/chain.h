/* A chain of steps, one after the other, made into dense layers.
 *
 * Importers walk a foreign network and say what happens to the one value that goes
 * through it: a dense step, a shift or a scale of each unit, an activation. Affine steps
 * are folded: behind a dense step into its layer, in front of the first into the model's
 * transform, behind an activation into the next layer. What still needs a layer of its
 * own gets an identity one, where that is small. One thread at a time. */
#ifndef API_CHAIN_H
#define API_CHAIN_H

#include "engine/model.h"

enum { CHAIN_IDENTITY_MAX = 4096 }; /* units of an identity layer */

struct chain_layer {
    struct layer_shape shape;
    size_t inputs_n;
    float *W;    /* (units, inputs); owned */
    float *b;    /* (units); owned */
    bool biased; /* b was given: -0 is kept, which adding to 0 would lose */
};

/* chain_init, chain_free. */
struct chain {
    size_t inputs_n;
    size_t width; /* units of the value as it is now */
    struct chain_layer layers[NET_LAYERS_MAX];
    size_t layers_n;
    bool open; /* the last layer has no activation yet */
    /* (width) each, or all NULL: (x - offset) * scale + shift, in no layer yet; owned */
    double *offset, *scale, *shift;
    struct transform transform; /* of the inputs; owned */
    size_t bytes_max; /* of the layers, so that a small file makes no large net */
    size_t bytes_used;
};

/* Errors of all: ERR_INVALID (what cannot be expressed), ERR_TOO_LARGE (bytes_max),
 * ERR_NO_MEMORY. */
bool chain_init(struct chain *chain, size_t inputs_n, size_t bytes_max, struct err *e)
    __attribute__((warn_unused_result));
void chain_free(struct chain *chain);

/* The weights (units, width) of the next layer, for the caller to fill; a dense step
 * without bias. */
float *chain_dense(struct chain *chain, size_t units_n, struct err *e)
    __attribute__((warn_unused_result));
/* After the weights are filled: what was pending in front of the layer goes into it. */
void chain_fold(struct chain *chain);

/* Each unit += c[unit], *= k[unit]. */
bool chain_shift(struct chain *chain, const double *c, struct err *e)
    __attribute__((warn_unused_result));
bool chain_scale(struct chain *chain, const double *k, struct err *e)
    __attribute__((warn_unused_result));

bool chain_activate(struct chain *chain, enum activation g, float slope, struct err *e)
    __attribute__((warn_unused_result));

/* Moves what there is into parts->net and parts->transform; *chain is left to be freed.
 * A number that is not finite is ERR_INVALID. */
bool chain_finish(struct chain *chain, struct model *parts, struct err *e)
    __attribute__((warn_unused_result));

/* Task, loss and labels follow from the output layer of parts->net: softmax multi_class
 * with classes 0..k-1, one sigmoid binary with 0 and 1, several multi_label, else
 * regression; `labels` (or NULL) replace the classes. A new model; NULL with ERR_INVALID
 * where the labels do not fit. Frees what *parts holds when it fails. */
struct model *chain_model(struct model *parts, const struct labels *labels, struct err *e)
    __attribute__((warn_unused_result));

#endif
