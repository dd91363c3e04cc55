/* What a kill, a crash or a stop leaves behind: everything that was acknowledged. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/promise.h"
#include "tests/http/raw.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum { KILLS_N = 10, JOBS_MAX = 64, ENDLESS = 1000000000 };

static struct promise promises[JOBS_MAX];
static size_t promises_n;

/* A job of some 0.1 ms an epoch. report_every 0 leaves it to the daemon. */
static json_t *job_of(const char *model, int epochs, int report_every) {
    json_t *rest =
        json_pack("{s[ii]sisi}", "hidden_layers", 64, 32, "epochs", epochs, "seed", 1);
    if (report_every)
        json_object_set_new(rest, "report_every", json_integer(report_every));
    return table_job(model, table_planar(200), rest);
}

static void promise_job(struct client *user, const char *model, int epochs) {
    if (promises_n < JOBS_MAX &&
        job_post(user, job_of(model, epochs, 1), promises[promises_n].id))
        promises_n++;
}

/* Ten times: a new job and a long one in training, and everything dies. */
static void test_killed_ten_times(void) {
    struct daemon d;
    struct reply reply;
    promises_n = 0;
    memset(promises, 0, sizeof promises);
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    promise_job(&d.client, "long", 20000);
    for (int kill_n = 0; kill_n < KILLS_N; kill_n++) {
        char model[32];
        CHECK(job_wait_running(&d.client, promises[0].id, 20) || kill_n > 0);
        snprintf(model, sizeof model, "short-%d", kill_n);
        promise_job(&d.client, model, 50);
        daemon_sleep_ms(120 + 31 * kill_n);
        for (size_t i = 0; i < promises_n; i++)
            promise_check(&d.client, &promises[i]);
        /* Every other time the workers are left to find out by themselves. */
        daemon_kill(&d, kill_n % 2 == 0);
        if (!CHECK(daemon_restart(&d)))
            return;
        for (size_t i = 0; i < promises_n; i++)
            promise_check(&d.client, &promises[i]);
    }
    CHECK_SAY(promise_points(&promises[0]) > 1, "the long job has no curve");
    for (size_t i = 0; i < promises_n; i++) {
        job_wait(&d.client, promises[i].id, "succeeded", 60, &reply);
        CHECK(reply_number(reply.json, "/model_version") == 1);
        reply_free(&reply);
        promise_check(&d.client, &promises[i]);
        CHECK(promise_points(&promises[i]) == (i == 0 ? 20001u : 51u));
    }
    client_get(&d.client, &reply, "/v1/models");
    CHECK(reply_count(reply.json, "/data") == KILLS_N + 1);
    reply_free(&reply);
    daemon_close(&d);
}

static bool is_predicting(struct client *user) {
    struct reply reply;
    client_post(user, &reply, "/predict", "{\"model\":\"served\",\"instances\":[[1,2]]}");
    bool ok = reply.status == 200;
    reply_free(&reply);
    return ok;
}

/* They come up a little later than the daemon, and again after a crash. */
static size_t wait_for_workers(const struct daemon *d, size_t want,
                               pid_t pids[DAEMON_WORKERS_MAX]) {
    int64_t end = daemon_clock_ms() + 5000;
    size_t n = daemon_workers(d, pids);
    while (n < want && daemon_clock_ms() < end) {
        daemon_sleep_ms(10);
        n = daemon_workers(d, pids);
    }
    return n;
}

/* A worker takes no prediction with it, and its job starts again in another. */
static void test_worker_killed(void) {
    struct daemon d;
    struct reply reply;
    char id[JOB_ID_BYTES];
    pid_t before[DAEMON_WORKERS_MAX], after[DAEMON_WORKERS_MAX];
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    CHECK(job_train(&d.client, job_of("served", 20, 0), NULL));
    job_post(&d.client, job_of("restarted", 10000, 0), id);
    CHECK(job_wait_running(&d.client, id, 20));
    if (CHECK_SAY(daemon_workers(&d, before) == 1, "one worker")) {
        kill(before[0], SIGKILL);
        for (int i = 0; i < 100; i++)
            CHECK(is_predicting(&d.client));
        job_wait(&d.client, id, "succeeded", 60, &reply);
        reply_free(&reply);
        CHECK(wait_for_workers(&d, 1, after) == 1 && after[0] != before[0]);
    }
    daemon_close(&d);
}

