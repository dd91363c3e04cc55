/* What happened to a job: pages, live streams, continuation, and the streams' ends. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/http/watch.h"
#include "tests/unit/check.h"

enum { PAGE = 1000, WAIT_MS = 20000 };

static const struct watch_from from_start = {.last_event_id = -1};

/* A job of so many epochs with a point for each `every` of them. */
static json_t *planar_job(json_int_t epochs, json_int_t every) {
    return table_job("watched", table_planar(40),
                     json_pack("{s:I,s:I,s:i,s:{s:i}}", "epochs", epochs, "report_every",
                               every, "seed", 3, "metadata", "a", 1));
}

/* Too long to end by itself; a point now and then. */
static json_t *long_job(void) {
    return planar_job(1000000000, 2000);
}

/* All events of a job by pages of `limit`: a new array. */
static json_t *all_pages(struct daemon *d, const char *id, int limit) {
    json_t *events = json_array();
    json_int_t after = 0;
    bool more = true;
    while (more) {
        struct reply page;
        client_get(&d->client, &page, "/v1/jobs/%s/events?limit=%d&after=%" PRId64, id,
                   limit, (int64_t)after);
        json_t *data = reply_at(page.json, "/data");
        CHECK_SAY(page.status == 200 && json_is_array(data), "%s", page.body);
        size_t n = json_array_size(data);
        more = json_is_true(reply_at(page.json, "/has_more"));
        CHECK(!more || n == (size_t)limit);
        if (n)
            after =
                json_integer_value(json_object_get(json_array_get(data, n - 1), "seq"));
        json_array_extend(events, data);
        reply_free(&page);
    }
    return events;
}

static const char *kind_of(const json_t *events, size_t i) {
    const char *kind =
        json_string_value(json_object_get(json_array_get(events, i), "event"));
    return kind ? kind : "";
}

/* Numbers from 1 on, queued first, done last and once. */
static void check_whole(const json_t *events) {
    size_t n = json_array_size(events);
    CHECK(n > 3);
    for (size_t i = 0; i < n; i++) {
        json_t *seq = json_object_get(json_array_get(events, i), "seq");
        CHECK_SAY(json_integer_value(seq) == (json_int_t)i + 1, "event %zu", i);
        CHECK((strcmp(kind_of(events, i), "done") == 0) == (i == n - 1));
    }
    CHECK_TEXT(reply_text(events, "/0/data/status"), "queued");
}

/* That what was watched is the sequence behind its first `skip` events. */
static void check_watched(const struct watch *w, const json_t *whole, size_t skip) {
    json_t *events = watch_events(w);
    size_t n = json_array_size(whole);
    bool same = json_array_size(events) + skip == n;
    for (size_t i = skip; i < n && same; i++)
        same = json_equal(json_array_get(events, i - skip), json_array_get(whole, i));
    CHECK_SAY(same, "%zu events behind %zu of %zu: %.300s", json_array_size(events), skip,
              n, w->text);
    json_decref(events);
}

static double watchers(struct daemon *d) {
    struct reply metrics;
    double n = -1;
    if (client_get(&d->client, &metrics, "/metrics")) {
        const char *line = strstr(metrics.body, "\ndescentd_watchers ");
        if (line)
            sscanf(line, "\ndescentd_watchers %lf", &n);
    }
    reply_free(&metrics);
    return n;
}

static bool watchers_become(struct daemon *d, double n, int timeout_ms) {
    int64_t end = daemon_clock_ms() + timeout_ms;
    while (watchers(d) != n) {
        if (daemon_clock_ms() > end)
            return false;
        daemon_sleep_ms(10);
    }
    return true;
}

/* Two from before the start of the job, one that comes while it runs: one sequence. */
static void test_live(void) {
    struct daemon d;
    char first[JOB_ID_BYTES], id[JOB_ID_BYTES];
    struct watch early[2] = {{{0}, 0, NULL, 0, false}}, late = {0};
    struct reply reply;
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    CHECK(job_post(&d.client, long_job(), first) &&
          job_wait_running(&d.client, first, 20));
    CHECK(job_post(&d.client, long_job(), id));
    for (int i = 0; i < 2; i++)
        CHECK(watch_open(&early[i], d.port, id, from_start) &&
              watch_until(&early[i], "{\"status\":\"queued\"}\n\n", WAIT_MS) &&
              !strstr(early[i].text, "running"));
    CHECK(watchers(&d) == 2);

    CHECK(job_cancel(&d.client, first, &reply));
    reply_free(&reply);
    CHECK(watch_until(&early[0], "event: cost\n", WAIT_MS));
    CHECK(watch_open(&late, d.port, id, from_start) &&
          watch_until(&late, "\nid: 5\n", WAIT_MS));
    CHECK(job_cancel(&d.client, id, &reply));
    reply_free(&reply);

    struct watch *all[] = {&early[0], &early[1], &late};
    for (int i = 0; i < 3; i++)
        CHECK(watch_ended(all[i], WAIT_MS));
    json_t *whole = all_pages(&d, id, PAGE);
    check_whole(whole);
    for (int i = 0; i < 3; i++) {
        check_watched(all[i], whole, 0);
        watch_close(all[i]);
    }
    json_decref(whole);
    CHECK(watchers_become(&d, 0, WAIT_MS));
    daemon_close(&d);
}

