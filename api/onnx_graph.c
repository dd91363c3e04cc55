#include "api/onnx_graph.h"

#include <stdlib.h>
#include <string.h>

#include "api/onnx.h"

/* ModelProto, OperatorSetIdProto, StringStringEntryProto. */
enum { MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14 };
enum { OPSET_DOMAIN = 1, OPSET_VERSION = 2, ENTRY_KEY = 1, ENTRY_VALUE = 2 };
/* GraphProto. */
enum { GRAPH_NODE = 1, GRAPH_TENSOR = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
/* NodeProto. */
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_DOMAIN = 7 };
/* ValueInfoProto, TypeProto, its Tensor, TensorShapeProto, its Dimension. */
enum { INFO_NAME = 1, INFO_TYPE = 2, TYPE_TENSOR = 1, TENSOR_TYPE = 1, TENSOR_SHAPE = 2 };
enum { SHAPE_DIMENSION = 1, DIMENSION_VALUE = 1 };

static bool malformed(struct err *e, const char *what) {
    return err_set(e, ERR_INVALID, NULL, "%s is cut off or malformed", what);
}

/* The last field of that number and of bytes, and how many there are. */
static bool part_find(struct onnx_bytes message, uint32_t number, struct onnx_bytes *part,
                      size_t *n) {
    struct onnx_wire w = onnx_wire_open(message);
    struct onnx_field field;
    *n = 0;
    while (onnx_wire_next(&w, &field))
        if (field.key == ONNX_KEY(number, ONNX_BYTES)) {
            *part = field.bytes;
            (*n)++;
        }
    return !w.bad;
}

static bool opset_read(struct onnx_bytes message, struct onnx_graph *out) {
    struct onnx_wire w = onnx_wire_open(message);
    struct onnx_field field;
    struct onnx_bytes domain = {NULL, 0};
    int64_t version = 0;
    while (onnx_wire_next(&w, &field))
        if (field.key == ONNX_KEY(OPSET_DOMAIN, ONNX_BYTES))
            domain = field.bytes;
        else if (field.key == ONNX_KEY(OPSET_VERSION, ONNX_VARINT))
            version = (int64_t)field.value;
    if (!domain.n || onnx_bytes_are(domain, "ai.onnx"))
        out->opset = version;
    return !w.bad;
}

static bool metadata_read(struct onnx_bytes message, struct onnx_graph *out) {
    struct onnx_bytes key = {NULL, 0}, value = {NULL, 0};
    size_t n;
    if (!part_find(message, ENTRY_KEY, &key, &n) ||
        !part_find(message, ENTRY_VALUE, &value, &n))
        return false;
    if (onnx_bytes_are(key, "classes"))
        out->classes = value;
    else if (onnx_bytes_are(key, "task"))
        out->task = value;
    else if (onnx_bytes_are(key, "columns"))
        out->columns = value;
    return true;
}

static bool model_read(struct onnx_bytes file, struct onnx_bytes *graph,
                       struct onnx_graph *out) {
    struct onnx_wire w = onnx_wire_open(file);
    struct onnx_field field;
    while (onnx_wire_next(&w, &field))
        switch (field.key) {
        case ONNX_KEY(MODEL_GRAPH, ONNX_BYTES):
            *graph = field.bytes;
            break;
        case ONNX_KEY(MODEL_OPSET, ONNX_BYTES):
            if (!opset_read(field.bytes, out))
                return false;
            break;
        case ONNX_KEY(MODEL_METADATA, ONNX_BYTES):
            if (!metadata_read(field.bytes, out))
                return false;
            break;
        default:
            break;
        }
    return !w.bad;
}

struct counts {
    size_t nodes, tensors, inputs, outputs;
};

