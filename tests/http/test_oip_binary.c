/* The binary tensor extension of the Open Inference Protocol V2, in both directions: bit
 * for bit what JSON and /predict say. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

enum { ROWS = 300, INPUTS = 3 };

/* ---- bodies --------------------------------------------------------------------- */

struct bytes {
    char data[1 << 16];
    size_t n;
};

static void put(struct bytes *b, const void *data, size_t n) {
    memcpy(b->data + b->n, data, n);
    b->n += n;
}

static void put_text(struct bytes *b, const char *text) {
    put(b, text, strlen(text));
}

static void put_string(struct bytes *b, const char *text) {
    uint32_t n = (uint32_t)strlen(text);
    put(b, &n, sizeof n);
    put(b, text, n);
}

/* POSTs the body with that header length (negative: none), and a further header or NULL.
 */
static bool post(struct reply *reply, const char *model, const struct bytes *body,
                 long header_n, const char *header, long status) {
    char path[128], length[64];
    const char *headers[4] = {"Content-Type: application/octet-stream"};
    size_t n = 1;
    snprintf(path, sizeof path, "/v2/models/%s/infer", model);
    snprintf(length, sizeof length, "inference-header-content-length: %ld", header_n);
    if (header_n >= 0)
        headers[n++] = length;
    if (header)
        headers[n] = header;
    struct request request = {
        .path = path, .headers = headers, .body = body->data, .body_n = body->n};
    return client_send(user, &request, reply) &&
           CHECK_SAY(reply->status == status, "%ld, not %ld: %s", reply->status, status,
                     reply->body);
}

/* An answer taken apart: its document, and the bytes of its tensors. */
struct answer {
    json_t *document;
    const char *tensors;
    size_t tensors_n;
};

static bool answer_open(const struct reply *reply, struct answer *answer) {
    char header[256];
    size_t n =
        strtoul(reply_header(reply, "Inference-Header-Content-Length", header), NULL, 10);
    *answer = (struct answer){NULL, reply->body + n, reply->body_n - n};
    bool ok = CHECK(n > 0 && n <= reply->body_n) &&
              CHECK_TEXT(reply_header(reply, "Content-Type", header),
                         "application/octet-stream");
    if (ok)
        answer->document = json_loadb(reply->body, n, 0, NULL);
    return ok && CHECK_SAY(answer->document, "%.*s", (int)n, reply->body);
}

/* The bytes of output i, by the sizes of those before it. */
static const char *tensor_of(const struct answer *answer, int i, size_t *n) {
    const char *at = answer->tensors;
    char pointer[64];
    for (int j = 0; j <= i; j++) {
        snprintf(pointer, sizeof pointer, "/outputs/%d/parameters/binary_data_size", j);
        double size = reply_number(answer->document, pointer);
        *n = isnan(size) ? 0 : (size_t)size;
        at += j < i ? *n : 0;
    }
    return at;
}

/* Whether the floats of a tensor are those of a JSON array. */
static void check_floats(const char *bytes, size_t n, const json_t *want) {
    size_t count = json_array_size(want);
    if (!CHECK_SAY(count && n == count * sizeof(float), "%zu bytes, %zu numbers", n,
                   count))
        return;
    for (size_t i = 0; i < count; i++) {
        float got;
        memcpy(&got, bytes + i * sizeof got, sizeof got);
        float expected = (float)json_number_value(json_array_get(want, i));
        CHECK_SAY(memcmp(&got, &expected, sizeof got) == 0, "%zu: %.9g, not %.9g", i,
                  (double)got, (double)expected);
    }
}

/* ---- the models and their rows -------------------------------------------------- */

static float rows[ROWS][INPUTS];

static bool models_train(void) {
    struct table_random random = {7};
    json_t *features = json_array(), *targets = json_array();
    static const char *const labels[] = {"a", "b\xc3\xa9", "c"};
    for (size_t i = 0; i < 90; i++) {
        json_array_append_new(features,
                              json_pack("[fff]", table_normal(&random),
                                        table_normal(&random), table_normal(&random)));
        json_array_append_new(targets, json_string(labels[i % 3]));
    }
    for (size_t i = 0; i < ROWS * INPUTS; i++)
        rows[i / INPUTS][i % INPUTS] = (float)table_normal(&random);
    static const char mixed[] =
        "{\"model\":\"mixed\",\"epochs\":50,\"data\":{\"features\":[[\"u\",1],[\"v\",2],"
        "[\"u\",3],[\"v\",null]],\"targets\":[\"no\",\"yes\",\"no\",\"yes\"]}}";
    return job_train(
               user,
               table_job("net",
                         json_pack("{soso}", "features", features, "targets", targets),
                         json_pack("{sisi}", "epochs", 30, "seed", 1)),
               NULL) &&
           job_train(user, json_loads(mixed, 0, NULL), NULL);
}

