/* Bodies that come gzipped or deflated, on every kind of route, and what they may grow
 * to; answers that go so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/packed.h"
#include "tests/http/raw.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

#define LIMIT "1048576"
enum { LIMIT_BYTES = 1048576, ANSWER_MS = 10000 };

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

/* The same bytes in each form that a client may give a coding. */
static const struct coding {
    const char *header;
    enum packed_form form;
} codings[] = {{"Content-Encoding: gzip", PACKED_GZIP},
               {"Content-Encoding: GZip", PACKED_GZIP},
               {"Content-Encoding: x-gzip", PACKED_GZIP},
               {"Content-Encoding: deflate", PACKED_ZLIB},
               {"Content-Encoding: deflate", PACKED_BARE}};
enum { CODINGS_N = sizeof codings / sizeof *codings };

struct sent {
    const char *method, *path, *type; /* type: a header, or NULL */
    const void *body;
    size_t body_n;
    bool chunked;
};

/* Sends the body in a coding; the reply is the caller's to free. */
static void send_coded(const struct sent *s, const struct coding *coding,
                       struct reply *reply) {
    const char *headers[5] = {coding->header, "Expect:"};
    size_t n, at = 2;
    char *body = packed_new(coding->form, s->body, s->body_n, &n);
    if (s->type)
        headers[at++] = s->type;
    if (s->chunked)
        headers[at++] = "Transfer-Encoding: chunked";
    client_send(user,
                &(struct request){.method = s->method,
                                  .path = s->path,
                                  .headers = headers,
                                  .body = body,
                                  .body_n = n},
                reply);
    free(body);
}

static void check_status(const char *what, const struct reply *reply, long status) {
    CHECK_SAY(reply->status == status, "%s: %ld %s", what, reply->status, reply->body);
}

#define ROWS_HEAD "{\"model\":\"planar\",\"instances\":["
#define ROWS_TAIL "[1,2],[0.5,-1],[3,4]]}"
static const char rows[] = ROWS_HEAD ROWS_TAIL;

static void test_predict(void) {
    struct reply want, got;
    client_post(user, &want, "/predict", rows);
    for (size_t i = 0; i < 2 * CODINGS_N; i++) {
        send_coded(&(struct sent){.path = "/predict",
                                  .body = rows,
                                  .body_n = sizeof rows - 1,
                                  .chunked = i % 2},
                   &codings[i / 2], &got);
        check_status(codings[i / 2].header, &got, 200);
        CHECK_TEXT(got.body, want.body);
        reply_free(&got);
    }
    reply_free(&want);
}

static void test_jobs(void) {
    json_t *job = table_job("coded", table_planar(400), json_pack("{si}", "epochs", 1));
    char *body = json_dumps(job, JSON_COMPACT);
    struct reply reply;
    for (size_t i = 0; i < CODINGS_N; i++) {
        send_coded(
            &(struct sent){.path = "/v1/jobs", .body = body, .body_n = strlen(body)},
            &codings[i], &reply);
        check_status(codings[i].header, &reply, 202);
        CHECK(reply_number(reply.json, "/hyperparameters/samples") == 400);
        reply_free(&reply);
    }
    free(body);
    json_decref(job);
}

/* A model's file, and an alias. */
static void test_models(void) {
    struct reply file, reply;
    client_get(user, &file, "/v1/models/planar/versions/1/export");
    check_status("export", &file, 200);
    for (size_t i = 0; i < CODINGS_N; i++) {
        send_coded(&(struct sent){.path = "/v1/models/copy/versions",
                                  .type = "Content-Type: application/octet-stream",
                                  .body = file.body,
                                  .body_n = file.body_n},
                   &codings[i], &reply);
        check_status(codings[i].header, &reply, 201);
        reply_free(&reply);
    }
    send_coded(&(struct sent){.method = "PUT",
                              .path = "/v1/models/copy/aliases/a",
                              .body = "{\"version\":2}",
                              .body_n = 13},
               &codings[3], &reply);
    check_status("alias", &reply, 201);
    reply_free(&reply);
    reply_free(&file);
}

