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
#include "tests/http/result.h"
#include "tests/http/table.h"
#include "tests/http/upload.h"
#include "tests/unit/check.h"

enum {
    KILLS_N = 20,
    CRASHES_MAX = 2, /* without a checkpoint between: at the third a job is given up */
    PAUSES_N = 9,
    EPOCHS = 20000,
    REPORT_EVERY = 20
};

/* Mini-batches with everything that has a state: an optimizer's, masks, a schedule. */
static json_t *stateful_job(const char *model) {
    json_t *rest = json_pack(
        "{s[ii]sisisisisssfs{sssf}sfsf}", "hidden_layers", 16, 8, "epochs", EPOCHS,
        "report_every", REPORT_EVERY, "seed", 7, "batch_size", 32, "optimizer", "adam",
        "learning_rate", 0.002, "learning_rate_schedule", "type", "inverse_time",
        "decay_rate", 0.001, "dropout", 0.1, "checkpoint_seconds", 0.05);
    return table_job(model, table_planar(200), rest);
}

/* The full batch, without a state but the position. */
static json_t *plain_job(const char *model) {
    json_t *rest =
        json_pack("{s[ii]sisisisf}", "hidden_layers", 48, 32, "epochs", EPOCHS,
                  "report_every", REPORT_EVERY, "seed", 3, "checkpoint_seconds", 0.05);
    return table_job(model, table_planar(200), rest);
}

/* Most of its time it computes the cost of the rows that are held back. */
static json_t *held_back_job(const char *model) {
    json_t *rest =
        json_pack("{s[ii]sisisisisfs{si}sf}", "hidden_layers", 128, 128, "epochs", 150,
                  "report_every", 1, "seed", 5, "batch_size", 64, "validation_split", 0.9,
                  "early_stopping", "patience", 1000, "checkpoint_seconds", 1000.0);
    return table_job(model, table_planar(4000), rest);
}

/* Two updates, and then a while to evaluate what came of them. */
static json_t *evaluated_job(const char *model) {
    json_t *rest = json_pack("{s[ii]sisisisf}", "hidden_layers", 768, 768, "epochs", 2,
                             "seed", 5, "report_every", 1, "checkpoint_seconds", 1000.0);
    return table_job(model, table_planar(8000), rest);
}

/* The same over a dataset, whose target the net learns scaled; and ends with the best. */
static json_t *priced_job(const char *model) {
    return json_pack("{sssssss[ii]sisisssisfs{sisb}}", "model", model, "dataset",
                     "priced", "target", "y", "hidden_layers", 768, 768, "epochs", 2,
                     "seed", 5, "batch_size", "full", "report_every", 1,
                     "checkpoint_seconds", 1000.0, "early_stopping", "patience", 1000,
                     "restore_best", 1);
}

static bool priced_upload(struct client *user) {
    enum { ROWS_N = 8000, LINE_BYTES = 40 };
    struct table_random random = {9};
    static char csv[ROWS_N * LINE_BYTES] = "a,b,y\n";
    size_t n = strlen(csv);
    for (int i = 0; i < ROWS_N; i++) {
        double a = table_uniform(&random), b = table_uniform(&random);
        n += (size_t)snprintf(csv + n, sizeof csv - n, "%.6f,%.6f,%.4f\n", a, b,
                              1000 + 200 * a - 100 * b);
    }
    return upload_bytes(user, "priced", csv, n);
}

static json_t *short_job(void) {
    return table_job("short", table_planar(20), json_pack("{si}", "epochs", 20));
}

/* What the two jobs come to, straight through. */
static struct result stateful, plain;

static void test_straight_through(void) {
    struct daemon d;
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    CHECK(result_reference(&d.client, stateful_job("stateful"), "stateful", &stateful));
    CHECK(result_reference(&d.client, plain_job("plain"), "plain", &plain));
    daemon_close(&d);
}

/* ---- paused ----------------------------------------------------------------------- */

static void order(struct client *user, const char *id, const char *verb) {
    struct reply reply;
    job_order(user, id, verb, &reply);
    CHECK_SAY(reply.status == 200, "%s: %ld %s", verb, reply.status, reply.body);
    reply_free(&reply);
}

static bool pause_and_wait(struct client *user, const char *id) {
    order(user, id, "pause");
    return job_wait_status(user, id, "paused", 10);
}

/* Lets a job that runs go on for a moment, unless it is further than it would be if the
 * pauses were spread evenly over it. */
static void go_on_for_a_moment(struct client *user, const char *id, int pause) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs/%s", id);
    if (reply_number(reply.json, "/progress") * PAUSES_N < pause)
        daemon_sleep_ms(5 + 3 * pause);
    reply_free(&reply);
}

