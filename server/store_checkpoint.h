/* Checkpoints of a job: facts in rows, bytes in blobs. Part of server/store.h, whose
 * rules hold here. Of a job that has not succeeded the newest best and the newest two
 * resumable ones are kept, of one that has succeeded the newest best. */
#ifndef SERVER_STORE_CHECKPOINT_H
#define SERVER_STORE_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"
#include "server/store_claim.h"

struct store_checkpoint {
    int64_t number; /* 1, 2, ... of its job; never the same twice */
    int64_t epoch;
    double epochs_done;
    double cost, validation_cost; /* NaN: none */
    double training_seconds;
    int64_t blob, bytes;
    int64_t created_ms;
    bool best;      /* the parameters of the best epoch so far */
    bool resumable; /* the trainer's whole state */
};

/* One transaction: what store_claim_progress does, a row and an event for each of `items`
 * (their number and created_ms are filled in), and the count of crashes begins anew. The
 * blobs of those that are kept no longer go right after it, unless something else has the
 * same bytes. Those that stand already, by epoch and blob, are not written again: the
 * same call may follow one of which nobody knows what it did. ERR_NOT_FOUND when a blob
 * is not there. */
bool store_claim_checkpoint(struct store *s, const struct store_claim *claim,
                            const struct store_progress *progress,
                            struct store_checkpoint *items, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* Those that are kept, oldest first: a new array (free it). ERR_NOT_FOUND: no such job.
 */
bool store_checkpoints(struct store *s, const char *job_id,
                       struct store_checkpoint **list, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

/* number 0: the newest resumable one. ERR_NOT_FOUND. */
bool store_checkpoint_get(struct store *s, const char *job_id, int64_t number,
                          struct store_checkpoint *c, struct err *e)
    __attribute__((warn_unused_result));

/* The newest best one. ERR_NOT_FOUND. */
bool store_checkpoint_best(struct store *s, const char *job_id,
                           struct store_checkpoint *c, struct err *e)
    __attribute__((warn_unused_result));

#endif
