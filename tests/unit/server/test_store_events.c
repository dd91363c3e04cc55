#include <math.h>

#include "tests/unit/server/test_store.h"

/* Every event of the job behind `after` as a text: "1 status queued, 2 cost 0, ...". The
 * sequence must be without a gap. */
static const char *events_from(struct store *s, const char *id, int64_t after,
                               size_t limit) {
    static char text[2000];
    struct err e = {0};
    struct store_event *events = NULL;
    size_t n = 0;
    int64_t last = 0;
    bool ended = false;
    text[0] = '\0';
    if (!OK(store_events(s, id, after, limit, &events, &n, &last, &ended, &e)))
        return text;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const struct store_event *v = &events[i];
        CHECK_SAY(v->seq == after + 1 + (int64_t)i, "seq %lld", (long long)v->seq);
        CHECK((v->kind == EVENT_COST) == !v->document);
        CHECK((v->kind == EVENT_COST) == !v->at_ms);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? ", " : "",
                               store_event_name(v->kind));
        if (v->kind == EVENT_COST)
            at += (size_t)snprintf(text + at, sizeof text - at, " %lld",
                                   (long long)v->point.epoch);
        else if (v->kind == EVENT_STATUS)
            at += (size_t)snprintf(text + at, sizeof text - at, " %s", v->document);
    }
    if (n && limit > n)
        CHECK(last == events[n - 1].seq);
    if (n && last == events[n - 1].seq)
        CHECK(ended == (events[n - 1].kind == EVENT_DONE));
    store_events_free(events, n);
    return text;
}

static const char *events_of(struct store *s, const char *id) {
    return events_from(s, id, 0, 1000);
}

static char *newest_document(struct store *s, const char *id) {
    struct err e = {0};
    struct store_event *events = NULL;
    size_t n = 0;
    int64_t last;
    bool ended;
    struct store_job job = job_of(s, id);
    OK(store_events(s, id, job.events - 1, 9, &events, &n, &last, &ended, &e));
    char *document = CHECK(n == 1) ? strdup(events[0].document) : strdup("");
    store_events_free(events, n);
    store_job_free(&job);
    return document;
}

static void report(struct store *s, const struct store_claim *claim, int64_t first,
                   size_t n) {
    struct err e = {0};
    struct store_point points[8];
    enum store_wish wish;
    for (size_t i = 0; i < n; i++)
        points[i] = (struct store_point){first + (int64_t)i, 0.5, (double)NAN};
    const struct store_progress progress = {LEASE_MS, 1, 1, points, n};
    OK(store_claim_progress(s, claim, &progress, &wish, &e));
}

static void a_life_with_everything_in_it(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_job job;
    int64_t released, version;
    const struct store_job_new new = {
        .id = "a",
        .model = "m",
        .hyperparameters = "{}",
        .warnings = "[\"odd\", \"odder\"]",
        .data_blob = some_blob(s),
        .created_ms = 7,
    };
    OK(insert_new(s, &new, &e));
    OK(insert_job(s, "b", "m", &e)); /* its events are another sequence */
    OK(store_job_pause(s, "a", 8, &job, &e));
    store_job_free(&job);
    OK(store_job_pause(s, "a", 9, &job, &e)); /* nothing happens */
    store_job_free(&job);
    OK(store_job_resume(s, "a", 10, &job, &e));
    store_job_free(&job);
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    report(s, &claim, 0, 2);
    OK(store_job_pause(s, "a", 11, &job, &e)); /* asked: not yet an event */
    CHECK(job.events == 8);
    store_job_free(&job);
    struct store_checkpoint c = {.blob = some_blob(s), .resumable = true, .best = true};
    const struct store_point third = {2, 0.25, (double)NAN};
    const struct store_progress progress = {LEASE_MS, 2.5, 1, &third, 1};
    OK(store_claim_checkpoint(s, &claim, &progress, &c, 1, &e));
    OK(store_claim_release(s, &claim, &e));
    OK(store_job_resume(s, "a", 12, &job, &e));
    store_job_free(&job);
    claim = claim_by(s, "w", LEASE_MS);
    OK(store_owner_dead(s, "w", STORE_DEATH_TOLD, 13, &released, &e));
    claim = claim_by(s, "w", LEASE_MS);
    report(s, &claim, 1, 3); /* two of them for the second time */
    const struct store_point last = {9, 0.125, (double)NAN};
    const struct store_outcome outcome = {
        .status = JOB_SUCCEEDED,
        .stop_reason = "completed",
        .error_epoch = -1,
        .model_blob = some_blob(s),
        .model_document = "{}",
        .warnings = "[\"odder\", \"new\"]",
        .progress = {0, 9, 1, &last, 1},
    };
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    CHECK_TEXT(events_of(s, "a"),
               "status {\"status\":\"queued\"}, warning, warning,"
               " status {\"status\":\"paused\"}, status {\"status\":\"queued\"},"
               " status {\"status\":\"running\"}, cost 0, cost 1, cost 2, checkpoint,"
               " status {\"status\":\"paused\"}, status {\"status\":\"queued\"},"
               " status {\"status\":\"running\"}, status {\"status\":\"queued\"},"
               " status {\"status\":\"running\"}, cost 3, cost 9, warning, done");
    CHECK_TEXT(events_of(s, "b"), "status {\"status\":\"queued\"}");
    CHECK_TEXT(events_from(s, "a", 5, 3),
               "status {\"status\":\"running\"}, cost 0, cost 1");
    CHECK_TEXT(events_from(s, "a", 17, 3), "warning, done");
    CHECK_TEXT(events_from(s, "a", 19, 3), "");
    CHECK_TEXT(events_from(s, "a", 1000, 3), "");
    char *done = newest_document(s, "a");
    CHECK_TEXT(done, "{\"status\":\"succeeded\",\"stop_reason\":\"completed\","
                     "\"model_version\":1,\"error\":null}");
    free(done);
    job = job_of(s, "a");
    CHECK(job.events == 19);
    store_job_free(&job);
    store_close(s);
    place_free(&p);
}

