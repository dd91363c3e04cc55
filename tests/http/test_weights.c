/* class_weight: what a job with weights learns is what it would learn from a table that
 * holds the rows of a class as often as they weigh. */
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

enum { ROWS = 60, EPOCHS = 40 };

/* Rows of classes 0..k-1 that overlap, as x, w and the class; the same every time. */
struct row {
    double x, w;
    int class;
};
static struct row row_next(struct table_random *random, int i, int k) {
    struct row r = {.class = i % k};
    r.x = round((table_normal(random) + r.class) * 64) / 64;
    r.w = round((table_normal(random) - r.class) * 64) / 64;
    return r;
}

/* The rows of each class times[class] times: as inline data with these labels. */
static json_t *data_of(int k, const int *times, const json_t *labels) {
    struct table_random random = {11};
    json_t *X = json_array(), *y = json_array();
    for (int i = 0; i < ROWS; i++) {
        struct row r = row_next(&random, i, k);
        for (int t = 0; t < times[r.class]; t++) {
            json_array_append_new(X, json_pack("[ff]", r.x, r.w));
            json_array_append(y, json_array_get(labels, (size_t)r.class));
        }
    }
    return json_pack("{soso}", "features", X, "targets", y);
}

static json_t *settings(json_t *class_weight) {
    json_t *rest = json_pack("{si si sf s[i] ss ss ss}", "seed", 5, "epochs", EPOCHS,
                             "learning_rate", 0.7, "hidden_layers", 4, "activation",
                             "tanh", "batch_size", "full", "normalize", "none");
    if (class_weight)
        json_object_set_new(rest, "class_weight", class_weight);
    return rest;
}

/* The two jobs' curves agree, up to the order of the sums. */
static void check_curves(const struct reply *a, const struct reply *b) {
    struct reply one, two;
    client_get(user, &one, "/v1/jobs/%s/history", reply_text(a->json, "/id"));
    client_get(user, &two, "/v1/jobs/%s/history", reply_text(b->json, "/id"));
    CHECK(reply_count(one.json, "/data") == EPOCHS + 1);
    for (int i = 0; i <= EPOCHS; i++) {
        char at[32];
        snprintf(at, sizeof at, "/data/%d/cost", i);
        CHECK_NEAR(reply_number(one.json, at), reply_number(two.json, at), 2e-6);
    }
    reply_free(&one);
    reply_free(&two);
}

static const int once[] = {1, 1, 1};

/* Takes labels and weights. */
static void check_as_duplicates(const char *model, int k, const int *times,
                                json_t *labels, json_t *weights, const char *echo) {
    struct reply weighed, repeated, plain;
    json_t *want = json_loads(echo, 0, NULL);
    if (job_train(user, table_job(model, data_of(k, once, labels), settings(weights)),
                  &weighed) &&
        job_train(user, table_job(model, data_of(k, times, labels), settings(NULL)),
                  &repeated) &&
        job_train(user, table_job(model, data_of(k, once, labels), settings(NULL)),
                  &plain)) {
        const json_t *got = reply_at(weighed.json, "/hyperparameters/class_weight");
        CHECK_SAY(want && got && json_equal(got, want), "%s", weighed.body);
        CHECK_TEXT(reply_text(plain.json, "/hyperparameters/class_weight"), "none");
        check_curves(&weighed, &repeated);
        /* What was compared is not what comes without weights. */
        CHECK(fabs(reply_number(weighed.json, "/cost") -
                   reply_number(plain.json, "/cost")) > 1e-3);
        reply_free(&weighed);
        reply_free(&repeated);
        reply_free(&plain);
    }
    json_decref(want);
    json_decref(labels);
}

