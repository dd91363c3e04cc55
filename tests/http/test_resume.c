/* The same job, however it is interrupted, ends in the same bits: its curve and its
 * parameters are those of a run straight through. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/promise.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum { KILLS_N = 20, PAUSES_N = 9, EPOCHS = 20000, WAIT_S = 120 };

/* Mini-batches with everything that has a state: an optimizer's, masks, a schedule. */
static json_t *stateful_job(const char *model, int epochs) {
    json_t *rest = json_pack(
        "{s[ii]sisisisisssfs{sssf}sfsf}", "hidden_layers", 16, 8, "epochs", epochs,
        "report_every", 20, "seed", 7, "batch_size", 32, "optimizer", "adam",
        "learning_rate", 0.002, "learning_rate_schedule", "type", "inverse_time",
        "decay_rate", 0.001, "dropout", 0.1, "checkpoint_seconds", 0.05);
    return table_job(model, table_planar(200), rest);
}

/* The full batch, without a state but the position. */
static json_t *plain_job(const char *model, int epochs) {
    json_t *rest = json_pack("{s[ii]sisisisf}", "hidden_layers", 64, 32, "epochs", epochs,
                             "report_every", 20, "seed", 3, "checkpoint_seconds", 0.05);
    return table_job(model, table_planar(400), rest);
}

/* ---- what is compared ------------------------------------------------------------- */

struct result {
    char *curve, *parameters; /* as they came; owned */
    size_t curve_n, parameters_n;
};

static void result_free(struct result *r) {
    free(r->curve);
    free(r->parameters);
    *r = (struct result){0};
}

static char *body_take(struct reply *reply, size_t *n) {
    char *body = reply->body;
    *n = reply->body_n;
    reply->body = NULL;
    reply_free(reply);
    return body;
}

/* Of an ended job, and of the only version of its model. */
static bool result_read(struct client *user, const char *id, const char *model,
                        struct result *r) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs/%s/history", id);
    bool ok = CHECK(reply.status == 200);
    r->curve = body_take(&reply, &r->curve_n);
    client_get(user, &reply, "/v1/models/%s/versions/1/export?format=safetensors", model);
    ok = CHECK_SAY(reply.status == 200, "%s: %ld", model, reply.status) && ok;
    r->parameters = body_take(&reply, &r->parameters_n);
    client_get(user, &reply, "/v1/models/%s/versions", model);
    ok = CHECK_SAY(reply_count(reply.json, "/data") == 1, "%s has %zu versions", model,
                   reply_count(reply.json, "/data")) &&
         ok;
    reply_free(&reply);
    return ok;
}

static void result_check(const struct result *got, const struct result *want,
                         const char *what) {
    CHECK_SAY(got->curve_n == want->curve_n &&
                  memcmp(got->curve, want->curve, want->curve_n) == 0,
              "%s: another curve", what);
    CHECK_SAY(got->parameters_n == want->parameters_n &&
                  memcmp(got->parameters, want->parameters, want->parameters_n) == 0,
              "%s: other parameters", what);
}

/* Trains it straight through. */
static bool reference(struct client *user, json_t *job, const char *model,
                      struct result *want) {
    struct reply reply;
    if (!job_train(user, job, &reply)) {
        reply_free(&reply);
        return false;
    }
    char id[JOB_ID_BYTES];
    snprintf(id, sizeof id, "%s", reply_text(reply.json, "/id"));
    reply_free(&reply);
    return result_read(user, id, model, want);
}

static bool finish_check(struct client *user, const char *id, const char *model,
                         const struct result *want) {
    struct reply reply;
    struct result got = {0};
    bool ok = job_wait(user, id, "succeeded", WAIT_S, &reply);
    reply_free(&reply);
    if (ok && result_read(user, id, model, &got))
        result_check(&got, want, model);
    result_free(&got);
    return ok;
}

/* ---- paused ----------------------------------------------------------------------- */

static bool control(struct client *user, const char *id, const char *verb) {
    struct reply reply;
    char path[128];
    snprintf(path, sizeof path, "/v1/jobs/%s/%s", id, verb);
    client_call(user, &reply, "POST", path);
    bool ok = CHECK_SAY(reply.status == 200 || reply.status == 202, "%s: %ld %s", verb,
                        reply.status, reply.body);
    reply_free(&reply);
    return ok;
}

/* Polls until it has the status. */
static bool status_wait(struct client *user, const char *id, const char *status) {
    int64_t end = daemon_clock_ms() + 10000;
    bool is = false;
    while (!is && daemon_clock_ms() < end) {
        struct reply reply;
        client_get(user, &reply, "/v1/jobs/%s", id);
        is = strcmp(reply_text(reply.json, "/status"), status) == 0;
        reply_free(&reply);
        if (!is)
            daemon_sleep_ms(5);
    }
    return CHECK_SAY(is, "%s is not %s", id, status);
}

