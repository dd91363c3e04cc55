/* What of a job is likely not meant as it is taken. For api/job*.c alone; pure. */
#ifndef API_JOB_ADVICE_H
#define API_JOB_ADVICE_H

#include "api/job_internal.h"

/* Adds to the warnings of a job that is resolved: classes that look like amounts, targets
 * that are all the same, parameters that stay alike. `target` is the profile of the
 * column, or NULL: request->values has them. ERR_NO_MEMORY. */
bool job_advise(const struct json_slot *slots, const struct profile_column *target,
                struct job_request *request, struct err *e)
    __attribute__((warn_unused_result));

#endif
