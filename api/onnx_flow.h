/* The one value that goes through an ONNX graph: which axes it has, which of them is the
 * batch, and how constants meet it. A sample's numbers in row-major order are the units
 * of a layer. Private to the importer. */
#ifndef API_ONNX_FLOW_H
#define API_ONNX_FLOW_H

#include "api/onnx_graph.h"

enum { ONNX_NO_BATCH = -1 };

struct onnx_flow {
    size_t rank, dims[ONNX_RANK_MAX]; /* 0: unknown, as the batch's mostly is */
    int batch; /* the axis of samples: 0; 1 for samples as columns; or ONNX_NO_BATCH */
    bool undecided; /* nothing has shown yet whether samples are rows or columns */
};

/* Of a graph's input: rows, or a single sample where it has one axis. */
bool onnx_flow_start(struct onnx_flow *flow, const struct onnx_input *input,
                     struct err *e) __attribute__((warn_unused_result));

/* Units of a sample; 0: unknown. */
size_t onnx_flow_width(const struct onnx_flow *flow);

/* The constant as one number a unit, out (width). ERR_INVALID where it broadcasts
 * otherwise. */
bool onnx_flow_expand(const struct onnx_flow *flow, const struct onnx_tensor *constant,
                      double *out, struct err *e) __attribute__((warn_unused_result));

/* The shape that Flatten and Reshape leave; each sample keeps its numbers. */
bool onnx_flow_flatten(struct onnx_flow *flow, int64_t axis, struct err *e)
    __attribute__((warn_unused_result));
bool onnx_flow_reshape(struct onnx_flow *flow, const struct onnx_tensor *shape,
                       bool zero_is_zero, struct err *e)
    __attribute__((warn_unused_result));

/* Whether an operation over `axis` (and all behind it where `and_behind`) goes over
 * exactly the units of a sample. */
bool onnx_flow_whole(const struct onnx_flow *flow, int64_t axis, bool and_behind);

#endif
