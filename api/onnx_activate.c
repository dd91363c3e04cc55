/* Activations; those that we have not are made of those that we have. */
#include "api/onnx_importer.h"

#include <float.h>
#include <math.h>

enum { CLIP_BOUND_MAX = 100 }; /* a larger one would cost digits */

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
    if (isnan(*bound) || (isfinite(*bound) && fabs(*bound) > CLIP_BOUND_MAX))
        return err_set(e, ERR_INVALID, NULL, "%s %g; expected a number of at most %d",
                       name, *bound, CLIP_BOUND_MAX);
    return true;
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
