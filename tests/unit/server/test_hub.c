#include "server/hub.h"

#include <errno.h>
#include <math.h>
#include <semaphore.h>
#include <time.h>

#include "server/segment.h"
#include "tests/unit/server/test_store.h"

enum { WAIT_S = 20, HEARTBEAT_MS = 50, QUIET_MS = 3600000 };

static const char JOB[] = "job_watched";

struct stage {
    struct place place;
    struct store *store;
    struct hub *hub;
    struct store_claim claim;
    int64_t epoch; /* of the next point */
};

static void stage_open(struct stage *t, int64_t heartbeat_ms) {
    struct err e = {0};
    t->epoch = 0;
    place_new(&t->place);
    t->store = place_open(&t->place);
    t->hub = hub_start(&(struct hub_options){t->place.path, heartbeat_ms}, &e);
    if (!OK(t->hub != NULL) || !OK(insert_job(t->store, JOB, "m", &e)))
        abort();
}

static void stage_close(struct stage *t) {
    hub_stop(t->hub);
    store_close(t->store);
    place_free(&t->place);
}

static void stage_points(struct stage *t, size_t n) {
    struct err e = {0};
    struct store_point *points = calloc(n, sizeof *points);
    if (!points)
        abort();
    for (size_t i = 0; i < n; i++)
        points[i] = (struct store_point){t->epoch++, 0.5, (double)NAN};
    struct store_progress progress = {
        .lease_ms = LEASE_MS, .points = points, .points_n = n};
    enum store_wish wish;
    OK(store_claim_progress(t->store, &t->claim, &progress, &wish, &e));
    free(points);
}

static void stage_end(struct stage *t) {
    struct err e = {0};
    struct store_job job;
    OK(store_job_cancel(t->store, JOB, 5, &job, &e));
    store_job_free(&job);
    OK(store_owner_dead(t->store, "w", STORE_DEATH_TOLD, 6, &(int64_t){0}, &e));
}

/* A watcher and the thread that it wakes. */
struct reader {
    struct hub_watcher *watcher;
    sem_t woken;
    struct text text;
};

static void woken(void *context) {
    struct reader *r = context;
    sem_post(&r->woken);
}

static void reader_open(struct stage *t, struct reader *r, int64_t after) {
    struct err e = {0};
    struct hub_place place = {.job_id = JOB, .after = after};
    struct store_event *none = NULL;
    size_t n;
    *r = (struct reader){0};
    sem_init(&r->woken, 0, 0);
    OK(store_events(t->store, JOB, after, 0, &none, &n, &place.last, &place.ended, &e));
    store_events_free(none, n);
    r->watcher = hub_watch(t->hub, &place, &e);
    if (!OK(r->watcher != NULL))
        abort();
    hub_wake_by(r->watcher, woken, r);
}

static void reader_close(struct reader *r) {
    hub_leave(r->watcher);
    sem_destroy(&r->woken);
    text_free(&r->text);
}

/* Reads, `size` bytes at most at a time, until the text ends with `tail`, or NULL: to the
 * end. @return whether it came to that. */
static bool reader_read(struct reader *r, size_t size, const char *tail) {
    char bytes[4096];
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    for (;;) {
        int64_t n = hub_read(r->watcher, bytes, size);
        if (n == HUB_END)
            return !tail;
        text_bytes(&r->text, bytes, (size_t)n);
        size_t tail_n = tail ? strlen(tail) : 0;
        if (tail && r->text.n >= tail_n &&
            memcmp(r->text.data + r->text.n - tail_n, tail, tail_n) == 0)
            return true;
        while (n == HUB_NOTHING && sem_timedwait(&r->woken, &until) != 0)
            if (errno == ETIMEDOUT)
                return false;
    }
}

/* What a watcher that knows the events up to `after` must get. */
static char *frames_behind(struct stage *t, int64_t after) {
    struct err e = {0};
    struct store_event *events = NULL;
    size_t n = 0;
    int64_t last;
    bool ended;
    struct text text = {0};
    OK(store_events(t->store, JOB, after, 1 << 20, &events, &n, &last, &ended, &e));
    text_string(&text, event_frame_retry);
    for (size_t i = 0; i < n; i++) {
        struct event_view view = segment_event_view(&events[i]);
        event_frame(&view, &text);
    }
    store_events_free(events, n);
    return text_take(&text);
}

static void check_text_is(const struct reader *r, const char *want) {
    CHECK_SAY(r->text.n == strlen(want) && memcmp(r->text.data, want, r->text.n) == 0,
              "%zu bytes, not %zu", r->text.n, strlen(want));
}