/* The rows' answer by JSON, and by /predict, which says the same. */
static bool by_json(struct reply *reply) {
    json_t *data = json_array(), *instances = json_array();
    for (size_t i = 0; i < ROWS; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < INPUTS; j++) {
            json_array_append_new(row, json_real((double)rows[i][j]));
            json_array_append_new(data, json_real((double)rows[i][j]));
        }
        json_array_append_new(instances, row);
    }
    struct reply native;
    bool ok =
        client_post_json(user, reply, "/v2/models/net/infer",
                         json_pack("{s[{sss[ii]ssso}]}", "inputs", "name", "input",
                                   "shape", ROWS, INPUTS, "datatype", "FP32", "data",
                                   data)) &&
        CHECK_SAY(reply->status == 200, "%s", reply->body) &&
        client_post_json(user, &native, "/predict",
                         json_pack("{ssso}", "model", "net", "instances", instances));
    json_t *flat = json_array(), *row;
    size_t i;
    json_array_foreach(reply_at(native.json, "/probabilities"), i, row)
        json_array_extend(flat, row);
    CHECK(json_array_size(flat) == 3 * ROWS &&
          json_equal(flat, reply_at(reply->json, "/outputs/0/data")));
    CHECK(json_equal(reply_at(native.json, "/predictions"),
                     reply_at(reply->json, "/outputs/1/data")));
    json_decref(flat);
    reply_free(&native);
    return ok;
}

#define INPUT                                                                            \
    "{\"name\":\"input\",\"shape\":[300,3],\"datatype\":\"FP32\",\"parameters\":"

/* ---- both ways ------------------------------------------------------------------ */

static void check_answer(const struct reply *reply, const struct reply *json) {
    struct answer answer;
    size_t n;
    if (answer_open(reply, &answer)) {
        CHECK(json_equal(reply_at(answer.document, "/outputs/0/shape"),
                         reply_at(json->json, "/outputs/0/shape")));
        CHECK(!reply_at(answer.document, "/outputs/0/data"));
        const char *tensor = tensor_of(&answer, 0, &n);
        check_floats(tensor, n, reply_at(json->json, "/outputs/0/data"));
        const char *label = tensor_of(&answer, 1, &n), *end = label + n;
        CHECK(end == answer.tensors + answer.tensors_n);
        for (size_t i = 0; i < ROWS && label < end; i++) {
            uint32_t length;
            memcpy(&length, label, sizeof length);
            const char *want = json_string_value(
                json_array_get(reply_at(json->json, "/outputs/1/data"), i));
            CHECK(length == strlen(want) && memcmp(label + 4, want, length) == 0);
            label += 4 + length;
        }
        CHECK(label == end);
    }
    json_decref(answer.document);
}

/* The data may begin at any offset of the body; the answer is the same. */
static void test_in_and_out(void) {
    static struct bytes body;
    struct reply json, reply;
    if (!by_json(&json))
        return;
    for (int id = 0; id < 9; id++) {
        char text[16] = "";
        memset(text, 'x', (size_t)id);
        body.n = 0;
        put_text(&body, "{\"id\":\"");
        put_text(&body, text);
        put_text(&body,
                 "\",\"parameters\":{\"binary_data_output\":true},\"inputs\":[" INPUT
                 "{\"binary_data_size\":3600}}]}");
        long header_n = (long)body.n;
        put(&body, rows, sizeof rows);
        if (post(&reply, "net", &body, header_n, NULL, 200))
            check_answer(&reply, &json);
        reply_free(&reply);
    }
    reply_free(&json);
}

/* In binary, out as JSON: as if it had come as JSON. */
static void test_in(void) {
    static struct bytes body;
    struct reply json, reply;
    body.n = 0;
    put_text(&body, "{\"inputs\":[" INPUT "{\"binary_data_size\":3600}}]}");
    long header_n = (long)body.n;
    put(&body, rows, sizeof rows);
    if (by_json(&json) && post(&reply, "net", &body, header_n, NULL, 200))
        CHECK_TEXT(reply.body, json.body);
    reply_free(&reply);
    reply_free(&json);
}

