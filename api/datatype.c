#include "api/datatype.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
    uint64_t below, above; /* above 0: no whole numbers */
} types[DATATYPES_N] = {
    [DATATYPE_BOOL] = {"BOOL", 1, 0, 0},
    [DATATYPE_UINT8] = {"UINT8", 1, 0, UINT8_MAX},
    [DATATYPE_UINT16] = {"UINT16", 2, 0, UINT16_MAX},
    [DATATYPE_UINT32] = {"UINT32", 4, 0, UINT32_MAX},
    [DATATYPE_UINT64] = {"UINT64", 8, 0, UINT64_MAX},
    [DATATYPE_INT8] = {"INT8", 1, UINT64_C(1) << 7, INT8_MAX},
    [DATATYPE_INT16] = {"INT16", 2, UINT64_C(1) << 15, INT16_MAX},
    [DATATYPE_INT32] = {"INT32", 4, UINT64_C(1) << 31, INT32_MAX},
    [DATATYPE_INT64] = {"INT64", 8, UINT64_C(1) << 63, INT64_MAX},
    [DATATYPE_FP16] = {"FP16", 2, 0, 0},
    [DATATYPE_BF16] = {"BF16", 2, 0, 0},
    [DATATYPE_FP32] = {"FP32", 4, 0, 0},
    [DATATYPE_FP64] = {"FP64", 8, 0, 0},
    [DATATYPE_BYTES] = {"BYTES", 0, 0, 0},
};

const char *datatype_name(enum datatype type) {
    return types[type].name;
}

bool datatype_find(const char *name, enum datatype *type) {
    for (size_t i = 0; i < DATATYPES_N; i++) {
        if (strcmp(types[i].name, name) == 0) {
            *type = (enum datatype)i;
            return true;
        }
    }
    return false;
}

size_t datatype_size(enum datatype type) {
    return types[type].size;
}

bool datatype_is_integer(enum datatype type, uint64_t *below, uint64_t *above) {
    *below = types[type].below;
    *above = types[type].above;
    return *above;
}

bool datatype_is_float(enum datatype type) {
    return type >= DATATYPE_FP16 && type <= DATATYPE_FP64;
}
