/* Claims: which job is the next one, and what its holder reports, finishes and gives
 * back. */
#include <math.h>

#include "tests/unit/server/test_store.h"

static void oldest_first(void) {
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    CHECK(nothing_to_claim(s));
    insert_three(s);
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    CHECK_TEXT(claim.job_id, "a");
    CHECK(claim.fence == 1);
    struct store_job job = job_of(s, "a");
    CHECK(job.status == JOB_RUNNING && job.started_ms > 1600000000000 &&
          job.attempts == 1);
    store_job_free(&job);
    CHECK_TEXT(claim_by(s, "w", LEASE_MS).job_id, "b");
    CHECK_TEXT(claim_by(s, "w", LEASE_MS).job_id, "c");
    CHECK(nothing_to_claim(s));
    store_close(s);
    place_free(&p);
}

/* Every write of a claim whose job went to another changes nothing. */
static void stale_claim_writes_nothing(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *a = place_open(&p), *b = place_open(&p);
    OK(insert_job(a, "a", "m", &e));
    struct store_claim old = claim_by(a, "first", LEASE_MS);
    CHECK(nothing_to_claim(b)); /* the lease holds */
    const struct store_progress frozen = {.lease_ms = EXPIRED_MS};
    enum store_wish wish = STORE_GO_ON;
    OK(store_claim_progress(a, &old, &frozen, &wish, &e));
    struct store_claim new = claim_by(b, "second", LEASE_MS);
    CHECK_TEXT(new.job_id, "a");
    CHECK(new.fence > old.fence);

    const struct store_point point = {3, 0.5, (double)NAN};
    struct store_outcome outcome = {
        .status = JOB_SUCCEEDED,
        .error_epoch = -1,
        .model_blob = some_blob(a),
        .model_document = "{}",
        .progress = {EXPIRED_MS, 5, 1, &point, 1},
    };
    struct store_checkpoint checkpoint = {.blob = some_blob(a), .resumable = true};
    bool lost = false;
    int64_t version;
    OK(store_claim_check(a, &old, &lost, &wish, &e));
    CHECK(lost);
    CHECK(!store_claim_progress(a, &old, &outcome.progress, &wish, &e));
    CHECK(e.kind == ERR_CONFLICT && strstr(e.text, "lease lost"));
    e = (struct err){0};
    FAILS(store_claim_finish(a, &old, &outcome, &version, &e), ERR_CONFLICT);
    FAILS(store_claim_release(a, &old, &e), ERR_CONFLICT);
    FAILS(store_claim_checkpoint(a, &old, &outcome.progress, &checkpoint, 1, &e),
          ERR_CONFLICT);
    CHECK(raw_int(&p, "SELECT count(*) FROM checkpoints") == 0);

    struct store_job job = job_of(a, "a");
    CHECK(job.status == JOB_RUNNING && !job.cost_known && job.epochs_done == 0);
    CHECK(job.attempts == 2);
    store_job_free(&job);
    struct store_point *points;
    size_t n;
    OK(store_history(a, "a", 0, 10, &points, &n, &e));
    CHECK(n == 0);
    free(points);
    struct store_version v;
    FAILS(store_version_get(a, "m", 0, &v, &e), ERR_NOT_FOUND);
    /* Nor was the lease of the other one moved. */
    CHECK(nothing_to_claim(a));
    OK(store_claim_check(a, &new, &lost, &wish, &e));
    CHECK(!lost && new.fence == old.fence + 1);
    store_close(a);
    store_close(b);
    place_free(&p);
}

static void progress_renews_and_reports(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p), *client = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", EXPIRED_MS);
    const struct store_point points[] = {
        {0, 0.9, (double)NAN}, {1, 0.7, (double)NAN}, {2, 0.6, (double)NAN}};
    struct store_progress progress = {LEASE_MS, 2.5, 0.25, points, 3};
    enum store_wish wish = STORE_CANCEL;
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    CHECK(wish == STORE_GO_ON);
    CHECK(nothing_to_claim(s));
    struct store_job job = job_of(client, "a");
    CHECK(job.epochs_done == 2.5 && job.training_seconds == 0.25);
    CHECK(job.cost_known && job.cost == 0.6 && job.cost_epoch == 2);
    store_job_free(&job);

    OK(store_job_cancel(client, "a", 60, &job, &e));
    store_job_free(&job);
    progress = (struct store_progress){LEASE_MS, 2.75, 0.3, NULL, 0};
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    CHECK(wish == STORE_CANCEL);
    job = job_of(client, "a"); /* no points: the cost stays */
    CHECK(job.epochs_done == 2.75 && job.cost == 0.6 && job.cost_epoch == 2);
    store_job_free(&job);
    store_close(client);
    store_close(s);
    place_free(&p);
}

