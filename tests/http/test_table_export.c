/* A model of raw cells, taken elsewhere: the JSON export says all that it takes to
 * predict by hand, and our own file, posted again, answers to the bit; and numbers among
 * texts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/http/upload.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

enum { WIDTH_MAX = 64 };

/* Numbers, booleans and texts with holes; texts that are numbers; three classes. */
static bool mixed_upload(void) {
    static char text[16384];
    static const char *const colours[] = {"red", "", "blue", "\"deep, blue\""};
    static const char *const codes[] = {"1", "2.0", "n/a", "007"};
    struct table_random random = {9};
    size_t n = (size_t)snprintf(text, sizeof text, "colour,size,fresh,code,kind\n");
    for (int i = 0; i < 120; i++) {
        double size = 5 + table_normal(&random);
        int hole = i % 11 == 3;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s,%.*f,%s,%s,%c\n",
                              colours[i * 7 % 4], hole ? 0 : 3, size,
                              i % 13 == 5 ? ""
                              : i % 3     ? "true"
                                          : "false",
                              codes[i / 2 % 4], 'a' + (size > 5) + (i % 4 == 2));
    }
    return upload_text(user, "mixed", text);
}

#define ROWS                                                                             \
    "[[\"red\",4.5,true,\"1\"],[null,6.25,false,\"n/a\"],[\"mauve\",null,null,\"007\"]," \
    "[\"deep, blue\",5,1,null],[\"blue\",-3e1,false,\"2.0\"]]"

static json_t *rows_new(void) {
    json_t *rows = json_loads(ROWS, 0, NULL);
    if (!rows)
        abort();
    return rows;
}

/* ---- predicting by hand --------------------------------------------------------- */

static size_t column_encode(const json_t *column, const json_t *cell, double *x) {
    const char *type = reply_text(column, "/type");
    const json_t *categories = reply_at(column, "/categories");
    size_t n = json_array_size(categories), inputs = n;
    if (strcmp(type, "category") != 0) {
        x[0] = json_is_null(cell)      ? reply_number(column, "/mean")
               : json_is_boolean(cell) ? json_is_true(cell)
                                       : json_number_value(cell);
        return 1;
    }
    inputs += strcmp(reply_text(column, "/missing"), "category") == 0;
    for (size_t i = 0; i < inputs; i++)
        x[i] =
            i < n ? json_equal(json_array_get(categories, i), cell) : json_is_null(cell);
    return inputs;
}

static double activate(const char *name, double z) {
    return strcmp(name, "tanh") == 0 ? tanh(z) : z;
}

/* The probabilities of a row, in `a`; as many as come back. */
static size_t predict_by_hand(const json_t *model, const json_t *row, double *a) {
    double z[WIDTH_MAX], sum = 0;
    size_t n = 0;
    for (size_t c = 0; c < reply_count(model, "/columns"); c++)
        n += column_encode(json_array_get(reply_at(model, "/columns"), c),
                           json_array_get(row, c), a + n);
    for (size_t i = 0; i < n; i++)
        a[i] = (a[i] - json_number_value(
                           json_array_get(reply_at(model, "/transform/offset"), i))) *
               json_number_value(json_array_get(reply_at(model, "/transform/scale"), i));
    for (size_t l = 0; l < reply_count(model, "/layers"); l++) {
        const json_t *layer = json_array_get(reply_at(model, "/layers"), l);
        size_t units = (size_t)reply_number(layer, "/units");
        for (size_t j = 0; j < units; j++) {
            const json_t *w = json_array_get(reply_at(layer, "/weights"), j);
            z[j] = json_number_value(json_array_get(reply_at(layer, "/biases"), j));
            for (size_t i = 0; i < n; i++)
                z[j] += json_number_value(json_array_get(w, i)) * a[i];
        }
        n = units;
        for (size_t j = 0; j < n; j++)
            a[j] = activate(reply_text(layer, "/activation"), z[j]);
    }
    for (size_t j = 0; j < n; j++)
        sum += exp(a[j]);
    for (size_t j = 0; j < n; j++)
        a[j] = exp(a[j]) / sum;
    return n;
}

