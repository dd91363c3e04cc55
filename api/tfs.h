/* The REST dialect of TensorFlow Serving: predict, classify and regress. Pure; any
 * thread.
 *
 * Source: tensorflow_serving/g3doc/api_rest.md and util/json_tensor.cc. What differs from
 * it, each an error that says so: NaN and Infinity are no values, and no key is ignored.
 * Beside what it knows, a model whose columns have names takes rows as arrays, too. */
#ifndef API_TFS_H
#define API_TFS_H

#include "api/predict.h"

enum tfs_verb { TFS_PREDICT, TFS_CLASSIFY, TFS_REGRESS };

/* The verb behind a path's colon, in any case. */
bool tfs_verb_find(const char *word, enum tfs_verb *verb)
    __attribute__((warn_unused_result));

struct tfs_request {
    enum tfs_verb verb;
    struct predict_request rows;
    bool outputs; /* they came as inputs, not as instances */
};
void tfs_request_free(struct tfs_request *request);

/* {"signature_name","instances"|"inputs"}, or {"signature_name","context","examples"}. On
 * an error *out is to be freed too. */
bool tfs_decode(enum tfs_verb verb, const char *body, size_t n, struct tfs_request *out,
                struct err *e) __attribute__((warn_unused_result));

/* Makes request->rows.instances the model's inputs, as predict_rows. ERR_INVALID too
 * where the model does not answer what is asked for. */
bool tfs_rows(struct tfs_request *request, const struct model *model, struct err *e)
    __attribute__((warn_unused_result));

/* The answer from Y (m, outputs). ERR_NUMERIC, naming the row; ERR_NO_MEMORY. */
bool tfs_encode(const struct tfs_request *request, const struct model *model,
                const float *Y, size_t m, struct text *out, struct err *e)
    __attribute__((warn_unused_result));

/* {"model_spec","metadata":{"signature_def"}}: what the model takes and gives. */
void tfs_metadata_encode(const struct model *model, const char *name, int64_t version,
                         struct text *out);

#endif