static void check_paused_nine_times(json_t *(*job)(const char *, int), int epochs) {
    struct daemon d;
    struct result want = {0};
    char id[JOB_ID_BYTES];
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    if (reference(&d.client, job("straight", epochs), "straight", &want) &&
        job_post(&d.client, job("paused", epochs), id)) {
        for (int i = 0; i < PAUSES_N; i++) {
            CHECK(job_wait_running(&d.client, id, 20));
            daemon_sleep_ms(5 + 3 * i);
            control(&d.client, id, "pause");
            status_wait(&d.client, id, "paused");
            control(&d.client, id, "resume");
        }
        finish_check(&d.client, id, "paused", &want);
    }
    result_free(&want);
    daemon_close(&d);
}

static void test_paused_nine_times(void) {
    check_paused_nine_times(stateful_job, EPOCHS);
    check_paused_nine_times(plain_job, 3 * EPOCHS);
}

/* A paused job frees its worker, and outlives its daemon. */
static void test_paused_frees_its_worker(void) {
    struct daemon d;
    struct result want = {0};
    char id[JOB_ID_BYTES];
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    if (reference(&d.client, plain_job("straight", EPOCHS), "straight", &want) &&
        job_post(&d.client, plain_job("paused", EPOCHS), id)) {
        CHECK(job_wait_running(&d.client, id, 20));
        control(&d.client, id, "pause");
        status_wait(&d.client, id, "paused");
        CHECK(job_train(&d.client, plain_job("other", 20), NULL));
        CHECK(daemon_stop(&d) == 0);
        if (CHECK(daemon_restart(&d))) {
            status_wait(&d.client, id, "paused");
            control(&d.client, id, "resume");
            finish_check(&d.client, id, "paused", &want);
        }
    }
    result_free(&want);
    daemon_close(&d);
}

/* ---- killed ----------------------------------------------------------------------- */

static int kills_n(void) {
    const char *text = getenv("KILLS");
    return text ? atoi(text) : KILLS_N;
}

/* Who dies, and when, by the draw. @return false when the daemon does not come back. */
static bool kill_once(struct daemon *d, struct table_random *random) {
    double draw = table_uniform(random);
    pid_t pids[DAEMON_WORKERS_MAX];
    daemon_sleep_ms((int)(250 * table_uniform(random)));
    if (draw < 1.0 / 3) {
        size_t n = daemon_workers(d, pids);
        for (size_t i = 0; i < n; i++)
            kill(pids[i], SIGKILL);
        return true;
    }
    daemon_kill(d, draw < 2.0 / 3);
    return CHECK(daemon_restart(d));
}

struct loop {
    struct daemon d;
    struct table_random random;
    struct result want;
    struct promise promise;
    int killed, jobs;
    int64_t resumed_ms_max;
};

/* One job, killed on its way as often as it lasts. @return false when the test is over.
 */
static bool loop_job(struct loop *l) {
    char model[32];
    bool ended = false;
    snprintf(model, sizeof model, "killed-%d", l->jobs++);
    memset(&l->promise, 0, sizeof l->promise);
    if (!job_post(&l->d.client, stateful_job(model, EPOCHS), l->promise.id))
        return false;
    while (!ended && l->killed < kills_n()) {
        if (!kill_once(&l->d, &l->random))
            return false;
        l->killed++;
        int64_t start = daemon_clock_ms();
        while (!ended && daemon_clock_ms() < start + 10000) {
            struct reply reply;
            client_get(&l->d.client, &reply, "/v1/jobs/%s", l->promise.id);
            const char *status = reply_text(reply.json, "/status");
            bool runs = strcmp(status, "running") == 0;
            ended = !runs && strcmp(status, "queued") != 0;
            reply_free(&reply);
            if (runs)
                break;
            daemon_sleep_ms(5);
        }
        int64_t took = daemon_clock_ms() - start;
        if (took > l->resumed_ms_max)
            l->resumed_ms_max = took;
        promise_check(&l->d.client, &l->promise);
    }
    bool ok = finish_check(&l->d.client, l->promise.id, model, &l->want);
    promise_check(&l->d.client, &l->promise);
    return ok && CHECK(promise_points(&l->promise) == EPOCHS / 20 + 1);
}

/* Worker, server or both, at random moments; a job is resumed within two seconds. */
static void test_killed_at_random(void) {
    static struct loop l;
    l = (struct loop){.random = {20261125}};
    if (!CHECK(daemon_start(&l.d, NULL)))
        return;
    bool ok =
        reference(&l.d.client, stateful_job("straight", EPOCHS), "straight", &l.want);
    while (ok && l.killed < kills_n())
        ok = loop_job(&l);
    CHECK(ok);
    CHECK_SAY(l.resumed_ms_max <= 2000, "%d ms", (int)l.resumed_ms_max);
    printf("%d kills over %d jobs, resumed within %d ms\n", l.killed, l.jobs,
           (int)l.resumed_ms_max);
    result_free(&l.want);
    daemon_close(&l.d);
}

/* ---- frozen ----------------------------------------------------------------------- */

/* Whether the process holds a lock for writing, on the store's file or its index. */
static bool writes(pid_t pid) {
    FILE *locks = fopen("/proc/locks", "r");
    char line[256];
    bool found = false;
    while (locks && !found && fgets(line, sizeof line, locks)) {
        int holder = 0;
        char mode[16] = "";
        if (!strstr(line, "->") &&
            sscanf(line, "%*d: %*s %*s %15s %d", mode, &holder) == 2)
            found = holder == (int)pid && strcmp(mode, "WRITE") == 0;
    }
    if (locks)
        fclose(locks);
    return found;
}

