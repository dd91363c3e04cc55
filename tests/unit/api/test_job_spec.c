/* A spec's document is the whole spec: it is what a worker trains from. */
#include "api/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static char *encoded(const struct job_spec *spec) {
    struct text text = {0};
    job_spec_encode(spec, &text);
    return text_take(&text);
}

static bool layers_equal(const struct job_spec *a, const struct job_spec *b) {
    bool same = a->layers_n == b->layers_n;
    for (size_t l = 0; same && l < a->layers_n; l++)
        same = a->layers[l].units_n == b->layers[l].units_n &&
               a->layers[l].activation == b->layers[l].activation &&
               a->layers[l].negative_slope == b->layers[l].negative_slope &&
               a->layers[l].dropout == b->layers[l].dropout;
    return same;
}

static bool labels_equal(const struct labels *a, const struct labels *b) {
    bool same = a->n == b->n && (!a->n || a->kind == b->kind);
    for (size_t i = 0; same && i < a->n; i++)
        same = a->kind == LABEL_STRING ? strcmp(a->strings[i], b->strings[i]) == 0
                                       : a->numbers[i] == b->numbers[i];
    return same;
}

static void check_equal(const struct job_spec *a, const struct job_spec *b) {
    CHECK(a->task == b->task && a->samples_n == b->samples_n &&
          a->inputs_n == b->inputs_n);
    CHECK(layers_equal(a, b) && labels_equal(&a->labels, &b->labels));
    CHECK(a->loss == b->loss && a->initializer == b->initializer);
    CHECK(a->init_scale == b->init_scale && a->batch_rows == b->batch_rows);
    CHECK(a->optimizer.kind == b->optimizer.kind &&
          a->optimizer.learning_rate == b->optimizer.learning_rate);
    CHECK(a->epochs == b->epochs && a->shuffle == b->shuffle);
    CHECK(a->normalize == b->normalize && a->report_every == b->report_every);
    CHECK(a->seed == b->seed);
    CHECK(a->class_weight.kind == b->class_weight.kind);
    for (size_t i = 0; a->class_weight.by_class && i < a->labels.n; i++)
        CHECK(b->class_weight.by_class &&
              a->class_weight.by_class[i] == b->class_weight.by_class[i]);
}

/* The job of `targets` and `rest`, through its document and back. */
static void check_round_trip(const char *targets, const char *rest) {
    char body[1024];
    struct job_request request;
    struct job_spec back;
    struct err e = {0};
    int n = snprintf(body, sizeof body,
                     "{\"model\":\"m\",\"data\":{\"features\":[[0,1],[1,0],[1,1],[0,0]],"
                     "\"targets\":%s}%s%s}",
                     targets, rest[0] ? "," : "", rest);
    if (!CHECK_SAY(job_decode(body, (size_t)n, JOB_SEED_MAX, &request, &e), "%s: %s",
                   body, e.text))
        return;
    char *json = encoded(&request.spec);
    if (CHECK_SAY(json && job_spec_decode(json, &back, NULL, &e), "%s: %s: %s", json,
                  e.where, e.text)) {
        check_equal(&request.spec, &back);
        char *again = encoded(&back);
        CHECK_TEXT(again, json);
        free(again);
        job_spec_free(&back);
    }
    free(json);
    job_request_free(&request);
}

static void test_round_trips(void) {
    check_round_trip("[0.5,1,2,3]", "");
    check_round_trip("[0,1,1,0]",
                     "\"batch_size\":2,\"shuffle\":false,\"normalize\":true");
    check_round_trip("[3,1,2,9007199254740991]", "\"epochs\":1000000000");
    check_round_trip("[-5,7,-0.0,1e15]", "\"task\":\"multi_class\"");
    check_round_trip("[true,true,false,true]", "\"seed\":0,\"init_scale\":1e-45");
    check_round_trip("[\"a\\\"b\\\\\",\"\\u0001\",\"\xf0\x9f\x98\x80\",\"\"]",
                     "\"learning_rate\":3.4028235e38");
    check_round_trip("[[0,1],[1,1],[1,0],[0,0]]", "\"normalize\":\"minmax\"");
    check_round_trip("[0,1,1,0]", "\"class_weight\":\"balanced\"");
    check_round_trip("[-5,7,-0.0,1e15]",
                     "\"task\":\"multi_class\",\"class_weight\":{\"1e15\":0.1,"
                     "\"-0.0\":3.4e38}");
    check_round_trip("[\"a\\\"b\\\\\",\"\\u0001\",\"\xf0\x9f\x98\x80\",\"\"]",
                     "\"class_weight\":{\"\\u0001\":0,\"\":2,\"a\\\"b\\\\\":3}");
    check_round_trip("[[0,1.5],[1,1],[1,0],[0,0]]", "\"hidden_layers\":[]");
    /* The shortest text of a float32 may lie above it as a double. */
    check_round_trip("[0,1,1,0]",
                     "\"layers\":[{\"units\":2,\"activation\":\"leaky_relu\","
                     "\"negative_slope\":0.9999999},{\"units\":1,"
                     "\"activation\":\"sigmoid\"}]");
    check_round_trip("[0,1,1,0]",
                     "\"layers\":[{\"units\":2,\"activation\":\"leaky_relu\","
                     "\"negative_slope\":-0.0},{\"units\":1,"
                     "\"activation\":\"sigmoid\"}]");
}