static void progress_is_all_or_nothing(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_point points[] = {
        {0, 0.9, (double)NAN}, {1, (double)NAN, (double)NAN}, {2, 0.6, (double)NAN}};
    struct store_progress progress = {LEASE_MS, 2.5, 0.25, points, 3};
    enum store_wish wish;
    FAILS(store_claim_progress(s, &claim, &progress, &wish, &e), ERR_NUMERIC);
    struct store_job job = job_of(s, "a");
    CHECK(!job.cost_known && job.epochs_done == 0);
    store_job_free(&job);
    struct store_point *got;
    size_t n;
    OK(store_history(s, "a", 0, 10, &got, &n, &e));
    CHECK(n == 0);
    free(got);
    store_close(s);
    place_free(&p);
}

static void second_claim_repeats_points(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_job job = job_of(s, "a");
    int64_t started_ms = job.started_ms;
    store_job_free(&job);
    const struct store_point first[] = {{0, 0.9, (double)NAN}, {1, 0.7, (double)NAN}};
    struct store_progress progress = {EXPIRED_MS, 1, 0.1, first, 2};
    enum store_wish wish;
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    claim = claim_by(s, "x", LEASE_MS);
    job = job_of(s, "a");
    CHECK(job.epochs_done == 0 && job.started_ms == started_ms && job.attempts == 2);
    CHECK(job.cost_known && job.cost == 0.7 && job.cost_epoch == 1);
    store_job_free(&job);
    const struct store_point second[] = {{0, 0.8, 0.5}, {1, 0.6, 0.5}, {2, 0.5, 0.5}};
    progress = (struct store_progress){LEASE_MS, 0.5, 0.1, second, 3};
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    struct store_point *got;
    size_t n;
    OK(store_history(s, "a", 0, 10, &got, &n, &e));
    CHECK(n == 3 && got[0].cost == 0.9 && got[1].cost == 0.7 && got[2].cost == 0.5);
    CHECK(n == 3 && isnan(got[0].validation_cost) && got[2].validation_cost == 0.5);
    free(got);
    store_close(s);
    place_free(&p);
}

static void finish_publishes(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "iris", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_point points[] = {{8, 0.25, (double)NAN}, {9, 0.125, (double)NAN}};
    int64_t blob, version = 0;
    char sha256[STORE_SHA256_TEXT];
    OK(store_blob_put(s, "weights", 7, 20, &blob, sha256, &e));
    struct store_outcome outcome = {
        .status = JOB_SUCCEEDED,
        .stop_reason = "completed",
        .error_epoch = -1,
        .model_blob = blob + 100,
        .model_document = "{\"layers\": []}",
        .warnings = "[\"constant\"]",
        .metrics = "{\"accuracy\": 1}",
        .progress = {0, 9, 1.5, points, 2},
    };
    /* No blob, no model, and no succeeded job either. */
    FAILS(store_claim_finish(s, &claim, &outcome, &version, &e), ERR_NOT_FOUND);
    struct store_job job = job_of(s, "a");
    CHECK(job.status == JOB_RUNNING && !job.warnings && !job.metrics);
    store_job_free(&job);
    outcome.model_blob = blob;
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    CHECK(version == 1);
    job = job_of(s, "a");
    CHECK_TEXT(job.warnings, "[\"constant\"]");
    CHECK_TEXT(job.metrics, "{\"accuracy\": 1}");
    CHECK(job.status == JOB_SUCCEEDED && job.model_version == 1);
    CHECK(job.finished_ms >= job.started_ms && job.epochs_done == 9 && job.cost == 0.125);
    CHECK_TEXT(job.stop_reason, "completed");
    CHECK_TEXT(job.error_code, "");
    int64_t finished_ms = job.finished_ms;
    store_job_free(&job);
    struct store_version v;
    OK(store_version_get(s, "iris", 0, &v, &e));
    CHECK(v.version == 1 && v.blob == blob && v.bytes == 7 &&
          v.created_ms == finished_ms);
    CHECK_TEXT(v.job_id, "a");
    CHECK_TEXT(v.sha256, sha256);
    CHECK_TEXT(v.document, "{\"layers\": []}");
    store_version_free(&v);
    FAILS(store_claim_finish(s, &claim, &outcome, &version, &e), ERR_CONFLICT);
    bool lost = false;
    enum store_wish wish;
    OK(store_claim_check(s, &claim, &lost, &wish, &e));
    CHECK(lost);
    store_close(s);
    place_free(&p);
}

