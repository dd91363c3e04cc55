/* What the daemon has told of a job: it may tell more later, but nothing else. */
#ifndef TESTS_HTTP_PROMISE_H
#define TESTS_HTTP_PROMISE_H

#include "tests/http/job.h"

enum { PROMISE_POINTS_MAX = 20001 };

struct promise {
    char id[JOB_ID_BYTES];
    double costs[PROMISE_POINTS_MAX];  /* by epoch; 0: not seen */
    double checkpoint;                 /* the largest number seen */
    double resumable, resumable_epoch; /* of the newest that it can go on from; 0: none */
};

/* Reads the job, its curve and its checkpoints, and checks that all that was seen before
 * is there, bit for bit, since a job that goes on or starts again computes the same; and
 * that it goes on from its last checkpoint at least. What is new is remembered. */
void promise_check(struct client *user, struct promise *promise);

/* How many points were seen. */
size_t promise_points(const struct promise *promise);

#endif
