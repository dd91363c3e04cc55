/* A job's checkpoints: listed, and published as versions of its model. */
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

static json_t *endless_job(const char *model) {
    return table_job(model, table_planar(200),
                     json_pack("{s[i]sIsisf}", "hidden_layers", 8, "epochs",
                               (json_int_t)1000000000, "seed", 1, "checkpoint_seconds",
                               0.05));
}

/* Publishes "N", "best" or "last", and checks the 201. */
static bool publish(const char *id, const char *which, struct reply *reply) {
    char verb[48], location[256], want[128];
    snprintf(verb, sizeof verb, "checkpoints/%s/publish", which);
    job_order(user, id, verb, reply);
    if (!CHECK_SAY(reply->status == 201, "%s: %ld %s", which, reply->status, reply->body))
        return false;
    snprintf(want, sizeof want, "/v1/models/%s/versions/%g",
             reply_text(reply->json, "/model"), reply_number(reply->json, "/version"));
    CHECK_TEXT(reply_header(reply, "Location", location), want);
    CHECK_TEXT(reply_text(reply->json, "/job"), id);
    CHECK(json_is_null(reply_at(reply->json, "/metrics")));
    return true;
}

static bool job_pause_and_wait(const char *id) {
    struct reply reply;
    job_order(user, id, "pause", &reply);
    reply_free(&reply);
    return job_wait_status(user, id, "paused", 5);
}

static void job_end(const char *id) {
    struct reply reply;
    job_cancel(user, id, &reply);
    reply_free(&reply);
    job_wait(user, id, "cancelled", 5, &reply);
    reply_free(&reply);
}

static void item_check(const json_t *item, double above) {
    CHECK(reply_number(item, "/number") > above);
    CHECK(reply_number(item, "/epochs_done") >= reply_number(item, "/epoch"));
    CHECK(reply_number(item, "/bytes") > 0);
    CHECK(json_is_number(reply_at(item, "/cost")));
    CHECK(json_is_null(reply_at(item, "/validation_cost")));
    CHECK(json_is_boolean(reply_at(item, "/best")));
    CHECK(json_is_boolean(reply_at(item, "/resumable")));
    CHECK(job_time_is_formed(reply_text(item, "/created_at")));
}

/* Oldest first; a best one, and at most two to go on from. */
static void test_list(void) {
    char id[JOB_ID_BYTES];
    struct reply reply, job;
    job_post(user, endless_job("listed"), id);
    CHECK(job_wait_running(user, id, 5));
    job_pause_and_wait(id);
    client_get(user, &reply, "/v1/jobs/%s/checkpoints", id);
    CHECK_TEXT(reply_text(reply.json, "/object"), "list");
    CHECK(json_is_false(reply_at(reply.json, "/has_more")));
    const json_t *list = reply_at(reply.json, "/data"), *last = NULL;
    double number = 0, best = 0, resumable = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        last = json_array_get(list, i);
        item_check(last, number);
        number = reply_number(last, "/number");
        best += json_is_true(reply_at(last, "/best"));
        resumable += json_is_true(reply_at(last, "/resumable"));
    }
    CHECK_SAY(best >= 1 && resumable >= 1 && resumable <= 2, "%s", reply.body);
    CHECK(json_is_true(reply_at(last, "/resumable")));
    client_get(user, &job, "/v1/jobs/%s", id);
    CHECK(reply_number(job.json, "/checkpoint") == number);
    reply_free(&job);
    reply_free(&reply);
    job_end(id);
}

