/* Which rows a job on a dataset learns from: those that are not held back, of a dataset
 * that is gone by then, of an older revision, of two files; and what they weigh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/mixed.h"
#include "tests/http/npy.h"
#include "tests/http/table.h"
#include "tests/http/terse.h"
#include "tests/http/upload.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

/* ---- the rows held back --------------------------------------------------------- */

static double confusion_sum(const json_t *json, const char *pointer) {
    double sum = 0;
    size_t i, j;
    json_t *row, *cell;
    json_array_foreach(reply_at(json, pointer), i, row) json_array_foreach(row, j, cell)
        sum += json_number_value(cell);
    return sum;
}

static json_t *split_metrics(int seed, json_t **points) {
    struct reply job, history;
    json_t *metrics = NULL;
    if (terse_train(user, &job,
                    "{'model':'split','dataset':'mixed','target':'kind',"
                    "'features':['colour','size'],'validation_split':0.25,'epochs':20,"
                    "'seed':%d}",
                    seed)) {
        metrics = json_incref(reply_at(job.json, "/metrics"));
        client_get(user, &history, "/v1/jobs/%s/history", reply_text(job.json, "/id"));
        *points = json_incref(reply_at(history.json, "/data"));
        reply_free(&history);
    }
    reply_free(&job);
    return metrics;
}

static void test_validation_split(void) {
    json_t *points[3] = {NULL}, *metrics[3];
    static const int seeds[] = {4, 4, 5};
    for (int i = 0; i < 3; i++)
        metrics[i] = split_metrics(seeds[i], &points[i]);
    if (!CHECK(metrics[0] && metrics[1] && metrics[2] && points[0]))
        return;
    CHECK(confusion_sum(metrics[0], "/training/confusion_matrix") == 120);
    CHECK(confusion_sum(metrics[0], "/validation/confusion_matrix") == 40);
    CHECK(reply_number(metrics[0], "/validation/roc_auc") > 0.8);
    CHECK(json_equal(metrics[0], metrics[1]));
    CHECK(!json_equal(metrics[0], metrics[2]));
    CHECK(json_equal(points[0], points[1]));
    CHECK(json_array_size(points[0]) == 21);
    size_t i;
    json_t *point;
    json_array_foreach(points[0], i, point)
        CHECK(reply_number(point, "/validation_cost") > 0);
    /* The last cost is the log loss of the rows that were held back. */
    CHECK_NEAR(reply_number(points[0], "/20/validation_cost"),
               reply_number(metrics[0], "/validation/log_loss"), 1e-5);
    for (i = 0; i < 3; i++) {
        json_decref(points[i]);
        json_decref(metrics[i]);
    }
}

/* The rows of another dataset: its columns by name, in any order, its classes among ours.
 */
static void test_validation_dataset(void) {
    struct reply job, curve;
    upload_text(user, "fit", "x,w,y\n0,5,a\n1,6,a\n2,5,a\n8,6,b\n9,5,b\n10,6,b\n");
    upload_text(user, "held", "y,x,extra,w\na,1.5,1,5\nb,8.5,2,5\nb,9.5,3,6\n");
    upload_text(user, "other-classes", "x,w,y\n0,5,a\n1,6,c\n");
    upload_text(user, "other-columns", "x,y\n0,a\n1,b\n");
    upload_text(user, "other-types", "x,w,y\nlow,5,a\nhigh,6,b\n");
    if (terse_train(user, &job,
                    "{'model':'v','dataset':'fit','target':'y','seed':1,'epochs':50,"
                    "'validation_dataset':'held'}")) {
        CHECK(confusion_sum(job.json, "/metrics/validation/confusion_matrix") == 3);
        CHECK(reply_number(job.json, "/metrics/validation/accuracy") == 1);
        terse_equal(job.json, "/hyperparameters/validation_dataset", "'held'");
        client_get(user, &curve, "/v1/jobs/%s/history", reply_text(job.json, "/id"));
        CHECK_NEAR(reply_number(curve.json, "/data/50/validation_cost"),
                   reply_number(job.json, "/metrics/validation/log_loss"), 1e-5);
        reply_free(&curve);
    }
    reply_free(&job);
#define HELD(other)                                                                      \
    "{'model':'v','dataset':'fit','target':'y','validation_dataset':'" other "'}"
    terse_refused(user, "/validation_dataset", "none of the classes",
                  HELD("other-classes"));
    terse_refused(user, "/validation_dataset", "no column \"w\"", HELD("other-columns"));
    terse_refused(user, "/validation_dataset", "is category, not number",
                  HELD("other-types"));
    terse_refused(user, "/validation_dataset", "not both",
                  "{'model':'v','dataset':'fit','target':'y','validation_split':0.5,"
                  "'validation_dataset':'held'}");
}