static void check_continues(struct daemon *d, const char *id, const json_t *whole,
                            size_t at) {
    struct watch w;
    if (!CHECK(watch_open(&w, d->port, id, (struct watch_from){(int64_t)at, NULL})))
        return;
    if (at < json_array_size(whole)) {
        CHECK(w.status == 200 && watch_ended(&w, WAIT_MS));
        check_watched(&w, whole, at);
    } else {
        CHECK_SAY(w.status == 204, "%zu: %ld", at, w.status);
    }
    watch_close(&w);
}

/* A job that has ended, from each of its events on, over more than one segment. */
static void test_continued(struct daemon *d, const char *id, const json_t *whole) {
    for (size_t at = 0; at <= json_array_size(whole) + 1; at++)
        check_continues(d, id, whole, at);
    /* What the client has seen is newer than its URL. */
    struct watch w;
    size_t last = json_array_size(whole);
    if (CHECK(watch_open(&w, d->port, id,
                         (struct watch_from){(int64_t)last - 2, "?after=7"}))) {
        CHECK(watch_ended(&w, WAIT_MS));
        check_watched(&w, whole, last - 2);
        watch_close(&w);
    }
    if (CHECK(watch_open(&w, d->port, id, (struct watch_from){-1, "?after=7"}))) {
        CHECK(watch_ended(&w, WAIT_MS));
        check_watched(&w, whole, 7);
        watch_close(&w);
    }
}

static void test_pages(struct daemon *d, const char *id, const json_t *whole) {
    struct reply page;
    static const int limits[] = {1, 7, 100};
    for (size_t i = 0; i < 3; i++) {
        json_t *pages = all_pages(d, id, limits[i]);
        CHECK(json_equal(pages, whole));
        json_decref(pages);
    }
    client_get(&d->client, &page, "/v1/jobs/%s/events?after=%zu", id,
               json_array_size(whole) + 5);
    CHECK_TEXT(page.body, "{\"object\":\"list\",\"data\":[],\"has_more\":false}\n");
    reply_free(&page);
    client_get(&d->client, &page, "/v1/jobs/%s/events?after=9223372036854775807", id);
    CHECK_TEXT(page.body, "{\"object\":\"list\",\"data\":[],\"has_more\":false}\n");
    reply_free(&page);
}

static void test_accept(struct daemon *d, const char *id) {
    static const struct {
        const char *accept, *type;
    } rows[] = {
        {"Accept:", "application/json"}, /* libcurl sends none */
        {"Accept: */*", "application/json"},
        {"Accept: text/event-stream", "text/event-stream"},
        {"Accept: application/json, text/event-stream;q=0.9", "application/json"},
        {"Accept: application/json;q=0.5, text/event-stream", "text/event-stream"},
        {"Accept: text/*", "text/event-stream"},
        {"Accept: text/event-stream;q=0, */*", "application/json"},
        {"Accept: text/event-stream, application/json", "application/json"},
    };
    static const char *const methods[] = {"GET", "HEAD"};
    char path[JOB_ID_BYTES + 32], type[256];
    snprintf(path, sizeof path, "/v1/jobs/%s/events", id);
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const char *headers[] = {rows[i / 2].accept, NULL};
        struct request request = {
            .method = methods[i % 2], .path = path, .headers = headers};
        struct reply reply;
        CHECK(client_send(&d->client, &request, &reply));
        reply_header(&reply, "Content-Type", type);
        CHECK_SAY(reply.status == 200 && strcmp(type, rows[i / 2].type) == 0 &&
                      (i % 2 == 0) == (reply.body_n > 0),
                  "%s: %ld %s", headers[0], reply.status, type);
        reply_free(&reply);
    }
    CHECK(watchers_become(d, 0, WAIT_MS));
}

static void test_ended(void) {
    struct daemon d;
    char id[JOB_ID_BYTES];
    struct reply reply;
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    CHECK(job_post(&d.client, planar_job(600, 2), id) &&
          job_wait(&d.client, id, "succeeded", 60, &reply));
    reply_free(&reply);
    json_t *whole = all_pages(&d, id, PAGE);
    check_whole(whole);
    CHECK(json_array_size(whole) > 300);
    test_continued(&d, id, whole);
    test_pages(&d, id, whole);
    test_accept(&d, id);
    json_decref(whole);
    daemon_close(&d);
}

/* A drain ends streams at a whole message, and does not wait for a client that does not
 * read; the next server goes on behind it. */
