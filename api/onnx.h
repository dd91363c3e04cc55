/* ONNX files: chains of dense layers in, chains of dense layers out.
 *
 * The reader is bounded: it allocates in proportion to the file, refuses external data,
 * and checks every length. What a chain of dense layers cannot express is refused by
 * operator and node name (ERR_INVALID: `node "conv1": Conv is not supported`). Pure; any
 * thread. */
#ifndef API_ONNX_H
#define API_ONNX_H

#include "engine/model.h"

enum { ONNX_BYTES_MAX = 1 << 30, ONNX_NODES_MAX = 4096 };

/* Reads a network: MatMul, Gemm, Add, Sub, Mul, Div with constants, Relu, LeakyRelu,
 * Sigmoid, Tanh, Softmax, LogSoftmax, Elu, Softplus, Clip, Identity, Flatten, Reshape,
 * Transpose of constants, Dropout, Cast, BatchNormalization at inference; opsets 6 to 25;
 * weights as initializers or Constant nodes. Affine steps are folded into dense layers. A
 * softmax output makes a multi_class model with classes 0..k-1 (or the labels given), one
 * sigmoid a binary one with 0 and 1, several sigmoids multi_label, anything else a
 * regression. What onnx_export says of the columns is taken back. `labels` may be NULL;
 * it is copied. A new model (model_free), or NULL with
 * *e. */
struct model *onnx_import(const void *bytes, size_t n, const struct labels *labels,
                          struct err *e) __attribute__((warn_unused_result));

/* Writes the model as an ONNX file of opset 13: input "input" (N, columns) float32 of the
 * raw numeric features, NaN where one is missing, the means and the transform as IsNaN,
 * Where, Sub and Mul, Gemm a layer, output "output" (N, k), which are probabilities for a
 * classification; the classes and the columns as JSON in the metadata properties
 * "classes" and "columns". A category column is its one-hot inputs. A new file image of
 * *n bytes (free() it); NULL with ERR_NO_MEMORY. `name` is the graph's. */
void *onnx_export(const struct model *model, const char *name, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

#endif
