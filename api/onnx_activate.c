/* Activations; those that we have not are made of those that we have. */
#include "api/onnx_importer.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "engine/memory.h"

enum { CLIP_BOUND_MAX = 8 }; /* adding a larger one and taking it off costs digits */

static bool activate(struct importer *im, enum activation g, float slope, struct err *e) {
    return importer_start(im, e) && chain_activate(&im->chain, g, slope, e);
}

bool importer_activation(struct importer *im, const struct onnx_node *node,
                         size_t flow_at, struct err *e) {
    (void)flow_at;
    return activate(im,
                    onnx_bytes_are(node->op, "Relu")       ? ACTIVATION_RELU
                    : onnx_bytes_are(node->op, "Sigmoid")  ? ACTIVATION_SIGMOID
                    : onnx_bytes_are(node->op, "Softplus") ? ACTIVATION_SOFTPLUS
                                                           : ACTIVATION_TANH,
                    ACTIVATION_NEGATIVE_SLOPE, e);
}

bool importer_elu(struct importer *im, const struct onnx_node *node, size_t flow_at,
                  struct err *e) {
    (void)flow_at;
    double alpha = onnx_attribute_float(node, "alpha", 1);
    if (!(alpha > 0) || !isfinite(alpha))
        return err_set(e, ERR_INVALID, NULL, "alpha %g; expected more than 0", alpha);
    return activate(im, ACTIVATION_ELU, (float)alpha, e);
}

static bool scale_all(struct importer *im, double factor, struct err *e) {
    struct onnx_tensor k = onnx_tensor_of(ONNX_DOUBLE, &factor, 1, true);
    return importer_scale(im, &k, false, e);
}

/* Slopes of 1 and more: leaky(x, a) = -a leaky(-x, 1/a). */
bool importer_leaky_relu(struct importer *im, const struct onnx_node *node,
                         size_t flow_at, struct err *e) {
    (void)flow_at;
    double alpha = onnx_attribute_float(node, "alpha", (double)0.01f);
    if (!(alpha >= 0) || !isfinite(alpha))
        return err_set(e, ERR_INVALID, NULL, "alpha %g; expected 0 or more", alpha);
    if (alpha < 1)
        return activate(im, ACTIVATION_LEAKY_RELU, (float)alpha, e);
    if (!importer_start(im, e) || alpha == 1)
        return im->started;
    return scale_all(im, -1, e) &&
           activate(im, ACTIVATION_LEAKY_RELU, (float)(1 / alpha), e) &&
           scale_all(im, -alpha, e);
}

static bool shift_all(struct importer *im, double c, struct err *e) {
    struct onnx_tensor constant = onnx_tensor_of(ONNX_DOUBLE, &c, 1, true);
    return importer_shift(im, &constant, 1, e);
}

/* A bound of Clip: an attribute below opset 11, an input that may be left out from it on.
 * What bounds nothing in float32 is infinite. */
static bool clip_bound(struct importer *im, const struct onnx_node *node,
                       const char *name, size_t input, double *bound, struct err *e) {
    const struct onnx_tensor *constant = importer_constant(node, input);
    if (im->graph.opset < 11)
        *bound = onnx_attribute_float(node, name, *bound);
    else if (constant && constant->n == 1)
        *bound = onnx_tensor_at(constant, 0);
    else if (constant || (input < node->inputs_n && node->input_names[input].n))
        return err_set(e, ERR_INVALID, NULL, "its %s is not one constant", name);
    if (fabs(*bound) >= (double)FLT_MAX)
        *bound = *bound < 0 ? -INFINITY : INFINITY;
    return !isnan(*bound) || err_set(e, ERR_INVALID, NULL, "its %s is no number", name);
}

/* A layer of n units for each of the terms, term k being sign[k] x + offset[k]; or, back
 * from those, of n units that add up sign[k] times the terms. */
