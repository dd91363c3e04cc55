/* All state of the daemon: jobs, their curves, model versions, and the bytes behind them.
 *
 * Every SQL statement of the project is in store*.c and schema.c. What a function
 * acknowledges with true is on disk (SQLite: WAL, synchronous=FULL). One `struct store`
 * is one connection: one thread at a time; threads and processes each open their own.
 * Times are milliseconds since 1970 and come from the caller. Errors: ERR_NOT_FOUND,
 * ERR_CONFLICT, ERR_STORAGE, ERR_BUSY, ERR_NO_MEMORY. */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

struct store;

/* Opens the store at `path`, creating it and bringing its schema up to date (under a
 * lock, so that several processes may start at once). A newer schema, or a file that is
 * something else, is refused with ERR_CONFLICT. */
struct store *store_open(const char *path, struct err *e)
    __attribute__((warn_unused_result));
void store_close(struct store *s); /* NULL is allowed */

/* Differs from the last answer when another connection has committed since. Cheap. */
int64_t store_change_counter(struct store *s);

/* ---- bytes ---------------------------------------------------------------------- */

enum { STORE_CHUNK_BYTES = 1 << 20, STORE_SHA256_TEXT = 65 };

/* The SHA-256 of bytes in lower-case hexadecimal, as it stands with blobs. */
void store_sha256(const void *bytes, size_t n, char text[STORE_SHA256_TEXT]);

/* Writes bytes in chunked rows, a short transaction each, and seals them with their
 * SHA-256. Bytes that are already there are found by it and not written again. A blob
 * that nothing refers to is swept after an hour. @return its id in *blob. */
bool store_blob_put(struct store *s, const void *bytes, size_t n, int64_t now_ms,
                    int64_t *blob, char sha256[STORE_SHA256_TEXT], struct err *e)
    __attribute__((warn_unused_result));

/* Reads a sealed blob into a new block aligned to 64 bytes (free() it) and checks its
 * SHA-256: ERR_STORAGE when that differs, ERR_NOT_FOUND when there is none. */
bool store_blob_get(struct store *s, int64_t blob, void **bytes, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

/* A blob that arrives in pieces: begin, add as often as need be, then end or abort. Each
 * full chunk is a short transaction; nothing else is held between the calls. */
struct store_blob_writer;
struct store_blob_writer *store_blob_begin(struct store *s, int64_t now_ms, struct err *e)
    __attribute__((warn_unused_result));
/* `s` is the calling thread's store: the calls may come from different threads in turn.
 * After a failure only abort is left. A blob that got no chunk for an hour is swept:
 * ERR_STORAGE. */
bool store_blob_add(struct store *s, struct store_blob_writer *w, const void *bytes,
                    size_t n, int64_t now_ms, struct err *e)
    __attribute__((warn_unused_result));
/* Seals it, as store_blob_put does, and frees the writer; a failure has dropped it all.
 */
bool store_blob_end(struct store *s, struct store_blob_writer *w, int64_t now_ms,
                    int64_t *blob, int64_t *bytes, char sha256[STORE_SHA256_TEXT],
                    struct err *e) __attribute__((warn_unused_result));
/* Drops what was written (best effort; the sweep takes the rest) and frees the writer. */
void store_blob_abort(struct store *s, struct store_blob_writer *w);

/* Reads a sealed blob chunk by chunk, in order, each passed to `take` (false ends it with
 * *e). The SHA-256 is checked at the end: ERR_STORAGE when it differs. */
typedef bool store_blob_take(void *context, const void *bytes, size_t n, struct err *e);
bool store_blob_each(struct store *s, int64_t blob, store_blob_take *take, void *context,
                     struct err *e) __attribute__((warn_unused_result));

/* Deletes blobs that nothing refers to and that are older than an hour. */
bool store_blob_sweep(struct store *s, int64_t now_ms, int64_t *deleted, struct err *e)
    __attribute__((warn_unused_result));

/* ---- jobs ----------------------------------------------------------------------- */

enum { STORE_ID_MAX = 40, STORE_NAME_MAX = 129, STORE_OWNER_MAX = 160 };

enum job_status {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_SUCCEEDED,
    JOB_FAILED,
    JOB_CANCELLED,
    JOB_STATUSES_N
};
const char *job_status_name(enum job_status status); /* "queued", ... */
bool job_status_find(const char *name, enum job_status *status);

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
    int64_t attempts; /* how often a worker has claimed it */
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
};

/* ERR_CONFLICT when the id exists. */
bool store_job_insert(struct store *s, const struct store_job_new *job, struct err *e)
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

/* A queued job becomes cancelled at once; a running one is asked to stop; a cancelled one
 * stays so. ERR_CONFLICT on one that has succeeded or failed. *job is the job after it.
 */
