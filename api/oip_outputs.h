/* The outputs of a model as tensors: "probabilities" (FP32, a column a class) and "label"
 * (BYTES) of one that tells classes apart; "probabilities" and "label" (BOOL), a column
 * an output, of one with several labels a row; "predictions" (FP32) of a regression.
 * Pure. */
#ifndef API_OIP_OUTPUTS_H
#define API_OIP_OUTPUTS_H

#include "api/datatype.h"
#include "engine/model.h"

struct oip_output {
    const char *name; /* static storage */
    enum datatype type;
    size_t width; /* elements a row */
};

enum { OIP_MODEL_OUTPUTS_MAX = 2 };

/* @return how many it has. */
size_t oip_outputs(const struct model *model,
                   struct oip_output outputs[OIP_MODEL_OUTPUTS_MAX]);

#endif
