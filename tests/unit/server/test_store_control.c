#include <math.h>

#include "tests/unit/server/test_store.h"

typedef bool control(struct store *, const char *, int64_t, struct store_job *,
                     struct err *);

/* Says it twice: the second time must change nothing. @return the status after it. */
static enum job_status say(struct store *s, control *what, const char *id) {
    struct err e = {0};
    struct store_job job = {0}, again = {0};
    OK(what(s, id, 50, &job, &e));
    OK(what(s, id, 60, &again, &e));
    CHECK(again.status == job.status && again.events == job.events);
    CHECK(again.finished_ms == job.finished_ms);
    CHECK(again.pause_requested == job.pause_requested);
    store_job_free(&job);
    store_job_free(&again);
    return again.status;
}

static enum store_wish wish_for(struct store *s, const struct store_claim *claim) {
    struct err e = {0};
    bool lost = true;
    enum store_wish looked = STORE_GO_ON, told = STORE_GO_ON;
    OK(store_claim_check(s, claim, &lost, &looked, &e));
    const struct store_progress progress = {.lease_ms = LEASE_MS};
    OK(store_claim_progress(s, claim, &progress, &told, &e));
    CHECK(!lost && looked == told);
    return looked;
}

static bool none_to_claim(struct store *s) {
    struct err e = {0};
    struct store_claim claim;
    bool found = true;
    OK(store_claim(s, &(struct store_claiming){.owner = "w", .lease_ms = LEASE_MS},
                   &claim, &found, &e));
    return !found;
}

static size_t listed(struct store *s, enum job_status status) {
    struct err e = {0};
    const struct store_jobs_query query = {.status = (int)status, .limit = 9};
    struct store_job *jobs = NULL;
    size_t n = 0;
    bool more;
    OK(store_jobs_list(s, &query, &jobs, &n, &more, &e));
    for (size_t i = 0; i < n; i++) {
        CHECK(jobs[i].status == status);
        store_job_free(&jobs[i]);
    }
    free(jobs);
    return n;
}

static void queued_jobs_pause_at_once(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    OK(insert_job(s, "b", "m", &e));
    CHECK(say(s, store_job_pause, "a") == JOB_PAUSED);
    CHECK(listed(s, JOB_PAUSED) == 1 && listed(s, JOB_QUEUED) == 1);
    int64_t counts[JOB_STATUSES_N];
    OK(store_jobs_count(s, counts, &e));
    CHECK(counts[JOB_PAUSED] == 1 && counts[JOB_QUEUED] == 1);
    CHECK_TEXT(claim_by(s, "w", LEASE_MS).job_id, "b");
    CHECK(none_to_claim(s));
    OK(insert_job(s, "c", "m", &e));
    CHECK(say(s, store_job_resume, "a") == JOB_QUEUED);
    CHECK(say(s, store_job_resume, "c") == JOB_QUEUED);
    CHECK_TEXT(claim_by(s, "w", LEASE_MS).job_id, "a"); /* its old place, before c */
    CHECK(say(s, store_job_pause, "c") == JOB_PAUSED);
    CHECK(say(s, store_job_cancel, "c") == JOB_CANCELLED);
    store_close(s);
    place_free(&p);
}

static void running_jobs_are_asked(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p), *client = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    CHECK(wish_for(s, &claim) == STORE_GO_ON);
    CHECK(say(client, store_job_pause, "a") == JOB_RUNNING);
    struct store_job job = job_of(client, "a");
    CHECK(job.pause_requested && !job.cancel_requested);
    store_job_free(&job);
    CHECK(listed(client, JOB_RUNNING) == 1 && !listed(client, JOB_PAUSED));
    CHECK(wish_for(s, &claim) == STORE_PAUSE);
    CHECK(say(client, store_job_resume, "a") == JOB_RUNNING); /* withdrawn */
    CHECK(wish_for(s, &claim) == STORE_GO_ON);
    CHECK(say(client, store_job_pause, "a") == JOB_RUNNING);
    OK(store_claim_release(s, &claim, &e));
    CHECK(status_of(client, "a") == JOB_PAUSED && none_to_claim(s));
    CHECK(say(client, store_job_resume, "a") == JOB_QUEUED);

    claim = claim_by(s, "w", LEASE_MS);
    CHECK(say(client, store_job_pause, "a") == JOB_RUNNING);
    CHECK(say(client, store_job_cancel, "a") == JOB_RUNNING);
    CHECK(wish_for(s, &claim) == STORE_CANCEL);
    CHECK(say(client, store_job_pause, "a") == JOB_RUNNING); /* too late */
    CHECK(wish_for(s, &claim) == STORE_CANCEL);
    OK(store_claim_release(s, &claim, &e));
    CHECK(status_of(client, "a") == JOB_CANCELLED);
    store_close(client);
    store_close(s);
    place_free(&p);
}

