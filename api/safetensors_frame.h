/* The frame of a safetensors file, which its two readers share: the length, the JSON
 * header, the data behind it. For api/ alone. Pure; any thread. */
#ifndef API_SAFETENSORS_FRAME_H
#define API_SAFETENSORS_FRAME_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/err.h"

enum { SAFETENSORS_LENGTH_BYTES = 8 };

struct safetensors_frame {
    json_t *root;              /* the header, an object; json_decref it */
    const unsigned char *data; /* borrowed: points into the file's bytes */
    size_t data_n;             /* bytes */
};

/* ERR_INVALID for a length that leaves bytes[0..n) or is over SAFETENSORS_HEADER_MAX, and
 * for a header that is no object or has over SAFETENSORS_TENSORS_MAX members. On an error
 * there is nothing to decref. */
bool safetensors_frame_open(const void *bytes, size_t n, struct safetensors_frame *out,
                            struct err *e) __attribute__((warn_unused_result));

/* The element as a size. @return false where it is none. */
bool safetensors_frame_size(const json_t *array, size_t index, size_t *out)
    __attribute__((warn_unused_result));

/* ERR_INVALID that names the tensor. @return false. */
bool safetensors_frame_invalid(struct err *e, const char *tensor, const char *what);

#endif