static void check_paused_nine_times(struct client *user, json_t *job, const char *model,
                                    const struct result *want) {
    char id[JOB_ID_BYTES];
    bool ok = job_post(user, job, id);
    for (int i = 0; i < PAUSES_N && ok; i++) {
        ok = CHECK(job_wait_running(user, id, 20));
        go_on_for_a_moment(user, id, i);
        ok = ok && pause_and_wait(user, id);
        order(user, id, "resume");
    }
    result_finish(user, id, model, want);
}

static void test_paused_nine_times(void) {
    struct daemon d;
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    check_paused_nine_times(&d.client, stateful_job("one"), "one", &stateful);
    check_paused_nine_times(&d.client, plain_job("other"), "other", &plain);
    daemon_close(&d);
}

/* A cost of the rows held back that was cut short is none: it is computed when the job
 * goes on, and early stopping judges by it. */
static void test_paused_at_the_validation(void) {
    struct daemon d;
    struct result want = {0};
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    if (CHECK(result_reference(&d.client, held_back_job("straight"), "straight", &want)))
        check_paused_nine_times(&d.client, held_back_job("held"), "held", &want);
    result_free(&want);
    daemon_close(&d);
}

/* Asks for a pause as soon as all epochs are done. @return whether it came before the
 * end; the job has then kept what it has done. */
static bool pause_at_the_end(struct client *user, const char *id) {
    struct reply reply;
    while (job_number(user, id, "/epoch") < 2)
        ;
    job_order(user, id, "pause", &reply);
    reply_free(&reply);
    char status[32] = "running";
    while (strcmp(status, "running") == 0) {
        client_get(user, &reply, "/v1/jobs/%s", id);
        snprintf(status, sizeof status, "%s", reply_text(reply.json, "/status"));
        if (strcmp(status, "paused") == 0)
            CHECK_SAY(reply_number(reply.json, "/checkpoint") >= 1 &&
                          reply_number(reply.json, "/progress") == 1,
                      "%s", reply.body);
        reply_free(&reply);
    }
    return strcmp(status, "paused") == 0;
}

static void check_paused_at_the_evaluation(struct client *user, const char *name,
                                           json_t *(*job)(const char *model)) {
    enum { TRIES = 10 };
    struct result want = {0};
    bool hit = false, ok = CHECK(result_reference(user, job(name), name, &want));
    for (int i = 0; ok && !hit && i < TRIES; i++) {
        char id[JOB_ID_BYTES], model[32];
        snprintf(model, sizeof model, "%s-%d", name, i);
        ok = job_post(user, job(model), id);
        hit = ok && pause_at_the_end(user, id);
        if (!hit)
            continue;
        double seconds = job_number(user, id, "/training_seconds");
        order(user, id, "resume");
        result_finish(user, id, model, &want);
        CHECK(job_number(user, id, "/training_seconds") == seconds);
    }
    CHECK_SAY(hit, "%s: no pause came in time in %d tries", name, TRIES);
    result_free(&want);
}

/* Nothing is trained again for an evaluation that was cut short, nor is a net's scaling
 * undone twice. */
static void test_paused_at_the_evaluation(void) {
    struct daemon d;
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    check_paused_at_the_evaluation(&d.client, "plain", evaluated_job);
    if (CHECK(priced_upload(&d.client)))
        check_paused_at_the_evaluation(&d.client, "priced", priced_job);
    daemon_close(&d);
}

/* A paused job frees its worker, and outlives its daemon. */
static void test_paused_frees_its_worker(void) {
    struct daemon d;
    char id[JOB_ID_BYTES];
    if (!CHECK(daemon_start(&d, NULL)))
        return;
    if (job_post(&d.client, plain_job("paused"), id) &&
        CHECK(job_wait_running(&d.client, id, 20)) && pause_and_wait(&d.client, id)) {
        CHECK(job_train(&d.client, short_job(), NULL));
        CHECK(daemon_stop(&d) == 0);
        if (CHECK(daemon_restart(&d)) && job_wait_status(&d.client, id, "paused", 5)) {
            order(&d.client, id, "resume");
            result_finish(&d.client, id, "paused", &plain);
        }
    }
    daemon_close(&d);
}

/* ---- killed ----------------------------------------------------------------------- */

static int kills_n(void) {
    const char *text = getenv("KILLS");
    return text ? atoi(text) : KILLS_N;
}

struct loop {
    struct daemon d;
    struct table_random random;
    struct promise promise;
    int killed[3]; /* workers alone, the server alone, both */
    int jobs;
    int crashes;                          /* that count against the job, at most */
    int64_t resumed_ms_max, start_ms_max; /* start: of the daemon alone */
};

static int loop_killed(const struct loop *l) {
    return l->killed[0] + l->killed[1] + l->killed[2];
}

