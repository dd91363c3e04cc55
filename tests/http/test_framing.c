/* HTTP as bytes: requests that two servers could read differently are refused and end the
 * connection; those that are odd but right are served. After each the daemon still
 * answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/raw.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum { ANSWER_MS = 3000 };

#define HOST "Host: 127.0.0.1\r\n"
#define ROWS "{\"instances\":[[1,2]]}"
#define ROWS_LENGTH "Content-Length: 21\r\n"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

static void check_alive(const char *after) {
    struct reply reply;
    client_get(user, &reply, "/livez");
    CHECK_SAY(reply.status == 200, "after %s: %ld", after, reply.status);
    reply_free(&reply);
}

struct refusal {
    const char *name, *request;
    long status;
};

static const struct refusal refusals[] = {
    {"length and chunks",
     "POST /predict HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     400},
    {"chunks and length",
     "POST /predict HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: "
     "5\r\n\r\n0\r\n\r\n",
     400},
    {"two lengths",
     "POST /predict HTTP/1.1\r\n" HOST ROWS_LENGTH "Content-Length: 30\r\n\r\n" ROWS,
     400},
    {"two equal lengths",
     "POST /predict HTTP/1.1\r\n" HOST ROWS_LENGTH ROWS_LENGTH "\r\n" ROWS, 400},
    {"a list of lengths",
     "POST /predict HTTP/1.1\r\n" HOST "Content-Length: 21, 21\r\n\r\n" ROWS, 400},
    {"a signed length",
     "POST /predict HTTP/1.1\r\n" HOST "Content-Length: +21\r\n\r\n" ROWS, 400},
    {"a negative length",
     "POST /predict HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n" ROWS, 400},
    {"a space behind the coding",
     "POST /predict HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n",
     400},
    {"a tab behind the coding",
     "POST /predict HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
     400},
    {"two hosts", "GET /livez HTTP/1.1\r\n" HOST "Host: example.com\r\n\r\n", 400},
    {"no host", "GET /livez HTTP/1.1\r\n\r\n", 400},
    {"a space before the colon",
     "POST /predict HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
     400},
    {"a space before the colon, with a length",
     "POST /predict HTTP/1.1\r\n" HOST ROWS_LENGTH
     "Transfer-Encoding : chunked\r\n\r\n" ROWS,
     400},
    {"a foreign coding",
     "POST /predict HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n" ROWS, 400},
    {"a foreign coding before chunks",
     "POST /predict HTTP/1.1\r\n" HOST
     "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
     400},
    {"identity coding",
     "POST /predict HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n" ROWS, 400},
    {"two codings",
     "POST /predict HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"chunks in HTTP/1.0",
     "POST /predict HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"a bare CR in a value", "GET /livez HTTP/1.1\r\n" HOST "X-A: a\rX-B: b\r\n\r\n",
     400},
    {"a NUL in the path", "GET /v1/models/planar%00 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"a slash in a name", "GET /v1/models/a%2f..%2fb HTTP/1.1\r\n" HOST "\r\n", 400},
    {"a broken escape", "GET /v1/models/%g1 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"a foreign origin",
     "POST /v1/jobs HTTP/1.1\r\n" HOST
     "Origin: http://example.com\r\nContent-Length: 2\r\n\r\n{}",
     403},
    {"a name that a page has made mean this machine",
     "POST /v1/jobs HTTP/1.1\r\nHost: a.example:80\r\nOrigin: "
     "http://a.example:80\r\nContent-Length: 2\r\n\r\n{}",
     403},
    {"no length", "POST /predict HTTP/1.1\r\n" HOST "\r\n", 411},
    {"a length over the limit",
     "POST /predict HTTP/1.1\r\n" HOST "Content-Length: 67108865\r\n\r\n", 413},
    {"a length over 64 bits",
     "POST /predict HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n",
     413},
    {"HTTP/2 without being asked", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
};

/* Sends the bytes on a connection of their own and checks the status of the answer, that
 * the connection ends where its framing cannot be trusted, and that nothing behind was
 * taken for a request and served. */
