#include "server/store.h"

#include <math.h>
#include <stdlib.h>

#include "api/job_event.h"
#include "server/store_internal.h"

enum { RESUMABLE_KEPT = 2 };

/* ---- writing -------------------------------------------------------------------- */

static void cost_bind(struct db_statement *q, int index, double cost) {
    if (isnan(cost))
        db_bind_null(q, index);
    else
        db_bind_double(q, index, cost);
}

static bool row_insert(struct store *s, int64_t job, const struct store_checkpoint *c,
                       struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        "INSERT INTO checkpoints (job, number, epoch, epochs_done, cost, validation_cost,"
        " training_seconds, blob, bytes, created_ms, best, resumable)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        e);
    if (!q)
        return false;
    db_bind_int(q, 1, job);
    db_bind_int(q, 2, c->number);
    db_bind_int(q, 3, c->epoch);
    db_bind_double(q, 4, c->epochs_done);
    cost_bind(q, 5, c->cost);
    cost_bind(q, 6, c->validation_cost);
    db_bind_double(q, 7, c->training_seconds);
    db_bind_int(q, 8, c->blob);
    db_bind_int(q, 9, c->bytes);
    db_bind_int(q, 10, c->created_ms);
    db_bind_int(q, 11, c->best);
    db_bind_int(q, 12, c->resumable);
    return db_run(q, NULL, e);
}

static bool event_write(struct store *s, struct store_tail *tail,
                        const struct store_checkpoint *c, struct err *e) {
    const struct checkpoint_view view = {
        .number = c->number,
        .epoch = c->epoch,
        .bytes = c->bytes,
        .created_ms = c->created_ms,
        .epochs_done = c->epochs_done,
        .cost = c->cost,
        .validation_cost = c->validation_cost,
        .best = c->best,
        .resumable = c->resumable,
    };
    struct text text = {0};
    checkpoint_document_encode(&view, &text);
    char *document = text_take(&text);
    bool ok = document
                  ? store_event_write(s, tail, EVENT_CHECKPOINT, document, e)
                  : err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a checkpoint");
    free(document);
    return ok;
}

/* The job's row; *first is the number of the first of n new ones. */
static bool numbers_take(struct store *s, int64_t job, size_t n, int64_t *first,
                         struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "UPDATE jobs SET checkpoint = checkpoint + $2, crashes = 0"
                   " WHERE number = $1 RETURNING checkpoint",
                   e);
    if (!q)
        return false;
    db_bind_int(q, 1, job);
    db_bind_int(q, 2, (int64_t)n);
    bool ok = db_step(q, e) == DB_ROW;
    if (ok)
        *first = db_int(q, 0) - (int64_t)n + 1;
    db_end(q);
    return ok;
}

/* An earlier call's answer may have been lost, the call not. */
static bool stands_already(struct store *s, int64_t job, const struct store_checkpoint *c,
                           bool *stands, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db, "SELECT 1 FROM checkpoints WHERE job = $1 AND blob = $2 AND epoch = $3",
        e);
    if (!q)
        return false;
    db_bind_int(q, 1, job);
    db_bind_int(q, 2, c->blob);
    db_bind_int(q, 3, c->epoch);
    enum db_step step = db_step(q, e);
    *stands = step == DB_ROW;
    db_end(q);
    return step != DB_FAILED;
}

static bool items_write(struct store *s, struct store_tail *tail,
                        struct store_checkpoint *items, size_t n, struct err *e) {
    int64_t first;
    bool stands = false; /* all of them do, when the last one does */
    if (n && !stands_already(s, tail->job, &items[n - 1], &stands, e))
        return false;
    if (stands)
        return true;
    if (!numbers_take(s, tail->job, n, &first, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        items[i].number = first + (int64_t)i;
        items[i].created_ms = tail->at_ms;
        if (!store_blob_check(s, items[i].blob, e) ||
            !row_insert(s, tail->job, &items[i], e) ||
            !event_write(s, tail, &items[i], e))
            return false;
    }
    return true;
}

bool store_checkpoints_thin(struct store *s, int64_t job, int64_t resumable_n,
                            struct store_ids *ids, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "DELETE FROM checkpoints WHERE job = $1 AND number <> COALESCE("
                   "(SELECT max(b.number) FROM checkpoints b"
                   " WHERE b.job = $1 AND b.best = 1), 0) AND number NOT IN"
                   " (SELECT r.number FROM checkpoints r WHERE r.job = $1"
                   "  AND r.resumable = 1 ORDER BY r.number DESC LIMIT $2)"
                   " RETURNING blob",
                   e);
    if (!q)
        return false;
    db_bind_int(q, 1, job);
    db_bind_int(q, 2, resumable_n);
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok)
        ok = store_ids_add(ids, db_int(q, 0), e);
    db_end(q);
    return ok && step != DB_FAILED;
}

