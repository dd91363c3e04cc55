/* A dataset out of the store, as a job that is being made sees it. Part of the handlers
 * of /v1/jobs. */
#ifndef SERVER_JOB_SOURCE_H
#define SERVER_JOB_SOURCE_H

#include "api/dataset_source.h"
#include "api/job.h"
#include "server/store.h"

/* Zero-initialise; job_source_free. */
struct job_source {
    struct store_dataset stored;
    struct dataset_source rows, targets;
    struct job_dataset view;         /* borrows what stands above */
    int64_t rows_blob, targets_blob; /* targets_blob 0: not apart */
};
void job_source_free(struct job_source *source);

/* revision 0: the latest. `where`: the job's key that names it. ERR_NOT_FOUND;
 * ERR_CONFLICT when a part of it is missing. */
bool job_source_load(struct store *store, const char *name, int64_t revision,
                     const char *where, struct job_source *source, struct err *e)
    __attribute__((warn_unused_result));

#endif
