#include "api/array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/columns.h"
#include "api/predict.h"
#include "api/reader_npy.h"
#include "engine/memory.h"

static const char PLACE[] = ""; /* the array is the whole body */

void array_free(struct array *array) {
    free(array->turned);
    *array = (struct array){0};
}

/* ---- npy ------------------------------------------------------------------------ */

static const struct {
    enum matrix_kind kind;
    size_t width;
    enum datatype type;
} TYPES[] = {
    {MATRIX_BOOLEAN, 1, DATATYPE_BOOL},    {MATRIX_SIGNED, 1, DATATYPE_INT8},
    {MATRIX_SIGNED, 2, DATATYPE_INT16},    {MATRIX_SIGNED, 4, DATATYPE_INT32},
    {MATRIX_SIGNED, 8, DATATYPE_INT64},    {MATRIX_UNSIGNED, 1, DATATYPE_UINT8},
    {MATRIX_UNSIGNED, 2, DATATYPE_UINT16}, {MATRIX_UNSIGNED, 4, DATATYPE_UINT32},
    {MATRIX_UNSIGNED, 8, DATATYPE_UINT64}, {MATRIX_FLOAT, 2, DATATYPE_FP16},
    {MATRIX_FLOAT, 4, DATATYPE_FP32},      {MATRIX_FLOAT, 8, DATATYPE_FP64},
};

/* The whole header; *data is where the numbers begin. */
static bool header_decode(const char *bytes, size_t n, struct matrix_shape *shape,
                          size_t *data, struct err *e) {
    size_t length, length_n = 0, at = NPY_PREFIX_BYTES;
    if (n >= at && !(length_n = reader_npy_prefix_decode(bytes, e)))
        return false;
    if (length_n && n >= at + length_n) {
        if (!reader_npy_length_decode(bytes + at, length_n, &length, e))
            return false;
        at += length_n;
        *data = at + length;
        if (n >= *data)
            return reader_npy_header_decode(bytes + at, length, shape, e);
    }
    return err_set(e, ERR_INVALID, NULL, "the npy file ends inside its header");
}

static bool tensor_describe(const struct matrix_shape *shape, struct tensor *t,
                            struct err *e) {
    *t = (struct tensor){.place = PLACE, .path = PLACE};
    if (shape->dimensions_n == 0 || shape->dimensions_n > TENSOR_DIMS_MAX)
        return err_set(e, ERR_INVALID, NULL, "expected 1 to %d dimensions, got %zu",
                       TENSOR_DIMS_MAX, shape->dimensions_n);
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (TYPES[i].kind == shape->kind && TYPES[i].width == shape->width)
            t->type = TYPES[i].type;
    t->shape.n = shape->dimensions_n;
    for (size_t i = 0; i < t->shape.n; i++)
        t->shape.dims[i] = shape->dimensions[i];
    return tensor_shape_elements(&t->shape, &t->elements_n) ||
           err_set(e, ERR_TOO_LARGE, NULL, "more than %d elements", TENSOR_ELEMENTS_MAX);
}

