#include "api/safetensors_frame.h"

#include <stdint.h>

#include "api/json.h"
#include "api/safetensors.h"

bool safetensors_frame_open(const void *bytes, size_t n, struct safetensors_frame *out,
                            struct err *e) {
    const unsigned char *file = bytes;
    uint64_t length = 0;
    *out = (struct safetensors_frame){.root = NULL};
    if (n < SAFETENSORS_LENGTH_BYTES)
        return err_set(e, ERR_INVALID, NULL,
                       "safetensors: shorter than its length field");
    for (size_t i = 0; i < SAFETENSORS_LENGTH_BYTES; i++)
        length |= (uint64_t)file[i] << 8 * i;
    if (length > SAFETENSORS_HEADER_MAX || length > n - SAFETENSORS_LENGTH_BYTES)
        return err_set(e, ERR_INVALID, NULL, "safetensors: a header of %llu bytes",
                       (unsigned long long)length);
    out->data = file + SAFETENSORS_LENGTH_BYTES + length;
    out->data_n = n - SAFETENSORS_LENGTH_BYTES - (size_t)length;
    out->root =
        json_read((const char *)file + SAFETENSORS_LENGTH_BYTES, (size_t)length, e);
    if (!out->root)
        return false;
    if (json_is_object(out->root) &&
        json_object_size(out->root) <= SAFETENSORS_TENSORS_MAX)
        return true;
    json_decref(out->root);
    out->root = NULL;
    return err_set(e, ERR_INVALID, NULL,
                   "safetensors: expected an object of at most %d tensors",
                   SAFETENSORS_TENSORS_MAX);
}

bool safetensors_frame_size(const json_t *array, size_t index, size_t *out) {
    const json_t *value = json_array_get(array, index);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (size_t)json_integer_value(value);
    return true;
}

bool safetensors_frame_invalid(struct err *e, const char *tensor, const char *what) {
    return err_set(e, ERR_INVALID, NULL, "safetensors: \"%.60s\": %s", tensor, what);
}