/* A job that kills its worker each time is given up, not tried for ever. */
static void test_worker_killed_for_ever(void) {
    struct daemon d;
    struct reply reply = {0};
    char id[JOB_ID_BYTES];
    int64_t end = daemon_clock_ms() + 30000;
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    job_post(&d.client, job_of("deadly", ENDLESS, 0), id);
    bool failed = false;
    while (!failed && daemon_clock_ms() < end) {
        pid_t pids[DAEMON_WORKERS_MAX];
        reply_free(&reply);
        client_get(&d.client, &reply, "/v1/jobs/%s", id);
        const char *status = reply_text(reply.json, "/status");
        failed = strcmp(status, "failed") == 0;
        if (strcmp(status, "running") == 0 && daemon_workers(&d, pids) == 1)
            kill(pids[0], SIGKILL);
        daemon_sleep_ms(50);
    }
    CHECK_SAY(failed, "%s", reply.body);
    CHECK_TEXT(reply_text(reply.json, "/error/code"), "worker_crashed");
    CHECK_TEXT(reply_text(reply.json, "/stop_reason"), "worker_crashed");
    CHECK(reply_number(reply.json, "/error/epoch") >= 0);
    reply_free(&reply);
    CHECK(job_train(&d.client, job_of("next", 20, 0), NULL));
    daemon_close(&d);
}

struct waiter {
    int port;
    char id[JOB_ID_BYTES];
    long status;
    char got[32];
};

static void *wait_for_job(void *argument) {
    struct waiter *waiter = argument;
    struct client client = {0};
    struct reply reply = {0};
    if (client_open(&client, waiter->port))
        client_get(&client, &reply, "/v1/jobs/%s?wait=30", waiter->id);
    waiter->status = reply.status;
    snprintf(waiter->got, sizeof waiter->got, "%s", reply_text(reply.json, "/status"));
    reply_free(&reply);
    client_close(&client);
    return NULL;
}

enum { PROBES_N = 40 };

/* Asks /readyz and the other protocol's route by turns, on connections that were open
 * before, one after the other.
 * @return whether both have said 503. */
static bool sees_draining(struct raw probes[PROBES_N]) {
    static const char *const paths[] = {"/readyz", "/v2/health/ready"};
    bool seen[2] = {false, false};
    for (size_t i = 0; i < PROBES_N && !(seen[0] && seen[1]); i++) {
        struct reply reply;
        char request[128];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                 paths[i % 2]);
        raw_text(&probes[i], request);
        raw_reply(&probes[i], false, 1000, &reply);
        seen[i % 2] = seen[i % 2] || reply.status == 503;
        reply_free(&reply);
        daemon_sleep_ms(2);
    }
    return seen[0] && seen[1];
}

/* SIGTERM: not ready at once, the request in flight is answered, exit code 0, and the job
 * that was running goes on at the next start. */
static void test_drain(void) {
    static struct raw probes[PROBES_N];
    struct daemon d;
    struct waiter waiter = {0};
    struct reply reply;
    pthread_t thread;
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    job_post(&d.client, job_of("drained", ENDLESS, 0), waiter.id);
    CHECK(job_wait_running(&d.client, waiter.id, 20));
    waiter.port = d.port;
    for (size_t i = 0; i < PROBES_N; i++)
        CHECK(raw_open(&probes[i], d.port));
    pthread_create(&thread, NULL, wait_for_job, &waiter);
    daemon_sleep_ms(200);

    int64_t start = daemon_clock_ms();
    kill(d.pid, SIGTERM);
    CHECK_SAY(sees_draining(probes), "not ready was never said");
    pthread_join(thread, NULL);
    CHECK_SAY(waiter.status == 200, "the request in flight got %ld", waiter.status);
    CHECK_SAY(strcmp(waiter.got, "running") == 0 || strcmp(waiter.got, "queued") == 0,
              "%s", waiter.got);
    for (size_t i = 0; i < PROBES_N; i++)
        raw_close(&probes[i]);
    CHECK(daemon_wait(&d) == 0);
    CHECK_SAY(daemon_clock_ms() - start < 8000, "%d ms",
              (int)(daemon_clock_ms() - start));

    if (CHECK(daemon_restart(&d))) {
        CHECK_SAY(job_wait_running(&d.client, waiter.id, 20), "the job does not go on");
        job_cancel(&d.client, waiter.id, &reply);
        reply_free(&reply);
    }
    daemon_close(&d);
}

