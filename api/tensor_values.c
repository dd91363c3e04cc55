/* The elements of a tensor as numbers. */
#include "api/tensor.h"

#include <math.h>
#include <string.h>

#include "api/half.h"
#include "api/tensor_element.h"
#include "engine/finite.h"

static float *place_at(const struct tensor_place *to, size_t i) {
    return to->out + i / to->width * to->stride + i % to->width;
}

static void rounded_copy(const float *from, size_t n, const struct tensor_place *to) {
    for (size_t i = 0; i < n; i += to->width)
        memcpy(place_at(to, i), from + i, to->width * sizeof *from);
}

/* Any text or booleans: one element after the other. */
static bool elements_read(const struct tensor *t, const struct tensor_place *to,
                          struct err *e) {
    struct tensor_cells cells = {.tensor = t};
    bool ok = true;
    for (size_t i = 0; i < t->elements_n && ok; i++) {
        struct tensor_element element;
        ok = tensor_element_next(&cells, &element, e);
        if (ok)
            *place_at(to, i) = element.rounded;
    }
    tensor_cells_free(&cells);
    return ok;
}

/* A function that makes floats of all elements of a C type. */
#define CONVERSION(name, type, convert)                                                  \
    static void name(const struct tensor *t, const struct tensor_place *to) {            \
        for (size_t i = 0; i < t->elements_n; i += to->width) {                          \
            float *row = place_at(to, i);                                                \
            for (size_t j = 0; j < to->width; j++) {                                     \
                type element;                                                            \
                memcpy(&element, t->bytes + (i + j) * sizeof element, sizeof element);   \
                row[j] = convert(element);                                               \
            }                                                                            \
        }                                                                                \
    }

CONVERSION(from_uint8, uint8_t, (float))
CONVERSION(from_uint16, uint16_t, (float))
CONVERSION(from_uint32, uint32_t, (float))
CONVERSION(from_uint64, uint64_t, (float))
CONVERSION(from_int8, int8_t, (float))
CONVERSION(from_int16, int16_t, (float))
CONVERSION(from_int32, int32_t, (float))
CONVERSION(from_int64, int64_t, (float))
CONVERSION(from_fp16, uint16_t, half_from_binary16)
CONVERSION(from_bf16, uint16_t, half_from_bfloat)
CONVERSION(from_fp32, float, (float))
CONVERSION(from_fp64, double, (float))

static void (*const conversions[DATATYPES_N])(const struct tensor *,
                                              const struct tensor_place *) = {
    [DATATYPE_UINT8] = from_uint8,   [DATATYPE_UINT16] = from_uint16,
    [DATATYPE_UINT32] = from_uint32, [DATATYPE_UINT64] = from_uint64,
    [DATATYPE_INT8] = from_int8,     [DATATYPE_INT16] = from_int16,
    [DATATYPE_INT32] = from_int32,   [DATATYPE_INT64] = from_int64,
    [DATATYPE_FP16] = from_fp16,     [DATATYPE_BF16] = from_bf16,
    [DATATYPE_FP32] = from_fp32,     [DATATYPE_FP64] = from_fp64,
};

static bool missing_take(const struct tensor *t, size_t i, const struct tensor_place *to,
                         struct err *e) {
    const struct encoder_column *column =
        to->columns ? &to->columns[i % to->width] : NULL;
    char where[ERR_WHERE_MAX];
    if (column && !column->missing_refused) {
        *place_at(to, i) = (float)column->mean;
        return true;
    }
    tensor_where(t, i, where);
    return err_set(e, ERR_INVALID, where, "expected a number, got %s",
                   !t->text                     ? "NaN"
                   : datatype_is_float(t->type) ? "null or NaN"
                                                : "null");
}

/* What is NaN is missing; what is infinite is refused. */
static bool finite_make(const struct tensor *t, const struct tensor_place *to,
                        struct err *e) {
    char where[ERR_WHERE_MAX];
    if (to->stride == to->width && finite_all(to->out, t->elements_n))
        return true;
    for (size_t i = 0; i < t->elements_n; i++) {
        float x = *place_at(to, i);
        if (isnan(x) && !missing_take(t, i, to, e))
            return false;
        if (isinf(x)) {
            tensor_where(t, i, where);
            return err_set(e, ERR_RANGE, where, TENSOR_OUTSIDE);
        }
    }
    return true;
}

bool tensor_floats(const struct tensor *t, const struct tensor_block *block,
                   const struct tensor_place *to, struct err *e) {
    if (t->type == DATATYPE_BYTES)
        return err_set(e, ERR_INVALID, t->path, "expected numbers, got BYTES");
    if (t->text && t->rounded && t->type == DATATYPE_FP32) {
        rounded_copy(block->values + t->rounded_at, t->elements_n, to);
        return true;
    }
    if (!t->text && conversions[t->type])
        conversions[t->type](t, to);
    else if (!elements_read(t, to, e))
        return false;
    return finite_make(t, to, e);
}
