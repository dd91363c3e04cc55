/* Arrays to /predict and back: npy files and float32 as bytes. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/npy.h"
#include "tests/http/packed.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

#define NPY "Content-Type: application/x-npy"
#define RAW "Content-Type: application/octet-stream"
enum { FILE_BYTES_MAX = 1 << 20 };

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

static const float rows[] = {1, 2, 0.5f, -1, 3, -0.25f};
static const char rows_json[] = "{\"instances\":[[1,2],[0.5,-1],[3,-0.25]]}";

static void post(const char *model, const char *type, const char *accept,
                 const void *body, size_t n, struct reply *reply) {
    char path[128];
    const char *headers[] = {type, accept ? accept : "Expect:", "Expect:", NULL};
    snprintf(path, sizeof path, "/predict?model=%s", model);
    client_send(
        user,
        &(struct request){.path = path, .headers = headers, .body = body, .body_n = n},
        reply);
    CHECK_SAY(reply->status == 200, "%s: %ld %s", type, reply->status, reply->body);
}

/* The answer is the one to the same rows in JSON, to the byte. */
static void check_same(const char *model, const char *type, const void *body, size_t n,
                       const struct reply *want) {
    struct reply got;
    post(model, type, NULL, body, n, &got);
    CHECK_TEXT(got.body, want->body);
    reply_free(&got);
}

static void test_in(void) {
    struct reply want;
    double doubles[6];
    float columns[6];
    size_t n;
    client_post(user, &want, "/predict?model=planar", rows_json);
    check_same("planar", RAW, rows, sizeof rows, &want);
    char *file = npy_new("<f4", false, "(3, 2)", rows, sizeof rows, &n);
    check_same("planar", NPY, file, n, &want);
    check_same("planar", RAW, file, n, &want); /* whose rows of 8 bytes its length fits */
    free(file);
    for (size_t i = 0; i < 6; i++) {
        doubles[i] = (double)rows[i];
        columns[i] = rows[i % 3 * 2 + i / 3];
    }
    file = npy_new("<f8", false, "(3, 2, 1)", doubles, sizeof doubles, &n);
    check_same("planar", NPY, file, n, &want);
    free(file);
    file = npy_new("<f4", true, "(3, 2)", columns, sizeof columns, &n);
    check_same("planar@1", NPY "; version=1", file, n, &want);
    char *packed = packed_new(PACKED_GZIP, file, n, &n);
    const char *headers[] = {NPY, "Content-Encoding: gzip", NULL};
    struct reply got;
    client_send(user,
                &(struct request){.path = "/predict?model=planar",
                                  .headers = headers,
                                  .body = packed,
                                  .body_n = n},
                &got);
    CHECK_TEXT(got.body, want.body);
    reply_free(&got);
    free(packed);
    free(file);
    reply_free(&want);
}

/* One row, and rows of one number. */
static void test_one_dimension(void) {
    static const int16_t row[] = {3, -2};
    struct reply want;
    size_t n;
    client_post(user, &want, "/predict?model=planar", "{\"instances\":[[3,-2]]}");
    char *file = npy_new("<i2", false, "(2,)", row, sizeof row, &n);
    check_same("planar", NPY, file, n, &want);
    free(file);
    reply_free(&want);
    client_post(user, &want, "/predict?model=line", "{\"instances\":[[3],[-2]]}");
    file = npy_new("<i2", false, "(2,)", row, sizeof row, &n);
    check_same("line", NPY, file, n, &want);
    free(file);
    reply_free(&want);
}

/* A table with columns of each kind takes an array too, in the order of its columns. */
static void test_columns(void) {
    char csv[8192];
    size_t at = (size_t)sprintf(csv, "grade,on,size,out\n"), n;
    struct reply reply, want;
    for (int i = 0; i < 200; i++)
        at += (size_t)sprintf(csv + at, "%d,%s,%s,%g\n", i % 3, i % 2 ? "true" : "false",
                              i % 7 ? "2.5" : "", i % 3 + (double)(i % 2) / 2);
    const char *headers[] = {"Content-Type: text/csv", NULL};
    client_send(user,
                &(struct request){.method = "PUT",
                                  .path = "/v1/datasets/mixed",
                                  .headers = headers,
                                  .body = csv,
                                  .body_n = at},
                &reply);
    CHECK_SAY(reply.status == 201, "%s", reply.body);
    reply_free(&reply);
    if (!job_train(user,
                   json_pack("{sssssssi}", "model", "mixed", "dataset", "mixed", "target",
                             "out", "epochs", 3),
                   NULL))
        return;
    const float cells[] = {2, 1, 3.5f, 0, 0, NAN};
    client_post(user, &want, "/predict",
                "{\"model\":\"mixed\",\"instances\":[[2,true,3.5],[0,false,null]]}");
    check_same("mixed", RAW, cells, sizeof cells, &want);
    char *file = npy_new("<f4", false, "(2, 3)", cells, sizeof cells, &n);
    check_same("mixed", NPY, file, n, &want);
    free(file);
    reply_free(&want);
}

/* The numbers of `name` in a JSON answer, as they stand, from an answer of bytes. */
static void check_bytes(const char *what, const struct reply *json, const char *name,
                        const char *bytes, size_t n) {
    char path[64];
    size_t m = reply_count(json->json, name), at = 0;
    for (size_t i = 0; i < m; i++) {
        snprintf(path, sizeof path, "%s/%zu", name, i);
        size_t k = reply_count(json->json, path);
        for (size_t j = 0; j < (k ? k : 1); j++, at++) {
            float got;
            if (k)
                snprintf(path, sizeof path, "%s/%zu/%zu", name, i, j);
            if (!CHECK_SAY((at + 1) * sizeof got <= n, "%s: %zu bytes", what, n))
                return;
            memcpy(&got, bytes + at * sizeof got, sizeof got);
            CHECK_SAY(got == (float)reply_number(json->json, path), "%s: %s is %g", what,
                      path, (double)got);
        }
    }
    CHECK_SAY(at > 0 && at * 4 == n, "%s: %zu bytes", what, n);
}

