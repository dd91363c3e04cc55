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

static void validation_bind(struct db_statement *q, int index, double cost) {
    if (isnan(cost))
        db_bind_null(q, index);
    else
        db_bind_double(q, index, cost);
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
    validation_bind(q, 4, point->validation_cost);
    db_bind_int(q, 5, tail->seq + 1);
    int64_t changed;
    if (!db_run(q, &changed, e))
        return false;
    tail->seq += changed;
    return true;
}

/* A statement is a question to another machine: many points go with one. */
enum { TOGETHER = 16 };
static const char POINTS_INSERT[] =
    "INSERT INTO points (job, epoch, cost, validation_cost, seq) VALUES"
    " ($1, $2, $3, $4, $5), ($1, $6, $7, $8, $9),"
    " ($1, $10, $11, $12, $13), ($1, $14, $15, $16, $17),"
    " ($1, $18, $19, $20, $21), ($1, $22, $23, $24, $25),"
    " ($1, $26, $27, $28, $29), ($1, $30, $31, $32, $33),"
    " ($1, $34, $35, $36, $37), ($1, $38, $39, $40, $41),"
    " ($1, $42, $43, $44, $45), ($1, $46, $47, $48, $49),"
    " ($1, $50, $51, $52, $53), ($1, $54, $55, $56, $57),"
    " ($1, $58, $59, $60, $61), ($1, $62, $63, $64, $65)";

static bool points_together(struct store *s, struct store_tail *tail,
                            const struct store_point points[TOGETHER], struct err *e) {
    struct db_statement *q = db_prepare(s->db, POINTS_INSERT, e);
    if (!q)
        return false;
    db_bind_int(q, 1, tail->job);
    for (int i = 0; i < TOGETHER; i++) {
        db_bind_int(q, 4 * i + 2, points[i].epoch);
        db_bind_double(q, 4 * i + 3, points[i].cost);
        validation_bind(q, 4 * i + 4, points[i].validation_cost);
        db_bind_int(q, 4 * i + 5, tail->seq + 1 + i);
    }
    tail->seq += TOGETHER;
    return db_run(q, NULL, e);
}

/* Whether none of them is there already, or twice among themselves. */
static bool points_are_new(struct store *s, int64_t job, const struct store_point *points,
                           size_t n, bool *new, struct err *e) {
    *new = true;
    for (size_t i = 1; i < n; i++)
        *new = *new &&points[i].epoch > points[i - 1].epoch;
    if (!*new)
        return true;
    struct db_statement *q = db_prepare(
        s->db,
        "SELECT 1 FROM points WHERE job = $1 AND epoch >= $2 AND epoch <= $3 LIMIT 1", e);
    if (!q)
        return false;
    db_bind_int(q, 1, job);
    db_bind_int(q, 2, points[0].epoch);
    db_bind_int(q, 3, points[n - 1].epoch);
    enum db_step step = db_step(q, e);
    *new = step == DB_DONE;
    db_end(q);
    return step != DB_FAILED;
}

bool store_points_write(struct store *s, struct store_tail *tail,
                        const struct store_point *points, size_t n, struct err *e) {
    bool new = false;
    for (size_t i = 0; i < n; i++)
        if (!point_check(&points[i], e))
            return false;
    if (n >= TOGETHER && !points_are_new(s, tail->job, points, n, &new, e))
        return false;
    size_t i = 0;
    for (; new &&i + TOGETHER <= n; i += TOGETHER)
        if (!points_together(s, tail, points + i, e))
            return false;
    for (; i < n; i++)
        if (!point_write(s, tail, &points[i], e))
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
