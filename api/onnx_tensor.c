#include "api/onnx_tensor.h"

#include <string.h>

#include "api/half.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file's order is ours");

/* TensorProto's fields. */
enum {
    DIMS = 1,
    DATA_TYPE = 2,
    SEGMENT = 3,
    FLOAT_DATA = 4,
    INT32_DATA = 5,
    INT64_DATA = 7,
    NAME = 8,
    RAW_DATA = 9,
    DOUBLE_DATA = 10,
    DATA_LOCATION = 14
};

/* How each type is stored where not as raw bytes. */
static const struct {
    unsigned char bytes, field;
    bool is_float;
} types[ONNX_TYPES_N] = {
    [ONNX_FLOAT] = {4, FLOAT_DATA, true},    [ONNX_UINT8] = {1, INT32_DATA, false},
    [ONNX_INT8] = {1, INT32_DATA, false},    [ONNX_UINT16] = {2, INT32_DATA, false},
    [ONNX_INT16] = {2, INT32_DATA, false},   [ONNX_INT32] = {4, INT32_DATA, false},
    [ONNX_INT64] = {8, INT64_DATA, false},   [ONNX_BOOL] = {1, INT32_DATA, false},
    [ONNX_FLOAT16] = {2, INT32_DATA, true},  [ONNX_DOUBLE] = {8, DOUBLE_DATA, true},
    [ONNX_BFLOAT16] = {2, INT32_DATA, true},
};

bool onnx_type_known(int64_t type) {
    return type > 0 && type < ONNX_TYPES_N && types[type].bytes;
}

bool onnx_type_float(int64_t type) {
    return onnx_type_known(type) && types[type].is_float;
}

bool onnx_tensor_shape(struct onnx_tensor *t, const size_t *dims, size_t rank) {
    t->rank = rank;
    t->n = 1;
    for (size_t i = rank; i-- > 0;) {
        t->dims[i] = dims[i];
        t->strides[i] = t->n;
        if (!size_mul(t->n, dims[i], &t->n))
            return false;
    }
    return true;
}

bool onnx_tensor_dense(const struct onnx_tensor *t) {
    size_t stride = 1;
    for (size_t i = t->rank; i-- > 0; stride *= t->dims[i])
        if (t->dims[i] != 1 && t->strides[i] != stride)
            return false;
    return true;
}

void onnx_tensor_transpose(struct onnx_tensor *t) {
    struct onnx_tensor from = *t;
    for (size_t i = 0; i < t->rank; i++) {
        t->dims[i] = from.dims[t->rank - 1 - i];
        t->strides[i] = from.strides[t->rank - 1 - i];
    }
}

struct onnx_tensor onnx_tensor_of(enum onnx_type type, const void *data, size_t n,
                                  bool scalar) {
    return (struct onnx_tensor){
        .type = type,
        .rank = !scalar,
        .dims = {n},
        .strides = {1},
        .n = n,
        .data = data,
    };
}

/* The bytes of a repeated field of fixed size: where they stand when they are in one
 * piece, as writers leave them, else gathered. */
static bool fixed_gather(struct onnx_bytes message, uint32_t number, size_t size,
                         struct arena *arena, struct onnx_bytes *out, struct err *e) {
    uint32_t packed = ONNX_KEY(number, ONNX_BYTES);
    uint32_t single = ONNX_KEY(number, size == 4 ? ONNX_FIXED32 : ONNX_FIXED64);
    struct onnx_wire w = onnx_wire_open(message);
    struct onnx_field field;
    size_t pieces = 0;
    *out = (struct onnx_bytes){NULL, 0};
    while (onnx_wire_next(&w, &field))
        if (field.key == packed || field.key == single) {
            out->at = field.bytes.at;
            out->n += field.bytes.n; /* pieces of one message: no overflow */
            pieces++;
        }
    if (pieces < 2)
        return true;
    unsigned char *all = arena_alloc(arena, out->n, e), *to = all;
    if (!all)
        return false;
    w = onnx_wire_open(message);
    while (onnx_wire_next(&w, &field))
        if ((field.key == packed || field.key == single) && field.bytes.n) {
            memcpy(to, field.bytes.at, field.bytes.n);
            to += field.bytes.n;
        }
    out->at = all;
    return true;
}

