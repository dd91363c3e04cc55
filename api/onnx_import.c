/* From a graph to a chain: each operator says what it does to the one value. */
#include "api/onnx.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/chain.h"
#include "api/onnx_flow.h"
#include "engine/memory.h"

enum {
    OPSET_MIN = 6,
    OPSET_MAX = 25,
    CLIP_BOUND_MAX = 100 /* a larger one would cost digits */
};
#define SLACK_BYTES ((size_t)128 << 20) /* what a file of no size may take */

struct importer {
    struct onnx_graph graph;
    struct arena arena;
    struct onnx_flow flow;
    struct chain chain;
    bool started; /* the chain knows its inputs */
    size_t step;
    size_t bytes_max;
};

/* An operator; `run` sees the one input that flows at node->inputs[flow_at]. */
typedef bool run_fn(struct importer *im, const struct onnx_node *node, size_t flow_at,
                    struct err *e);
/* The same of constants alone: what it gives. */
typedef bool fold_fn(struct importer *im, const struct onnx_node *node,
                     struct onnx_tensor *out, struct err *e);

/* The constant at an input; NULL where it was left out. */
static const struct onnx_tensor *constant_at(const struct onnx_node *node, size_t k) {
    if (k >= node->inputs_n || !node->inputs[k] || !node->inputs[k]->constant)
        return NULL;
    return &node->inputs[k]->tensor;
}

static bool chain_start(struct importer *im, struct err *e) {
    size_t width = onnx_flow_width(&im->flow);
    if (im->started)
        return true;
    if (!width)
        return err_set(e, ERR_INVALID, NULL, "the input's width is not known");
    im->started = true;
    return chain_init(&im->chain, width, im->bytes_max, e);
}

/* Where nothing but the weights says how wide the input is. */
static void width_learn(struct importer *im, size_t axis, size_t width) {
    if (!im->started && im->flow.rank == 2 && !im->flow.dims[axis])
        im->flow.dims[axis] = width;
}

/* One number a unit of the constant, times `factor`. */
static double *expand(struct importer *im, const struct onnx_tensor *constant,
                      double factor, struct err *e) {
    size_t width = onnx_flow_width(&im->flow);
    assert(width == im->chain.width);
    double *out = memory_new(width, sizeof *out);
    if (!out)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu units", width);
    else if (onnx_flow_expand(&im->flow, constant, out, e)) {
        for (size_t i = 0; i < width; i++)
            out[i] *= factor;
        return out;
    }
    free(out);
    return NULL;
}

static bool shift_by(struct importer *im, const struct onnx_tensor *constant,
                     double factor, struct err *e) {
    double *c = expand(im, constant, factor, e);
    bool ok = c && chain_shift(&im->chain, c, e);
    free(c);
    return ok;
}

/* Times the constant, or through it where `divide`. */
static bool scale_by(struct importer *im, const struct onnx_tensor *constant, bool divide,
                     struct err *e) {
    double *k = expand(im, constant, 1, e);
    for (size_t i = 0; k && divide && i < im->chain.width; i++)
        k[i] = 1 / k[i];
    bool ok = k && chain_scale(&im->chain, k, e);
    free(k);
    return ok;
}

static bool run_add(struct importer *im, const struct onnx_node *node, size_t flow_at,
                    struct err *e) {
    const struct onnx_tensor *other = constant_at(node, !flow_at);
    bool subtract = onnx_bytes_are(node->op, "Sub");
    struct onnx_attribute axis;
    if (!other || node->inputs_n != 2)
        return err_set(e, ERR_INVALID, NULL, "expected a value and a constant");
    if (im->graph.opset < 7 && onnx_attribute_find(node, "axis", &axis))
        return err_set(e, ERR_INVALID, NULL, "broadcast along an axis is not supported");
    if (!chain_start(im, e))
        return false;
    if (!subtract || !flow_at)
        return shift_by(im, other, subtract ? -1 : 1, e);
    static const float minus = -1; /* c - x = -x + c */
    struct onnx_tensor negative = onnx_tensor_of(ONNX_FLOAT, &minus, 1, true);
    return scale_by(im, &negative, false, e) && shift_by(im, other, 1, e);
}