static void check_refusal(const struct refusal *refusal) {
    struct raw raw;
    struct reply reply = {0};
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    raw_text(&raw, refusal->request);
    CHECK_SAY(raw_reply(&raw, false, ANSWER_MS, &reply), "%s: no answer", refusal->name);
    CHECK_SAY(reply.status == refusal->status, "%s: %ld %s", refusal->name, reply.status,
              reply.body);
    if (refusal->status == 400 && strncmp(refusal->request, "POST", 4) == 0) {
        CHECK_SAY(raw_ended(&raw, ANSWER_MS), "%s: the connection lives", refusal->name);
        CHECK_SAY(!raw.bytes || !strstr(raw.bytes, "HTTP/1.1 2"),
                  "%s: a second answer, %s", refusal->name, raw.bytes);
    }
    reply_free(&reply);
    raw_close(&raw);
    check_alive(refusal->name);
}

static void test_refusals(void) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        check_refusal(&refusals[i]);
}

/* The classic attack: the bytes behind must never be taken for a request. */
static void test_no_smuggling(void) {
    struct raw raw;
    struct reply reply;
    static const char *const requests[] = {
        "POST /predict HTTP/1.1\r\n" HOST
        "Content-Length: 4\r\nTransfer-Encoding: chunked"
        "\r\n\r\n0\r\n\r\nDELETE /v1/models/planar HTTP/1.1\r\n" HOST "\r\n",
        "POST /predict HTTP/1.1\r\n" HOST
        "Content-Length: 0\r\nContent-Length: 60\r\n\r\n"
        "DELETE /v1/models/planar HTTP/1.1\r\n" HOST "\r\n",
        "POST /predict HTTP/1.1\r\n" HOST
        "Content-Length: 0\r\nTransfer-Encoding : chunked"
        "\r\n\r\nDELETE /v1/models/planar HTTP/1.1\r\n" HOST "\r\n",
        "GET /livez HTTP/1.1\r\n" HOST "X-A: a\rX: b\r\nHost: c\r\n\r\n"
        "DELETE /v1/models/planar HTTP/1.1\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            return;
        raw_text(&raw, requests[i]);
        raw_reply(&raw, false, ANSWER_MS, &reply);
        CHECK_SAY(reply.status == 400, "%zu: %ld", i, reply.status);
        reply_free(&reply);
        raw_ended(&raw, ANSWER_MS);
        raw_close(&raw);
        client_get(user, &reply, "/v1/models/planar");
        CHECK_SAY(reply.status == 200, "%zu: the model is gone", i);
        reply_free(&reply);
    }
}

/* Sends `request` and checks the answer's status and that its body holds `part`. */
static void check_served(struct raw *raw, const char *request, bool head, long status,
                         const char *part) {
    struct reply reply;
    raw_text(raw, request);
    bool answered = raw_reply(raw, head, ANSWER_MS, &reply);
    CHECK_SAY(answered && reply.status == status && strstr(reply.body, part),
              "%s: %ld %s", request, reply.status, reply.body ? reply.body : "");
    reply_free(&reply);
}

/* A list that stands in several fields is one list; a field that is no list may only be
 * repeated. */
