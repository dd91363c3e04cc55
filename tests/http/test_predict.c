/* What trained models answer: shapes, labels, probabilities, versions, printed numbers.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

/* Posts rows to a model. @return whether the answer is a whole one of rows_n rows. */
static bool predict(const char *model, const char *instances, size_t rows_n,
                    struct reply *reply) {
    char body[4096];
    snprintf(body, sizeof body, "{\"model\":\"%s\",\"instances\":%s}", model, instances);
    client_post(user, reply, "/predict", body);
    return CHECK_SAY(reply->status == 200, "%ld: %s", reply->status, reply->body) &&
           CHECK(reply_count(reply->json, "/predictions") == rows_n);
}

static bool train(const char *model, json_t *data, const char *rest) {
    return job_train(user, table_job(model, data, json_loads(rest, 0, NULL)), NULL);
}

/* The very first test: nothing exists, then exactly one model. */
static void test_model_left_out(void) {
    struct reply reply;
    client_post(user, &reply, "/predict", "{\"instances\":[[1,2]]}");
    CHECK(reply.status == 400);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "/model");
    reply_free(&reply);

    if (!train("prices", table_prices(120),
               "{\"hidden_layers\":[],\"normalize\":\"standard\",\"learning_rate\":0.3,"
               "\"epochs\":400,\"seed\":1}"))
        return;
    client_post(user, &reply, "/predict", "{\"instances\":[[2000,3]]}");
    CHECK_SAY(reply.status == 200, "%s", reply.body);
    CHECK_TEXT(reply_text(reply.json, "/model"), "prices");
    CHECK(reply_number(reply.json, "/version") == 1);
    reply_free(&reply);

    if (!train("planar", table_planar(400),
               "{\"layers\":[{\"units\":8,\"activation\":\"tanh\"},"
               "{\"units\":1,\"activation\":\"sigmoid\"}],"
               "\"learning_rate\":1.2,\"epochs\":3000,\"seed\":3}"))
        return;
    client_post(user, &reply, "/predict", "{\"instances\":[[2000,3]]}");
    CHECK(reply.status == 400);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "/model");
    reply_free(&reply);
}

static void test_regression(void) {
    struct reply reply;
    if (predict("prices", "[[1000,2],[2000,3],[4000,5]]", 3, &reply)) {
        CHECK(reply_at(reply.json, "/classes") == NULL);
        CHECK(reply_at(reply.json, "/probabilities") == NULL);
        CHECK_NEAR(reply_number(reply.json, "/predictions/0"), table_price(1000, 2),
                   0.03);
        CHECK_NEAR(reply_number(reply.json, "/predictions/1"), table_price(2000, 3),
                   0.03);
        CHECK_NEAR(reply_number(reply.json, "/predictions/2"), table_price(4000, 5),
                   0.03);
    }
    reply_free(&reply);
}

/* Prices as they are: a network with a hidden layer diverges and is told why, unless it
 * trains on their standardised form. */
static void test_scaled_target(void) {
    struct reply reply;
    char id[JOB_ID_BYTES];
    json_t *rest = json_pack("{sssi}", "normalize", "standard", "seed", 1);
    if (!job_post(user, table_job("houses", table_prices(120), json_copy(rest)), id))
        return;
    if (job_wait(user, id, "failed", 60, &reply))
        CHECK_SAY(strstr(reply_text(reply.json, "/error/message"),
                         "\"scale_target\":true scales the targets"),
                  "%s", reply.body);
    reply_free(&reply);
    json_object_set_new(rest, "scale_target", json_true());
    if (!job_train(user, table_job("houses", table_prices(120), rest), &reply))
        return;
    double cost = reply_number(reply.json, "/cost");
    CHECK_SAY(cost > 0 && cost < 0.05, "%g", cost);
    reply_free(&reply);
    if (predict("houses", "[[1000,2],[2000,3]]", 2, &reply)) {
        double small = table_price(1000, 2), large = table_price(2000, 3);
        CHECK_NEAR(reply_number(reply.json, "/predictions/0") / small, 1, 0.05);
        CHECK_NEAR(reply_number(reply.json, "/predictions/1") / large, 1, 0.05);
    }
    reply_free(&reply);
}

