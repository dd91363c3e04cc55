/* From the tensors of a request to the inputs of a model.
 *
 * A model that takes numbers alone offers one input, TENSOR_INPUT, of shape [m,n]; [n] is
 * one row, [m] are rows of one number, and [m,28,28] is [m,784]. A model that knows its
 * columns also takes a tensor for each, by its name, of shape [m] or [m,1]; and nothing
 * else where some are categories or booleans. */
#ifndef API_TENSOR_ROWS_H
#define API_TENSOR_ROWS_H

#include "api/columns.h"
#include "api/tensor.h"
#include "engine/model.h"

#define TENSOR_INPUT "input"

struct tensor_rows {
    const float *X; /* (m, inputs_n of the net): the tensor's own data, or `owned` */
    size_t m;
    float *owned;
};
void tensor_rows_free(struct tensor_rows *rows); /* a zeroed one is allowed */

/* One tensor without a name, or named ones, some of which may be of columns that the
 * model does not take. ERR_INVALID: a name that the model does not
 * know, a column that is missing or comes twice, a shape that does not fit, no row, and
 * what tensor_floats and encoder_cell say. *rows is zeroed at first. */
bool tensor_rows_make(const struct tensor *tensors, size_t n,
                      const struct tensor_block *block, const struct model *model,
                      struct tensor_rows *rows, struct err *e)
    __attribute__((warn_unused_result));

/* One tensor whose columns are the model's in their order, of whatever kind: numbers for
 * an encoder, where that does not take them as they are. The same shapes and errors. */
bool tensor_rows_of_columns(const struct tensor *t, const struct columns *columns,
                            const struct model *model, struct tensor_rows *rows,
                            struct err *e) __attribute__((warn_unused_result));

/* How many rows a tensor has at most, whatever the model. */
size_t tensor_rows_bound(const struct tensor *t);

#endif
