#include "api/oip_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static struct net net = {.inputs_n = 2, .outputs_n = 3};
static double numbers[] = {0, 1, 2};
static struct model model = {
    .task = TASK_MULTI_CLASS, .net = &net, .labels = {LABEL_NUMBER, 3, numbers, NULL}};

/* The request of a document and n bytes behind it, bound to the model. */
static bool make(struct oip_request *request, const char *document, const void *bytes,
                 size_t n, struct err *e) {
    static char body[1 << 12];
    size_t json_n = strlen(document);
    *request = (struct oip_request){0};
    memcpy(body, document, json_n);
    if (n)
        memcpy(body + json_n, bytes, n);
    struct oip_body of = {.bytes = body,
                          .n = json_n + n,
                          .json_n = json_n,
                          .raw = !json_n,
                          .model = "m",
                          .version = "3"};
    return oip_request_decode(&of, request, e) && oip_request_bind(request, &model, e);
}

static void check_rows(const char *document, const void *bytes, size_t n, size_t m,
                       const float *want) {
    struct oip_request request;
    struct err e = {0};
    if (CHECK_SAY(make(&request, document, bytes, n, &e), "%s: %s", e.where, e.text) &&
        CHECK(request.rows.m == m))
        CHECK(memcmp(request.rows.X, want, m * 2 * sizeof *want) == 0);
    oip_request_free(&request);
    CHECK(!request.inputs && !request.block.values && !request.arena.blocks);
}

#define INPUT(rest) "{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\"," rest "}]}"

static void test_rows(void) {
    static const float four[] = {1, 2, 3, 4};
    check_rows(INPUT("\"shape\":[2,2],\"data\":[1,2,3,4]"), NULL, 0, 2, four);
    check_rows(INPUT("\"data\":[[1,2],[3,4]],\"shape\":[2,2]"), NULL, 0, 2, four);
    check_rows(INPUT("\"shape\":[2,2],\"data\":null,\"parameters\":"
                     "{\"binary_data_size\":16}"),
               four, 16, 2, four);
    check_rows("", four, 16, 2, four);
    check_rows("", four, 8, 1, four);
}

/* A document repeats what of the path it likes. */
static void test_repeats(void) {
    static const struct {
        const char *model, *version, *name, *number;
        bool repeats;
    } all[] = {{"m", "3", "m", "3", true},    {"m@3", "", "m", "3", true},
               {"m@3", "", "m@3", "3", true}, {"m@3", "", "m", "4", false},
               {"m@3", "", "n", "3", false},  {"m@live", "", "m", "live", true},
               {"m", "", "m", "3", false},    {"m@3", "", "m", "", true}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct oip_request request = {0};
        struct err e = {0};
        char text[256];
        int n = snprintf(text, sizeof text,
                         "{\"model_name\":\"%s\",\"model_version\":\"%s\","
                         "\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\","
                         "\"shape\":[1,2],\"data\":[1,2]}]}",
                         all[i].name, all[i].number);
        struct oip_body body = {.bytes = text,
                                .n = (size_t)n,
                                .json_n = (size_t)n,
                                .model = all[i].model,
                                .version = all[i].version};
        CHECK_SAY(oip_request_decode(&body, &request, &e) == all[i].repeats, "%zu: %s", i,
                  e.text);
        oip_request_free(&request);
    }
}

/* What the request says of itself. */
static void test_members(void) {
    struct oip_request request;
    struct err e = {0};
    const char *document =
        "{\"id\":\"x\",\"parameters\":{\"b\":true,\"i\":-7,\"d\":0.5,\"s\":\"\\u00e4\"},"
        "\"model_name\":\"m\",\"model_version\":\"3\","
        "\"outputs\":[{\"name\":\"label\",\"parameters\":{\"binary_data\":true}},"
        "{\"name\":\"probabilities\",\"parameters\":{\"classification\":2}}],"
        "\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,2],"
        "\"data\":[1,2]}]}";
    if (CHECK_SAY(make(&request, document, NULL, 0, &e), "%s %s", e.where, e.text)) {
        CHECK_TEXT(request.id, "x");
        CHECK_TEXT(request.parameters,
                   "{\"b\":true,\"i\":-7,\"d\":0.5,\"s\":\"\xc3\xa4\"}");
        CHECK(request.outputs_n == 2);
        CHECK(request.outputs[0].binary && !request.outputs[0].classes_n);
        CHECK(request.outputs[0].output.type == DATATYPE_BYTES);
        CHECK(!request.outputs[1].binary && request.outputs[1].classes_n == 2);
        CHECK(oip_request_size(&request).rows_max == 1);
        CHECK(request.timeout_us == 0);
    }
    oip_request_free(&request);
}

static void test_defaults(void) {
    struct oip_request request;
    struct err e = {0};
    if (CHECK(make(&request,
                   "{\"parameters\":{\"binary_data_output\":true},\"inputs\":[{\"name\":"
                   "\"input\",\"datatype\":\"FP32\",\"shape\":[3,2],\"data\":"
                   "[1,2,3,4,5,6]}]}",
                   NULL, 0, &e))) {
        CHECK(!request.id && request.outputs_n == 2);
        CHECK(request.outputs[0].binary && request.outputs[1].binary);
        CHECK_TEXT(request.outputs[0].name, "probabilities");
        CHECK(oip_request_size(&request).rows_max == 3);
    }
    oip_request_free(&request);
    if (CHECK(make(&request, "", (float[]){1, 2}, 8, &e))) {
        CHECK(request.outputs[0].binary);
        CHECK(oip_request_size(&request).rows_max == 0);
        CHECK(oip_request_size(&request).numbers == 2);
    }
    oip_request_free(&request);
}

