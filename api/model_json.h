/* A model as a JSON document for whoever wants to compute it without us: parameters and
 * all that is needed to use them, each number the shortest text that reads back to the
 * same float32. Pure; any thread. */
#ifndef API_MODEL_JSON_H
#define API_MODEL_JSON_H

#include <stdint.h>

#include "api/text.h"
#include "engine/err.h"
#include "engine/model.h"

/* Of one model that is exported as text. */
enum { MODEL_JSON_PARAMETERS_MAX = 1 << 24 };

/* {"object":"model_export","model","version","task","loss","inputs","transform","layers",
 * "classes"}. transform is null or {"offset":[n[0]],"scale":[n[0]]}: the first layer's
 * input is (x - offset) * scale. A layer is {"units","activation"[,"negative_slope"],
 * "weights","biases"}, its weights a row of n[l-1] numbers a unit. ERR_TOO_LARGE. */
bool model_json_encode(const struct model *model, const char *name, int64_t version,
                       struct text *out, struct err *e)
    __attribute__((warn_unused_result));

#endif
