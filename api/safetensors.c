#include "api/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/safetensors_frame.h"
#include "api/text.h"
#include "engine/memory.h"

enum { ELEMENT_BYTES = 4 };
static const char *const type_names[] = {[TENSOR_F32] = "F32", [TENSOR_I32] = "I32"};

static bool tensor_bytes(const struct tensor *t, size_t *bytes) {
    return size_mul(t->rows_n, t->columns_n ? t->columns_n : 1, bytes) &&
           size_mul(*bytes, ELEMENT_BYTES, bytes);
}

static void shape_encode(const struct tensor *t, struct text *out) {
    text_open(out, '[');
    text_json_int(out, (int64_t)t->rows_n);
    if (t->columns_n)
        text_json_int(out, (int64_t)t->columns_n);
    text_close(out, ']');
}

/* The header, its length in front, padded so that the data start at a multiple of 64. */
static bool header_encode(const struct tensor *tensors, size_t tensors_n,
                          const char *document, struct text *out, size_t *data_n) {
    size_t at = 0;
    text_bytes(out, "\0\0\0\0\0\0\0\0", SAFETENSORS_LENGTH_BYTES);
    text_string(out, "{");
    if (document) {
        text_key(out, "__metadata__");
        text_open(out, '{');
        text_key(out, "descentd");
        text_json_string(out, document);
        text_close(out, '}');
    }
    for (size_t i = 0; i < tensors_n; i++) {
        size_t bytes, end;
        if (!tensor_bytes(&tensors[i], &bytes) || !size_add(at, bytes, &end))
            return false;
        text_key(out, tensors[i].name);
        text_open(out, '{');
        text_key(out, "dtype");
        text_json_string(out, type_names[tensors[i].type]);
        text_key(out, "shape");
        shape_encode(&tensors[i], out);
        text_key(out, "data_offsets");
        text_open(out, '[');
        text_json_int(out, (int64_t)at);
        text_json_int(out, (int64_t)end);
        text_close(out, ']');
        text_close(out, '}');
        at = end;
    }
    text_close(out, '}');
    while (out->n % MEMORY_ALIGN && !out->failed)
        text_bytes(out, " ", 1);
    *data_n = at;
    return !out->failed;
}

void *safetensors_encode(const struct tensor *tensors, size_t tensors_n,
                         const char *document, size_t *n, struct err *e) {
    struct text header = {0};
    size_t data_n;
    unsigned char *file = NULL;
    if (header_encode(tensors, tensors_n, document, &header, &data_n) &&
        size_add(header.n, data_n, n)) {
        if (header.n - SAFETENSORS_LENGTH_BYTES <= SAFETENSORS_HEADER_MAX)
            file = memory_new(*n, 1);
        else
            err_set(e, ERR_TOO_LARGE, NULL,
                    "a tensor file's header of %zu bytes; at most %d",
                    header.n - SAFETENSORS_LENGTH_BYTES, SAFETENSORS_HEADER_MAX);
    }
    if (file) {
        uint64_t length = header.n - SAFETENSORS_LENGTH_BYTES;
        for (size_t i = 0; i < SAFETENSORS_LENGTH_BYTES; i++)
            header.data[i] = (char)(length >> 8 * i & 0xff);
        memcpy(file, header.data, header.n);
        unsigned char *to = file + header.n;
        for (size_t i = 0; i < tensors_n; i++) {
            size_t bytes = 0;
            if (!tensor_bytes(&tensors[i], &bytes))
                break; /* cannot be: header_encode counted them */
            memcpy(to, tensors[i].data, bytes);
            to += bytes;
        }
    } else {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for a tensor file");
    }
    text_free(&header);
    return file;
}

static bool shape_decode(const json_t *shape, struct tensor *t) {
    size_t dimensions = json_array_size(shape);
    if (dimensions < 1 || dimensions > 2 ||
        !safetensors_frame_size(shape, 0, &t->rows_n) || !t->rows_n)
        return false;
    return dimensions == 1 ||
           (safetensors_frame_size(shape, 1, &t->columns_n) && t->columns_n);
}

