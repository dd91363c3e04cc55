/* A worker's side. Every write names the job, the fence and the status 'running' in its
 * WHERE: a claim that has been lost changes no row, and its transaction ends there. */
#include "server/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_internal.h"

static bool lease_lost(const struct store_claim *claim, struct err *e) {
    return err_set(e, ERR_CONFLICT, NULL, "lease lost: job %s, fence %lld", claim->job_id,
                   (long long)claim->fence);
}

/* ---- claiming ------------------------------------------------------------------- */

struct candidate {
    struct store_claim claim; /* the fence as it stands */
    bool cancel;
};

/* Two lookups at the ends of one index, however long the queue is. */
static bool candidate_find(struct store *s, int64_t now_ms, struct candidate *c,
                           bool *found, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "SELECT id, fence, cancel_requested FROM jobs WHERE number ="
                   " (SELECT min(c.number) FROM"
                   "  (SELECT min(number) AS number FROM jobs WHERE status = 'queued'"
                   "   UNION ALL SELECT min(number) AS number FROM jobs"
                   "   WHERE status = 'running' AND lease_until_ms <= $1) AS c)",
                   e);
    if (!q)
        return false;
    db_bind_int(q, 1, now_ms);
    enum db_step step = db_step(q, e);
    *found = step == DB_ROW;
    if (*found) {
        store_text_copy(c->claim.job_id, sizeof c->claim.job_id, db_text(q, 0));
        c->claim.fence = db_int(q, 1);
        c->cancel = db_int(q, 2) != 0;
    }
    db_end(q);
    return step != DB_FAILED;
}

static bool candidate_cancel(struct store *s, const struct candidate *c, int64_t now_ms,
                             struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "UPDATE jobs SET status = 'cancelled', stop_reason = 'cancelled',"
                   " finished_ms = $3, owner = '', lease_until_ms = 0"
                   " WHERE id = $1 AND fence = $2",
                   e);
    if (!q)
        return false;
    db_bind_text(q, 1, c->claim.job_id);
    db_bind_int(q, 2, c->claim.fence);
    db_bind_int(q, 3, now_ms);
    return db_run(q, NULL, e);
}

struct lease {
    const char *owner;
    int64_t now_ms, until_ms;
};

static bool candidate_take(struct store *s, const struct candidate *c,
                           const struct lease *lease, struct store_claim *claim,
                           struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        "UPDATE jobs SET status = 'running', fence = fence + 1, attempts = attempts + 1,"
        " owner = $3, lease_until_ms = $4, epochs_done = 0,"
        " started_ms = CASE started_ms WHEN 0 THEN $5 ELSE started_ms END"
        " WHERE id = $1 AND fence = $2",
        e);
    if (!q)
        return false;
    db_bind_text(q, 1, c->claim.job_id);
    db_bind_int(q, 2, c->claim.fence);
    db_bind_text(q, 3, lease->owner);
    db_bind_int(q, 4, lease->until_ms);
    db_bind_int(q, 5, lease->now_ms);
    *claim = c->claim;
    claim->fence++;
    return db_run(q, NULL, e);
}

static bool claim_locked(struct store *s, const struct lease *lease,
                         struct store_claim *claim, bool *found, struct err *e) {
    struct candidate c;
    for (;;) {
        if (!candidate_find(s, lease->now_ms, &c, found, e))
            return false;
        if (!*found)
            return true;
        if (!c.cancel)
            return candidate_take(s, &c, lease, claim, e);
        if (!candidate_cancel(s, &c, lease->now_ms, e))
            return false;
    }
}

bool store_claim(struct store *s, const char *owner, int64_t now_ms, int64_t lease_ms,
                 struct store_claim *claim, bool *found, struct err *e) {
    assert(strlen(owner) < STORE_OWNER_MAX);
    /* A worker that looks into an empty queue must not take the write lock for it. */
    struct candidate c;
    *found = false;
    if (!candidate_find(s, now_ms, &c, found, e))
        return false;
    if (!*found)
        return true;
    const struct lease lease = {owner, now_ms, now_ms + lease_ms};
    bool ok = db_begin(s->db, e) &&
              store_commit_if(s, claim_locked(s, &lease, claim, found, e), e);
    *found = *found && ok;
    return ok;
}

