/* Jobs that are paused, resumed, cancelled and deleted, waiting and running, and what a
 * job says of its end. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

static struct daemon idle, busy; /* without workers, and with one */

/* A job that would run for hours. */
static json_t *endless_job(const char *model, int priority) {
    return table_job(model, table_planar(200),
                     json_pack("{s[i]sIsisi}", "hidden_layers", 8, "epochs",
                               (json_int_t)1000000000, "seed", 1, "priority", priority));
}

/* Gives an order and checks the answer: its HTTP status and the job's. */
static void order_check(struct client *user, const char *id, const char *verb,
                        long http_status, const char *status) {
    struct reply reply;
    job_order(user, id, verb, &reply);
    CHECK_SAY(reply.status == http_status, "%s: %ld %s", verb, reply.status, reply.body);
    if (http_status == 200)
        CHECK_TEXT(reply_text(reply.json, "/status"), status);
    else
        CHECK_SAY(strstr(reply_text(reply.json, "/error/message"), status), "%s: %s",
                  verb, reply.body);
    reply_free(&reply);
}

static void delete_check(struct client *user, const char *id, long http_status,
                         const char *message) {
    char path[JOB_ID_BYTES + 16];
    struct reply reply;
    snprintf(path, sizeof path, "/v1/jobs/%s", id);
    client_call(user, &reply, "DELETE", path);
    CHECK_SAY(reply.status == http_status &&
                  strstr(reply_text(reply.json, "/error/message"), message),
              "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
}

static size_t listed(struct client *user, const char *status, const char *model) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs?status=%s&model=%s", status, model);
    size_t n = reply_count(reply.json, "/data");
    reply_free(&reply);
    return n;
}

static void test_queued_job(void) {
    struct client *user = &idle.client;
    char id[JOB_ID_BYTES];
    struct reply reply;
    job_post(user, endless_job("waits", 7), id);
    client_get(user, &reply, "/v1/jobs/%s", id);
    CHECK(reply_number(reply.json, "/priority") == 7);
    CHECK(reply_number(reply.json, "/attempts") == 0);
    CHECK(reply_number(reply.json, "/memory_bytes") > 0);
    CHECK(json_is_null(reply_at(reply.json, "/checkpoint")));
    CHECK(json_is_false(reply_at(reply.json, "/pause_requested")));
    reply_free(&reply);
    delete_check(user, id, 409, "queued");
    order_check(user, id, "resume", 200, "queued");
    order_check(user, id, "pause", 200, "paused");
    order_check(user, id, "pause", 200, "paused");
    CHECK(listed(user, "paused", "waits") == 1);
    CHECK(listed(user, "queued", "waits") == 0);
    delete_check(user, id, 409, "paused");
    order_check(user, id, "resume", 200, "queued");
    CHECK(listed(user, "paused", "waits") == 0);
    CHECK(listed(user, "queued", "waits") == 1);
    order_check(user, id, "pause", 200, "paused");
    order_check(user, id, "cancel", 200, "cancelled");
    order_check(user, id, "cancel", 200, "cancelled");
    order_check(user, id, "pause", 409, "cancelled");
    order_check(user, id, "resume", 409, "cancelled");
}

static void test_delete(void) {
    struct client *user = &idle.client;
    char id[JOB_ID_BYTES];
    struct reply reply;
    job_post(user, endless_job("goes", 0), id);
    order_check(user, id, "cancel", 200, "cancelled");
    delete_check(user, id, 204, "");
    client_get(user, &reply, "/v1/jobs/%s", id);
    CHECK(reply.status == 404);
    reply_free(&reply);
    client_get(user, &reply, "/v1/jobs/%s/history", id);
    CHECK(reply.status == 404);
    reply_free(&reply);
    CHECK(listed(user, "cancelled", "goes") == 0);
    delete_check(user, id, 404, id);
}

/* Who waits for the end of a job goes on waiting. */
static void test_pause_is_no_end(void) {
    struct client *user = &idle.client;
    char id[JOB_ID_BYTES];
    struct reply reply;
    job_post(user, endless_job("waited", 0), id);
    order_check(user, id, "pause", 200, "paused");
    client_get(user, &reply, "/v1/jobs/%s?wait=0.2", id);
    CHECK_TEXT(reply_text(reply.json, "/status"), "paused");
    CHECK_SAY(reply.seconds >= 0.19, "%g s", reply.seconds);
    reply_free(&reply);
    order_check(user, id, "cancel", 200, "cancelled");
}