static void finish_without_a_model(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    insert_three(s);
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_outcome outcome = {
        .status = JOB_FAILED,
        .stop_reason = "diverged",
        .error_code = "diverged",
        .error_text = "the cost is not finite",
        .error_epoch = 4,
        .progress = {0, 4, 1.5, NULL, 0},
    };
    int64_t version = 9;
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    CHECK(version == 0);
    struct store_job job = job_of(s, "a");
    CHECK(job.status == JOB_FAILED && job.error_epoch == 4 && !job.model_version);
    CHECK(!job.warnings && !job.metrics);
    CHECK_TEXT(job.error_code, "diverged");
    CHECK_TEXT(job.error_text, "the cost is not finite");
    store_job_free(&job);
    claim = claim_by(s, "w", LEASE_MS);
    outcome = (struct store_outcome){
        .status = JOB_CANCELLED, .stop_reason = "cancelled", .error_epoch = -1};
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    CHECK(status_of(s, "b") == JOB_CANCELLED);
    struct store_version v;
    FAILS(store_version_get(s, "m", 0, &v, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

static void release_keeps_the_place(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    insert_three(s);
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    OK(store_claim_release(s, &claim, &e));
    CHECK(status_of(s, "a") == JOB_QUEUED);
    FAILS(store_claim_release(s, &claim, &e), ERR_CONFLICT);
    struct store_claim again = claim_by(s, "x", LEASE_MS);
    CHECK_TEXT(again.job_id, "a"); /* before b and c, which waited all the time */
    CHECK(again.fence > claim.fence);
    store_close(s);
    place_free(&p);
}

/* What was asked of a job counts when its worker lets go of it, however that happens. */
static void cancelled_while_in_hand(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    insert_three(s);
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_job job;
    OK(store_job_cancel(s, "a", 2, &job, &e));
    store_job_free(&job);
    OK(store_claim_release(s, &claim, &e));
    job = job_of(s, "a");
    CHECK(job.status == JOB_CANCELLED && job.finished_ms && job.attempts == 1);
    CHECK_TEXT(job.stop_reason, "cancelled");
    store_job_free(&job);

    /* A lease that ran out: the next claim passes it by. */
    CHECK_TEXT(claim_by(s, "x", EXPIRED_MS).job_id, "b");
    OK(store_job_cancel(s, "b", 79, &job, &e));
    store_job_free(&job);
    CHECK_TEXT(claim_by(s, "x", LEASE_MS).job_id, "c");
    CHECK(status_of(s, "b") == JOB_CANCELLED);
    OK(store_job_cancel(s, "c", 80, &job, &e));
    store_job_free(&job);
    int64_t released = 9;
    OK(store_owner_dead(s, "x", STORE_DEATH_CRASH, 81, &released, &e));
    CHECK(released == 0 && status_of(s, "c") == JOB_CANCELLED);
    CHECK(nothing_to_claim(s));
    store_close(s);
    place_free(&p);
}

static const char *claimed(struct store *s) {
    static char id[STORE_ID_MAX];
    snprintf(id, sizeof id, "%s", claim_by(s, "w", LEASE_MS).job_id);
    return id;
}

static void insert_with_priority(struct store *s, const char *id, int64_t priority) {
    struct err e = {0};
    const struct store_job_new job = {.id = id,
                                      .model = "m",
                                      .hyperparameters = "{}",
                                      .data_blob = some_blob(s),
                                      .priority = priority};
    OK(insert_new(s, &job, &e));
}

static void largest_priority_first(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    insert_with_priority(s, "low", -5);
    insert_with_priority(s, "plain", 0);
    insert_with_priority(s, "high", 7);
    insert_with_priority(s, "late", 7);
    struct store_job job = job_of(s, "high");
    CHECK(job.priority == 7);
    store_job_free(&job);
    CHECK_TEXT(claimed(s), "high");
    /* One that ran out of its lease stands among the others by its own priority. */
    struct store_claim claim = claim_by(s, "w", EXPIRED_MS);
    CHECK_TEXT(claim.job_id, "late");
    insert_with_priority(s, "urgent", 8);
    CHECK_TEXT(claimed(s), "urgent");
    CHECK_TEXT(claimed(s), "late");
    OK(store_job_pause(s, "plain", 5, &job, &e));
    store_job_free(&job);
    CHECK_TEXT(claimed(s), "low");
    CHECK(nothing_to_claim(s));
    store_close(s);
    place_free(&p);
}

/* Leaves to others what it has no memory for, and at a word what others had in hand. */
static void claims_what_it_may(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_claim claim;
    bool found;
    const struct store_job_new jobs[] = {
        {.id = "large", .memory_bytes = 4000, .priority = 5},
        {.id = "small", .memory_bytes = 1000},
        {.id = "unknown"}};
    for (int i = 0; i < 3; i++) {
        struct store_job_new job = jobs[i];
        job.model = "m";
        job.hyperparameters = "{}";
        job.data_blob = some_blob(s);
        OK(insert_new(s, &job, &e));
    }
    struct store_claiming small = {
        .owner = "w", .lease_ms = EXPIRED_MS, .memory_max = 1000, .queued_only = true};
    OK(store_claim(s, &small, &claim, &found, &e));
    CHECK(found);
    CHECK_TEXT(claim.job_id, "small");
    OK(store_claim(s, &small, &claim, &found, &e));
    CHECK_TEXT(claim.job_id, "unknown");
    OK(store_claim(s, &small, &claim, &found, &e));
    CHECK(!found);
    small.queued_only = false; /* both leases have run out */
    OK(store_claim(s, &small, &claim, &found, &e));
    CHECK(found);
    CHECK_TEXT(claim.job_id, "small");
    claim = claim_by(s, "large", LEASE_MS);
    CHECK_TEXT(claim.job_id, "large");
    store_close(s);
    place_free(&p);
}

static const char CLAIM[] = "SELECT number FROM jobs WHERE status = 'queued' AND hold = 0"
                            " ORDER BY priority DESC, number LIMIT 1";

static void file_looks_up(const struct place *p) {
    enum { STEPS_MAX = 400 };
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    CHECK(sqlite3_open(p->path, &db) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(db, CLAIM, -1, &q, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0) == 1);
    int steps = sqlite3_stmt_status(q, SQLITE_STMTSTATUS_VM_STEP, 0);
    CHECK_SAY(steps < STEPS_MAX, "%d steps", steps);
    CHECK(sqlite3_stmt_status(q, SQLITE_STMTSTATUS_SORT, 0) == 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
}

/* The plan is the index by turns, and no sorting. */
static void server_looks_up(const struct place *p) {
    struct err e = {0};
    char sql[200], plan[1000] = "";
    raw(p->path, "ANALYZE jobs");
    snprintf(sql, sizeof sql, "EXPLAIN %s", CLAIM);
    struct db *db = db_open(p->path, &e);
    struct db_statement *q = db ? db_prepare(db, sql, &e) : NULL;
    while (OK(q != NULL) && db_step(q, &e) == DB_ROW)
        strncat(plan, db_text(q, 0), sizeof plan - strlen(plan) - 1);
    CHECK_SAY(strstr(plan, "Scan using jobs_by_turn") && !strstr(plan, "Sort"), "%s %s",
              plan, e.text);
    db_close(db);
}

/* However long the queue is, its head is the first of an index: the half of store_claim's
 * statement that looks for it takes as few steps as with one job. */
static void claiming_is_a_lookup(void) {
    enum { JOBS_N = 20000 };
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    insert_with_priority(s, "first", 3);
    char sql[600];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n"
             " WHERE i < %d) INSERT INTO jobs (id, number, model, status,"
             " hyperparameters, data_blob, created_ms, epochs, priority, hold)"
             " SELECT 'j' || i, i, 'm', 'queued', '{}', 1, 1, 1, i %% 3, i %% 2 FROM n",
             JOBS_N);
    raw(p.path, sql);
    if (place_on_server)
        server_looks_up(&p);
    else
        file_looks_up(&p);
    CHECK_TEXT(claimed(s), "first");
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(oldest_first);
    STORE_RUN(stale_claim_writes_nothing);
    STORE_RUN(progress_renews_and_reports);
    STORE_RUN(progress_is_all_or_nothing);
    STORE_RUN(second_claim_repeats_points);
    STORE_RUN(finish_publishes);
    STORE_RUN(finish_without_a_model);
    STORE_RUN(release_keeps_the_place);
    STORE_RUN(cancelled_while_in_hand);
    STORE_RUN(largest_priority_first);
    STORE_RUN(claims_what_it_may);
    STORE_RUN(claiming_is_a_lookup);
    return check_done();
}