static void every_end_is_told(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_job job;
    int64_t version, released;
    OK(insert_job(s, "queued", "m", &e));
    OK(store_job_cancel(s, "queued", 5, &job, &e));
    store_job_free(&job);
    OK(store_job_cancel(s, "queued", 6, &job, &e));
    store_job_free(&job);
    CHECK_TEXT(events_of(s, "queued"), "status {\"status\":\"queued\"}, done");
    char *done = newest_document(s, "queued");
    CHECK_TEXT(done, "{\"status\":\"cancelled\",\"stop_reason\":\"cancelled\","
                     "\"model_version\":null,\"error\":null}");
    free(done);

    OK(insert_job(s, "failed", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_outcome outcome = {
        .status = JOB_FAILED,
        .stop_reason = "diverged",
        .error_code = "diverged",
        .error_text = "a \"cost\"",
        .error_epoch = 4,
    };
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    done = newest_document(s, "failed");
    CHECK_TEXT(done, "{\"status\":\"failed\",\"stop_reason\":\"diverged\","
                     "\"model_version\":null,\"error\":{\"code\":\"diverged\","
                     "\"message\":\"a \\\"cost\\\"\",\"epoch\":4}}");
    free(done);

    OK(insert_job(s, "crashed", "m", &e));
    for (int i = 0; i < STORE_CRASHES_MAX; i++) {
        claim_by(s, "w", LEASE_MS);
        OK(store_owner_dead(s, "w", STORE_DEATH_CRASH, 9, &released, &e));
    }
    done = newest_document(s, "crashed");
    CHECK(strstr(done, "\"code\":\"worker_crashed\"") && strstr(done, "\"epoch\":0"));
    free(done);
    CHECK(raw_int(&p, "SELECT count(*) FROM events WHERE kind = 'done'") == 3);
    store_close(s);
    place_free(&p);
}

/* What did not come to be is not told, and leaves no gap. */
static void refusals_leave_no_event(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_point points[] = {{0, 1, (double)NAN}, {1, (double)NAN, 1}};
    const struct store_progress progress = {LEASE_MS, 1, 1, points, 2};
    enum store_wish wish;
    FAILS(store_claim_progress(s, &claim, &progress, &wish, &e), ERR_NUMERIC);
    const struct store_progress plain = {.lease_ms = LEASE_MS};
    struct store_checkpoint c[] = {{.blob = some_blob(s)}, {.blob = 999}};
    FAILS(store_claim_checkpoint(s, &claim, &plain, c, 2, &e), ERR_NOT_FOUND);
    const struct store_outcome outcome = {.status = JOB_SUCCEEDED,
                                          .error_epoch = -1,
                                          .model_blob = 999,
                                          .model_document = "{}"};
    int64_t version;
    FAILS(store_claim_finish(s, &claim, &outcome, &version, &e), ERR_NOT_FOUND);
    report(s, &claim, 0, 1);
    CHECK_TEXT(events_of(s, "a"), "status {\"status\":\"queued\"},"
                                  " status {\"status\":\"running\"}, cost 0");
    struct store_event *events;
    size_t n;
    int64_t last;
    bool ended;
    FAILS(store_events(s, "nobody", 0, 9, &events, &n, &last, &ended, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(a_life_with_everything_in_it);
    STORE_RUN(every_end_is_told);
    STORE_RUN(refusals_leave_no_event);
    return check_done();
}
