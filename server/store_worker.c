/* The workers that there are. */
#include "server/store.h"

#include "server/store_internal.h"

/* One that trains has shown itself by its lease. Those that others look at just now stay
 * for the next time. */
static const char PRUNE[] =
    "DELETE FROM workers WHERE owner IN (SELECT w.owner FROM workers w"
    " WHERE w.seen_ms < $1 AND NOT EXISTS (SELECT 1 FROM jobs"
    " WHERE status = 'running' AND jobs.owner = w.owner)"
    " ORDER BY w.owner FOR UPDATE SKIP LOCKED)";

static bool silent_forget(struct store *s, int64_t before_ms, struct err *e) {
    struct db_statement *q = db_prepare(s->db, PRUNE, e);
    if (!q)
        return false;
    db_bind_int(q, 1, before_ms);
    return db_run(q, NULL, e);
}

bool store_worker_seen(struct store *s, const struct store_worker *worker,
                       struct err *e) {
    int64_t now_ms;
    struct db_statement *q =
        db_prepare(s->db,
                   "INSERT INTO workers (owner, threads, memory_max, seen_ms)"
                   " VALUES ($1, $2, $3, $4) ON CONFLICT (owner) DO UPDATE SET"
                   " threads = excluded.threads, memory_max = excluded.memory_max,"
                   " seen_ms = excluded.seen_ms",
                   e);
    if (!q || !db_now_ms(s->db, &now_ms, e))
        return false;
    db_bind_text(q, 1, worker->owner);
    db_bind_int(q, 2, worker->threads);
    db_bind_int(q, 3, worker->memory_max);
    db_bind_int(q, 4, now_ms);
    return db_run(q, NULL, e) && silent_forget(s, now_ms - worker->alive_ms, e);
}

bool store_machine_lock(struct store *s, const char *machine, struct err *e) {
    struct db_statement *q = db_prepare(s->db,
                                        "SELECT owner FROM workers WHERE"
                                        " substr(owner, 1, length($1)) = $1"
                                        " ORDER BY owner FOR UPDATE",
                                        e);
    if (!q)
        return false;
    db_bind_text(q, 1, machine);
    return db_run(q, NULL, e);
}
