/* Claiming a job and holding it. Every write names the job, the fence and the status
 * 'running' in its WHERE: see STORE_CLAIM_HOLDS. */
#include "server/store.h"

#include <assert.h>
#include <string.h>

#include "server/store_internal.h"

bool store_lease_lost(const struct store_claim *claim, struct err *e) {
    return err_set(e, ERR_CONFLICT, NULL, "lease lost: job %s, fence %lld", claim->job_id,
                   (long long)claim->fence);
}

/* ---- claiming ------------------------------------------------------------------- */

struct candidate {
    int64_t number;
    bool running; /* its lease has run out */
    bool cancel, hold;
};

/* Two lookups: the head of the queue is the first of one index, however long the queue
 * is; those that run are few. */
/* What the machine's running jobs need. */
#define HELD                                                                             \
    "(SELECT CAST(COALESCE(SUM(r.memory_bytes), 0) AS BIGINT) FROM jobs r"               \
    " WHERE r.status = 'running' AND r.lease_until_ms > $6"                              \
    " AND substr(r.owner, 1, length($7)) = $7)"
/* Who lives, has the memory, and more threads than $3. */
#define LARGER                                                                           \
    "(SELECT 1 FROM workers w WHERE w.threads > $3"                                      \
    " AND w.memory_max >= jobs.memory_bytes AND (w.seen_ms > $5 OR EXISTS"               \
    " (SELECT 1 FROM jobs r WHERE r.status = 'running' AND r.owner = w.owner"            \
    " AND r.lease_until_ms > $6)))"
#define FITS                                                                             \
    " AND memory_bytes <= $2"                                                            \
    " AND memory_bytes <= CASE " HELD " WHEN 0 THEN $2 ELSE $8 - " HELD " END"           \
    " AND (threads <= $3 OR ($4 = 0 AND NOT EXISTS " LARGER "))"
#define CANDIDATE(lock)                                                                  \
    "SELECT number, status, cancel_requested, hold FROM jobs WHERE number IN ("          \
    "(SELECT number FROM jobs WHERE status = 'queued' AND hold = 0" FITS                 \
    " ORDER BY priority DESC, number LIMIT 1" lock "),"                                  \
    " (SELECT number FROM jobs WHERE status = 'running' AND lease_until_ms <= $1" FITS   \
    " ORDER BY priority DESC, number LIMIT 1" lock "))"                                  \
    " ORDER BY priority DESC, number LIMIT 1" lock
static const char CANDIDATE_LOOK[] = CANDIDATE("");
/* Past those that others are just taking. */
static const char CANDIDATE_TAKE[] = CANDIDATE(" FOR UPDATE SKIP LOCKED");

static bool candidate_find(struct store *s, const char *sql,
                           const struct store_claiming *claiming, int64_t now_ms,
                           struct candidate *c, bool *found, struct err *e) {
    struct db_statement *q = db_prepare(s->db, sql, e);
    if (!q)
        return false;
    db_bind_int(q, 1, claiming->queued_only ? 0 : now_ms);
    db_bind_int(q, 2, claiming->memory_max ? claiming->memory_max : INT64_MAX);
    db_bind_int(q, 3, claiming->threads ? claiming->threads : INT64_MAX);
    db_bind_int(q, 4, claiming->threads_exact);
    db_bind_int(q, 5, now_ms - claiming->alive_ms);
    db_bind_int(q, 6, now_ms);
    db_bind_text(q, 7, claiming->machine ? claiming->machine : "");
    db_bind_int(q, 8, claiming->machine ? claiming->machine_memory : INT64_MAX);
    enum db_step step = db_step(q, e);
    *found = step == DB_ROW;
    if (*found)
        *c = (struct candidate){
            .number = db_int(q, 0),
            .running = strcmp(db_text(q, 1), "running") == 0,
            .cancel = db_int(q, 2) != 0,
            .hold = db_int(q, 3) != 0,
        };
    db_end(q);
    return step != DB_FAILED;
}

struct lease {
    const struct store_claiming *claiming;
    int64_t now_ms;
};

/* The newest resumable checkpoint's, which is where the training goes on. */
#define CHECKPOINT_VALUE(column)                                                         \
    "COALESCE((SELECT c." column " FROM checkpoints c WHERE c.job = jobs.number"         \
    " AND c.resumable = 1 ORDER BY c.number DESC LIMIT 1), 0)"

/* clang-format off */
static const char TAKE[] =
    "UPDATE jobs SET status = 'running', fence = fence + 1, attempts = attempts + 1,"
    " owner = $2, lease_until_ms = $3,"
    " started_ms = CASE started_ms WHEN 0 THEN $4 ELSE started_ms END,"
    " epochs_done = " CHECKPOINT_VALUE("epochs_done") ","
    " training_seconds = " CHECKPOINT_VALUE("training_seconds")
    " WHERE number = $1 RETURNING id, fence, events, epochs_done, training_seconds";
/* clang-format on */

