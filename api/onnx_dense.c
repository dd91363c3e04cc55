/* Layers of weights, and the normalisation that folds into them. */
#include "api/onnx_importer.h"

#include <math.h>
#include <stdlib.h>

/* Whether the first layer takes samples as columns, that is has its weights on the left:
 * what stands before it must know. Behind a new shape samples are rows. */
static bool columns_ahead(const struct onnx_graph *graph, bool *columns) {
    const struct onnx_value *at = graph->input.value;
    for (size_t i = 0; i < graph->nodes_n; i++) {
        const struct onnx_node *node = &graph->nodes[i];
        bool second = node->inputs_n > 1 && node->inputs[1] == at;
        bool gemm = onnx_bytes_are(node->op, "Gemm");
        if (!node->needed || !node->inputs_n || (node->inputs[0] != at && !second))
            continue;
        if (onnx_bytes_are(node->op, "Flatten") || onnx_bytes_are(node->op, "Reshape"))
            return false;
        if (gemm || onnx_bytes_are(node->op, "MatMul")) {
            bool transposed =
                gemm && onnx_attribute_int(node, second ? "transB" : "transA", 0) != 0;
            *columns = second != transposed;
            return true;
        }
        at = node->value;
    }
    return false;
}

void importer_orient(struct importer *im) {
    struct onnx_flow *flow = &im->flow;
    bool columns = flow->dims[0] > 1 && !flow->dims[1]; /* units known, samples not */
    if (!flow->undecided || flow->rank != 2)
        return;
    (void)columns_ahead(&im->graph, &columns);
    flow->batch = columns;
}

/* Where nothing but the weights says how wide the input is. */
static void width_learn(struct importer *im, size_t axis, size_t width) {
    if (!im->started && im->flow.rank == 2 && !im->flow.dims[axis])
        im->flow.dims[axis] = width;
}

/* The layer of W (units, width), each weight times alpha. */
static bool dense(struct importer *im, const struct onnx_tensor *W, double alpha,
                  struct err *e) {
    if (!importer_start(im, e))
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
    if (flow->undecided && flow->rank == 2 && !im->started)
        flow->batch = columns;
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

bool importer_matmul(struct importer *im, const struct onnx_node *node, size_t flow_at,
                     struct err *e) {
    const struct onnx_tensor *constant = importer_constant(node, !flow_at);
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
    const struct onnx_tensor *C = importer_constant(node, 2);
    if (!C)
        return node->inputs_n < 3 || !node->input_names[2].n ||
               err_set(e, ERR_INVALID, NULL, "its third input is not constant");
    double beta = onnx_attribute_float(node, "beta", 1);
    return beta == 0 || importer_shift(im, C, beta, e);
}

bool importer_gemm(struct importer *im, const struct onnx_node *node, size_t flow_at,
                   struct err *e) {
    const struct onnx_tensor *constant = importer_constant(node, !flow_at);
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
bool importer_batch_normalization(struct importer *im, const struct onnx_node *node,
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
        const struct onnx_tensor *from = importer_constant(node, k + 1);
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
    if (!importer_start(im, e) || !importer_shift(im, &p[2], -1, e))
        return false;
    double *scale = importer_expand(im, &p[0], 1, e),
           *variance = importer_expand(im, &p[3], 1, e);
    bool ok = scale && variance;
    for (size_t i = 0; ok && i < im->chain.width; i++)
        scale[i] /= sqrt(variance[i] + epsilon);
    ok = ok && chain_scale(&im->chain, scale, e);
    free(scale);
    free(variance);
    return ok && importer_shift(im, &p[1], 1, e);
}
