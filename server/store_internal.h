/* What the store's own files share. Nobody else includes this. */
#ifndef SERVER_STORE_INTERNAL_H
#define SERVER_STORE_INTERNAL_H

#include <nettle/sha2.h>

#include "server/db.h"
#include "server/store.h"

struct store {
    struct db *db;
    char *file; /* its path, where it is one; owned */
};

/* Ends a transaction: commits when ok, rolls back otherwise.
 * @return true only when it is on disk. */
bool store_commit_if(struct store *s, bool ok, struct err *e)
    __attribute__((warn_unused_result));

/* The next number of (kind, name), from 1; never the same twice. Inside a transaction. */
bool store_counter_next(struct store *s, const char *kind, const char *name,
                        int64_t *value, struct err *e)
    __attribute__((warn_unused_result));

/* The transaction is alone with the counter from here to its end. */
bool store_counter_lock(struct store *s, const char *kind, const char *name,
                        struct err *e) __attribute__((warn_unused_result));

/* Runs `sql` (a literal), whose only parameter is a name. */
bool store_name_delete(struct store *s, const char *sql, const char *name,
                       int64_t *changed, struct err *e)
    __attribute__((warn_unused_result));

/* Makes room for element n of an array of `size` bytes each; *capacity starts at 0. */
bool store_grow(void **array, size_t *capacity, size_t n, size_t size, struct err *e)
    __attribute__((warn_unused_result));

/* Into an array of `size` bytes. What is longer was never let in. */
void store_text_copy(char *into, size_t size, const char *text);

/* A new copy: free() it. NULL with ERR_NO_MEMORY. */
char *store_text_dup(const char *text, struct err *e) __attribute__((warn_unused_result));

/* limit + 1, as LIMIT takes it: one more row tells whether there are more. */
int64_t store_limit_plus_one(size_t limit);

/* The digest as text, which ends the hash. */
void store_sha256_text(struct sha256_ctx *hash, char text[STORE_SHA256_TEXT]);

/* ERR_NOT_FOUND unless the blob is there and sealed. Inside a transaction, to the end of
 * which it stays. */
bool store_blob_check(struct store *s, int64_t blob, struct err *e)
    __attribute__((warn_unused_result));

/* The job's place in the queue and the key of its curve and events; ERR_NOT_FOUND. */
bool store_job_number(struct store *s, const char *id, int64_t *number, struct err *e)
    __attribute__((warn_unused_result));

/* The same inside a transaction, which is alone with the job from here to its end. */
bool store_job_lock(struct store *s, const char *id, int64_t *number, struct err *e)
    __attribute__((warn_unused_result));

/* Sets ERR_NOT_FOUND.
 * @return false */
bool store_job_missing(const char *id, struct err *e);

/* ---- the end of a job's history: inside a transaction, all of it ---------------------
 */

struct store_tail {
    int64_t job; /* its number */
    int64_t seq; /* of the newest event; each that is written moves it on */
    int64_t at_ms;
};
/* `document`: JSON, or NULL with EVENT_DONE alone, which is read from its job's row. */
bool store_event_write(struct store *s, struct store_tail *tail,
                       enum store_event_kind kind, const char *document, struct err *e)
    __attribute__((warn_unused_result));
bool store_event_status(struct store *s, struct store_tail *tail, enum job_status status,
                        struct err *e) __attribute__((warn_unused_result));
/* One for each element of `after` that `before` (or NULL) does not hold. */
bool store_event_warnings(struct store *s, struct store_tail *tail, const char *before,
                          const char *after, struct err *e)
    __attribute__((warn_unused_result));
/* ERR_NUMERIC for a cost that is not finite. */
bool store_points_write(struct store *s, struct store_tail *tail,
                        const struct store_point *points, size_t n, struct err *e)
    __attribute__((warn_unused_result));
/* Notes in the job's row how far the tail has come. The last step of each transaction
 * that wrote an event. */
bool store_tail_save(struct store *s, const struct store_tail *tail, struct err *e)
    __attribute__((warn_unused_result));

/* ---- a worker's side: inside a transaction -------------------------------------------
 */

/* The machine's workers claim one after the other from here to the end. */
bool store_machine_lock(struct store *s, const char *machine, struct err *e)
    __attribute__((warn_unused_result));

/* ERR_CONFLICT.
 * @return false */
bool store_lease_lost(const struct store_claim *claim, struct err *e);

/* The condition that every write of a worker carries: $1 and $2 are the claim. A claim
 * that has been lost changes no row, and its transaction ends there. */
#define STORE_CLAIM_HOLDS " WHERE id = $1 AND fence = $2 AND status = 'running'"

/* What every write of a worker tells: binds $1 to $6 for this SET list and the condition.
 */
#define STORE_PROGRESS_SET                                                               \
    " epochs_done = $3, training_seconds = $4,"                                          \
    " cost = COALESCE($5, cost), cost_epoch = COALESCE($6, cost_epoch)"
void store_progress_bind(struct db_statement *q, const struct store_claim *claim,
                         const struct store_progress *progress);

/* The lease, progress and points; the tail is not saved yet. */
bool store_progress_write(struct store *s, const struct store_claim *claim,
                          const struct store_progress *progress, struct store_tail *tail,
                          enum store_wish *wish, struct err *e)
    __attribute__((warn_unused_result));

/* A job that no worker has in hand any longer: queued, paused or cancelled, as was asked
 * of it, with its event. `number` is that of a queued or running job. *ended may be NULL.
 */
bool store_put_back(struct store *s, int64_t number, int64_t now_ms, bool *ended,
                    struct err *e) __attribute__((warn_unused_result));

/* One more crash (not STORE_DEATH_TOLD) of the worker that has the running job in hand:
 * at the last one the job is failed, unless it was asked to stop. *ended says so. */
struct store_crash {
    int64_t job;
    enum store_death death;
    int64_t now_ms;
};
bool store_crash_count(struct store *s, const struct store_crash *crash, bool *ended,
                       struct err *e) __attribute__((warn_unused_result));

/* ---- blobs that go: ids, dropped after the commit
 * -------------------------------------*/

struct store_ids {
    int64_t *items; /* owned */
    size_t n, capacity;
};
bool store_ids_add(struct store_ids *ids, int64_t id, struct err *e)
    __attribute__((warn_unused_result));

/* Outside a transaction. Deletes those that nothing refers to and that nobody is about to
 * refer to, chunk by chunk, best effort: what is left is the sweep's. Frees the ids. */
void store_blobs_drop(struct store *s, struct store_ids *ids);

/* Inside a transaction. Deletes the job's checkpoints but the newest best one and the
 * newest `resumable_n` resumable ones, and adds their blobs to `ids`. */
bool store_checkpoints_thin(struct store *s, int64_t job, int64_t resumable_n,
                            struct store_ids *ids, struct err *e)
    __attribute__((warn_unused_result));

/* Publishes the next version of a model. Inside a transaction. */
struct store_publish {
    const char *model, *document, *job_id;
    int64_t blob, now_ms;
};
bool store_version_publish(struct store *s, const struct store_publish *publish,
                           int64_t *version, struct err *e)
    __attribute__((warn_unused_result));

/* Sets ERR_NOT_FOUND, of the whole model when version is 0.
 * @return false */
bool store_version_missing(const char *model, int64_t version, struct err *e);

#endif