static double attempts(struct client *user, const char *id, bool *ended) {
    struct reply reply;
    client_get(user, &reply, "/v1/jobs/%s", id);
    const char *status = reply_text(reply.json, "/status");
    *ended = strcmp(status, "running") != 0 && strcmp(status, "queued") != 0;
    double n = reply_number(reply.json, "/attempts");
    reply_free(&reply);
    return n;
}

/* Kills, by the draw: but no worker that would take its job with it for good. @return
 * false when the daemon does not come back. */
static bool kill_once(struct loop *l) {
    double draw = table_uniform(&l->random);
    int who = draw < 1.0 / 3 ? 0 : draw < 2.0 / 3 ? 1 : 2;
    if (who == 0 && l->crashes == CRASHES_MAX)
        who = 2;
    l->killed[who]++;
    if (who) {
        daemon_kill(&l->d, who == 2);
        int64_t start = daemon_clock_ms();
        bool ok = CHECK(daemon_restart(&l->d));
        int64_t took = daemon_clock_ms() - start;
        l->start_ms_max = took > l->start_ms_max ? took : l->start_ms_max;
        return ok;
    }
    pid_t pids[DAEMON_WORKERS_MAX];
    size_t n = daemon_workers(&l->d, pids);
    for (size_t i = 0; i < n; i++)
        kill(pids[i], SIGKILL);
    l->crashes++;
    return true;
}

/* Kills, and waits until a worker has claimed the job again. @return false when the
 * daemon does not come back. */
static bool kill_and_wait(struct loop *l, bool *ended) {
    const char *id = l->promise.id;
    double checkpoint = l->promise.checkpoint;
    daemon_sleep_ms((int)(250 * table_uniform(&l->random)));
    double before = attempts(&l->d.client, id, ended);
    int crashes = l->crashes;
    int64_t start = daemon_clock_ms();
    if (!kill_once(l))
        return false;
    while (!*ended && attempts(&l->d.client, id, ended) <= before &&
           daemon_clock_ms() < start + 10000)
        daemon_sleep_ms(5);
    int64_t took = daemon_clock_ms() - start;
    if (took > l->resumed_ms_max)
        l->resumed_ms_max = took;
    promise_check(&l->d.client, &l->promise);
    if (l->promise.checkpoint > checkpoint)
        l->crashes -= crashes; /* this one may have come after it */
    return true;
}

/* One job, killed on its way as often as it lasts. @return false when the test is over.
 */
static bool loop_job(struct loop *l) {
    char model[32];
    bool ended = false;
    snprintf(model, sizeof model, "killed-%d", l->jobs++);
    memset(&l->promise, 0, sizeof l->promise);
    l->crashes = 0;
    if (!job_post(&l->d.client, stateful_job(model), l->promise.id))
        return false;
    while (!ended && loop_killed(l) < kills_n())
        if (!kill_and_wait(l, &ended))
            return false;
    bool ok = result_finish(&l->d.client, l->promise.id, model, &stateful);
    promise_check(&l->d.client, &l->promise);
    return ok && CHECK(promise_points(&l->promise) == EPOCHS / REPORT_EVERY + 1);
}

/* Worker, server or both, at random moments; a job goes on within two seconds of the
 * kill, or in the time of a few starts on a machine that has no time for them. */