static bool tensor_decode(const char *name, const json_t *entry,
                          const unsigned char *data, size_t data_n, struct tensor *t,
                          struct err *e) {
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    size_t begin, end, bytes;
    *t = (struct tensor){0};
    if (strlen(name) >= sizeof t->name)
        return safetensors_frame_invalid(e, name, "the name is too long");
    snprintf(t->name, sizeof t->name, "%s", name);
    if (type && strcmp(type, "F32") == 0)
        t->type = TENSOR_F32;
    else if (type && strcmp(type, "I32") == 0)
        t->type = TENSOR_I32;
    else
        return safetensors_frame_invalid(e, name, "expected dtype F32 or I32");
    if (!shape_decode(json_object_get(entry, "shape"), t))
        return safetensors_frame_invalid(e, name,
                                         "expected one or two positive dimensions");
    if (json_array_size(offsets) != 2 || !safetensors_frame_size(offsets, 0, &begin) ||
        !safetensors_frame_size(offsets, 1, &end) || begin > end || end > data_n)
        return safetensors_frame_invalid(e, name, "data_offsets leave the file");
    if (!tensor_bytes(t, &bytes) || bytes != end - begin)
        return safetensors_frame_invalid(e, name, "data_offsets and shape disagree");
    t->data = data + begin;
    return true;
}

static int compare_tensors(const void *a, const void *b) {
    const unsigned char *x = ((const struct tensor *)a)->data,
                        *y = ((const struct tensor *)b)->data;
    return (x > y) - (x < y);
}

/* Tensors must cover the data without gap or overlap. */
static bool layout_check(const struct safetensors *file, const unsigned char *data,
                         size_t data_n, struct err *e) {
    size_t at = 0, bytes = 0;
    for (size_t i = 0; i < file->tensors_n; i++) {
        const struct tensor *t = &file->tensors[i];
        if (t->data != data + at || !tensor_bytes(t, &bytes))
            return safetensors_frame_invalid(e, t->name,
                                             "the tensors leave a gap or overlap");
        at += bytes;
    }
    return at == data_n ||
           err_set(e, ERR_INVALID, NULL, "safetensors: bytes behind the last tensor");
}

static bool header_decode(const json_t *root, const unsigned char *data, size_t data_n,
                          struct safetensors *out, struct err *e) {
    const char *name;
    json_t *entry;
    size_t n = json_object_size(root);
    out->tensors = calloc(n + 1, sizeof *out->tensors);
    if (!out->tensors)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu tensors", n);
    json_object_foreach((json_t *)(uintptr_t)root, name, entry) {
        if (strcmp(name, "__metadata__") == 0) {
            const char *document = json_string_value(json_object_get(entry, "descentd"));
            if (document && !(out->document = strdup(document)))
                return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the metadata");
        } else if (tensor_decode(name, entry, data, data_n, &out->tensors[out->tensors_n],
                                 e)) {
            out->tensors_n++;
        } else {
            return false;
        }
    }
    qsort(out->tensors, out->tensors_n, sizeof *out->tensors, compare_tensors);
    return layout_check(out, data, data_n, e);
}

bool safetensors_decode(const void *bytes, size_t n, struct safetensors *out,
                        struct err *e) {
    *out = (struct safetensors){0};
    struct safetensors_frame frame;
    if (!safetensors_frame_open(bytes, n, &frame, e))
        return false;
    bool ok = header_decode(frame.root, frame.data, frame.data_n, out, e);
    json_decref(frame.root);
    if (!ok)
        safetensors_free(out);
    return ok;
}

void safetensors_free(struct safetensors *file) {
    free(file->tensors);
    free(file->document);
    *file = (struct safetensors){0};
}

const struct tensor *safetensors_find(const struct safetensors *file, const char *name,
                                      enum tensor_type type, size_t rows_n,
                                      size_t columns_n, struct err *e) {
    for (size_t i = 0; i < file->tensors_n; i++) {
        const struct tensor *t = &file->tensors[i];
        if (strcmp(t->name, name) != 0)
            continue;
        if (t->type == type && t->rows_n == rows_n && t->columns_n == columns_n)
            return t;
        safetensors_frame_invalid(e, name, "another type or shape than its model needs");
        return NULL;
    }
    safetensors_frame_invalid(e, name, "is missing");
    return NULL;
}
