/* The features of a job's inline data. For api/job*.c alone; pure. */
#ifndef API_JOB_FEATURES_H
#define API_JOB_FEATURES_H

#include "api/inline_rows.h"
#include "api/rows.h"
#include "api/text.h"

/* Rows in any case, and as numbers where they are nothing else. Zero-initialise;
 * job_features_free. */
struct job_features {
    struct inline_rows rows;
    struct rows numbers; /* rows_n 0: they hold more than numbers; owned */
    bool nested;         /* the rows hold lists */
    struct text flat;    /* of job_features_flatten; owned */
};
void job_features_free(struct job_features *features);

/* Moves over the array at the cursor. A row of numbers may be lists within lists. Errors
 * as inline_rows_scan, rows_scan and nested_scan. */
bool job_features_scan(struct cursor *c, const char *path, struct job_features *features,
                       struct err *e) __attribute__((warn_unused_result));

/* Makes nested rows flat ones, which `rows` is then. ERR_NO_MEMORY. */
bool job_features_flatten(struct job_features *features, struct err *e)
    __attribute__((warn_unused_result));

#endif
