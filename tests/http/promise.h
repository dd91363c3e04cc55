/* What the daemon has told of a job: it may tell more later, but nothing else. */
#ifndef TESTS_HTTP_PROMISE_H
#define TESTS_HTTP_PROMISE_H

#include "tests/http/job.h"

enum { PROMISE_POINTS_MAX = 20001 };

struct promise {
    char id[JOB_ID_BYTES];
    double costs[PROMISE_POINTS_MAX]; /* by epoch; 0: not seen */
    double checkpoint;                /* the largest number seen */
};

/* Reads the job's curve and its newest checkpoint, and checks that all that was seen
 * before is there, bit for bit, since a job that goes on or starts again computes the
 * same; what is new is remembered. */
void promise_check(struct client *user, struct promise *promise);

/* How many points were seen. */
size_t promise_points(const struct promise *promise);

#endif