/* One in ten, not separable: balanced weights find more of them. */
static void test_class_weight(void) {
    char text[8192] = "x,y\n";
    struct table_random random = {7};
    struct reply none, balanced;
    for (int i = 0; i < 300; i++) {
        size_t at = strlen(text);
        int rare = i % 10 == 0;
        snprintf(text + at, sizeof text - at, "%.3f,%s\n", table_normal(&random) + rare,
                 rare ? "rare" : "common");
    }
    upload_text(user, "rare", text);
    bool ok = terse_train(user, &none,
                          "{'model':'r','dataset':'rare','target':'y','seed':1,"
                          "'hidden_layers':[],'epochs':60}");
    ok &= terse_train(user, &balanced,
                      "{'model':'r','dataset':'rare','target':'y','seed':1,"
                      "'hidden_layers':[],'epochs':60,'class_weight':'balanced'}");
    double without = reply_number(none.json, "/metrics/training/confusion_matrix/1/1"),
           with = reply_number(balanced.json, "/metrics/training/confusion_matrix/1/1");
    CHECK_SAY(ok && without < 5 && with > 15, "%g without, %g with", without, with);
    reply_free(&none);
    reply_free(&balanced);
    terse_refused(user, "/class_weight", "",
                  "{'model':'r','dataset':'rare','target':'y','class_weight':'even'}");
}

/* ---- datasets come and go ------------------------------------------------------- */

static void test_job_outlives_dataset(void) {
    struct reply reply, second;
    char first[JOB_ID_BYTES], id[JOB_ID_BYTES];
    upload_text(user, "gone", "a,y\n1,no\n2,no\n3,yes\n4,yes\n");
    /* The first keeps the worker busy until the dataset is away. */
    json_t *busy = json_pack("{ssssss si}", "model", "busy", "dataset", "gone", "target",
                             "y", "epochs", 100000000);
    json_t *job = json_pack("{ssssss si}", "model", "late", "dataset", "gone", "target",
                            "y", "epochs", 10);
    bool ok = job_post(user, busy, first) && job_post(user, job, id);
    client_call(user, &reply, "DELETE", "/v1/datasets/gone");
    CHECK_SAY(reply.status == 204 || reply.status == 200, "%ld", reply.status);
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs/%s", id);
    CHECK_TEXT(reply_text(reply.json, "/status"), "queued");
    reply_free(&reply);
    job_cancel(user, first, &reply);
    reply_free(&reply);
    CHECK(ok && job_wait(user, id, "succeeded", 20, &second));
    reply_free(&second);
    client_post_json(
        user, &reply, "/v1/jobs",
        json_pack("{ssssss}", "model", "late", "dataset", "gone", "target", "y"));
    CHECK_SAY(reply.status == 404 &&
                  strcmp(reply_text(reply.json, "/error/param"), "/dataset") == 0,
              "%ld %s", reply.status, reply.body);
    reply_free(&reply);
}

static void test_revisions(void) {
    struct reply job;
    upload_text(user, "twice", "a,y\n1,no\n2,no\n3,yes\n4,yes\n");
    upload_text(user, "twice", "b,z\n1,1.5\n2,2.5\n3,3.5\n");
    if (terse_train(user, &job,
                    "{'model':'old','dataset':'twice@1','target':'y','epochs':2}")) {
        CHECK(reply_number(job.json, "/hyperparameters/table/revision") == 1);
        CHECK(reply_number(job.json, "/hyperparameters/samples") == 4);
    }
    reply_free(&job);
    if (terse_train(user, &job,
                    "{'model':'new','dataset':'twice','target':'z','epochs':2}"))
        CHECK(reply_number(job.json, "/hyperparameters/table/revision") == 2);
    reply_free(&job);
    terse_refused(user, "/target", "\"y\"",
                  "{'model':'m','dataset':'twice','target':'y'}");
    terse_refused(user, "/dataset", "", "{'model':'m','dataset':'twice@0','target':'y'}");
    terse_refused(user, "/dataset", "",
                  "{'model':'m','dataset':'twice@one','target':'y'}");
}

