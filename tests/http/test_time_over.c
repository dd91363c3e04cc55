/* Trainings that end by the clock or by somebody's word, far from the next point of their
 * curve: what they have learnt by then is told, and is what is published. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon d;
static struct client *const user = &d.client;

/* A job that nobody waits for to the end, with more members. */
static json_t *endless(const char *model, const char *rest) {
    json_t *job = table_job(model, table_planar(2000), json_loads(rest, 0, NULL));
    json_object_set_new(job, "epochs", json_integer(1000000000));
    json_object_set_new(job, "hidden_layers", json_pack("[i]", 20));
    json_object_set_new(job, "activation", json_string("tanh"));
    json_object_set_new(job, "learning_rate", json_real(0.05));
    return job;
}

/* The last point of a job's curve is that of its last epoch. */
static void check_last_point(const json_t *job) {
    struct reply curve;
    char pointer[64];
    client_get(user, &curve, "/v1/jobs/%s/history", reply_text(job, "/id"));
    size_t n = reply_count(curve.json, "/data");
    if (!CHECK_SAY(n >= 2, "%zu points", n)) {
        reply_free(&curve);
        return;
    }
    snprintf(pointer, sizeof pointer, "/data/%zu/epoch", n - 1);
    CHECK_SAY(reply_number(curve.json, pointer) == reply_number(job, "/epoch"),
              "%g, not %g", reply_number(curve.json, pointer),
              reply_number(job, "/epoch"));
    snprintf(pointer, sizeof pointer, "/data/%zu/cost", n - 1);
    CHECK(reply_number(curve.json, pointer) == reply_number(job, "/cost"));
    reply_free(&curve);
}

static double first_cost(const json_t *job) {
    struct reply curve;
    client_get(user, &curve, "/v1/jobs/%s/history", reply_text(job, "/id"));
    double cost = reply_number(curve.json, "/data/0/cost");
    reply_free(&curve);
    return cost;
}

/* The version that the job has published is of what it has learnt. */
static void check_published(const json_t *job) {
    struct reply model;
    client_get(user, &model, "/v1/models/%s", reply_text(job, "/model"));
    CHECK_SAY(reply_number(model.json, "/epochs") >= 1 &&
                  reply_number(model.json, "/cost") < 0.95 * first_cost(job),
              "%s", model.body);
    reply_free(&model);
}

static void over_by_the_clock(const char *model, const char *rest) {
    struct reply job;
    if (!job_train(user, endless(model, rest), &job))
        return;
    CHECK_TEXT(reply_text(job.json, "/stop_reason"), "max_runtime");
    CHECK_SAY(reply_number(job.json, "/epoch") >= 1, "%s", job.body);
    double log_loss = reply_number(job.json, "/metrics/training/log_loss");
    CHECK_SAY(fabs(reply_number(job.json, "/cost") - log_loss) < 0.05, "%g, %g",
              reply_number(job.json, "/cost"), log_loss);
    check_last_point(job.json);
    check_published(job.json);
    reply_free(&job);
}

static void time_is_over(void) {
    over_by_the_clock("whole", "{\"max_runtime_seconds\":0.5,\"early_stopping\":true}");
    over_by_the_clock("plain", "{\"max_runtime_seconds\":0.5}");
    over_by_the_clock("batches", "{\"max_runtime_seconds\":0.5,\"batch_size\":16,"
                                 "\"early_stopping\":true}");
}

/* Rows that are held back are judged by at that moment, too. */
static void held_back(void) {
    struct reply job;
    if (!job_train(user,
                   endless("held", "{\"max_runtime_seconds\":0.5,\"batch_size\":16,"
                                   "\"validation_split\":0.3,\"early_stopping\":true}"),
                   &job))
        return;
    check_last_point(job.json);
    check_published(job.json);
    reply_free(&job);
}

/* An epoch that the time does not suffice for has taught something all the same. Where
 * others have the processors the first cost alone may take that time, but not always. */
static void within_the_first_epoch(void) {
    enum { ROWS = 6000, TRIES = 8 };
    double log_loss = 1, first = 0;
    for (int i = 0; i < TRIES && !(log_loss < first); i++) {
        struct reply job;
        json_t *rest = json_loads("{\"batch_size\":1,\"epochs\":50,\"seed\":1,"
                                  "\"hidden_layers\":[600,600],\"learning_rate\":0.003,"
                                  "\"max_runtime_seconds\":0.4,\"early_stopping\":true}",
                                  0, NULL);
        if (!job_train(user, table_job("long", table_planar(ROWS), rest), &job))
            return;
        CHECK_SAY(reply_number(job.json, "/epoch") == 0, "%g epochs",
                  reply_number(job.json, "/epoch"));
        log_loss = reply_number(job.json, "/metrics/training/log_loss");
        first = 0.98 * first_cost(job.json);
        reply_free(&job);
    }
    CHECK_SAY(log_loss < first, "%g, then %g", first, log_loss);
}

/* Cancel, then publish the best: what README says of a training that was long enough. */
static void cancelled(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    if (!job_post(user, endless("off", "{}"), id) || !job_wait_running(user, id, 10))
        return;
    daemon_sleep_ms(500);
    job_cancel(user, id, &reply);
    reply_free(&reply);
    if (job_wait(user, id, "cancelled", 20, &reply))
        check_last_point(reply.json);
    double first = first_cost(reply.json);
    reply_free(&reply);
    char path[128];
    snprintf(path, sizeof path, "/v1/jobs/%s/checkpoints/best/publish", id);
    client_call(user, &reply, "POST", path);
    CHECK_SAY(reply.status == 201 || reply.status == 200, "%ld %s", reply.status,
              reply.body);
    CHECK_SAY(reply_number(reply.json, "/epochs") >= 1 &&
                  reply_number(reply.json, "/cost") < first,
              "%s", reply.body);
    reply_free(&reply);
}

/* A pause is no end: the curve has the points that it would have had. */
static void paused(void) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    if (!job_post(user, endless("on", "{}"), id) || !job_wait_running(user, id, 10))
        return;
    daemon_sleep_ms(200);
    char path[128];
    snprintf(path, sizeof path, "/v1/jobs/%s/pause", id);
    client_call(user, &reply, "POST", path);
    reply_free(&reply);
    job_wait(user, id, "paused", 20, &reply);
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs/%s/history", id);
    CHECK_SAY(reply_count(reply.json, "/data") == 1, "%s", reply.body);
    reply_free(&reply);
    job_cancel(user, id, &reply);
    reply_free(&reply);
}

int main(void) {
    if (!daemon_start(&d, NULL))
        return 1;
    CHECK_RUN(time_is_over);
    CHECK_RUN(held_back);
    CHECK_RUN(within_the_first_epoch);
    CHECK_RUN(cancelled);
    CHECK_RUN(paused);
    daemon_close(&d);
    return check_done();
}