/* n elements that lie `stride` elements apart, with their bytes in our order. */
#define RUN(width, swap)                                                                 \
    for (size_t i = 0; i < n; i++) {                                                     \
        uint##width##_t word;                                                            \
        memcpy(&word, from + i * stride * sizeof word, sizeof word);                     \
        word = swap ? (uint##width##_t)__builtin_bswap##width(word) : word;              \
        memcpy(to + i * sizeof word, &word, sizeof word);                                \
    }                                                                                    \
    return

static void run_copy(const struct matrix_shape *shape, const char *from, size_t stride,
                     size_t n, char *to) {
    bool swap = shape->big_endian;
    switch (shape->width) {
    case 1:
        for (size_t i = 0; i < n; i++)
            to[i] = from[i * stride];
        return;
    case 2:
        RUN(16, swap);
    case 4:
        RUN(32, swap);
    default:
        RUN(64, swap);
    }
}

/* The elements into C's order, a run of the last dimension after the other: `at` counts
 * the places of the other dimensions up, and `offset` follows it through the file's
 * order. */
static void elements_turn(const struct matrix_shape *shape, const struct tensor *t,
                          const char *from, char *to) {
    const struct tensor_shape *s = &t->shape;
    size_t at[TENSOR_DIMS_MAX] = {0}, strides[TENSOR_DIMS_MAX], offset = 0;
    size_t last = s->n - 1, run = s->dims[last];
    for (size_t d = 0, stride = 1; d < s->n; d++) {
        size_t c = shape->fortran ? d : last - d;
        strides[c] = stride;
        stride *= s->dims[c];
    }
    for (size_t i = 0; i < t->elements_n; i += run) {
        run_copy(shape, from + offset * shape->width, strides[last], run,
                 to + i * shape->width);
        for (size_t d = last; d-- > 0;) {
            offset += strides[d];
            if (++at[d] < s->dims[d])
                break;
            offset -= strides[d] * s->dims[d];
            at[d] = 0;
        }
    }
}

bool array_decode_npy(const char *bytes, size_t n, struct array *array, struct err *e) {
    struct matrix_shape shape;
    struct tensor *t = &array->tensor;
    size_t data = 0;
    *array = (struct array){0};
    if (!header_decode(bytes, n, &shape, &data, e) || !tensor_describe(&shape, t, e) ||
        !tensor_take_bytes(t, bytes + data, n - data, e))
        return false;
    bool turns = shape.fortran && t->shape.n > 1;
    if (!t->elements_n || !(turns || (shape.big_endian && shape.width > 1)))
        return true;
    array->turned = memory_new(t->elements_n, shape.width);
    if (!array->turned)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the array");
    elements_turn(&shape, t, bytes + data, array->turned);
    return tensor_take_bytes(t, array->turned, n - data, e);
}

bool array_is_npy(const char *bytes, size_t n) {
    static const char magic[] = "\x93NUMPY";
    return n > 10 && memcmp(bytes, magic, sizeof magic - 1) == 0 && bytes[6] >= 1 &&
           bytes[6] <= 3 && bytes[7] == 0;
}

/* ---- inputs --------------------------------------------------------------------- */

void array_decode_raw(const char *bytes, size_t n, struct array *array) {
    *array = (struct array){.raw = true};
    array->tensor = (struct tensor){.place = PLACE,
                                    .path = PLACE,
                                    .type = DATATYPE_FP32,
                                    .bytes = (const unsigned char *)bytes,
                                    .behind = (const unsigned char *)bytes + n};
}

void array_decode_piece(const struct tensor_piece *piece, struct array *array) {
    array_decode_raw(piece->bytes, piece->n, array);
    array->tensor.first = piece->first;
}

size_t array_row_bytes(const struct model *model) {
    return columns_of_model(model).n * sizeof(float);
}

/* Rows of as many numbers as the model has columns. */
static bool raw_shape(struct tensor *t, size_t columns_n, struct err *e) {
    size_t n = (size_t)(t->behind - t->bytes), row = columns_n * sizeof(float);
    t->shape = (struct tensor_shape){{n / row, columns_n}, 2};
    if (n && n % row == 0)
        return tensor_take_bytes(t, t->bytes, n, e);
    return err_set(e, ERR_INVALID, NULL,
                   "expected rows of %zu bytes (%zu float32), got %zu bytes", row,
                   columns_n, n);
}

bool array_rows(struct array *array, const struct model *model, struct tensor_rows *rows,
                struct err *e) {
    struct columns columns = columns_of_model(model);
    if (array->raw && !raw_shape(&array->tensor, columns.n, e))
        return false;
    return tensor_rows_of_columns(&array->tensor, &columns, model, rows, e);
}

/* ---- answers -------------------------------------------------------------------- */

/* The header's length brings the data to a multiple of 64 bytes; a line feed ends it. */
static void header_encode(size_t m, size_t k, struct text *out) {
    char dict[128], second[24] = "";
    if (k > 1)
        snprintf(second, sizeof second, " %zu", k);
    int n = snprintf(dict, sizeof dict,
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu,%s), }", m,
                     second);
    size_t length = (size_t)n + 1, whole = NPY_PREFIX_BYTES + 2 + length;
    length += (64 - whole % 64) % 64;
    text_bytes(out, "\x93NUMPY\x01\x00", NPY_PREFIX_BYTES);
    text_bytes(out, (const char[]){(char)(length & 255), (char)(length >> 8)}, 2);
    text_format(out, "%-*s\n", (int)length - 1, dict);
}

bool array_encode(enum array_form form, const struct model *model, const float *Y,
                  size_t m, struct text *out, struct err *e) {
    bool binary = model->task == TASK_BINARY;
    size_t outputs_n = model->net->outputs_n, k = binary ? 2 : outputs_n;
    if (!predict_finite(Y, m, outputs_n, PLACE, e))
        return false;
    if (form == ARRAY_NPY)
        header_encode(m, k, out);
    if (!binary)
        text_bytes(out, (const char *)Y, m * k * sizeof *Y);
    for (size_t i = 0; binary && i < m; i++)
        text_bytes(out, (const char *)(const float[]){1 - Y[i], Y[i]}, 2 * sizeof *Y);
    return !out->failed || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the answer");
}
