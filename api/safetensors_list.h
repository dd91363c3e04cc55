/* What a safetensors file of others holds: tensors of floats of any width and shape,
 * under longer names than our own files have. Pure; any thread. */
#ifndef API_SAFETENSORS_LIST_H
#define API_SAFETENSORS_LIST_H

#include "engine/err.h"

#include <stddef.h>

enum { SAFETENSORS_ENTRY_NAME_MAX = 256, SAFETENSORS_RANK_MAX = 8 };

enum safetensors_dtype { DTYPE_F32, DTYPE_F64, DTYPE_F16, DTYPE_BF16, DTYPES_N };

struct safetensors_entry {
    char name[SAFETENSORS_ENTRY_NAME_MAX + 1];
    enum safetensors_dtype dtype;
    size_t rank, dims[SAFETENSORS_RANK_MAX];
    size_t n;                  /* elements, 1 or more */
    const unsigned char *data; /* borrowed, of no alignment */
};

/* safetensors_list_free. */
struct safetensors_list {
    struct safetensors_entry
        *entries; /* (entries_n), in the order of their data; owned */
    size_t entries_n;
};

/* Checks all of bytes[0..n), which are borrowed: ERR_INVALID says what is wrong. */
bool safetensors_list_decode(const void *bytes, size_t n, struct safetensors_list *out,
                             struct err *e) __attribute__((warn_unused_result));
void safetensors_list_free(struct safetensors_list *list);

/* Element i as a number. */
double safetensors_entry_at(const struct safetensors_entry *entry, size_t i);

#endif
