#include "api/predict.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/label_texts.h"
#include "tests/random.h"
#include "tests/unit/check.h"

/* ---- references
 * ------------------------------------------------------------------------- */

static void check_alias(const char *text, const char *alias) {
    struct model_ref ref;
    struct err e = {0};
    CHECK_SAY(model_ref_parse(text, "/model", &ref, &e), "%s: %s", text, e.text);
    CHECK_TEXT(ref.name, "iris");
    CHECK_TEXT(ref.alias, alias);
    CHECK(ref.version == 0);
}

static void check_ref(const char *text, const char *name, int64_t version) {
    struct model_ref ref;
    struct err e = {0};
    CHECK_SAY(model_ref_parse(text, "/model", &ref, &e), "%s: %s", text, e.text);
    CHECK_TEXT(ref.name, name);
    CHECK(ref.version == version && !ref.alias[0]);
}

static void check_no_ref(const char *text) {
    struct model_ref ref;
    struct err e = {0};
    CHECK_SAY(!model_ref_parse(text, "/model", &ref, &e), "%s", text);
    CHECK(e.kind == ERR_INVALID && strcmp(e.where, "/model") == 0);
}

static void test_refs(void) {
    check_ref("iris", "iris", 0);
    check_ref("iris@latest", "iris", 0);
    check_ref("iris@3", "iris", 3);
    check_ref("a.b-c_d@999999999999999999", "a.b-c_d", 999999999999999999);
    check_alias("iris@production", "production");
    check_alias("iris@1.0", "1.0");
    check_alias("iris@2-rc_3", "2-rc_3");
    check_alias("iris@Latest", "Latest");
    static const char *const bad[] = {
        "",         "@",       "@3",       "iris@",    "iris@0",
        "iris@03",  "iris@-1", "iris@+1",  "iris@.a",  "iris@3@4",
        "iris@a b", "i ris",   "iris@ 3",  "iris@a@b", "iris@1000000000000000000",
        ".a@1",     "@a",      "iris@\xc3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_no_ref(bad[i]);
    char name[JOB_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    name[JOB_NAME_MAX] = '\0';
    check_ref(name, name, 0);
    CHECK(model_alias_valid(name));
    name[JOB_NAME_MAX] = 'a';
    name[JOB_NAME_MAX + 1] = '\0';
    check_no_ref(name);
    CHECK(!model_alias_valid(name) && !model_alias_valid("latest") &&
          !model_alias_valid("12") && !model_alias_valid(""));
}

/* ---- requests
 * --------------------------------------------------------------------------- */

static void test_requests(void) {
    static const char body[] = "{\"instances\":[[1,-2.5],[0.1,3e2],[-0.0,1e-45]],"
                               "\"model\":\"iris@2\"}";
    struct predict_request r;
    struct err e = {0};
    if (!CHECK_SAY(predict_decode(body, sizeof body - 1, &r, &e), "%s", e.text))
        return;
    CHECK_TEXT(r.model.name, "iris");
    CHECK(r.model.version == 2);
    CHECK(r.instances.rows_n == 3 && r.instances.columns_n == 2);
    CHECK(r.instances.values[3] == 300 && signbit(r.instances.values[4]));
    predict_request_free(&r);
    static const char nameless[] = "{\"instances\":[[1]]}";
    CHECK(predict_decode(nameless, sizeof nameless - 1, &r, &e));
    CHECK_TEXT(r.model.name, "");
    CHECK(r.model.version == 0);
    predict_request_free(&r);
}

static void check_refused(const char *body, enum err_kind kind, const char *where,
                          const char *text) {
    struct predict_request r;
    struct err e = {0};
    /* Instances that are not numbers may still be some model's: the reason waits for it.
     */
    if (predict_decode(body, strlen(body), &r, &e)) {
        e = r.not_numbers;
        predict_request_free(&r);
    }
    CHECK_SAY(e.kind == kind, "%s: kind %d", body, e.kind);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, text);
    CHECK(!r.instances.values && !r.model.name[0]);
}

static void test_refusals(void) {
    static const enum err_kind I = ERR_INVALID;
    check_refused("", I, "line 1, column 1", "expected an object, got the end");
    check_refused("[[1]]", I, "line 1, column 1", "expected an object, got an array");
    check_refused("{}", I, "/instances", "is missing: the rows to predict");
    check_refused("{\"instance\":[[1]]}", I, "/instance",
                  "unknown key \"instance\"; the nearest known one is \"instances\"");
    check_refused("{\"instances\":[]}", I, "/instances", "expected at least one row");
    check_refused("{\"instances\":null}", I, "/instances",
                  "expected an array of arrays of numbers, got null");
    check_refused("{\"instances\":[1,[2]]}", I, "/instances/1",
                  "expected a number, got an array");
    check_refused("{\"instances\":[[1,2],[3,\"x\"]]}", I, "/instances/1/1",
                  "expected a number, got a string");
    check_refused("{\"instances\":[[1,2],[3]]}", I, "/instances/1",
                  "expected 2 numbers, got 1");
    check_refused("{\"instances\":[[1e39]]}", ERR_RANGE, "/instances/0/0",
                  "1e39 is outside float32 (at most 3.4028235e38 in magnitude)");
    check_refused("{\"instances\":[[1]],\"instances\":[[1]]}", I, "/instances",
                  "given twice");
    check_refused("{\"instances\":[[1]],\"model\":1}", I, "/model",
                  "expected a string, got a number");
    check_refused("{\"instances\":[[1]],\"model\":null}", I, "/model",
                  "expected a string, got null");
    check_refused("{\"instances\":[[1]],\"model\":\"\"}", I, "/model",
                  "expected a model's name or name@version, got \"\"");
    check_refused("{\"instances\":[[1]],\"model\":\"a@-b\"}", I, "/model",
                  "expected a version like 3, latest or an alias behind \"@\", got "
                  "\"-b\"");
    check_refused("{\"instances\":[[1]]", I, "line 1, column 19",
                  "expected ',' or '}', got the end");
}

/* ---- answers
 * ---------------------------------------------------------------------------- */

/* A model of k outputs with these labels, which it borrows. */
struct stage {
    struct net *net;
    struct model model;
};
static void stage_new(struct stage *s, enum task task, size_t k, struct labels labels) {
    struct err e = {0};
    struct layer_shape shape = {.units_n = k};
    s->net = net_new(3, &shape, 1, &e);
    if (!s->net)
        abort();
    s->model = (struct model){.task = task, .net = s->net, .labels = labels};
}

/* As version 7 of "m". */
static bool encode(const struct stage *s, const float *Y, size_t m, struct text *out,
                   struct err *e) {
    struct predict_frame frame;
    if (!predict_frame_make(&s->model, "m", 7, &frame, e))
        return false;
    bool ok = predict_encode(&s->model, &frame, Y, m, out, e);
    predict_frame_free(&frame);
    return ok;
}

static void check_answer(const struct stage *s, const float *Y, size_t m,
                         const char *want) {
    struct text t = {0};
    struct err e = {0};
    CHECK_SAY(encode(s, Y, m, &t, &e), "%s", e.text);
    char *got = text_take(&t);
    char whole[1024];
    snprintf(whole, sizeof whole, "{\"model\":\"m\",\"version\":7,%s}\n", want);
    CHECK_TEXT(got, whole);
    free(got);
}

static void test_regression(void) {
    struct stage s;
    stage_new(&s, TASK_REGRESSION, 1, (struct labels){0});
    check_answer(&s, (float[]){1, 0.1f, -0.0f, FLT_MAX, 1e-45f, 16777216}, 6,
                 "\"predictions\":[1,0.1,-0,3.4028235e38,1e-45,16777216]");
    net_free(s.net);
    stage_new(&s, TASK_REGRESSION, 2, (struct labels){0});
    check_answer(&s, (float[]){1, 2, 3, 4.5f}, 2, "\"predictions\":[[1,2],[3,4.5]]");
    net_free(s.net);
}

static void test_binary(void) {
    struct stage s;
    double numbers[] = {-1, 9007199254740992};
    stage_new(&s, TASK_BINARY, 1, (struct labels){LABEL_NUMBER, 2, numbers, NULL});
    check_answer(
        &s, (float[]){0.25f, 0.5f, 0.75f, 1}, 4,
        "\"predictions\":[-1,-1,9007199254740992,9007199254740992],\"classes\":[-1,"
        "9007199254740992],\"probabilities\":[[0.75,0.25],[0.5,0.5],[0.25,0.75],[0,"
        "1]]");
    net_free(s.net);
    double booleans[] = {0, 1};
    stage_new(&s, TASK_BINARY, 1, (struct labels){LABEL_BOOLEAN, 2, booleans, NULL});
    check_answer(
        &s, (float[]){0, 0.75f}, 2,
        "\"predictions\":[false,true],\"classes\":[false,true],\"probabilities\":[[1,"
        "0],[0.25,0.75]]");
    net_free(s.net);
}

static void test_multi_class(void) {
    struct stage s;
    char a[] = "a\"", b[] = "b", c[] = "\xc3\xa9";
    char *strings[] = {a, b, c};
    stage_new(&s, TASK_MULTI_CLASS, 3, (struct labels){LABEL_STRING, 3, NULL, strings});
    /* The first of equal ones. */
    check_answer(
        &s, (float[]){0.25f, 0.5f, 0.25f, 0.5f, 0, 0.5f, 0, 0.25f, 0.75f}, 3,
        "\"predictions\":[\"b\",\"a\\\"\",\"\xc3\xa9\"],\"classes\":[\"a\\\"\",\"b\","
        "\"\xc3\xa9\"],\"probabilities\":[[0.25,0.5,0.25],[0.5,0,0.5],[0,0.25,0.75]]");
    net_free(s.net);
}

/* The probabilities stand in the answer, row by row. */
static void check_probabilities(const struct stage *s, const float *Y, size_t m) {
    size_t k = s->model.net->outputs_n;
    struct text want = {0}, got = {0};
    struct err e = {0};
    text_open(&want, '[');
    for (size_t i = 0; i < m; i++) {
        text_open(&want, '[');
        if (k == 1)
            text_json_float(&want, 1 - Y[i]);
        for (size_t j = 0; j < k; j++)
            text_json_float(&want, Y[i * k + j]);
        text_close(&want, ']');
    }
    text_close(&want, ']');
    CHECK_SAY(encode(s, Y, m, &got, &e), "%s", e.text);
    char *wanted = text_take(&want), *answer = text_take(&got);
    CHECK_SAY(strstr(answer, wanted), "%zu rows of %zu", m, k);
    free(wanted);
    free(answer);
}

/* An answer of m rows is what its rows' own answers are, one behind the other. */
static void check_many(const struct stage *s, size_t m) {
    size_t k = s->model.net->outputs_n;
    struct text want = {0}, got = {0};
    float *Y = calloc(m * k, sizeof *Y);
    if (!Y)
        abort();
    for (size_t i = 0; i < m * k; i++)
        Y[i] = (float)random_unit();
    text_open(&want, '[');
    for (size_t i = 0; i < m; i++)
        job_label_encode(&s->model.labels, predict_class(&s->model, Y + i * k), &want);
    text_close(&want, ']');
    predict_list_encode(&s->model, Y, m, &got);
    CHECK_SAY(got.n == want.n && memcmp(got.data, want.data, want.n) == 0,
              "%zu rows: %.*s", m, (int)(got.n < 80 ? got.n : 80), got.data);
    check_probabilities(s, Y, m);
    text_free(&want);
    text_free(&got);
    free(Y);
}

static void test_many_rows(void) {
    enum { MANY = LABEL_TEXTS_MAX + 1 };
    char short_a[] = "a\"", short_b[] = "", fits[] = "1234567890123";
    char not_fits[] = "12345678901234", accent[] = "\xc3\xa9";
    char *all_fit[] = {short_a, short_b, fits, accent};
    char *one_long[] = {short_a, short_b, not_fits, accent};
    double booleans[] = {0, 1}, numbers[MANY];
    for (size_t i = 0; i < MANY; i++)
        numbers[i] = i % 2 ? (double)i : 0.5 * (double)i;
    static const size_t rows[] = {1, 63, 64, 65, 256, 257, 258, 1000};
    const struct {
        enum task task;
        size_t outputs_n;
        struct labels labels;
    } cases[] = {
        {TASK_MULTI_CLASS, 4, {LABEL_STRING, 4, NULL, all_fit}},
        {TASK_MULTI_CLASS, 4, {LABEL_STRING, 4, NULL, one_long}},
        {TASK_BINARY, 1, {LABEL_BOOLEAN, 2, booleans, NULL}},
        {TASK_MULTI_CLASS,
         LABEL_TEXTS_MAX,
         {LABEL_NUMBER, LABEL_TEXTS_MAX, numbers, NULL}},
        {TASK_MULTI_CLASS, MANY, {LABEL_NUMBER, MANY, numbers, NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage s;
        stage_new(&s, cases[i].task, cases[i].outputs_n, cases[i].labels);
        for (size_t j = 0; j < sizeof rows / sizeof *rows; j++)
            check_many(&s, rows[j]);
        net_free(s.net);
    }
    struct label_texts texts;
    CHECK(label_texts_make(&cases[0].labels, &texts));
    CHECK(!label_texts_make(&cases[1].labels, &texts));
    CHECK(label_texts_make(&cases[3].labels, &texts));
    CHECK(!label_texts_make(&cases[4].labels, &texts));
}

static void test_multi_label(void) {
    struct stage s;
    stage_new(&s, TASK_MULTI_LABEL, 2, (struct labels){0});
    check_answer(&s, (float[]){0.25f, 0.75f, 0.5f, 1}, 2,
                 "\"predictions\":[[0,1],[0,1]],\"probabilities\":[[0.25,0.75],[0.5,1]]");
    net_free(s.net);
}

/* Never NaN or Infinity: the row is named, and nothing was written. */
static void test_not_finite(void) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    struct stage s;
    stage_new(&s, TASK_REGRESSION, 2, (struct labels){0});
    for (size_t i = 0; i < 3; i++) {
        struct text t = {0};
        struct err e = {0};
        float Y[] = {1, 2, 3, bad[i], 5, 6};
        CHECK(!encode(&s, Y, 3, &t, &e));
        CHECK(e.kind == ERR_NUMERIC && t.n == 0);
        CHECK_TEXT(e.where, "/instances/1");
        text_free(&t);
    }
    net_free(s.net);
}

static void test_fits(void) {
    struct stage s;
    stage_new(&s, TASK_REGRESSION, 1, (struct labels){0});
    struct predict_request r = {.instances = {.rows_n = 1, .columns_n = 3}};
    struct err e = {0};
    CHECK(predict_rows(&r, &s.model, &e));
    r.instances.columns_n = 2;
    CHECK(!predict_rows(&r, &s.model, &e));
    CHECK_TEXT(e.where, "/instances/0");
    CHECK_TEXT(e.text, "expected 3 numbers, got 2");
    net_free(s.net);
}

/* Columns without names are "0", "1", ...; other texts than numbers stay refused. */
static void check_unnamed(const char *instances, const char *where, const char *says) {
    struct stage s;
    struct predict_request r;
    struct err e = {0};
    char body[256];
    stage_new(&s, TASK_REGRESSION, 1, (struct labels){0});
    snprintf(body, sizeof body, "{\"instances\":%s}", instances);
    bool ok = CHECK(predict_decode(body, strlen(body), &r, &e)) &&
              predict_rows(&r, &s.model, &e);
    CHECK_SAY(ok == !says, "%s: %s %s", instances, e.where, e.text);
    if (ok)
        for (size_t i = 0; i < 6; i++)
            CHECK(r.instances.values[i] == (float)i);
    if (says) {
        CHECK_TEXT(e.where, where);
        CHECK_TEXT(e.text, says);
    }
    predict_request_free(&r);
    net_free(s.net);
}

static void test_unnamed(void) {
    check_unnamed("[[0,1,2],[3,4,5]]", NULL, NULL);
    check_unnamed("[{\"1\":1,\"0\":0,\"2\":2},{\"2\":5,\"0\":3,\"1\":4}]", NULL, NULL);
    check_unnamed("[{\"1\":1,\"0\":0,\"2\":2},[3,4,5]]", NULL, NULL);
    check_unnamed("[{\"0\":0,\"2\":2}]", "/instances/0", "column \"1\" is missing");
    check_unnamed("[{\"0\":0,\"1\":1,\"size\":2}]", "/instances/0/size",
                  "the model has no column \"size\"");
    check_unnamed("[{\"0\":0,\"1\":1,\"2\":null}]", "/instances/0/2",
                  "expected a cell, got null");
    check_unnamed("[[0,1,\"2\"]]", "/instances/0/2", "expected a number, got a string");
}

int main(void) {
    CHECK_RUN(test_refs);
    CHECK_RUN(test_unnamed);
    CHECK_RUN(test_requests);
    CHECK_RUN(test_refusals);
    CHECK_RUN(test_regression);
    CHECK_RUN(test_binary);
    CHECK_RUN(test_multi_class);
    CHECK_RUN(test_many_rows);
    CHECK_RUN(test_multi_label);
    CHECK_RUN(test_not_finite);
    CHECK_RUN(test_fits);
    return check_done();
}
