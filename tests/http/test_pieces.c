/* Bodies of rows alone that are predicted as they come: the same answers and errors as
 * those of bodies that are collected, in less memory. One server has plenty for bodies
 * and collects them; the other has too little for two of these, and takes them in
 * pieces. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/raw.h"
#include "tests/unit/check.h"

/* A body is more than half of what the second server has for all; a piece is a 13th. */
enum {
    ROWS = 4100,
    INPUTS = 64,
    BODY_BYTES = ROWS * INPUTS * 4,
    CONNECTIONS = 8,
    LENGTHY = 6
};
#define MEMORY "2097152"

#define V2 "/v2/models/wide/infer"
#define NATIVE "/predict?model=wide"
#define RAW "application/octet-stream"

static struct daemon collects, passes;

/* Rows that differ by `seed`; free() them. */
static float *rows_new(unsigned seed) {
    float *X = malloc(BODY_BYTES);
    if (!X)
        abort();
    for (unsigned i = 0; i < ROWS * INPUTS; i++)
        X[i] = (float)((i + seed) * 2654435761U >> 20) / 1024 - 2;
    return X;
}

static bool head_send(struct raw *raw, const char *path, const char *accept, size_t n) {
    char head[512];
    int head_n = snprintf(head, sizeof head,
                          "POST %s HTTP/1.1\r\nHost: here\r\nContent-Type: " RAW
                          "\r\nAccept: %s\r\nContent-Length: %zu\r\n\r\n",
                          path, accept, n);
    return raw_send(raw, head, (size_t)head_n);
}

/* Sends from..to of the body, in parts of odd sizes. */
static bool part_send(struct raw *raw, const float *X, size_t from, size_t to) {
    static const size_t sizes[] = {1, 4095, 70001, 3, 150000, 17};
    const char *bytes = (const char *)X;
    bool ok = true;
    for (size_t i = 0, n; ok && from < to; from += n, i++) {
        n = sizes[i % (sizeof sizes / sizeof *sizes)];
        n = n < to - from ? n : to - from;
        ok = raw_send(raw, bytes + from, n);
    }
    return ok;
}

/* Over a connection of its own; status 0 without an answer. */
static void exchange(const struct daemon *d, const char *path, const char *accept,
                     const float *X, struct reply *reply) {
    struct raw raw;
    *reply = (struct reply){0};
    if (!CHECK(raw_open(&raw, d->port)))
        return;
    if (head_send(&raw, path, accept, BODY_BYTES))
        part_send(&raw, X, 0, BODY_BYTES); /* which a refusal cuts short */
    raw_reply(&raw, false, 20000, reply);
    raw_close(&raw);
}

static void check_equal(const char *what, const struct reply *got,
                        const struct reply *want) {
    CHECK_SAY(got->status == 200 && want->status == 200, "%s: %ld, %ld: %.200s", what,
              got->status, want->status, got->body);
    CHECK_SAY(got->body_n == want->body_n &&
                  memcmp(got->body, want->body, want->body_n) == 0,
              "%s: %zu bytes differ from %zu", what, got->body_n, want->body_n);
}

/* The answers to the byte, in every form, and they are counted. */
static void test_same(void) {
    static const struct {
        const char *path, *accept;
    } cases[] = {{V2, "*/*"},
                 {NATIVE, "application/json"},
                 {NATIVE, RAW},
                 {NATIVE, "application/x-npy"},
                 {NATIVE, "text/csv"}};
    enum { CASES = sizeof cases / sizeof *cases };
    float *X = rows_new(1);
    struct reply got, want, before, after;
    const char *rows_n = "/model_stats/0/inference_count",
               *success_n = "/model_stats/0/inference_stats/success/count",
               *passes_n = "/model_stats/0/execution_count";
    client_get(&passes.client, &before, "/v2/models/wide/stats");
    for (size_t i = 0; i < CASES; i++) {
        exchange(&collects, cases[i].path, cases[i].accept, X, &want);
        exchange(&passes, cases[i].path, cases[i].accept, X, &got);
        check_equal(cases[i].accept, &got, &want);
        reply_free(&got);
        reply_free(&want);
    }
    client_get(&passes.client, &after, "/v2/models/wide/stats");
    CHECK(reply_number(after.json, rows_n) - reply_number(before.json, rows_n) ==
          CASES * ROWS);
    CHECK(reply_number(after.json, success_n) - reply_number(before.json, success_n) ==
          CASES);
    CHECK(reply_number(after.json, passes_n) - reply_number(before.json, passes_n) ==
          CASES);
    reply_free(&before);
    reply_free(&after);
    free(X);
}

/* A document that is called bytes, as some clients call every body, in white space up to
 * whole rows. */
