/* A worker's side of a job: claimed under a lease, held, ended. Part of server/store.h,
 * whose rules hold here. Leases go by the store's clock alone, whatever the worker's
 * says.
 *
 * Events (server/store_events.h) by function:
 *   store_claim              status "running" of the job that is taken; of those that it
 *                            passes by: done, or status "paused"
 *   store_claim_progress     cost, one for each new point
 *   store_claim_checkpoint   cost, then checkpoint, one each (server/store_checkpoint.h)
 *   store_claim_finish       cost, then a warning each that is new, then done
 *   store_claim_release,
 *   store_owner_dead         status "queued", or "paused" where the job was asked to
 *                            pause; done where it was asked to stop or has crashed too
 *                            often */
#ifndef SERVER_STORE_CLAIM_H
#define SERVER_STORE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"
#include "server/store_job.h"

/* A claim is a lease on a job: `fence` grows with each claim, and every write below is
 * refused (ERR_CONFLICT: "lease lost") when the job's fence has moved on or it is no
 * longer running. */
struct store_claim {
    char job_id[STORE_ID_MAX];
    int64_t fence;
    double epochs_done, training_seconds; /* where the training goes on from */
};

/* How often in a row a job may take its worker with it: a worker that died by itself, or
 * let its lease run out. Each checkpoint begins the count anew. At the last one the job
 * is failed with code "worker_crashed", or "out_of_memory" where that was its
 * end. */
enum { STORE_CRASHES_MAX = 3 };

/* A worker shows itself, so that others know what it has. Those that have not for
 * alive_ms, and do not train, are forgotten. */
struct store_worker {
    const char *owner;
    int64_t threads, memory_max; /* what store_claiming says */
    int64_t alive_ms;
};
bool store_worker_seen(struct store *s, const struct store_worker *worker, struct err *e)
    __attribute__((warn_unused_result));

/* Who claims, and what: a job that needs no more memory than there is room for, and asks
 * for no more threads than the worker has, unless nobody who lives, and has the memory,
 * has more than it. */
struct store_claiming {
    const char *owner;
    int64_t lease_ms;
    int64_t memory_max;     /* leave jobs that need more; 0: any */
    const char *machine;    /* what the owners on its machine begin with; or NULL */
    int64_t machine_memory; /* of all running jobs of these owners; a job may be alone in
                               any case */
    int64_t threads;        /* 0: any job will do */
    int64_t alive_ms;       /* whoever has shown itself since lives, and who trains */
    bool threads_exact;     /* others may not have shown themselves yet: leave jobs that
                               ask for more threads in any case */
    bool queued_only;       /* leave those that run under a lease that has run out */
};

/* Takes the job of the largest priority, of those that it may the oldest, that is queued,
 * or running with an expired lease. *found says whether there was one. Its started_ms is
 * set on the first claim only; epochs_done and training_seconds return to those of the
 * newest resumable checkpoint, or 0; cost and curve stay. Jobs with an expired lease that
 * were asked to stop or pause become cancelled or paused instead, and the next one is
 * taken. On an error nothing is found. */
bool store_claim(struct store *s, const struct store_claiming *claiming,
                 struct store_claim *claim, bool *found, struct err *e)
    __attribute__((warn_unused_result));

/* What somebody wishes of a running job; a cancellation outweighs a pause. */
enum store_wish { STORE_GO_ON, STORE_PAUSE, STORE_CANCEL };

/* One transaction: the lease, progress, and points. The last point becomes the job's
 * cost. A point whose epoch is there already is left as it is, in its old place among the
 * events: training that is resumed repeats it bit for bit. */
struct store_progress {
    int64_t lease_ms; /* from now on */
    double epochs_done, training_seconds;
    const struct store_point *points;
    size_t points_n;
};
bool store_claim_progress(struct store *s, const struct store_claim *claim,
                          const struct store_progress *progress, enum store_wish *wish,
                          struct err *e) __attribute__((warn_unused_result));

/* Whether the claim still stands and what is wished of it: one small read. */
bool store_claim_check(struct store *s, const struct store_claim *claim, bool *lost,
                       enum store_wish *wish, struct err *e)
    __attribute__((warn_unused_result));

/* The end of a job, with its last points, in one transaction. For JOB_SUCCEEDED the next
 * version of its model is published with it, from the blob, unless it has no document;
 * *version tells which, or 0. Of the checkpoints of a job that succeeded only the newest
 * best one stays. */
struct store_outcome {
    enum job_status status; /* SUCCEEDED, FAILED or CANCELLED */
    const char *stop_reason;
    const char *error_code, *error_text; /* FAILED, else NULL */
    int64_t error_epoch;                 /* -1: none */
    int64_t model_blob;                  /* SUCCEEDED */
    const char *model_document;          /* SUCCEEDED: JSON, kept with the version; NULL:
                                            there is none */
    const char *warnings, *metrics;      /* JSON, or NULL; warnings NULL keeps them */
    struct store_progress progress;      /* its lease says nothing */
};
bool store_claim_finish(struct store *s, const struct store_claim *claim,
                        const struct store_outcome *outcome, int64_t *version,
                        struct err *e) __attribute__((warn_unused_result));

/* The job goes back to the queue, in its old place (a drain, not a failure); where it was
 * asked to pause it is paused, where it was asked to stop it is cancelled. */
bool store_claim_release(struct store *s, const struct store_claim *claim, struct err *e)
    __attribute__((warn_unused_result));

/* How a worker came to its end. */
enum store_death {
    STORE_DEATH_TOLD,  /* it was told to, or its server died: that does not count */
    STORE_DEATH_CRASH, /* by itself while its server lived */
    STORE_DEATH_MEMORY /* the system killed it for want of memory: a crash, too */
};

/* Puts back the running jobs of `owner`, a worker that is known to be dead, as a release
 * does. *released: how many did not end by it. */
bool store_owner_dead(struct store *s, const char *owner, enum store_death death,
                      int64_t now_ms, int64_t *released, struct err *e)
    __attribute__((warn_unused_result));

/* The owners of running jobs: a new array of *n new strings (free each and the array). */
bool store_owners(struct store *s, char ***owners, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

#endif