static void test_regression_of_two_outputs(void) {
    struct reply reply;
    json_t *data = json_loads("{\"features\":[[0],[1],[2],[3]],"
                              "\"targets\":[[0,1],[2,0.5],[4,0],[6,-0.5]]}",
                              0, NULL);
    if (train("lines", data,
              "{\"hidden_layers\":[],\"learning_rate\":0.2,\"epochs\":2000}") &&
        predict("lines", "[[1],[5]]", 2, &reply)) {
        CHECK(reply_count(reply.json, "/predictions/0") == 2);
        CHECK_NEAR(reply_number(reply.json, "/predictions/0/0"), 2, 1e-3);
        CHECK_NEAR(reply_number(reply.json, "/predictions/1/0"), 10, 1e-3);
        CHECK_NEAR(reply_number(reply.json, "/predictions/1/1"), -1.5, 1e-3);
        reply_free(&reply);
    }
}

/* A list without rows is one row, or for a model of one input a row each: the same
 * answers. */
static void test_flat(void) {
    static const struct {
        const char *model, *flat, *nested;
        size_t rows_n;
    } cases[] = {{"prices", "[1000,2]", "[[1000,2]]", 1},
                 {"lines", "[1, 5,-2.5e0]", "[[1],[5],[-2.5]]", 3}};
    for (size_t i = 0; i < 2; i++) {
        struct reply flat, nested;
        if (predict(cases[i].model, cases[i].flat, cases[i].rows_n, &flat) &&
            predict(cases[i].model, cases[i].nested, cases[i].rows_n, &nested)) {
            CHECK_TEXT(flat.body, nested.body);
            reply_free(&nested);
        }
        reply_free(&flat);
    }
}

/* Images of shape (2,2,1): trained on and predicted as such or as flat rows, of the same
 * network to the bit. */
static void test_images(void) {
    static const char *const features[] = {
        "[[0,1,1,0],[1,0,0,1],[0,1,0.5,0],[1,0.25,0,1],[0,0.5,1,0],[1,0,0,0.5]]",
        "[[[[0],[1]],[[1],[0]]],[[[1],[0]],[[0],[1]]],[[[0],[1]],[[0.5],[0]]],"
        "[[[1],[0.25]],[[0],[1]]],[[[0],[0.5]],[[1],[0]]],[[[1],[0]],[[0],[0.5]]]]"};
    static const char *const rest[] = {
        "{\"epochs\":50,\"seed\":5}",
        "{\"epochs\":50,\"seed\":5,\"validation_split\":0.4}"};
    struct reply answers[2][2] = {{{0}}};
    for (size_t r = 0; r < 2; r++) {
        for (size_t form = 0; form < 2; form++) {
            json_t *data = json_pack("{sos[bbbbbb]}", "features",
                                     json_loads(features[form], 0, NULL), "targets", 1, 0,
                                     1, 0, 1, 0);
            struct reply *answer = &answers[r][form];
            if (train("images", data, rest[r]))
                predict("images", features[1 - form], 6, answer);
        }
        const char *flat = strstr(answers[r][0].body, "\"predictions\"");
        const char *nested = strstr(answers[r][1].body, "\"predictions\"");
        if (CHECK(flat && nested))
            CHECK_TEXT(nested, flat);
        reply_free(&answers[r][0]);
        reply_free(&answers[r][1]);
    }
}

/* Every row of the table, its answer beside its target. @return the accuracy. */
static double accuracy_on(const char *model, json_t *data, size_t classes_n) {
    struct reply reply;
    size_t m = reply_count(data, "/targets"), right = 0;
    json_t *body = json_pack("{sssO}", "model", model, "instances",
                             json_object_get(data, "features"));
    client_post_json(user, &reply, "/predict", body);
    CHECK_SAY(reply.status == 200, "%s", reply.body);
    CHECK(reply_count(reply.json, "/predictions") == m);
    CHECK(reply_count(reply.json, "/probabilities") == m);
    CHECK(reply_count(reply.json, "/classes") == classes_n);
    for (size_t i = 0; i < m; i++) {
        json_t *p = json_array_get(reply_at(reply.json, "/probabilities"), i);
        json_t *got = json_array_get(reply_at(reply.json, "/predictions"), i);
        double sum = 0, best = -1;
        size_t argmax = 0;
        for (size_t c = 0; c < json_array_size(p); c++) {
            double value = json_number_value(json_array_get(p, c));
            sum += value;
            if (value > best) {
                best = value;
                argmax = c;
            }
        }
        if (!CHECK(json_array_size(p) == classes_n) || !CHECK(fabs(sum - 1) < 1e-5))
            break;
        json_t *label = json_array_get(reply_at(reply.json, "/classes"), argmax);
        if (!CHECK(json_equal(got, label)))
            break;
        right +=
            json_equal(got, json_array_get(json_object_get(data, "targets"), i)) == 1;
    }
    reply_free(&reply);
    json_decref(data);
    return (double)right / (double)m;
}

