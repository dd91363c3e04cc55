#include "tests/unit/server/test_store.h"

static void status_names(void) {
    CHECK(job_status_ended(JOB_SUCCEEDED) && job_status_ended(JOB_FAILED));
    CHECK(job_status_ended(JOB_CANCELLED) && !job_status_ended(JOB_QUEUED));
    CHECK(!job_status_ended(JOB_RUNNING) && !job_status_ended(JOB_PAUSED));
    CHECK_TEXT(job_status_name(JOB_QUEUED), "queued");
    CHECK_TEXT(job_status_name(JOB_CANCELLED), "cancelled");
    for (int i = 0; i < JOB_STATUSES_N; i++) {
        enum job_status found = JOB_STATUSES_N;
        CHECK(job_status_find(job_status_name((enum job_status)i), &found));
        CHECK(found == (enum job_status)i);
    }
    enum job_status untouched = JOB_FAILED;
    CHECK(!job_status_find("done", &untouched) && untouched == JOB_FAILED);
}

static void insert_and_get(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    int64_t blob = some_blob(s);
    const struct store_job_new new = {
        .id = "job_1",
        .model = "iris",
        .hyperparameters = "{\"epochs\": 7}",
        .metadata = "{\"who\": \"\xc3\xa9\"}",
        .data_blob = blob,
        .epochs = 7,
        .created_ms = 1700000000123,
    };
    OK(insert_new(s, &new, &e));
    struct store_job job = job_of(s, "job_1");
    CHECK_TEXT(job.id, "job_1");
    CHECK_TEXT(job.model, "iris");
    CHECK_TEXT(job.hyperparameters, new.hyperparameters);
    CHECK_TEXT(job.metadata, new.metadata);
    CHECK(job.status == JOB_QUEUED && job.data_blob == blob && job.epochs == 7);
    CHECK(job.created_ms == 1700000000123 && !job.started_ms && !job.finished_ms);
    CHECK(!job.cost_known && job.epochs_done == 0 && job.training_seconds == 0);
    CHECK(job.error_epoch == -1 && !job.model_version && !job.attempts);
    CHECK(!job.cancel_requested);
    CHECK_TEXT(job.stop_reason, "");
    CHECK_TEXT(job.error_code, "");
    store_job_free(&job);
    CHECK(!job.hyperparameters && !job.metadata && !job.warnings && !job.metrics);
    OK(insert_job(s, "job_2", "iris", &e));
    job = job_of(s, "job_2");
    CHECK(!job.metadata);
    store_job_free(&job);
    store_close(s);
    place_free(&p);
}

static void insert_refuses(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "first", &e));
    FAILS(insert_job(s, "a", "second", &e), ERR_CONFLICT);
    struct store_job job = job_of(s, "a");
    CHECK_TEXT(job.model, "first");
    store_job_free(&job);
    const struct store_job_new no_data = {
        .id = "b", .model = "m", .hyperparameters = "{}", .data_blob = 999};
    FAILS(insert_new(s, &no_data, &e), ERR_NOT_FOUND);
    FAILS(store_job_get(s, "b", &job, &e), ERR_NOT_FOUND);
    OK(insert_job(s, "b", "m", &e)); /* a refusal leaves no transaction behind */
    store_close(s);
    place_free(&p);
}

/* The ids of a page as one text: "c b +" with the plus when there are more. */
static const char *page(struct store *s, struct store_jobs_query query) {
    static char text[200];
    struct err e = {0};
    struct store_job *jobs;
    size_t n = 0;
    bool more = false;
    if (!OK(store_jobs_list(s, &query, &jobs, &n, &more, &e)))
        return "";
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        strcat(strcat(text, i ? " " : ""), jobs[i].id);
        store_job_free(&jobs[i]);
    }
    free(jobs);
    return strcat(text, more ? " +" : "");
}

