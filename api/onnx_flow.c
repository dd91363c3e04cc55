#include "api/onnx_flow.h"

#include <string.h>

#include "engine/net.h"

size_t onnx_flow_width(const struct onnx_flow *flow) {
    size_t width = 1;
    for (size_t axis = 0; axis < flow->rank; axis++)
        if ((int)axis != flow->batch && !size_mul(width, flow->dims[axis], &width))
            return 0;
    return width;
}

bool onnx_flow_start(struct onnx_flow *flow, const struct onnx_input *input,
                     struct err *e) {
    *flow = (struct onnx_flow){.rank = 2, .undecided = true};
    if (!input->shaped)
        return true;
    flow->rank = input->rank;
    memcpy(flow->dims, input->dims, sizeof flow->dims);
    if (!input->rank)
        return err_set(e, ERR_INVALID, NULL, "the input is a single number");
    if (input->rank == 1)
        flow->batch = ONNX_NO_BATCH;
    for (size_t axis = 1; axis < input->rank && input->rank > 2; axis++)
        if (!input->dims[axis])
            return err_set(e, ERR_INVALID, NULL, "axis %zu of the input has no size",
                           axis);
    return input->rank == 2 || onnx_flow_width(flow) ||
           err_set(e, ERR_INVALID, NULL, "the input's shape is too large");
}

/* How far apart in the constant the neighbours along each axis of the flow are. */
static bool expand_strides(const struct onnx_flow *flow, const struct onnx_tensor *c,
                           size_t *strides, struct err *e) {
    if (c->rank > flow->rank)
        return err_set(e, ERR_INVALID, NULL,
                       "a constant of %zu axes meets a value of %zu", c->rank,
                       flow->rank);
    for (size_t axis = 0; axis < flow->rank; axis++) {
        size_t from_end = flow->rank - axis;
        size_t at = c->rank - from_end; /* wraps where the constant has no such axis */
        bool one = from_end > c->rank || c->dims[at] == 1;
        strides[axis] = one ? 0 : c->strides[at];
        if (one || ((int)axis != flow->batch && c->dims[at] == flow->dims[axis]))
            continue;
        if ((int)axis == flow->batch)
            return err_set(e, ERR_INVALID, NULL,
                           "its constant differs from sample to sample");
        return err_set(e, ERR_INVALID, NULL,
                       "its constant has %zu numbers where the value has %zu",
                       c->dims[at], flow->dims[axis]);
    }
    return true;
}

bool onnx_flow_expand(const struct onnx_flow *flow, const struct onnx_tensor *constant,
                      double *out, struct err *e) {
    size_t strides[ONNX_RANK_MAX] = {0}, index[ONNX_RANK_MAX] = {0}, offset = 0;
    if (!constant->n)
        return err_set(e, ERR_INVALID, NULL, "its constant is empty");
    if (!expand_strides(flow, constant, strides, e))
        return false;
    size_t width = onnx_flow_width(flow);
    for (size_t i = 0; i < width; i++) {
        out[i] = onnx_tensor_at(constant, offset);
        for (size_t axis = flow->rank; axis-- > 0;) { /* count up, the last axis first */
            if ((int)axis == flow->batch)
                continue;
            offset += strides[axis];
            if (++index[axis] < flow->dims[axis])
                break;
            offset -= strides[axis] * flow->dims[axis];
            index[axis] = 0;
        }
    }
    return true;
}

/* Rows of `width` units each. */
static void rows_become(struct onnx_flow *flow, size_t batch, size_t width) {
    *flow = (struct onnx_flow){.rank = 2, .dims = {batch, width}, .batch = 0};
}

static bool batch_is_one(const struct onnx_flow *flow) {
    return flow->batch == ONNX_NO_BATCH || flow->dims[flow->batch] == 1;
}

static bool mixes(struct err *e) {
    return err_set(e, ERR_INVALID, NULL,
                   "its shape mixes the numbers of several samples");
}