static void test_binary(void) {
    double accuracy = accuracy_on("planar", table_planar(400), 2);
    CHECK_SAY(accuracy > 0.8, "%g", accuracy);
}

/* Labels come back as they stood in the targets, in the order that classes are in. */
static void test_labels(void) {
    static const struct {
        const char *model, *given, *classes;
    } cases[] = {
        {"strings", "[\"versicolor\",\"setosa\",\"virginica\"]",
         "[\"setosa\",\"versicolor\",\"virginica\"]"},
        {"odd-strings", "[\"b\",\"\",\"\xc3\xa9 \\\"q\\\"\",\"B\"]",
         "[\"\",\"B\",\"b\",\"\xc3\xa9 \\\"q\\\"\"]"},
        {"booleans", "[true,false]", "[false,true]"},
        {"malignancy", "[4,2]", "[2,4]"},
        {"numbers", "[10,-1,3]", "[-1,3,10]"},
        {"two-strings", "[\"yes\",\"no\"]", "[\"no\",\"yes\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply reply;
        json_t *labels = json_loads(cases[i].given, 0, NULL);
        json_t *classes = json_loads(cases[i].classes, 0, NULL);
        size_t n = json_array_size(labels);
        if (train(cases[i].model, table_blobs(30 * n, labels),
                  "{\"hidden_layers\":[8],\"epochs\":500,\"seed\":2}")) {
            double accuracy = accuracy_on(cases[i].model, table_blobs(30 * n, labels), n);
            CHECK_SAY(accuracy > 0.97, "%s: %g", cases[i].model, accuracy);
            client_get(user, &reply, "/v1/models/%s", cases[i].model);
            CHECK_SAY(json_equal(reply_at(reply.json, "/classes"), classes), "%s",
                      reply.body);
            reply_free(&reply);
        }
        json_decref(classes);
        json_decref(labels);
    }
}

static void test_multi_label(void) {
    struct reply reply;
    if (train("quadrants", table_quadrants(200),
              "{\"hidden_layers\":[],\"learning_rate\":3,\"epochs\":1000,\"seed\":2}") &&
        predict("quadrants", "[[0.6,0.5],[-0.5,0.5],[0.5,-0.6],[-0.5,-0.5]]", 4,
                &reply)) {
        json_t *want = json_loads("[[1,1],[0,1],[1,0],[0,0]]", 0, NULL);
        CHECK_SAY(json_equal(reply_at(reply.json, "/predictions"), want), "%s",
                  reply.body);
        json_decref(want);
        CHECK(reply_at(reply.json, "/classes") == NULL);
        CHECK(reply_count(reply.json, "/probabilities") == 4);
        CHECK(reply_number(reply.json, "/probabilities/0/0") > 0.9);
        CHECK(reply_number(reply.json, "/probabilities/1/0") < 0.1);
        reply_free(&reply);
    }
}

static void check_version(const char *name, int version, double want) {
    struct reply reply;
    if (predict(name, "[[7]]", 1, &reply)) {
        CHECK_TEXT(reply_text(reply.json, "/model"), "ramp");
        CHECK(reply_number(reply.json, "/version") == version);
        CHECK_SAY(reply_number(reply.json, "/predictions/0") == want, "%s", reply.body);
    }
    reply_free(&reply);
}

/* Two lines, y = 2x then y = -3x, exactly learnt: a step of 1 from zeros on x = +-1. */
static json_t *ramp(int slope) {
    return table_job(
        "ramp",
        json_pack("{s[[i][i]]s[ff]}", "features", 1, -1, "targets", (double)slope,
                  -(double)slope),
        json_loads("{\"task\":\"regression\",\"hidden_layers\":[],"
                   "\"initializer\":\"zeros\",\"learning_rate\":1,\"epochs\":1}",
                   0, NULL));
}

static void test_versions(void) {
    struct reply reply;
    job_train(user, ramp(2), NULL);
    check_version("ramp", 1, 14);
    job_train(user, ramp(-3), &reply);
    CHECK(reply_number(reply.json, "/model_version") == 2);
    reply_free(&reply);
    check_version("ramp", 2, -21);
    check_version("ramp@1", 1, 14);
    check_version("ramp@2", 2, -21);

    client_get(user, &reply, "/v1/models/ramp");
    CHECK(reply_number(reply.json, "/version") == 2);
    CHECK(reply_count(reply.json, "/versions") == 2);
    CHECK(reply_number(reply.json, "/versions/0") == 2);
    CHECK(reply_number(reply.json, "/versions/1") == 1);
    reply_free(&reply);
    client_get(user, &reply, "/v1/models/ramp/versions?limit=1");
    CHECK(reply_number(reply.json, "/data/0/version") == 2);
    CHECK(json_is_true(reply_at(reply.json, "/has_more")));
    reply_free(&reply);
    client_get(user, &reply, "/v1/models/ramp/versions?limit=1&after=2");
    CHECK(reply_number(reply.json, "/data/0/version") == 1);
    CHECK(json_is_false(reply_at(reply.json, "/has_more")));
    reply_free(&reply);

    client_call(user, &reply, "DELETE", "/v1/models/ramp");
    CHECK(reply.status == 204 && reply.body_n == 0);
    reply_free(&reply);
    client_get(user, &reply, "/v1/models/ramp/versions/1");
    CHECK(reply.status == 404);
    reply_free(&reply);
    client_post(user, &reply, "/predict", "{\"model\":\"ramp@1\",\"instances\":[[1]]}");
    CHECK(reply.status == 404);
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "/model");
    reply_free(&reply);
    job_train(user, ramp(2), NULL);
    check_version("ramp", 3, 14);
}

