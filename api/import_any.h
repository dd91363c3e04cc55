/* A model that arrives as a file, whoever wrote it: finds out what it is, has it read,
 * and says how it is to be stored. Untrusted bytes. Pure; any thread. */
#ifndef API_IMPORT_ANY_H
#define API_IMPORT_ANY_H

#include "api/job.h"
#include "engine/model.h"

/* What a file of another tool leaves open. Each may be NULL; a file that descentd wrote
 * leaves nothing open, and refuses them (ERR_INVALID, where = the option's name). */
struct import_any_options {
    const char *activations; /* "relu,relu,softmax" */
    const char *orientation;
    const char *labels; /* "cat,dog": no two alike, none empty */
};

/* Zero-initialise; import_any_free. */
struct imported {
    struct model *model;  /* owned */
    struct job_spec spec; /* epochs 0 where no job is known to have trained it; owned */
    void *file;           /* what to store; NULL: the bytes as they came; owned */
    size_t file_n;
};

/* ERR_MEDIA for a file of a kind that is not read; ERR_INVALID for one that is broken.
 * The bytes are borrowed until it returns. */
bool import_any_decode(const void *bytes, size_t n,
                       const struct import_any_options *options, struct imported *out,
                       struct err *e) __attribute__((warn_unused_result));

/* Makes a file of descentd's of a model that came without one. Takes *model and nulls it.
 */
bool import_any_adopt(struct model **model, struct imported *out, struct err *e)
    __attribute__((warn_unused_result));

void import_any_free(struct imported *imported);

#endif