static bool graph_count(struct onnx_bytes graph, struct counts *c, struct err *e) {
    struct onnx_wire w = onnx_wire_open(graph);
    struct onnx_field field;
    while (onnx_wire_next(&w, &field)) {
        c->nodes += field.key == ONNX_KEY(GRAPH_NODE, ONNX_BYTES);
        c->tensors += field.key == ONNX_KEY(GRAPH_TENSOR, ONNX_BYTES);
        c->inputs += field.key == ONNX_KEY(GRAPH_INPUT, ONNX_BYTES);
        c->outputs += field.key == ONNX_KEY(GRAPH_OUTPUT, ONNX_BYTES);
    }
    if (w.bad)
        return malformed(e, "the graph");
    if (c->nodes > ONNX_NODES_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "%zu nodes; at most %d", c->nodes,
                       ONNX_NODES_MAX);
    if (c->tensors > ONNX_TENSORS_MAX || c->inputs > ONNX_INPUTS_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL,
                       "%zu initializers and %zu inputs; at most %d of each", c->tensors,
                       c->inputs, ONNX_TENSORS_MAX);
    return c->outputs == 1 ||
           err_set(e, ERR_INVALID, NULL, "%zu outputs; expected one", c->outputs);
}

static bool node_read(struct onnx_bytes message, struct onnx_node *node, struct err *e) {
    struct onnx_wire w = onnx_wire_open(message);
    struct onnx_field field;
    size_t outputs_n = 0;
    *node = (struct onnx_node){.message = message};
    while (onnx_wire_next(&w, &field))
        switch (field.key) {
        case ONNX_KEY(NODE_INPUT, ONNX_BYTES):
            if (node->inputs_n < ONNX_NODE_INPUTS_MAX)
                node->input_names[node->inputs_n] = field.bytes;
            node->inputs_n++;
            break;
        case ONNX_KEY(NODE_OUTPUT, ONNX_BYTES):
            if (!outputs_n++)
                node->output = field.bytes;
            break;
        case ONNX_KEY(NODE_NAME, ONNX_BYTES):
            node->name = field.bytes;
            break;
        case ONNX_KEY(NODE_OP, ONNX_BYTES):
            node->op = field.bytes;
            break;
        case ONNX_KEY(NODE_DOMAIN, ONNX_BYTES):
            node->domain = field.bytes;
            break;
        default:
            break;
        }
    return !w.bad || malformed(e, "a node");
}

/* Where a graph's parts go. */
struct parts {
    struct onnx_bytes *inputs; /* their messages */
    size_t inputs_n;
    struct onnx_bytes output;
};

static bool parts_read(struct onnx_bytes graph, struct arena *arena, struct parts *parts,
                       struct onnx_graph *out, struct err *e) {
    struct onnx_wire w = onnx_wire_open(graph);
    struct onnx_field field;
    while (onnx_wire_next(&w, &field))
        switch (field.key) {
        case ONNX_KEY(GRAPH_NODE, ONNX_BYTES):
            if (!node_read(field.bytes, &out->nodes[out->nodes_n++], e))
                return false;
            break;
        case ONNX_KEY(GRAPH_TENSOR, ONNX_BYTES): {
            struct onnx_value *value = &out->values[out->values_n++];
            *value = (struct onnx_value){.kind = ONNX_INITIALIZER, .constant = true};
            if (!onnx_tensor_decode(field.bytes, arena, &value->tensor, e))
                return false;
            value->name = value->tensor.name;
            break;
        }
        case ONNX_KEY(GRAPH_INPUT, ONNX_BYTES):
            parts->inputs[parts->inputs_n++] = field.bytes;
            break;
        case ONNX_KEY(GRAPH_OUTPUT, ONNX_BYTES):
            parts->output = field.bytes;
            break;
        default:
            break;
        }
    return true; /* graph_count has seen that the graph is whole */
}

/* By name; of one name, initializers first. */
static int compare_values(const void *a, const void *b) {
    const struct onnx_value *x = a, *y = b;
    int order = onnx_bytes_compare(x->name, y->name);
    return order ? order : (int)x->kind - (int)y->kind;
}