/* No document: a row for each 12 bytes, with the header and without it. */
static void test_raw(void) {
    static struct bytes body;
    struct reply json, reply;
    body.n = 0;
    put(&body, rows, sizeof rows);
    if (by_json(&json)) {
        if (post(&reply, "net", &body, 0, NULL, 200))
            check_answer(&reply, &json);
        reply_free(&reply);
        if (post(&reply, "net/versions/1", &body, -1, NULL, 200))
            check_answer(&reply, &json);
        reply_free(&reply);
    }
    reply_free(&json);
    body.n = 12;
    if (post(&reply, "net", &body, 0, NULL, 200)) {
        struct answer answer;
        if (answer_open(&reply, &answer))
            CHECK(reply_number(answer.document, "/outputs/0/shape/0") == 1);
        json_decref(answer.document);
    }
    reply_free(&reply);
}

/* Each output may be of either kind; its own word is over the request's. */
static void test_outputs_of_each_kind(void) {
    static struct bytes body;
    struct reply reply;
    struct answer answer;
    body.n = 0;
    put_text(
        &body,
        "{\"parameters\":{\"binary_data_output\":true},\"inputs\":[{\"name\":\"input\","
        "\"shape\":[1,3],\"datatype\":\"FP32\",\"data\":[1,2,3]}],\"outputs\":["
        "{\"name\":\"label\",\"parameters\":{\"binary_data\":false}},"
        "{\"name\":\"probabilities\"}]}");
    if (post(&reply, "net", &body, (long)body.n, NULL, 200) &&
        answer_open(&reply, &answer)) {
        CHECK(reply_count(answer.document, "/outputs/0/data") == 1);
        CHECK(reply_number(answer.document, "/outputs/1/parameters/binary_data_size") ==
              12);
        CHECK(answer.tensors_n == 12);
        json_decref(answer.document);
    }
    reply_free(&reply);
    body.n = 0;
    put_text(&body,
             "{\"inputs\":[{\"name\":\"input\",\"shape\":[2,3],\"datatype\":\"FP32\","
             "\"data\":[1,2,3,4,5,6]}],\"outputs\":[{\"name\":\"probabilities\","
             "\"parameters\":{\"classification\":2,\"binary_data\":true}}]}");
    if (post(&reply, "net", &body, (long)body.n, NULL, 200) &&
        answer_open(&reply, &answer)) {
        size_t n, count = 0;
        const char *at = tensor_of(&answer, 0, &n), *end = at + n;
        CHECK_TEXT(reply_text(answer.document, "/outputs/0/datatype"), "BYTES");
        for (; at + 4 < end; count++) {
            uint32_t length;
            memcpy(&length, at, sizeof length);
            CHECK(memchr(at + 4, ':', length));
            at += 4 + length;
        }
        CHECK(at == end && count == 4);
        json_decref(answer.document);
    }
    reply_free(&reply);
}

/* Every datatype, from its bytes. */
static void test_datatypes(void) {
    static const uint16_t fp16[] = {0x3c00, 0x4000, 0x4200};
    static const uint16_t bf16[] = {0x3f80, 0x4000, 0x4040};
    const struct {
        const char *type;
        const void *bytes;
        size_t n;
    } cases[] = {
        {"FP32", (float[]){1, 2, 3}, 12},
        {"FP64", (double[]){1, 2, 3}, 24},
        {"FP16", fp16, 6},
        {"BF16", bf16, 6},
        {"INT8", (int8_t[]){1, 2, 3}, 3},
        {"INT16", (int16_t[]){1, 2, 3}, 6},
        {"INT32", (int32_t[]){1, 2, 3}, 12},
        {"INT64", (int64_t[]){1, 2, 3}, 24},
        {"UINT8", (uint8_t[]){1, 2, 3}, 3},
        {"UINT16", (uint16_t[]){1, 2, 3}, 6},
        {"UINT32", (uint32_t[]){1, 2, 3}, 12},
        {"UINT64", (uint64_t[]){1, 2, 3}, 24},
    };
    struct reply json = {0}, reply;
    static struct bytes body;
    if (!client_post(user, &json, "/v2/models/net/infer",
                     "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,3],\"datatype\":"
                     "\"FP32\",\"data\":[1,2,3]}]}"))
        return;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char document[256];
        body.n = 0;
        snprintf(document, sizeof document,
                 "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,3],\"datatype\":\"%s\","
                 "\"parameters\":{\"binary_data_size\":%zu}}]}",
                 cases[i].type, cases[i].n);
        put_text(&body, document);
        long header_n = (long)body.n;
        put(&body, cases[i].bytes, cases[i].n);
        if (post(&reply, "net", &body, header_n, NULL, 200))
            CHECK_TEXT(reply.body, json.body);
        reply_free(&reply);
    }
    reply_free(&json);
}

