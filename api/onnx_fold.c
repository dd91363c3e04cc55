/* Operators whose inputs are all constant. */
#include "api/onnx_importer.h"

bool importer_fold_constant(struct importer *im, const struct onnx_node *node,
                            struct onnx_tensor *out, struct err *e) {
    return onnx_attribute_tensor(node, &im->arena, out, e);
}

bool importer_fold_same(struct importer *im, const struct onnx_node *node,
                        struct onnx_tensor *out, struct err *e) {
    (void)im, (void)e;
    *out = *importer_constant(node, 0);
    return true;
}

/* Numbers are read as they stand, so that only a cast that loses something counts. */
bool importer_fold_cast(struct importer *im, const struct onnx_node *node,
                        struct onnx_tensor *out, struct err *e) {
    int64_t to = onnx_attribute_int(node, "to", 0);
    importer_fold_same(im, node, out, e);
    bool from_float = onnx_type_float(out->type);
    if (onnx_type_known(to) && (onnx_type_float(to) || !from_float) && to != ONNX_BOOL)
        return true;
    return err_set(e, ERR_INVALID, NULL, "a constant of type %d as %lld is not supported",
                   (int)out->type, (long long)to);
}

bool importer_fold_transpose(struct importer *im, const struct onnx_node *node,
                             struct onnx_tensor *out, struct err *e) {
    int64_t axes[ONNX_RANK_MAX];
    size_t n = 0;
    struct onnx_attribute perm;
    importer_fold_same(im, node, out, e);
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

bool importer_fold_reshape(struct importer *im, const struct onnx_node *node,
                           struct onnx_tensor *out, struct err *e) {
    const struct onnx_tensor *shape = importer_constant(node, 1);
    size_t dims[ONNX_RANK_MAX] = {0}, open = ONNX_RANK_MAX, others = 1, n = out->n;
    importer_fold_same(im, node, out, e);
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