/* No worker outlives its daemon, however it ended. */
static void test_workers_follow(void) {
    struct daemon d;
    pid_t pids[DAEMON_WORKERS_MAX];
    for (int round = 0; round < 2; round++) {
        if (!CHECK(daemon_start(&d, (const char *const[]){"--workers", "3", NULL})))
            return;
        size_t n = wait_for_workers(&d, 3, pids);
        CHECK_SAY(n == 3, "%zu workers", n);
        if (round == 0)
            CHECK(daemon_stop(&d) == 0);
        else
            daemon_kill(&d, false);
        int64_t end = daemon_clock_ms() + 3000;
        bool alive = true;
        while (alive && daemon_clock_ms() < end) {
            alive = false;
            for (size_t i = 0; i < n; i++)
                alive = alive || kill(pids[i], 0) == 0;
            daemon_sleep_ms(10);
        }
        CHECK_SAY(!alive, "workers outlived round %d", round);
        daemon_close(&d);
    }
}

/* Runs another daemon for a second at most. @return its exit code, 0 when it went on and
 * stopped well, -1 when it died of a signal. */
static int run_other(const char *listen, const char *store) {
    const char *binary = getenv("DESCENTD");
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(127);
        execl(binary ? binary : "build/descentd", "descentd", "serve", "--listen", listen,
              "--store", store, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 100 && waitpid(pid, &status, WNOHANG) == 0; i++)
        daemon_sleep_ms(10);
    if (kill(pid, SIGTERM) == 0)
        waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A second daemon on the same store is refused or works, but never sets back what the
 * first one's worker is training. */
static void test_second_daemon(void) {
    struct daemon d;
    struct reply reply;
    char id[JOB_ID_BYTES];
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    job_post(&d.client, job_of("first", ENDLESS, 0), id);
    CHECK(job_wait_running(&d.client, id, 20));
    double before = job_number(&d.client, id, "/epoch");
    CHECK(run_other("127.0.0.1:0", d.store) >= 0);
    double after = job_number(&d.client, id, "/epoch");
    CHECK_SAY(after >= before, "epoch %g, then %g", before, after);
    job_cancel(&d.client, id, &reply);
    CHECK(reply.status == 200);
    reply_free(&reply);
    job_wait(&d.client, id, "cancelled", 5, &reply);
    reply_free(&reply);
    daemon_close(&d);
}

/* A port that is taken, a folder that is not there, a file that is something else: an
 * exit code, and the file as it was. */
static void test_bad_starts(void) {
    static const char words[] = "something else altogether, for longer than a header\n";
    struct daemon d;
    char listen[64], other[128], got[sizeof words] = "";
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    snprintf(other, sizeof other, "%s/other", d.dir);
    snprintf(listen, sizeof listen, "127.0.0.1:%d", d.port);
    CHECK(run_other(listen, other) > 0);
    unlink(other);
    CHECK(run_other("127.0.0.1:0", "/nowhere/at/all.db") > 0);

    FILE *f = fopen(other, "w");
    if (CHECK(f) && CHECK(fputs(words, f) >= 0 && fclose(f) == 0))
        CHECK(run_other("127.0.0.1:0", other) > 0);
    f = fopen(other, "r");
    CHECK(f && fread(got, 1, sizeof got - 1, f) == sizeof got - 1);
    CHECK_TEXT(got, words);
    if (f)
        fclose(f);
    unlink(other);
    CHECK(job_train(&d.client, job_of("first", 20, 0), NULL));
    daemon_close(&d);
}

int main(void) {
    CHECK_RUN(test_killed_ten_times);
    CHECK_RUN(test_worker_killed);
    CHECK_RUN(test_worker_killed_for_ever);
    CHECK_RUN(test_drain);
    CHECK_RUN(test_workers_follow);
    CHECK_RUN(test_second_daemon);
    CHECK_RUN(test_bad_starts);
    return check_done();
}
