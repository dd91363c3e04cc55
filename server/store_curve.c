/* Cost curves: one row a point. */
#include "server/store.h"

#include <math.h>
#include <stdlib.h>

#include "server/store_internal.h"

/* SQLite would make a null of NaN: a cost that diverged is an outcome, not a point. */
static bool point_check(const struct store_point *point, struct err *e) {
    if (!isfinite(point->cost))
        return err_set(e, ERR_NUMERIC, NULL, "the cost of epoch %lld is not finite",
                       (long long)point->epoch);
    return !isinf(point->validation_cost) ||
           err_set(e, ERR_NUMERIC, NULL,
                   "the validation cost of epoch %lld is not finite",
                   (long long)point->epoch);
}

/* One that is there already keeps its place, and no number is spent on it. */
static bool point_write(struct store *s, struct store_tail *tail,
                        const struct store_point *point, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "INSERT INTO points (job, epoch, cost, validation_cost, seq)"
                   " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (job, epoch) DO NOTHING",
                   e);
    if (!q)
        return false;
    db_bind_int(q, 1, tail->job);
    db_bind_int(q, 2, point->epoch);
    db_bind_double(q, 3, point->cost);
    if (isnan(point->validation_cost))
        db_bind_null(q, 4);
    else
        db_bind_double(q, 4, point->validation_cost);
    db_bind_int(q, 5, tail->seq + 1);
    int64_t changed;
    if (!db_run(q, &changed, e))
        return false;
    tail->seq += changed;
    return true;
}

bool store_points_write(struct store *s, struct store_tail *tail,
                        const struct store_point *points, size_t n, struct err *e) {
    for (size_t i = 0; i < n; i++)
        if (!point_check(&points[i], e) || !point_write(s, tail, &points[i], e))
            return false;
    return true;
}

/* Of rows 0..last, most + 1 ($3 is most) are kept: row r stays when r * most / last
 * passes a whole number on the way from row r - 1. That is every row when they are few,
 * and even steps otherwise; row 0 comes by itself, and of one point alone, the last. One
 * statement sees one curve, and no row that is left out reaches the caller. */
static const char HISTORY[] =
    "SELECT p.epoch, p.cost, p.validation_cost FROM"
    " (SELECT epoch, cost, validation_cost, row_number() OVER (ORDER BY epoch) - 1 AS r"
    "  FROM points WHERE job = $1 AND epoch >= $2) AS p,"
    " (SELECT count(*) - 1 AS last FROM points WHERE job = $1 AND epoch >= $2) AS c"
    " WHERE p.r = c.last OR (p.r = 0 AND $3 > 0)"
    " OR p.r * $3 / NULLIF(c.last, 0) > (p.r - 1) * $3 / NULLIF(c.last, 0)"
    " ORDER BY p.epoch";

bool store_history(struct store *s, const char *job_id, int64_t since_epoch,
                   size_t max_points, struct store_point **points, size_t *n,
                   struct err *e) {
    int64_t number;
    *points = NULL;
    *n = 0;
    if (!store_job_number(s, job_id, &number, e))
        return false;
    if (!max_points)
        return true;
    struct db_statement *q = db_prepare(s->db, HISTORY, e);
    if (!q)
        return false;
    /* Past this no curve goes, and its square still fits into 64 bits. */
    size_t most = max_points < INT32_MAX ? max_points : INT32_MAX;
    db_bind_int(q, 1, number);
    db_bind_int(q, 2, since_epoch);
    db_bind_int(q, 3, (int64_t)most - 1);
    void *array = NULL;
    size_t count = 0, capacity = 0;
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok) {
        ok = store_grow(&array, &capacity, count, sizeof **points, e);
        if (ok)
            ((struct store_point *)array)[count++] = (struct store_point){
                .epoch = db_int(q, 0),
                .cost = db_double(q, 1),
                .validation_cost = db_is_null(q, 2) ? (double)NAN : db_double(q, 2),
            };
    }
    db_end(q);
    if (!ok || step == DB_FAILED) {
        free(array);
        return false;
    }
    *points = array;
    *n = count;
    return true;
}
