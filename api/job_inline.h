/* Inline data that hold more than numbers, seen as a dataset of two files: the rows as
 * they stand in the body, and the targets a row each. For api/job*.c alone; pure. */
#ifndef API_JOB_INLINE_H
#define API_JOB_INLINE_H

#include "api/inline_rows.h"
#include "api/job_internal.h"

/* Zero-initialise; job_inline_free. */
struct job_inline {
    char *targets; /* [[y],[y],...]; owned */
    struct profile rows_profile, targets_profile;
    struct job_dataset dataset; /* of them; has no name */
};
void job_inline_free(struct job_inline *data);

/* Rows as arrays have the names of init_from's columns, where `origin` (or NULL) knows
 * them. Errors name the path; ERR_INVALID besides what inline_rows_scan refuses: a column
 * that is numbers but for a few cells, several numbers a target. */
bool job_inline_read(const struct inline_rows *rows, const struct column *targets,
                     const struct model *origin, struct job_inline *data, struct err *e)
    __attribute__((warn_unused_result));

#endif
