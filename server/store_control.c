/* What a client asks of a job after it has been posted: stop, pause, go on, go away. */
#include "server/store.h"

#include "server/store_internal.h"

static bool ended_already(const struct store_job *job, struct err *e) {
    return err_set(e, ERR_CONFLICT, NULL, "job %s has ended: it is %s", job->id,
                   job_status_name(job->status));
}

/* A change that is made under the lock: `apply` sees the job before it. */
struct order {
    bool (*apply)(struct store *s, int64_t number, const struct store_job *job,
                  int64_t now_ms, struct err *e);
    bool of_cancelled; /* nothing to do for one that is cancelled, and no error */
};

static bool order_locked(struct store *s, const struct order *order, const char *id,
                         int64_t now_ms, struct store_job *job, struct err *e) {
    struct store_job before;
    int64_t number;
    if (!store_job_lock(s, id, &number, e) || !store_job_get(s, id, &before, e))
        return false;
    bool ok = true;
    if (!job_status_ended(before.status))
        ok = order->apply(s, number, &before, now_ms, e) &&
             db_notify(s->db, STORE_HINT_JOBS, e);
    else if (before.status != JOB_CANCELLED || !order->of_cancelled)
        ok = ended_already(&before, e);
    store_job_free(&before);
    return ok && store_job_get(s, id, job, e);
}

static bool order_run(struct store *s, const struct order *order, const char *id,
                      int64_t now_ms, struct store_job *job, struct err *e) {
    if (!db_begin(s->db, e))
        return false;
    bool read = order_locked(s, order, id, now_ms, job, e);
    bool ok = store_commit_if(s, read, e);
    if (read && !ok)
        store_job_free(job);
    return ok;
}

static bool number_run(struct store *s, const char *sql, int64_t number, struct err *e) {
    struct db_statement *q = db_prepare(s->db, sql, e);
    if (!q)
        return false;
    db_bind_int(q, 1, number);
    return db_run(q, NULL, e);
}

/* ---- cancel, pause, resume ------------------------------------------------------ */

static bool cancel_apply(struct store *s, int64_t number, const struct store_job *job,
                         int64_t now_ms, struct err *e) {
    return number_run(s,
                      "UPDATE jobs SET cancel_requested = 1, hold = 0 WHERE number = $1",
                      number, e) &&
           (job->status == JOB_RUNNING || store_put_back(s, number, now_ms, NULL, e));
}

bool store_job_cancel(struct store *s, const char *id, int64_t now_ms,
                      struct store_job *job, struct err *e) {
    static const struct order CANCEL = {cancel_apply, .of_cancelled = true};
    return order_run(s, &CANCEL, id, now_ms, job, e);
}

static bool pause_apply(struct store *s, int64_t number, const struct store_job *job,
                        int64_t now_ms, struct err *e) {
    if (job->status == JOB_PAUSED || job->cancel_requested)
        return true;
    return number_run(s, "UPDATE jobs SET hold = 1 WHERE number = $1", number, e) &&
           (job->status == JOB_RUNNING || store_put_back(s, number, now_ms, NULL, e));
}

bool store_job_pause(struct store *s, const char *id, int64_t now_ms,
                     struct store_job *job, struct err *e) {
    static const struct order PAUSE = {pause_apply, .of_cancelled = false};
    return order_run(s, &PAUSE, id, now_ms, job, e);
}

static bool resume_apply(struct store *s, int64_t number, const struct store_job *job,
                         int64_t now_ms, struct err *e) {
    return number_run(s, "UPDATE jobs SET hold = 0 WHERE number = $1", number, e) &&
           (job->status != JOB_PAUSED || store_put_back(s, number, now_ms, NULL, e));
}

bool store_job_resume(struct store *s, const char *id, int64_t now_ms,
                      struct store_job *job, struct err *e) {
    static const struct order RESUME = {resume_apply, .of_cancelled = false};
    return order_run(s, &RESUME, id, now_ms, job, e);
}

/* ---- delete --------------------------------------------------------------------- */

enum { HISTORY_PIECE = 5000 }; /* events a transaction */

static bool range_delete(struct store *s, const char *sql, int64_t number, int64_t after,
                         struct err *e) {
    struct db_statement *q = db_prepare(s->db, sql, e);
    if (!q)
        return false;
    db_bind_int(q, 1, number);
    db_bind_int(q, 2, after);
    return db_run(q, NULL, e);
}

/* From the end, so that what is left at any moment is a beginning without gaps. */
static bool history_delete(struct store *s, int64_t number, int64_t last, struct err *e) {
    bool ok = true;
    for (int64_t after = last - HISTORY_PIECE; ok; after -= HISTORY_PIECE) {
        if (after < 0)
            after = 0;
        ok = range_delete(s, "DELETE FROM points WHERE job = $1 AND seq > $2", number,
                          after, e) &&
             range_delete(s, "DELETE FROM events WHERE job = $1 AND seq > $2", number,
                          after, e);
        if (!after)
            break;
        db_give_way(s->db);
    }
    return ok;
}

static bool blobs_collect(const struct store_job *job, struct store_ids *blobs,
                          struct err *e) {
    return store_ids_add(blobs, job->data_blob, e) &&
           (!job->targets_blob || store_ids_add(blobs, job->targets_blob, e)) &&
           (!job->validation_blob || store_ids_add(blobs, job->validation_blob, e)) &&
           (!job->validation_targets_blob ||
            store_ids_add(blobs, job->validation_targets_blob, e));
}

static bool checkpoints_delete(struct store *s, int64_t number, struct store_ids *blobs,
                               struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, "DELETE FROM checkpoints WHERE job = $1 RETURNING blob", e);
    if (!q)
        return false;
    db_bind_int(q, 1, number);
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok)
        ok = store_ids_add(blobs, db_int(q, 0), e);
    db_end(q);
    return ok && step != DB_FAILED;
}

/* Somebody else may have been faster. */
static bool delete_locked(struct store *s, const char *id, int64_t number,
                          struct store_ids *blobs, struct err *e) {
    int64_t changed;
    return checkpoints_delete(s, number, blobs, e) &&
           store_name_delete(s, "DELETE FROM jobs WHERE id = $1", id, &changed, e) &&
           (changed == 1 || store_job_missing(id, e));
}

bool store_job_delete(struct store *s, const char *id, struct err *e) {
    struct store_job job;
    int64_t number;
    if (!store_job_number(s, id, &number, e) || !store_job_get(s, id, &job, e))
        return false;
    struct store_ids blobs = {0};
    bool ok = job_status_ended(job.status)
                  ? blobs_collect(&job, &blobs, e)
                  : err_set(e, ERR_CONFLICT, NULL, "job %s is %s: cancel it first", id,
                            job_status_name(job.status));
    /* An end is for ever: what follows needs no second look at the status. */
    ok = ok && history_delete(s, number, job.events, e) && db_begin(s->db, e) &&
         store_commit_if(s, delete_locked(s, id, number, &blobs, e), e);
    store_job_free(&job);
    if (!ok)
        blobs.n = 0;
    store_blobs_drop(s, &blobs);
    return ok;
}