static bool terms_dense(struct chain *chain, size_t n, const double *sign, size_t terms_n,
                        bool back, struct err *e) {
    float *W = chain_dense(chain, back ? n : n * terms_n, e);
    if (!W)
        return false;
    for (size_t k = 0; k < terms_n; k++)
        for (size_t i = 0; i < n; i++)
            W[back ? i * n * terms_n + k * n + i : (k * n + i) * n + i] = (float)sign[k];
    chain_fold(chain);
    return true;
}

static bool terms_shift(struct chain *chain, size_t n, const double *offset,
                        size_t terms_n, struct err *e) {
    double *c = memory_new(n * terms_n, sizeof *c);
    if (!c)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu units", n);
    for (size_t i = 0; i < n * terms_n; i++)
        c[i] = offset[i / n];
    bool ok = chain_shift(chain, c, e);
    free(c);
    return ok;
}

/* relu(x) - relu(-x) + relu(lo - x) - relu(x - hi): within the bounds this is x to the
 * bit, however far they are. */
static bool clip_far(struct importer *im, double low, double high, struct err *e) {
    double sign[4] = {1, -1}, sum[4] = {1, -1}, offset[4] = {0, 0};
    size_t terms_n = 2, n = im->chain.width;
    if (isfinite(low)) {
        sign[terms_n] = -1, sum[terms_n] = 1;
        offset[terms_n++] = low;
    }
    if (isfinite(high)) {
        sign[terms_n] = 1, sum[terms_n] = -1;
        offset[terms_n++] = -high;
    }
    return terms_dense(&im->chain, n, sign, terms_n, false, e) &&
           terms_shift(&im->chain, n, offset, terms_n, e) &&
           activate(im, ACTIVATION_RELU, ACTIVATION_NEGATIVE_SLOPE, e) &&
           terms_dense(&im->chain, n, sum, terms_n, true, e);
}

static bool is_far(double bound) {
    return isfinite(bound) && fabs(bound) > CLIP_BOUND_MAX;
}

/* max(x, lo) = relu(x - lo) + lo, and min(x, hi) = hi - relu(hi - x). */
bool importer_clip(struct importer *im, const struct onnx_node *node, size_t flow_at,
                   struct err *e) {
    double low = -INFINITY, high = INFINITY;
    if (flow_at)
        return err_set(e, ERR_INVALID, NULL, "its first input is constant");
    if (!importer_start(im, e) || !clip_bound(im, node, "min", 1, &low, e) ||
        !clip_bound(im, node, "max", 2, &high, e))
        return false;
    if (isinf(low) ? low > 0 : isinf(high) && high < 0)
        return err_set(e, ERR_INVALID, NULL, "its bounds leave no number");
    if (low > high)
        low = high; /* the larger bound is looked at last */
    if (is_far(low) || is_far(high))
        return clip_far(im, low, high, e);
    if (isfinite(low) && !(shift_all(im, -low, e) &&
                           activate(im, ACTIVATION_RELU, ACTIVATION_NEGATIVE_SLOPE, e) &&
                           shift_all(im, low, e)))
        return false;
    return isinf(high) || (scale_all(im, -1, e) && shift_all(im, high, e) &&
                           activate(im, ACTIVATION_RELU, ACTIVATION_NEGATIVE_SLOPE, e) &&
                           scale_all(im, -1, e) && shift_all(im, high, e));
}

/* Below opset 13 all axes from `axis` on are one row; from it on that axis alone. */
bool importer_softmax(struct importer *im, const struct onnx_node *node, size_t flow_at,
                      struct err *e) {
    (void)flow_at;
    bool old = im->graph.opset < 13;
    int64_t axis = onnx_attribute_int(node, "axis", old ? 1 : -1);
    if (!importer_start(im, e))
        return false;
    if (!onnx_flow_whole(&im->flow, axis, old))
        return err_set(e, ERR_INVALID, NULL, "axis %lld is not a whole sample",
                       (long long)axis);
    return activate(im,
                    onnx_bytes_are(node->op, "Softmax") ? ACTIVATION_SOFTMAX
                                                        : ACTIVATION_LOG_SOFTMAX,
                    ACTIVATION_NEGATIVE_SLOPE, e);
}
