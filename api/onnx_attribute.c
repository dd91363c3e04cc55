/* Attributes of a node, looked up in its message. */
#include "api/onnx_graph.h"

#include <string.h>

/* AttributeProto's fields; NodeProto's attribute is 5. */
enum { NODE_ATTRIBUTE = 5, NAME = 1, F = 2, I = 3, T = 5, FLOATS = 7, INTS = 8 };

static bool read(struct onnx_bytes message, const char *name, struct onnx_attribute *a) {
    struct onnx_wire w = onnx_wire_open(message);
    struct onnx_field field;
    *a = (struct onnx_attribute){.message = message};
    while (onnx_wire_next(&w, &field))
        switch (field.key) {
        case ONNX_KEY(NAME, ONNX_BYTES):
            a->found = onnx_bytes_are(field.bytes, name);
            break;
        case ONNX_KEY(F, ONNX_FIXED32): {
            float f;
            memcpy(&f, field.bytes.at, sizeof f);
            a->number = (double)f;
            a->f = field.bytes;
            break;
        }
        case ONNX_KEY(I, ONNX_VARINT):
            a->integer = (int64_t)field.value;
            break;
        case ONNX_KEY(T, ONNX_BYTES):
            a->tensor = field.bytes;
            break;
        default:
            break;
        }
    return a->found && !w.bad;
}

bool onnx_attribute_find(const struct onnx_node *node, const char *name,
                         struct onnx_attribute *out) {
    struct onnx_wire w = onnx_wire_open(node->message);
    struct onnx_field field;
    while (onnx_wire_next(&w, &field))
        if (field.key == ONNX_KEY(NODE_ATTRIBUTE, ONNX_BYTES) &&
            read(field.bytes, name, out))
            return true;
    *out = (struct onnx_attribute){.found = false};
    return false;
}

int64_t onnx_attribute_int(const struct onnx_node *node, const char *name,
                           int64_t otherwise) {
    struct onnx_attribute a;
    return onnx_attribute_find(node, name, &a) ? a.integer : otherwise;
}

double onnx_attribute_float(const struct onnx_node *node, const char *name,
                            double otherwise) {
    struct onnx_attribute a;
    return onnx_attribute_find(node, name, &a) ? a.number : otherwise;
}

/* The numbers of a repeated field, packed or not: counted, and stored where `to` is not
 * NULL and there is room. */
static size_t ints_walk(struct onnx_bytes message, int64_t *to, size_t max) {
    struct onnx_wire w = onnx_wire_open(message);
    struct onnx_field field;
    size_t n = 0;
    while (onnx_wire_next(&w, &field)) {
        struct onnx_wire inner = onnx_wire_open(field.bytes);
        uint64_t value = field.value;
        bool single = field.key == ONNX_KEY(INTS, ONNX_VARINT);
        if (!single && field.key != ONNX_KEY(INTS, ONNX_BYTES))
            continue;
        while (single || onnx_wire_varint(&inner, &value)) {
            if (to && n < max)
                to[n] = (int64_t)value;
            n++;
            if (single)
                break;
        }
    }
    return n;
}

static size_t floats_walk(struct onnx_bytes message, unsigned char *to) {
    struct onnx_wire w = onnx_wire_open(message);
    struct onnx_field field;
    size_t bytes = 0;
    while (onnx_wire_next(&w, &field)) {
        if (field.key != ONNX_KEY(FLOATS, ONNX_FIXED32) &&
            field.key != ONNX_KEY(FLOATS, ONNX_BYTES))
            continue;
        size_t whole = field.bytes.n / sizeof(float) * sizeof(float);
        if (to && whole)
            memcpy(to + bytes, field.bytes.at, whole);
        bytes += whole;
    }
    return bytes;
}

bool onnx_attribute_ints(const struct onnx_node *node, const char *name, int64_t *out,
                         size_t max, size_t *n) {
    struct onnx_attribute a;
    if (!onnx_attribute_find(node, name, &a))
        return false;
    *n = ints_walk(a.message, out, max);
    return *n <= max;
}

bool onnx_attribute_tensor(const struct onnx_node *node, struct arena *arena,
                           struct onnx_tensor *out, struct err *e) {
    struct onnx_attribute a;
    if (onnx_attribute_find(node, "value", &a))
        return onnx_tensor_decode(a.tensor, arena, out, e);
    if (onnx_attribute_find(node, "value_float", &a) && a.f.n) {
        *out = onnx_tensor_of(ONNX_FLOAT, a.f.at, 1, true);
        return true;
    }
    bool floats = onnx_attribute_find(node, "value_floats", &a);
    bool one = !floats && onnx_attribute_find(node, "value_int", &a);
    if (!floats && !one && !onnx_attribute_find(node, "value_ints", &a))
        return err_set(e, ERR_INVALID, NULL, "a constant that is no tensor of numbers");
    size_t n = floats ? floats_walk(a.message, NULL) / sizeof(float)
               : one  ? 1
                      : ints_walk(a.message, NULL, 0);
    void *data = arena_alloc(arena, n * sizeof(int64_t), e);
    if (!data)
        return false;
    if (floats)
        floats_walk(a.message, data);
    else if (one)
        memcpy(data, &a.integer, sizeof a.integer);
    else
        ints_walk(a.message, data, n);
    *out = onnx_tensor_of(floats ? ONNX_FLOAT : ONNX_INT64, data, n, one);
    return true;
}