#define TIMEOUT(value)                                                                   \
    "{\"parameters\":{\"timeout\":" value ",\"priority\":1},\"inputs\":[{\"name\":"      \
    "\"input\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[1,2]}]}"

static void check_timeout(const char *document, int64_t want) {
    struct oip_request request;
    struct err e = {0};
    CHECK_SAY(make(&request, document, NULL, 0, &e), "%s %s", e.where, e.text);
    CHECK(request.timeout_us == want);
    oip_request_free(&request);
}

static void test_timeout(void) {
    check_timeout(TIMEOUT("0"), 0);
    check_timeout(TIMEOUT("2500"), 2500);
    check_timeout(TIMEOUT("1e6"), 1000000);
    check_timeout(TIMEOUT("9223372036854775807"), INT64_MAX);
}

static void check_refused(const char *document, size_t bytes, const char *where,
                          const char *says) {
    static const char zeros[64];
    struct oip_request request;
    struct err e = {0};
    CHECK_SAY(!make(&request, document, zeros, bytes, &e), "%s", document);
    CHECK_TEXT(e.where, where);
    CHECK_SAY(strstr(e.text, says), "\"%s\" has no \"%s\"", e.text, says);
    oip_request_free(&request);
}

/* Where and what; the statuses and the rest are the tests' over HTTP. */
static void test_refusals(void) {
    check_refused("{\"inputs\":[]}", 0, "/inputs", "at least one");
    check_refused("{}", 0, "/inputs", "missing");
    check_refused("{\"inputs\":null}", 0, "/inputs", "array of inputs");
    check_refused("{\"inputs\":[],\"inputs\":[]}", 0, "/inputs", "given twice");
    check_refused(INPUT("\"shape\":[1,2],\"data\":[1,2],\"datatype\":\"FP32\""), 0,
                  "/inputs/0/datatype", "duplicate");
    check_refused(INPUT("\"shape\":[1,2],\"data\":[1,2],\"nam\":1"), 0, "/inputs/0/nam",
                  "nearest known one is \"name\"");
    check_refused(INPUT("\"shape\":[1,2]"), 8, "/inputs/0/data", "missing");
    check_refused(INPUT("\"shape\":[1,2],\"data\":[1,2]"), 8, "", "8 bytes more");
    check_refused(INPUT("\"shape\":[1,2],\"parameters\":{\"binary_data_size\":8}"), 7,
                  "/inputs/0", "only 7 bytes");
    check_refused(INPUT("\"shape\":[1.5,2],\"data\":[1,2]"), 0, "/inputs/0/shape/0",
                  "integer");
    check_refused(INPUT("\"shape\":[1,2],\"data\":[1,[2]]"), 0, "/inputs/0/data/1",
                  "got an array");
    check_refused("{\"model_version\":\"4\",\"inputs\":[{\"name\":\"input\","
                  "\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[1,2]}]}",
                  0, "/model_version", "not what the path names");
    check_refused(TIMEOUT("\"5\""), 0, "/parameters/timeout", "an integer");
    check_refused(TIMEOUT("true"), 0, "/parameters/timeout", "an integer");
    check_refused(TIMEOUT("-1"), 0, "/parameters/timeout", "from 0");
    check_refused(TIMEOUT("0.5"), 0, "/parameters/timeout", "an integer");
    check_refused("", 0, "", "got 0 bytes");
    check_refused("", 12, "", "whole rows");
}

/* Many inputs are so many inputs; too many are refused before they are read. */
static void test_many_inputs(void) {
    static const char one[] =
        "{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]},";
    const size_t n = OIP_INPUTS_MAX + 1, each = sizeof one - 1;
    char *body = malloc(n * each + 32);
    struct oip_request request = {0};
    struct err e = {0};
    if (!CHECK(body))
        return;
    size_t at = (size_t)sprintf(body, "{\"inputs\":[");
    for (size_t i = 0; i < n; i++)
        memcpy(body + at + i * each, one, each);
    for (size_t i = 0; i < 2; i++) {
        size_t count = n - 1 + i, end = at + count * each - 1;
        memcpy(body + end, "]}", 2);
        struct oip_body of = {body, end + 2, end + 2, false, "m", ""};
        bool ok = oip_request_decode(&of, &request, &e);
        CHECK_SAY(ok == (i == 0), "%zu inputs: %s", count, e.text);
        CHECK(!ok || request.inputs_n == count);
        oip_request_free(&request);
        memcpy(body + end, ",{", 2);
    }
    CHECK(e.kind == ERR_TOO_LARGE);
    CHECK_TEXT(e.where, "/inputs");
    free(body);
}

int main(void) {
    CHECK_RUN(test_rows);
    CHECK_RUN(test_repeats);
    CHECK_RUN(test_members);
    CHECK_RUN(test_defaults);
    CHECK_RUN(test_timeout);
    CHECK_RUN(test_refusals);
    CHECK_RUN(test_many_inputs);
    return check_done();
}