/* Files are streamed: more than a piece of either kind. */
static void test_datasets(void) {
    enum { LINES = 300000, BYTES = LINES * 16 };
    char *csv = malloc(BYTES);
    size_t n = csv ? (size_t)snprintf(csv, BYTES, "a,b\n") : 0;
    for (int i = 0; csv && i < LINES; i++)
        n += (size_t)snprintf(csv + n, BYTES - n, "%d,%d\n", i % 977, i * 7 % 10007);
    for (size_t i = 0; csv && i < CODINGS_N; i++) {
        struct reply reply;
        char path[64];
        snprintf(path, sizeof path, "/v1/datasets/coded_%zu", i);
        send_coded(&(struct sent){.method = "PUT",
                                  .path = path,
                                  .type = "Content-Type: text/csv",
                                  .body = csv,
                                  .body_n = n,
                                  .chunked = i % 2},
                   &codings[i], &reply);
        check_status(codings[i].header, &reply, 201);
        CHECK(reply_number(reply.json, "/rows") == LINES);
        reply_free(&reply);
    }
    free(csv);
}

/* Members are one body; no bytes are none, whatever their coding is said to be. */
static void test_members_and_nothing(void) {
    struct reply reply;
    const char *headers[] = {"Content-Encoding: gzip", NULL};
    size_t n, more_n;
    char *first = packed_new(PACKED_GZIP, rows, 20, &n);
    char *second = packed_new(PACKED_GZIP, rows + 20, sizeof rows - 21, &more_n);
    char *both = malloc(n + more_n);
    if (!both)
        abort();
    memcpy(both, first, n);
    memcpy(both + n, second, more_n);
    client_send(
        user,
        &(struct request){
            .path = "/predict", .headers = headers, .body = both, .body_n = n + more_n},
        &reply);
    check_status("two members", &reply, 200);
    reply_free(&reply);
    client_send(user,
                &(struct request){.path = "/predict", .headers = headers, .body = ""},
                &reply);
    check_status("nothing", &reply, 400);
    CHECK(!strstr(reply.body, "gzip"));
    reply_free(&reply);
    /* A route that takes no body does not look at what comes. */
    client_send(user,
                &(struct request){.method = "DELETE",
                                  .path = "/v1/models/nothing",
                                  .headers = headers,
                                  .body = "x",
                                  .body_n = 1},
                &reply);
    check_status("delete", &reply, 404);
    reply_free(&reply);
    free(first);
    free(second);
    free(both);
}

/* Rows of n bytes, blanks in them: a few times as small when coded. One more blank stands
 * behind. */
static char *padded(size_t n) {
    char *body = malloc(n + 2);
    if (!body)
        abort();
    for (size_t i = 0; i < n; i++)
        body[i] = " \n\t\r"[(i * 2654435761u >> 13) % 4];
    memcpy(body, ROWS_HEAD, sizeof ROWS_HEAD - 1);
    memcpy(body + n - (sizeof ROWS_TAIL - 1), ROWS_TAIL " ", sizeof ROWS_TAIL + 1);
    return body;
}

/* The limit is one of what comes out, to the byte. */
static void test_limit(void) {
    char *body = padded(LIMIT_BYTES);
    for (size_t i = 0; i < 2 * CODINGS_N; i++) {
        struct reply reply;
        struct sent s = {
            .path = "/predict", .body = body, .body_n = LIMIT_BYTES, .chunked = i % 2};
        send_coded(&s, &codings[i / 2], &reply);
        check_status("at the limit", &reply, 200);
        reply_free(&reply);
        s.body_n++;
        send_coded(&s, &codings[i / 2], &reply);
        check_status("over the limit", &reply, 413);
        CHECK_SAY(strstr(reply.body, "the inflated body is over the limit of " LIMIT
                                     " bytes (--body-bytes-max)"),
                  "%s", reply.body);
        reply_free(&reply);
    }
    free(body);
}

/* A few kilobytes that inflate to a mebibyte do so a part at a time, while others are
 * answered; what stands behind them on the connection waits for its turn. */