/* A job that never had a worker has none. */
static void test_empty_list(void) {
    char first[JOB_ID_BYTES], id[JOB_ID_BYTES];
    struct reply reply;
    job_post(user, endless_job("first"), first);
    CHECK(job_wait_running(user, first, 5));
    job_post(user, endless_job("none"), id);
    client_get(user, &reply, "/v1/jobs/%s/checkpoints", id);
    CHECK(reply.status == 200 && json_is_array(reply_at(reply.json, "/data")) &&
          reply_count(reply.json, "/data") == 0);
    reply_free(&reply);
    job_order(user, id, "checkpoints/best/publish", &reply);
    CHECK_SAY(reply.status == 404, "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
    job_order(user, id, "checkpoints/last/publish", &reply);
    CHECK_SAY(reply.status == 404, "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
    job_end(id);
    job_end(first);
}

static void predict_check(const char *model, double version) {
    char path[96];
    struct reply reply;
    snprintf(path, sizeof path, "/predict?model=%s@%g", model, version);
    client_post(user, &reply, path, "{\"instances\":[[0.5,-0.25]]}");
    CHECK_SAY(reply.status == 200 && reply_count(reply.json, "/predictions") == 1,
              "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
}

/* Of a running, a paused and a cancelled job; the versions outlive it. */
static void test_publish(void) {
    char id[JOB_ID_BYTES], number[24], path[JOB_ID_BYTES + 16];
    struct reply reply, job;
    job_post(user, endless_job("published"), id);
    CHECK(job_wait_running(user, id, 5));
    double have = 0;
    for (int i = 0; i < 1000 && !(have >= 1); i++) {
        client_get(user, &job, "/v1/jobs/%s", id);
        have = reply_number(job.json, "/checkpoint");
        reply_free(&job);
        daemon_sleep_ms(5);
    }
    if (publish(id, "last", &reply))
        predict_check("published", 1);
    reply_free(&reply);

    job_pause_and_wait(id);
    client_get(user, &job, "/v1/jobs/%s", id);
    snprintf(number, sizeof number, "%g", reply_number(job.json, "/checkpoint"));
    if (publish(id, number, &reply)) {
        CHECK(reply_number(reply.json, "/version") == 2);
        CHECK(reply_number(reply.json, "/epochs") == reply_number(job.json, "/epoch"));
        predict_check("published", 2);
    }
    reply_free(&job);
    reply_free(&reply);

    job_end(id);
    if (publish(id, "best", &reply)) {
        CHECK(reply_number(reply.json, "/version") == 3);
        predict_check("published", 3);
    }
    reply_free(&reply);
    snprintf(path, sizeof path, "/v1/jobs/%s", id);
    client_call(user, &reply, "DELETE", path);
    CHECK_SAY(reply.status == 204, "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs/%s/checkpoints", id);
    CHECK(reply.status == 404);
    reply_free(&reply);
    predict_check("published", 3);
}

/* Trained on a scaled target, published in the target's own units: around a million. */
static void test_units(void) {
    enum { ROWS_N = 100 };
    char id[JOB_ID_BYTES];
    struct reply reply;
    char *csv = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&csv, &n);
    fprintf(out, "x,y\n");
    for (int i = 0; i < ROWS_N; i++)
        fprintf(out, "%d,%d\n", i, 1000000 + 10 * i);
    fclose(out);
    upload_text(user, "line", csv);
    free(csv);
    json_t *body =
        json_pack("{sssssss[]sIsisf}", "model", "line", "dataset", "line", "target", "y",
                  "hidden_layers", "epochs", (json_int_t)1000000000, "seed", 1,
                  "checkpoint_seconds", 0.05);
    job_post(user, body, id);
    CHECK(job_wait_running(user, id, 5));
    job_end(id);
    if (publish(id, "last", &reply)) {
        CHECK(reply_count(reply.json, "/columns") == 1);
        CHECK_TEXT(reply_text(reply.json, "/dataset"), "line");
    }
    reply_free(&reply);
    client_post(user, &reply, "/predict?model=line",
                "{\"instances\":[{\"x\":0},{\"x\":99}]}");
    for (int i = 0; i < 2; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/predictions/%d", i);
        double y = reply_number(reply.json, pointer);
        CHECK_SAY(y >= 1000000 - 1000 && y <= 1000990 + 1000, "%g: %s", y, reply.body);
    }
    reply_free(&reply);
}

/* The version that a job ends with and that of its best checkpoint are the same kind of
 * file: nothing of the trainer is left in it. */
static void test_no_state_left(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    json_t *job = endless_job("clean");
    json_object_set_new(job, "optimizer", json_string("adam"));
    job_post(user, job, id);
    CHECK(job_wait_running(user, id, 5));
    job_end(id);
    if (publish(id, "last", &reply)) {
        double bytes = reply_number(reply.json, "/bytes");
        reply_free(&reply);
        client_get(user, &reply, "/v1/models/clean/versions/1/export?format=safetensors");
        CHECK_SAY(reply.status == 200, "%ld", reply.status);
        CHECK(reply.body_n >= (size_t)bytes);
        CHECK(!memmem(reply.body, reply.body_n, "optimizer.state", 15));
    }
    reply_free(&reply);
}

int main(void) {
    if (!daemon_start(&daemon_of_all, NULL))
        return 1;
    CHECK_RUN(test_list);
    CHECK_RUN(test_empty_list);
    CHECK_RUN(test_publish);
    CHECK_RUN(test_units);
    CHECK_RUN(test_no_state_left);
    daemon_close(&daemon_of_all);
    return check_done();
}
