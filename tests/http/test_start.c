/* A server and a worker that start before their database does: HTTP answers at once, what
 * needs the store says 503, and when the database comes all goes on without a restart.
 * What does not pass by itself is an error at the start. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/http/fleet.h"
#include "tests/http/job.h"
#include "tests/http/table.h"
#include "tests/unit/check.h"

enum { WAIT_S = 60, STOP_MS = 5000 };

static struct postgres server;

/* ---- while it is away ----------------------------------------------------------- */

static const struct asked {
    const char *method, *path, *body;
    long status;
} WHILE_AWAY[] = {
    {"GET", "/livez", NULL, 200},
    {"GET", "/v2/health/live", NULL, 200},
    {"GET", "/metrics", NULL, 200},
    {"GET", "/no/such/path", NULL, 404},
    {"POST", "/v1/models", "{}", 405},
    {"GET", "/readyz", NULL, 503},
    {"GET", "/ping", NULL, 503},
    {"GET", "/v2/health/ready", NULL, 503},
    {"GET", "/v1/jobs", NULL, 503},
    {"GET", "/v1/jobs/job_1", NULL, 503},
    {"GET", "/v1/jobs/job_1?wait=30", NULL, 503},
    {"GET", "/v1/jobs/job_1/events", NULL, 503},
    {"POST", "/v1/jobs/job_1/cancel", NULL, 503},
    {"DELETE", "/v1/jobs/job_1", NULL, 503},
    {"POST", "/v1/jobs",
     "{\"model\":\"m\",\"data\":{\"features\":[[1],[2]],\"targets\":[1,2]}}", 503},
    {"GET", "/v1/models", NULL, 503},
    {"GET", "/v1/models/line", NULL, 503},
    {"PUT", "/v1/models/line/aliases/live", "{\"version\":1}", 503},
    {"PUT", "/v1/datasets/table", "a,b\n1,2\n3,4\n", 503},
    {"GET", "/v1/datasets", NULL, 503},
    {"POST", "/predict", "{\"model\":\"line\",\"instances\":[[1]]}", 503},
    {"POST", "/predict", "{\"instances\":[[1]]}", 503},
    {"POST", "/v1/models/line:predict", "{\"instances\":[[1]]}", 503},
    {"POST", "/v2/models/line/infer",
     "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,1],\"datatype\":\"FP32\","
     "\"data\":[1]}]}",
     503},
    {"POST", "/v2/repository/index", NULL, 503},
};

static void answers_without_it(struct client *user) {
    for (size_t i = 0; i < sizeof WHILE_AWAY / sizeof *WHILE_AWAY; i++) {
        const struct asked *a = &WHILE_AWAY[i];
        struct reply reply;
        char value[256];
        client_send(user,
                    &(struct request){.method = a->method,
                                      .path = a->path,
                                      .body = a->body,
                                      .body_n = a->body ? strlen(a->body) : 0},
                    &reply);
        CHECK_SAY(reply.status == a->status, "%s %s: %ld %s", a->method, a->path,
                  reply.status, reply.body);
        CHECK_SAY(reply.status != 503 || *reply_header(&reply, "Retry-After", value),
                  "%s %s: no Retry-After", a->method, a->path);
        reply_free(&reply);
    }
    struct reply reply;
    client_get(user, &reply, "/readyz");
    CHECK_TEXT(reply_text(reply.json, "/error/message"), "starting: the store is away");
    reply_free(&reply);
    client_get(user, &reply, "/metrics");
    CHECK(strstr(reply.body, "descentd_http_requests"));
    reply_free(&reply);
}

static bool ready_await(struct client *user) {
    int64_t end = daemon_clock_ms() + WAIT_S * 1000;
    for (;;) {
        struct reply reply;
        client_get(user, &reply, "/readyz");
        bool ready = reply.status == 200;
        reply_free(&reply);
        if (ready || daemon_clock_ms() > end)
            return ready;
        daemon_sleep_ms(5);
    }
}

/* Servers, one with a worker of its own, and a worker apart; the store is new besides. */
static void they_start_without_it(void) {
    struct fleet fleet;
    struct daemon whole;
    const struct fleet_options options = {
        .store = server.url, .replicas_n = 2, .workers_n = 1, .lease_ms = "2000"};
    postgres_stop(&server, "immediate");
    if (!CHECK(fleet_open(&fleet, &options)) ||
        !CHECK(daemon_start_on(&whole, server.url, NULL)))
        return;
    for (size_t i = 0; i < 2; i++)
        answers_without_it(fleet_client(&fleet, i));
    int64_t start = daemon_clock_ms();
    postgres_start(&server);
    int64_t up = daemon_clock_ms();
    CHECK(ready_await(fleet_client(&fleet, 0)) && ready_await(fleet_client(&fleet, 1)) &&
          ready_await(&whole.client));
    printf("ready %lld ms after the database, which took %lld ms to start\n",
           (long long)(daemon_clock_ms() - up), (long long)(up - start));
    CHECK(job_train(fleet_client(&fleet, 0),
                    table_job("late", table_planar(60), json_pack("{si}", "epochs", 3)),
                    NULL));
    fleet_worker_stop(&fleet, 0);
    CHECK(job_train(fleet_client(&fleet, 1),
                    table_job("late", table_planar(60), json_pack("{si}", "epochs", 3)),
                    NULL));
    CHECK(fleet_int(&fleet, "SELECT count(*) FROM versions WHERE model = 'late'") == 2);
    daemon_close(&whole);
    fleet_close(&fleet);
}

