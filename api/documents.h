/* The documents that describe models, and lists. Plain structs in, JSON out;
 * strings are borrowed. Pure; any thread. */
#ifndef API_DOCUMENTS_H
#define API_DOCUMENTS_H

#include <stdint.h>

#include "api/job.h"
#include "api/text.h"

/* What is kept with a version when it is published: facts of the model itself, and of its
 * training where it was trained here (NULL: it was not). */
struct version_training {
    const struct job_spec *spec;
    double cost;
    const char *metrics; /* JSON, or NULL */
    int64_t epochs;      /* that are behind it */
};
void version_facts_encode(const struct model *model,
                          const struct version_training *training, struct text *out);

struct version_view {
    const char *model, *sha256, *job_id; /* job_id "": none */
    int64_t version, created_ms, bytes;
    const char *facts; /* version_facts_encode's object */
};
void version_document_encode(const struct version_view *version, struct text *out);

/* The same with the version's state in the form that TensorFlow Serving's clients know.
 */
void version_status_document_encode(const struct version_view *version, struct text *out);

struct alias_view {
    const char *model, *alias;
    int64_t version, change, changed_ms;
};
void alias_document_encode(const struct alias_view *alias, struct text *out);

/* The latest version's document with the numbers of all versions, newest first, also in
 * the form that TensorFlow Serving's clients know, and with the aliases. */
struct model_view {
    struct version_view latest;
    const int64_t *versions;
    size_t versions_n;
    const struct alias_view *aliases;
    size_t aliases_n;
};
void model_document_encode(const struct model_view *model, struct text *out);

/* {"object":"list","data":[ ... ],"has_more":...}: items are written between the two. */
void list_open(struct text *out);
void list_close(struct text *out, bool has_more);

#endif