static void test_out(void) {
    static const struct {
        const char *model, *name, *shape;
        size_t columns;
    } cases[] = {{"planar", "/probabilities", "(3, 2)", 2},
                 {"blobs", "/probabilities", "(3, 4)", 2},
                 {"quadrants", "/probabilities", "(3, 2)", 2},
                 {"line", "/predictions", "(6,)", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply json, raw, npy;
        char type[256], dict[128];
        post(cases[i].model, RAW, NULL, rows, sizeof rows, &json);
        post(cases[i].model, RAW, "Accept: application/octet-stream", rows, sizeof rows,
             &raw);
        post(cases[i].model, RAW, "Accept: application/x-npy", rows, sizeof rows, &npy);
        CHECK_TEXT(reply_header(&raw, "Content-Type", type), "application/octet-stream");
        CHECK_TEXT(reply_header(&npy, "Content-Type", type), "application/x-npy");
        check_bytes(cases[i].model, &json, cases[i].name, raw.body, raw.body_n);
        snprintf(dict, sizeof dict,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }",
                 cases[i].shape);
        CHECK_SAY(npy.body_n == 128 + raw.body_n &&
                      memcmp(npy.body, "\x93NUMPY\1\0\x76\0", 10) == 0 &&
                      memcmp(npy.body + 10, dict, strlen(dict)) == 0 &&
                      npy.body[127] == '\n',
                  "%s: %.128s", cases[i].model, npy.body + 10);
        CHECK(memcmp(npy.body + 128, raw.body, raw.body_n) == 0);
        reply_free(&json);
        reply_free(&raw);
        reply_free(&npy);
    }
}

/* JSON where nothing else is wanted more; errors in JSON whatever is. */
static void test_negotiated(void) {
    static const struct {
        const char *accept, *type;
    } cases[] = {
        {"Accept: */*", "application/json"},
        {"Accept: application/*", "application/json"},
        {"Accept: image/png", "application/json"},
        {"Accept: application/x-npy, */*;q=0.1", "application/x-npy"},
        {"Accept: application/json;q=0.5, application/x-npy;q=0.6, text/csv;q=0.4",
         "application/x-npy"},
        {"Accept: application/octet-stream, application/x-npy", "application/x-npy"},
        {"Accept: application/octet-stream;q=0.9, text/*", "text/csv; "},
        {"Accept: application/octet-stream;q=0", "application/json"}};
    struct reply reply;
    char type[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        post("planar", RAW, cases[i].accept, rows, sizeof rows, &reply);
        reply_header(&reply, "Content-Type", type);
        CHECK_SAY(strncmp(type, cases[i].type, strlen(cases[i].type)) == 0, "%s: %s",
                  cases[i].accept, type);
        reply_free(&reply);
    }
    const char *headers[] = {RAW, "Accept: application/octet-stream", NULL};
    client_send(user,
                &(struct request){.path = "/predict?model=planar",
                                  .headers = headers,
                                  .body = "abc",
                                  .body_n = 3},
                &reply);
    CHECK(reply.status == 400);
    CHECK_TEXT(reply_text(reply.json, "/error/code"), "invalid_argument");
    reply_free(&reply);
}

/* Larger than a connection's thread takes: in npy and back, the same as in halves. */
static void test_large(void) {
    enum { M = 60000 };
    float *X = malloc(sizeof(float[M][2]));
    struct reply whole, part;
    size_t n;
    if (!X)
        abort();
    for (size_t i = 0; i < 2 * M; i++)
        X[i] = (float)(i * 7919 % 1000) / 100 - 5;
    char *file = npy_new("<f4", false, "(60000, 2)", X, sizeof(float[M][2]), &n);
    post("planar", NPY, "Accept: application/octet-stream", file, n, &whole);
    CHECK(whole.body_n == sizeof(float[M][2]));
    post("planar", RAW, "Accept: application/octet-stream", X + M, sizeof(float[M]),
         &part);
    if (CHECK(part.body_n * 2 == whole.body_n)) {
        const float *a = (const float *)(const void *)(whole.body + part.body_n),
                    *b = (const float *)(const void *)part.body;
        for (size_t i = 0; i < M; i++)
            if (!CHECK_NEAR((double)a[i], (double)b[i], 1e-6))
                break;
    }
    reply_free(&whole);
    reply_free(&part);
    free(file);
    free(X);
}

static bool train(void) {
    json_t *labels = json_pack("[ssss]", "a", "b", "c", "d");
    json_t *line =
        json_pack("{s[[i][i][i]]s[iii]}", "features", 0, 1, 2, "targets", 1, 3, 6);
    bool ok =
        job_train(user, table_job("planar", table_planar(40), NULL), NULL) &&
        job_train(user, table_job("blobs", table_blobs(80, labels), NULL), NULL) &&
        job_train(user, table_job("quadrants", table_quadrants(60), NULL), NULL) &&
        job_train(user,
                  table_job("line", line,
                            json_pack("{s[]ss}", "hidden_layers", "task", "regression")),
                  NULL);
    json_decref(labels);
    return ok;
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    if (train()) {
        CHECK_RUN(test_in);
        CHECK_RUN(test_one_dimension);
        CHECK_RUN(test_columns);
        CHECK_RUN(test_out);
        CHECK_RUN(test_negotiated);
        CHECK_RUN(test_large);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
