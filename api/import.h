/* safetensors files of others: matrices and vectors that make dense layers. */
#ifndef API_IMPORT_H
#define API_IMPORT_H

#include "engine/model.h"

struct import_options {
    const char
        *activations; /* "relu,relu,softmax": one a layer; or one for the hidden layers
                         and one for the output; NULL: relu hidden, linear output */
    const char *orientation; /* "out_in" (PyTorch), "in_out" (Keras), or NULL: found from
                                shapes; ERR_INVALID where they leave it open, unless
                                PyTorch's names (NAME.weight) say it */
    const struct labels *labels; /* or NULL */
};

/* The k-th matrix and the k-th vector, each kind sorted naturally by name ("fc2" before
 * "fc10"), make layer k, so that W1,b1,W2,b2 and 0.weight,0.bias and fc1.bias,fc1.weight
 * all work; vectors are matched by length where some layers have none; a missing bias is
 * zero. F32, F64, F16, BF16. A file written by descentd (metadata) is read by model_file
 * instead. A new model, or NULL. */
struct model *import_safetensors(const void *bytes, size_t n,
                                 const struct import_options *options, struct err *e)
    __attribute__((warn_unused_result));

#endif