/* Watchers from the queue on, point by point; and one that comes in between. */
static void test_live(void) {
    struct stage t;
    struct reader early[2], late;
    stage_open(&t, QUIET_MS);
    for (int i = 0; i < 2; i++) {
        reader_open(&t, &early[i], 0);
        CHECK(reader_read(&early[i], 4096, "data: {\"status\":\"queued\"}\n\n"));
    }
    t.claim = claim_by(t.store, "w", LEASE_MS);
    for (int i = 0; i < 5; i++) {
        char tail[64];
        snprintf(tail, sizeof tail, "data: {\"epoch\":%d,\"cost\":0.5}\n\n", i);
        stage_points(&t, 1);
        CHECK(reader_read(&early[0], 4096, tail));
    }
    reader_open(&t, &late, 3);
    stage_points(&t, 700); /* more than a segment at a time */
    stage_end(&t);
    char *whole = frames_behind(&t, 0), *rest = frames_behind(&t, 3);
    CHECK(strstr(rest, "event: done\n"));
    CHECK(reader_read(&late, 4096, NULL));
    check_text_is(&late, rest);
    for (int i = 0; i < 2; i++) {
        CHECK(reader_read(&early[i], 4096, NULL));
        check_text_is(&early[i], whole);
        reader_close(&early[i]);
    }
    reader_close(&late);
    free(whole);
    free(rest);
    stage_close(&t);
}

/* An ended job from here and there, alone and with others, in pieces of any size. */
static void test_behind(void) {
    static const int64_t afters[] = {0, 1, 255, 256, 257, 1000, 1499, 1503, 1504};
    enum { AFTERS_N = sizeof afters / sizeof *afters };
    struct stage t;
    struct reader readers[AFTERS_N];
    stage_open(&t, QUIET_MS);
    t.claim = claim_by(t.store, "w", LEASE_MS);
    stage_points(&t, 1500);
    stage_end(&t);
    for (int alone = 0; alone < 2; alone++) {
        for (int i = 0; i < AFTERS_N && !alone; i++)
            reader_open(&t, &readers[i], afters[i]);
        for (int i = 0; i < AFTERS_N; i++) {
            if (alone)
                reader_open(&t, &readers[i], afters[i]);
            char *want = frames_behind(&t, afters[i]);
            CHECK(reader_read(&readers[i], alone ? 64 : 4096, NULL));
            check_text_is(&readers[i], want);
            free(want);
            if (alone)
                reader_close(&readers[i]);
        }
        for (int i = 0; i < AFTERS_N && !alone; i++)
            reader_close(&readers[i]);
    }
    stage_close(&t);
}

/* One that knows more than there is gets what comes behind that. */
static void test_ahead(void) {
    struct stage t;
    struct reader r;
    stage_open(&t, QUIET_MS);
    reader_open(&t, &r, 4);
    t.claim = claim_by(t.store, "w", LEASE_MS);
    stage_points(&t, 1);
    stage_points(&t, 3);
    stage_end(&t);
    CHECK(reader_read(&r, 4096, NULL));
    char *want = frames_behind(&t, 4);
    check_text_is(&r, want);
    free(want);
    reader_close(&r);
    stage_close(&t);
}

static void test_heartbeat(void) {
    struct stage t;
    struct reader r;
    stage_open(&t, HEARTBEAT_MS);
    reader_open(&t, &r, 0);
    CHECK(reader_read(&r, 4096, "\"queued\"}\n\n:\n\n:\n\n"));
    reader_close(&r);
    stage_close(&t);
}

/* A job that is deleted while somebody is behind: an end, no error. */
static void test_gone(void) {
    struct err e = {0};
    struct stage t;
    struct reader r;
    stage_open(&t, QUIET_MS);
    t.claim = claim_by(t.store, "w", LEASE_MS);
    stage_points(&t, 1500);
    stage_end(&t);
    reader_open(&t, &r, 0);
    OK(store_job_delete(t.store, JOB, &e));
    CHECK(reader_read(&r, 4096, NULL));
    reader_close(&r);
    stage_close(&t);
}

/* Nobody is told anything after leaving, wherever it was. */
static void test_leave(void) {
    struct stage t;
    struct reader r[20];
    stage_open(&t, QUIET_MS);
    t.claim = claim_by(t.store, "w", LEASE_MS);
    stage_points(&t, 3000);
    for (int i = 0; i < 20; i++) {
        char bytes[256];
        reader_open(&t, &r[i], 100 * i);
        for (int n = 0; n < i % 4; n++)
            CHECK(hub_read(r[i].watcher, bytes, sizeof bytes) >= 0);
    }
    for (int i = 0; i < 20; i++)
        reader_close(&r[(7 * i) % 20]);
    stage_close(&t);
}

int main(void) {
    STORE_RUN(test_live);
    STORE_RUN(test_behind);
    STORE_RUN(test_ahead);
    STORE_RUN(test_heartbeat);
    STORE_RUN(test_gone);
    STORE_RUN(test_leave);
    return check_done();
}