static void test_several_fields(void) {
    static const struct {
        const char *fields;
        long status;
        const char *part;
    } cases[] = {
        {"Accept: application/json;q=0.5\r\nAccept: text/csv\r\n", 200, "prediction,"},
        {"Accept: text/csv;q=0.5\r\nX-A: b\r\naccept: application/json\r\n", 200,
         "\"predictions\""},
        {"Accept: */*;q=0.1\r\nAccept:\r\nAccept: application/json;q=0.2\r\n", 200,
         "\"predictions\""},
        {"Content-Type: application/json\r\nContent-Type: application/json\r\n", 200,
         "\"predictions\""},
        {"Content-Type: application/json\r\nContent-Type: text/csv\r\n", 400,
         "\"Content-Type\""},
        {"X-Request-Timeout-Ms: 5000\r\nX-Request-Timeout-Ms: 5\r\n", 400,
         "\"X-Request-Timeout-Ms\""},
    };
    struct raw raw;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[512];
        snprintf(request, sizeof request,
                 "POST /predict HTTP/1.1\r\n" HOST ROWS_LENGTH "%s\r\n" ROWS,
                 cases[i].fields);
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            return;
        check_served(&raw, request, false, cases[i].status, cases[i].part);
        raw_close(&raw);
    }
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    check_served(&raw,
                 "GET /v1/models/planar HTTP/1.1\r\n" HOST
                 "Accept-Encoding: gzip\r\nAccept-Encoding: br, identity;q=0\r\n\r\n",
                 false, 200, "\x1f\x8b");
    raw_close(&raw);
}

static void test_keep_alive(void) {
    struct raw raw;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    for (int i = 0; i < 3; i++) {
        check_served(&raw, "POST /predict HTTP/1.1\r\n" HOST ROWS_LENGTH "\r\n" ROWS,
                     false, 200, "\"predictions\"");
        check_served(&raw, "GET /v1/models/nowhere HTTP/1.1\r\n" HOST "\r\n", false, 404,
                     "not_found");
        check_served(&raw, "HEAD /v1/models HTTP/1.1\r\n" HOST "\r\n", true, 200, "");
        check_served(&raw,
                     "POST /predict HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}",
                     false, 400, "/instances");
    }
    raw_close(&raw);
}

static void test_pipelined(void) {
    struct raw raw;
    struct reply reply;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    raw_text(&raw, "POST /predict HTTP/1.1\r\n" HOST ROWS_LENGTH "\r\n" ROWS
                   "GET /livez HTTP/1.1\r\n" HOST "\r\n");
    CHECK(raw_reply(&raw, false, ANSWER_MS, &reply) && reply.status == 200);
    CHECK(reply_count(reply.json, "/predictions") == 1);
    reply_free(&reply);
    CHECK(raw_reply(&raw, false, ANSWER_MS, &reply) && reply.status == 200);
    CHECK_TEXT(reply_text(reply.json, "/status"), "ok");
    reply_free(&reply);
    raw_close(&raw);
}

static void test_http_1_0(void) {
    struct raw raw;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    check_served(&raw, "POST /predict HTTP/1.0\r\n" HOST ROWS_LENGTH "\r\n" ROWS, false,
                 200, "\"predictions\"");
    CHECK(raw_ended(&raw, ANSWER_MS));
    raw_close(&raw);
}

/* The body in chunks of one byte, with an extension and a trailer. */
static void test_chunked(void) {
    struct raw raw;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    raw_text(&raw,
             "POST /predict HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n");
    for (const char *at = ROWS; *at; at++) {
        char chunk[32];
        int n = snprintf(chunk, sizeof chunk, "1;a=b\r\n%c\r\n", *at);
        raw_send(&raw, chunk, (size_t)n);
    }
    check_served(&raw, "0\r\nX-Trailer: t\r\n\r\n", false, 200, "\"predictions\"");
    check_served(&raw, "GET /livez HTTP/1.1\r\n" HOST "\r\n", false, 200, "ok");
    raw_close(&raw);
}

static void test_broken_chunks(void) {
    static const char *const chunks[] = {"zz\r\n", "-1\r\n", "0x5\r\n",
                                         "fffffffffffffffff\r\n", "5\r\nabcdefgh\r\n"};
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        struct raw raw;
        struct reply reply;
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            return;
        raw_text(&raw,
                 "POST /predict HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
        raw_text(&raw, chunks[i]);
        /* An answer is optional, success is not one, and the connection ends. */
        raw_reply(&raw, false, ANSWER_MS, &reply);
        CHECK_SAY(reply.status == 0 || reply.status >= 400, "%s: %ld", chunks[i],
                  reply.status);
        reply_free(&reply);
        raw_close(&raw);
        check_alive(chunks[i]);
    }
}