/* A pause frees the worker, keeps what was done, and a resumed job goes on from there. */
static void test_running_job(void) {
    struct client *user = &busy.client;
    char id[JOB_ID_BYTES], other[JOB_ID_BYTES];
    struct reply reply;
    job_post(user, endless_job("runs", 0), id);
    CHECK(job_wait_running(user, id, 5));
    delete_check(user, id, 409, "running");
    order_check(user, id, "resume", 200, "running");
    job_order(user, id, "pause", &reply);
    CHECK_SAY(reply.status == 200, "%ld: %s", reply.status, reply.body);
    CHECK(json_is_true(reply_at(reply.json, "/pause_requested")) ||
          strcmp(reply_text(reply.json, "/status"), "paused") == 0);
    reply_free(&reply);
    if (!job_wait_status(user, id, "paused", 5))
        return;
    client_get(user, &reply, "/v1/jobs/%s", id);
    double done = reply_number(reply.json, "/epoch");
    CHECK(done >= 1);
    CHECK(reply_number(reply.json, "/checkpoint") >= 1);
    CHECK(json_is_null(reply_at(reply.json, "/estimated_finish")));
    CHECK(json_is_false(reply_at(reply.json, "/pause_requested")));
    reply_free(&reply);

    job_post(user, endless_job("runs", 0), other);
    CHECK(job_wait_running(user, other, 5));
    CHECK(job_number(user, id, "/epoch") == done);
    order_check(user, id, "resume", 200, "queued");
    job_cancel(user, other, &reply);
    reply_free(&reply);
    if (job_wait_status(user, id, "running", 5)) {
        CHECK(job_number(user, id, "/epoch") >= done);
        client_get(user, &reply, "/v1/jobs/%s", id);
        CHECK(reply_number(reply.json, "/attempts") == 2);
        reply_free(&reply);
    }
    job_cancel(user, id, &reply);
    reply_free(&reply);
    job_wait(user, id, "cancelled", 5, &reply);
    reply_free(&reply);
}

/* Of two that wait the one of more priority is next, though it came later. */
static void test_priority(void) {
    struct client *user = &busy.client;
    char first[JOB_ID_BYTES], low[JOB_ID_BYTES], high[JOB_ID_BYTES];
    struct reply reply;
    job_post(user, endless_job("first", 0), first);
    CHECK(job_wait_running(user, first, 5));
    job_post(user, endless_job("low", -1), low);
    job_post(user, endless_job("high", 1), high);
    job_cancel(user, first, &reply);
    reply_free(&reply);
    CHECK(job_wait_running(user, high, 5));
    order_check(user, low, "cancel", 200, "cancelled");
    job_cancel(user, high, &reply);
    reply_free(&reply);
    job_wait(user, high, "cancelled", 5, &reply);
    reply_free(&reply);
}

/* Whether a process has a handler for the signal that breaks come by. */
static bool takes_breaks(pid_t pid) {
    char path[64], line[256];
    unsigned long long caught = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "SigCgt: %llx", &caught);
    if (CHECK_SAY(f, "%s", path))
        fclose(f);
    return caught >> SIGRTMIN & 1; /* of SIGRTMIN + 1 */
}

/* The worker does while it trains; the server never does. */
static void test_breaks(void) {
    struct client *user = &busy.client;
    char id[JOB_ID_BYTES];
    struct reply reply;
    pid_t workers[DAEMON_WORKERS_MAX];
    job_post(user, endless_job("breaks", 0), id);
    CHECK(job_wait_running(user, id, 5));
    if (CHECK(daemon_workers(&busy, workers) == 1))
        CHECK(takes_breaks(workers[0]) && !takes_breaks(busy.pid));
    job_cancel(user, id, &reply);
    reply_free(&reply);
    job_wait(user, id, "cancelled", 5, &reply);
    reply_free(&reply);
}

