/* From a graph to a chain: each operator says what it does to the one value. */
#include "api/onnx.h"

#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/onnx_importer.h"
#include "engine/memory.h"

enum { OPSET_MIN = 6, OPSET_MAX = 25 };
#define SLACK_BYTES ((size_t)128 << 20) /* what a file of no size may take */

static bool run_nothing(struct importer *im, const struct onnx_node *node, size_t flow_at,
                        struct err *e) {
    (void)im, (void)node, (void)flow_at, (void)e;
    return true;
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
    const struct onnx_tensor *training = importer_constant(node, 2);
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
    const struct onnx_tensor *shape = importer_constant(node, 1);
    (void)flow_at;
    if (!shape)
        return err_set(e, ERR_INVALID, NULL, "its shape is not constant");
    im->flow.undecided = false;
    return onnx_flow_reshape(&im->flow, shape, onnx_attribute_int(node, "allowzero", 0),
                             e);
}

static const struct {
    const char *name;
    importer_run_fn *run;
    importer_fold_fn *fold; /* or NULL */
    bool second;            /* the value may be the second input */
} operators[] = {
    {"Add", importer_add, importer_fold_arithmetic, true},
    {"BatchNormalization", importer_batch_normalization, NULL, false},
    {"Cast", run_cast, importer_fold_cast, false},
    {"Clip", importer_clip, NULL, false},
    {"Constant", NULL, importer_fold_constant, false},
    {"Div", importer_mul, importer_fold_arithmetic, true},
    {"Dropout", run_dropout, importer_fold_same, false},
    {"Elu", importer_elu, NULL, false},
    {"Flatten", run_flatten, NULL, false},
    {"Gemm", importer_gemm, NULL, true},
    {"Identity", run_nothing, importer_fold_same, false},
    {"LeakyRelu", importer_leaky_relu, NULL, false},
    {"LogSoftmax", importer_softmax, NULL, false},
    {"MatMul", importer_matmul, importer_fold_matmul, true},
    {"Mul", importer_mul, importer_fold_arithmetic, true},
    {"Relu", importer_activation, NULL, false},
    {"Reshape", run_reshape, importer_fold_reshape, false},
    {"Sigmoid", importer_activation, NULL, false},
    {"Softmax", importer_softmax, NULL, false},
    {"Softplus", importer_activation, NULL, false},
    {"Sub", importer_add, importer_fold_arithmetic, true},
    {"Tanh", importer_activation, NULL, false},
    {"Transpose", NULL, importer_fold_transpose, false},
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
    struct err why = {0};
    if (flow_at == node->inputs_n) {
        if (!operators[at].fold || (operators[at].run && !importer_constant(node, 0)))
            return err_set(e, ERR_INVALID, NULL, "%s of constants is not supported",
                           operators[at].name);
        if (operators[at].fold == importer_fold_transpose && !importer_constant(node, 0))
            return err_set(e, ERR_INVALID, NULL, "it has no input");
        value->constant = operators[at].fold(im, node, &value->tensor, &why);
        return value->constant ||
               err_set(e, why.kind, NULL, "%s: %s", operators[at].name, why.text);
    }
    if (!operators[at].run)
        return err_set(e, ERR_INVALID, NULL, "%s of a value that is not constant",
                       operators[at].name);
    if (flow_at > operators[at].second)
        return err_set(e, ERR_INVALID, NULL, "%s: its first input is constant",
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
    if (!onnx_flow_start(&im->flow, &im->graph.input, e))
        return false;
    importer_fill(im);
    importer_orient(im);
    return nodes_run(im, e) && importer_start(im, e) &&
           importer_columns(im, im->chain.inputs_n, &parts->encoder, e) &&
           chain_finish(&im->chain, parts, e);
}

/* The classes that a file of ours names; none where the property is something else. */
static void classes_read(struct onnx_bytes text, struct labels *out) {
    struct err ignored = {0};
    json_t *root = json_read((const char *)text.at, text.n, &ignored);
    size_t n = json_array_size(root);
    const json_t *first = json_array_get(root, 0), *label;
    *out = (struct labels){.kind = json_is_string(first)    ? LABEL_STRING
                                   : json_is_boolean(first) ? LABEL_BOOLEAN
                                                            : LABEL_NUMBER};
    bool texts = out->kind == LABEL_STRING, ok = n > 0;
    out->numbers = ok && !texts ? calloc(n, sizeof(double)) : NULL;
    out->strings = ok && texts ? calloc(n, sizeof(char *)) : NULL;
    ok = out->numbers || out->strings;
    out->n = ok ? n : 0;
    for (size_t i = 0; ok && i < n; i++) {
        label = json_array_get(root, i);
        if (texts)
            ok = json_is_string(label) &&
                 (out->strings[i] = strdup(json_string_value(label)));
        else if (out->kind == LABEL_BOOLEAN)
            ok = json_is_boolean(label), out->numbers[i] = json_is_true(label);
        else
            ok = json_is_number(label), out->numbers[i] = json_number_value(label);
    }
    json_decref(root);
    if (!ok)
        labels_free(out);
}

/* A model whose file says itself what its outputs mean, as ours do. */
static struct model *model_own(struct model *parts, struct onnx_bytes classes,
                               struct onnx_bytes task, struct err *e) {
    struct labels own = {.n = 0};
    if (classes.n)
        classes_read(classes, &own);
    struct model *model = chain_model(parts, NULL, e);
    if (model && own.n && own.n == model->labels.n) {
        labels_free(&model->labels);
        model->labels = own;
        own = (struct labels){.n = 0};
    }
    if (model && onnx_bytes_are(task, "regression") && model->task != TASK_MULTI_CLASS) {
        labels_free(&model->labels); /* a sigmoid that is no probability */
        model->task = TASK_REGRESSION;
        model->loss = LOSS_MSE;
    }
    labels_free(&own);
    return model;
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
        model = labels && labels->n
                    ? chain_model(&parts, labels, &why)
                    : model_own(&parts, im->graph.classes, im->graph.task, &why);
    if (!model)
        *e = e->kind == ERR_NONE ? why : *e;
    encoder_free(&parts.encoder);
    chain_free(&im->chain);
    arena_reset(&im->arena);
    free(im);
    return model;
}