/* "100 Continue" comes before the body is sent, and at once; where the answer is a
 * refusal, it comes instead. */
static void test_expect(void) {
    struct raw raw;
    struct reply reply;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    int64_t start = daemon_clock_ms();
    raw_text(&raw, "POST /predict HTTP/1.1\r\n" HOST ROWS_LENGTH
                   "Expect: 100-continue\r\n\r\n");
    CHECK(raw_reply(&raw, false, ANSWER_MS, &reply) && reply.status == 100);
    CHECK_SAY(daemon_clock_ms() - start < 200, "after %d ms",
              (int)(daemon_clock_ms() - start));
    reply_free(&reply);
    check_served(&raw, ROWS, false, 200, "\"predictions\"");
    raw_close(&raw);

    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    check_served(&raw,
                 "POST /predict HTTP/1.1\r\n" HOST
                 "Content-Length: 67108865\r\nExpect: 100-continue\r\n\r\n",
                 false, 413, "--body-bytes-max");
    raw_close(&raw);
}

/* HEAD says what GET would say, and nothing behind it. */
static void test_head(void) {
    struct raw raw;
    struct reply get, head;
    char of_get[256], of_head[256];
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    raw_text(&raw, "GET /v1/models HTTP/1.1\r\n" HOST "\r\n");
    CHECK(raw_reply(&raw, false, ANSWER_MS, &get) && get.status == 200);
    raw_text(&raw, "HEAD /v1/models HTTP/1.1\r\n" HOST "\r\n");
    CHECK(raw_reply(&raw, true, ANSWER_MS, &head) && head.status == 200);
    CHECK_TEXT(reply_header(&head, "Content-Length", of_head),
               reply_header(&get, "Content-Length", of_get));
    check_served(&raw, "GET /livez HTTP/1.1\r\n" HOST "\r\n", false, 200, "ok");
    reply_free(&get);
    reply_free(&head);
    raw_close(&raw);
}

/* Sends a request line or header that is padded to n bytes. */
static void check_padded(const char *before, size_t n, const char *after, long status_min,
                         long status_max) {
    struct raw raw;
    struct reply reply;
    char *padding = malloc(n);
    if (!padding || !CHECK(raw_open(&raw, daemon_of_all.port))) {
        free(padding);
        return;
    }
    memset(padding, 'a', n);
    raw_text(&raw, before);
    raw_send(&raw, padding, n);
    raw_text(&raw, after);
    CHECK_SAY(raw_reply(&raw, false, ANSWER_MS, &reply), "%.20s %zu: no answer", before,
              n);
    CHECK_SAY(reply.status >= status_min && reply.status <= status_max, "%.20s %zu: %ld",
              before, n, reply.status);
    reply_free(&reply);
    raw_close(&raw);
    free(padding);
    check_alive("padding");
}

static void test_large_headers(void) {
    check_padded("GET /livez HTTP/1.1\r\n" HOST "X-A: ", 2000, "\r\n\r\n", 200, 200);
    check_padded("GET /livez HTTP/1.1\r\n" HOST "X-A: ", 40000, "\r\n\r\n", 431, 431);
    check_padded("GET /", 40000, " HTTP/1.1\r\n" HOST "\r\n", 414, 431);
}

/* A training for whose head the connection's memory may leave no room for an answer's.
 * @return the status of its answer, 0: there is none. */