static void test_golden(void) {
    static const char body[] =
        "{\"model\":\"m\",\"lr\":1.2,\"random_state\":3,\"data\":{\"features\":[[0,1],[1,"
        "0]],"
        "\"targets\":[\"yes\",\"no\"]},\"hidden\":[4],\"activation\":\"leakyrelu\"}";
    struct job_request request;
    struct err e = {0};
    if (!CHECK_SAY(job_decode(body, sizeof body - 1, 0, &request, &e), "%s", e.text))
        return;
    char *json = encoded(&request.spec);
    CHECK_TEXT(
        json,
        "{\"task\":\"binary\",\"samples\":2,\"inputs\":2,\"layers\":[{\"units\":4,"
        "\"activation\":\"leaky_relu\",\"negative_slope\":0.01},{\"units\":1,"
        "\"activation\":\"sigmoid\"}],\"loss\":\"binary_cross_entropy\","
        "\"initializer\":\"he_normal\",\"init_scale\":0.01,\"optimizer\":"
        "\"gradient_descent\",\"learning_rate\":1.2,\"l2\":0,\"learning_rate_schedule\":"
        "{\"type\":\"constant\",\"warmup_epochs\":0},\"batch_size\":\"full\","
        "\"epochs\":1000,\"shuffle\":true,\"normalize\":\"none\",\"report_every\":1,"
        "\"seed\":3,\"early_stopping\":false,\"checkpoint_seconds\":10,\"priority\":0,"
        "\"classes\":[\"no\",\"yes\"],\"class_weight\":\"none\"}");
    free(json);
    job_request_free(&request);
}

static void check_refused(const char *json, enum err_kind kind, const char *where,
                          const char *text) {
    struct job_spec spec;
    struct err e = {0};
    if (!CHECK_SAY(!job_spec_decode(json, &spec, NULL, &e), "%s", json)) {
        job_spec_free(&spec);
        return;
    }
    CHECK_SAY(e.kind == kind, "%s: kind %d", json, e.kind);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, text);
    CHECK(!spec.layers && !spec.labels.n);
}

#define SPEC(task, layers, loss, more)                                                   \
    "{\"task\":\"" task "\",\"samples\":4,\"inputs\":2,\"layers\":[" layers              \
    "],\"loss\":\"" loss "\"" more "}"
#define LAYER(units, activation) "{\"units\":" units ",\"activation\":\"" activation "\"}"

static void test_refusals(void) {
    static const enum err_kind I = ERR_INVALID;
    static const char incomplete[] = "a stored job's document is incomplete";
    check_refused("", I, "line 1, column 0",
                  "not valid JSON: '[' or '{' expected near end of file");
    check_refused("{}", I, "", incomplete);
    check_refused("{\"task\":\"binary\",\"samples\":4,\"inputs\":2,\"loss\":\"mse\"}", I,
                  "", incomplete);
    check_refused("{\"colour\":1}", I, "/colour",
                  "unknown key \"colour\", and no known one is like it");
    check_refused("{\"inputs\":0}", ERR_RANGE, "/inputs",
                  "expected an integer from 1 to 1048576, got 0");
    check_refused(SPEC("binary", LAYER("1", "sigmoid"), "binary_cross_entropy", ""), I,
                  "/classes", "expected 2 classes, got 0");
    check_refused(SPEC("binary", LAYER("1", "sigmoid"), "binary_cross_entropy",
                       ",\"classes\":[1,2,3]"),
                  I, "/classes", "expected 2 classes, got 3");
    check_refused(SPEC("binary", LAYER("2", "sigmoid"), "binary_cross_entropy",
                       ",\"classes\":[1,2]"),
                  I, "/task", "binary does not fit the output layer");
    check_refused(SPEC("multi_class", LAYER("3", "softmax"), "cross_entropy",
                       ",\"classes\":[\"a\",\"b\"]"),
                  I, "/classes", "expected 3 classes, got 2");
    check_refused(SPEC("multi_class", LAYER("2", "softmax"), "cross_entropy",
                       ",\"classes\":[\"a\",2]"),
                  I, "/classes", "labels are not of one kind");
    check_refused(SPEC("multi_class", LAYER("2", "sigmoid"), "binary_cross_entropy",
                       ",\"classes\":[1,2]"),
                  I, "/task", "multi_class does not fit the output layer");
    check_refused(SPEC("regression", LAYER("2", "softmax"), "cross_entropy", ""), I,
                  "/task", "regression does not fit the output layer");
    check_refused(SPEC("regression", LAYER("2", "linear"), "mse", ",\"classes\":[1,2]"),
                  I, "/classes", "expected 0 classes, got 2");
    check_refused(SPEC("regression", LAYER("1", "linear"), "cross_entropy", ""), I,
                  "/loss", "cross_entropy does not fit linear on the output layer");
    check_refused(SPEC("regression",
                       LAYER("1048576", "relu") "," LAYER("1048576", "relu") "," LAYER(
                           "1", "linear"),
                       "mse", ""),
                  ERR_TOO_LARGE, "/layers",
                  "expected a network of at most 268435456 parameters");
}

int main(void) {
    CHECK_RUN(test_round_trips);
    CHECK_RUN(test_golden);
    CHECK_RUN(test_refusals);
    return check_done();
}