static void test_model_document(void) {
    struct reply reply;
    client_get(user, &reply, "/v1/models/planar/versions/1");
    const json_t *model = reply.json;
    CHECK_SAY(reply.status == 200, "%s", reply.body);
    CHECK_TEXT(reply_text(model, "/object"), "model");
    CHECK_TEXT(reply_text(model, "/model"), "planar");
    CHECK(job_time_is_formed(reply_text(model, "/created_at")));
    CHECK(job_id_is_formed(reply_text(model, "/job")));
    CHECK_TEXT(reply_text(model, "/task"), "binary");
    CHECK(reply_count(model, "/layers") == 2);
    CHECK(reply_number(model, "/layers/0/units") == 8);
    CHECK(reply_number(model, "/inputs") == 2);
    CHECK(reply_number(model, "/parameters") == 2 * 8 + 8 + 8 + 1);
    CHECK_TEXT(reply_text(model, "/normalize"), "none");
    CHECK_TEXT(reply_text(model, "/loss"), "binary_cross_entropy");
    CHECK(strspn(reply_text(model, "/sha256"), "0123456789abcdef") == 64);
    CHECK(reply_number(model, "/bytes") >= 33 * 4);
    CHECK(reply_number(model, "/cost") < 0.6);
    CHECK(reply_number(model, "/epochs") == 3000);
    CHECK(reply_at(model, "/versions") == NULL);
    reply_free(&reply);
}

static void test_model_list(void) {
    char after[256] = "", last[160] = "";
    size_t seen = 0;
    bool more = true;
    while (more && seen < 100) {
        struct reply reply;
        client_get(user, &reply, "/v1/models?limit=3%s", after);
        size_t n = reply_count(reply.json, "/data");
        if (!CHECK_SAY(n >= 1 && n <= 3, "%s", reply.body))
            n = 0;
        for (size_t i = 0; i < n; i++, seen++) {
            char pointer[64];
            snprintf(pointer, sizeof pointer, "/data/%zu/model", i);
            CHECK(strcmp(last, reply_text(reply.json, pointer)) < 0);
            snprintf(last, sizeof last, "%s", reply_text(reply.json, pointer));
        }
        snprintf(after, sizeof after, "&after=%s", last);
        more = n && json_is_true(reply_at(reply.json, "/has_more"));
        reply_free(&reply);
    }
    /* prices, planar, houses, lines, images, six of test_labels, quadrants, ramp */
    CHECK_SAY(seen == 13, "%zu models", seen);
}

/* Significant digits of a number's text. */
static size_t digits_of(const char *text, size_t n) {
    size_t digits = 0, zeros = 0;
    for (size_t i = 0; i < n && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '0' && digits > 0)
            zeros++;
        else if (text[i] >= '1' && text[i] <= '9') {
            digits += zeros + 1;
            zeros = 0;
        }
    }
    return digits;
}

