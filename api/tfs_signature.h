/* The signatures that every model has here; private to tfs*.c. */
#ifndef API_TFS_SIGNATURE_H
#define API_TFS_SIGNATURE_H

#include "api/tfs.h"

/* Of any verb; each method's name is a signature as well, of that one alone. */
#define TFS_SIGNATURE_DEFAULT "serving_default"

/* "tensorflow/serving/predict", ... */
const char *tfs_method(enum tfs_verb verb);

/* Whether the model answers what the verb asks for. */
bool tfs_answers(const struct model *model, enum tfs_verb verb);

/* Whether a signature of that name is the verb's; ERR_INVALID. */
bool tfs_signature_check(const char *name, enum tfs_verb verb, struct err *e)
    __attribute__((warn_unused_result));

#endif