static bool run_mul(struct importer *im, const struct onnx_node *node, size_t flow_at,
                    struct err *e) {
    const struct onnx_tensor *other = constant_at(node, !flow_at);
    bool divide = onnx_bytes_are(node->op, "Div");
    struct onnx_attribute axis;
    if (!other || node->inputs_n != 2)
        return err_set(e, ERR_INVALID, NULL, "expected a value and a constant");
    if (divide && flow_at)
        return err_set(e, ERR_INVALID, NULL, "a constant through a value is not affine");
    if (im->graph.opset < 7 && onnx_attribute_find(node, "axis", &axis))
        return err_set(e, ERR_INVALID, NULL, "broadcast along an axis is not supported");
    return chain_start(im, e) && scale_by(im, other, divide, e);
}

/* The layer of W (units, width), each weight times alpha. */
static bool dense(struct importer *im, const struct onnx_tensor *W, double alpha,
                  struct err *e) {
    if (!chain_start(im, e))
        return false;
    if (W->dims[1] != im->chain.width)
        return err_set(e, ERR_INVALID, NULL, "its weights are for %zu inputs, not %zu",
                       W->dims[1], im->chain.width);
    float *weights = chain_dense(&im->chain, W->dims[0], e);
    if (!weights)
        return false;
    onnx_tensor_floats(W, weights);
    for (size_t i = 0; alpha != 1 && i < W->n; i++)
        weights[i] = (float)((double)weights[i] * alpha);
    chain_fold(&im->chain);
    return true;
}

/* Whether a layer can be made of this value: its units are along one axis, and samples
 * are rows (or one vector), or columns where `columns`. */
static bool dense_fits(struct importer *im, bool columns, struct err *e) {
    struct onnx_flow *flow = &im->flow;
    if (columns && flow->undecided && flow->rank == 2 && !im->started)
        flow->batch = 1;
    flow->undecided = false;
    bool vector = flow->batch == ONNX_NO_BATCH && flow->rank == 1;
    if (vector || (flow->rank == 2 && flow->batch == (columns ? 1 : 0)))
        return true;
    /* More axes: fine as long as all before the last are 1 in each sample. */
    if (!columns && flow->batch == 0 && flow->rank > 2 &&
        onnx_flow_whole(flow, -1, false))
        return true;
    return err_set(e, ERR_INVALID, NULL,
                   columns ? "weights on the left of samples that are rows"
                           : "its value is not one row a sample");
}

static bool run_matmul(struct importer *im, const struct onnx_node *node, size_t flow_at,
                       struct err *e) {
    const struct onnx_tensor *constant = constant_at(node, !flow_at);
    if (!constant || node->inputs_n != 2)
        return err_set(e, ERR_INVALID, NULL, "expected a value and constant weights");
    struct onnx_tensor W = *constant;
    struct onnx_flow *flow = &im->flow;
    bool vector = W.rank == 1; /* a row on the left, a column on the right */
    if (vector) {
        size_t dims[2] = {1, W.dims[0]}, stride = W.strides[0];
        if (!onnx_tensor_shape(&W, dims, 2))
            return false;
        W.strides[1] = stride;
    } else if (!flow_at) {
        onnx_tensor_transpose(&W);
    }
    if (W.rank != 2 || !W.n)
        return err_set(e, ERR_INVALID, NULL, "its weights are not a matrix");
    if (!dense_fits(im, flow_at == 1, e))
        return false;
    size_t axis = flow_at ? 0 : flow->rank - 1;
    width_learn(im, axis, W.dims[1]);
    if (!dense(im, &W, 1, e))
        return false;
    flow->dims[axis] = W.dims[0];
    if (vector) { /* the axis goes */
        for (size_t i = axis; i + 1 < flow->rank; i++)
            flow->dims[i] = flow->dims[i + 1];
        flow->rank--;
        flow->batch = flow->batch == 1 ? 0 : flow->batch;
    }
    return true;
}

static bool gemm_bias(struct importer *im, const struct onnx_node *node, struct err *e) {
    const struct onnx_tensor *C = constant_at(node, 2);
    if (!C)
        return node->inputs_n < 3 || !node->input_names[2].n ||
               err_set(e, ERR_INVALID, NULL, "its third input is not constant");
    double beta = onnx_attribute_float(node, "beta", 1);
    return beta == 0 || shift_by(im, C, beta, e);
}

