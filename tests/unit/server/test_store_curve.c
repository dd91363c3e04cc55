#include <math.h>

#include "tests/unit/server/test_store.h"

/* A job "a" with points at epochs 0, 10, 20, ..., cost = epoch. */
static void curve_write(struct store *s, size_t points_n) {
    struct err e = {0};
    struct store_point *points = calloc(points_n + 1, sizeof *points);
    OK(insert_job(s, "a", "m", &e));
    for (size_t i = 0; i < points_n; i++)
        points[i] = (struct store_point){(int64_t)i * 10, (double)i * 10, (double)NAN};
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_progress progress = {LEASE_MS, 0, 0, points, points_n};
    enum store_wish wish;
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    free(points);
}

/* Of rows_n rows, most stay: the first, the last, and even steps between them. */
static void thinned(struct store *s, int64_t since, size_t rows_n, size_t most) {
    struct err e = {0};
    struct store_point *points;
    size_t n = 0;
    if (!OK(store_history(s, "a", since, most, &points, &n, &e)))
        return;
    size_t want_n = most < rows_n ? most : rows_n;
    if (CHECK_SAY(n == want_n, "%zu of %zu: got %zu", most, rows_n, n) && n) {
        int64_t first = (since + 9) / 10 * 10, last = first + (int64_t)(rows_n - 1) * 10;
        CHECK(points[n - 1].epoch == last);
        CHECK(n == 1 || points[0].epoch == first);
        double step = (double)(last - first) / (double)(n > 1 ? n - 1 : 1);
        for (size_t i = 1; i < n; i++) {
            double gap = (double)(points[i].epoch - points[i - 1].epoch);
            CHECK_SAY(gap > step - 10 && gap < step + 10, "%zu of %zu at %zu: gap %g",
                      most, rows_n, i, gap);
            CHECK(points[i].cost == (double)points[i].epoch);
        }
    }
    free(points);
}

static void history_is_thinned_evenly(void) {
    static const size_t ROWS[] = {0, 1, 2, 3, 10, 1000};
    static const size_t MOST[] = {0,  1,   2,   3,    7,    9,       10,
                                  11, 500, 999, 1000, 5000, SIZE_MAX};
    for (size_t r = 0; r < sizeof ROWS / sizeof *ROWS; r++) {
        struct place p;
        place_new(&p);
        struct store *s = place_open(&p);
        curve_write(s, ROWS[r]);
        for (size_t m = 0; m < sizeof MOST / sizeof *MOST; m++)
            thinned(s, 0, ROWS[r], MOST[m]);
        if (ROWS[r] == 1000) {
            thinned(s, 5000, 500, 7);
            thinned(s, 4991, 500, 7);
            thinned(s, 9990, 1, 7);
            thinned(s, 9991, 0, 7);
        }
        store_close(s);
        place_free(&p);
    }
}

static void history_of_nobody(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_point *points;
    size_t n;
    FAILS(store_history(s, "nobody", 0, 10, &points, &n, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

static void validation_costs(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_point points[] = {
        {0, 1, (double)NAN}, {1, 2, 0.0}, {2, 3, 0.1}, {3, 4, 1e-300}};
    struct store_progress progress = {LEASE_MS, 0, 0, points, 4};
    enum store_wish wish;
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    CHECK(raw_int(&p, "SELECT count(*) FROM points WHERE validation_cost IS NULL") == 1);
    /* Told again, an epoch keeps what it had. */
    points[0].validation_cost = 0.75;
    points[1].validation_cost = (double)NAN;
    progress.points_n = 2;
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    struct store_point *got = NULL;
    size_t n = 0;
    OK(store_history(s, "a", 0, 9, &got, &n, &e));
    if (CHECK(n == 4)) {
        CHECK(got[0].cost == 1 && isnan(got[0].validation_cost));
        CHECK(got[1].cost == 2 && got[1].validation_cost == 0.0);
        CHECK(got[2].cost == 3 && got[2].validation_cost == 0.1);
        CHECK(got[3].cost == 4 && got[3].validation_cost == 1e-300);
    }
    free(got);
    got = NULL;
    OK(store_history(s, "a", 1, 2, &got, &n, &e)); /* thinned: first and last */
    if (CHECK(n == 2)) {
        CHECK(got[0].epoch == 1 && got[0].validation_cost == 0.0);
        CHECK(got[1].epoch == 3 && got[1].validation_cost == 1e-300);
    }
    free(got);
    points[0].validation_cost = (double)INFINITY;
    FAILS(store_claim_progress(s, &claim, &progress, &wish, &e), ERR_NUMERIC);
    store_close(s);
    place_free(&p);
}

/* However many come together, and whatever is there already: each once, without a gap in
 * the sequence. */
static void batches_and_repeats(void) {
    static const int64_t BATCHES[][2] = {/* from, to */
                                         {0, 15},   {15, 31},   {31, 100}, {40, 90},
                                         {90, 140}, {140, 141}, {0, 141},  {141, 205}};
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    for (size_t b = 0; b < sizeof BATCHES / sizeof *BATCHES; b++) {
        struct store_point points[256];
        size_t n = 0;
        for (int64_t i = BATCHES[b][0]; i < BATCHES[b][1]; i++)
            points[n++] = (struct store_point){2 * i, 1.0 / (double)(i + 1),
                                               i % 3 ? (double)i : (double)NAN};
        const struct store_progress progress = {LEASE_MS, 1, 1, points, n};
        enum store_wish wish;
        OK(store_claim_progress(s, &claim, &progress, &wish, &e));
        CHECK(raw_int(&p, "SELECT count(*) FROM points") ==
              raw_int(&p, "SELECT max(epoch) / 2 + 1 FROM points"));
    }
    CHECK(raw_int(&p,
                  "SELECT count(*) FROM points a JOIN points b ON b.epoch = a.epoch + 2"
                  " WHERE b.seq <> a.seq + 1") == 0);
    CHECK(raw_int(&p, "SELECT count(*) FROM points WHERE (validation_cost IS NULL) <>"
                      " (epoch / 2 % 3 = 0)") == 0);
    CHECK(raw_int(&p, "SELECT events FROM jobs") == 205 + 2);
    /* A point that is none spoils all that came with it. */
    struct store_point wrong[20];
    for (int i = 0; i < 20; i++)
        wrong[i] = (struct store_point){1000 + i, i == 18 ? (double)INFINITY : 1, 1};
    const struct store_progress progress = {LEASE_MS, 1, 1, wrong, 20};
    enum store_wish wish;
    FAILS(store_claim_progress(s, &claim, &progress, &wish, &e), ERR_NUMERIC);
    CHECK(raw_int(&p, "SELECT count(*) FROM points") == 205);
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(history_is_thinned_evenly);
    STORE_RUN(history_of_nobody);
    STORE_RUN(validation_costs);
    STORE_RUN(batches_and_repeats);
    return check_done();
}