static long padded_job(size_t padding_n) {
    static char text[16 << 10];
    static const char body[] = "{\"model\":\"padded\",\"data\":{\"features\":[[0],[1]],"
                               "\"targets\":[0,1]},\"epochs\":1}";
    char padding[9000];
    struct raw raw;
    struct reply reply = {0};
    memset(padding, 'a', padding_n);
    snprintf(text, sizeof text,
             "POST /v1/jobs HTTP/1.1\r\n" HOST
             "Content-Length: %zu\r\nX-A: %.*s\r\n\r\n%s",
             sizeof body - 1, (int)padding_n, padding, body);
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return 0;
    long status = 0;
    if (raw_text(&raw, text) && raw_reply(&raw, false, ANSWER_MS, &reply))
        status = reply.status;
    reply_free(&reply);
    raw_close(&raw);
    return status;
}

static size_t jobs_count(void) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs?limit=1000");
    size_t n = reply_count(reply.json, "/data");
    reply_free(&reply);
    return n;
}

/* Whatever is carried out is answered. Beyond the largest head it is 431, but for a few
 * lengths that fill a connection's memory and leave none for that either: it ends. On
 * connections with little memory and with more. */
static void test_heads_in_between(void) {
    enum { CONNECTIONS_N = 80, STEP = 97, LEAST = 6000, MOST = 8500, ENDED_MAX = 5 };
    static struct raw others[CONNECTIONS_N];
    for (int crowded = 0; crowded < 2; crowded++) {
        size_t taken_n = 0, refused_n = 0, ended_n = 0, before_n = jobs_count();
        for (size_t i = 0; crowded && i < CONNECTIONS_N; i++)
            CHECK(raw_open(&others[i], daemon_of_all.port) &&
                  raw_text(&others[i], "GET /livez HTTP/1.1\r\n" HOST "\r\n"));
        for (size_t n = LEAST; n < MOST; n += STEP) {
            long status = padded_job(n);
            CHECK_SAY(status == 202 || status == 431 || !status, "%zu: %ld", n, status);
            CHECK_SAY(refused_n ? status != 202 : status != 0, "%zu: %ld", n, status);
            taken_n += status == 202;
            refused_n += status == 431;
            ended_n += !status;
        }
        CHECK_SAY(taken_n && refused_n && ended_n <= ENDED_MAX,
                  "%zu taken, %zu refused, %zu without an answer", taken_n, refused_n,
                  ended_n);
        CHECK_SAY(jobs_count() == before_n + taken_n, "%zu jobs, %zu were taken",
                  jobs_count() - before_n, taken_n);
        for (size_t i = 0; crowded && i < CONNECTIONS_N; i++)
            raw_close(&others[i]);
    }
}

/* Spaces behind a value are none of it. */
static void test_spaces_behind(void) {
    struct raw raw;
    struct reply reply = {0};
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    raw_text(&raw,
             "POST /predict HTTP/1.1\r\n" HOST
             "X-Request-Id: mine \t \r\nContent-Encoding: identity \r\n"
             "X-Request-Timeout-Ms: 5000\t\r\nX-Empty:  \r\n" ROWS_LENGTH "\r\n" ROWS);
    CHECK(raw_reply(&raw, false, ANSWER_MS, &reply));
    CHECK_SAY(reply.status == 200, "%ld: %s", reply.status, reply.body);
    CHECK(reply.headers && strstr(reply.headers, "X-Request-Id: mine\r\n"));
    reply_free(&reply);
    raw_close(&raw);
}

/* Who says all that it has to say before it listens, as most clients do, hears a refusal
 * nevertheless: the server does not reset what it no longer wants to read. `behind` ends
 * each head. */
enum { IN_FULL_BYTES = 8 << 20 };
#define IN_FULL_LENGTH "Content-Length: 8388608\r\n\r\n"
static void check_refused_in_full(const struct refusal *all, size_t n,
                                  const char *behind) {
    char *body = calloc(1, IN_FULL_BYTES);
    if (!body)
        abort();
    for (size_t i = 0; i < n; i++) {
        struct raw raw;
        struct reply reply;
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            break;
        CHECK_SAY(raw_text(&raw, all[i].request) && raw_text(&raw, behind) &&
                      raw_send(&raw, body, IN_FULL_BYTES),
                  "%s: cut off", all[i].name);
        CHECK_SAY(raw_reply(&raw, false, ANSWER_MS, &reply) &&
                      reply.status == all[i].status,
                  "%s: %ld", all[i].name, reply.status);
        CHECK_SAY(raw_ended(&raw, ANSWER_MS), "%s: goes on", all[i].name);
        reply_free(&reply);
        raw_close(&raw);
    }
    free(body);
    check_alive("refusals in full");
}