/* ---- holding -------------------------------------------------------------------- */

/* Binds $1 to $6: the claim and the progress that every write of a worker carries. */
static void bind_progress(struct db_statement *q, const struct store_claim *claim,
                          const struct store_progress *p) {
    db_bind_text(q, 1, claim->job_id);
    db_bind_int(q, 2, claim->fence);
    db_bind_double(q, 3, p->epochs_done);
    db_bind_double(q, 4, p->training_seconds);
    if (p->points_n) {
        db_bind_double(q, 5, p->points[p->points_n - 1].cost);
        db_bind_int(q, 6, p->points[p->points_n - 1].epoch);
    } else {
        db_bind_null(q, 5);
        db_bind_null(q, 6);
    }
}

#define PROGRESS_SET                                                                     \
    " epochs_done = $3, training_seconds = $4,"                                          \
    " cost = COALESCE($5, cost), cost_epoch = COALESCE($6, cost_epoch)"
#define CLAIM_HOLDS " WHERE id = $1 AND fence = $2 AND status = 'running'"

static bool progress_locked(struct store *s, const struct store_claim *claim,
                            const struct store_progress *p, bool *cancel, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "UPDATE jobs SET lease_until_ms = $7," PROGRESS_SET CLAIM_HOLDS
                   " RETURNING number, cancel_requested",
                   e);
    if (!q)
        return false;
    bind_progress(q, claim, p);
    db_bind_int(q, 7, p->lease_until_ms);
    enum db_step step = db_step(q, e);
    int64_t number = step == DB_ROW ? db_int(q, 0) : 0;
    *cancel = step == DB_ROW && db_int(q, 1) != 0;
    db_end(q);
    if (step == DB_DONE)
        return lease_lost(claim, e);
    return step == DB_ROW && store_points_write(s, number, p->points, p->points_n, e);
}

bool store_claim_progress(struct store *s, const struct store_claim *claim,
                          const struct store_progress *progress, bool *cancel,
                          struct err *e) {
    return db_begin(s->db, e) &&
           store_commit_if(s, progress_locked(s, claim, progress, cancel, e), e);
}

bool store_claim_check(struct store *s, const struct store_claim *claim, bool *lost,
                       bool *cancel, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, "SELECT cancel_requested FROM jobs" CLAIM_HOLDS, e);
    if (!q)
        return false;
    db_bind_text(q, 1, claim->job_id);
    db_bind_int(q, 2, claim->fence);
    enum db_step step = db_step(q, e);
    *lost = step == DB_DONE;
    *cancel = step == DB_ROW && db_int(q, 0) != 0;
    db_end(q);
    return step != DB_FAILED;
}

/* ---- ending --------------------------------------------------------------------- */

static bool outcome_write(struct store *s, const struct store_claim *claim,
                          const struct store_outcome *o, int64_t *number, char *model,
                          struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "UPDATE jobs SET status = $7, finished_ms = $8, stop_reason = $9,"
                   " error_code = $10, error_text = $11, error_epoch = $12,"
                   " warnings = COALESCE($13, warnings), metrics = $14,"
                   " owner = '', lease_until_ms = 0," PROGRESS_SET CLAIM_HOLDS
                   " RETURNING number, model",
                   e);
    if (!q)
        return false;
    bind_progress(q, claim, &o->progress);
    db_bind_text(q, 7, job_status_name(o->status));
    db_bind_int(q, 8, o->progress.now_ms);
    db_bind_text(q, 9, o->stop_reason ? o->stop_reason : "");
    db_bind_text(q, 10, o->error_code ? o->error_code : "");
    db_bind_text(q, 11, o->error_text ? o->error_text : "");
    db_bind_int(q, 12, o->error_epoch);
    db_bind_text(q, 13, o->warnings);
    db_bind_text(q, 14, o->metrics);
    enum db_step step = db_step(q, e);
    if (step == DB_ROW) {
        *number = db_int(q, 0);
        store_text_copy(model, STORE_NAME_MAX, db_text(q, 1));
    }
    db_end(q);
    return step == DB_DONE ? lease_lost(claim, e) : step == DB_ROW;
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

