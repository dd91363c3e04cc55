/* What a connection lives through: refusals with a body behind them, requests one behind
 * another, HEAD of everything, HTTP/1.0, clients that send no more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/raw.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum { ANSWER_MS = 20000 };

#define HOST "Host: 127.0.0.1\r\n"
#define ROWS "{\"instances\":[[1,2]]}"
#define PREDICT "POST /predict HTTP/1.1\r\n" HOST "Content-Length: 21\r\n\r\n" ROWS
#define LIVEZ "GET /livez HTTP/1.1\r\n" HOST "\r\n"
#define JOBS "GET /v1/jobs HTTP/1.1\r\n" HOST "\r\n"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;
static char job_id[JOB_ID_BYTES];

/* Takes the next answer and checks its status, and that its body holds `part`. */
static void check_next(struct raw *raw, const char *what, bool head, long status,
                       const char *part) {
    struct reply reply;
    bool answered = raw_reply(raw, head, ANSWER_MS, &reply);
    CHECK_SAY(answered && reply.status == status && strstr(reply.body, part),
              "%s: %ld %s", what, reply.status, reply.body ? reply.body : "");
    reply_free(&reply);
}

/* A refusal costs nobody the connection, and what stands in its body is no request. */
static void test_refusals(void) {
    static const struct {
        const char *head;
        long status;
    } cases[] = {
        {"POST /nowhere HTTP/1.1\r\n", 404},
        {"PUT /predict HTTP/1.1\r\n", 405},
        {"DELETE /livez HTTP/1.1\r\n", 405},
        {"POST /predict HTTP/1.1\r\nContent-Type: text/plain\r\n", 415},
        {"POST /predict HTTP/1.1\r\nContent-Encoding: br\r\n", 415},
        {"PUT /v1/datasets/x HTTP/1.1\r\nContent-Encoding: br\r\n", 415},
        {"PUT /v1/datasets/x?header=maybe HTTP/1.1\r\n", 400},
        {"POST /predict?modle=x HTTP/1.1\r\n", 400},
        {"POST /v1/models/a%00/versions HTTP/1.1\r\n", 400},
        {"POST /predict HTTP/1.1\r\nContent-Encoding: gzip\r\n", 400},
    };
    struct raw raw;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s" HOST "Content-Length: %zu\r\n\r\n%s%s%s",
                 cases[i].head, sizeof PREDICT LIVEZ - 1, PREDICT, LIVEZ, JOBS);
        raw_text(&raw, text);
        check_next(&raw, cases[i].head, false, cases[i].status, "\"error\"");
        check_next(&raw, cases[i].head, false, 200, "\"has_more\"");
    }
    raw_close(&raw);
}

/* Refusals without a body, of any method. */
static void test_refusals_without_body(void) {
    static const struct {
        const char *method, *path;
        long status;
    } cases[] = {{"GET", "/nowhere", 404},      {"HEAD", "/nowhere", 404},
                 {"GET", "/predict", 405},      {"DELETE", "/metrics", 405},
                 {"GET", "/v1/jobs?x=1", 400},  {"GET", "/v1/jobs/%zz", 400},
                 {"OPTIONS", "/v1/jobs", 405},  {"FETCH", "/v1/jobs", 405},
                 {"GET", "/v1/jobs/none", 404}, {"HEAD", "/v1/models/none", 404}};
    struct raw raw;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s %s HTTP/1.1\r\n" HOST "\r\n", cases[i].method,
                 cases[i].path);
        raw_text(&raw, text);
        check_next(&raw, text, strcmp(cases[i].method, "HEAD") == 0, cases[i].status, "");
    }
    raw_text(&raw, LIVEZ);
    check_next(&raw, "behind them", false, 200, "ok");
    raw_close(&raw);
}