static void test_drain(void) {
    struct daemon d;
    char many[JOB_ID_BYTES], id[JOB_ID_BYTES];
    struct watch w, next, deaf;
    struct reply reply;
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    CHECK(job_post(&d.client, planar_job(60000, 1), many) &&
          job_wait(&d.client, many, "succeeded", 60, &reply));
    reply_free(&reply);
    CHECK(job_post(&d.client, long_job(), id));
    CHECK(watch_open(&deaf, d.port, many, from_start) &&
          watch_open(&w, d.port, id, from_start) &&
          watch_until(&w, "\nid: 6\n", WAIT_MS));
    kill(d.pid, SIGTERM);
    CHECK(watch_ended(&w, WAIT_MS));
    CHECK(daemon_wait(&d) == 0);
    CHECK_TEXT(w.text + w.text_n - 2, "\n\n");
    CHECK(!strstr(w.text, "event: done"));

    json_t *before = watch_events(&w);
    size_t n = json_array_size(before);
    CHECK(daemon_restart(&d));
    CHECK(watch_open(&next, d.port, id, (struct watch_from){(int64_t)n, NULL}) &&
          watch_until(&next, "event: cost\n", WAIT_MS));
    CHECK(job_cancel(&d.client, id, &reply));
    reply_free(&reply);
    CHECK(watch_ended(&next, WAIT_MS));
    json_t *whole = all_pages(&d, id, PAGE);
    check_whole(whole);
    check_watched(&next, whole, n);
    json_array_extend(before, whole);
    for (size_t i = 0; i < n; i++)
        CHECK(json_equal(json_array_get(before, i), json_array_get(whole, i)));
    json_decref(before);
    json_decref(whole);
    watch_close(&w);
    watch_close(&next);
    watch_close(&deaf);
    daemon_close(&d);
}

/* So many, no more; one that leaves makes room. */
static void test_bound(void) {
    static const char *const flags[] = {"--streams-max", "2", "--stream-heartbeat-ms",
                                        "50", NULL};
    struct daemon d;
    char id[JOB_ID_BYTES], path[JOB_ID_BYTES + 32], value[256];
    struct watch w[2];
    struct reply reply;
    if (!CHECK(daemon_start(&d, flags)))
        return;
    CHECK(job_post(&d.client, long_job(), id));
    snprintf(path, sizeof path, "/v1/jobs/%s/events", id);
    for (int i = 0; i < 2; i++)
        CHECK(watch_open(&w[i], d.port, id, from_start) &&
              watch_until(&w[i], "retry", WAIT_MS));
    const char *headers[] = {"Accept: text/event-stream", NULL};
    client_send(&d.client, &(struct request){.path = path, .headers = headers}, &reply);
    CHECK_SAY(reply.status == 503 && *reply_header(&reply, "Retry-After", value),
              "%ld %s", reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/code"), "unavailable");
    reply_free(&reply);
    CHECK(client_get(&d.client, &reply, "%s", path) && reply.status == 200);
    reply_free(&reply);

    watch_close(&w[0]);
    CHECK(watchers_become(&d, 1, WAIT_MS));
    CHECK(watch_open(&w[0], d.port, id, from_start) && w[0].status == 200);
    watch_close(&w[0]);
    watch_close(&w[1]);
    daemon_close(&d);
}

/* Signs of life while nothing happens; and the end of a stream that nobody reads, though
 * there is more of it than the system keeps for a client. */
static void test_silence(void) {
    static const char *const flags[] = {"--stream-heartbeat-ms", "200", NULL};
    struct daemon d;
    char busy[JOB_ID_BYTES], waiting[JOB_ID_BYTES], many[JOB_ID_BYTES];
    struct watch w, deaf;
    struct reply reply;
    if (!CHECK(daemon_start(&d, flags)))
        return;
    CHECK(job_post(&d.client, planar_job(60000, 1), many) &&
          job_wait(&d.client, many, "succeeded", 60, &reply));
    reply_free(&reply);
    CHECK(job_post(&d.client, long_job(), busy));
    CHECK(job_post(&d.client, long_job(), waiting));
    CHECK(watch_open(&w, d.port, waiting, from_start));
    CHECK(watch_until(&w, "\n\n:\n\n:\n\n:\n\n", WAIT_MS));

    CHECK(watch_open(&deaf, d.port, many, from_start));
    CHECK(watchers_become(&d, 1, WAIT_MS)); /* without it */
    CHECK(watch_until(&w, ":\n\n:\n\n:\n\n:\n\n:\n\n", WAIT_MS));
    CHECK(!watch_ended(&deaf, WAIT_MS));
    watch_close(&deaf);
    watch_close(&w);
    daemon_close(&d);
}

int main(void) {
    CHECK_RUN(test_live);
    CHECK_RUN(test_ended);
    CHECK_RUN(test_drain);
    CHECK_RUN(test_bound);
    CHECK_RUN(test_silence);
    return check_done();
}
