/* The end of a job by its worker: what became of it, and the version that comes of it. */
#include "server/store.h"

#include <assert.h>
#include <stdlib.h>

#include "server/store_internal.h"

/* The job's row as the outcome needs it. */
struct ending {
    struct store_tail tail;
    char model[STORE_NAME_MAX];
    char *warnings_before; /* owned; NULL: none */
};

static bool ending_read(struct store *s, const struct store_claim *claim,
                        struct ending *ending, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "SELECT number, events, model, warnings FROM jobs" STORE_CLAIM_HOLDS
                   " FOR UPDATE",
                   e);
    if (!q)
        return false;
    db_bind_text(q, 1, claim->job_id);
    db_bind_int(q, 2, claim->fence);
    enum db_step step = db_step(q, e);
    bool ok = step == DB_ROW;
    if (ok) {
        ending->tail = (struct store_tail){.job = db_int(q, 0), .seq = db_int(q, 1)};
        store_text_copy(ending->model, sizeof ending->model, db_text(q, 2));
        if (!db_is_null(q, 3))
            ok = (ending->warnings_before = store_text_dup(db_text(q, 3), e));
    }
    db_end(q);
    if (step == DB_DONE)
        return store_lease_lost(claim, e);
    return ok && db_now_ms(s->db, &ending->tail.at_ms, e);
}

static bool outcome_write(struct store *s, const struct store_claim *claim,
                          const struct store_outcome *o, int64_t now_ms, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        "UPDATE jobs SET status = $7, finished_ms = $8, stop_reason = $9,"
        " error_code = $10, error_text = $11, error_epoch = $12,"
        " warnings = COALESCE($13, warnings), metrics = $14, hold = 0,"
        " owner = '', lease_until_ms = 0," STORE_PROGRESS_SET STORE_CLAIM_HOLDS,
        e);
    if (!q)
        return false;
    store_progress_bind(q, claim, &o->progress);
    db_bind_text(q, 7, job_status_name(o->status));
    db_bind_int(q, 8, now_ms);
    db_bind_text(q, 9, o->stop_reason ? o->stop_reason : "");
    db_bind_text(q, 10, o->error_code ? o->error_code : "");
    db_bind_text(q, 11, o->error_text ? o->error_text : "");
    db_bind_int(q, 12, o->error_epoch);
    db_bind_text(q, 13, o->warnings);
    db_bind_text(q, 14, o->metrics);
    return db_run(q, NULL, e);
}

static bool version_note(struct store *s, int64_t number, int64_t version,
                         struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, "UPDATE jobs SET model_version = $2 WHERE number = $1", e);
    if (!q)
        return false;
    db_bind_int(q, 1, number);
    db_bind_int(q, 2, version);
    return db_run(q, NULL, e);
}

/* The version is the result: what it took to get there may go. Who has trained nothing
 * has none. */
static bool succeed(struct store *s, const struct store_claim *claim,
                    const struct store_outcome *o, const struct ending *ending,
                    int64_t *version, struct store_ids *blobs, struct err *e) {
    const struct store_publish publish = {
        .model = ending->model,
        .document = o->model_document,
        .job_id = claim->job_id,
        .blob = o->model_blob,
        .now_ms = ending->tail.at_ms,
    };
    bool published =
        !publish.document || (store_version_publish(s, &publish, version, e) &&
                              version_note(s, ending->tail.job, *version, e));
    return published && store_checkpoints_thin(s, ending->tail.job, 0, blobs, e);
}

static bool events_write(struct store *s, const struct store_outcome *o,
                         struct ending *ending, struct err *e) {
    struct store_tail *tail = &ending->tail;
    return store_points_write(s, tail, o->progress.points, o->progress.points_n, e) &&
           (!o->warnings ||
            store_event_warnings(s, tail, ending->warnings_before, o->warnings, e)) &&
           store_event_write(s, tail, EVENT_DONE, NULL, e) && store_tail_save(s, tail, e);
}

static bool finish_locked(struct store *s, const struct store_claim *claim,
                          const struct store_outcome *o, int64_t *version,
                          struct store_ids *blobs, struct err *e) {
    struct ending ending = {0};
    bool succeeded = o->status == JOB_SUCCEEDED, publishes = o->model_document;
    bool ok = ending_read(s, claim, &ending, e) &&
              outcome_write(s, claim, o, ending.tail.at_ms, e) &&
              events_write(s, o, &ending, e) &&
              (!succeeded || succeed(s, claim, o, &ending, version, blobs, e)) &&
              db_notify(s->db, STORE_HINT_JOBS | (publishes ? STORE_HINT_MODELS : 0U), e);
    free(ending.warnings_before);
    return ok;
}

bool store_claim_finish(struct store *s, const struct store_claim *claim,
                        const struct store_outcome *outcome, int64_t *version,
                        struct err *e) {
    assert(outcome->status == JOB_SUCCEEDED || outcome->status == JOB_FAILED ||
           outcome->status == JOB_CANCELLED);
    struct store_ids blobs = {0};
    *version = 0;
    bool ok = db_begin(s->db, e) &&
              store_commit_if(s, finish_locked(s, claim, outcome, version, &blobs, e), e);
    if (!ok)
        blobs.n = 0;
    store_blobs_drop(s, &blobs);
    return ok;
}