static bool checkpoint_locked(struct store *s, const struct store_claim *claim,
                              const struct store_progress *progress,
                              struct store_checkpoint *items, size_t n,
                              struct store_ids *blobs, struct err *e) {
    struct store_tail tail;
    enum store_wish ignored; /* the next look tells */
    return store_progress_write(s, claim, progress, &tail, &ignored, e) &&
           items_write(s, &tail, items, n, e) && store_tail_save(s, &tail, e) &&
           store_checkpoints_thin(s, tail.job, RESUMABLE_KEPT, blobs, e);
}

bool store_claim_checkpoint(struct store *s, const struct store_claim *claim,
                            const struct store_progress *progress,
                            struct store_checkpoint *items, size_t n, struct err *e) {
    struct store_ids blobs = {0};
    bool ok =
        db_begin(s->db, e) &&
        store_commit_if(s, checkpoint_locked(s, claim, progress, items, n, &blobs, e), e);
    if (!ok)
        blobs.n = 0;
    store_blobs_drop(s, &blobs);
    return ok;
}

/* ---- reading -------------------------------------------------------------------- */

#define CHECKPOINT_SELECT                                                                \
    "SELECT number, epoch, epochs_done, cost, validation_cost, training_seconds, blob,"  \
    " bytes, created_ms, best, resumable FROM checkpoints WHERE job = $1"

static struct store_checkpoint row_read(struct db_statement *q) {
    return (struct store_checkpoint){
        .number = db_int(q, 0),
        .epoch = db_int(q, 1),
        .epochs_done = db_double(q, 2),
        .cost = db_is_null(q, 3) ? (double)NAN : db_double(q, 3),
        .validation_cost = db_is_null(q, 4) ? (double)NAN : db_double(q, 4),
        .training_seconds = db_double(q, 5),
        .blob = db_int(q, 6),
        .bytes = db_int(q, 7),
        .created_ms = db_int(q, 8),
        .best = db_int(q, 9) != 0,
        .resumable = db_int(q, 10) != 0,
    };
}

bool store_checkpoints(struct store *s, const char *job_id,
                       struct store_checkpoint **list, size_t *n, struct err *e) {
    int64_t job;
    *list = NULL;
    *n = 0;
    if (!store_job_number(s, job_id, &job, e))
        return false;
    struct db_statement *q = db_prepare(s->db, CHECKPOINT_SELECT " ORDER BY number", e);
    if (!q)
        return false;
    db_bind_int(q, 1, job);
    void *array = NULL;
    size_t count = 0, capacity = 0;
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok) {
        ok = store_grow(&array, &capacity, count, sizeof **list, e);
        if (ok)
            ((struct store_checkpoint *)array)[count++] = row_read(q);
    }
    db_end(q);
    if (!ok || step == DB_FAILED) {
        free(array);
        return false;
    }
    *list = array;
    *n = count;
    return true;
}

/* `q` (NULL: it failed) has one row at most. */
static bool one_read(struct db_statement *q, int64_t job, struct store_checkpoint *c,
                     bool *found, struct err *e) {
    if (!q)
        return false;
    db_bind_int(q, 1, job);
    enum db_step step = db_step(q, e);
    *found = step == DB_ROW;
    if (*found)
        *c = row_read(q);
    db_end(q);
    return step != DB_FAILED;
}

bool store_checkpoint_get(struct store *s, const char *job_id, int64_t number,
                          struct store_checkpoint *c, struct err *e) {
    int64_t job;
    bool found;
    if (!store_job_number(s, job_id, &job, e))
        return false;
    struct db_statement *q =
        number ? db_prepare(s->db, CHECKPOINT_SELECT " AND number = $2", e)
               : db_prepare(s->db,
                            CHECKPOINT_SELECT
                            " AND resumable = 1 ORDER BY number DESC LIMIT 1",
                            e);
    if (q && number)
        db_bind_int(q, 2, number);
    if (!one_read(q, job, c, &found, e))
        return false;
    if (found)
        return true;
    return number ? err_set(e, ERR_NOT_FOUND, NULL, "job %s keeps no checkpoint %lld",
                            job_id, (long long)number)
                  : err_set(e, ERR_NOT_FOUND, NULL,
                            "job %s keeps no checkpoint to go on from", job_id);
}

bool store_checkpoint_best(struct store *s, const char *job_id,
                           struct store_checkpoint *c, struct err *e) {
    int64_t job;
    bool found;
    if (!store_job_number(s, job_id, &job, e))
        return false;
    struct db_statement *q = db_prepare(
        s->db, CHECKPOINT_SELECT " AND best = 1 ORDER BY number DESC LIMIT 1", e);
    if (!one_read(q, job, c, &found, e))
        return false;
    return found || err_set(e, ERR_NOT_FOUND, NULL,
                            "job %s keeps no checkpoint of its best epoch", job_id);
}