static bool run_gemm(struct importer *im, const struct onnx_node *node, size_t flow_at,
                     struct err *e) {
    const struct onnx_tensor *constant = constant_at(node, !flow_at);
    if (flow_at > 1 || !constant)
        return err_set(e, ERR_INVALID, NULL, "expected a value and constant weights");
    struct onnx_tensor W = *constant;
    bool transposed[2] = {onnx_attribute_int(node, "transA", 0) != 0,
                          onnx_attribute_int(node, "transB", 0) != 0};
    if (W.rank != 2 || !W.n || im->flow.rank != 2)
        return err_set(e, ERR_INVALID, NULL, "expected two matrices");
    /* A' B' = Y: samples are rows of A', or columns of B'. */
    bool columns = flow_at ? !transposed[1] : transposed[0];
    if (flow_at ? transposed[0] : !transposed[1])
        onnx_tensor_transpose(&W);
    if (!dense_fits(im, columns, e))
        return false;
    width_learn(im, columns ? 0 : 1, W.dims[1]);
    if (!dense(im, &W, onnx_attribute_float(node, "alpha", 1), e))
        return false;
    size_t batch = im->flow.dims[im->flow.batch];
    im->flow = (struct onnx_flow){.rank = 2, .batch = flow_at ? 1 : 0};
    im->flow.dims[im->flow.batch] = batch;
    im->flow.dims[!im->flow.batch] = W.dims[0];
    return gemm_bias(im, node, e);
}

/* y = (x - mean) scale / sqrt(var + epsilon) + B, a number of each for every channel. */
static bool run_batch_normalization(struct importer *im, const struct onnx_node *node,
                                    size_t flow_at, struct err *e) {
    struct onnx_tensor p[4]; /* scale, B, mean, var */
    struct onnx_flow *flow = &im->flow;
    size_t channels = flow->rank > 1 ? flow->dims[1] : 0;
    if (flow_at || flow->batch != 0 || !channels)
        return err_set(e, ERR_INVALID, NULL, "its value is not rows of known channels");
    if (onnx_attribute_int(node, "training_mode", 0) ||
        (im->graph.opset < 7 && !onnx_attribute_int(node, "is_test", 0)))
        return err_set(e, ERR_INVALID, NULL, "it is in training mode");
    if (!onnx_attribute_int(node, "spatial", 1) && flow->rank > 2)
        return err_set(e, ERR_INVALID, NULL, "spatial 0 is not supported");
    for (size_t k = 0; k < 4; k++) {
        const struct onnx_tensor *from = constant_at(node, k + 1);
        if (!from || from->rank != 1 || from->n != channels)
            return err_set(e, ERR_INVALID, NULL, "expected %zu constants at input %zu",
                           channels, k + 1);
        /* (C) along axis 1: as (C, 1, ...) under the flow's axes. */
        p[k] = *from;
        for (size_t axis = 2; axis < flow->rank; axis++) {
            p[k].dims[axis - 1] = 1;
            p[k].strides[axis - 1] = 0;
        }
        p[k].rank = flow->rank - 1;
    }
    double epsilon = onnx_attribute_float(node, "epsilon", (double)1e-5f);
    if (!chain_start(im, e) || !shift_by(im, &p[2], -1, e))
        return false;
    double *scale = expand(im, &p[0], 1, e), *variance = expand(im, &p[3], 1, e);
    bool ok = scale && variance;
    for (size_t i = 0; ok && i < im->chain.width; i++)
        scale[i] /= sqrt(variance[i] + epsilon);
    ok = ok && chain_scale(&im->chain, scale, e);
    free(scale);
    free(variance);
    return ok && shift_by(im, &p[1], 1, e);
}

static bool activate(struct importer *im, enum activation g, float slope, struct err *e) {
    return chain_start(im, e) && chain_activate(&im->chain, g, slope, e);
}

static bool run_activation(struct importer *im, const struct onnx_node *node,
                           size_t flow_at, struct err *e) {
    (void)flow_at;
    return activate(im,
                    onnx_bytes_are(node->op, "Relu")       ? ACTIVATION_RELU
                    : onnx_bytes_are(node->op, "Sigmoid")  ? ACTIVATION_SIGMOID
                    : onnx_bytes_are(node->op, "Softplus") ? ACTIVATION_SOFTPLUS
                                                           : ACTIVATION_TANH,
                    ACTIVATION_NEGATIVE_SLOPE, e);
}

