/* The element types of tensors as the Open Inference Protocol names them. Pure; any
 * thread. */
#ifndef API_DATATYPE_H
#define API_DATATYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum datatype {
    DATATYPE_BOOL,
    DATATYPE_UINT8,
    DATATYPE_UINT16,
    DATATYPE_UINT32,
    DATATYPE_UINT64,
    DATATYPE_INT8,
    DATATYPE_INT16,
    DATATYPE_INT32,
    DATATYPE_INT64,
    DATATYPE_FP16,
    DATATYPE_BF16,
    DATATYPE_FP32,
    DATATYPE_FP64,
    DATATYPE_BYTES,
    DATATYPES_N
};

/* "FP32", "BYTES", ... */
const char *datatype_name(enum datatype type);

/* The type of that name, spelt exactly so. */
bool datatype_find(const char *name, enum datatype *type)
    __attribute__((warn_unused_result));

/* Bytes of an element in the binary form; 0 for BYTES, whose elements say it. */
size_t datatype_size(enum datatype type);

/* Whether the elements are whole numbers; then of -below..above. */
bool datatype_is_integer(enum datatype type, uint64_t *below, uint64_t *above);

/* Whether they are floating-point numbers, NaN and the infinities among them. */
bool datatype_is_float(enum datatype type);

#endif
