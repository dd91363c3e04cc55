#include "tests/http/fleet.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check.h"

enum { STOP_MS = 20000 };

static void exec_worker(const struct fleet *f, size_t number) {
    static const struct fleet_worker plain = {"1", NULL};
    const struct fleet_worker *kind = f->kinds ? &f->kinds[number] : &plain;
    const char *binary = getenv("DESCENTD");
    const char *arguments[] = {
        "descentd",   "worker",    "--store",
        f->store,     "--threads", kind->threads,
        "--lease-ms", f->lease_ms, kind->memory ? "--job-memory-max" : NULL,
        kind->memory, NULL};
    int log = open(f->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (log < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(127);
    execv(binary ? binary : "build/descentd", (char *const *)arguments);
    _exit(127);
}

bool fleet_worker_start(struct fleet *f, size_t number) {
    fflush(stdout);
    pid_t pid = f->workers[number] = fork();
    if (pid == 0)
        exec_worker(f, number);
    return CHECK(pid > 0);
}

void fleet_worker_kill(struct fleet *f, size_t number, int signal) {
    kill(f->workers[number], signal);
    if (signal != SIGKILL)
        return;
    waitpid(f->workers[number], NULL, 0);
    f->workers[number] = 0;
}

static void worker_wait(struct fleet *f, size_t number, int code) {
    int status = 0;
    int64_t end = daemon_clock_ms() + STOP_MS;
    pid_t pid = f->workers[number];
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (!CHECK_SAY(daemon_clock_ms() < end, "worker %d does not end", (int)pid))
            kill(pid, SIGKILL);
        daemon_sleep_ms(5);
    }
    CHECK_SAY(WIFEXITED(status) && WEXITSTATUS(status) == code, "status %#x",
              (unsigned)status);
    f->workers[number] = 0;
}

void fleet_worker_stop(struct fleet *f, size_t number) {
    kill(f->workers[number], SIGTERM);
    worker_wait(f, number, 0);
}

void fleet_worker_fails(struct fleet *f, size_t number) {
    worker_wait(f, number, 1);
}

static bool store_make(struct fleet *f, const char *store) {
    const char *server = getenv("DESCENTD_TEST_POSTGRES");
    if (store) {
        snprintf(f->store, sizeof f->store, "%s", store);
        return true;
    }
    if (!CHECK_SAY(server, "run it by tests/postgres.sh run, or by tests/run.sh"))
        return false;
    return f->schema_made = postgres_schema_make(server, f->store);
}

bool fleet_open(struct fleet *f, const struct fleet_options *options) {
    *f = (struct fleet){.lease_ms = options->lease_ms ? options->lease_ms : "10000",
                        .kinds = options->kinds};
    const char *flags[DAEMON_FLAGS_MAX] = {"--workers", "0", "--lease-ms", f->lease_ms};
    for (size_t n = 4, i = 0; options->flags && options->flags[i]; i++)
        flags[n++] = options->flags[i];
    snprintf(f->dir, sizeof f->dir, "/tmp/descentd-fleet-XXXXXX");
    if (!store_make(f, options->store) || !CHECK(mkdtemp(f->dir)))
        return false;
    snprintf(f->log, sizeof f->log, "%s/log", f->dir);
    for (; f->replicas_n < options->replicas_n; f->replicas_n++)
        if (!daemon_start_on(&f->replicas[f->replicas_n], f->store, flags))
            return false;
    for (; f->workers_n < options->workers_n; f->workers_n++)
        if (!fleet_worker_start(f, f->workers_n))
            return false;
    return true;
}

void fleet_close(struct fleet *f) {
    for (size_t i = 0; i < f->workers_n; i++)
        if (f->workers[i])
            fleet_worker_stop(f, i);
    for (size_t i = 0; i < f->replicas_n; i++)
        daemon_close(&f->replicas[i]);
    if (f->schema_made)
        postgres_schema_end(f->store);
    unlink(f->log);
    CHECK(rmdir(f->dir) == 0);
}

struct client *fleet_client(struct fleet *f, size_t number) {
    return &f->replicas[number % f->replicas_n].client;
}

int64_t fleet_int(const struct fleet *f, const char *sql) {
    return postgres_int(f->store, sql);
}
