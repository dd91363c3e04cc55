/* What the parts of the ONNX importer share: the operators by family, and the steps that
 * they are made of. Private to them. */
#ifndef API_ONNX_IMPORTER_H
#define API_ONNX_IMPORTER_H

#include "api/chain.h"
#include "api/onnx_flow.h"
#include "engine/encoder.h"

struct importer {
    struct onnx_graph graph;
    struct arena arena;
    struct onnx_flow flow;
    struct chain chain;
    bool started; /* the chain knows its inputs */
    size_t step;
    size_t bytes_max;
    const struct onnx_tensor *means; /* of an input that fills in NaN; or NULL */
    size_t folded_n;                 /* products of constants that were folded so far */
};

/* The constant at an input; NULL where there is none. */
const struct onnx_tensor *importer_constant(const struct onnx_node *node, size_t k);

/* Before the first step: the chain gets the input's width, which must be known. */
bool importer_start(struct importer *im, struct err *e)
    __attribute__((warn_unused_result));

/* Takes off the front Where(IsNaN(input), means, input), as our files have it. */
void importer_fill(struct importer *im);
/* The columns that a file of ours names, for a net of inputs_n; none where it names none.
 * ERR_INVALID: NaN is filled in by what is no column's mean. */
bool importer_columns(const struct importer *im, size_t inputs_n, struct encoder *out,
                      struct err *e) __attribute__((warn_unused_result));

/* Of an input of two axes: which is the samples'. */
void importer_orient(struct importer *im);

/* The constant as one number a unit; free() it. */
double *importer_expand(struct importer *im, const struct onnx_tensor *constant,
                        double factor, struct err *e) __attribute__((warn_unused_result));
/* The value += factor * constant. */
bool importer_shift(struct importer *im, const struct onnx_tensor *constant,
                    double factor, struct err *e) __attribute__((warn_unused_result));
/* The value *= constant, or through it where `divide`. */
bool importer_scale(struct importer *im, const struct onnx_tensor *constant, bool divide,
                    struct err *e) __attribute__((warn_unused_result));

/* An operator: the one input that flows is node->inputs[flow_at]. */
typedef bool importer_run_fn(struct importer *im, const struct onnx_node *node,
                             size_t flow_at, struct err *e);
importer_run_fn importer_add, importer_mul; /* Sub, Div too */
importer_run_fn importer_matmul, importer_gemm, importer_batch_normalization;
importer_run_fn importer_activation, importer_elu, importer_leaky_relu, importer_clip,
    importer_softmax;

/* The same of constants alone: what it gives. */
typedef bool importer_fold_fn(struct importer *im, const struct onnx_node *node,
                              struct onnx_tensor *out, struct err *e);
importer_fold_fn importer_fold_constant, importer_fold_same, importer_fold_cast,
    importer_fold_transpose, importer_fold_reshape, importer_fold_arithmetic,
    importer_fold_matmul;

#endif