/* Inputs in binary and in JSON side by side; texts, and NaN as what is missing. */
static void test_mixed(void) {
    static struct bytes body;
    struct reply reply, native;
    float ages[] = {30, NAN};
    body.n = 0;
    put_text(&body, "{\"inputs\":[{\"name\":\"0\",\"shape\":[2,1],\"datatype\":\"BYTES\","
                    "\"parameters\":{\"binary_data_size\":10}},{\"name\":\"1\","
                    "\"shape\":[2],\"datatype\":\"FP32\",\"parameters\":"
                    "{\"binary_data_size\":8}}]}");
    long header_n = (long)body.n;
    put_string(&body, "u");
    put_string(&body, "v");
    put(&body, ages, sizeof ages);
    if (post(&reply, "mixed", &body, header_n, NULL, 200) &&
        client_post(user, &native, "/predict",
                    "{\"model\":\"mixed\",\"instances\":[[\"u\",30],[\"v\",null]]}")) {
        CHECK(json_equal(reply_at(reply.json, "/outputs/0/data/2"),
                         reply_at(native.json, "/probabilities/1/0")));
        CHECK(json_equal(reply_at(reply.json, "/outputs/0/data/1"),
                         reply_at(native.json, "/probabilities/0/1")));
        reply_free(&native);
    }
    struct reply half;
    body.n = 0;
    put_text(&body, "{\"inputs\":[{\"name\":\"0\",\"shape\":[2],\"datatype\":\"BYTES\","
                    "\"data\":[\"u\",\"v\"]},{\"name\":\"1\",\"shape\":[2],\"datatype\":"
                    "\"FP32\",\"parameters\":{\"binary_data_size\":8}}]}");
    header_n = (long)body.n;
    put(&body, ages, sizeof ages);
    if (post(&half, "mixed", &body, header_n, NULL, 200))
        CHECK_TEXT(half.body, reply.body);
    reply_free(&half);
    reply_free(&reply);
}

/* The lengths are those of the inflated body. */
static void test_compressed(void) {
    static struct bytes body, packed;
    struct reply json, reply;
    z_stream z = {.next_in = (Bytef *)body.data};
    body.n = 0;
    put_text(&body, "{\"inputs\":[" INPUT "{\"binary_data_size\":3600}}]}");
    long header_n = (long)body.n;
    put(&body, rows, sizeof rows);
    z.avail_in = (uInt)body.n;
    z.next_out = (Bytef *)packed.data;
    z.avail_out = sizeof packed.data;
    if (!CHECK(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK))
        return;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    packed.n = z.total_out;
    deflateEnd(&z);
    if (by_json(&json) &&
        post(&reply, "net", &packed, header_n, "Content-Encoding: gzip", 200))
        CHECK_TEXT(reply.body, json.body);
    reply_free(&reply);
    reply_free(&json);
}

/* ---- refusals ------------------------------------------------------------------- */

#define ONE(size)                                                                        \
    "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,3],\"datatype\":\"FP32\","            \
    "\"parameters\":{\"binary_data_size\":" size "}}]}"

