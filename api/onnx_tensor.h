/* A constant of an ONNX file (TensorProto): a view of the numbers where they stand.
 *
 * Float types, small integers and booleans; strings, external data and segments are
 * refused. A transposed tensor is the same numbers under other strides. The file's bytes
 * are borrowed; what is stored as varints is decoded into the arena. */
#ifndef API_ONNX_TENSOR_H
#define API_ONNX_TENSOR_H

#include "api/onnx_wire.h"
#include "engine/memory.h"

enum { ONNX_RANK_MAX = 8 };

/* TensorProto.DataType. */
enum onnx_type {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_BFLOAT16 = 16,
    ONNX_TYPES_N
};

struct onnx_tensor {
    struct onnx_bytes name;
    enum onnx_type type;
    size_t rank;
    size_t dims[ONNX_RANK_MAX];
    size_t strides[ONNX_RANK_MAX]; /* in elements */
    size_t n;                      /* elements */
    const unsigned char *data;     /* borrowed, of no alignment */
    bool widened;                  /* data are int64_t, whatever the type */
};

/* Whether the type is one of those above, and whether of floats. */
bool onnx_type_known(int64_t type);
bool onnx_type_float(int64_t type);

/* ERR_INVALID says what is wrong; ERR_TOO_LARGE over the arena's cap. */
bool onnx_tensor_decode(struct onnx_bytes message, struct arena *arena,
                        struct onnx_tensor *out, struct err *e)
    __attribute__((warn_unused_result));

/* One dimension (or none where `scalar`) of numbers decoded elsewhere. */
struct onnx_tensor onnx_tensor_of(enum onnx_type type, const void *data, size_t n,
                                  bool scalar);

/* Sets dims, their strides in row-major order, and n. @return false: the product does not
 * fit. */
bool onnx_tensor_shape(struct onnx_tensor *t, const size_t *dims, size_t rank)
    __attribute__((warn_unused_result));

bool onnx_tensor_dense(const struct onnx_tensor *t); /* strides are row-major ones */

/* The axes reversed. */
void onnx_tensor_transpose(struct onnx_tensor *t);

/* The number at an offset in elements (a sum of indices times strides). */
double onnx_tensor_at(const struct onnx_tensor *t, size_t offset);

/* All n as float32 in row-major order. */
void onnx_tensor_floats(const struct onnx_tensor *t, float *out);

#endif
