/* Jobs as a client sees them: inserted, read, listed, counted. */
#include "server/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_internal.h"

static const char *const STATUS_NAMES[JOB_STATUSES_N] = {
    "queued", "running", "paused", "succeeded", "failed", "cancelled",
};

const char *job_status_name(enum job_status status) {
    assert(status < JOB_STATUSES_N);
    return STATUS_NAMES[status];
}

bool job_status_find(const char *name, enum job_status *status) {
    for (int i = 0; i < JOB_STATUSES_N; i++)
        if (strcmp(name, STATUS_NAMES[i]) == 0) {
            *status = (enum job_status)i;
            return true;
        }
    return false;
}

bool job_status_ended(enum job_status status) {
    return status == JOB_SUCCEEDED || status == JOB_FAILED || status == JOB_CANCELLED;
}

/* ---- inserting ------------------------------------------------------------------ */

static void blob_bind(struct db_statement *q, int index, int64_t blob) {
    if (blob)
        db_bind_int(q, index, blob);
    else
        db_bind_null(q, index);
}

static bool blobs_check(struct store *s, const struct store_job_new *job, struct err *e) {
    return store_blob_check(s, job->data_blob, e) &&
           (!job->targets_blob || store_blob_check(s, job->targets_blob, e)) &&
           (!job->validation_blob || store_blob_check(s, job->validation_blob, e)) &&
           (!job->validation_targets_blob ||
            store_blob_check(s, job->validation_targets_blob, e));
}

bool store_job_replay(struct store *s, const char *key, const char *body_sha256,
                      char id[STORE_ID_MAX], bool *found, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db, "SELECT id, body_sha256 FROM jobs WHERE idempotency_key = $1", e);
    if (!q)
        return false;
    db_bind_text(q, 1, key);
    enum db_step step = db_step(q, e);
    bool ok = step != DB_FAILED;
    *found = step == DB_ROW;
    if (*found && strcmp(db_text(q, 1), body_sha256) == 0)
        store_text_copy(id, STORE_ID_MAX, db_text(q, 0));
    else if (*found)
        ok = err_set(e, ERR_CONFLICT, NULL,
                     "the key was used for another request, which made job %s",
                     db_text(q, 0));
    db_end(q);
    return ok;
}

/* Counts no further than the bound, along the index. */
bool store_job_room(struct store *s, int64_t queued_max, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "SELECT count(*) FROM (SELECT number FROM jobs"
                   " WHERE status = 'queued' AND hold = 0 LIMIT $1) AS waiting",
                   e);
    if (!q)
        return false;
    db_bind_int(q, 1, queued_max);
    bool ok = db_step(q, e) == DB_ROW;
    int64_t waiting = ok ? db_int(q, 0) : 0;
    db_end(q);
    return ok && (waiting < queued_max ||
                  err_set(e, ERR_BUSY, NULL, "the queue is full: %lld jobs wait",
                          (long long)waiting));
}

static bool row_insert(struct store *s, const struct store_job_new *job, int64_t number,
                       struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        "INSERT INTO jobs (id, number, model, status, hyperparameters, metadata,"
        " data_blob, epochs, created_ms, targets_blob, validation_blob, warnings,"
        " priority, memory_bytes, idempotency_key, body_sha256, validation_targets_blob,"
        " threads)"
        " VALUES ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
        " $15, $16, $17)"
        " ON CONFLICT (id) DO NOTHING",
        e);
    if (!q)
        return false;
    db_bind_text(q, 1, job->id);
    db_bind_int(q, 2, number);
    db_bind_text(q, 3, job->model);
    db_bind_text(q, 4, job->hyperparameters);
    db_bind_text(q, 5, job->metadata);
    db_bind_int(q, 6, job->data_blob);
    db_bind_int(q, 7, job->epochs);
    db_bind_int(q, 8, job->created_ms);
    blob_bind(q, 9, job->targets_blob);
    blob_bind(q, 10, job->validation_blob);
    db_bind_text(q, 11, job->warnings);
    db_bind_int(q, 12, job->priority);
    db_bind_int(q, 13, job->memory_bytes);
    db_bind_text(q, 14, job->idempotency_key);
    db_bind_text(q, 15, job->idempotency_key ? job->body_sha256 : NULL);
    blob_bind(q, 16, job->validation_targets_blob);
    db_bind_int(q, 17, job->threads);
    int64_t changed;
    if (!db_run(q, &changed, e))
        return false;
    return changed == 1 || err_set(e, ERR_CONFLICT, NULL, "job %s exists", job->id);
}

static bool job_add(struct store *s, const struct store_job_new *job, struct err *e) {
    struct store_tail tail = {.at_ms = job->created_ms};
    return (!job->queued_max || store_job_room(s, job->queued_max, e)) &&
           blobs_check(s, job, e) && store_counter_next(s, "job", "", &tail.job, e) &&
           row_insert(s, job, tail.job, e) &&
           store_event_status(s, &tail, JOB_QUEUED, e) &&
           (!job->warnings || store_event_warnings(s, &tail, NULL, job->warnings, e)) &&
           store_tail_save(s, &tail, e) && db_notify(s->db, STORE_HINT_JOBS, e);
}

