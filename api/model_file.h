/* A model as bytes, and the table of a job as bytes: both are safetensors files.
 *
 * A model's tensors are named as PyTorch's nn.Sequential would, linear layers and
 * activations counted in turn ("0.weight" is (units, inputs), "0.bias", "2.weight", ...),
 * with "transform.offset" and "transform.scale" where inputs are scaled; the rest stands
 * in the metadata document. */
#ifndef API_MODEL_FILE_H
#define API_MODEL_FILE_H

#include "api/job.h"
#include "engine/model.h"

/* A new file image (free() it); NULL with ERR_NO_MEMORY. */
void *model_file_encode(const struct model *model, const struct job_spec *spec, size_t *n,
                        struct err *e) __attribute__((warn_unused_result));

/* More that a file may hold beside the model, which whoever reads models passes over: a
 * member of the document, and a vector. */
struct model_file_more {
    const char *key, *json; /* a whole JSON value */
    const char *tensor;     /* the vector's name */
    const float *values;    /* (values_n); with values_n 0 there is none */
    size_t values_n;
};
void *model_file_encode_with(const struct model *model, const struct job_spec *spec,
                             const struct model_file_more *more, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

/* Builds the model; the bytes may go afterwards. NULL with ERR_INVALID or ERR_NO_MEMORY.
 */
struct model *model_file_decode(const void *bytes, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* The request's features and targets as a file image (free() it). */
void *table_file_encode(const struct job_request *request, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

/* A table's arrays, pointing into the file's bytes, which are borrowed. X is aligned to
 * 64 bytes when the file is. */
struct table {
    float *X; /* (m,n) */
    struct targets targets;
};
bool table_file_decode(void *bytes, size_t n, const struct job_spec *spec,
                       struct table *out, struct err *e)
    __attribute__((warn_unused_result));

#endif
