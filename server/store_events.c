/* The one sequence of a job: its points, which have a table of their own, and all else.
 */
#include "server/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/job_event.h"
#include "server/store_internal.h"

static const char *const KIND_NAMES[EVENT_KINDS_N] = {
    "status", "cost", "checkpoint", "warning", "done",
};

const char *store_event_name(enum store_event_kind kind) {
    return KIND_NAMES[kind];
}

/* ---- writing -------------------------------------------------------------------- */

bool store_event_write(struct store *s, struct store_tail *tail,
                       enum store_event_kind kind, const char *document, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "INSERT INTO events (job, seq, at_ms, kind, document)"
                   " VALUES ($1, $2, $3, $4, $5)",
                   e);
    if (!q)
        return false;
    db_bind_int(q, 1, tail->job);
    db_bind_int(q, 2, ++tail->seq);
    db_bind_int(q, 3, tail->at_ms);
    db_bind_text(q, 4, store_event_name(kind));
    db_bind_text(q, 5, document);
    return db_run(q, NULL, e);
}

bool store_event_status(struct store *s, struct store_tail *tail, enum job_status status,
                        struct err *e) {
    struct text text = {0};
    job_event_status(job_status_name(status), &text);
    char *document = text_take(&text);
    bool ok = document ? store_event_write(s, tail, EVENT_STATUS, document, e)
                       : err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for an event");
    free(document);
    return ok;
}

bool store_event_warnings(struct store *s, struct store_tail *tail, const char *before,
                          const char *after, struct err *e) {
    char **documents;
    size_t n;
    if (!job_event_warnings(before, after, &documents, &n, e))
        return false;
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++)
        ok = store_event_write(s, tail, EVENT_WARNING, documents[i], e);
    job_event_warnings_free(documents, n);
    return ok;
}

bool store_tail_save(struct store *s, const struct store_tail *tail, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, "UPDATE jobs SET events = $2 WHERE number = $1", e);
    if (!q)
        return false;
    db_bind_int(q, 1, tail->job);
    db_bind_int(q, 2, tail->seq);
    return db_run(q, NULL, e);
}

/* ---- reading -------------------------------------------------------------------- */

struct head {
    int64_t job, last;
    bool ended;
};

static bool head_read(struct store *s, const char *id, struct head *head, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, "SELECT number, events, status FROM jobs WHERE id = $1", e);
    if (!q)
        return false;
    db_bind_text(q, 1, id);
    enum db_step step = db_step(q, e);
    enum job_status status;
    if (step == DB_ROW)
        *head = (struct head){
            .job = db_int(q, 0),
            .last = db_int(q, 1),
            .ended = job_status_find(db_text(q, 2), &status) && job_status_ended(status),
        };
    db_end(q);
    return step == DB_DONE ? store_job_missing(id, e) : step == DB_ROW;
}

/* The row of a job that has ended stays as it is, and says what its done event tells. */
static char *done_document(struct store *s, int64_t job, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        "SELECT status, stop_reason, model_version, error_code, error_text, error_epoch"
        " FROM jobs WHERE number = $1",
        e);
    if (!q)
        return NULL;
    db_bind_int(q, 1, job);
    enum db_step step = db_step(q, e);
    char *document = NULL;
    if (step == DB_ROW) {
        const struct done_view done = {
            .status = db_text(q, 0),
            .stop_reason = db_text(q, 1),
            .model_version = db_int(q, 2),
            .error_code = db_text(q, 3),
            .error_text = db_text(q, 4),
            .error_epoch = db_int(q, 5),
        };
        struct text text = {0};
        job_event_done(&done, &text);
        document = text_take(&text);
        if (!document)
            err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for an event");
    } else if (step == DB_DONE) {
        err_set(e, ERR_NOT_FOUND, NULL, "the job was deleted");
    }
    db_end(q);
    return document;
}

static bool row_read(struct db_statement *q, struct store_event *event, struct err *e) {
    const char *name = db_text(q, 2);
    int kind = 0;
    while (kind < EVENT_KINDS_N && strcmp(name, KIND_NAMES[kind]) != 0)
        kind++;
    if (kind == EVENT_KINDS_N)
        return err_set(e, ERR_STORAGE, NULL, "store: an event of the kind \"%s\"", name);
    *event = (struct store_event){
        .seq = db_int(q, 0),
        .at_ms = db_int(q, 1),
        .kind = (enum store_event_kind)kind,
    };
    if (kind == EVENT_COST)
        event->point = (struct store_point){
            .epoch = db_int(q, 4),
            .cost = db_double(q, 5),
            .validation_cost = db_is_null(q, 6) ? (double)NAN : db_double(q, 6),
        };
    if (db_is_null(q, 3))
        return true;
    event->document = store_text_dup(db_text(q, 3), e);
    return event->document;
}

/* Each half is a range of its own index, and the two are merged as they are read: a limit
 * ends both. */
static const char EVENTS[] =
    "SELECT seq, 0 AS at_ms, 'cost' AS kind, NULL AS document, epoch, cost,"
    " validation_cost FROM points WHERE job = $1 AND seq > $2 AND seq <= $3"
    " UNION ALL SELECT seq, at_ms, kind, document, 0, 0, NULL FROM events"
    " WHERE job = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4";

static bool rows_read(struct store *s, const struct head *head, int64_t after,
                      size_t limit, struct store_event **events, size_t *n,
                      struct err *e) {
    struct db_statement *q = db_prepare(s->db, EVENTS, e);
    if (!q)
        return false;
    db_bind_int(q, 1, head->job);
    db_bind_int(q, 2, after);
    db_bind_int(q, 3, head->last);
    db_bind_int(q, 4, limit < (size_t)INT64_MAX ? (int64_t)limit : INT64_MAX);
    void *array = NULL;
    size_t count = 0, capacity = 0;
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok) {
        ok = store_grow(&array, &capacity, count, sizeof **events, e) &&
             row_read(q, (struct store_event *)array + count, e);
        count += ok;
    }
    db_end(q);
    *events = array;
    *n = count;
    return ok && step != DB_FAILED;
}

bool store_events(struct store *s, const char *job_id, int64_t after, size_t limit,
                  struct store_event **events, size_t *n, int64_t *last, bool *ended,
                  struct err *e) {
    struct head head = {0};
    *events = NULL;
    *n = 0;
    if (!head_read(s, job_id, &head, e))
        return false;
    *last = head.last;
    *ended = head.ended;
    /* What comes later is behind head.last: the statements need no common snapshot. */
    bool ok = after >= head.last || rows_read(s, &head, after, limit, events, n, e);
    struct store_event *newest = ok && *n ? *events + (*n - 1) : NULL;
    if (newest && newest->kind == EVENT_DONE)
        ok = (newest->document = done_document(s, head.job, e));
    if (ok)
        return true;
    store_events_free(*events, *n);
    *events = NULL;
    *n = 0;
    return false;
}

void store_events_free(struct store_event *events, size_t n) {
    for (size_t i = 0; i < n; i++)
        free(events[i].document);
    free(events);
}