/* Where more would follow than is worth reading, or who knows how much, it ends. */
static void test_refusals_that_end(void) {
    static const struct {
        const char *head;
        long status;
    } cases[] = {
        {"POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 404},
        {"POST /nowhere HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 404},
        {"POST /predict HTTP/1.1\r\n" HOST "\r\n", 411},
        {"POST /nowhere HTTP/1.1\r\n" HOST
         "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
         404},
        {"POST /predict HTTP/1.1\r\n" HOST
         "Content-Length: 5\r\nContent-Encoding: br\r\nExpect: 100-continue\r\n\r\n",
         415},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct raw raw;
        struct reply reply;
        char connection[256];
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            return;
        raw_text(&raw, cases[i].head);
        CHECK(raw_reply(&raw, false, ANSWER_MS, &reply));
        CHECK_SAY(reply.status == cases[i].status, "%s: %ld", cases[i].head,
                  reply.status);
        CHECK_TEXT(reply_header(&reply, "Connection", connection), "close");
        CHECK_SAY(raw_ended(&raw, ANSWER_MS), "%s: the connection lives", cases[i].head);
        reply_free(&reply);
        raw_close(&raw);
    }
}

/* Many requests in one write, of routes that are answered at once and of others that
 * wait, in turn: the answers come in that order, each whole. */
static void test_pipelined(void) {
    enum { ROUNDS = 40 };
    static const struct {
        const char *request, *part;
        bool head;
        long status;
    } round[] = {
        {PREDICT, "\"predictions\"", false, 200},
        {JOBS, "\"object\":\"list\"", false, 200},
        {"HEAD /v1/models HTTP/1.1\r\n" HOST "\r\n", "", true, 200},
        {"POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 21\r\n\r\n" ROWS,
         "no such path", false, 404},
        {LIVEZ, "ok", false, 200},
        {"POST /predict HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
         "15\r\n" ROWS "\r\n0\r\n\r\n",
         "\"predictions\"", false, 200},
        {"GET /v1/models/planar HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n",
         "planar", false, 200},
        {"POST /predict HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", "/instances",
         false, 400},
    };
    enum { N = sizeof round / sizeof *round };
    struct raw raw;
    char *text = calloc(ROUNDS * N, 200);
    if (!text || !CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    for (size_t i = 0, at = 0; i < ROUNDS * N; i++)
        at += (size_t)sprintf(text + at, "%s", round[i % N].request);
    raw_text(&raw, text);
    for (size_t i = 0; i < ROUNDS * N; i++)
        check_next(&raw, round[i % N].request, round[i % N].head, round[i % N].status,
                   round[i % N].part);
    raw_close(&raw);
    free(text);
}

/* A request that is parked holds those behind it back, and they are answered then. */
static void test_pipelined_behind_a_wait(void) {
    struct raw raw;
    char text[512];
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    struct reply reply;
    char id[JOB_ID_BYTES];
    json_t *job =
        table_job("long", table_planar(40), json_pack("{si}", "epochs", 900000000));
    if (CHECK(job_post(user, job, id))) {
        snprintf(text, sizeof text, "GET /v1/jobs/%s?wait=1 HTTP/1.1\r\n" HOST "\r\n",
                 id);
        raw_text(&raw, text);
        raw_text(&raw, PREDICT LIVEZ);
        check_next(&raw, "a wait", false, 200, id);
        check_next(&raw, "behind it", false, 200, "\"predictions\"");
        check_next(&raw, "behind that", false, 200, "ok");
        job_cancel(user, id, &reply);
        reply_free(&reply);
        job_wait(user, id, "cancelled", 30, &reply);
        reply_free(&reply);
    }
    raw_close(&raw);
}

/* A client that has said all it has to say is answered, and let go. Not so where its
 * request waits for the store: libmicrohttpd 0.9.75 may close a connection that it has
 * just woken when it finds that end before the answer. */
static void test_half_closed(void) {
    static const char *const requests[] = {LIVEZ, PREDICT, PREDICT LIVEZ PREDICT};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct raw raw;
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            return;
        raw_text(&raw, requests[i]);
        shutdown(raw.fd, SHUT_WR);
        for (int n = 0; n < (i == 2 ? 3 : 1); n++)
            check_next(&raw, requests[i], false, 200, "");
        CHECK_SAY(raw_ended(&raw, ANSWER_MS), "%zu: no end", i);
        raw_close(&raw);
    }
}

static double connections_now(void) {
    struct reply reply;
    client_get(user, &reply, "/metrics");
    double n = reply_metric(&reply, "descentd_connections");
    reply_free(&reply);
    return n;
}

/* Clients that leave in the middle of a head or of a body, whose last bytes come together
 * with the end: a second or two later nothing waits for more of them. */
static void test_left(void) {
    static const char *const parts[] = {
        "POST /pre",
        "POST /predict HTTP/1.1\r\n" HOST,
        "POST /predict HTTP/1.1\r\n" HOST "Content-Length: 90000\r\n\r\n",
        "POST /predict HTTP/1.1\r\n" HOST "Content-Length: 90000\r\n\r\n" ROWS,
        "PUT /v1/datasets/left HTTP/1.1\r\n" HOST "Content-Type: text/csv\r\n"
        "Content-Length: 90000\r\n\r\na,b\n1,2\n",
    };
    enum { PARTS = sizeof parts / sizeof *parts, ROUNDS = 8 };
    double before = connections_now(), now = -1;
    for (size_t i = 0; i < ROUNDS * PARTS; i++) {
        struct raw raw;
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            return;
        CHECK(raw_text(&raw, parts[i % PARTS]));
        raw_close(&raw);
    }
    for (int64_t until_ms = daemon_clock_ms() + 8000;
         now != before && daemon_clock_ms() < until_ms; daemon_sleep_ms(50))
        now = connections_now();
    CHECK_SAY(now == before, "%g connections, there were %g", now, before);
}

/* HEAD has GET's status and headers, but for those of the moment, and no body. */
static void test_head(void) {
    static const char *const paths[] = {"/v1/jobs",
                                        "/v1/jobs/{job}",
                                        "/v1/jobs/{job}/history",
                                        "/v1/jobs/{job}/events",
                                        "/v1/jobs/{job}/checkpoints",
                                        "/v1/models",
                                        "/v1/models/planar",
                                        "/v1/models/planar/versions",
                                        "/v1/models/planar/versions/1",
                                        "/v1/models/planar/versions/1/export",
                                        "/v1/models/planar/versions/1/export?format=onnx",
                                        "/v1/models/planar/aliases",
                                        "/v1/models/planar/aliases/none",
                                        "/v1/datasets",
                                        "/v1/datasets/none",
                                        "/livez",
                                        "/readyz",
                                        "/nowhere"};
    static const char *const same[] = {
        "Content-Length",      "Content-Type",     "Vary",
        "Content-Disposition", "Content-Encoding", "Connection"};
    struct raw raw;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct reply replies[2];
        char path[256], text[512], values[2][256];
        const char *hole = strstr(paths[i], "{job}");
        if (hole)
            snprintf(path, sizeof path, "%.*s%s%s", (int)(hole - paths[i]), paths[i],
                     job_id, hole + 5);
        else
            snprintf(path, sizeof path, "%s", paths[i]);
        for (int get = 0; get < 2; get++) {
            snprintf(text, sizeof text,
                     "%s %s HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n"
                     "X-Request-Id: same\r\n\r\n",
                     get ? "GET" : "HEAD", path);
            raw_text(&raw, text);
            CHECK_SAY(raw_reply(&raw, !get, ANSWER_MS, &replies[get]), "%s", text);
        }
        CHECK_SAY(replies[0].status == replies[1].status && replies[0].body_n == 0,
                  "%s: %ld, %ld", path, replies[0].status, replies[1].status);
        for (size_t h = 0; h < sizeof same / sizeof *same; h++) {
            reply_header(&replies[0], same[h], values[0]);
            CHECK_TEXT(values[0], reply_header(&replies[1], same[h], values[1]));
        }
        reply_free(&replies[0]);
        reply_free(&replies[1]);
    }
    raw_close(&raw);
}

/* HEAD of a stream says what it is, opens none and ends the connection, as a stream does.
 */
static void test_head_of_stream(void) {
    struct raw raw;
    struct reply reply;
    char text[512], type[256];
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    snprintf(text, sizeof text,
             "HEAD /v1/jobs/%s/events HTTP/1.1\r\n" HOST
             "Accept: text/event-stream\r\n\r\n",
             job_id);
    raw_text(&raw, text);
    CHECK(raw_reply(&raw, true, ANSWER_MS, &reply) && reply.status == 200);
    CHECK(strncmp(reply_header(&reply, "Content-Type", type), "text/event-stream", 17) ==
          0);
    CHECK(raw_ended(&raw, ANSWER_MS));
    CHECK_SAY(raw.bytes_n == 0, "%zu bytes behind the head", raw.bytes_n);
    reply_free(&reply);
    raw_close(&raw);
    client_get(user, &reply, "/metrics");
    CHECK(reply_metric(&reply, "descentd_watchers") == 0);
    reply_free(&reply);
}

/* HTTP/1.0 stays where it asks to, is refused like others, and gets no chunks. */
static void test_http_1_0(void) {
    struct raw raw;
    char text[512];
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    for (int i = 0; i < 3; i++) {
        raw_text(&raw, "POST /predict HTTP/1.0\r\nConnection: keep-alive\r\n"
                       "Content-Length: 21\r\n\r\n" ROWS);
        check_next(&raw, "1.0", false, 200, "\"predictions\"");
        raw_text(&raw, "POST /nowhere HTTP/1.0\r\nConnection: Keep-Alive\r\n"
                       "Content-Length: 21\r\n\r\n" ROWS);
        check_next(&raw, "1.0", false, 404, "no such path");
    }
    raw_text(&raw, "GET /livez HTTP/1.0\r\n\r\n");
    check_next(&raw, "1.0 without", false, 200, "ok");
    CHECK(raw_ended(&raw, ANSWER_MS));
    raw_close(&raw);
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    snprintf(text, sizeof text,
             "GET /v1/jobs/%s/events HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n",
             job_id);
    raw_text(&raw, text);
    CHECK(raw_ended(&raw, ANSWER_MS) && raw.bytes);
    CHECK(raw.bytes && strstr(raw.bytes, "event: "));
    CHECK(raw.bytes && !strstr(raw.bytes, "chunked"));
    raw_close(&raw);
}

/* The body may come at once with "Expect", split anywhere, or only after the 100; where
 * there is none to come, none is asked for. */
static void test_expect(void) {
    static const char expects[] = "POST /predict HTTP/1.1\r\n" HOST
                                  "Content-Length: 21\r\nExpect: 100-continue\r\n\r\n";
    struct raw raw;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    for (int i = 0; i < 3; i++) {
        raw_text(&raw, expects);
        check_next(&raw, "expect", false, 100, "");
        raw_text(&raw, ROWS);
        check_next(&raw, "expect", false, 200, "\"predictions\"");
    }
    raw_text(&raw, expects);
    raw_text(&raw, ROWS LIVEZ);
    struct reply reply;
    CHECK(raw_reply(&raw, false, ANSWER_MS, &reply));
    if (reply.status == 100) { /* it may be left out once the body has begun */
        reply_free(&reply);
        CHECK(raw_reply(&raw, false, ANSWER_MS, &reply));
    }
    CHECK(reply.status == 200);
    reply_free(&reply);
    check_next(&raw, "behind it", false, 200, "ok");
    raw_close(&raw);
}

/* Requests that are cut anywhere are whole in the end. */
static void test_split(void) {
    static const char text[] = PREDICT JOBS "POST /nowhere HTTP/1.1\r\n" HOST
                                            "Content-Length: 21\r\n\r\n" ROWS PREDICT;
    struct raw raw;
    for (size_t step = 1; step < 60; step += 7) {
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            return;
        for (size_t at = 0; at < sizeof text - 1; at += step)
            raw_send(&raw, text + at,
                     sizeof text - 1 - at < step ? sizeof text - 1 - at : step);
        check_next(&raw, "split", false, 200, "\"predictions\"");
        check_next(&raw, "split", false, 200, "\"has_more\"");
        check_next(&raw, "split", false, 404, "no such path");
        check_next(&raw, "split", false, 200, "\"predictions\"");
        raw_close(&raw);
    }
}

/* A body of `rows` rows behind a head that says so; the caller frees it. */
static char *large_new(size_t rows, size_t *head_n, size_t *n) {
    static const char row[] = "[0.5,-0.25],";
    size_t body_n = sizeof "{\"instances\":[]}" - 1 + rows * (sizeof row - 1) - 1;
    char *text = malloc(body_n + 256), *at = text;
    if (!text)
        return NULL;
    at += *head_n = (size_t)sprintf(
        text, "POST /predict HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", body_n);
    at += sprintf(at, "{\"instances\":[");
    for (size_t i = 0; i < rows; i++)
        at += sprintf(at, "%s", row);
    at += sprintf(at - 1, "]}") - 1;
    *n = (size_t)(at - text);
    return text;
}

/* A connection is read in the way that its first bytes call for; whatever comes later is
 * answered all the same. */
static void test_sizes(void) {
    size_t head_n = 0, n = 0;
    char *large = large_new(40000, &head_n, &n);
    if (!CHECK(large != NULL))
        return;
    for (int first = 0; first < 4; first++) {
        struct raw raw;
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            break;
        if (first == 1) {
            raw_text(&raw, PREDICT);
            check_next(&raw, "a small one first", false, 200, "\"predictions\"");
        } else if (first == 2) {
            raw_send(&raw, large, head_n / 2); /* too little to tell */
            usleep(50 * 1000);
            raw_send(&raw, large + head_n / 2, n - head_n / 2);
            check_next(&raw, "in two", false, 200, "\"predictions\"");
        } else if (first == 3) {
            usleep(300 * 1000);
        }
        raw_send(&raw, large, n);
        check_next(&raw, "a large one", false, 200, "\"predictions\"");
        raw_text(&raw, PREDICT LIVEZ);
        raw_send(&raw, large, n);
        check_next(&raw, "a small one", false, 200, "\"predictions\"");
        check_next(&raw, "a look", false, 200, "ok");
        check_next(&raw, "a large one behind it", false, 200, "\"predictions\"");
        raw_close(&raw);
    }
    free(large);
}

/* More announce large bodies than the server has room to read in large pieces. */
static void test_many_large(void) {
    enum { MANY = 400 };
    static struct raw raws[MANY];
    size_t head_n = 0, n = 0, open_n = 0;
    char *large = large_new(6000, &head_n, &n);
    while (large && open_n < MANY && raw_open(&raws[open_n], daemon_of_all.port) &&
           raw_send(&raws[open_n], large, head_n + 100))
        open_n++;
    CHECK_SAY(open_n == MANY, "%zu connections", open_n);
    for (size_t i = 0; i < open_n; i++)
        raw_send(&raws[i], large + head_n + 100, n - head_n - 100);
    for (size_t i = 0; i < open_n; i++) {
        check_next(&raws[i], "one of many", false, 200, "\"predictions\"");
        raw_close(&raws[i]);
    }
    free(large);
}

/* The time for the head runs from the connection on: whoever says nothing, or no whole
 * line, or speaks TLS, is gone long before an idle connection would be. */
static void test_never_asked(void) {
    static const char *const said[] = {"", "GET /livez HT", "\x16\x03\x01\x02"};
    static const char *const flags[] = {"--workers", "0", "--header-timeout-ms", "500",
                                        NULL};
    struct daemon quick = {0};
    struct raw raws[3], kept;
    if (!daemon_start(&quick, flags))
        return;
    for (size_t i = 0; i < 3; i++)
        CHECK(raw_open(&raws[i], quick.port) && raw_text(&raws[i], said[i]));
    CHECK(raw_open(&kept, quick.port) && raw_text(&kept, LIVEZ));
    check_next(&kept, "the first", false, 200, "");
    for (size_t i = 0; i < 3; i++) {
        CHECK_SAY(raw_ended(&raws[i], ANSWER_MS), "\"%s\": the connection lives",
                  said[i]);
        raw_close(&raws[i]);
    }
    CHECK(raw_text(&kept, LIVEZ)); /* between requests there is more time */
    check_next(&kept, "the second", false, 200, "");
    raw_close(&kept);
    daemon_close(&quick);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    struct reply job = {0};
    if (job_train(user, table_job("planar", table_planar(40), NULL), &job)) {
        snprintf(job_id, sizeof job_id, "%s", reply_text(job.json, "/id"));
        CHECK_RUN(test_refusals);
        CHECK_RUN(test_refusals_without_body);
        CHECK_RUN(test_refusals_that_end);
        CHECK_RUN(test_pipelined);
        CHECK_RUN(test_half_closed);
        CHECK_RUN(test_left);
        CHECK_RUN(test_head);
        CHECK_RUN(test_head_of_stream);
        CHECK_RUN(test_http_1_0);
        CHECK_RUN(test_expect);
        CHECK_RUN(test_split);
        CHECK_RUN(test_pipelined_behind_a_wait);
        CHECK_RUN(test_sizes);
        CHECK_RUN(test_many_large);
        CHECK_RUN(test_never_asked);
    }
    reply_free(&job);
    daemon_close(&daemon_of_all);
    return check_done();
}