/* Stops the process, but not in the middle of a transaction: with one it would take the
 * store with it, which is another story. */
static void freeze(pid_t pid) {
    for (;;) {
        kill(pid, SIGSTOP);
        daemon_sleep_ms(20); /* until it is */
        if (!writes(pid))
            return;
        kill(pid, SIGCONT);
        daemon_sleep_ms(7);
    }
}

/* A worker by itself, whose server does not watch over it. */
static pid_t worker_start(const struct daemon *d) {
    const char *binary = getenv("DESCENTD");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(127);
        execl(binary ? binary : "build/descentd", "descentd", "worker", "--store",
              d->store, "--lease-ms", "1000", (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* A worker is stopped past its lease, another takes over, the first one thaws: there is
 * one result. */
static void test_frozen_worker(void) {
    struct daemon d;
    struct result want = {0};
    char id[JOB_ID_BYTES];
    static const char *const flags[] = {"--workers", "0", NULL};
    if (!CHECK(daemon_start(&d, flags)))
        return;
    pid_t first = worker_start(&d), second = 0;
    if (reference(&d.client, stateful_job("straight", EPOCHS), "straight", &want) &&
        job_post(&d.client, stateful_job("frozen", EPOCHS), id)) {
        CHECK(job_wait_running(&d.client, id, 20));
        daemon_sleep_ms(100);
        freeze(first);
        second = worker_start(&d);
        finish_check(&d.client, id, "frozen", &want);
        kill(first, SIGCONT);
        for (int i = 0; i < 4; i++)
            CHECK(job_train(&d.client, plain_job("after", 20), NULL));
        daemon_sleep_ms(300);
        finish_check(&d.client, id, "frozen", &want);
    }
    const pid_t pids[] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        int status = -1;
        if (pids[i] <= 0)
            continue;
        kill(pids[i], SIGCONT);
        kill(pids[i], SIGTERM);
        waitpid(pids[i], &status, 0);
        CHECK_SAY(WIFEXITED(status) && WEXITSTATUS(status) == 0, "worker %zu: %d", i,
                  status);
    }
    result_free(&want);
    daemon_close(&d);
}

/* A worker that is stopped for ever, in a transaction or not, does not keep its job or
 * the store: its server ends it when its lease is over. */
static void test_worker_stopped_for_ever(void) {
    struct daemon d;
    struct result want = {0};
    char id[JOB_ID_BYTES];
    pid_t pids[DAEMON_WORKERS_MAX];
    static const char *const flags[] = {"--lease-ms", "600", NULL};
    if (!CHECK(daemon_start(&d, flags)))
        return;
    if (reference(&d.client, stateful_job("straight", EPOCHS), "straight", &want) &&
        job_post(&d.client, stateful_job("stopped", EPOCHS), id)) {
        for (int i = 0; i < 4; i++) {
            CHECK(job_wait_running(&d.client, id, 20));
            daemon_sleep_ms(20 + 11 * i);
            int64_t end = daemon_clock_ms() + 10000;
            while (daemon_workers(&d, pids) != 1 && daemon_clock_ms() < end)
                daemon_sleep_ms(5);
            if (!CHECK(daemon_workers(&d, pids) == 1))
                break;
            kill(pids[0], SIGSTOP);
            while (kill(pids[0], 0) == 0 && daemon_clock_ms() < end)
                daemon_sleep_ms(10);
            CHECK_SAY(kill(pids[0], 0) != 0, "the worker is still there");
        }
        finish_check(&d.client, id, "stopped", &want);
    }
    result_free(&want);
    daemon_close(&d);
}

/* ---- threads ---------------------------------------------------------------------- */

static void test_threads_make_no_difference(void) {
    static const char *const threads[] = {"1", "2", "4"};
    struct result want = {0}, got = {0};
    for (size_t i = 0; i < 3; i++) {
        struct daemon d;
        const char *flags[] = {"--threads", threads[i], NULL};
        json_t *rest =
            json_pack("{s[ii]sisisisssf}", "hidden_layers", 128, 64, "epochs", 20,
                      "batch_size", 1024, "seed", 5, "optimizer", "adam", "dropout", 0.2);
        if (!CHECK(daemon_start(&d, flags)))
            return;
        reference(&d.client, table_job("wide", table_planar(4000), rest), "wide",
                  i ? &got : &want);
        if (i)
            result_check(&got, &want, threads[i]);
        result_free(&got);
        daemon_close(&d);
    }
    result_free(&want);
}

int main(void) {
    CHECK_RUN(test_paused_nine_times);
    CHECK_RUN(test_paused_frees_its_worker);
    CHECK_RUN(test_killed_at_random);
    CHECK_RUN(test_frozen_worker);
    CHECK_RUN(test_worker_stopped_for_ever);
    CHECK_RUN(test_threads_make_no_difference);
    return check_done();
}