static void test_slices(void) {
    char *body = padded(LIMIT_BYTES), head[256];
    for (size_t i = 0; i < LIMIT_BYTES; i++)
        if (strchr(" \n\t\r", body[i]) && i % 300)
            body[i] = ' ';
    for (size_t i = 0; i < CODINGS_N; i++) {
        struct raw raw;
        struct reply reply;
        size_t n;
        char *packed = packed_new(codings[i].form, body, LIMIT_BYTES, &n);
        CHECK_SAY(LIMIT_BYTES / n > 50, "%zu bytes", n);
        if (!CHECK(raw_open(&raw, daemon_of_all.port)))
            return;
        for (int round = 0; round < 3; round++) {
            snprintf(head, sizeof head,
                     "POST /predict HTTP/1.1\r\nHost: a\r\n%s\r\nContent-Length: %zu"
                     "\r\n\r\n",
                     codings[i].header, n);
            raw_text(&raw, head);
            raw_send(&raw, packed, n);
            raw_text(&raw, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        for (int round = 0; round < 6; round++) {
            CHECK(raw_reply(&raw, false, ANSWER_MS, &reply));
            check_status(codings[i].header, &reply, 200);
            CHECK(strstr(reply.body, round % 2 ? "\"ok\"" : "\"predictions\""));
            reply_free(&reply);
        }
        raw_close(&raw);
        free(packed);
    }
    free(body);
}

/* Members that hold nothing come to an end too. */
static void test_empty_members(void) {
    struct raw raw;
    struct reply reply;
    char chunk[64];
    size_t n;
    char *member = packed_new(PACKED_GZIP, "", 0, &n);
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    raw_text(&raw, "POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                   "Content-Encoding: gzip\r\n\r\n");
    size_t head_n = (size_t)snprintf(chunk, sizeof chunk, "%zx\r\n", n);
    memcpy(chunk + head_n, member, n);
    memcpy(chunk + head_n + n, "\r\n", 2);
    for (size_t sent = 0; sent <= LIMIT_BYTES; sent += n)
        raw_send(&raw, chunk, head_n + n + 2);
    raw_text(&raw, "0\r\n\r\n");
    CHECK(raw_reply(&raw, false, ANSWER_MS, &reply));
    check_status("empty members", &reply, 413);
    reply_free(&reply);
    raw_close(&raw);
    free(member);
}

/* What hardly gets smaller is made room for as it comes: four times its size would be
 * more than there is. One that is as it is, and too large, hears of the same flag. */
static void fits_barely(struct client *client) {
    enum { WHOLE = 200000 };
    static const char *const gzip[] = {"Content-Encoding: gzip", "Expect:", NULL};
    static const char *const plain[] = {"Expect:", NULL};
    struct table_random random = {3};
    struct reply reply;
    size_t n;
    char *body = padded(3 * WHOLE);
    for (size_t i = 6; i < WHOLE; i++)
        body[i] = (char)('0' + (int)(64 * table_uniform(&random)) % 44);
    for (int i = 0; i < 2; i++) {
        memcpy(body, "{\"a\":\"", 6);
        char *coded = packed_new(PACKED_GZIP, body, WHOLE, &n);
        client_send(client,
                    &(struct request){
                        .path = "/predict", .headers = gzip, .body = coded, .body_n = n},
                    &reply);
        check_status("barely", &reply, 400); /* it ends within a text */
        reply_free(&reply);
        free(coded);
    }
    client_send(
        client,
        &(struct request){
            .path = "/predict", .headers = plain, .body = body, .body_n = 3 * WHOLE},
        &reply);
    check_status("too large", &reply, 413);
    CHECK_SAY(strstr(reply.body, "--body-memory-max"), "%s", reply.body);
    reply_free(&reply);
    free(body);
}

/* What bodies take is counted as it grows, and given back. */
static void test_memory(void) {
    static const char *const flags[] = {"--body-memory-max=400000", NULL};
    struct daemon d;
    if (!CHECK(daemon_start(&d, flags)))
        return;
    for (int i = 0; i < 60; i++) {
        struct reply reply;
        size_t n, whole = i % 3 ? LIMIT_BYTES : 60000;
        char *body = padded(whole), *coded = packed_new(PACKED_GZIP, body, whole, &n);
        const char *headers[] = {"Content-Encoding: gzip",
                                 "Expect:", i % 2 ? "Transfer-Encoding: chunked" : NULL,
                                 NULL};
        client_send(&d.client,
                    &(struct request){.path = "/predict",
                                      .headers = headers,
                                      .body = coded,
                                      .body_n = i % 3 == 2 ? n - 1 : n},
                    &reply);
        check_status("memory", &reply, i % 3 ? 413 : 404);
        CHECK(i % 3 == 0 || strstr(reply.body, "--body-memory-max"));
        reply_free(&reply);
        free(coded);
        free(body);
    }
    fits_barely(&d.client);
    daemon_close(&d);
}

/* ---- answers -----------------------------------------------------------------------
 */

/* m rows as a body to predict. */
static char *rows_of(size_t m) {
    size_t capacity = 64 + m * 32, n;
    char *body = malloc(capacity);
    if (!body)
        abort();
    n = (size_t)snprintf(body, capacity, "{\"model\":\"planar\",\"instances\":[");
    for (size_t i = 0; i < m; i++)
        n += (size_t)snprintf(body + n, capacity - n, "%s[%g,%g]", i ? "," : "",
                              (double)(i % 97) / 25, (double)(i % 31) / -9);
    snprintf(body + n, capacity - n, "]}");
    return body;
}

static void ask(const char *method, const char *path, const char *accept,
                const char *body, struct reply *reply) {
    const char *headers[] = {"Expect:", accept, NULL};
    client_send(user,
                &(struct request){.method = method,
                                  .path = path,
                                  .headers = headers,
                                  .body = body,
                                  .body_n = body ? strlen(body) : 0},
                reply);
}

/* Checks that an answer has that coding ("": none) and says what `plain` says. */
static void check_coded(const char *what, const struct reply *reply, const char *coding,
                        const struct reply *plain) {
    char value[256];
    size_t n;
    enum packed_form form = *coding == 'g' ? PACKED_GZIP : PACKED_ZLIB;
    CHECK_SAY(strcmp(reply_header(reply, "Content-Encoding", value), coding) == 0,
              "%s: coded \"%s\"", what, value);
    char *open = *coding ? packed_open(form, reply->body, reply->body_n, &n) : NULL;
    const char *got = *coding ? open : reply->body;
    CHECK_SAY(got && strcmp(got, plain->body) == 0, "%s: another body", what);
    free(open);
}

/* Small ones as they are; middling ones on the connection's thread; large ones elsewhere.
 */
static void test_answers(void) {
    static const struct {
        size_t rows;
        bool large;
    } sizes[] = {{1, false}, {100, true}, {2000, true}, {20000, true}};
    static const struct {
        const char *accept, *coding;
    } cases[] = {{"Accept-Encoding: gzip", "gzip"},
                 {"Accept-Encoding: deflate", "deflate"},
                 {"Accept-Encoding: br;q=1, gzip;q=0.2", "gzip"},
                 {"Accept-Encoding: identity, gzip;q=0.2", ""},
                 {"Accept-Encoding: br", ""}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *body = rows_of(sizes[i].rows), vary[256], coding[256];
        struct reply plain, reply;
        ask(NULL, "/predict", NULL, body, &plain);
        check_status("predict", &plain, 200);
        CHECK_TEXT(reply_header(&plain, "Content-Encoding", coding), "");
        CHECK_TEXT(reply_header(&plain, "Vary", vary),
                   sizes[i].large ? "Accept-Encoding" : "");
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            ask(NULL, "/predict", cases[c].accept, body, &reply);
            check_coded(cases[c].accept, &reply, sizes[i].large ? cases[c].coding : "",
                        &plain);
            CHECK(!*reply_header(&reply, "Content-Encoding", coding) ||
                  reply.body_n < plain.body_n * 7 / 10);
            CHECK_TEXT(reply_header(&reply, "Vary", vary),
                       sizes[i].large ? "Accept-Encoding" : "");
            reply_free(&reply);
        }
        reply_free(&plain);
        free(body);
    }
}

/* Who refuses an answer as it is gets the smallest compressed, where that helps at all.
 */
static void test_not_identity(void) {
    struct reply plain, reply;
    ask("GET", "/v1/models/planar", NULL, NULL, &plain);
    ask("GET", "/v1/models/planar", "Accept-Encoding: gzip, identity;q=0", NULL, &reply);
    check_coded("a small document", &reply, "gzip", &plain);
    reply_free(&plain);
    reply_free(&reply);
    ask("GET", "/livez", NULL, NULL, &plain);
    ask("GET", "/livez", "Accept-Encoding: gzip, identity;q=0", NULL, &reply);
    check_coded("a tiny document", &reply, "", &plain);
    reply_free(&plain);
    reply_free(&reply);
}

/* What the executor answered; bytes that hardly shrink; what has an ETag; errors. */
static void test_other_answers(void) {
    struct reply plain, reply;
    char value[256];
    ask("GET", "/metrics", NULL, NULL, &plain);
    ask("GET", "/metrics", "Accept-Encoding: gzip", NULL, &reply);
    CHECK(reply.body_n < plain.body_n / 2);
    CHECK_TEXT(reply_header(&reply, "Content-Encoding", value), "gzip");
    reply_free(&plain);
    reply_free(&reply);
    static const char export[] = "/v1/models/planar/versions/1/export";
    ask("GET", export, "Accept-Encoding: gzip", NULL, &reply);
    CHECK_TEXT(reply_header(&reply, "Content-Encoding", value), "");
    CHECK_TEXT(reply_header(&reply, "Vary", value), "");
    reply_free(&reply);
    ask("GET", "/v1/models/copy/aliases/a", "Accept-Encoding: gzip, identity;q=0", NULL,
        &reply);
    CHECK(*reply_header(&reply, "ETag", value));
    CHECK_TEXT(reply_header(&reply, "Content-Encoding", value), "");
    reply_free(&reply);
    ask("GET", "/v1/models/nothing", "Accept-Encoding: gzip", NULL, &reply);
    check_status("an error", &reply, 404);
    CHECK_TEXT(reply_text(reply.json, "/error/code"), "not_found");
    reply_free(&reply);
}

/* HEAD says what GET would, its length too; a stream of events is never compressed. */
static void test_head_and_events(void) {
    static const char *const requests[] = {"HEAD", "GET"};
    struct reply replies[2];
    char length[2][256], coding[256];
    char path[128];
    ask("GET", "/v1/jobs?limit=1", NULL, NULL, &replies[0]);
    snprintf(path, sizeof path, "/v1/jobs/%s/events",
             reply_text(replies[0].json, "/data/0/id"));
    reply_free(&replies[0]);
    struct raw raw;
    if (!CHECK(raw_open(&raw, daemon_of_all.port)))
        return;
    for (int i = 0; i < 2; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "%s /v1/jobs HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
                 requests[i]);
        raw_text(&raw, text);
        CHECK(raw_reply(&raw, i == 0, ANSWER_MS, &replies[i]));
        CHECK_TEXT(reply_header(&replies[i], "Content-Encoding", coding), "gzip");
        reply_header(&replies[i], "Content-Length", length[i]);
    }
    CHECK(replies[0].body_n == 0 && replies[1].body_n > 0);
    CHECK_TEXT(length[0], length[1]);
    reply_free(&replies[0]);
    reply_free(&replies[1]);
    raw_close(&raw);
    const char *headers[] = {"Accept: text/event-stream", "Accept-Encoding: gzip", NULL};
    client_send(user, &(struct request){.path = path, .headers = headers}, &replies[0]);
    CHECK_TEXT(reply_header(&replies[0], "Content-Encoding", coding), "");
    CHECK(strstr(replies[0].body, "event:") && strstr(replies[0].body, "data:"));
    reply_free(&replies[0]);
}

int main(void) {
    static const char *const flags[] = {"--body-bytes-max=" LIMIT, NULL};
    if (!daemon_start(&daemon_of_all, flags))
        return 1;
    if (job_train(user, table_job("planar", table_planar(40), NULL), NULL)) {
        CHECK_RUN(test_predict);
        CHECK_RUN(test_jobs);
        CHECK_RUN(test_models);
        CHECK_RUN(test_datasets);
        CHECK_RUN(test_members_and_nothing);
        CHECK_RUN(test_limit);
        CHECK_RUN(test_slices);
        CHECK_RUN(test_empty_members);
        CHECK_RUN(test_memory);
        CHECK_RUN(test_answers);
        CHECK_RUN(test_not_identity);
        CHECK_RUN(test_other_answers);
        CHECK_RUN(test_head_and_events);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