static void test_killed_at_random(void) {
    static struct loop l;
    l = (struct loop){.random = {20261125}};
    if (!CHECK(daemon_start(&l.d, NULL)))
        return;
    bool ok = true;
    while (ok && loop_killed(&l) < kills_n())
        ok = loop_job(&l);
    CHECK(ok);
    CHECK_SAY(l.resumed_ms_max <= 2000 || l.resumed_ms_max <= 8 * l.start_ms_max,
              "%d ms, a start %d ms", (int)l.resumed_ms_max, (int)l.start_ms_max);
    printf("%d kills (%d of the worker, %d of the server, %d of both) over %d jobs, "
           "resumed within %d ms, a start within %d ms\n",
           loop_killed(&l), l.killed[0], l.killed[1], l.killed[2], l.jobs,
           (int)l.resumed_ms_max, (int)l.start_ms_max);
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
static pid_t worker_start(const struct daemon *d, const char *lease_ms) {
    const char *binary = getenv("DESCENTD");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(127);
        execl(binary ? binary : "build/descentd", "descentd", "worker", "--store",
              d->store, "--lease-ms", lease_ms, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void worker_end(pid_t pid) {
    int status = -1;
    if (pid <= 0)
        return;
    kill(pid, SIGCONT);
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    CHECK_SAY(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
}

/* A worker is stopped past its lease, another takes over, the first one thaws: there is
 * one result. */
static void test_frozen_worker(void) {
    struct daemon d;
    char id[JOB_ID_BYTES];
    static const char *const flags[] = {"--workers", "0", NULL};
    if (!CHECK(daemon_start(&d, flags)))
        return;
    pid_t first = worker_start(&d, "1000"), second = 0;
    if (job_post(&d.client, stateful_job("frozen"), id) &&
        CHECK(job_wait_running(&d.client, id, 20))) {
        daemon_sleep_ms(100);
        freeze(first);
        second = worker_start(&d, "1000");
        result_finish(&d.client, id, "frozen", &stateful);
        kill(first, SIGCONT);
        for (int i = 0; i < 4; i++)
            CHECK(job_train(&d.client, short_job(), NULL));
        daemon_sleep_ms(300);
        result_finish(&d.client, id, "frozen", &stateful);
    }
    worker_end(first);
    worker_end(second);
    daemon_close(&d);
}

/* A worker that no server started dies: its job goes to another one long before the lease
 * is over. */
static void test_strange_worker_killed(void) {
    struct daemon d;
    char id[JOB_ID_BYTES];
    static const char *const flags[] = {"--workers", "0", NULL};
    if (!CHECK(daemon_start(&d, flags)))
        return;
    pid_t first = worker_start(&d, "600000"), second = 0;
    if (job_post(&d.client, stateful_job("strange"), id) &&
        CHECK(job_wait_running(&d.client, id, 20))) {
        kill(first, SIGKILL);
        second = worker_start(&d, "600000");
        result_finish(&d.client, id, "strange", &stateful);
    }
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    worker_end(second);
    daemon_close(&d);
}

/* A worker that is stopped for ever, in a transaction or not, does not keep its job or
 * the store: its server ends it when its lease is over. */
static void test_worker_stopped_for_ever(void) {
    struct daemon d;
    char id[JOB_ID_BYTES];
    pid_t pids[DAEMON_WORKERS_MAX];
    static const char *const flags[] = {"--lease-ms", "600", NULL};
    if (!CHECK(daemon_start(&d, flags)))
        return;
    bool ok = job_post(&d.client, stateful_job("stopped"), id);
    for (int i = 0; i < 4 && ok; i++) {
        ok = CHECK(job_wait_running(&d.client, id, 20));
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
    result_finish(&d.client, id, "stopped", &stateful);
    daemon_close(&d);
}

/* ---- threads ---------------------------------------------------------------------- */

/* Its batches are worth as many threads as a batch is ever shared by. */
static json_t *wide_job(const char *model) {
    json_t *rest = json_pack("{s[ii]sisisisssfsf}", "hidden_layers", 128, 64, "epochs",
                             100, "batch_size", 1024, "seed", 5, "optimizer", "adam",
                             "dropout", 0.2, "checkpoint_seconds", 0.05);
    return table_job(model, table_planar(4000), rest);
}

/* The daemon with so many threads; a paused job of it goes on with them. */
static bool restart_with(struct daemon *d, const char *threads) {
    bool ok = CHECK(daemon_stop(d) == 0);
    d->flags[1] = threads;
    return ok && CHECK(daemon_restart(d));
}

/* Straight through with each number of threads, and one job that has all of them in turn.
 */
static void test_threads_make_no_difference(void) {
    static const char *const threads[] = {"1", "2", "4"};
    static const char *const flags[] = {"--threads", "1", NULL};
    struct result want = {0}, got = {0};
    struct daemon d;
    char id[JOB_ID_BYTES];
    if (!CHECK(daemon_start(&d, flags)))
        return;
    bool ok = result_reference(&d.client, wide_job("wide-1"), "wide-1", &want) &&
              job_post(&d.client, wide_job("turns"), id);
    for (size_t i = 1; i < 3 && ok; i++) {
        char model[16];
        ok = CHECK(job_wait_running(&d.client, id, 20)) &&
             pause_and_wait(&d.client, id) && restart_with(&d, threads[i]);
        snprintf(model, sizeof model, "wide-%s", threads[i]);
        if (ok && (ok = result_reference(&d.client, wide_job(model), model, &got)))
            result_check(&got, &want, model);
        result_free(&got);
        order(&d.client, id, "resume");
    }
    result_finish(&d.client, id, "turns", &want);
    result_free(&want);
    daemon_close(&d);
}

int main(void) {
    CHECK_RUN(test_straight_through);
    CHECK_RUN(test_paused_nine_times);
    CHECK_RUN(test_paused_at_the_validation);
    CHECK_RUN(test_paused_at_the_evaluation);
    CHECK_RUN(test_paused_frees_its_worker);
    CHECK_RUN(test_killed_at_random);
    CHECK_RUN(test_frozen_worker);
    CHECK_RUN(test_strange_worker_killed);
    CHECK_RUN(test_worker_stopped_for_ever);
    CHECK_RUN(test_threads_make_no_difference);
    result_free(&stateful);
    result_free(&plain);
    return check_done();
}