static bool run_elu(struct importer *im, const struct onnx_node *node, size_t flow_at,
                    struct err *e) {
    (void)flow_at;
    double alpha = onnx_attribute_float(node, "alpha", 1);
    if (!(alpha > 0) || !isfinite(alpha))
        return err_set(e, ERR_INVALID, NULL, "alpha %g; expected more than 0", alpha);
    return activate(im, ACTIVATION_ELU, (float)alpha, e);
}

static bool scale_all(struct importer *im, double factor, struct err *e) {
    struct onnx_tensor k = onnx_tensor_of(ONNX_DOUBLE, &factor, 1, true);
    return scale_by(im, &k, false, e);
}

/* Slopes of 1 and more: leaky(x, a) = -a leaky(-x, 1/a). */
static bool run_leaky_relu(struct importer *im, const struct onnx_node *node,
                           size_t flow_at, struct err *e) {
    (void)flow_at;
    double alpha = onnx_attribute_float(node, "alpha", (double)0.01f);
    if (!(alpha >= 0) || !isfinite(alpha))
        return err_set(e, ERR_INVALID, NULL, "alpha %g; expected 0 or more", alpha);
    if (alpha < 1)
        return activate(im, ACTIVATION_LEAKY_RELU, (float)alpha, e);
    if (!chain_start(im, e) || alpha == 1)
        return im->started;
    return scale_all(im, -1, e) &&
           activate(im, ACTIVATION_LEAKY_RELU, (float)(1 / alpha), e) &&
           scale_all(im, -alpha, e);
}

static bool shift_all(struct importer *im, double c, struct err *e) {
    struct onnx_tensor constant = onnx_tensor_of(ONNX_DOUBLE, &c, 1, true);
    return shift_by(im, &constant, 1, e);
}

/* A bound of Clip: an attribute below opset 11, an input that may be left out from it on.
 * What bounds nothing in float32 is infinite. */
static bool clip_bound(struct importer *im, const struct onnx_node *node,
                       const char *name, size_t input, double *bound, struct err *e) {
    const struct onnx_tensor *constant = constant_at(node, input);
    if (im->graph.opset < 11)
        *bound = onnx_attribute_float(node, name, *bound);
    else if (constant && constant->n == 1)
        *bound = onnx_tensor_at(constant, 0);
    else if (constant || (input < node->inputs_n && node->input_names[input].n))
        return err_set(e, ERR_INVALID, NULL, "its %s is not one constant", name);
    if (fabs(*bound) >= (double)FLT_MAX)
        *bound = *bound < 0 ? -INFINITY : INFINITY;
    if (isnan(*bound) || (isfinite(*bound) && fabs(*bound) > CLIP_BOUND_MAX))
        return err_set(e, ERR_INVALID, NULL, "%s %g; expected a number of at most %d",
                       name, *bound, CLIP_BOUND_MAX);
    return true;
}

/* max(x, lo) = relu(x - lo) + lo, and min(x, hi) = hi - relu(hi - x). */
static bool run_clip(struct importer *im, const struct onnx_node *node, size_t flow_at,
                     struct err *e) {
    double low = -INFINITY, high = INFINITY;
    if (flow_at)
        return err_set(e, ERR_INVALID, NULL, "its first input is constant");
    if (!chain_start(im, e) || !clip_bound(im, node, "min", 1, &low, e) ||
        !clip_bound(im, node, "max", 2, &high, e))
        return false;
    if (isinf(low) ? low > 0 : isinf(high) && high < 0)
        return err_set(e, ERR_INVALID, NULL, "its bounds leave no number");
    if (isfinite(low) && !(shift_all(im, -low, e) &&
                           activate(im, ACTIVATION_RELU, ACTIVATION_NEGATIVE_SLOPE, e) &&
                           shift_all(im, low, e)))
        return false;
    return isinf(high) || (scale_all(im, -1, e) && shift_all(im, high, e) &&
                           activate(im, ACTIVATION_RELU, ACTIVATION_NEGATIVE_SLOPE, e) &&
                           scale_all(im, -1, e) && shift_all(im, high, e));
}