/* Each number is the shortest text of its float32. */
static void test_numbers_are_shortest(void) {
    struct reply reply;
    size_t numbers = 0;
    if (!predict("planar", "[[0.1,0.2],[1,2],[-3,4],[0.5,-0.25],[10,10],[-40,3]]", 6,
                 &reply)) {
        reply_free(&reply);
        return;
    }
    const char *at = strstr(reply.body, "\"probabilities\"");
    at = at ? strchr(at, '[') : NULL;
    const char *end = at ? strstr(at, "]]") : NULL;
    while (at && at < end) {
        size_t n = strspn(at, "+-.0123456789eE");
        if (n > 0) {
            float value = strtof(at, NULL);
            int precision = 1;
            char shortest[64];
            do
                snprintf(shortest, sizeof shortest, "%.*e", precision++ - 1,
                         (double)value);
            while (strtof(shortest, NULL) < value || strtof(shortest, NULL) > value);
            CHECK_SAY(digits_of(at, n) <= digits_of(shortest, strlen(shortest)),
                      "%.*s is longer than %s", (int)n, at, shortest);
            numbers++;
        }
        at += n ? n : 1;
    }
    CHECK(numbers == 12);
    reply_free(&reply);
}

/* The same row gives the same text, alone and among others. */
static void test_batches_agree(void) {
    struct reply one, many;
    json_t *rows = json_array();
    for (int i = 0; i < 1000; i++)
        json_array_append_new(rows, json_pack("[ff]", i * 0.004 - 2, 1.5 - i * 0.003));
    client_post_json(user, &many, "/predict",
                     json_pack("{sssO}", "model", "planar", "instances", rows));
    CHECK(reply_count(many.json, "/predictions") == 1000);
    for (size_t i = 0; i < 1000; i += 333) {
        char pointer[64];
        client_post_json(user, &one, "/predict",
                         json_pack("{sss[O]}", "model", "planar", "instances",
                                   json_array_get(rows, i)));
        snprintf(pointer, sizeof pointer, "/probabilities/%zu/1", i);
        CHECK(fabs(reply_number(one.json, "/probabilities/0/1") -
                   reply_number(many.json, pointer)) < 1e-6);
        reply_free(&one);
    }
    reply_free(&many);
    json_decref(rows);
}

/* A finite row whose prediction is not: no NaN or Infinity, but an error that says where.
 */
static void test_never_infinite(void) {
    struct reply reply;
    client_post(user, &reply, "/predict",
                "{\"model\":\"lines\",\"instances\":[[1],[3e38]]}");
    CHECK_SAY(reply.status == 422, "%ld: %s", reply.status, reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/code"), "not_finite");
    CHECK_TEXT(reply_text(reply.json, "/error/param"), "/instances/1");
    reply_free(&reply);
    client_post(user, &reply, "/predict",
                "{\"model\":\"planar\",\"instances\":[[3e38,-3e38]]}");
    CHECK_SAY(reply.status == 200 || reply.status == 422, "%ld", reply.status);
    CHECK_SAY(reply.json != NULL, "%s", reply.body);
    reply_free(&reply);
}

static void test_rows_are_counted(void) {
    struct reply before, after;
    client_get(user, &before, "/metrics");
    struct reply reply;
    predict("planar", "[[1,2],[3,4],[5,6]]", 3, &reply);
    reply_free(&reply);
    client_get(user, &after, "/metrics");
    const char *name = "descentd_prediction_rows_total";
    CHECK(reply_metric(&after, name) - reply_metric(&before, name) == 3);
    reply_free(&before);
    reply_free(&after);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    CHECK_RUN(test_model_left_out);
    CHECK_RUN(test_regression);
    CHECK_RUN(test_scaled_target);
    CHECK_RUN(test_regression_of_two_outputs);
    CHECK_RUN(test_flat);
    CHECK_RUN(test_images);
    CHECK_RUN(test_binary);
    CHECK_RUN(test_labels);
    CHECK_RUN(test_multi_label);
    CHECK_RUN(test_versions);
    CHECK_RUN(test_model_document);
    CHECK_RUN(test_model_list);
    CHECK_RUN(test_numbers_are_shortest);
    CHECK_RUN(test_batches_agree);
    CHECK_RUN(test_never_infinite);
    CHECK_RUN(test_rows_are_counted);
    daemon_close(&daemon_of_all);
    return check_done();
}
