/* How a job leaves its worker without an outcome: put back, or taken from a dead one. */
#include "server/store.h"

#include <stdlib.h>

#include "server/store_internal.h"

/* ---- one job -------------------------------------------------------------------- */

/* What was asked of it decides; the hold of a job that is cancelled is over. */
static const char PUT_BACK[] =
    "UPDATE jobs SET owner = '', lease_until_ms = 0,"
    " status = CASE cancel_requested WHEN 0 THEN 'queued' ELSE 'cancelled' END,"
    " stop_reason = CASE cancel_requested WHEN 0 THEN '' ELSE 'cancelled' END,"
    " finished_ms = CASE cancel_requested WHEN 0 THEN 0 ELSE $2 END,"
    " hold = CASE cancel_requested WHEN 0 THEN hold ELSE 0 END"
    " WHERE number = $1 RETURNING events, cancel_requested, hold";

bool store_put_back(struct store *s, int64_t number, int64_t now_ms, bool *ended,
                    struct err *e) {
    struct db_statement *q = db_prepare(s->db, PUT_BACK, e);
    if (!q)
        return false;
    db_bind_int(q, 1, number);
    db_bind_int(q, 2, now_ms);
    struct store_tail tail = {.job = number, .at_ms = now_ms};
    bool ok = db_step(q, e) == DB_ROW, cancelled = false, held = false;
    if (ok) {
        tail.seq = db_int(q, 0);
        cancelled = db_int(q, 1) != 0;
        held = db_int(q, 2) != 0;
    }
    db_end(q);
    if (ended)
        *ended = cancelled;
    if (!ok)
        return false;
    ok = cancelled ? store_event_write(s, &tail, EVENT_DONE, NULL, e)
                   : store_event_status(s, &tail, held ? JOB_PAUSED : JOB_QUEUED, e);
    return ok && store_tail_save(s, &tail, e) && db_notify(s->db, STORE_HINT_JOBS, e);
}

/* What a job is told of the deaths of its workers. */
static const struct {
    const char *code, *text;
} DEATHS[] = {
    [STORE_DEATH_CRASH] = {"worker_crashed",
                           "the worker died while it trained this job, and so did those "
                           "before it"},
    [STORE_DEATH_MEMORY] = {"out_of_memory",
                            "the worker was killed for want of memory while it trained "
                            "this job, after others had died in it"},
};

static bool crash_fail(struct store *s, struct store_tail *tail,
                       const struct store_crash *crash, int64_t epoch, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        "UPDATE jobs SET status = 'failed', stop_reason = 'worker_crashed',"
        " error_code = $3, error_text = $4, error_epoch = $5, finished_ms = $2,"
        " owner = '', lease_until_ms = 0, hold = 0 WHERE number = $1",
        e);
    if (!q)
        return false;
    db_bind_int(q, 1, tail->job);
    db_bind_int(q, 2, tail->at_ms);
    db_bind_text(q, 3, DEATHS[crash->death].code);
    db_bind_text(q, 4, DEATHS[crash->death].text);
    db_bind_int(q, 5, epoch);
    return db_run(q, NULL, e) && store_event_write(s, tail, EVENT_DONE, NULL, e) &&
           store_tail_save(s, tail, e) && db_notify(s->db, STORE_HINT_JOBS, e);
}

bool store_crash_count(struct store *s, const struct store_crash *crash, bool *ended,
                       struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "UPDATE jobs SET crashes = crashes + 1 WHERE number = $1"
                   " RETURNING crashes, cancel_requested, events, epochs_done",
                   e);
    if (!q)
        return false;
    db_bind_int(q, 1, crash->job);
    struct store_tail tail = {.job = crash->job, .at_ms = crash->now_ms};
    int64_t epoch = 0;
    *ended = false;
    bool ok = db_step(q, e) == DB_ROW;
    if (ok) {
        *ended = db_int(q, 0) >= STORE_CRASHES_MAX && db_int(q, 1) == 0;
        tail.seq = db_int(q, 2);
        epoch = (int64_t)db_double(q, 3);
    }
    db_end(q);
    return ok && (!*ended || crash_fail(s, &tail, crash, epoch, e));
}

/* ---- a claim -------------------------------------------------------------------- */

static bool release_locked(struct store *s, const struct store_claim *claim,
                           struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, "SELECT number FROM jobs" STORE_CLAIM_HOLDS " FOR UPDATE", e);
    if (!q)
        return false;
    db_bind_text(q, 1, claim->job_id);
    db_bind_int(q, 2, claim->fence);
    enum db_step step = db_step(q, e);
    int64_t number = step == DB_ROW ? db_int(q, 0) : 0;
    db_end(q);
    if (step == DB_DONE)
        return store_lease_lost(claim, e);
    int64_t now_ms;
    return step == DB_ROW && db_now_ms(s->db, &now_ms, e) &&
           store_put_back(s, number, now_ms, NULL, e);
}

bool store_claim_release(struct store *s, const struct store_claim *claim,
                         struct err *e) {
    return db_begin(s->db, e) && store_commit_if(s, release_locked(s, claim, e), e);
}

/* ---- a dead worker -------------------------------------------------------------- */

/* The first job that `owner` has in hand; 0 when there is none. */
static bool owned_find(struct store *s, const char *owner, int64_t *number,
                       struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "SELECT number FROM jobs WHERE status = 'running' AND owner = $1"
                   " ORDER BY number LIMIT 1 FOR UPDATE",
                   e);
    if (!q)
        return false;
    db_bind_text(q, 1, owner);
    enum db_step step = db_step(q, e);
    *number = step == DB_ROW ? db_int(q, 0) : 0;
    db_end(q);
    return step != DB_FAILED;
}

static bool dead_locked(struct store *s, const char *owner, enum store_death death,
                        int64_t now_ms, int64_t *released, struct err *e) {
    struct store_crash crash = {.death = death, .now_ms = now_ms};
    for (*released = 0; owned_find(s, owner, &crash.job, e);) {
        if (!crash.job)
            return true;
        bool ended = false;
        if ((death != STORE_DEATH_TOLD && !store_crash_count(s, &crash, &ended, e)) ||
            (!ended && !store_put_back(s, crash.job, now_ms, &ended, e)))
            return false;
        *released += !ended;
    }
    return false;
}

bool store_owner_dead(struct store *s, const char *owner, enum store_death death,
                      int64_t now_ms, int64_t *released, struct err *e) {
    return db_begin(s->db, e) &&
           store_commit_if(s, dead_locked(s, owner, death, now_ms, released, e), e);
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
