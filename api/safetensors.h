/* The safetensors format: an 8-byte little-endian header length, a JSON header, the data.
 *
 * Models and the tables of jobs are kept in it, so that anything written here can be read
 * by other tools. Tensors are float32 or int32, dense, in the order given; the first is
 * aligned to 64 bytes within the file, the others to 4. */
#ifndef API_SAFETENSORS_H
#define API_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

enum {
    SAFETENSORS_NAME_MAX = 64,
    SAFETENSORS_HEADER_MAX = 16 << 20,
    SAFETENSORS_TENSORS_MAX = 4096
};

enum tensor_type { TENSOR_F32, TENSOR_I32 };

struct tensor {
    char name[SAFETENSORS_NAME_MAX];
    enum tensor_type type;
    size_t rows_n, columns_n; /* columns_n 0: one dimension, of rows_n elements */
    const void *data;         /* borrowed */
};

/* A new file image of *n bytes (free() it); NULL with ERR_NO_MEMORY or ERR_TOO_LARGE.
 * `document`, JSON text or NULL, is kept as __metadata__.descentd. */
void *safetensors_encode(const struct tensor *tensors, size_t tensors_n,
                         const char *document, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

/* What a file holds; tensors point into the file's bytes. safetensors_free. */
struct safetensors {
    struct tensor *tensors; /* (tensors_n), in the order of their offsets; owned */
    size_t tensors_n;
    char *document; /* __metadata__.descentd, or NULL; owned */
};

/* Checks all of bytes[0..n): ERR_INVALID says what is wrong. The bytes are borrowed for
 * as long as the result is used. */
bool safetensors_decode(const void *bytes, size_t n, struct safetensors *out,
                        struct err *e) __attribute__((warn_unused_result));
void safetensors_free(struct safetensors *file);

/* The tensor of that name, type and shape; NULL with ERR_INVALID. */
const struct tensor *safetensors_find(const struct safetensors *file, const char *name,
                                      enum tensor_type type, size_t rows_n,
                                      size_t columns_n, struct err *e)
    __attribute__((warn_unused_result));

#endif