static bool insert_locked(struct store *s, const struct store_job_new *job,
                          char id[STORE_ID_MAX], bool *replayed, struct err *e) {
    /* The counter first: whoever has it is alone with keys and the queue's length, where
     * there is no lock on the whole store. */
    if (!store_counter_lock(s, "job", "", e) ||
        (job->idempotency_key &&
         !store_job_replay(s, job->idempotency_key, job->body_sha256, id, replayed, e)))
        return false;
    if (*replayed)
        return true;
    if (id != job->id)
        store_text_copy(id, STORE_ID_MAX, job->id);
    return job_add(s, job, e);
}

/* The connection is lost, perhaps between the commit and its answer: another one, if
 * there is one to be had at once, tells whether the job is there. */
static bool was_inserted(struct store *s, const struct store_job_new *job,
                         char id[STORE_ID_MAX], bool *replayed) {
    struct err ignored = {0};
    int64_t number;
    *replayed = false;
    if (store_job_number(s, job->id, &number, &ignored)) {
        if (id != job->id)
            store_text_copy(id, STORE_ID_MAX, job->id);
        return true;
    }
    return job->idempotency_key &&
           store_job_replay(s, job->idempotency_key, job->body_sha256, id, replayed,
                            &ignored) &&
           *replayed;
}

bool store_job_insert(struct store *s, const struct store_job_new *job,
                      char id[STORE_ID_MAX], bool *replayed, struct err *e) {
    assert(strlen(job->id) < STORE_ID_MAX && strlen(job->model) < STORE_NAME_MAX);
    assert(!job->idempotency_key || job->body_sha256);
    struct err once = {0};
    *replayed = false;
    bool ok = db_begin(s->db, &once) &&
              store_commit_if(s, insert_locked(s, job, id, replayed, &once), &once);
    return ok || (once.kind == ERR_UNAVAILABLE && was_inserted(s, job, id, replayed)) ||
           err_set(e, once.kind, once.where, "%s", once.text);
}

/* ---- reading -------------------------------------------------------------------- */

#define JOB_SELECT                                                                       \
    "SELECT id, model, status, hyperparameters, metadata, data_blob, created_ms,"        \
    " started_ms, finished_ms, epochs, epochs_done, cost, cost_epoch, training_seconds," \
    " stop_reason, error_code, error_text, error_epoch, model_version,"                  \
    " cancel_requested, attempts, COALESCE(targets_blob, 0),"                            \
    " COALESCE(validation_blob, 0), warnings, metrics, hold, priority, memory_bytes,"    \
    " checkpoint, events, COALESCE(validation_targets_blob, 0), threads FROM jobs"

/* *text is NULL for null. */
static bool text_read(struct db_statement *q, int column, char **text, struct err *e) {
    if (db_is_null(q, column))
        return true;
    *text = store_text_dup(db_text(q, column), e);
    return *text;
}

/* The table knows no paused jobs, but queued ones that are held. */
static bool status_read(const char *name, bool held, enum job_status *status) {
    if (!job_status_find(name, status))
        return false;
    if (*status == JOB_QUEUED && held)
        *status = JOB_PAUSED;
    return true;
}

static bool job_read(struct db_statement *q, struct store_job *job, struct err *e) {
    *job = (struct store_job){
        .data_blob = db_int(q, 5),
        .created_ms = db_int(q, 6),
        .started_ms = db_int(q, 7),
        .finished_ms = db_int(q, 8),
        .epochs = db_int(q, 9),
        .epochs_done = db_double(q, 10),
        .cost_known = !db_is_null(q, 11),
        .cost = db_double(q, 11),
        .cost_epoch = db_int(q, 12),
        .training_seconds = db_double(q, 13),
        .error_epoch = db_int(q, 17),
        .model_version = db_int(q, 18),
        .cancel_requested = db_int(q, 19) != 0,
        .attempts = db_int(q, 20),
        .targets_blob = db_int(q, 21),
        .validation_blob = db_int(q, 22),
        .priority = db_int(q, 26),
        .memory_bytes = db_int(q, 27),
        .checkpoint = db_int(q, 28),
        .events = db_int(q, 29),
        .validation_targets_blob = db_int(q, 30),
        .threads = db_int(q, 31),
    };
    bool held = db_int(q, 25) != 0;
    if (!status_read(db_text(q, 2), held, &job->status))
        return err_set(e, ERR_STORAGE, NULL, "store: job %s has the status \"%s\"",
                       db_text(q, 0), db_text(q, 2));
    job->pause_requested = held && job->status == JOB_RUNNING;
    store_text_copy(job->id, sizeof job->id, db_text(q, 0));
    store_text_copy(job->model, sizeof job->model, db_text(q, 1));
    store_text_copy(job->stop_reason, sizeof job->stop_reason, db_text(q, 14));
    store_text_copy(job->error_code, sizeof job->error_code, db_text(q, 15));
    store_text_copy(job->error_text, sizeof job->error_text, db_text(q, 16));
    if (text_read(q, 3, &job->hyperparameters, e) && text_read(q, 4, &job->metadata, e) &&
        text_read(q, 23, &job->warnings, e) && text_read(q, 24, &job->metrics, e))
        return true;
    store_job_free(job);
    return false;
}

