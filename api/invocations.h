/* The scoring protocol of MLflow and SageMaker: what POST /invocations takes and gives.
 * Pure; any thread.
 *
 * Source: mlflow/pyfunc/scoring_server and its documentation ("Deploy MLflow Model as a
 * Local Inference Server"); the inference containers of SageMaker. */
#ifndef API_INVOCATIONS_H
#define API_INVOCATIONS_H

#include "api/predict.h"

struct invocation {
    struct predict_request rows;
    const char *index, *index_end; /* of a split dataframe, in the body; or NULL */
};
void invocation_free(struct invocation *invocation);

/* Exactly one of "dataframe_split" {"columns","index","data"}, "dataframe_records",
 * "instances" and "inputs"; and "params", which must be empty: models here have none. On
 * an error *out is to be freed too. */
bool invocation_decode(const char *body, size_t n, struct invocation *out, struct err *e)
    __attribute__((warn_unused_result));

/* The same for a body of CSV; `type` is its Content-Type. Where that does not say whether
 * there is a header, a first line of numbers is none: SageMaker sends none, MLflow one.
 */
void invocation_decode_csv(const char *body, size_t n, const char *type,
                           struct invocation *out);

/* Makes invocation->rows.instances the model's inputs, as predict_rows. */
bool invocation_rows(struct invocation *invocation, const struct model *model,
                     struct err *e) __attribute__((warn_unused_result));

/* {"predictions":[...]} from Y (m, outputs), or a line for each without a header, as CSV.
 * ERR_NUMERIC, naming the row; ERR_NO_MEMORY. */
bool invocation_encode(const struct invocation *invocation, const struct model *model,
                       const float *Y, size_t m, struct text *out, struct err *e)
    __attribute__((warn_unused_result));
bool invocation_encode_csv(const struct invocation *invocation, const struct model *model,
                           const float *Y, size_t m, struct text *out, struct err *e)
    __attribute__((warn_unused_result));

#endif
