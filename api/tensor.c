#include "api/tensor.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/finite.h"
#include "engine/memory.h"

bool tensor_shape_elements(const struct tensor_shape *shape, size_t *elements) {
    size_t product = 1;
    bool zero = false;
    for (size_t i = 0; i < shape->n; i++)
        zero = zero || shape->dims[i] == 0;
    for (size_t i = 0; !zero && i < shape->n; i++)
        if (!size_mul(product, shape->dims[i], &product) || product > TENSOR_ELEMENTS_MAX)
            return false;
    *elements = zero ? 0 : product;
    return true;
}

const char *tensor_shape_text(const struct tensor_shape *shape,
                              char text[TENSOR_SHAPE_TEXT]) {
    size_t at = 0;
    text[at++] = '[';
    for (size_t i = 0; i < shape->n; i++)
        at += (size_t)snprintf(text + at, TENSOR_SHAPE_TEXT - at, "%s%zu", i ? "," : "",
                               shape->dims[i]);
    snprintf(text + at, TENSOR_SHAPE_TEXT - at, "]");
    return text;
}

bool tensor_block_open(struct tensor_block *block, size_t text_bytes, struct err *e) {
    /* A number and what separates it take two characters. */
    size_t capacity = text_bytes / 2 + 1, bytes;
    if (!size_mul(capacity, sizeof(float), &bytes) ||
        !size_add(bytes, MEMORY_ALIGN - 1, &bytes))
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu numbers", capacity);
    bytes -= bytes % MEMORY_ALIGN;
    *block = (struct tensor_block){aligned_alloc(MEMORY_ALIGN, bytes), 0, capacity};
    return block->values ||
           err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu numbers", capacity);
}

void tensor_block_free(struct tensor_block *block) {
    free(block->values);
    *block = (struct tensor_block){0};
}

bool tensor_reshape(struct tensor *t, const struct tensor_shape *shape, struct err *e) {
    char stated[TENSOR_SHAPE_TEXT], nested[TENSOR_SHAPE_TEXT];
    size_t elements;
    if (!tensor_shape_elements(shape, &elements) || elements != t->elements_n)
        return err_set(e, ERR_INVALID, t->path,
                       "expected the elements of shape %s, got %zu",
                       tensor_shape_text(shape, stated), t->elements_n);
    if (t->shape.n > 1 &&
        (t->shape.n != shape->n ||
         memcmp(t->shape.dims, shape->dims, shape->n * sizeof *shape->dims) != 0))
        return err_set(
            e, ERR_INVALID, t->path, "expected a flat array or one nested as %s, got %s",
            tensor_shape_text(shape, stated), tensor_shape_text(&t->shape, nested));
    t->flat = t->shape.n == 1;
    t->shape = *shape;
    return true;
}

/* BYTES: a length of four bytes before each element. */
static bool lengths_check(const struct tensor *t, const unsigned char *bytes, size_t n,
                          struct err *e) {
    char where[ERR_WHERE_MAX];
    for (size_t i = 0; i < t->elements_n; i++) {
        uint32_t length;
        bool whole = n >= sizeof length;
        if (whole) {
            memcpy(&length, bytes, sizeof length);
            n -= sizeof length;
            whole = length <= n;
        }
        if (!whole) {
            tensor_where(t, i, where);
            return err_set(e, ERR_INVALID, where,
                           "the binary data ends within this element");
        }
        n -= length;
        bytes += sizeof length + length;
    }
    return !n || err_set(e, ERR_INVALID, t->path,
                         "expected %zu elements, got %zu bytes of binary data more",
                         t->elements_n, n);
}

bool tensor_take_bytes(struct tensor *t, const void *bytes, size_t n, struct err *e) {
    char text[TENSOR_SHAPE_TEXT];
    size_t size = datatype_size(t->type), expected;
    if (!tensor_shape_elements(&t->shape, &t->elements_n) ||
        !size_mul(t->elements_n, size, &expected) || (size && expected != n))
        return err_set(e, ERR_INVALID, t->path,
                       "expected the %s elements of shape %s, got %zu bytes",
                       datatype_name(t->type), tensor_shape_text(&t->shape, text), n);
    t->bytes = bytes;
    t->behind = t->bytes + n;
    return size || lengths_check(t, t->bytes, n, e);
}

void tensor_where(const struct tensor *t, size_t i, char where[ERR_WHERE_MAX]) {
    size_t rest = t->elements_n, dims_n = t->flat ? 1 : t->shape.n;
    int at = snprintf(where, ERR_WHERE_MAX, "%s", t->path);
    for (size_t d = 0; d < dims_n && at >= 0 && at < ERR_WHERE_MAX; d++) {
        rest = t->flat || !rest ? 1 : rest / t->shape.dims[d];
        at += snprintf(where + at, (size_t)(ERR_WHERE_MAX - at), "/%zu",
                       i / rest + (d ? 0 : t->first));
        i %= rest;
    }
}

const float *tensor_borrow(const struct tensor *t, const struct tensor_block *block) {
    if (t->type != DATATYPE_FP32)
        return NULL;
    if (t->text)
        return t->rounded ? block->values + t->rounded_at : NULL;
    const float *values = (const float *)(const void *)t->bytes;
    bool aligned = (uintptr_t)t->bytes % _Alignof(float) == 0;
    return aligned && finite_all(values, t->elements_n) ? values : NULL;
}
