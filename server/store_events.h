/* What has happened to a job, in one sequence: seq 1, 2, ... without gaps, only ever
 * added to. store_job.h and store_claim.h say which function writes which event; nothing
 * follows a done event. Part of server/store.h, whose rules hold here. */
#ifndef SERVER_STORE_EVENTS_H
#define SERVER_STORE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"
#include "server/store_job.h"

enum store_event_kind {
    EVENT_STATUS,
    EVENT_COST,
    EVENT_CHECKPOINT,
    EVENT_WARNING,
    EVENT_DONE,
    EVENT_KINDS_N
};
const char *store_event_name(enum store_event_kind kind); /* "status", ... */

struct store_event {
    int64_t seq;
    int64_t at_ms; /* 0 for cost */
    enum store_event_kind kind;
    struct store_point point; /* cost */
    char *document;           /* a JSON object (api/job_event.h); owned; NULL for cost */
};

/* The job's events with seq > after, in order, at most `limit` of them: a new array (pass
 * it to store_events_free). *last is the seq of its newest event at the same moment;
 * *ended: that one is its done event. ERR_NOT_FOUND when there is no such job. A range
 * lookup, however long the job's history is. */
bool store_events(struct store *s, const char *job_id, int64_t after, size_t limit,
                  struct store_event **events, size_t *n, int64_t *last, bool *ended,
                  struct err *e) __attribute__((warn_unused_result));
void store_events_free(struct store_event *events, size_t n);

#endif
