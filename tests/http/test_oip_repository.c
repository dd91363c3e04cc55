/* The model repository and statistics extensions of the Open Inference Protocol V2. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon daemon_of_all;
static struct client *const user = &daemon_of_all.client;

static const char infer_two[] =
    "{\"inputs\":[{\"name\":\"input\",\"shape\":[2,2],\"datatype\":\"FP32\","
    "\"data\":[1,2,3,4]}]}";
static const char predict_a[] = "{\"model\":\"a\",\"instances\":[[1,2],[3,4]]}";

static bool model_train(const char *name) {
    return job_train(
        user, table_job(name, table_planar(20), json_pack("{si}", "epochs", 20)), NULL);
}

static bool post(struct reply *reply, long status, const char *path, const char *body) {
    struct request request = {
        .method = "POST", .path = path, .body = body, .body_n = body ? strlen(body) : 0};
    return CHECK_SAY(client_send(user, &request, reply), "%s: no answer", path) &&
           CHECK_SAY(reply->status == status, "%s: %ld, not %ld: %s", path, reply->status,
                     status, reply->body);
}

static void check_status(long status, const char *path, const char *body) {
    struct reply reply;
    if (body ? post(&reply, status, path, body)
             : CHECK_SAY(client_get(user, &reply, "%s", path), "%s: no answer", path) &&
                   CHECK_SAY(reply.status == status, "%s: %ld, not %ld: %s", path,
                             reply.status, status, reply.body))
        CHECK(status < 400 ||
              (json_object_size(reply.json) == 1 && *reply_text(reply.json, "/error")));
    reply_free(&reply);
}

/* ---- repository ----------------------------------------------------------------- */

static void check_index(const char *body, const char *want) {
    json_t *expected = json_loads(want, 0, NULL);
    struct reply reply;
    if (post(&reply, 200, "/v2/repository/index", body))
        CHECK_SAY(json_equal(reply.json, expected), "%s, not %s", reply.body, want);
    reply_free(&reply);
    json_decref(expected);
}

#define READY(name, version)                                                             \
    "{\"name\":\"" name "\",\"version\":\"" version                                      \
    "\",\"state\":\"READY\",\"reason\":\"\"}"

/* Name, version, state and reason; the body may be absent, empty or a document. */
static void test_index(void) {
    static const char all[] = "[" READY("a", "1") "," READY("b", "2") "]";
    check_index(NULL, all);
    check_index("", all);
    check_index(" \n", all);
    check_index("{}", all);
    check_index("{\"ready\":false}", all);
    check_index("{\"ready\":true}", all);
    check_status(400, "/v2/repository/index", "{\"ready\":1}");
    check_status(400, "/v2/repository/index", "{\"read\":true}");
    check_status(400, "/v2/repository/index", "[]");
    check_status(405, "/v2/repository/index", NULL);
}

/* Unloading closes the model's routes under /v2, and those alone, until it is loaded. */
static void test_unload_and_load(void) {
    struct reply reply;
    check_status(200, "/v2/models/a/infer", infer_two);
    check_status(200, "/v2/models/a/ready", NULL);
    if (post(&reply, 200, "/v2/repository/models/a/unload",
             "{\"parameters\":{\"unload_dependents\":false}}"))
        CHECK_TEXT(reply.body, "{\"name\":\"a\",\"unload\":true}\n");
    reply_free(&reply);
    client_get(user, &reply, "/metrics");
    CHECK_SAY(reply_metric(&reply, "descentd_models_in_memory") == 0, "%g",
              reply_metric(&reply, "descentd_models_in_memory"));
    reply_free(&reply);
    for (int i = 0; i < 2; i++) {
        check_status(503, "/v2/models/a/ready", NULL);
        check_status(503, "/v2/models/a/versions/1/ready", NULL);
        check_status(503, "/v2/models/a", NULL);
        check_status(503, "/v2/models/a/infer", infer_two);
        check_status(503, "/v2/models/a@1/infer", infer_two);
        /* Whoever did not ask for that is not touched, and opens nothing. */
        check_status(200, "/predict", predict_a);
        check_status(200, "/v2/models/b/infer", infer_two);
    }
    check_index("{\"ready\":true}", "[" READY("b", "2") "]");
    check_index(NULL, "[{\"name\":\"a\",\"version\":\"1\",\"state\":\"UNAVAILABLE\","
                      "\"reason\":\"unloaded\"}," READY("b", "2") "]");
    check_status(200, "/v2/repository/models/a/unload", ""); /* again: as it is */
    if (post(&reply, 200, "/v2/repository/models/a/load", NULL))
        CHECK_TEXT(reply.body, "{\"name\":\"a\",\"load\":true}\n");
    reply_free(&reply);
    check_status(200, "/v2/models/a/ready", NULL);
    check_status(200, "/v2/models/a/infer", infer_two);
    check_status(200, "/v2/repository/models/a/load", "{\"parameters\":{}}");
}

static void test_load_refused(void) {
    check_status(404, "/v2/repository/models/nobody/load", "{}");
    check_status(404, "/v2/repository/models/nobody/unload", "{}");
    check_status(400, "/v2/repository/models/a@1/load", "{}");
    check_status(400, "/v2/repository/models/a/load",
                 "{\"parameters\":{\"config\":\"{}\"}}");
    check_status(400, "/v2/repository/models/a/load", "{\"parameters\":7}");
    check_status(400, "/v2/repository/models/a/unload",
                 "{\"parameters\":{\"unload_dependents\":1}}");
    check_status(200, "/v2/models/a/ready", NULL);
}

