/* A batch cut into lanes of rows, and each lane's forward and backward pass.
 *
 * How many lanes there are follows from the batch's rows and the net alone, so the sums
 * are the same with any number of threads. A lane goes through its rows in tiles, which
 * bound the memory of the activations and the time until `stop` is seen. Not exported
 * beyond the trainer; one caller at a time. */
#ifndef ENGINE_LANES_H
#define ENGINE_LANES_H

#include "engine/dropout.h"
#include "engine/trainer.h"

enum { LANES_MAX = 4 };

/* What all batches have in common; the pointers are borrowed. */
struct lanes_options {
    const struct net *net;
    struct trainer_data data;
    enum loss loss;
    struct team *team;
    const atomic_bool *stop;
    size_t batch_rows; /* of the largest batch with gradients, at most data.rows_n */
    bool gathered;     /* batches come with an order of the rows */
};

/* Rows row..row+rows_n-1 of the data, or of `order` where that is not NULL. */
struct lanes_batch {
    size_t row;
    size_t rows_n;
    const uint32_t *order;
    const struct dropout *masks;      /* of its row 0; NULL: without dropout */
    const struct trainer_data *other; /* rows of this table instead: for the cost alone,
                                         without order; of as many inputs and outputs */
};

struct lane;
struct lanes {
    struct lanes_options options;
    size_t tile_rows;
    size_t lanes_n;          /* for all rows of the data: the most there can be */
    size_t gradients_n;      /* lanes with a gradient */
    float *grads[LANES_MAX]; /* of each lane: sums over its rows; layout of net->params */
    struct lane *lanes;      /* (lanes_n) */
};

/* @return NULL with ERR_NO_MEMORY. */
struct lanes *lanes_new(const struct lanes_options *options, struct err *e)
    __attribute__((warn_unused_result));
void lanes_free(struct lanes *lanes); /* NULL is allowed */

/* Bytes that lanes_new would take, weights of the samples included; data.X, team and stop
 * are not looked at.
 * @return false on overflow. */
bool lanes_memory(const struct lanes_options *options, size_t *bytes)
    __attribute__((warn_unused_result));

/* How many lanes `rows` rows make. */
size_t lanes_count(const struct net *net, size_t rows);

/* Sums the losses of the batch's samples, and into grads[0..lanes_count-1] their
 * gradients unless the cost alone is wanted. @return false when `stop` was seen: nothing
 * counts. */
bool lanes_run(struct lanes *lanes, const struct lanes_batch *batch, bool cost_alone,
               double *loss);

#endif
