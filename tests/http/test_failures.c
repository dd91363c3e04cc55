/* Failure is an answer: a job that cannot succeed says why, and at which epoch; what it
 * had stays, and the daemon goes on. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum {
    WAIT_MS = 20000,
    FULL_BYTES = 64 << 10 /* less than the store has, and more than the log */
};

/* Minutes of work, with a point of its curve within seconds under a sanitizer, too. */
static json_t *endless_job(const char *model) {
    return table_job(model, table_planar(40),
                     json_pack("{s[i]sIsisf}", "hidden_layers", 4, "epochs",
                               (json_int_t)100000000, "seed", 1, "checkpoint_seconds",
                               0.05));
}

static void check_predicts(struct client *user) {
    struct reply reply;
    client_post(user, &reply, "/predict?model=served", "{\"instances\":[[1,2]]}");
    CHECK_SAY(reply.status == 200, "%ld: %s", reply.status, reply.body);
    reply_free(&reply);
}

static bool serve_a_model(struct client *user) {
    json_t *rest = json_pack("{si}", "epochs", 20);
    return job_train(user, table_job("served", table_planar(40), rest), NULL);
}

static void files_limit(pid_t pid, rlim_t bytes) {
    struct rlimit limit;
    CHECK(prlimit(pid, RLIMIT_FSIZE, NULL, &limit) == 0);
    limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
    CHECK(prlimit(pid, RLIMIT_FSIZE, &limit, NULL) == 0);
}

static void check_error(const struct reply *job, const char *code, double least_epoch) {
    CHECK_TEXT(reply_text(job->json, "/error/code"), code);
    CHECK_SAY(*reply_text(job->json, "/error/message"), "%s", job->body);
    CHECK_SAY(reply_number(job->json, "/error/epoch") >= least_epoch, "%s", job->body);
}

static double checkpoints_of(struct client *user, const char *id) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs/%s/checkpoints", id);
    double n = (double)reply_count(reply.json, "/data");
    reply_free(&reply);
    return n;
}

/* Its worker can write nothing any more: the job ends by it after a lease, predictions do
 * not, nor does the next job when there is room again. */
static void test_disk_full(void) {
    static const char *const flags[] = {"--lease-ms", "600", "--log-level", "warn", NULL};
    struct daemon d;
    struct reply reply;
    char id[JOB_ID_BYTES];
    pid_t pids[DAEMON_WORKERS_MAX];
    if (!CHECK(daemon_start_file(&d, flags)))
        return;
    if (serve_a_model(&d.client) && job_post(&d.client, endless_job("full"), id) &&
        CHECK(job_wait_running(&d.client, id, 20)) &&
        CHECK(daemon_workers(&d, pids) == 1)) {
        while (checkpoints_of(&d.client, id) < 1)
            daemon_sleep_ms(10);
        files_limit(pids[0], FULL_BYTES);
        daemon_logs(&d, "points wait until the store can be written", WAIT_MS, NULL);
        check_predicts(&d.client);
        daemon_logs(&d, "the end of a job waits to be written", WAIT_MS, NULL);
        check_predicts(&d.client);
        files_limit(pids[0], RLIM_INFINITY);
        if (job_wait(&d.client, id, "failed", 60, &reply)) {
            check_error(&reply, "storage", 1);
            CHECK_TEXT(reply_text(reply.json, "/stop_reason"), "failed");
        }
        reply_free(&reply);
        CHECK(checkpoints_of(&d.client, id) >= 1);
        CHECK(serve_a_model(&d.client));
    }
    daemon_close(&d);
}

/* Somebody takes the store's file away: nothing is acknowledged that would be lost, what
 * was is there again with the file, and predictions go on. */
static void test_store_removed(void) {
    struct daemon d;
    struct reply reply;
    char id[JOB_ID_BYTES], aside[sizeof d.store + 8];
    pid_t pids[DAEMON_WORKERS_MAX];
    if (!CHECK(daemon_start_file(&d, NULL)))
        return;
    snprintf(aside, sizeof aside, "%s.aside", d.store);
    json_t *rest = json_pack("{si}", "epochs", 3000);
    if (serve_a_model(&d.client) &&
        job_post(&d.client, table_job("kept", table_planar(400), rest), id) &&
        CHECK(daemon_workers(&d, pids) == 1) && CHECK(rename(d.store, aside) == 0)) {
        kill(pids[0], SIGKILL);
        client_post_json(&d.client, &reply, "/v1/jobs",
                         table_job("lost", table_planar(40), NULL));
        CHECK_SAY(reply.status == 503, "%ld: %s", reply.status, reply.body);
        CHECK_SAY(strstr(reply_text(reply.json, "/error/message"), "was removed"), "%s",
                  reply.body);
        reply_free(&reply);
        daemon_logs(&d, "the store is away", WAIT_MS, NULL);
        check_predicts(&d.client);
        daemon_sleep_ms(1500); /* somebody might make another file */
        CHECK_SAY(access(d.store, F_OK) != 0, "there is another store");
        CHECK(rename(aside, d.store) == 0);
        daemon_logs(&d, "the store is back", WAIT_MS, NULL);
        if (job_wait(&d.client, id, "succeeded", 60, &reply))
            reply_free(&reply);
        CHECK(serve_a_model(&d.client));
    }
    daemon_close(&d);
}

