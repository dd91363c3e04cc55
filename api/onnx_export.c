/* A model as an ONNX file: messages are written from the inside out, each into the text
 * buffer of its parent. Weights are written last-copied, once. */
#include "api/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/encoder_document.h"
#include "api/job.h"
#include "api/onnx_wire.h"
#include "api/text.h"
#include "engine/memory.h"

enum { IR_VERSION = 8, OPSET = 13, TYPE_FLOAT = 1 };
enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2 };
enum { NAME_BYTES_MAX = 32 };

static void write_varint(struct text *t, uint64_t value) {
    char bytes[10];
    size_t n = 0;
    do {
        bytes[n++] = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
    text_bytes(t, bytes, n);
}

static void write_int(struct text *t, uint32_t number, int64_t value) {
    write_varint(t, ONNX_KEY(number, ONNX_VARINT));
    write_varint(t, (uint64_t)value);
}

static void write_bytes(struct text *t, uint32_t number, const void *bytes, size_t n) {
    write_varint(t, ONNX_KEY(number, ONNX_BYTES));
    write_varint(t, n);
    if (n)
        text_bytes(t, bytes, n);
}

static void write_string(struct text *t, uint32_t number, const char *s) {
    write_bytes(t, number, s, strlen(s));
}

/* The message is closed into its parent. */
static void write_message(struct text *t, uint32_t number, struct text *message) {
    write_bytes(t, number, message->data, message->n);
    t->failed |= message->failed;
    text_free(message);
}

/* TensorProto: dims 1, data_type 2, name 8, raw_data 9. GraphProto.initializer 5. The
 * numbers go straight to the graph, without a copy of the tensor between. */
static void write_tensor(struct text *graph, const char *name, const float *values,
                         size_t rows_n, size_t columns_n) {
    struct text head = {0};
    size_t n = rows_n * (columns_n ? columns_n : 1) * sizeof *values;
    write_int(&head, 1, (int64_t)rows_n);
    if (columns_n)
        write_int(&head, 1, (int64_t)columns_n);
    write_int(&head, 2, TYPE_FLOAT);
    write_string(&head, 8, name);
    write_varint(&head, ONNX_KEY(9, ONNX_BYTES));
    write_varint(&head, n);
    write_varint(graph, ONNX_KEY(5, ONNX_BYTES));
    write_varint(graph, head.n + n);
    if (head.n)
        text_bytes(graph, head.data, head.n);
    text_bytes(graph, (const char *)values, n);
    graph->failed |= head.failed;
    text_free(&head);
}

/* AttributeProto: name 1, f 2, i 3, type 20. NodeProto.attribute 5. */
static void write_attribute_int(struct text *node, const char *name, int64_t value) {
    struct text a = {0};
    write_string(&a, 1, name);
    write_int(&a, 3, value);
    write_int(&a, 20, ATTRIBUTE_INT);
    write_message(node, 5, &a);
}

static void write_attribute_float(struct text *node, const char *name, float value) {
    struct text a = {0};
    write_string(&a, 1, name);
    write_varint(&a, ONNX_KEY(2, ONNX_FIXED32));
    text_bytes(&a, (const char *)&value, sizeof value);
    write_int(&a, 20, ATTRIBUTE_FLOAT);
    write_message(node, 5, &a);
}

/* ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 } } }; a
 * dimension is dim_value 1 or dim_param 2. */
static void write_value(struct text *graph, uint32_t number, const char *name,
                        size_t columns_n) {
    struct text batch = {0}, columns = {0}, shape = {0}, tensor = {0}, type = {0},
                value = {0};
    write_string(&batch, 2, "N");
    write_int(&columns, 1, (int64_t)columns_n);
    write_message(&shape, 1, &batch);
    write_message(&shape, 1, &columns);
    write_int(&tensor, 1, TYPE_FLOAT);
    write_message(&tensor, 2, &shape);
    write_message(&type, 1, &tensor);
    write_string(&value, 1, name);
    write_message(&value, 2, &type);
    write_message(graph, number, &value);
}

/* The nodes one after the other, each taking what the one before gave. */
struct writer {
    struct text graph;
    size_t left; /* nodes to come: the last gives "output" */
    size_t steps;
    char value[NAME_BYTES_MAX]; /* what the next node takes */
};

/* NodeProto: input 1, output 2, name 3, op_type 4. `attributes` (or NULL) is emptied. */
static void write_node(struct writer *w, const char *op, const char *const *constants,
                       size_t constants_n, struct text *attributes) {
    struct text node = {0};
    char name[NAME_BYTES_MAX + 32];
    write_string(&node, 1, w->value);
    for (size_t i = 0; i < constants_n; i++)
        write_string(&node, 1, constants[i]);
    w->left--;
    if (w->left)
        snprintf(w->value, sizeof w->value, "value_%zu", w->steps);
    else
        snprintf(w->value, sizeof w->value, "output");
    snprintf(name, sizeof name, "%s_%zu", op, w->steps++);
    write_string(&node, 2, w->value);
    write_string(&node, 3, name);
    write_string(&node, 4, op);
    if (attributes) {
        text_bytes(&node, attributes->data ? attributes->data : "", attributes->n);
        node.failed |= attributes->failed;
        text_free(attributes);
    }
    write_message(&w->graph, 1, &node);
}

/* Operators by activation; NULL: none is needed. */
static const char *const operators[ACTIVATIONS_N] = {
    [ACTIVATION_SIGMOID] = "Sigmoid",   [ACTIVATION_TANH] = "Tanh",
    [ACTIVATION_RELU] = "Relu",         [ACTIVATION_LEAKY_RELU] = "LeakyRelu",
    [ACTIVATION_SOFTMAX] = "Softmax",   [ACTIVATION_ELU] = "Elu",
    [ACTIVATION_SOFTPLUS] = "Softplus", [ACTIVATION_LOG_SOFTMAX] = "LogSoftmax",
};

static void write_layer(struct writer *w, const struct net *net, size_t l) {
    const struct layer_shape *shape = &net->layers[l].shape;
    char weight[NAME_BYTES_MAX], bias[NAME_BYTES_MAX];
    const char *constants[] = {weight, bias};
    snprintf(weight, sizeof weight, "%zu.weight", 2 * l);
    snprintf(bias, sizeof bias, "%zu.bias", 2 * l);
    write_tensor(&w->graph, weight, net_weights(net, l), shape->units_n,
                 net->layers[l].inputs_n);
    write_tensor(&w->graph, bias, net_biases(net, l), shape->units_n, 0);
    struct text attributes = {0};
    write_attribute_int(&attributes, "transB", 1);
    write_node(w, "Gemm", constants, 2, &attributes);
    if (!operators[shape->activation])
        return;
    if (shape->activation == ACTIVATION_LEAKY_RELU || shape->activation == ACTIVATION_ELU)
        write_attribute_float(&attributes, "alpha", shape->negative_slope);
    if (activation_by_rows(shape->activation))
        write_attribute_int(&attributes, "axis", -1);
    write_node(w, operators[shape->activation], NULL, 0, &attributes);
}

/* Whether a missing number, which an ONNX input has as NaN, is filled in. */
static bool fills_in(const struct encoder *encoder) {
    for (size_t c = 0; c < encoder->columns_n; c++)
        if (encoder->columns[c].kind != ENCODER_CATEGORY &&
            !encoder->columns[c].missing_refused)
            return true;
    return false;
}

/* What stands for a missing number of each input: the training mean, or NaN where a
 * missing one is refused; a category's inputs have 0, which is no value. */
static bool write_fill(struct writer *w, const struct encoder *encoder, struct err *e) {
    static const char *const otherwise[] = {"columns.means", "input"};
    float *means = memory_new(encoder->inputs_n, sizeof *means);
    if (!means)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for an ONNX file");
    for (size_t c = 0; c < encoder->columns_n; c++) {
        const struct encoder_column *column = &encoder->columns[c];
        if (column->kind != ENCODER_CATEGORY)
            means[column->input_at] = column->missing_refused ? NAN : (float)column->mean;
    }
    write_tensor(&w->graph, *otherwise, means, encoder->inputs_n, 0);
    write_node(w, "IsNaN", NULL, 0, NULL);
    write_node(w, "Where", otherwise, 2, NULL);
    free(means);
    return true;
}

static bool write_graph(struct writer *w, const struct model *model, const char *name,
                        struct err *e) {
    const struct net *net = model->net;
    bool scaled = model->transform.kind != NORMALIZE_NONE && model->transform.scale;
    bool filled = fills_in(&model->encoder);
    w->left = net->layers_n + (scaled ? 2 : 0) + (filled ? 2 : 0);
    for (size_t l = 0; l < net->layers_n; l++)
        w->left += operators[net->layers[l].shape.activation] != NULL;
    snprintf(w->value, sizeof w->value, "input");
    if (filled && !write_fill(w, &model->encoder, e))
        return false;
    if (scaled) {
        static const char *const offset[] = {"transform.offset"};
        static const char *const scale[] = {"transform.scale"};
        write_tensor(&w->graph, *offset, model->transform.offset, net->inputs_n, 0);
        write_tensor(&w->graph, *scale, model->transform.scale, net->inputs_n, 0);
        write_node(w, "Sub", offset, 1, NULL);
        write_node(w, "Mul", scale, 1, NULL);
    }
    for (size_t l = 0; l < net->layers_n; l++)
        write_layer(w, net, l);
    write_string(&w->graph, 2, *name ? name : "model");
    write_value(&w->graph, 11, "input", net->inputs_n);
    write_value(&w->graph, 12, "output", net->outputs_n);
    return true;
}

/* StringStringEntryProto: key 1, value 2. ModelProto.metadata_props 14. */
static void write_metadata(struct text *model, const char *key, const void *value,
                           size_t n) {
    struct text entry = {0};
    write_string(&entry, 1, key);
    write_bytes(&entry, 2, value, n);
    write_message(model, 14, &entry);
}

/* The document is freed. */
static void write_document(struct text *model, const char *key, struct text *document) {
    write_metadata(model, key, document->data, document->n);
    model->failed |= document->failed;
    text_free(document);
}

/* ModelProto: ir_version 1, producer_name 2, graph 7, opset_import 8. */
void *onnx_export(const struct model *model, const char *name, size_t *n, struct err *e) {
    struct writer w = {.left = 0};
    struct text file = {0}, opset = {0}, classes = {0}, columns = {0};
    if (!write_graph(&w, model, name, e)) {
        text_free(&w.graph);
        return NULL;
    }
    write_int(&file, 1, IR_VERSION);
    write_string(&file, 2, "descentd");
    write_message(&file, 7, &w.graph);
    write_string(&opset, 1, "");
    write_int(&opset, 2, OPSET);
    write_message(&file, 8, &opset);
    write_metadata(&file, "task", task_name(model->task), strlen(task_name(model->task)));
    if (model->labels.n) {
        job_labels_encode(&model->labels, &classes);
        write_document(&file, "classes", &classes);
    }
    if (model->encoder.columns_n) {
        encoder_document_encode(&model->encoder, &columns);
        write_document(&file, "columns", &columns);
    }
    *n = file.n;
    void *bytes = text_take(&file);
    if (!bytes)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for an ONNX file");
    return bytes;
}