bool store_job_cancel(struct store *s, const char *id, int64_t now_ms,
                      struct store_job *job, struct err *e)
    __attribute__((warn_unused_result));

/* ---- a worker's side ------------------------------------------------------------ */

/* A claim is a lease on a job: `fence` grows with each claim, and every write below is
 * refused (ERR_CONFLICT: "lease lost") when the job's fence has moved on or it is no
 * longer running. */
struct store_claim {
    char job_id[STORE_ID_MAX];
    int64_t fence;
};

/* Takes the oldest job that is queued, or running with an expired lease. *found says
 * whether there was one. Its started_ms is set on the first claim only; epochs_done
 * returns to 0, cost and curve stay until they are written anew. A job whose cancellation
 * was requested before the claim becomes cancelled instead and the next one is taken. On
 * an error nothing is found. */
bool store_claim(struct store *s, const char *owner, int64_t now_ms, int64_t lease_ms,
                 struct store_claim *claim, bool *found, struct err *e)
    __attribute__((warn_unused_result));

struct store_point {
    int64_t epoch;
    double cost;
    double validation_cost; /* NaN: none; infinite: ERR_NUMERIC, as a cost would be */
};

/* One transaction: the lease to lease_until_ms, progress, and points (an epoch that is
 * already there is overwritten; the last point becomes the job's cost). *cancel: somebody
 * asked for it to stop. */
struct store_progress {
    int64_t now_ms, lease_until_ms;
    double epochs_done, training_seconds;
    const struct store_point *points;
    size_t points_n;
};
bool store_claim_progress(struct store *s, const struct store_claim *claim,
                          const struct store_progress *progress, bool *cancel,
                          struct err *e) __attribute__((warn_unused_result));

/* Whether the claim still stands and the job was asked to stop: one small read. */
bool store_claim_check(struct store *s, const struct store_claim *claim, bool *lost,
                       bool *cancel, struct err *e) __attribute__((warn_unused_result));

/* The end of a job, with its last points, in one transaction. For JOB_SUCCEEDED the next
 * version of its model is published with it, from the blob; *version tells which. */
struct store_outcome {
    enum job_status status; /* SUCCEEDED, FAILED or CANCELLED */
    const char *stop_reason;
    const char *error_code, *error_text; /* FAILED, else NULL */
    int64_t error_epoch;                 /* -1: none */
    int64_t model_blob;                  /* SUCCEEDED */
    const char *model_document;          /* SUCCEEDED: JSON, kept with the version */
    const char *warnings, *metrics;      /* JSON, or NULL; warnings NULL keeps them */
    struct store_progress progress;
};
bool store_claim_finish(struct store *s, const struct store_claim *claim,
                        const struct store_outcome *outcome, int64_t *version,
                        struct err *e) __attribute__((warn_unused_result));

/* The job goes back to the queue, in its old place (a drain, not a failure). */
bool store_claim_release(struct store *s, const struct store_claim *claim, struct err *e)
    __attribute__((warn_unused_result));

/* Puts back the running jobs of `owner`, a worker that is known to be dead. `crashed`: it
 * died by itself while its server lived. A job that was in hand at STORE_CRASHES_MAX such
 * deaths becomes failed with code "worker_crashed" instead. */
enum { STORE_CRASHES_MAX = 3 };
bool store_owner_dead(struct store *s, const char *owner, bool crashed, int64_t now_ms,
                      int64_t *released, struct err *e)
    __attribute__((warn_unused_result));