static void test_json(void) {
    struct reply model, answer, document;
    json_t *rows = rows_new();
    client_get(user, &model, "/v1/models/mixed/versions/1/export?format=json");
    client_get(user, &document, "/v1/models/mixed");
    CHECK(reply_count(model.json, "/columns") == 4);
    CHECK(json_equal(reply_at(model.json, "/columns"),
                     reply_at(document.json, "/columns")));
    client_post_json(user, &answer, "/predict",
                     json_pack("{sssO}", "model", "mixed", "instances", rows));
    CHECK_SAY(answer.status == 200, "%s", answer.body);
    for (size_t i = 0; model.status == 200 && i < json_array_size(rows); i++) {
        double a[WIDTH_MAX];
        size_t k = predict_by_hand(model.json, json_array_get(rows, i), a);
        CHECK(k == 3 && reply_count(answer.json, "/classes") == 3);
        for (size_t j = 0; j < k; j++) {
            char at[64];
            snprintf(at, sizeof at, "/probabilities/%zu/%zu", i, j);
            CHECK_NEAR(a[j], reply_number(answer.json, at), 1e-5);
        }
    }
    json_decref(rows);
    reply_free(&model);
    reply_free(&document);
    reply_free(&answer);
}

static json_t *answer_without_model(const char *model) {
    struct reply reply;
    client_post_json(user, &reply, "/predict",
                     json_pack("{ssso}", "model", model, "instances", rows_new()));
    CHECK_SAY(reply.status == 200, "%s", reply.body);
    json_t *answer = json_incref(reply.json);
    json_object_del(answer, "model");
    reply_free(&reply);
    return answer;
}

static void test_safetensors(void) {
    struct reply file, reply;
    client_get(user, &file, "/v1/models/mixed/versions/1/export");
    client_send(user,
                &(struct request){.method = "POST",
                                  .path = "/v1/models/again/versions",
                                  .body = file.body,
                                  .body_n = file.body_n},
                &reply);
    CHECK_SAY(reply.status == 201, "%s", reply.body);
    CHECK(reply_count(reply.json, "/columns") == 4);
    reply_free(&reply);
    reply_free(&file);
    json_t *one = answer_without_model("mixed"), *two = answer_without_model("again");
    CHECK(json_object_size(one) == 4 && json_equal(one, two));
    json_decref(one);
    json_decref(two);
}

/* ---- numbers among texts -------------------------------------------------------- */

static void check_code(const char *one, const char *other, bool same) {
    static const char body[] = "{\"model\":\"mixed\",\"instances\":[[\"red\",5,true,%s],"
                               "[\"red\",5,true,%s]]}";
    char text[256];
    struct reply reply;
    snprintf(text, sizeof text, body, one, other);
    client_post(user, &reply, "/predict", text);
    const json_t *a = reply_at(reply.json, "/probabilities/0"),
                 *b = reply_at(reply.json, "/probabilities/1");
    CHECK_SAY(a && b && json_equal(a, b) == same, "%s, %s: %s", one, other, reply.body);
    reply_free(&reply);
}

/* However a whole number is written, it is the category of its value; "007" is a code. */
static void test_codes(void) {
    check_code("1", "\"1\"", true);
    check_code("1", "1.0", true);
    check_code("1", "\"1.0\"", true);
    check_code("2", "\"2.0\"", true);
    check_code("20e-1", "2.0", true);
    check_code("1", "2", false);
    check_code("\"007\"", "7", false);
    check_code("\"unseen\"", "7", true);
    check_code("\"unseen\"", "1", false);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL) || !mixed_upload() ||
        !job_train(user,
                   json_pack("{ssssss si si}", "model", "mixed", "dataset", "mixed",
                             "target", "kind", "epochs", 30, "seed", 4),
                   NULL))
        return 1;
    CHECK_RUN(test_json);
    CHECK_RUN(test_safetensors);
    CHECK_RUN(test_codes);
    daemon_close(&daemon_of_all);
    return check_done();
}
