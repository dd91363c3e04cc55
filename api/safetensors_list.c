#include "api/safetensors_list.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/half.h"
#include "api/safetensors.h"
#include "api/safetensors_frame.h"
#include "engine/memory.h"

static const struct {
    const char *name;
    size_t bytes;
} dtypes[DTYPES_N] = {
    [DTYPE_F32] = {"F32", 4},
    [DTYPE_F64] = {"F64", 8},
    [DTYPE_F16] = {"F16", 2},
    [DTYPE_BF16] = {"BF16", 2},
};

static bool dtype_decode(const json_t *entry, enum safetensors_dtype *out) {
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    for (int i = 0; name && i < DTYPES_N; i++)
        if (strcmp(name, dtypes[i].name) == 0) {
            *out = (enum safetensors_dtype)i;
            return true;
        }
    return false;
}

static bool shape_decode(const json_t *shape, struct safetensors_entry *t) {
    t->rank = json_array_size(shape);
    t->n = 1;
    if (!json_is_array(shape) || t->rank > SAFETENSORS_RANK_MAX)
        return false;
    for (size_t i = 0; i < t->rank; i++)
        if (!safetensors_frame_size(shape, i, &t->dims[i]) || !t->dims[i] ||
            !size_mul(t->n, t->dims[i], &t->n))
            return false;
    return true;
}

static bool entry_decode(const char *name, const json_t *entry, const unsigned char *data,
                         size_t data_n, struct safetensors_entry *t, struct err *e) {
    const json_t *offsets = json_object_get(entry, "data_offsets");
    size_t begin, end, bytes;
    *t = (struct safetensors_entry){.rank = 0};
    if (strlen(name) >= sizeof t->name)
        return safetensors_frame_invalid(e, name, "the name is too long");
    snprintf(t->name, sizeof t->name, "%s", name);
    if (!dtype_decode(entry, &t->dtype))
        return safetensors_frame_invalid(e, name, "expected dtype F32, F64, F16 or BF16");
    if (!shape_decode(json_object_get(entry, "shape"), t))
        return safetensors_frame_invalid(
            e, name, "expected a shape of at most 8 positive dimensions");
    if (json_array_size(offsets) != 2 || !safetensors_frame_size(offsets, 0, &begin) ||
        !safetensors_frame_size(offsets, 1, &end) || begin > end || end > data_n)
        return safetensors_frame_invalid(e, name, "data_offsets leave the file");
    if (!size_mul(t->n, dtypes[t->dtype].bytes, &bytes) || bytes != end - begin)
        return safetensors_frame_invalid(e, name, "data_offsets and shape disagree");
    t->data = data + begin;
    return true;
}

static int compare_places(const void *a, const void *b) {
    const unsigned char *x = ((const struct safetensors_entry *)a)->data,
                        *y = ((const struct safetensors_entry *)b)->data;
    return (x > y) - (x < y);
}

/* Tensors must cover the data without gap or overlap. */
static bool layout_check(const struct safetensors_list *list, const unsigned char *data,
                         size_t data_n, struct err *e) {
    size_t at = 0;
    for (size_t i = 0; i < list->entries_n; i++) {
        const struct safetensors_entry *t = &list->entries[i];
        if (t->data != data + at)
            return safetensors_frame_invalid(e, t->name,
                                             "the tensors leave a gap or overlap");
        at += t->n * dtypes[t->dtype].bytes;
    }
    return at == data_n ||
           err_set(e, ERR_INVALID, NULL, "safetensors: bytes behind the last tensor");
}

static bool header_decode(json_t *root, const unsigned char *data, size_t data_n,
                          struct safetensors_list *out, struct err *e) {
    const char *name;
    json_t *entry;
    size_t n = json_object_size(root);
    out->entries = calloc(n + 1, sizeof *out->entries);
    if (!out->entries)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu tensors", n);
    json_object_foreach(root, name, entry) {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        if (!entry_decode(name, entry, data, data_n, &out->entries[out->entries_n], e))
            return false;
        out->entries_n++;
    }
    qsort(out->entries, out->entries_n, sizeof *out->entries, compare_places);
    return layout_check(out, data, data_n, e);
}

bool safetensors_list_decode(const void *bytes, size_t n, struct safetensors_list *out,
                             struct err *e) {
    *out = (struct safetensors_list){.entries_n = 0};
    struct safetensors_frame frame;
    if (!safetensors_frame_open(bytes, n, &frame, e))
        return false;
    bool ok = header_decode(frame.root, frame.data, frame.data_n, out, e);
    json_decref(frame.root);
    if (!ok)
        safetensors_list_free(out);
    return ok;
}

void safetensors_list_free(struct safetensors_list *list) {
    free(list->entries);
    *list = (struct safetensors_list){.entries_n = 0};
}

double safetensors_entry_at(const struct safetensors_entry *entry, size_t i) {
    const unsigned char *at = entry->data + i * dtypes[entry->dtype].bytes;
    float narrow;
    double wide;
    uint16_t bits;
    switch (entry->dtype) {
    case DTYPE_F32:
        memcpy(&narrow, at, sizeof narrow);
        return (double)narrow;
    case DTYPE_F64:
        memcpy(&wide, at, sizeof wide);
        return wide;
    default:
        memcpy(&bits, at, sizeof bits);
        return (double)(entry->dtype == DTYPE_F16 ? half_from_binary16(bits)
                                                  : half_from_bfloat(bits));
    }
}