/* The owners of running jobs: a new array of *n new strings (free each and the array). */
bool store_owners(struct store *s, char ***owners, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

/* ---- curves --------------------------------------------------------------------- */

/* The job's points with epoch >= since_epoch, in order: at most max_points of them,
 * spread evenly over what there is, first and last always among them. *points is a new
 * array. */
bool store_history(struct store *s, const char *job_id, int64_t since_epoch,
                   size_t max_points, struct store_point **points, size_t *n,
                   struct err *e) __attribute__((warn_unused_result));

/* ---- models --------------------------------------------------------------------- */

struct store_version {
    char model[STORE_NAME_MAX];
    int64_t version; /* from 1; numbers are never used twice for one name */
    int64_t blob;
    char sha256[STORE_SHA256_TEXT];
    int64_t bytes;
    char job_id[STORE_ID_MAX]; /* "" when it came from no job */
    char *document;            /* JSON; owned: store_version_free */
    int64_t created_ms;
};
void store_version_free(struct store_version *v);

/* version 0 means the latest. */
bool store_version_get(struct store *s, const char *model, int64_t version,
                       struct store_version *v, struct err *e)
    __attribute__((warn_unused_result));

/* Versions of one model, newest first, or (model NULL) the latest version of each model,
 * by name. `after`: a version number as text, or a name; NULL for the start. */
bool store_versions_list(struct store *s, const char *model, const char *after,
                         size_t limit, struct store_version **versions, size_t *n,
                         bool *more, struct err *e) __attribute__((warn_unused_result));

/* Publishes a version that came from no job (an import). */
struct store_version_new {
    const char *model;
    int64_t blob;
    const char *document;
    int64_t now_ms;
};
bool store_version_add(struct store *s, const struct store_version_new *version,
                       int64_t *number, struct err *e)
    __attribute__((warn_unused_result));

/* Deletes one version. ERR_CONFLICT when an alias points to it, naming the alias. */
bool store_version_delete(struct store *s, const char *model, int64_t version,
                          struct err *e) __attribute__((warn_unused_result));

/* Aliases of a model's versions. `change` counts the moves of an alias, from 1: the value
 * for compare-and-swap. Each set is a move; the count goes on when the alias is deleted
 * and made anew. Names have no @ in them. */
struct store_alias {
    char model[STORE_NAME_MAX], alias[STORE_NAME_MAX];
    int64_t version, change, changed_ms;
};
/* Points the alias to `version` (which must exist: ERR_NOT_FOUND). expected_change: 0 it
 * must not exist yet, > 0 it must stand at that change, -1 whatever; ERR_CONFLICT
 * otherwise. */
bool store_alias_set(struct store *s, const char *model, const char *alias,
                     int64_t version, int64_t expected_change, int64_t now_ms,
                     struct store_alias *result, struct err *e)
    __attribute__((warn_unused_result));
bool store_alias_get(struct store *s, const char *model, const char *alias,
                     struct store_alias *result, struct err *e)
    __attribute__((warn_unused_result));
bool store_alias_delete(struct store *s, const char *model, const char *alias,
                        struct err *e) __attribute__((warn_unused_result));
/* Of one model, or of all (NULL), by model and alias: a new array (free it). */
bool store_aliases(struct store *s, const char *model, struct store_alias **aliases,
                   size_t *n, struct err *e) __attribute__((warn_unused_result));

/* ---- datasets -----------------------------------------------------------------------
 */

/* One revision of a dataset: one table, or features and targets apart. Content never
 * changes; a new upload is a new revision, numbered from 1, never the same twice for a
 * name. */
enum dataset_part { DATASET_TABLE, DATASET_FEATURES, DATASET_TARGETS, DATASET_PARTS_N };
struct store_part {
    int64_t blob; /* 0: this part is not there */
    int64_t bytes;
    char sha256[STORE_SHA256_TEXT];
    char *document; /* JSON: format and profile; owned; NULL when the part is not there */
};
struct store_dataset {
    char name[STORE_NAME_MAX];
    int64_t revision, created_ms;
    struct store_part parts[DATASET_PARTS_N];
};
void store_dataset_free(struct store_dataset *d);

/* Makes the next revision with this part. A table replaces everything; features or
 * targets keep the other one of the latest revision, and drop its table. *created: the
 * name was new. */
struct store_part_new {
    const char *name;
    enum dataset_part part;
    int64_t blob, bytes;
    const char *sha256, *document;
    int64_t now_ms;
    bool alone;       /* features or targets: drop the other one as well */
    bool expects;     /* ERR_CONFLICT unless the latest revision is this one: */
    int64_t expected; /* 0: none */
};
bool store_dataset_put(struct store *s, const struct store_part_new *part,
                       int64_t *revision, bool *created, struct err *e)
    __attribute__((warn_unused_result));

/* revision 0: the latest. ERR_NOT_FOUND. */
bool store_dataset_get(struct store *s, const char *name, int64_t revision,
                       struct store_dataset *d, struct err *e)
    __attribute__((warn_unused_result));

/* The latest revision of each dataset, by name, behind `after` (or NULL). Of the
 * documents only the first STORE_DOCUMENT_HEAD characters. */
enum { STORE_DOCUMENT_HEAD = 512 };
bool store_datasets_list(struct store *s, const char *after, size_t limit,
                         struct store_dataset **datasets, size_t *n, bool *more,
                         struct err *e) __attribute__((warn_unused_result));

/* Deletes all its revisions. Jobs that are queued or running on it keep their bytes. */
bool store_dataset_delete(struct store *s, const char *name, struct err *e)
    __attribute__((warn_unused_result));

/* Deletes a model with all its versions and aliases. ERR_NOT_FOUND when there is none. */
bool store_model_delete(struct store *s, const char *model, struct err *e)
    __attribute__((warn_unused_result));

#endif