static void test_refused_in_full(void) {
    static const struct refusal all[] = {
        {"no such path", "POST /nothing HTTP/1.1\r\n" HOST, 404},
        {"no such method", "PUT /predict HTTP/1.1\r\n" HOST, 405},
        {"a foreign type",
         "POST /predict HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\n", 415},
        {"a foreign page",
         "POST /v1/jobs HTTP/1.1\r\n" HOST "Origin: http://a.example\r\n", 403},
        {"no host", "POST /predict HTTP/1.1\r\n", 400},
    };
    _Static_assert(IN_FULL_BYTES == 8388608, "IN_FULL_LENGTH says it");
    check_refused_in_full(all, sizeof all / sizeof *all, IN_FULL_LENGTH);
}

/* The same of heads that libmicrohttpd refuses by itself. */
static void test_refused_heads(void) {
    enum { LONG = 21000 };
    static char large[LONG + 128];
    int n = snprintf(large, sizeof large, "POST /predict HTTP/1.1\r\n" HOST "X-A: ");
    memset(large + n, 'a', LONG);
    snprintf(large + n + LONG, sizeof large - LONG - (size_t)n, "\r\n");
    const struct refusal all[] = {
        {"a large head", large, 431},
        {"a line without a colon", "POST /predict HTTP/1.1\r\n" HOST "abc\r\n", 400},
        {"another version", "POST /predict HTTP/3.1\r\n" HOST, 505},
        {"a length that is none",
         "POST /predict HTTP/1.1\r\n" HOST "Content-Length: x\r\n", 400},
    };
    check_refused_in_full(all, sizeof all / sizeof *all, "\r\n");
}

/* Bytes that are no HTTP, and connections that come to nothing. */
static void test_noise(void) {
    static const char *const noise[] = {
        "\r\n\r\n\r\n", "G@T / HTTP/1.1\r\n\r\n", "\x16\x03\x01", "GET",
        "POST /predict HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n{\"insta"};
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
        struct raw raw;
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            return;
        raw_text(&raw, noise[i]);
        daemon_sleep_ms(20);
        raw_close(&raw);
        check_alive(noise[i]);
    }
}

/* Many idle connections do not keep others out. */
static void test_idle_connections(void) {
    static struct raw raws[300];
    size_t n = sizeof raws / sizeof *raws;
    for (size_t i = 0; i < n; i++)
        CHECK(raw_open(&raws[i], daemon_of_all.port) && raw_text(&raws[i], "GET /li"));
    check_alive("idle connections");
    for (size_t i = 0; i < n; i++)
        raw_close(&raws[i]);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    if (job_train(user, table_job("planar", table_planar(40), NULL), NULL)) {
        CHECK_RUN(test_refusals);
        CHECK_RUN(test_no_smuggling);
        CHECK_RUN(test_refused_in_full);
        CHECK_RUN(test_refused_heads);
        CHECK_RUN(test_several_fields);
        CHECK_RUN(test_keep_alive);
        CHECK_RUN(test_pipelined);
        CHECK_RUN(test_http_1_0);
        CHECK_RUN(test_chunked);
        CHECK_RUN(test_broken_chunks);
        CHECK_RUN(test_expect);
        CHECK_RUN(test_head);
        CHECK_RUN(test_large_headers);
        CHECK_RUN(test_spaces_behind);
        CHECK_RUN(test_noise);
        CHECK_RUN(test_idle_connections);
        CHECK_RUN(test_heads_in_between); /* leaves a model behind */
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
