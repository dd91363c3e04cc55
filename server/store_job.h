/* Jobs as a client sees and steers them, and their curves. Part of server/store.h, whose
 * rules hold here.
 *
 * Each job has one sequence of events (server/store_events.h). They are written in the
 * transaction that makes them true:
 *   store_job_insert         status "queued", then a warning each
 *   store_job_pause          status "paused" of a queued job; a running one is only asked
 *   store_job_resume         status "queued" of a paused job
 *   store_job_cancel         done, of a job that is not running; a running one is only
 *                            asked
 * and by a worker's side as store_claim.h and store_checkpoint.h say. */
#ifndef SERVER_STORE_JOB_H
#define SERVER_STORE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

struct store;

enum { STORE_ID_MAX = 40, STORE_NAME_MAX = 129, STORE_OWNER_MAX = 160 };

enum job_status {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_PAUSED,
    JOB_SUCCEEDED,
    JOB_FAILED,
    JOB_CANCELLED,
    JOB_STATUSES_N
};
const char *job_status_name(enum job_status status); /* "queued", ... */
bool job_status_find(const char *name, enum job_status *status);
bool job_status_ended(enum job_status status); /* succeeded, failed or cancelled */

/* A job as it stands. Heap strings are owned: store_job_free. */
struct store_job {
    char id[STORE_ID_MAX];
    char model[STORE_NAME_MAX];
    enum job_status status;
    char *hyperparameters;                            /* the resolved JSON document */
    char *metadata;                                   /* JSON, or NULL */
    int64_t data_blob, targets_blob;                  /* 0: no targets apart */
    int64_t validation_blob, validation_targets_blob; /* 0: none */
    char *warnings;                                   /* JSON array, or NULL */
    char *metrics; /* JSON object, or NULL; set when the job ends */
    int64_t created_ms;
    int64_t started_ms;  /* 0: not yet */
    int64_t finished_ms; /* 0: not yet */
    int64_t epochs;      /* how many were asked for */
    double epochs_done;  /* fractional */
    bool cost_known;
    double cost; /* the last point's */
    int64_t cost_epoch;
    double training_seconds;
    char stop_reason[32]; /* "", "completed", "cancelled", "diverged", ... */
    char error_code[32];  /* "" unless failed */
    char error_text[ERR_TEXT_MAX];
    int64_t error_epoch;   /* -1: none */
    int64_t model_version; /* 0: none */
    bool cancel_requested;
    bool pause_requested; /* it runs still, and was asked to pause */
    int64_t priority;     /* the larger one is claimed first */
    int64_t attempts;     /* how often a worker has claimed it */
    int64_t memory_bytes; /* what it was estimated to need; 0: not known */
    int64_t threads;      /* that its worker should have; 0: any number */
    int64_t checkpoint; /* the number of the newest, whether it is kept or not; 0: none */
    int64_t events;     /* seq of the newest */
};
void store_job_free(struct store_job *job);

struct store_job_new {
    const char *id, *model;
    const char *hyperparameters;
    const char *metadata;    /* or NULL */
    const char *warnings;    /* JSON array of what is known beforehand, or NULL */
    int64_t data_blob;       /* inline data, or the dataset's table or features */
    int64_t targets_blob;    /* the dataset's targets apart; 0: none */
    int64_t validation_blob; /* the validation dataset's table or features; 0: none */
    int64_t validation_targets_blob; /* its targets apart; 0: none */
    int64_t epochs, created_ms;
    int64_t priority, memory_bytes, threads;
    const char *idempotency_key; /* or NULL */
    const char *body_sha256;     /* with a key: of the request that the key stands for */
    int64_t queued_max;          /* how many may wait; 0: no bound */
};

/* Puts the job into the queue. `id` gets its id, and may be the text
 * that job->id is. *replayed: the key is known with the
 * same body; `id` is then that job's, in whatever state it is, and nothing was inserted.
 * ERR_CONFLICT when the key came with another body or the id exists; ERR_BUSY when
 * queued_max jobs wait already (paused ones apart); ERR_NOT_FOUND when a blob is gone. A
 * key lives as long as its job. Where a connection is lost and there is another at once,
 * that one tells whether the job was committed; else ERR_UNAVAILABLE leaves it open. */
bool store_job_insert(struct store *s, const struct store_job_new *job,
                      char id[STORE_ID_MAX], bool *replayed, struct err *e)
    __attribute__((warn_unused_result));

/* The two checks of store_job_insert by themselves, to look before the costly work: it
 * decides anew. */
bool store_job_replay(struct store *s, const char *key, const char *body_sha256,
                      char id[STORE_ID_MAX], bool *found, struct err *e)
    __attribute__((warn_unused_result));
bool store_job_room(struct store *s, int64_t queued_max, struct err *e)
    __attribute__((warn_unused_result));

bool store_job_get(struct store *s, const char *id, struct store_job *job, struct err *e)
    __attribute__((warn_unused_result));

struct store_jobs_query {
    int status;        /* an enum job_status, or -1 for all */
    const char *model; /* or NULL */
    const char
        *after; /* an id: what comes behind it; or NULL. ERR_NOT_FOUND if unknown */
    size_t limit;
};
/* Newest first. *jobs is a new array of *n (free each and the array); *more: there are
 * others behind them. */
bool store_jobs_list(struct store *s, const struct store_jobs_query *query,
                     struct store_job **jobs, size_t *n, bool *more, struct err *e)
    __attribute__((warn_unused_result));

/* Counts of all jobs by status. */
bool store_jobs_count(struct store *s, int64_t counts[JOB_STATUSES_N], struct err *e)
    __attribute__((warn_unused_result));

/* ---- control --------------------------------------------------------------------
 * Each may be said again and again. *job is the job after it; nothing is to be freed on
 * failure. ERR_NOT_FOUND; ERR_CONFLICT when the job has ended already, naming how. */

/* A job that is queued or paused becomes cancelled at once; a running one is asked to
 * stop; a cancelled one stays so, without an error. */
bool store_job_cancel(struct store *s, const char *id, int64_t now_ms,
                      struct store_job *job, struct err *e)
    __attribute__((warn_unused_result));

/* A queued job is paused at once; a running one is asked to pause, unless it was asked to
 * stop before. */
bool store_job_pause(struct store *s, const char *id, int64_t now_ms,
                     struct store_job *job, struct err *e)
    __attribute__((warn_unused_result));

/* A paused job is queued again, in its old place; what a running one was asked is
 * withdrawn. */
bool store_job_resume(struct store *s, const char *id, int64_t now_ms,
                      struct store_job *job, struct err *e)
    __attribute__((warn_unused_result));

/* Deletes a job that has ended, with its curve, events, checkpoints and key, and the
 * blobs that nothing else refers to. Its model versions stay. Long curves and large blobs
 * go in several short transactions, the job itself in one: a deletion that breaks off may
 * have taken some of the curve's end, and is to be said again. ERR_CONFLICT unless it has
 * ended, naming its status. */
bool store_job_delete(struct store *s, const char *id, struct err *e)
    __attribute__((warn_unused_result));

/* ---- curves --------------------------------------------------------------------- */

struct store_point {
    int64_t epoch;
    double cost;
    double validation_cost; /* NaN: none; infinite: ERR_NUMERIC, as a cost would be */
};

/* The job's points with epoch >= since_epoch, in order: at most max_points of them,
 * spread evenly over what there is, first and last always among them. *points is a new
 * array. */
bool store_history(struct store *s, const char *job_id, int64_t since_epoch,
                   size_t max_points, struct store_point **points, size_t *n,
                   struct err *e) __attribute__((warn_unused_result));

#endif