/* Below opset 13 all axes from `axis` on are one row; from it on that axis alone. */
static bool run_softmax(struct importer *im, const struct onnx_node *node, size_t flow_at,
                        struct err *e) {
    (void)flow_at;
    bool old = im->graph.opset < 13;
    int64_t axis = onnx_attribute_int(node, "axis", old ? 1 : -1);
    if (!chain_start(im, e))
        return false;
    if (!onnx_flow_whole(&im->flow, axis, old))
        return err_set(e, ERR_INVALID, NULL, "axis %lld is not a whole sample",
                       (long long)axis);
    return activate(im,
                    onnx_bytes_are(node->op, "Softmax") ? ACTIVATION_SOFTMAX
                                                        : ACTIVATION_LOG_SOFTMAX,
                    ACTIVATION_NEGATIVE_SLOPE, e);
}

static bool run_nothing(struct importer *im, const struct onnx_node *node, size_t flow_at,
                        struct err *e) {
    (void)im, (void)node;
    return !flow_at || err_set(e, ERR_INVALID, NULL, "its first input is constant");
}

static bool run_cast(struct importer *im, const struct onnx_node *node, size_t flow_at,
                     struct err *e) {
    (void)im, (void)flow_at;
    int64_t to = onnx_attribute_int(node, "to", 0);
    return onnx_type_float(to) ||
           err_set(e, ERR_INVALID, NULL, "a value as type %lld is not supported",
                   (long long)to);
}

static bool run_dropout(struct importer *im, const struct onnx_node *node, size_t flow_at,
                        struct err *e) {
    const struct onnx_tensor *training = constant_at(node, 2);
    bool known = training ? training->n == 1 && onnx_tensor_at(training, 0) == 0
                          : node->inputs_n < 3 || !node->input_names[2].n;
    if (im->graph.opset < 7)
        known = onnx_attribute_int(node, "is_test", 0) != 0;
    if (!known)
        return err_set(e, ERR_INVALID, NULL, "it is in training mode");
    return run_nothing(im, node, flow_at, e);
}

static bool run_flatten(struct importer *im, const struct onnx_node *node, size_t flow_at,
                        struct err *e) {
    (void)flow_at;
    im->flow.undecided = false;
    return onnx_flow_flatten(&im->flow, onnx_attribute_int(node, "axis", 1), e);
}

static bool run_reshape(struct importer *im, const struct onnx_node *node, size_t flow_at,
                        struct err *e) {
    const struct onnx_tensor *shape = constant_at(node, 1);
    if (flow_at || !shape)
        return err_set(e, ERR_INVALID, NULL, "its shape is not constant");
    im->flow.undecided = false;
    return onnx_flow_reshape(&im->flow, shape, onnx_attribute_int(node, "allowzero", 0),
                             e);
}

static bool fold_constant(struct importer *im, const struct onnx_node *node,
                          struct onnx_tensor *out, struct err *e) {
    return onnx_attribute_tensor(node, &im->arena, out, e);
}

static bool fold_same(struct importer *im, const struct onnx_node *node,
                      struct onnx_tensor *out, struct err *e) {
    (void)im, (void)e;
    *out = *constant_at(node, 0);
    return true;
}

/* Numbers are read as they stand, so that only a cast that loses something counts. */
static bool fold_cast(struct importer *im, const struct onnx_node *node,
                      struct onnx_tensor *out, struct err *e) {
    int64_t to = onnx_attribute_int(node, "to", 0);
    fold_same(im, node, out, e);
    bool from_float = onnx_type_float(out->type);
    if (onnx_type_known(to) && (onnx_type_float(to) || !from_float) && to != ONNX_BOOL)
        return true;
    return err_set(e, ERR_INVALID, NULL, "a constant of type %d as %lld is not supported",
                   (int)out->type, (long long)to);
}