/* Uploads an array as an npy file. */
static void array_put(const char *name, const char *type, const char *shape,
                      const void *data, size_t data_n, bool fortran) {
    size_t n;
    char *file = npy_new(type, fortran, shape, data, data_n, &n);
    upload_bytes(user, name, file, n);
    free(file);
}

enum { ROWS = 80 };

/* The same features one column behind the other are the same table. */
static void check_turned(float X[ROWS][3], const struct reply *straight) {
    static float columns[3][ROWS];
    struct reply job;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < 3; j++)
            columns[j][i] = X[i][j];
    array_put("arrays/features", "<f4", "(80, 3)", columns, sizeof columns, true);
    if (terse_train(user, &job,
                    "{'model':'turned','dataset':'arrays','seed':1,"
                    "'validation_split':0.25}"))
        CHECK(json_equal(reply_at(job.json, "/metrics"),
                         reply_at(straight->json, "/metrics")) &&
              json_equal(reply_at(job.json, "/cost"), reply_at(straight->json, "/cost")));
    reply_free(&job);
}

static void test_two_files(void) {
    static float X[ROWS][3];
    static int64_t y[ROWS];
    struct table_random random = {8};
    struct reply job, got;
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < 3; j++)
            X[i][j] = (float)table_normal(&random);
        y[i] = X[i][0] + X[i][1] > 0 ? 7 : 3;
    }
    array_put("arrays/features", "<f4", "(80, 3)", X, sizeof X, false);
    client_post_json(user, &got, "/v1/jobs",
                     json_pack("{ssss}", "model", "arrays", "dataset", "arrays"));
    CHECK_SAY(got.status == 409 || got.status == 400, "%ld %s", got.status, got.body);
    reply_free(&got);
    array_put("arrays/targets", "<i8", "(80,)", y, sizeof y, false);
    if (terse_train(user, &job,
                    "{'model':'arrays','dataset':'arrays','seed':1,"
                    "'validation_split':0.25}")) {
        terse_equal(job.json, "/hyperparameters/classes", "[3,7]");
        CHECK(reply_number(job.json, "/metrics/training/accuracy") >= 0.97);
        CHECK(reply_number(job.json, "/metrics/validation/accuracy") >= 0.85);
        check_turned(X, &job);
    }
    reply_free(&job);
    CHECK(
        terse_predict(user, &got, "{'model':'arrays','instances':[[1,1,0],[-1,-1,0]]}"));
    terse_equal(got.json, "/predictions", "[7,3]");
    reply_free(&got);
    CHECK(terse_predict(user, &got,
                        "{'model':'arrays','instances':[{'2':0,'1':1,'0':1}]}"));
    terse_equal(got.json, "/predictions", "[7]");
    reply_free(&got);
}

static void test_digits(void) {
    struct reply job;
    if (upload_file(user, "digits", "tests/data/digits.csv") &&
        terse_train(user, &job,
                    "{'model':'digits','dataset':'digits','target':'digit','seed':1,"
                    "'epochs':30,'batch_size':32,'validation_split':0.2}")) {
        CHECK(reply_number(job.json, "/metrics/validation/accuracy") >= 0.93);
        CHECK(confusion_sum(job.json, "/metrics/validation/confusion_matrix") >= 355);
        CHECK(reply_count(job.json, "/metrics/validation/confusion_matrix") == 10);
        reply_free(&job);
    }
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL) || !mixed_put(user, "mixed"))
        return 1;
    CHECK_RUN(test_validation_split);
    CHECK_RUN(test_validation_dataset);
    CHECK_RUN(test_class_weight);
    CHECK_RUN(test_job_outlives_dataset);
    CHECK_RUN(test_revisions);
    CHECK_RUN(test_two_files);
    CHECK_RUN(test_digits);
    daemon_close(&daemon_of_all);
    return check_done();
}