static bool finish_locked(struct store *s, const struct store_claim *claim,
                          const struct store_outcome *o, int64_t *version,
                          struct err *e) {
    int64_t number = 0;
    char model[STORE_NAME_MAX];
    if (!outcome_write(s, claim, o, &number, model, e) ||
        !store_points_write(s, number, o->progress.points, o->progress.points_n, e))
        return false;
    if (o->status != JOB_SUCCEEDED)
        return true;
    const struct store_publish publish = {
        .model = model,
        .document = o->model_document,
        .job_id = claim->job_id,
        .blob = o->model_blob,
        .now_ms = o->progress.now_ms,
    };
    return store_version_publish(s, &publish, version, e) &&
           version_note(s, number, *version, e);
}

bool store_claim_finish(struct store *s, const struct store_claim *claim,
                        const struct store_outcome *outcome, int64_t *version,
                        struct err *e) {
    assert(outcome->status == JOB_SUCCEEDED || outcome->status == JOB_FAILED ||
           outcome->status == JOB_CANCELLED);
    *version = 0;
    return db_begin(s->db, e) &&
           store_commit_if(s, finish_locked(s, claim, outcome, version, e), e);
}

bool store_claim_release(struct store *s, const struct store_claim *claim,
                         struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        "UPDATE jobs SET status = 'queued', owner = '', lease_until_ms = 0" CLAIM_HOLDS,
        e);
    if (!q)
        return false;
    db_bind_text(q, 1, claim->job_id);
    db_bind_int(q, 2, claim->fence);
    int64_t changed;
    if (!db_run(q, &changed, e))
        return false;
    return changed == 1 || lease_lost(claim, e);
}

/* ---- dead workers --------------------------------------------------------------- */

static bool crash_count(struct store *s, const char *owner, struct err *e) {
    struct db_statement *q = db_prepare(s->db,
                                        "UPDATE jobs SET crashes = crashes + 1"
                                        " WHERE status = 'running' AND owner = $1",
                                        e);
    if (!q)
        return false;
    db_bind_text(q, 1, owner);
    return db_run(q, NULL, e);
}

static bool dead_fail(struct store *s, const char *owner, int64_t now_ms, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        "UPDATE jobs SET status = 'failed', stop_reason = 'worker_crashed',"
        " error_code = 'worker_crashed',"
        " error_text = 'the worker died while it trained this job, and so did those"
        " before it', finished_ms = $3, owner = '', lease_until_ms = 0"
        " WHERE status = 'running' AND owner = $1 AND crashes >= $2",
        e);
    if (!q)
        return false;
    db_bind_text(q, 1, owner);
    db_bind_int(q, 2, STORE_CRASHES_MAX);
    db_bind_int(q, 3, now_ms);
    return db_run(q, NULL, e);
}

static bool dead_release(struct store *s, const char *owner, int64_t *released,
                         struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "UPDATE jobs SET status = 'queued', owner = '', lease_until_ms = 0"
                   " WHERE status = 'running' AND owner = $1",
                   e);
    if (!q)
        return false;
    db_bind_text(q, 1, owner);
    return db_run(q, released, e);
}

bool store_owner_dead(struct store *s, const char *owner, bool crashed, int64_t now_ms,
                      int64_t *released, struct err *e) {
    return db_begin(s->db, e) && store_commit_if(s,
                                                 (!crashed || crash_count(s, owner, e)) &&
                                                     dead_fail(s, owner, now_ms, e) &&
                                                     dead_release(s, owner, released, e),
                                                 e);
}

bool store_owners(struct store *s, char ***owners, size_t *n, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db, "SELECT DISTINCT owner FROM jobs WHERE status = 'running' ORDER BY owner",
        e);
    if (!q)
        return false;
    void *array = NULL;
    size_t count = 0, capacity = 0;
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok) {
        ok = store_grow(&array, &capacity, count, sizeof **owners, e);
        char *owner = ok ? store_text_dup(db_text(q, 0), e) : NULL;
        ok = owner;
        if (ok)
            ((char **)array)[count++] = owner;
    }
    db_end(q);
    *owners = array;
    *n = count;
    if (ok && step != DB_FAILED)
        return true;
    for (size_t i = 0; i < count; i++)
        free((*owners)[i]);
    free(array);
    return false;
}