/* How fast the endless job is here, in epochs a second. */
static double pace_measure(struct client *user) {
    char id[JOB_ID_BYTES];
    struct reply reply;
    job_post(user, endless_job("pace", 0), id);
    double rate = 0, seconds = 0;
    for (int i = 0; i < 2000 && !(seconds >= 0.5); i++) {
        client_get(user, &reply, "/v1/jobs/%s", id);
        seconds = reply_number(reply.json, "/training_seconds");
        rate = reply_number(reply.json, "/epochs_per_second");
        reply_free(&reply);
        daemon_sleep_ms(5);
    }
    job_cancel(user, id, &reply);
    reply_free(&reply);
    job_wait(user, id, "cancelled", 5, &reply);
    reply_free(&reply);
    return rate;
}

enum { ESTIMATES_MAX = 1000 };

/* Collects what a running job says of its end once a tenth is done. @return how many. */
static size_t estimates_collect(struct client *user, const char *id,
                                double estimates[ESTIMATES_MAX]) {
    size_t n = 0;
    for (bool ended = false; !ended && n < ESTIMATES_MAX;) {
        struct reply reply;
        client_get(user, &reply, "/v1/jobs/%s", id);
        const char *status = reply_text(reply.json, "/status");
        ended = strcmp(status, "running") != 0 && strcmp(status, "queued") != 0;
        const char *finish = reply_text(reply.json, "/estimated_finish");
        if (*finish && reply_number(reply.json, "/progress") >= 0.1)
            estimates[n++] = job_time_ms(finish);
        reply_free(&reply);
        daemon_sleep_ms(10);
    }
    return n;
}

/* A job of two seconds or so. @return whether nine in ten of what it says of its end are
 * within a fifth of the whole time. */
static bool estimates_hold(struct client *user, size_t *n, size_t *off) {
    static double estimates[ESTIMATES_MAX];
    char id[JOB_ID_BYTES];
    struct reply reply;
    double rate = pace_measure(user);
    if (!CHECK_SAY(rate > 0, "%g", rate))
        return true;
    json_t *job = endless_job("estimated", 0);
    json_object_set_new(job, "epochs", json_integer((json_int_t)(2 * rate) + 1));
    job_post(user, job, id);
    *n = estimates_collect(user, id, estimates);
    *off = 0;
    job_wait(user, id, "succeeded", 20, &reply);
    double started = job_time_ms(reply_text(reply.json, "/started_at")),
           finished = job_time_ms(reply_text(reply.json, "/finished_at"));
    reply_free(&reply);
    for (size_t i = 0; i < *n; i++)
        *off += !(fabs(estimates[i] - finished) <= 0.2 * (finished - started));
    return *n >= 10 && 10 * *off <= *n;
}

/* On a machine that keeps its pace while a job runs: others may take it away in one of
 * five tries, not in all of them. */
static void test_estimated_finish(void) {
    size_t n = 0, off = 0;
    bool held = false;
    for (int i = 0; i < 5 && !held; i++)
        held = estimates_hold(&busy.client, &n, &off);
    CHECK_SAY(held, "%zu of %zu are off", off, n);
}

/* The end that max_runtime_seconds sets is the one that is foretold. */
static void test_bounded_finish(void) {
    struct client *user = &busy.client;
    char id[JOB_ID_BYTES];
    struct reply reply;
    json_t *job = endless_job("bounded", 0);
    json_object_set_new(job, "max_runtime_seconds", json_real(1));
    job_post(user, job, id);
    CHECK(job_wait_running(user, id, 5));
    client_get(user, &reply, "/v1/jobs/%s", id);
    double left = job_time_ms(reply_text(reply.json, "/estimated_finish")) -
                  job_time_ms(reply_text(reply.json, "/started_at"));
    CHECK_SAY(left < 60000, "%g ms", left); /* without the bound it is hours */
    reply_free(&reply);
    if (job_wait(user, id, "succeeded", 20, &reply))
        CHECK_TEXT(reply_text(reply.json, "/stop_reason"), "max_runtime");
    reply_free(&reply);
}

int main(void) {
    static const char *const no_workers[] = {"--workers", "0", NULL};
    if (!daemon_start(&idle, no_workers) || !daemon_start(&busy, NULL))
        return 1;
    CHECK_RUN(test_queued_job);
    CHECK_RUN(test_delete);
    CHECK_RUN(test_pause_is_no_end);
    CHECK_RUN(test_running_job);
    CHECK_RUN(test_breaks);
    CHECK_RUN(test_priority);
    CHECK_RUN(test_estimated_finish);
    CHECK_RUN(test_bounded_finish);
    daemon_close(&idle);
    daemon_close(&busy);
    return check_done();
}