static bool fold_transpose(struct importer *im, const struct onnx_node *node,
                           struct onnx_tensor *out, struct err *e) {
    int64_t axes[ONNX_RANK_MAX];
    size_t n = 0;
    struct onnx_attribute perm;
    fold_same(im, node, out, e);
    if (!onnx_attribute_find(node, "perm", &perm)) {
        onnx_tensor_transpose(out);
        return true;
    }
    struct onnx_tensor from = *out;
    bool ok =
        onnx_attribute_ints(node, "perm", axes, ONNX_RANK_MAX, &n) && n == from.rank;
    unsigned seen = 0;
    for (size_t i = 0; ok && i < n; i++) {
        ok = axes[i] >= 0 && (size_t)axes[i] < n && !(seen >> axes[i] & 1);
        if (!ok)
            break;
        seen |= 1u << axes[i];
        out->dims[i] = from.dims[axes[i]];
        out->strides[i] = from.strides[axes[i]];
    }
    return ok || err_set(e, ERR_INVALID, NULL, "perm does not name each axis once");
}

static bool fold_reshape(struct importer *im, const struct onnx_node *node,
                         struct onnx_tensor *out, struct err *e) {
    const struct onnx_tensor *shape = constant_at(node, 1);
    size_t dims[ONNX_RANK_MAX] = {0}, open = ONNX_RANK_MAX, others = 1, n = out->n;
    fold_same(im, node, out, e);
    n = out->n;
    if (!shape || shape->rank != 1 || shape->n > ONNX_RANK_MAX || !onnx_tensor_dense(out))
        return err_set(e, ERR_INVALID, NULL, "this shape of a constant is not supported");
    for (size_t i = 0; i < shape->n; i++) {
        double size = onnx_tensor_at(shape, i * shape->strides[0]);
        if (size == 0 && i < out->rank)
            size = (double)out->dims[i];
        if (size == -1 && open == ONNX_RANK_MAX)
            open = i;
        else if (!(size >= 1 && size <= (double)n) ||
                 !size_mul(others, dims[i] = (size_t)size, &others))
            return err_set(e, ERR_INVALID, NULL, "size %g of a constant's shape", size);
    }
    if (open < ONNX_RANK_MAX && n % others == 0)
        dims[open] = n / others;
    return (onnx_tensor_shape(out, dims, shape->n) && out->n == n) ||
           err_set(e, ERR_INVALID, NULL, "a constant's shape has another size");
}

static const struct {
    const char *name;
    run_fn *run;
    fold_fn *fold; /* or NULL */
} operators[] = {
    {"Add", run_add, NULL},
    {"BatchNormalization", run_batch_normalization, NULL},
    {"Cast", run_cast, fold_cast},
    {"Clip", run_clip, NULL},
    {"Constant", NULL, fold_constant},
    {"Div", run_mul, NULL},
    {"Dropout", run_dropout, NULL},
    {"Elu", run_elu, NULL},
    {"Flatten", run_flatten, NULL},
    {"Gemm", run_gemm, NULL},
    {"Identity", run_nothing, fold_same},
    {"LeakyRelu", run_leaky_relu, NULL},
    {"LogSoftmax", run_softmax, NULL},
    {"MatMul", run_matmul, NULL},
    {"Mul", run_mul, NULL},
    {"Relu", run_activation, NULL},
    {"Reshape", run_reshape, fold_reshape},
    {"Sigmoid", run_activation, NULL},
    {"Softmax", run_softmax, NULL},
    {"Softplus", run_activation, NULL},
    {"Sub", run_add, NULL},
    {"Tanh", run_activation, NULL},
    {"Transpose", NULL, fold_transpose},
};
enum { OPERATORS_N = sizeof operators / sizeof *operators };

/* Finds the one input that flows; the others are constant. *flow_at is inputs_n when all
 * are. */
static bool inputs_check(struct importer *im, const struct onnx_node *node,
                         size_t *flow_at, struct err *e) {
    *flow_at = node->inputs_n;
    if (node->inputs_n > ONNX_NODE_INPUTS_MAX)
        return err_set(e, ERR_INVALID, NULL, "%zu inputs", node->inputs_n);
    for (size_t k = 0; k < node->inputs_n; k++) {
        const struct onnx_value *input = node->inputs[k];
        if (!node->input_names[k].n)
            continue;
        if (!input || (!input->constant && !input->flows))
            return err_set(e, ERR_INVALID, NULL, "input \"%.*s\" has no value",
                           ONNX_SHOW(node->input_names[k]));
        if (input->constant)
            continue;
        if (*flow_at < node->inputs_n)
            return err_set(e, ERR_INVALID, NULL, "two inputs that are not constant");
        if (input->step != im->step)
            return err_set(e, ERR_INVALID, NULL,
                           "the network branches: \"%.*s\" goes to more than one place",
                           ONNX_SHOW(input->name));
        *flow_at = k;
    }
    return true;
}