static bool candidate_take(struct store *s, const struct candidate *c,
                           const struct lease *lease, struct store_claim *claim,
                           struct err *e) {
    struct db_statement *q = db_prepare(s->db, TAKE, e);
    if (!q)
        return false;
    db_bind_int(q, 1, c->number);
    db_bind_text(q, 2, lease->claiming->owner);
    db_bind_int(q, 3, lease->now_ms + lease->claiming->lease_ms);
    db_bind_int(q, 4, lease->now_ms);
    bool ok = db_step(q, e) == DB_ROW;
    struct store_tail tail = {.job = c->number, .at_ms = lease->now_ms};
    if (ok) {
        store_text_copy(claim->job_id, sizeof claim->job_id, db_text(q, 0));
        claim->fence = db_int(q, 1);
        claim->epochs_done = db_double(q, 3);
        claim->training_seconds = db_double(q, 4);
        tail.seq = db_int(q, 2);
    }
    db_end(q);
    return ok && store_event_status(s, &tail, JOB_RUNNING, e) &&
           store_tail_save(s, &tail, e);
}

/* What is not to be trained goes where it belongs; *left: the job can be taken. */
static bool candidate_judge(struct store *s, const struct candidate *c, int64_t now_ms,
                            bool *left, struct err *e) {
    bool ended = false;
    const struct store_crash crash = {c->number, STORE_DEATH_CRASH, now_ms};
    if (c->running && !store_crash_count(s, &crash, &ended, e))
        return false;
    bool asked = c->cancel || c->hold;
    *left = !ended && !asked;
    return ended || !asked || store_put_back(s, c->number, now_ms, NULL, e);
}

static bool claim_locked(struct store *s, const struct store_claiming *claiming,
                         struct store_claim *claim, bool *found, struct err *e) {
    struct candidate c;
    struct lease lease = {.claiming = claiming};
    /* The clock is read under the lock, for which it may have waited. */
    if ((claiming->machine && !store_machine_lock(s, claiming->machine, e)) ||
        !db_now_ms(s->db, &lease.now_ms, e))
        return false;
    for (;;) {
        bool left = false;
        if (!candidate_find(s, CANDIDATE_TAKE, claiming, lease.now_ms, &c, found, e))
            return false;
        if (!*found)
            return true;
        if (!candidate_judge(s, &c, lease.now_ms, &left, e))
            return false;
        if (left)
            return candidate_take(s, &c, &lease, claim, e);
    }
}

bool store_claim(struct store *s, const struct store_claiming *claiming,
                 struct store_claim *claim, bool *found, struct err *e) {
    assert(strlen(claiming->owner) < STORE_OWNER_MAX);
    /* A worker that looks into an empty queue must not take the write lock for it. */
    struct candidate c;
    int64_t now_ms;
    bool there;
    *found = false;
    if (!db_now_ms(s->db, &now_ms, e) ||
        !candidate_find(s, CANDIDATE_LOOK, claiming, now_ms, &c, &there, e))
        return false;
    if (!there)
        return true;
    bool ok = db_begin(s->db, e) &&
              store_commit_if(s, claim_locked(s, claiming, claim, found, e), e);
    *found = *found && ok;
    return ok;
}

/* ---- holding -------------------------------------------------------------------- */

void store_progress_bind(struct db_statement *q, const struct store_claim *claim,
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

static enum store_wish wish_of(bool cancel, bool hold) {
    return cancel ? STORE_CANCEL : hold ? STORE_PAUSE : STORE_GO_ON;
}

bool store_progress_write(struct store *s, const struct store_claim *claim,
                          const struct store_progress *p, struct store_tail *tail,
                          enum store_wish *wish, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        "UPDATE jobs SET lease_until_ms = $7," STORE_PROGRESS_SET STORE_CLAIM_HOLDS
        " RETURNING number, events, cancel_requested, hold",
        e);
    if (!q)
        return false;
    *tail = (struct store_tail){0};
    if (!db_now_ms(s->db, &tail->at_ms, e))
        return false;
    store_progress_bind(q, claim, p);
    db_bind_int(q, 7, tail->at_ms + p->lease_ms);
    enum db_step step = db_step(q, e);
    if (step == DB_ROW) {
        tail->job = db_int(q, 0);
        tail->seq = db_int(q, 1);
        *wish = wish_of(db_int(q, 2) != 0, db_int(q, 3) != 0);
    }
    db_end(q);
    if (step == DB_DONE)
        return store_lease_lost(claim, e);
    return step == DB_ROW && store_points_write(s, tail, p->points, p->points_n, e);
}

bool store_claim_progress(struct store *s, const struct store_claim *claim,
                          const struct store_progress *progress, enum store_wish *wish,
                          struct err *e) {
    struct store_tail tail;
    return db_begin(s->db, e) &&
           store_commit_if(s,
                           store_progress_write(s, claim, progress, &tail, wish, e) &&
                               store_tail_save(s, &tail, e),
                           e);
}

bool store_claim_check(struct store *s, const struct store_claim *claim, bool *lost,
                       enum store_wish *wish, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, "SELECT cancel_requested, hold FROM jobs" STORE_CLAIM_HOLDS, e);
    if (!q)
        return false;
    db_bind_text(q, 1, claim->job_id);
    db_bind_int(q, 2, claim->fence);
    enum db_step step = db_step(q, e);
    *lost = step == DB_DONE;
    *wish = STORE_GO_ON;
    if (step == DB_ROW)
        *wish = wish_of(db_int(q, 0) != 0, db_int(q, 1) != 0);
    db_end(q);
    return step != DB_FAILED;
}