static char *document_new(size_t *n) {
    enum { BYTES = 2 << 20 };
    char *text = malloc(BYTES);
    if (!text)
        abort();
    *n = (size_t)sprintf(text,
                         " { \"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\","
                         "\"shape\":[%d,%d],\"data\":[",
                         ROWS, INPUTS);
    for (int i = 0; i < ROWS * INPUTS; i++)
        *n += (size_t)sprintf(text + *n, "%s%d.5", i ? "," : "", i % 10);
    *n += (size_t)sprintf(text + *n, "]}]}");
    for (; *n % (INPUTS * sizeof(float)); ++*n)
        text[*n] = ' ';
    return text;
}

/* What begins as a document is one if it ends as one, and rows if not, however it is
 * taken. */
static void test_documents(void) {
    struct reply got, want;
    size_t n;
    char *text = document_new(&n);
    const struct request request = {.path = V2,
                                    .headers =
                                        (const char *[]){"Content-Type: " RAW, NULL},
                                    .body = text,
                                    .body_n = n};
    client_send(&collects.client, &request, &want);
    client_send(&passes.client, &request, &got);
    check_equal("document", &got, &want);
    CHECK_SAY(reply_count(got.json, "/outputs/0/data") > 0, "%.200s", got.body);
    reply_free(&got);
    reply_free(&want);
    free(text);
    float *X = rows_new(3);
    memcpy(X, "{\"", 2);
    exchange(&collects, V2, "*/*", X, &want);
    exchange(&passes, V2, "*/*", X, &got);
    check_equal("rows", &got, &want);
    reply_free(&got);
    reply_free(&want);
    free(X);
}

/* More bodies at a time than there is memory for, each half sent before the first is
 * whole. */
static void test_many(void) {
    struct raw raw[CONNECTIONS];
    float *X[CONNECTIONS];
    struct reply got, want;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        X[i] = rows_new(100 + i);
        CHECK(raw_open(&raw[i], passes.port) &&
              head_send(&raw[i], V2, "*/*", BODY_BYTES));
    }
    for (size_t i = 0; i < CONNECTIONS; i++)
        part_send(&raw[i], X[i], 0, BODY_BYTES / 2 + i);
    for (size_t i = 0; i < CONNECTIONS; i++)
        part_send(&raw[i], X[i], BODY_BYTES / 2 + i, BODY_BYTES);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        CHECK(raw_reply(&raw[i], false, 20000, &got));
        exchange(&collects, V2, "*/*", X[i], &want);
        check_equal("many", &got, &want);
        reply_free(&got);
        reply_free(&want);
        raw_close(&raw[i]);
        free(X[i]);
    }
}

/* Answers that take long to write and stand all at once, where but one may wait for a
 * thread: none is refused, for all are computed. */
static void test_lengthy(void) {
    enum { LONG_ROWS = 5600, LONG_BYTES = LONG_ROWS * INPUTS * 4, TURNS = 40 };
    struct raw raw[LENGTHY];
    float *X = calloc(1, LONG_BYTES);
    if (!X)
        abort();
    for (size_t i = 0; i < LENGTHY; i++)
        CHECK(raw_open(&raw[i], passes.port));
    for (int turn = 0; turn < TURNS; turn++) {
        for (size_t i = 0; i < LENGTHY; i++)
            CHECK(head_send(&raw[i], V2, "*/*", LONG_BYTES) &&
                  part_send(&raw[i], X, 0, LONG_BYTES - 4));
        for (size_t i = 0; i < LENGTHY; i++)
            CHECK(part_send(&raw[i], X, LONG_BYTES - 4, LONG_BYTES));
        for (size_t i = 0; i < LENGTHY; i++) {
            struct reply reply;
            CHECK(raw_reply(&raw[i], false, 20000, &reply));
            CHECK_SAY(reply.status == 200, "turn %d: %ld %.200s", turn, reply.status,
                      reply.body);
            reply_free(&reply);
        }
    }
    for (size_t i = 0; i < LENGTHY; i++)
        raw_close(&raw[i]);
    free(X);
}

/* There is no memory for two bodies that have to be whole, such as JSON's: one of them is
 * refused. */
static void test_collected(void) {
    struct raw raw[2];
    struct reply reply = {0};
    for (int i = 0; i < 2; i++)
        CHECK(raw_open(&raw[i], passes.port) &&
              raw_text(&raw[i], "POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: "
                                "application/json\r\nContent-Length: 1100000\r\n\r\n{"));
    for (int i = 0; i < 100 && !reply.status; i++)
        raw_reply(&raw[i % 2], false, 100, &reply);
    CHECK_SAY(reply.status == 503, "%ld", reply.status);
    reply_free(&reply);
    raw_close(&raw[0]);
    raw_close(&raw[1]);
}

/* What is wrong with an element is said as of a body that is collected, and the
 * connection goes on. */