/* A worker that is gone cannot answer: what takes its job away does. */
static void asked_of_a_worker_that_is_gone(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    int64_t released;
    OK(insert_job(s, "a", "m", &e));
    claim_by(s, "w", EXPIRED_MS);
    CHECK(say(s, store_job_pause, "a") == JOB_RUNNING);
    CHECK(none_to_claim(s) && status_of(s, "a") == JOB_PAUSED);
    CHECK(say(s, store_job_resume, "a") == JOB_QUEUED);
    claim_by(s, "w", LEASE_MS);
    CHECK(say(s, store_job_pause, "a") == JOB_RUNNING);
    OK(store_owner_dead(s, "w", STORE_DEATH_TOLD, 9, &released, &e));
    CHECK(released == 1 && status_of(s, "a") == JOB_PAUSED);
    store_close(s);
    place_free(&p);
}

static void finish(struct store *s, const struct store_claim *claim,
                   enum job_status status) {
    struct err e = {0};
    int64_t version;
    const struct store_outcome outcome = {.status = status,
                                          .error_epoch = -1,
                                          .model_blob = some_blob(s),
                                          .model_document = "{}"};
    OK(store_claim_finish(s, claim, &outcome, &version, &e));
}

static void an_end_is_for_ever(void) {
    static const enum job_status ENDS[] = {JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED};
    static control *const SAID[] = {store_job_pause, store_job_resume, store_job_cancel};
    struct place p;
    struct err e = {0};
    struct store_job job;
    place_new(&p);
    struct store *s = place_open(&p);
    for (size_t i = 0; i < 3; i++) {
        const char *id = job_status_name(ENDS[i]);
        OK(insert_job(s, id, "m", &e));
        struct store_claim claim = claim_by(s, "w", LEASE_MS);
        CHECK(say(s, store_job_pause, id) == JOB_RUNNING); /* it was faster */
        finish(s, &claim, ENDS[i]);
        for (size_t k = 0; k < 3; k++) {
            if (ENDS[i] == JOB_CANCELLED && SAID[k] == store_job_cancel) {
                CHECK(say(s, SAID[k], id) == JOB_CANCELLED);
                continue;
            }
            CHECK(!SAID[k](s, id, 9, &job, &e));
            CHECK_SAY(e.kind == ERR_CONFLICT && strstr(e.text, id), "%s", e.text);
            e = (struct err){0};
        }
        CHECK(status_of(s, id) == ENDS[i] && listed(s, ENDS[i]) == 1);
        job = job_of(s, id);
        CHECK(!job.pause_requested);
        store_job_free(&job);
    }
    for (size_t k = 0; k < 3; k++)
        FAILS(SAID[k](s, "nobody", 9, &job, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

/* ---- delete --------------------------------------------------------------------- */

static int64_t blob_of(struct store *s, const char *text) {
    struct err e = {0};
    char sha256[STORE_SHA256_TEXT];
    int64_t blob = 0;
    OK(store_blob_put(s, text, strlen(text), INT64_MAX / 2, &blob, sha256, &e));
    return blob;
}

/* A job with a curve, checkpoints and a key, which has succeeded. */
static void job_with_everything(struct store *s, const char *id, int64_t data,
                                int64_t points_n) {
    struct err e = {0};
    enum store_wish wish;
    char text[80];
    snprintf(text, sizeof text, "validation targets of %s", id);
    const struct store_job_new new = {
        .id = id,
        .model = "m",
        .hyperparameters = "{}",
        .warnings = "[\"w\"]",
        .data_blob = data,
        .validation_blob = data,
        .validation_targets_blob = blob_of(s, text),
        .idempotency_key = id,
        .body_sha256 = "body",
    };
    OK(insert_new(s, &new, &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_point *points = calloc((size_t)points_n, sizeof *points);
    for (int64_t i = 0; i < points_n; i++)
        points[i] = (struct store_point){i, 0.5, (double)NAN};
    struct store_progress progress = {LEASE_MS, 1, 1, points, (size_t)points_n};
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    free(points);
    progress = (struct store_progress){.lease_ms = LEASE_MS};
    snprintf(text, sizeof text, "checkpoint of %s", id);
    struct store_checkpoint c = {.blob = blob_of(s, text), .best = true};
    OK(store_claim_checkpoint(s, &claim, &progress, &c, 1, &e));
    snprintf(text, sizeof text, "model of %s", id);
    const struct store_outcome outcome = {.status = JOB_SUCCEEDED,
                                          .error_epoch = -1,
                                          .model_blob = blob_of(s, text),
                                          .model_document = "{}"};
    int64_t version;
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
}

static void delete_takes_all_but_the_model(void) {
    struct place p;
    struct err e = {0};
    struct store_job job;
    place_new(&p);
    struct store *s = place_open(&p);
    int64_t data = blob_of(s, "their data");
    job_with_everything(s, "a", data, 12345);
    job_with_everything(s, "b", data, 10);
    CHECK(raw_int(&p, "SELECT count(*) FROM blobs") == 7);
    OK(store_job_delete(s, "a", &e));
    FAILS(store_job_get(s, "a", &job, &e), ERR_NOT_FOUND);
    FAILS(store_job_delete(s, "a", &e), ERR_NOT_FOUND);
    CHECK(raw_int(&p, "SELECT count(*) FROM points") == 10);
    CHECK(raw_int(&p, "SELECT count(*) FROM events WHERE job = 1") == 0);
    CHECK(raw_int(&p, "SELECT count(*) FROM checkpoints") == 1);
    CHECK(raw_int(&p, "SELECT count(*) FROM blobs") == 5); /* less two of its own */
    char id[STORE_ID_MAX];
    bool found = true;
    OK(store_job_replay(s, "a", "body", id, &found, &e));
    CHECK(!found);
    struct store_version v;
    OK(store_version_get(s, "m", 1, &v, &e));
    CHECK_TEXT(v.job_id, "a");
    store_version_free(&v);
    OK(store_job_delete(s, "b", &e)); /* the last that had the data */
    CHECK(raw_int(&p, "SELECT count(*) FROM blobs") == 2);
    CHECK(raw_int(&p, "SELECT count(*) FROM blob_chunks") == 2);
    store_close(s);
    place_free(&p);
}

static void delete_waits_for_the_end(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    OK(insert_job(s, "b", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    say(s, store_job_pause, "b");
    CHECK(!store_job_delete(s, "a", &e));
    CHECK_SAY(e.kind == ERR_CONFLICT && strstr(e.text, "running"), "%s", e.text);
    e = (struct err){0};
    CHECK(!store_job_delete(s, "b", &e));
    CHECK_SAY(e.kind == ERR_CONFLICT && strstr(e.text, "paused"), "%s", e.text);
    e = (struct err){0};
    FAILS(store_job_delete(s, "nobody", &e), ERR_NOT_FOUND);
    finish(s, &claim, JOB_FAILED);
    OK(store_job_delete(s, "a", &e));
    CHECK(status_of(s, "b") == JOB_PAUSED); /* which has the same data */
    CHECK(raw_int(&p, "SELECT count(*) FROM blobs") == 1);
    OK(insert_job(s, "a", "m", &e)); /* the id is free again; its number is a new one */
    CHECK(raw_int(&p, "SELECT number FROM jobs WHERE id = 'a'") == 3);
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(queued_jobs_pause_at_once);
    STORE_RUN(running_jobs_are_asked);
    STORE_RUN(asked_of_a_worker_that_is_gone);
    STORE_RUN(an_end_is_for_ever);
    STORE_RUN(delete_takes_all_but_the_model);
    STORE_RUN(delete_waits_for_the_end);
    return check_done();
}
