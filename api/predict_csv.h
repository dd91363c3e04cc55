/* The answer of a prediction as CSV. Pure; any thread. */
#ifndef API_PREDICT_CSV_H
#define API_PREDICT_CSV_H

#include "api/text.h"
#include "engine/model.h"

/* From Y (m, outputs): a header and a line a row. `prediction` is the value or the class,
 * and behind it stands a probability a class under the class's name. Several values are
 * `prediction_0`, `prediction_1`, ..., of several labels each with its `probability_0`,
 * ... behind. Lines end with LF. Errors as predict_encode. */
bool predict_encode_csv(const struct model *model, const float *Y, size_t m,
                        struct text *out, struct err *e)
    __attribute__((warn_unused_result));

/* The predictions alone, a line a row, without a header, from Y (m, outputs), which is
 * finite. */
void predict_lines_encode(const struct model *model, const float *Y, size_t m,
                          struct text *out);

#endif