static void test_inline(void) {
    check_as_duplicates("texts", 2, (int[]){2, 1}, json_pack("[ss]", "a", "b"),
                        json_pack("{sisi}", "a", 2, "b", 1), "{\"a\":2,\"b\":1}");
    check_as_duplicates("numbers", 3, (int[]){1, 3, 2}, json_pack("[iii]", 7, -1, 3),
                        json_pack("{sfsi}", "-1.0", 3.0, "3", 2),
                        "{\"-1\":3,\"3\":2,\"7\":1}");
    check_as_duplicates("truths", 2, (int[]){1, 2}, json_pack("[bb]", 0, 1),
                        json_pack("{si}", "true", 2), "{\"false\":1,\"true\":2}");
}

/* The same of a dataset; balanced inline is weights that make up for the counts. */
static bool table_upload(const char *name, const int *times) {
    static char text[8192];
    struct table_random random = {11};
    size_t n = (size_t)snprintf(text, sizeof text, "x,w,y\n");
    for (int i = 0; i < ROWS; i++) {
        struct row r = row_next(&random, i, 3);
        for (int t = 0; t < times[r.class]; t++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%.6f,%.6f,%c\n", r.x, r.w,
                                  'a' + r.class);
    }
    return upload_text(user, name, text);
}

static json_t *dataset_job(const char *dataset, json_t *weights) {
    json_t *job = settings(weights);
    json_object_update_new(
        job, json_pack("{ssssss}", "model", "tables", "dataset", dataset, "target", "y"));
    return job;
}

static void test_dataset(void) {
    struct reply weighed, repeated;
    if (!table_upload("once", once) || !table_upload("often", (int[]){2, 1, 4}) ||
        !job_train(user, dataset_job("once", json_pack("{sisi}", "a", 2, "c", 4)),
                   &weighed))
        return;
    if (job_train(user, dataset_job("often", NULL), &repeated)) {
        check_curves(&weighed, &repeated);
        CHECK(reply_number(weighed.json, "/hyperparameters/class_weight/c") == 4 &&
              reply_number(weighed.json, "/hyperparameters/class_weight/b") == 1);
        reply_free(&repeated);
    }
    reply_free(&weighed);
}

static void test_balanced(void) {
    struct reply balanced, given;
    json_t *labels = json_pack("[sss]", "a", "b", "c");
    const int times[] = {4, 1, 2};
    if (job_train(user,
                  table_job("balanced", data_of(3, times, labels),
                            settings(json_string("balanced"))),
                  &balanced) &&
        job_train(user,
                  table_job("balanced", data_of(3, times, labels),
                            settings(json_pack("{sfsisf}", "a", 0.25, "b", 1, "c", 0.5))),
                  &given)) {
        check_curves(&balanced, &given);
        reply_free(&balanced);
        reply_free(&given);
    }
    json_decref(labels);
}

/* Metrics count each row once: their log_loss is that of the predictions. */
static void test_metrics(void) {
    struct reply job, answer;
    json_t *labels = json_pack("[ss]", "a", "b");
    json_t *data = data_of(2, once, labels);
    if (job_train(
            user,
            table_job("metrics", json_incref(data), settings(json_pack("{si}", "a", 9))),
            &job)) {
        double sum = 0;
        client_post_json(user, &answer, "/predict",
                         json_pack("{sssO}", "model", "metrics", "instances",
                                   json_object_get(data, "features")));
        for (int i = 0; i < ROWS; i++) {
            char at[48];
            snprintf(at, sizeof at, "/probabilities/%d/%d", i, i % 2);
            sum -= log(reply_number(answer.json, at));
        }
        CHECK_NEAR(reply_number(job.json, "/metrics/training/log_loss"), sum / ROWS,
                   1e-5);
        CHECK(fabs(reply_number(job.json, "/cost") - sum / ROWS) > 0.05);
        reply_free(&answer);
        reply_free(&job);
    }
    json_decref(data);
    json_decref(labels);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    CHECK_RUN(test_inline);
    CHECK_RUN(test_dataset);
    CHECK_RUN(test_balanced);
    CHECK_RUN(test_metrics);
    daemon_close(&daemon_of_all);
    return check_done();
}