/* Counts the varints of a repeated field, and stores them where `to` is not NULL. */
static bool varints_walk(struct onnx_bytes message, uint32_t number, int64_t *to,
                         size_t *n) {
    struct onnx_wire w = onnx_wire_open(message);
    struct onnx_field field;
    *n = 0;
    while (onnx_wire_next(&w, &field)) {
        struct onnx_wire inner = onnx_wire_open(field.bytes);
        uint64_t value = field.value;
        bool single = field.key == ONNX_KEY(number, ONNX_VARINT);
        if (!single && field.key != ONNX_KEY(number, ONNX_BYTES))
            continue;
        while (single || onnx_wire_varint(&inner, &value)) {
            if (to)
                to[*n] = (int64_t)value;
            (*n)++;
            if (single)
                break;
        }
        if (inner.bad)
            return false;
    }
    return !w.bad;
}

static bool varints_gather(struct onnx_bytes message, uint32_t number,
                           struct arena *arena, struct onnx_bytes *out, struct err *e) {
    size_t n;
    if (!varints_walk(message, number, NULL, &n))
        return err_set(e, ERR_INVALID, NULL, "its numbers are malformed");
    int64_t *all =
        arena_alloc(arena, n * sizeof *all, e); /* n is below the file's size */
    if (!all || !varints_walk(message, number, all, &n))
        return false;
    *out = (struct onnx_bytes){(const unsigned char *)all, n * sizeof *all};
    return true;
}

/* What the message says, its numbers apart. */
struct header {
    int64_t type, location;
    bool segment, raw;
    struct onnx_bytes raw_data;
};

static bool header_read(struct onnx_bytes message, struct header *h,
                        struct onnx_tensor *out) {
    struct onnx_wire w = onnx_wire_open(message);
    struct onnx_field field;
    while (onnx_wire_next(&w, &field))
        switch (field.key) {
        case ONNX_KEY(DATA_TYPE, ONNX_VARINT):
            h->type = (int64_t)field.value;
            break;
        case ONNX_KEY(SEGMENT, ONNX_BYTES):
            h->segment = true;
            break;
        case ONNX_KEY(NAME, ONNX_BYTES):
            out->name = field.bytes;
            break;
        case ONNX_KEY(RAW_DATA, ONNX_BYTES):
            h->raw = true;
            h->raw_data = field.bytes;
            break;
        case ONNX_KEY(DATA_LOCATION, ONNX_VARINT):
            h->location = (int64_t)field.value;
            break;
        default:
            break;
        }
    return !w.bad;
}

static bool dims_read(struct onnx_bytes message, struct onnx_tensor *out, struct err *e) {
    int64_t values[ONNX_RANK_MAX];
    size_t dims[ONNX_RANK_MAX], rank;
    if (!varints_walk(message, DIMS, NULL, &rank))
        return err_set(e, ERR_INVALID, NULL, "its shape is malformed");
    if (rank > ONNX_RANK_MAX)
        return err_set(e, ERR_INVALID, NULL, "%zu dimensions; at most %d", rank,
                       ONNX_RANK_MAX);
    if (!varints_walk(message, DIMS, values, &rank))
        return false;
    for (size_t i = 0; i < rank; i++) {
        if (values[i] < 0)
            return err_set(e, ERR_INVALID, NULL, "a negative dimension");
        dims[i] = (size_t)values[i];
    }
    return onnx_tensor_shape(out, dims, rank) ||
           err_set(e, ERR_INVALID, NULL, "its shape is too large");
}

