/* What an ONNX file holds, with the names resolved: nodes, and the values they take and
 * give. The file's bytes are borrowed; everything else is in the arena. */
#ifndef API_ONNX_GRAPH_H
#define API_ONNX_GRAPH_H

#include "api/onnx_tensor.h"

enum {
    ONNX_NODE_INPUTS_MAX = 8, /* of the operators that are supported: 5 */
    ONNX_TENSORS_MAX = 16384, /* initializers */
    ONNX_INPUTS_MAX = 16384   /* graph inputs; before IR 4 each initializer is one */
};

enum onnx_value_kind { ONNX_INITIALIZER, ONNX_INPUT, ONNX_OUTPUT };

/* Something that has a name: an initializer, a graph input, the first output of a node.
 */
struct onnx_value {
    struct onnx_bytes name;
    enum onnx_value_kind kind;
    bool needed;   /* the graph's output depends on it */
    bool constant; /* `tensor` is known */
    bool flows;    /* it depends on the graph's input */
    size_t step;   /* of those that flow: how many nodes it went through */
    struct onnx_tensor tensor;
};

struct onnx_node {
    struct onnx_bytes name, op, domain, output;
    struct onnx_bytes message; /* attributes are looked up here */
    struct onnx_bytes input_names[ONNX_NODE_INPUTS_MAX];
    struct onnx_value *inputs[ONNX_NODE_INPUTS_MAX]; /* NULL: left out, or unknown */
    size_t inputs_n;                                 /* may be over the maximum */
    struct onnx_value *value;                        /* NULL: it has no output */
    bool needed;
};

/* The graph input that has no value of its own. */
struct onnx_input {
    struct onnx_value *value;
    int64_t type;
    bool shaped;
    size_t rank, dims[ONNX_RANK_MAX]; /* 0: symbolic or unknown */
};

struct onnx_graph {
    int64_t opset;
    struct onnx_node *nodes;
    size_t nodes_n;
    struct onnx_value *values; /* sorted by name */
    size_t values_n;
    struct onnx_input input;
    struct onnx_value *output;
    struct onnx_bytes classes, task, columns; /* metadata properties; n 0: none */
};

/* ERR_INVALID says what is wrong, ERR_TOO_LARGE which limit. */
bool onnx_graph_read(struct onnx_bytes file, struct arena *arena, struct onnx_graph *out,
                     struct err *e) __attribute__((warn_unused_result));

/* The value of that name; NULL when there is none. */
struct onnx_value *onnx_graph_find(const struct onnx_graph *graph,
                                   struct onnx_bytes name);

/* A node's attribute. `type` of a key says what was found. */
struct onnx_attribute {
    bool found;
    double number;             /* f */
    int64_t integer;           /* i */
    struct onnx_bytes f;       /* f's four bytes */
    struct onnx_bytes tensor;  /* t */
    struct onnx_bytes message; /* of floats and ints */
};
bool onnx_attribute_find(const struct onnx_node *node, const char *name,
                         struct onnx_attribute *out);
/* Those that are left out have a default. */
int64_t onnx_attribute_int(const struct onnx_node *node, const char *name,
                           int64_t otherwise);
double onnx_attribute_float(const struct onnx_node *node, const char *name,
                            double otherwise);
/* The attribute's ints, at most `max`. @return false: not there, or more. */
bool onnx_attribute_ints(const struct onnx_node *node, const char *name, int64_t *out,
                         size_t max, size_t *n);
/* As a constant: `value`, `value_float`, `value_floats`, `value_int`, `value_ints`. */
bool onnx_attribute_tensor(const struct onnx_node *node, struct arena *arena,
                           struct onnx_tensor *out, struct err *e)
    __attribute__((warn_unused_result));

#endif
