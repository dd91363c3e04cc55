/* Shifts and scales by constants. */
#include "api/onnx_importer.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/memory.h"

const struct onnx_tensor *importer_constant(const struct onnx_node *node, size_t k) {
    if (k >= node->inputs_n || !node->inputs[k] || !node->inputs[k]->constant)
        return NULL;
    return &node->inputs[k]->tensor;
}

bool importer_start(struct importer *im, struct err *e) {
    size_t width = onnx_flow_width(&im->flow);
    if (im->started)
        return true;
    if (!width)
        return err_set(e, ERR_INVALID, NULL, "the input's width is not known");
    im->started = true;
    return chain_init(&im->chain, width, im->bytes_max, e);
}

double *importer_expand(struct importer *im, const struct onnx_tensor *constant,
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

bool importer_shift(struct importer *im, const struct onnx_tensor *constant,
                    double factor, struct err *e) {
    double *c = importer_expand(im, constant, factor, e);
    bool ok = c && chain_shift(&im->chain, c, e);
    free(c);
    return ok;
}

bool importer_scale(struct importer *im, const struct onnx_tensor *constant, bool divide,
                    struct err *e) {
    double *k = importer_expand(im, constant, 1, e);
    for (size_t i = 0; k && divide && i < im->chain.width; i++)
        k[i] = 1 / k[i];
    bool ok = k && chain_scale(&im->chain, k, e);
    free(k);
    return ok;
}

bool importer_add(struct importer *im, const struct onnx_node *node, size_t flow_at,
                  struct err *e) {
    const struct onnx_tensor *other = importer_constant(node, !flow_at);
    bool subtract = onnx_bytes_are(node->op, "Sub");
    struct onnx_attribute axis;
    if (!other || node->inputs_n != 2)
        return err_set(e, ERR_INVALID, NULL, "expected a value and a constant");
    if (im->graph.opset < 7 && onnx_attribute_find(node, "axis", &axis))
        return err_set(e, ERR_INVALID, NULL, "broadcast along an axis is not supported");
    if (!importer_start(im, e))
        return false;
    if (!subtract || !flow_at)
        return importer_shift(im, other, subtract ? -1 : 1, e);
    static const float minus = -1; /* c - x = -x + c */
    struct onnx_tensor negative = onnx_tensor_of(ONNX_FLOAT, &minus, 1, true);
    return importer_scale(im, &negative, false, e) && importer_shift(im, other, 1, e);
}

bool importer_mul(struct importer *im, const struct onnx_node *node, size_t flow_at,
                  struct err *e) {
    const struct onnx_tensor *other = importer_constant(node, !flow_at);
    bool divide = onnx_bytes_are(node->op, "Div");
    struct onnx_attribute axis;
    if (!other || node->inputs_n != 2)
        return err_set(e, ERR_INVALID, NULL, "expected a value and a constant");
    if (divide && flow_at)
        return err_set(e, ERR_INVALID, NULL, "a constant through a value is not affine");
    if (im->graph.opset < 7 && onnx_attribute_find(node, "axis", &axis))
        return err_set(e, ERR_INVALID, NULL, "broadcast along an axis is not supported");
    return importer_start(im, e) && importer_scale(im, other, divide, e);
}
