/* Answers to inference requests of the Open Inference Protocol V2. Pure; any thread. */
#ifndef API_OIP_RESPONSE_H
#define API_OIP_RESPONSE_H

#include "api/oip_request.h"
#include "api/text.h"

/* What predicted, and Y (m, outputs of the net). */
struct oip_predicted {
    const struct model *model;
    const char *name;
    int64_t version;
    const float *Y;
    size_t m;
};

/* The answer to a bound request. *json_n is the length of the document when tensors stand
 * behind it, else 0. ERR_NUMERIC: a prediction is not finite; ERR_NO_MEMORY. */
bool oip_response_encode(const struct oip_request *request,
                         const struct oip_predicted *predicted, struct text *out,
                         size_t *json_n, struct err *e)
    __attribute__((warn_unused_result));

#endif