/* Until a process that was just started catches SIGTERM. */
static bool catches_sigterm(pid_t pid) {
    int64_t end = daemon_clock_ms() + WAIT_S * 1000;
    for (bool caught = false;; daemon_sleep_ms(2)) {
        char path[64], line[256];
        snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
        FILE *f = fopen(path, "r");
        while (f && fgets(line, sizeof line, f))
            if (strncmp(line, "SigCgt:", 7) == 0)
                caught = strtoull(line + 7, NULL, 16) >> (SIGTERM - 1) & 1;
        if (f)
            fclose(f);
        if (caught || daemon_clock_ms() > end)
            return caught;
    }
}

/* Whether the database refuses connections or hangs: SIGTERM ends both well. */
static void they_end_while_they_wait(void) {
    for (int hangs = 0; hangs < 2; hangs++) {
        struct fleet fleet;
        const struct fleet_options options = {
            .store = server.url, .replicas_n = 1, .workers_n = 2, .lease_ms = "2000"};
        if (hangs)
            postgres_freeze(&server, true);
        else
            postgres_stop(&server, "immediate");
        if (CHECK(fleet_open(&fleet, &options))) {
            struct reply reply;
            client_get(fleet_client(&fleet, 0), &reply, "/readyz");
            CHECK(reply.status == 503);
            reply_free(&reply);
            CHECK(catches_sigterm(fleet.workers[0]) && catches_sigterm(fleet.workers[1]));
            int64_t start = daemon_clock_ms();
            fleet_close(&fleet); /* which checks the exit codes */
            int64_t ms = daemon_clock_ms() - start;
            CHECK_SAY(ms < 3 * STOP_MS, "%lld ms", (long long)ms);
        }
        if (hangs)
            postgres_freeze(&server, false);
        else
            postgres_start(&server);
    }
}

/* ---- what does not pass by itself ----------------------------------------------- */

/* Runs a command of the binary on a store until it ends. @return its exit code, with what
 * it said on stderr in `said`; -1: it had to be killed. */
static int run_on(const char *command, const char *store, char *said, size_t size) {
    const char *path = getenv("DESCENTD");
    int ends[2], status = 0;
    if (!CHECK(pipe(ends) == 0))
        return -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        const char *const argv[] = {"descentd", command, "--listen", "127.0.0.1:0",
                                    "--store",  store,   NULL};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        execv(path ? path : "build/descentd", (char *const *)argv);
        _exit(127);
    }
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int64_t end = daemon_clock_ms() + WAIT_S * 1000;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (daemon_clock_ms() > end)
            kill(pid, SIGKILL);
        daemon_sleep_ms(5);
    }
    ssize_t n = read(ends[0], said, size - 1);
    said[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void refused(const char *store, const char *text) {
    static const char *const COMMANDS[] = {"serve", "worker"};
    for (size_t i = 0; i < 2; i++) {
        char said[4096];
        int code = run_on(COMMANDS[i], store, said, sizeof said);
        CHECK_SAY(code == 1 && strstr(said, text), "%s on %s: %d, %s", COMMANDS[i], store,
                  code, said);
    }
}

/* Passwords are asked of one role, and of no other. */
static void passwords_ask(void) {
    char path[128], before[8192];
    snprintf(path, sizeof path, "%s/data/pg_hba.conf", server.folder);
    FILE *f = fopen(path, "r+");
    size_t n = f ? fread(before, 1, sizeof before, f) : 0;
    if (!CHECK(f && n < sizeof before))
        return;
    rewind(f);
    fputs("host all careful 127.0.0.1/32 scram-sha-256\n", f);
    fwrite(before, 1, n, f);
    CHECK(fclose(f) == 0);
    CHECK(postgres_int(server.url, "CREATE ROLE careful LOGIN PASSWORD 'right';"
                                   " GRANT CREATE ON SCHEMA public TO careful;"
                                   " SELECT 1 FROM pg_reload_conf()") == 1);
    postgres_stop(&server, "fast");
    postgres_start(&server);
}

static void what_does_not_pass_is_said(void) {
    char url[POSTGRES_URL_MAX];
    passwords_ask();
    snprintf(url, sizeof url, "postgresql://careful:wrong@127.0.0.1:%d/postgres",
             server.port);
    refused(url, "password authentication failed");
    snprintf(url, sizeof url, "postgresql://careful@127.0.0.1:%d/postgres", server.port);
    refused(url, "no password supplied");
    snprintf(url, sizeof url, "postgresql://nobody@127.0.0.1:%d/postgres", server.port);
    refused(url, "role \\\"nobody\\\" does not exist");
    snprintf(url, sizeof url, "postgresql://app@127.0.0.1:%d/nowhere", server.port);
    refused(url, "database \\\"nowhere\\\" does not exist");
    refused("postgresql://app@127.0.0.1:port/postgres", "expected postgresql://");
    refused("postgresql://app@127.0.0.1/postgres?colour=red", "expected postgresql://");
    refused("/nowhere/at/all/store", "cannot create");
    refused("/tmp", "store: /tmp is a directory");
    char path[128], reason[160];
    snprintf(path, sizeof path, "%s/prose", server.folder);
    FILE *prose = fopen(path, "w");
    CHECK(prose && fputs("Nobody would take this for a database.\n", prose) >= 0 &&
          fclose(prose) == 0);
    snprintf(reason, sizeof reason, "store: %s: file is not a database", path);
    refused(path, reason);
    CHECK(postgres_int(server.url, "UPDATE meta SET value = value + 1000 RETURNING 1") ==
          1);
    refused(server.url, "is newer than this program's");
    CHECK(postgres_int(server.url, "UPDATE meta SET value = value - 1000 RETURNING 1") ==
          1);
}

int main(void) {
    if (!postgres_make(&server))
        return 1;
    CHECK_RUN(they_start_without_it);
    CHECK_RUN(they_end_while_they_wait);
    CHECK_RUN(what_does_not_pass_is_said);
    postgres_end(&server);
    return check_done();
}