static bool node_run(struct importer *im, const struct onnx_node *node, struct err *e) {
    size_t flow_at, at = 0;
    if (node->domain.n && !onnx_bytes_are(node->domain, "ai.onnx"))
        return err_set(e, ERR_INVALID, NULL, "%.*s.%.*s is not supported",
                       ONNX_SHOW(node->domain), ONNX_SHOW(node->op));
    while (at < OPERATORS_N && !onnx_bytes_are(node->op, operators[at].name))
        at++;
    if (at == OPERATORS_N)
        return err_set(e, ERR_INVALID, NULL, "%.*s is not supported",
                       ONNX_SHOW(node->op));
    if (!inputs_check(im, node, &flow_at, e))
        return false;
    struct onnx_value *value = node->value;
    if (flow_at == node->inputs_n) {
        if (!operators[at].fold || (operators[at].run && !constant_at(node, 0)))
            return err_set(e, ERR_INVALID, NULL, "%s of constants is not supported",
                           operators[at].name);
        if (operators[at].fold == fold_transpose && !constant_at(node, 0))
            return err_set(e, ERR_INVALID, NULL, "it has no input");
        value->constant = operators[at].fold(im, node, &value->tensor, e);
        return value->constant;
    }
    struct err why = {0};
    if (!operators[at].run)
        return err_set(e, ERR_INVALID, NULL, "%s of a value that is not constant",
                       operators[at].name);
    if (!operators[at].run(im, node, flow_at, &why))
        return err_set(e, why.kind, NULL, "%s: %s", operators[at].name, why.text);
    value->flows = true;
    value->step = ++im->step;
    return true;
}

static bool nodes_run(struct importer *im, struct err *e) {
    for (size_t i = 0; i < im->graph.nodes_n; i++) {
        const struct onnx_node *node = &im->graph.nodes[i];
        struct onnx_bytes name = node->name.n ? node->name : node->output;
        struct err why = {0};
        if (node->needed && !node_run(im, node, &why))
            return err_set(e, why.kind, NULL, "node \"%.*s\": %s", ONNX_SHOW(name),
                           why.text);
    }
    const struct onnx_value *output = im->graph.output;
    return (output->flows && output->step == im->step) ||
           err_set(e, ERR_INVALID, NULL, "output \"%.*s\" does not depend on the input",
                   ONNX_SHOW(output->name));
}

static bool import(struct importer *im, struct onnx_bytes file, struct model *parts,
                   struct err *e) {
    if (!onnx_graph_read(file, &im->arena, &im->graph, e))
        return false;
    if (im->graph.opset < OPSET_MIN || im->graph.opset > OPSET_MAX)
        return err_set(e, ERR_INVALID, NULL, "opset %lld; supported are %d to %d",
                       (long long)im->graph.opset, OPSET_MIN, OPSET_MAX);
    return onnx_flow_start(&im->flow, &im->graph.input, e) && nodes_run(im, e) &&
           chain_start(im, e) && chain_finish(&im->chain, parts, e);
}

struct model *onnx_import(const void *bytes, size_t n, const struct labels *labels,
                          struct err *e) {
    struct err why = {0};
    struct model parts = {.net = NULL}, *model = NULL;
    struct importer *im = n <= ONNX_BYTES_MAX ? memory_new(1, sizeof *im) : NULL;
    if (n > ONNX_BYTES_MAX) {
        err_set(e, ERR_TOO_LARGE, NULL, "an ONNX file of %zu bytes; at most %d", n,
                ONNX_BYTES_MAX);
        return NULL;
    }
    if (!im) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for an import");
        return NULL;
    }
    im->bytes_max = 4 * n + SLACK_BYTES; /* from 8-bit numbers to float32 */
    arena_init(&im->arena, 9 * n + SLACK_BYTES);
    if (import(im, (struct onnx_bytes){bytes, n}, &parts, &why))
        model = chain_model(&parts, labels, &why);
    if (!model)
        *e = e->kind == ERR_NONE ? why : *e;
    chain_free(&im->chain);
    arena_reset(&im->arena);
    free(im);
    return model;
}