bool onnx_flow_flatten(struct onnx_flow *flow, int64_t axis, struct err *e) {
    int64_t rank = (int64_t)flow->rank;
    size_t width = onnx_flow_width(flow);
    if (axis < -rank || axis > rank)
        return err_set(e, ERR_INVALID, NULL, "axis %lld of %lld", (long long)axis,
                       (long long)rank);
    axis += axis < 0 ? rank : 0;
    size_t before = 1, behind = 1;
    for (size_t i = 0; i < flow->rank; i++)
        if ((int)i != flow->batch)
            *((int64_t)i < axis ? &before : &behind) *= flow->dims[i];
    bool batch_before = flow->batch != ONNX_NO_BATCH && axis > flow->batch;
    if (batch_before && flow->batch == 0 && (before == 1 || !width)) {
        rows_become(flow, flow->dims[0], width);
    } else if (batch_is_one(flow) && before == 1) {
        rows_become(flow, 1, width);
    } else if (behind == 1 && !batch_before && flow->batch != 0) {
        size_t batch = flow->batch == ONNX_NO_BATCH ? 1 : flow->dims[flow->batch];
        *flow = (struct onnx_flow){.rank = 2, .dims = {width, batch}, .batch = 1};
    } else {
        return mixes(e);
    }
    return true;
}

/* The sizes asked for; 0 copies, and one -1 stands as 0 with its axis in *open. */
static bool reshape_sizes(const struct onnx_flow *flow, const struct onnx_tensor *shape,
                          bool zero_is_zero, size_t *dims, size_t *open, struct err *e) {
    if (shape->rank != 1 || shape->n < 1 || shape->n > ONNX_RANK_MAX ||
        onnx_type_float(shape->type))
        return err_set(e, ERR_INVALID, NULL, "its shape is not a list of 1 to %d sizes",
                       ONNX_RANK_MAX);
    *open = ONNX_RANK_MAX;
    for (size_t i = 0; i < shape->n; i++) {
        double size = onnx_tensor_at(shape, i * shape->strides[0]);
        bool copy = size == 0 && !zero_is_zero && i < flow->rank;
        if (size == -1 && *open == ONNX_RANK_MAX)
            *open = i;
        else if (size < 0 || size > NET_UNITS_MAX || (size == 0 && !copy))
            return err_set(e, ERR_INVALID, NULL, "size %g in its shape", size);
        dims[i] = size == -1 ? 0 : copy ? flow->dims[i] : (size_t)size;
    }
    return true;
}

/* The product of dims[from..to), the open one apart. */
static size_t product(const size_t *dims, size_t from, size_t to, size_t open) {
    size_t n = 1;
    for (size_t i = from; i < to; i++)
        if (i != open && !size_mul(n, dims[i], &n))
            return 0;
    return n;
}

bool onnx_flow_reshape(struct onnx_flow *flow, const struct onnx_tensor *shape,
                       bool zero_is_zero, struct err *e) {
    size_t dims[ONNX_RANK_MAX] = {0}, open = 0, width = onnx_flow_width(flow);
    if (!reshape_sizes(flow, shape, zero_is_zero, dims, &open, e))
        return false;
    if (!width)
        return err_set(e, ERR_INVALID, NULL, "the input's width is not known");
    size_t rank = shape->n, behind = product(dims, 1, rank, open);
    if (flow->batch > 0)
        return mixes(e);
    bool no_batch = batch_is_one(flow) && rank == 1;
    if (no_batch && (open == 0 || dims[0] == width)) { /* one sample as a vector */
        dims[0] = width;
        *flow = (struct onnx_flow){.rank = 1, .dims = {width}, .batch = ONNX_NO_BATCH};
        return true;
    }
    size_t batch = flow->batch == ONNX_NO_BATCH ? 1 : flow->dims[0];
    /* A file that was written for a batch of one says 1 where others say -1. */
    bool first = open == 0 || dims[0] == batch || dims[0] == 1;
    if (!first || !behind || width % behind ||
        (open > 0 && open < rank ? false : behind != width))
        return mixes(e);
    if (open > 0 && open < rank)
        dims[open] = width / behind;
    *flow = (struct onnx_flow){.rank = rank, .batch = 0};
    memcpy(flow->dims, dims, sizeof flow->dims);
    flow->dims[0] = batch;
    return true;
}

bool onnx_flow_whole(const struct onnx_flow *flow, int64_t axis, bool and_behind) {
    int64_t rank = (int64_t)flow->rank;
    if (axis < -rank || axis >= rank)
        return false;
    axis += axis < 0 ? rank : 0;
    size_t n = 1;
    for (int64_t i = axis; i < (and_behind ? rank : axis + 1); i++) {
        if (i == flow->batch && !batch_is_one(flow))
            return false;
        n *= i == flow->batch ? 1 : flow->dims[i];
    }
    return n == onnx_flow_width(flow);
}
