/* What the files of the prediction's documents share; private to them. */
#ifndef API_PREDICT_PRIVATE_H
#define API_PREDICT_PRIVATE_H

#include "api/predict.h"

/* predict_decode without its short cut: any document, and the errors of all. */
bool predict_decode_any(const char *body, size_t n, struct predict_request *out,
                        struct err *e) __attribute__((warn_unused_result));

#endif