/* A disk that is full for a moment costs nothing. */
static void test_disk_full_for_a_moment(void) {
    struct daemon d;
    struct reply reply;
    char id[JOB_ID_BYTES];
    pid_t pids[DAEMON_WORKERS_MAX];
    static const char *const flags[] = {"--lease-ms", "600000", "--log-level", "warn",
                                        NULL};
    if (!CHECK(daemon_start_file(&d, flags)))
        return;
    if (job_post(&d.client, endless_job("full"), id) &&
        CHECK(job_wait_running(&d.client, id, 20)) &&
        CHECK(daemon_workers(&d, pids) == 1)) {
        while (checkpoints_of(&d.client, id) < 1)
            daemon_sleep_ms(10);
        files_limit(pids[0], FULL_BYTES);
        daemon_logs(&d, "points wait until the store can be written", WAIT_MS, NULL);
        client_get(&d.client, &reply, "/v1/jobs/%s", id);
        double epoch = reply_number(reply.json, "/epoch");
        reply_free(&reply);
        files_limit(pids[0], RLIM_INFINITY);
        job_order(&d.client, id, "pause", &reply);
        reply_free(&reply);
        if (job_wait_status(&d.client, id, "paused", 20)) {
            client_get(&d.client, &reply, "/v1/jobs/%s", id);
            CHECK(reply_number(reply.json, "/epoch") > epoch);
            CHECK(json_is_null(reply_at(reply.json, "/error")));
            reply_free(&reply);
        }
    }
    daemon_close(&d);
}

/* Its curve ends where the cost did, and the best parameters are there to be published,
 * though there was no time for a checkpoint. */
static void test_diverged(void) {
    struct daemon d;
    struct reply reply;
    char id[JOB_ID_BYTES];
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    json_t *rest =
        json_pack("{s[]sfsssisisi}", "hidden_layers", "learning_rate", 1e4, "optimizer",
                  "gradient_descent", "epochs", 10000, "seed", 1, "report_every", 1);
    if (job_post(&d.client, table_job("wild", table_prices(30), rest), id)) {
        if (job_wait(&d.client, id, "failed", 20, &reply)) {
            check_error(&reply, "diverged", 1);
            CHECK_TEXT(reply_text(reply.json, "/stop_reason"), "diverged");
            CHECK(strstr(reply_text(reply.json, "/error/message"), "\"normalize\":"));
        }
        reply_free(&reply);
        client_get(&d.client, &reply, "/v1/jobs/%s/history", id);
        CHECK(reply_count(reply.json, "/data") >= 1);
        reply_free(&reply);
        CHECK(checkpoints_of(&d.client, id) == 1);
        job_order(&d.client, id, "checkpoints/best/publish", &reply);
        CHECK_SAY(reply.status == 201, "%ld: %s", reply.status, reply.body);
        reply_free(&reply);
    }
    daemon_close(&d);
}

/* An epoch whose cost was well ends with infinite weights: that is no model, and what was
 * best before it is kept. */
static void test_diverged_behind_its_cost(void) {
    static const char job[] =
        "{\"model\":\"behind\",\"data\":{\"features\":[[0],[0],[0],[3e38]],"
        "\"targets\":[1,1,1,10.5]},\"hidden_layers\":[],\"batch_size\":3,\"shuffle\":"
        "false,"
        "\"learning_rate\":1,\"initializer\":\"zeros\",\"seed\":1,\"report_every\":1,"
        "\"epochs\":10%s}";
    for (int early = 0; early < 2; early++) {
        struct daemon d;
        struct reply reply;
        char text[512], id[JOB_ID_BYTES], path[JOB_ID_BYTES + 64];
        if (!CHECK(daemon_start(&d, NULL)))
            return;
        snprintf(text, sizeof text, job, early ? ",\"target_cost\":12" : "");
        if (job_post(&d.client, json_loads(text, 0, NULL), id) &&
            job_wait(&d.client, id, "failed", 20, &reply)) {
            check_error(&reply, "diverged", 1);
            reply_free(&reply);
        }
        client_get(&d.client, &reply, "/v1/models/behind");
        CHECK_SAY(reply.status == 404, "%ld: %s", reply.status, reply.body);
        reply_free(&reply);
        CHECK(checkpoints_of(&d.client, id) == 1);
        snprintf(path, sizeof path, "/v1/jobs/%s/checkpoints/best/publish", id);
        client_call(&d.client, &reply, "POST", path);
        CHECK_SAY(reply.status == 201, "%ld: %s", reply.status, reply.body);
        reply_free(&reply);
        client_post(&d.client, &reply, "/predict?model=behind", "{\"instances\":[[0]]}");
        CHECK_SAY(reply.status == 200, "%ld: %s", reply.status, reply.body);
        reply_free(&reply);
        daemon_close(&d);
    }
}

int main(void) {
    CHECK_RUN(test_disk_full);
    CHECK_RUN(test_store_removed);
    CHECK_RUN(test_disk_full_for_a_moment);
    CHECK_RUN(test_diverged);
    CHECK_RUN(test_diverged_behind_its_cost);
    return check_done();
}