static void list_pages_and_filters(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    CHECK_TEXT(page(s, (struct store_jobs_query){.status = -1, .limit = 5}), "");
    static const char *const MODELS[] = {"x", "y", "x", "y", "x"};
    for (int i = 0; i < 5; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        OK(insert_job(s, id, MODELS[i], &e));
    }
    struct store_job job;
    OK(store_job_cancel(s, "c", 5, &job, &e));
    store_job_free(&job);

    struct store_jobs_query all = {.status = -1, .limit = 5};
    CHECK_TEXT(page(s, all), "e d c b a");
    all.limit = 4;
    CHECK_TEXT(page(s, all), "e d c b +");
    all.after = "b";
    CHECK_TEXT(page(s, all), "a");
    all.after = "a";
    CHECK_TEXT(page(s, all), "");
    all.after = NULL;
    all.limit = 0;
    CHECK_TEXT(page(s, all), " +");
    all.limit = SIZE_MAX;
    CHECK_TEXT(page(s, all), "e d c b a");

    struct store_jobs_query some = {.status = JOB_QUEUED, .limit = 9};
    CHECK_TEXT(page(s, some), "e d b a");
    some.model = "x";
    CHECK_TEXT(page(s, some), "e a");
    some.status = -1;
    CHECK_TEXT(page(s, some), "e c a");
    some.after = "d";
    some.limit = 1;
    CHECK_TEXT(page(s, some), "c +");

    struct store_job *jobs;
    size_t n;
    bool more;
    some.after = "zz";
    FAILS(store_jobs_list(s, &some, &jobs, &n, &more, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

static void count_by_status(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    int64_t counts[JOB_STATUSES_N];
    for (int i = 0; i < 4; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        OK(insert_job(s, id, "m", &e));
    }
    claim_by(s, "w", LEASE_MS);
    struct store_job job;
    OK(store_job_cancel(s, "b", 5, &job, &e));
    store_job_free(&job);
    OK(store_jobs_count(s, counts, &e));
    CHECK(counts[JOB_QUEUED] == 2 && counts[JOB_RUNNING] == 1);
    CHECK(counts[JOB_CANCELLED] == 1 && !counts[JOB_SUCCEEDED] && !counts[JOB_FAILED]);
    store_close(s);
    place_free(&p);
}

static void cancel_by_status(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_job job;
    OK(insert_job(s, "a", "m", &e));

    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    OK(store_job_cancel(s, "a", 5, &job, &e)); /* running: asked */
    CHECK(job.status == JOB_RUNNING && job.cancel_requested && !job.finished_ms);
    store_job_free(&job);
    bool lost = true;
    enum store_wish wish = STORE_GO_ON;
    OK(store_claim_check(s, &claim, &lost, &wish, &e));
    CHECK(!lost && wish == STORE_CANCEL);

    OK(insert_job(s, "b", "m", &e));
    for (int64_t now = 6; now < 8; now++) { /* queued: at once; cancelled: stays so */
        OK(store_job_cancel(s, "b", now, &job, &e));
        CHECK(job.status == JOB_CANCELLED && job.cancel_requested);
        CHECK(job.finished_ms == 6);
        CHECK_TEXT(job.stop_reason, "cancelled");
        store_job_free(&job);
    }

    struct store_outcome outcome = {.status = JOB_FAILED, .error_epoch = -1};
    int64_t version;
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    FAILS(store_job_cancel(s, "a", 9, &job, &e), ERR_CONFLICT);
    CHECK(status_of(s, "a") == JOB_FAILED);
    FAILS(store_job_cancel(s, "nobody", 9, &job, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

/* ---- keys and the bound --------------------------------------------------------- */

static struct store_job_new job_with_key(struct store *s, const char *id, const char *key,
                                         const char *body) {
    return (struct store_job_new){
        .id = id,
        .model = "m",
        .hyperparameters = "{}",
        .data_blob = some_blob(s),
        .idempotency_key = key,
        .body_sha256 = body,
    };
}

static void a_key_makes_one_job(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p), *other = place_open(&p);
    char id[STORE_ID_MAX];
    bool replayed = true, found = true;
    struct store_job_new new = job_with_key(s, "a", "key", "body");
    OK(store_job_replay(s, "key", "body", id, &found, &e));
    CHECK(!found);
    snprintf(id, sizeof id, "a");
    new.id = id; /* one buffer for both */
    OK(store_job_insert(s, &new, id, &replayed, &e));
    CHECK(!replayed);
    CHECK_TEXT(id, "a");
    struct store_job job;
    OK(store_job_cancel(s, "a", 5, &job, &e)); /* whatever has become of it */
    store_job_free(&job);
    new = job_with_key(other, "b", "key", "body");
    new.queued_max = 1;
    OK(insert_job(other, "c", "m", &e)); /* the queue is full, and that does not matter */
    OK(store_job_insert(other, &new, id, &replayed, &e));
    CHECK(replayed);
    CHECK_TEXT(id, "a");
    OK(store_job_replay(other, "key", "body", id, &found, &e));
    CHECK(found);
    new = job_with_key(s, "d", "key", "another body");
    CHECK(!store_job_insert(s, &new, id, &replayed, &e));
    CHECK_SAY(e.kind == ERR_CONFLICT && strstr(e.text, "job a"), "%s", e.text);
    e = (struct err){0};
    FAILS(store_job_replay(s, "key", "another body", id, &found, &e), ERR_CONFLICT);
    CHECK(raw_int(&p, "SELECT count(*) FROM jobs") == 2);
    OK(store_job_delete(s, "a", &e)); /* a key lives as long as its job */
    OK(store_job_insert(s, &new, id, &replayed, &e));
    CHECK(!replayed);
    CHECK_TEXT(id, "d");
    store_close(other);
    store_close(s);
    place_free(&p);
}

static void the_queue_has_a_bound(void) {
    struct place p;
    struct err e = {0};
    struct store_job job;
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_job_new new = job_with_key(s, "new", NULL, NULL);
    new.queued_max = 3;
    new.memory_bytes = 1234;
    for (int i = 0; i < 4; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        OK(insert_job(s, id, "m", &e));
    }
    CHECK(!insert_new(s, &new, &e));
    CHECK_SAY(e.kind == ERR_BUSY && strstr(e.text, "3 jobs"), "%s", e.text);
    e = (struct err){0};
    FAILS(store_job_room(s, 4, &e), ERR_BUSY);
    OK(store_job_room(s, 5, &e));
    claim_by(s, "w", LEASE_MS);
    FAILS(insert_new(s, &new, &e), ERR_BUSY);
    OK(store_job_pause(s, "b", 5, &job, &e)); /* paused ones do not wait */
    store_job_free(&job);
    OK(insert_new(s, &new, &e));
    job = job_of(s, "new");
    CHECK(job.memory_bytes == 1234 && job.priority == 0 && job.events == 1);
    store_job_free(&job);
    new.id = "newer";
    FAILS(insert_new(s, &new, &e), ERR_BUSY);
    FAILS(store_job_get(s, "newer", &job, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(status_names);
    STORE_RUN(insert_and_get);
    STORE_RUN(insert_refuses);
    STORE_RUN(list_pages_and_filters);
    STORE_RUN(count_by_status);
    STORE_RUN(cancel_by_status);
    STORE_RUN(a_key_makes_one_job);
    STORE_RUN(the_queue_has_a_bound);
    return check_done();
}