void store_job_free(struct store_job *job) {
    free(job->hyperparameters);
    free(job->metadata);
    free(job->warnings);
    free(job->metrics);
    job->hyperparameters = job->metadata = job->warnings = job->metrics = NULL;
}

bool store_job_missing(const char *id, struct err *e) {
    return err_set(e, ERR_NOT_FOUND, NULL, "there is no job %s", id);
}

bool store_job_get(struct store *s, const char *id, struct store_job *job,
                   struct err *e) {
    struct db_statement *q = db_prepare(s->db, JOB_SELECT " WHERE id = $1", e);
    if (!q)
        return false;
    db_bind_text(q, 1, id);
    enum db_step step = db_step(q, e);
    bool ok = step == DB_ROW && job_read(q, job, e);
    db_end(q);
    return step == DB_DONE ? store_job_missing(id, e) : ok;
}

static bool number_read(struct store *s, const char *sql, const char *id, int64_t *number,
                        struct err *e) {
    struct db_statement *q = db_prepare(s->db, sql, e);
    if (!q)
        return false;
    db_bind_text(q, 1, id);
    enum db_step step = db_step(q, e);
    if (step == DB_ROW)
        *number = db_int(q, 0);
    db_end(q);
    return step == DB_DONE ? store_job_missing(id, e) : step == DB_ROW;
}

#define NUMBER_SELECT "SELECT number FROM jobs WHERE id = $1"

bool store_job_number(struct store *s, const char *id, int64_t *number, struct err *e) {
    return number_read(s, NUMBER_SELECT, id, number, e);
}

bool store_job_lock(struct store *s, const char *id, int64_t *number, struct err *e) {
    return number_read(s, NUMBER_SELECT " FOR UPDATE", id, number, e);
}

/* [by status][by model]: each its own text, so that each can use its index. */
#define LIST_STATUS " status = $3 AND hold >= $4 AND hold <= $5"
#define LIST_TAIL " ORDER BY number DESC LIMIT $2"
static const char *const LIST[2][2] = {
    {JOB_SELECT " WHERE number < $1" LIST_TAIL,
     JOB_SELECT " WHERE number < $1 AND model = $3" LIST_TAIL},
    {JOB_SELECT " WHERE number < $1 AND" LIST_STATUS LIST_TAIL,
     JOB_SELECT " WHERE number < $1 AND" LIST_STATUS " AND model = $6" LIST_TAIL},
};

/* LIST_STATUS: a running job may be held or not. */
static void status_bind(struct db_statement *q, int *next, enum job_status status) {
    bool paused = status == JOB_PAUSED;
    db_bind_text(q, (*next)++, job_status_name(paused ? JOB_QUEUED : status));
    db_bind_int(q, (*next)++, paused);
    db_bind_int(q, (*next)++, status != JOB_QUEUED);
}

static struct db_statement *
list_prepare(struct store *s, const struct store_jobs_query *query, struct err *e) {
    int64_t before = INT64_MAX;
    if (query->after && !store_job_number(s, query->after, &before, e))
        return NULL;
    bool by_status = query->status >= 0, by_model = query->model;
    struct db_statement *q = db_prepare(s->db, LIST[by_status][by_model], e);
    if (!q)
        return NULL;
    db_bind_int(q, 1, before);
    db_bind_int(q, 2, store_limit_plus_one(query->limit));
    int next = 3;
    if (by_status)
        status_bind(q, &next, (enum job_status)query->status);
    if (by_model)
        db_bind_text(q, next, query->model);
    return q;
}

bool store_jobs_list(struct store *s, const struct store_jobs_query *query,
                     struct store_job **jobs, size_t *n, bool *more, struct err *e) {
    struct db_statement *q = list_prepare(s, query, e);
    if (!q)
        return false;
    void *array = NULL;
    size_t count = 0, capacity = 0;
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok && count < query->limit) {
        ok = store_grow(&array, &capacity, count, sizeof **jobs, e) &&
             job_read(q, (struct store_job *)array + count, e);
        count += ok;
    }
    db_end(q);
    *jobs = array;
    *n = count;
    *more = step == DB_ROW;
    if (ok && step != DB_FAILED)
        return true;
    for (size_t i = 0; i < count; i++)
        store_job_free(&(*jobs)[i]);
    free(array);
    return false;
}

bool store_jobs_count(struct store *s, int64_t counts[JOB_STATUSES_N], struct err *e) {
    struct db_statement *q = db_prepare(
        s->db, "SELECT status, hold, count(*) FROM jobs GROUP BY status, hold", e);
    if (!q)
        return false;
    memset(counts, 0, JOB_STATUSES_N * sizeof *counts);
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW) {
        enum job_status status;
        if (status_read(db_text(q, 0), db_int(q, 1) != 0, &status))
            counts[status] += db_int(q, 2);
    }
    return step == DB_DONE;
}
