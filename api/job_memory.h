/* What a job's training will take of a worker's memory, before anybody trains it. Pure;
 * any thread. */
#ifndef API_JOB_MEMORY_H
#define API_JOB_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "api/job.h"

/* An upper bound in bytes, INT64_MAX where it is beyond counting: the data as they are
 * read and as the trainer takes them, the net with its gradients and the optimizer's
 * state, the best parameters, the checkpoints in hand, the metrics at the end, and the
 * worker itself. `spec` is a request's, not one that was read from a document. ERR_RANGE
 * or ERR_NO_MEMORY when there can be no such net. */
bool job_memory(const struct job_spec *spec, int64_t *bytes, struct err *e)
    __attribute__((warn_unused_result));

#endif
