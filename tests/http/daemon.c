#include "tests/http/daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/check.h"

enum { START_MS = 10000, STOP_MS = 10000 };

int64_t daemon_clock_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void daemon_sleep_ms(int ms) {
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

/* In the child: becomes the daemon. A test that dies takes it along. */
static void exec_daemon(const struct daemon *d, int out) {
    const char *binary = getenv("DESCENTD");
    const char *arguments[DAEMON_FLAGS_MAX + 8] = {"descentd",    "serve",   "--listen",
                                                   "127.0.0.1:0", "--store", d->store};
    size_t n = 6;
    for (size_t i = 0; i < DAEMON_FLAGS_MAX && d->flags[i]; i++)
        arguments[n++] = d->flags[i];

    int log = open(d->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (log < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(127);
    execv(binary ? binary : "build/descentd", (char *const *)arguments);
    _exit(127);
}

/* Reads the line that names the port. @return 0 when it does not come. */
static int read_port(int out) {
    char line[256];
    size_t n = 0;
    int64_t end = daemon_clock_ms() + START_MS;
    struct pollfd p = {.fd = out, .events = POLLIN};
    while (n < sizeof line - 1 && poll(&p, 1, (int)(end - daemon_clock_ms())) > 0) {
        if (read(out, line + n, 1) != 1)
            return 0;
        if (line[n++] == '\n')
            break;
    }
    line[n] = '\0';
    const char *url = strstr(line, "listening on http://127.0.0.1:");
    return url ? atoi(strrchr(url, ':') + 1) : 0;
}

static void print_log(const struct daemon *d) {
    char line[512];
    FILE *log = fopen(d->log, "r");
    printf("the daemon did not come up; its log:\n");
    while (log && fgets(line, sizeof line, log))
        printf("    %s", line);
    if (log)
        fclose(log);
}

bool daemon_restart(struct daemon *d) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    fflush(stdout);
    d->pid = fork();
    if (d->pid == 0)
        exec_daemon(d, ends[1]);
    close(ends[1]);
    d->out = ends[0];
    d->port = d->pid > 0 ? read_port(d->out) : 0;
    client_close(&d->client);
    if (d->port && client_open(&d->client, d->port))
        return true;
    print_log(d);
    daemon_kill(d, true);
    return false;
}

static void remove_folder(const struct daemon *d) {
    static const char *const names[] = {"descentd.db", "descentd.db-wal",
                                        "descentd.db-shm", "descentd.db-reserve", "log"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/%s", d->dir, names[i]);
        unlink(path);
    }
    if (strstr(d->store, "://") && !d->shares)
        postgres_schema_end(d->store);
    CHECK_SAY(rmdir(d->dir) == 0, "%s: %s", d->dir, strerror(errno));
}

/* A file of its own, or a schema of its own on the server. */
static bool store_make(struct daemon *d, bool file) {
    const char *kind = file ? NULL : getenv("DESCENTD_TEST_STORE");
    const char *server = getenv("DESCENTD_TEST_POSTGRES");
    if (kind && strcmp(kind, "postgresql") == 0)
        return CHECK(server != NULL) && postgres_schema_make(server, d->store);
    snprintf(d->store, sizeof d->store, "%s/descentd.db", d->dir);
    return true;
}

static bool start(struct daemon *d, const char *store, bool file,
                  const char *const *flags) {
    const char *base = getenv("TMPDIR");
    *d = (struct daemon){.out = -1};
    for (size_t i = 0; flags && flags[i] && i < DAEMON_FLAGS_MAX - 1; i++)
        d->flags[i] = flags[i];
    snprintf(d->dir, sizeof d->dir, "%s/descentd-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(d->dir))
        return false;
    d->shares = store;
    if (store)
        snprintf(d->store, sizeof d->store, "%s", store);
    else if (!store_make(d, file))
        return false;
    snprintf(d->log, sizeof d->log, "%s/log", d->dir);
    if (daemon_restart(d))
        return true;
    remove_folder(d);
    return false;
}

bool daemon_start(struct daemon *d, const char *const *flags) {
    return start(d, NULL, false, flags);
}

bool daemon_start_file(struct daemon *d, const char *const *flags) {
    return start(d, NULL, true, flags);
}

bool daemon_start_on(struct daemon *d, const char *store, const char *const *flags) {
    return start(d, store, false, flags);
}

static void forget(struct daemon *d) {
    if (d->out >= 0)
        close(d->out);
    d->out = -1;
    d->pid = 0;
}

int daemon_wait(struct daemon *d) {
    int status = 0;
    int64_t end = daemon_clock_ms() + STOP_MS;
    if (d->pid <= 0)
        return -1;
    while (waitpid(d->pid, &status, WNOHANG) == 0) {
        if (daemon_clock_ms() > end) {
            printf("the daemon did not stop within %d ms\n", STOP_MS);
            daemon_kill(d, true);
            return -1;
        }
        daemon_sleep_ms(2);
    }
    forget(d);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int daemon_stop(struct daemon *d) {
    if (d->pid > 0)
        kill(d->pid, SIGTERM);
    return daemon_wait(d);
}

void daemon_kill(struct daemon *d, bool workers) {
    pid_t pids[DAEMON_WORKERS_MAX];
    if (d->pid <= 0)
        return;
    size_t n = workers ? daemon_workers(d, pids) : 0;
    /* The parent must not start others while they die. */
    kill(d->pid, SIGSTOP);
    for (size_t i = 0; i < n; i++)
        kill(pids[i], SIGKILL);
    kill(d->pid, SIGKILL);
    waitpid(d->pid, NULL, 0);
    forget(d);
}

void daemon_close(struct daemon *d) {
    if (d->pid > 0)
        CHECK(daemon_stop(d) == 0);
    client_close(&d->client);
    remove_folder(d);
}

/* The parent of a process, and whether its second argument is "worker". */
static bool is_worker_of(pid_t pid, pid_t parent) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    /* The name, in parentheses, may hold anything. */
    const char *behind = strrchr(text, ')');
    int found = 0;
    if (!behind || sscanf(behind, ") %*c %d", &found) != 1 || found != (int)parent)
        return false;

    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    f = fopen(path, "r");
    n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    size_t first_n = strlen(text) + 1;
    return first_n < n && strcmp(text + first_n, "worker") == 0;
}

size_t daemon_workers(const struct daemon *d, pid_t pids[DAEMON_WORKERS_MAX]) {
    size_t n = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc && n < DAEMON_WORKERS_MAX && (entry = readdir(proc))) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (pid > 0 && is_worker_of(pid, d->pid))
            pids[n++] = pid;
    }
    if (proc)
        closedir(proc);
    return n;
}

static bool log_has(const struct daemon *d, const char *text,
                    char line[DAEMON_LINE_BYTES]) {
    bool found = false;
    FILE *log = fopen(d->log, "r");
    while (log && !found && fgets(line, DAEMON_LINE_BYTES, log))
        found = strstr(line, text);
    if (log)
        fclose(log);
    line[strcspn(line, "\n")] = '\0';
    return found;
}

bool daemon_logs(const struct daemon *d, const char *text, int timeout_ms,
                 char line[DAEMON_LINE_BYTES]) {
    char unwanted[DAEMON_LINE_BYTES] = "";
    int64_t end = daemon_clock_ms() + timeout_ms;
    bool found;
    while (!(found = log_has(d, text, line ? line : unwanted)) && daemon_clock_ms() < end)
        daemon_sleep_ms(10);
    return CHECK_SAY(found, "the log never said \"%s\"", text);
}

long daemon_memory_kib(pid_t pid, const char *name) {
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtol(line + strlen(name) + 1, NULL, 10);
    }
    if (f)
        fclose(f);
    return kib;
}
