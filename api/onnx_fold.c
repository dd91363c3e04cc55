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

/* ---- arithmetic ----------------------------------------------------------------- */

/* The two inputs, of floats; NULL where they are not. */
static const struct onnx_tensor *operand(const struct onnx_node *node, size_t k,
                                         struct err *e) {
    const struct onnx_tensor *t = importer_constant(node, k);
    if (node->inputs_n == 2 && t && t->n && onnx_type_float(t->type))
        return t;
    err_set(e, ERR_INVALID, NULL, "expected two constants of floats");
    return NULL;
}

/* Room for the numbers of the shape, which *out then is. */
static double *result_new(struct importer *im, const size_t *dims, size_t rank,
                          struct onnx_tensor *out, struct err *e) {
    *out = (struct onnx_tensor){.type = ONNX_DOUBLE};
    if (!onnx_tensor_shape(out, dims, rank) || out->n > SIZE_MAX / sizeof(double)) {
        err_set(e, ERR_TOO_LARGE, NULL, "its constants are too large");
        return NULL;
    }
    double *numbers = arena_alloc(&im->arena, out->n * sizeof *numbers, e);
    out->data = (const unsigned char *)numbers;
    return numbers;
}

/* How far apart in t the neighbours along each axis of the result are. */
static bool broadcast(const struct onnx_tensor *t, size_t rank, size_t *dims,
                      size_t *strides) {
    for (size_t axis = 0; axis < rank; axis++) {
        size_t from_end = rank - axis;
        bool there = from_end <= t->rank;
        size_t size = there ? t->dims[t->rank - from_end] : 1;
        strides[axis] = size > 1 ? t->strides[t->rank - from_end] : 0;
        if (dims[axis] == 1)
            dims[axis] = size;
        if (size != 1 && size != dims[axis])
            return false;
    }
    return true;
}

static double arithmetic(struct onnx_bytes op, double x, double y) {
    return onnx_bytes_are(op, "Add")   ? x + y
           : onnx_bytes_are(op, "Sub") ? x - y
           : onnx_bytes_are(op, "Mul") ? x * y
                                       : x / y;
}

bool importer_fold_arithmetic(struct importer *im, const struct onnx_node *node,
                              struct onnx_tensor *out, struct err *e) {
    const struct onnx_tensor *in[2] = {operand(node, 0, e), operand(node, 1, e)};
    size_t dims[ONNX_RANK_MAX], strides[2][ONNX_RANK_MAX], index[ONNX_RANK_MAX] = {0};
    size_t at[2] = {0, 0};
    if (!in[0] || !in[1])
        return false;
    size_t rank = in[0]->rank > in[1]->rank ? in[0]->rank : in[1]->rank;
    for (size_t axis = 0; axis < rank; axis++)
        dims[axis] = 1;
    if (!broadcast(in[0], rank, dims, strides[0]) ||
        !broadcast(in[1], rank, dims, strides[1]))
        return err_set(e, ERR_INVALID, NULL, "its constants do not broadcast");
    double *numbers = result_new(im, dims, rank, out, e);
    if (!numbers)
        return false;
    for (size_t i = 0; i < out->n; i++) {
        numbers[i] = arithmetic(node->op, onnx_tensor_at(in[0], at[0]),
                                onnx_tensor_at(in[1], at[1]));
        for (size_t axis = rank; axis-- > 0;) { /* count up, the last axis first */
            at[0] += strides[0][axis];
            at[1] += strides[1][axis];
            if (++index[axis] < dims[axis])
                break;
            at[0] -= strides[0][axis] * dims[axis];
            at[1] -= strides[1][axis] * dims[axis];
            index[axis] = 0;
        }
    }
    return true;
}

/* Of matrices. What a file may ask for in all is bounded, as a product takes longer than
 * its file takes to send. */
bool importer_fold_matmul(struct importer *im, const struct onnx_node *node,
                          struct onnx_tensor *out, struct err *e) {
    static const size_t products_max = (size_t)1 << 28;
    const struct onnx_tensor *a = operand(node, 0, e), *b = operand(node, 1, e);
    if (!a || !b)
        return false;
    if (a->rank != 2 || b->rank != 2 || a->dims[1] != b->dims[0])
        return err_set(e, ERR_INVALID, NULL, "its constants are not two matrices");
    size_t dims[2] = {a->dims[0], b->dims[1]}, inner = a->dims[1], products;
    double *numbers = result_new(im, dims, 2, out, e);
    if (!numbers)
        return false;
    if (!size_mul(out->n, inner, &products) ||
        !size_add(im->folded_n, products, &im->folded_n) || im->folded_n > products_max)
        return err_set(e, ERR_TOO_LARGE, NULL, "its constants are too large to multiply");
    for (size_t i = 0; i < dims[0]; i++)
        for (size_t j = 0; j < dims[1]; j++) {
            double sum = 0;
            for (size_t k = 0; k < inner; k++)
                sum += onnx_tensor_at(a, i * a->strides[0] + k * a->strides[1]) *
                       onnx_tensor_at(b, k * b->strides[0] + j * b->strides[1]);
            numbers[i * dims[1] + j] = sum;
        }
    return true;
}