static void test_wrong(void) {
    static const struct {
        const char *path, *error, *where;
        size_t row, column;
        float value;
    } cases[] = {
        {V2, "/error", NULL, 4099, 63, INFINITY},
        {V2, "/error", NULL, 7, 0, -INFINITY},
        {NATIVE, "/error/message", "/error/param", 2500, 5, INFINITY},
        {NATIVE, "/error/message", "/error/param", 0, 1, INFINITY},
    };
    struct raw raw;
    struct reply got, want;
    char place[32];
    if (!CHECK(raw_open(&raw, passes.port)))
        return;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float *X = rows_new(2);
        X[cases[i].row * INPUTS + cases[i].column] = cases[i].value;
        exchange(&collects, cases[i].path, "*/*", X, &want);
        CHECK(head_send(&raw, cases[i].path, "*/*", BODY_BYTES) &&
              part_send(&raw, X, 0, BODY_BYTES) && raw_reply(&raw, false, 20000, &got));
        CHECK_SAY(got.status >= 400 && got.status == want.status, "%zu: %ld, %ld", i,
                  got.status, want.status);
        CHECK_TEXT(reply_text(got.json, cases[i].error),
                   reply_text(want.json, cases[i].error));
        snprintf(place, sizeof place, "/%zu/%zu", cases[i].row, cases[i].column);
        const char *where = cases[i].where ? cases[i].where : cases[i].error;
        CHECK_TEXT(reply_text(got.json, where), reply_text(want.json, where));
        CHECK_SAY(strstr(reply_text(got.json, where), place), "%s: %s", place, got.body);
        reply_free(&got);
        reply_free(&want);
        free(X);
    }
    float *X = rows_new(3);
    exchange(&collects, V2, "*/*", X, &want);
    CHECK(head_send(&raw, V2, "*/*", BODY_BYTES) && part_send(&raw, X, 0, BODY_BYTES) &&
          raw_reply(&raw, false, 20000, &got));
    check_equal("after errors", &got, &want);
    reply_free(&got);
    reply_free(&want);
    free(X);
    raw_close(&raw);
}

/* NaN is a missing cell in both. */
static void test_missing(void) {
    float *X = rows_new(4);
    struct reply got, want;
    X[3 * INPUTS] = X[4000 * INPUTS + 9] = NAN;
    exchange(&collects, NATIVE, RAW, X, &want);
    exchange(&passes, NATIVE, RAW, X, &got);
    check_equal("missing", &got, &want);
    reply_free(&got);
    reply_free(&want);
    free(X);
}

/* No whole rows, no such model: as ever. */
static void test_refused(void) {
    struct raw raw;
    struct reply got;
    float *X = rows_new(5);
    if (!CHECK(raw_open(&raw, passes.port)))
        return;
    CHECK(head_send(&raw, V2, "*/*", BODY_BYTES - 1) &&
          part_send(&raw, X, 0, BODY_BYTES - 1) && raw_reply(&raw, false, 20000, &got));
    CHECK_SAY(got.status == 400 && strstr(got.body, "whole rows of 64"), "%s", got.body);
    reply_free(&got);
    CHECK(head_send(&raw, "/predict?model=none", "*/*", BODY_BYTES) &&
          part_send(&raw, X, 0, BODY_BYTES) && raw_reply(&raw, false, 20000, &got));
    CHECK_SAY(got.status == 404, "%s", got.body);
    reply_free(&got);
    free(X);
    raw_close(&raw);
}

/* What has begun in time is answered, however slowly the rest comes; what is collected
 * has not begun. */
static void test_deadline(void) {
    static const struct {
        const struct daemon *daemon;
        long status;
    } cases[] = {{&passes, 200}, {&collects, 504}};
    float *X = rows_new(8);
    for (size_t i = 0; i < 2; i++) {
        struct raw raw;
        struct reply reply;
        if (!CHECK(raw_open(&raw, cases[i].daemon->port)))
            break;
        CHECK(head_send(&raw, V2, "*/*\r\nX-Request-Timeout-Ms: 300", BODY_BYTES));
        part_send(&raw, X, 0, BODY_BYTES / 2);
        daemon_sleep_ms(400);
        part_send(&raw, X, BODY_BYTES / 2, BODY_BYTES);
        CHECK(raw_reply(&raw, false, 20000, &reply));
        CHECK_SAY(reply.status == cases[i].status, "%zu: %ld", i, reply.status);
        reply_free(&reply);
        raw_close(&raw);
    }
    free(X);
}

