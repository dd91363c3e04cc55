/* What deserves a word about the columns of a job before it is trained. For api/job*.c
 * alone; pure. */
#ifndef API_JOB_REVIEW_H
#define API_JOB_REVIEW_H

#include "api/job_table.h"

/* Looks at the features among t->columns, of which `p` is the profile. Columns that
 * cannot help are taken out, unless `continued`, a model to continue from, has chosen
 * them or they are inline rows', whose form rows to predict have too; columns that help
 * too much are named: t->warnings. ERR_INVALID where none is left, or for an inline
 * column of more texts than are counted. */
bool job_review(const struct profile *p, const struct profile_column *target,
                bool continued, struct job_table *t, struct err *e)
    __attribute__((warn_unused_result));

#endif