static void test_refusals(void) {
    static const struct {
        const char *model, *document;
        size_t bytes;     /* zeros behind it */
        long more_header; /* than its length */
        const char *says;
    } bad[] = {
        {"net", ONE("12"), 11, 0, "only 11 bytes of the body are left"},
        {"net", ONE("12"), 13, 0, "1 bytes more"},
        {"net", ONE("12"), 0, 0, "only 0 bytes"},
        {"net", ONE("11"), 11, 0, "shape [1,3], got 11 bytes"},
        {"net", ONE("16"), 16, 0, "shape [1,3], got 16 bytes"},
        {"net", ONE("-1"), 12, 0, "binary_data_size"},
        {"net", ONE("9223372036854775807"), 12, 0, "only 12 bytes"},
        {"net", ONE("\"12\""), 12, 0, "expected an integer"},
        {"net", ONE("12"), 12, 13, "Inference-Header-Content-Length"},
        {"net", ONE("12"), 12, 1, "only 11 bytes"},
        {"net", ONE("12"), 12, -1, "line 1"},
        {"net",
         "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,3],\"datatype\":\"FP32\","
         "\"data\":[1,2,3],\"parameters\":{\"binary_data_size\":12}}]}",
         12, 0, "although binary_data_size is given"},
        {"net",
         "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,3],\"datatype\":\"FP32\"}]}", 12,
         0, "is missing"},
        {"mixed",
         "{\"inputs\":[{\"name\":\"0\",\"shape\":[2],\"datatype\":\"BYTES\","
         "\"parameters\":{\"binary_data_size\":4}}]}",
         4, 0, "/inputs/0/data/1: the binary data ends"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        static struct bytes body;
        static const char zeros[64];
        struct reply reply;
        body.n = 0;
        put_text(&body, bad[i].document);
        put(&body, zeros, bad[i].bytes);
        long header_n = (long)strlen(bad[i].document) + bad[i].more_header;
        if (post(&reply, bad[i].model, &body, header_n, NULL, 400))
            CHECK_SAY(strstr(reply_text(reply.json, "/error"), bad[i].says), "%s, not %s",
                      reply.body, bad[i].says);
        reply_free(&reply);
    }
}

/* A body without a document that is no whole rows, or of a model with several inputs. */
static void test_raw_refused(void) {
    static const struct {
        const char *model;
        size_t n;
        const char *says;
    } bad[] = {
        {"net", 13, "whole rows of 3 FP32 numbers (12 bytes each), got 13 bytes"},
        {"net", 11, "got 11 bytes"},
        {"net", 0, "got 0 bytes"},
        {"mixed", 8, "the model has 2 inputs"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        static struct bytes body;
        struct reply reply;
        body.n = bad[i].n;
        if (post(&reply, bad[i].model, &body, 0, NULL, 400))
            CHECK_SAY(strstr(reply_text(reply.json, "/error"), bad[i].says), "%s",
                      reply.body);
        reply_free(&reply);
    }
}

static void test_header_refused(void) {
    static const char *const bad[] = {"-1", "1x", "", "12 ", "99999999999999999999",
                                      "13"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char header[64];
        struct reply reply;
        float row[] = {1, 2, 3};
        snprintf(header, sizeof header, "Inference-Header-Content-Length%s%s",
                 *bad[i] ? ": " : ";", bad[i]);
        struct request request = {
            .path = "/v2/models/net/infer",
            .headers =
                (const char *const[]){header, "Content-Type: application/json", NULL},
            .body = (const char *)row,
            .body_n = sizeof row};
        if (client_send(user, &request, &reply))
            CHECK_SAY(reply.status == 400, "%s: %ld", bad[i], reply.status);
        reply_free(&reply);
    }
}

/* Two lengths of the document: alike they are one. */
static void test_header_twice(void) {
    const float row[] = {1, 2, 3};
    for (size_t i = 0; i < 2; i++) {
        struct reply reply;
        struct request request = {
            .path = "/v2/models/net/infer",
            .headers = (const char *const[]){"Inference-Header-Content-Length: 0",
                                             i ? "inference-header-content-length: 12"
                                               : "inference-header-content-length: 0",
                                             NULL},
            .body = (const char *)row,
            .body_n = sizeof row};
        if (client_send(user, &request, &reply))
            CHECK_SAY(reply.status == (i ? 400 : 200), "%ld: %s", reply.status,
                      reply.body);
        if (i)
            CHECK_TEXT(reply_text(reply.json, "/error"),
                       "Inference-Header-Content-Length: expected one, got \"0\" and "
                       "\"12\"");
        reply_free(&reply);
    }
}

/* NaN and the infinities are no inputs of a model without columns. */
static void test_not_finite(void) {
    static struct bytes body;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        struct reply reply;
        float two[2][3] = {{1, 2, 3}, {4, bad[i], 6}};
        body.n = 0;
        put(&body, two, sizeof two);
        if (post(&reply, "net", &body, 0, NULL, 400))
            CHECK_SAY(strstr(reply_text(reply.json, "/error"), "/inputs/0/data/1/1"),
                      "%s", reply.body);
        reply_free(&reply);
    }
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    if (models_train()) {
        CHECK_RUN(test_in_and_out);
        CHECK_RUN(test_in);
        CHECK_RUN(test_raw);
        CHECK_RUN(test_outputs_of_each_kind);
        CHECK_RUN(test_datatypes);
        CHECK_RUN(test_mixed);
        CHECK_RUN(test_compressed);
        CHECK_RUN(test_refusals);
        CHECK_RUN(test_raw_refused);
        CHECK_RUN(test_header_refused);
        CHECK_RUN(test_header_twice);
        CHECK_RUN(test_not_finite);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