/* Clients that leave in the middle leave nothing behind. */
static void test_leaves(void) {
    float *X = rows_new(6);
    struct reply reply = {0};
    struct raw raw;
    for (size_t i = 0; i < 3 * CONNECTIONS; i++) {
        if (!CHECK(raw_open(&raw, passes.port)))
            break;
        CHECK(head_send(&raw, i % 2 ? V2 : NATIVE, "*/*", BODY_BYTES));
        part_send(&raw, X, 0, BODY_BYTES / 4 * (i % 4));
        raw_close(&raw);
    }
    double others = -1;
    for (int64_t until_ms = daemon_clock_ms() + 10000;
         others != 0 && daemon_clock_ms() < until_ms; daemon_sleep_ms(20)) {
        client_get(&passes.client, &reply, "/metrics");
        others = reply_metric(&reply, "descentd_connections") - 1;
        reply_free(&reply);
    }
    CHECK_SAY(others == 0, "%g connections", others);
    free(X);
}

/* A model that is unloaded meanwhile is one that is gone. */
static void test_unloaded(void) {
    float *X = rows_new(7);
    struct reply reply;
    struct raw raw;
    CHECK(raw_open(&raw, passes.port) && head_send(&raw, V2, "*/*", BODY_BYTES));
    part_send(&raw, X, 0, BODY_BYTES / 2);
    client_call(&passes.client, &reply, "POST", "/v2/repository/models/wide/unload");
    CHECK_SAY(reply.status == 200, "%s", reply.body);
    reply_free(&reply);
    part_send(&raw, X, BODY_BYTES / 2, BODY_BYTES);
    CHECK(raw_reply(&raw, false, 20000, &reply));
    CHECK_SAY(reply.status >= 400 && strstr(reply.body, "unloaded"), "%s", reply.body);
    reply_free(&reply);
    client_call(&passes.client, &reply, "POST", "/v2/repository/models/wide/load");
    CHECK_SAY(reply.status == 200, "%s", reply.body);
    reply_free(&reply);
    raw_close(&raw);
    free(X);
}

/* The server that has memory: collected while it has processors to spare, in pieces where
 * not, and nobody can tell. */
struct asker {
    pthread_t thread;
    unsigned seed, wrong;
};

static void *ask(void *context) {
    struct asker *asker = context;
    float *X = rows_new(asker->seed);
    struct reply first = {0}, reply;
    for (int i = 0; i < 12; i++) {
        exchange(&collects, V2, "*/*", X, &reply);
        if (i == 0)
            first = reply;
        else
            asker->wrong += reply.status != 200 || reply.body_n != first.body_n ||
                            memcmp(reply.body, first.body, first.body_n) != 0;
        if (i)
            reply_free(&reply);
    }
    reply_free(&first);
    free(X);
    return NULL;
}

static void test_busy(void) {
    struct asker askers[CONNECTIONS] = {{.seed = 0}};
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        askers[i].seed = 200 + i;
        if (pthread_create(&askers[i].thread, NULL, ask, &askers[i]))
            abort();
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        pthread_join(askers[i].thread, NULL);
        CHECK_SAY(askers[i].wrong == 0, "%u answers differ", askers[i].wrong);
    }
}

/* A network whose rows take some work, of no use otherwise. */
static bool train(void) {
    json_t *features = json_array(), *targets = json_array();
    for (int i = 0; i < 12; i++) {
        json_t *row = json_array();
        for (int j = 0; j < INPUTS; j++)
            json_array_append_new(
                row, i == 5 ? json_null() : json_real((i * 7 + j * 13) % 11 / 4.0 - 1));
        json_array_append_new(features, row);
        json_array_append_new(targets, json_integer(i % 3));
    }
    return job_train(&collects.client,
                     json_pack("{sss{soso}s[ii]si}", "model", "wide", "data", "features",
                               features, "targets", targets, "hidden_layers", 256, 128,
                               "epochs", 2),
                     NULL);
}

int main(void) {
    static const char *const flags[] = {"--body-memory-max",   MEMORY, "--workers", "0",
                                        "--predict-queue-max", "1",    NULL};
    struct reply reply;
    if (!daemon_start(&collects, NULL))
        return 1;
    if (train() && CHECK(daemon_start_on(&passes, collects.store, flags))) {
        client_call(&passes.client, &reply, "POST", "/v2/repository/models/wide/load");
        CHECK(reply.status == 200);
        reply_free(&reply);
        CHECK_RUN(test_same);
        CHECK_RUN(test_documents);
        CHECK_RUN(test_many);
        CHECK_RUN(test_lengthy);
        CHECK_RUN(test_collected);
        CHECK_RUN(test_wrong);
        CHECK_RUN(test_missing);
        CHECK_RUN(test_refused);
        CHECK_RUN(test_deadline);
        CHECK_RUN(test_leaves);
        CHECK_RUN(test_unloaded);
        CHECK_RUN(test_many);
        CHECK_RUN(test_busy);
        daemon_close(&passes);
    }
    daemon_close(&collects);
    return check_done();
}