struct onnx_value *onnx_graph_find(const struct onnx_graph *graph,
                                   struct onnx_bytes name) {
    size_t low = 0, high = graph->values_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = onnx_bytes_compare(name, graph->values[middle].name);
        if (!order)
            return &graph->values[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Inputs and outputs join the initializers, sorted. An input with an initializer's name
 * only repeats it; anything else that comes twice is refused. */
static bool values_sort(const struct parts *parts, struct onnx_graph *out,
                        struct err *e) {
    for (size_t i = 0; i < parts->inputs_n; i++) {
        struct onnx_value *value = &out->values[out->values_n++];
        size_t n;
        *value = (struct onnx_value){.kind = ONNX_INPUT};
        if (!part_find(parts->inputs[i], INFO_NAME, &value->name, &n))
            return malformed(e, "an input");
    }
    for (size_t i = 0; i < out->nodes_n; i++)
        if (out->nodes[i].output.n)
            out->values[out->values_n++] = (struct onnx_value){
                .kind = ONNX_OUTPUT,
                .name = out->nodes[i].output,
            };
    if (out->values_n)
        qsort(out->values, out->values_n, sizeof *out->values, compare_values);
    size_t kept = 0;
    for (size_t i = 0; i < out->values_n; i++) {
        struct onnx_value *value = &out->values[i];
        const struct onnx_value *before = kept ? &out->values[kept - 1] : NULL;
        if (!before || onnx_bytes_compare(before->name, value->name) != 0)
            out->values[kept++] = *value;
        else if (before->kind != ONNX_INITIALIZER || value->kind != ONNX_INPUT)
            return err_set(e, ERR_INVALID, NULL, "\"%.*s\" is defined twice",
                           ONNX_SHOW(value->name));
    }
    out->values_n = kept;
    return true;
}

static void nodes_resolve(struct onnx_graph *out) {
    for (size_t i = 0; i < out->nodes_n; i++) {
        struct onnx_node *node = &out->nodes[i];
        node->value = node->output.n ? onnx_graph_find(out, node->output) : NULL;
        for (size_t k = 0; k < node->inputs_n && k < ONNX_NODE_INPUTS_MAX; k++)
            if (node->input_names[k].n)
                node->inputs[k] = onnx_graph_find(out, node->input_names[k]);
    }
}

/* What the output depends on. Nodes stand after those they take from (the specification's
 * order), so one pass backwards finds them all. */
static void nodes_mark(struct onnx_graph *out) {
    out->output->needed = true;
    for (size_t i = out->nodes_n; i-- > 0;) {
        struct onnx_node *node = &out->nodes[i];
        node->needed = node->value && node->value->needed;
        for (size_t k = 0; node->needed && k < node->inputs_n && k < ONNX_NODE_INPUTS_MAX;
             k++)
            if (node->inputs[k])
                node->inputs[k]->needed = true;
    }
}

static bool shape_read(struct onnx_bytes message, struct onnx_input *input,
                       struct err *e) {
    struct onnx_wire w = onnx_wire_open(message);
    struct onnx_field field;
    input->shaped = true;
    while (onnx_wire_next(&w, &field)) {
        if (field.key != ONNX_KEY(SHAPE_DIMENSION, ONNX_BYTES))
            continue;
        if (input->rank == ONNX_RANK_MAX)
            return err_set(e, ERR_INVALID, NULL, "the input has over %d dimensions",
                           ONNX_RANK_MAX);
        struct onnx_wire inner = onnx_wire_open(field.bytes);
        struct onnx_field value;
        int64_t size = 0;
        while (onnx_wire_next(&inner, &value))
            if (value.key == ONNX_KEY(DIMENSION_VALUE, ONNX_VARINT))
                size = (int64_t)value.value;
        if (inner.bad)
            return malformed(e, "the input's shape");
        input->dims[input->rank++] = size > 0 ? (size_t)size : 0;
    }
    return !w.bad || malformed(e, "the input's shape");
}

static bool input_read(struct onnx_bytes message, struct onnx_input *input,
                       struct err *e) {
    struct onnx_bytes type = {NULL, 0}, tensor = {NULL, 0};
    size_t n;
    if (!part_find(message, INFO_TYPE, &type, &n))
        return malformed(e, "an input");
    if (!n || !part_find(type, TYPE_TENSOR, &tensor, &n) || !n)
        return err_set(e, ERR_INVALID, NULL, "input \"%.*s\" is no tensor",
                       ONNX_SHOW(input->value->name));
    struct onnx_wire w = onnx_wire_open(tensor);
    struct onnx_field field;
    while (onnx_wire_next(&w, &field))
        if (field.key == ONNX_KEY(TENSOR_TYPE, ONNX_VARINT))
            input->type = (int64_t)field.value;
        else if (field.key == ONNX_KEY(TENSOR_SHAPE, ONNX_BYTES) &&
                 !shape_read(field.bytes, input, e))
            return false;
    if (w.bad)
        return malformed(e, "an input");
    return onnx_type_float(input->type) ||
           err_set(e, ERR_INVALID, NULL, "input \"%.*s\" is of type %lld, not of floats",
                   ONNX_SHOW(input->value->name), (long long)input->type);
}

/* The one input without a value: the first; others would have to be fed as well. */
static bool input_find(const struct parts *parts, struct onnx_graph *out, struct err *e) {
    for (size_t i = 0; i < parts->inputs_n; i++) {
        struct onnx_bytes name = {NULL, 0};
        size_t n;
        if (!part_find(parts->inputs[i], INFO_NAME, &name, &n))
            return malformed(e, "an input");
        struct onnx_value *value = onnx_graph_find(out, name);
        if (!value || value->kind != ONNX_INPUT)
            continue;
        if (out->input.value)
            return err_set(e, ERR_INVALID, NULL, "input \"%.*s\" has no value",
                           ONNX_SHOW(name));
        out->input.value = value;
        value->flows = true;
        if (!input_read(parts->inputs[i], &out->input, e))
            return false;
    }
    return out->input.value || err_set(e, ERR_INVALID, NULL, "the graph has no input");
}

bool onnx_graph_read(struct onnx_bytes file, struct arena *arena, struct onnx_graph *out,
                     struct err *e) {
    struct onnx_bytes graph = {NULL, 0}, name = {NULL, 0};
    struct counts c = {0};
    struct parts parts = {0};
    size_t n;
    *out = (struct onnx_graph){.opset = 0};
    if (!model_read(file, &graph, out) || !graph.n)
        return err_set(e, ERR_INVALID, NULL,
                       "not an ONNX file, or one that is cut off or malformed");
    if (!graph_count(graph, &c, e))
        return false;
    /* Counts are bounded, so nothing overflows; one more, since 0 bytes are none. */
    out->nodes = arena_alloc(arena, (c.nodes + 1) * sizeof *out->nodes, e);
    out->values =
        arena_alloc(arena, (c.nodes + c.tensors + c.inputs + 1) * sizeof *out->values, e);
    parts.inputs = arena_alloc(arena, (c.inputs + 1) * sizeof *parts.inputs, e);
    if (!out->nodes || !out->values || !parts.inputs ||
        !parts_read(graph, arena, &parts, out, e) || !values_sort(&parts, out, e))
        return false;
    nodes_resolve(out);
    if (!part_find(parts.output, INFO_NAME, &name, &n))
        return malformed(e, "the output");
    out->output = onnx_graph_find(out, name);
    if (!out->output)
        return err_set(e, ERR_INVALID, NULL, "output \"%.*s\" has no value",
                       ONNX_SHOW(name));
    nodes_mark(out);
    return input_find(&parts, out, e);
}