/* ---- statistics ----------------------------------------------------------------- */

static bool stats(struct reply *reply, const char *path) {
    return CHECK_SAY(client_get(user, reply, "%s", path), "%s: no answer", path) &&
           CHECK_SAY(reply->status == 200, "%s: %ld %s", path, reply->status,
                     reply->body);
}

/* A statistic of the first entry whose "path" is that. */
static double of(const struct reply *reply, const char *path) {
    char pointer[128];
    snprintf(pointer, sizeof pointer, "/model_stats/0/%s", path);
    return reply_number(reply->json, pointer);
}

static const char *const durations[] = {
    "success",       "fail",           "queue",     "compute_input",
    "compute_infer", "compute_output", "cache_hit", "cache_miss"};

/* Requests, rows, passes and times of each version, whichever route asked. */
static void test_statistics(void) {
    struct reply before, after;
    char path[64];
    if (!stats(&before, "/v2/models/b/versions/2/stats"))
        return;
    CHECK_TEXT(reply_text(before.json, "/model_stats/0/name"), "b");
    CHECK_TEXT(reply_text(before.json, "/model_stats/0/version"), "2");
    check_status(200, "/v2/models/b/infer", infer_two);
    check_status(200, "/predict", "{\"model\":\"b\",\"instances\":[[1,2]]}");
    check_status(400, "/v2/models/b/infer",
                 "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1],\"datatype\":\"FP32\","
                 "\"data\":[1]}]}");
    if (!stats(&after, "/v2/models/b/versions/2/stats"))
        return;
    CHECK(of(&after, "inference_count") == of(&before, "inference_count") + 3);
    CHECK(of(&after, "execution_count") == of(&before, "execution_count") + 2);
    CHECK(of(&after, "inference_stats/success/count") ==
          of(&before, "inference_stats/success/count") + 2);
    CHECK(of(&after, "inference_stats/fail/count") ==
          of(&before, "inference_stats/fail/count") + 1);
    CHECK(of(&after, "inference_stats/compute_infer/count") ==
          of(&after, "execution_count"));
    CHECK(of(&after, "inference_stats/success/ns") >
          of(&after, "inference_stats/compute_infer/ns"));
    CHECK(of(&after, "inference_stats/compute_infer/ns") >
          of(&before, "inference_stats/compute_infer/ns"));
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        snprintf(path, sizeof path, "inference_stats/%s/ns", durations[i]);
        CHECK_SAY(of(&after, path) >= 0, "%s", durations[i]);
    }
    double age = (double)time(NULL) * 1000 - of(&after, "last_inference");
    CHECK_SAY(age > -2000 && age < 60000, "%g ms", age);
    double passes = 0;
    json_t *batch;
    size_t i;
    json_array_foreach(reply_at(after.json, "/model_stats/0/batch_stats"), i, batch) {
        double size = reply_number(batch, "/batch_size");
        CHECK(size == 1 || size == 2);
        passes += reply_number(batch, "/compute_infer/count");
    }
    CHECK(passes == of(&after, "execution_count"));
    reply_free(&before);
    reply_free(&after);
}

/* All versions of a model, also those that were never asked; and of all models. */
static void test_statistics_of_all(void) {
    struct reply reply;
    if (stats(&reply, "/v2/models/b/stats")) {
        CHECK(reply_count(reply.json, "/model_stats") == 2);
        CHECK_TEXT(reply_text(reply.json, "/model_stats/0/version"), "2");
        CHECK_TEXT(reply_text(reply.json, "/model_stats/1/version"), "1");
        CHECK(reply_number(reply.json, "/model_stats/1/inference_count") == 0);
        CHECK(reply_number(reply.json, "/model_stats/1/last_inference") == 0);
    }
    reply_free(&reply);
    if (stats(&reply, "/v2/models/stats")) {
        CHECK(reply_count(reply.json, "/model_stats") == 2);
        CHECK_TEXT(reply_text(reply.json, "/model_stats/0/name"), "a");
        CHECK_TEXT(reply_text(reply.json, "/model_stats/1/name"), "b");
    }
    reply_free(&reply);
    check_status(404, "/v2/models/nobody/stats", NULL);
    check_status(404, "/v2/models/b/versions/3/stats", NULL);
    check_status(400, "/v2/models/b/versions/0/stats", NULL);
}

/* They are kept while a version comes and goes. */
static void test_statistics_stay(void) {
    struct reply before, after;
    check_status(200, "/v2/models/a/infer", infer_two);
    if (stats(&before, "/v2/models/a/versions/1/stats")) {
        check_status(200, "/v2/repository/models/a/unload", "");
        check_status(200, "/v2/repository/models/a/load", "");
        check_status(200, "/v2/models/a/infer", infer_two);
        if (stats(&after, "/v2/models/a/versions/1/stats"))
            CHECK(of(&after, "inference_count") == of(&before, "inference_count") + 2);
        reply_free(&after);
    }
    reply_free(&before);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    if (model_train("a") && model_train("b") && model_train("b")) {
        CHECK_RUN(test_index);
        CHECK_RUN(test_unload_and_load);
        CHECK_RUN(test_load_refused);
        CHECK_RUN(test_statistics);
        CHECK_RUN(test_statistics_of_all);
        CHECK_RUN(test_statistics_stay);
    }
    daemon_close(&daemon_of_all);
    return check_done();
}