static bool numbers_read(struct onnx_bytes message, const struct header *h,
                         struct arena *arena, struct onnx_tensor *out, struct err *e) {
    size_t size = types[out->type].bytes, bytes;
    uint32_t field = types[out->type].field;
    struct onnx_bytes data = h->raw_data;
    out->widened = !h->raw && (field == INT32_DATA || field == INT64_DATA);
    if (out->widened) {
        size = sizeof(int64_t);
        if (!varints_gather(message, field, arena, &data, e))
            return false;
    } else if (!h->raw && !fixed_gather(message, field, size, arena, &data, e)) {
        return false;
    }
    if (!size_mul(out->n, size, &bytes) || bytes != data.n)
        return err_set(e, ERR_INVALID, NULL,
                       "its shape has %zu numbers, its data %zu bytes of %zu each",
                       out->n, data.n, size);
    out->data = data.at;
    return true;
}

static bool decode(struct onnx_bytes message, struct arena *arena,
                   struct onnx_tensor *out, struct err *e) {
    struct header h = {0};
    if (!header_read(message, &h, out))
        return err_set(e, ERR_INVALID, NULL, "it is cut off or malformed");
    if (h.location)
        return err_set(e, ERR_INVALID, NULL, "its data are in another file");
    if (h.segment)
        return err_set(e, ERR_INVALID, NULL, "it comes in segments");
    if (!onnx_type_known(h.type))
        return err_set(e, ERR_INVALID, NULL, "its type %lld is not one of numbers",
                       (long long)h.type);
    out->type = (enum onnx_type)h.type;
    return dims_read(message, out, e) && numbers_read(message, &h, arena, out, e);
}

bool onnx_tensor_decode(struct onnx_bytes message, struct arena *arena,
                        struct onnx_tensor *out, struct err *e) {
    struct err why = {0};
    *out = (struct onnx_tensor){.rank = 0};
    if (decode(message, arena, out, &why))
        return true;
    return err_set(e, why.kind, NULL, "tensor \"%.*s\": %s", ONNX_SHOW(out->name),
                   why.text);
}

static double widened_at(enum onnx_type type, const unsigned char *at) {
    int64_t value;
    memcpy(&value, at, sizeof value);
    if (type == ONNX_FLOAT16)
        return (double)half_from_binary16((uint16_t)value);
    if (type == ONNX_BFLOAT16)
        return (double)half_from_bfloat((uint16_t)value);
    return (double)value;
}

#define READ(c_type)                                                                     \
    do {                                                                                 \
        c_type value;                                                                    \
        memcpy(&value, at, sizeof value);                                                \
        return (double)value;                                                            \
    } while (0)

double onnx_tensor_at(const struct onnx_tensor *t, size_t offset) {
    size_t size = t->widened ? sizeof(int64_t) : types[t->type].bytes;
    const unsigned char *at = t->data + offset * size;
    uint16_t bits = 0;
    if (t->widened)
        return widened_at(t->type, at);
    switch (t->type) {
    case ONNX_FLOAT:
        READ(float);
    case ONNX_DOUBLE:
        READ(double);
    case ONNX_UINT8:
    case ONNX_BOOL:
        return (double)*at;
    case ONNX_INT8:
        READ(int8_t);
    case ONNX_UINT16:
        READ(uint16_t);
    case ONNX_INT16:
        READ(int16_t);
    case ONNX_INT32:
        READ(int32_t);
    case ONNX_INT64:
        READ(int64_t);
    default:
        memcpy(&bits, at, sizeof bits);
        return (double)(t->type == ONNX_FLOAT16 ? half_from_binary16(bits)
                                                : half_from_bfloat(bits));
    }
}

void onnx_tensor_floats(const struct onnx_tensor *t, float *out) {
    size_t index[ONNX_RANK_MAX] = {0}, offset = 0;
    if (t->type == ONNX_FLOAT && onnx_tensor_dense(t) && t->n) {
        memcpy(out, t->data, t->n * sizeof *out);
        return;
    }
    for (size_t i = 0; i < t->n; i++) {
        out[i] = (float)onnx_tensor_at(t, offset);
        for (size_t axis = t->rank; axis-- > 0;) { /* count up, the last axis first */
            offset += t->strides[axis];
            if (++index[axis] < t->dims[axis])
                break;
            offset -= t->strides[axis] * t->dims[axis];
            index[axis] = 0;
        }
    }
}
