#include "server/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/away.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/machine.h"
#include "server/owner.h"
#include "server/reserve.h"

extern char **environ;

enum {
    WORKERS_MAX = 64,
    TICK_MS = 200, /* between looks at the store: the truth behind the wake-ups */
    PUBLISHED_EVERY_MS = 1000, /* between looks at the models without a worker's word */
    OWNERS_EVERY_MS = 500,     /* between looks for dead workers of other servers */
    RESERVE_EVERY_MS = 10000,
    SWEEP_EVERY_MS = 600000,
    RESTART_MS = 100, /* after a crash; doubled for each that follows at once */
    RESTART_MS_MAX = 5000,
    STEADY_MS = 10000, /* a worker that lived so long has recovered */
    WORKER_FD = 3
};

struct local_worker {
    pid_t pid; /* 0: not running */
    int fd;
    char owner[STORE_OWNER_MAX];
    int64_t started_us, restart_at_us, restart_ms;
    int64_t stopped_us;   /* since when it is stopped by a signal; 0: it is not */
    int64_t memory_kills; /* machine_memory_kills when it was started */
};

struct supervisor {
    struct supervisor_options options;
    struct store *store;
    pthread_t thread;
    int stop_fd; /* an eventfd */
    size_t workers_n;
    atomic_int_fast64_t crashes;
    int64_t change_counter, published_at_us, owners_at_us, swept_at_us;
    char **dead; /* (dead_n) owners at the last look, not put back yet; owned */
    size_t dead_n;
    int64_t reserve_at_us;
    bool reserve_missing; /* which was said */
    bool outdated;        /* the same */
    struct away away;
    atomic_bool is_away;
    bool store_by_environment;
    pthread_mutex_t lock; /* guards the workers' fds and pids */
    struct local_worker workers[WORKERS_MAX];
};

/* ---- processes ------------------------------------------------------------------ */

static bool spawn(struct supervisor *s, struct local_worker *w, int child_fd) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, child_fd, WORKER_FD);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    const struct config *c = s->options.config;
    char threads[24], niceness[24], lease[24], memory[24], together[24], fd[24];
    snprintf(threads, sizeof threads, "%lld", (long long)c->threads);
    snprintf(niceness, sizeof niceness, "%lld", (long long)c->worker_nice);
    snprintf(lease, sizeof lease, "%lld", (long long)c->lease_ms);
    snprintf(memory, sizeof memory, "%lld", (long long)c->job_memory_max);
    snprintf(together, sizeof together, "%lld", (long long)c->training_memory_max);
    snprintf(fd, sizeof fd, "%d", WORKER_FD);
    enum { FIXED_N = 16 };
    const char *argv[FIXED_N + 3] = {"descentd",
                                     "worker",
                                     "--threads",
                                     threads,
                                     "--worker-nice",
                                     niceness,
                                     "--lease-ms",
                                     lease,
                                     "--job-memory-max",
                                     memory,
                                     "--training-memory-max",
                                     together,
                                     "--log-level",
                                     c->log_level,
                                     "--wake-fd",
                                     fd};
    if (*c->store_file) {
        argv[FIXED_N] = "--store-file";
        argv[FIXED_N + 1] = c->store_file;
    } else if (!s->store_by_environment) {
        argv[FIXED_N] = "--store";
        argv[FIXED_N + 1] = c->store;
    }
    int status = posix_spawn(&w->pid, s->options.program, &actions, &attributes,
                             (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (status != 0) {
        log_write(LOG_ERROR, "a worker could not be started", "error",
                  LOG_TEXT(strerror(status)), NULL);
        w->pid = 0;
    }
    return status == 0;
}

static void worker_start(struct supervisor *s, struct local_worker *w) {
    int pair[2];
    w->restart_ms = w->restart_ms ? w->restart_ms : RESTART_MS;
    w->restart_at_us = clock_mono_us() + w->restart_ms * 1000;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        log_write(LOG_ERROR, "a worker could not be started", "error",
                  LOG_TEXT(strerror(errno)), NULL);
        return;
    }
    pthread_mutex_lock(&s->lock);
    if (spawn(s, w, pair[1])) {
        w->fd = pair[0];
        w->started_us = clock_mono_us();
        w->stopped_us = 0;
        w->memory_kills = machine_memory_kills();
        owner_of(w->pid, w->owner);
        log_write(LOG_INFO, "worker started", "worker_pid", LOG_INT(w->pid), NULL);
    } else {
        close(pair[0]);
    }
    pthread_mutex_unlock(&s->lock);
    close(pair[1]);
}

static void owner_release(struct supervisor *s, const char *owner,
                          enum store_death death) {
    struct err e = {0};
    int64_t released = 0;
    if (!store_owner_dead(s->store, owner, death, store_now_ms(s->store), &released,
                          &e)) {
        log_err(LOG_ERROR, "a dead worker's job could not be put back", &e);
    } else if (released) {
        log_write(LOG_WARN, "a dead worker's job was put back", "owner", LOG_TEXT(owner),
                  NULL);
        supervisor_wake(s);
    }
}

/* The worker is no more: from here nobody writes to its socket. */
static void worker_forget(struct supervisor *s, struct local_worker *w) {
    pthread_mutex_lock(&s->lock);
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    w->pid = 0;
    pthread_mutex_unlock(&s->lock);
}

/* For a stop its job is not to blame. */
static enum store_death death_of(const struct local_worker *w, int status) {
    if (w->stopped_us)
        return STORE_DEATH_TOLD;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return killed && machine_memory_kills() > w->memory_kills ? STORE_DEATH_MEMORY
                                                              : STORE_DEATH_CRASH;
}

/* The worker's socket ended: it is dead, or so stuck that it may as well be. */
static void worker_ended(struct supervisor *s, struct local_worker *w) {
    int status = 0;
    pid_t pid = w->pid;
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    worker_forget(s, w);
    atomic_fetch_add(&s->crashes, 1);
    log_write(LOG_WARN, "worker ended", "worker_pid", LOG_INT(pid), "signal",
              LOG_INT(WIFSIGNALED(status) ? WTERMSIG(status) : 0), "exit",
              LOG_INT(WIFEXITED(status) ? WEXITSTATUS(status) : 0), NULL);
    owner_release(s, w->owner, death_of(w, status));
    bool steady = clock_mono_us() - w->started_us > STEADY_MS * INT64_C(1000);
    w->restart_ms = steady ? RESTART_MS : w->restart_ms * 2;
    if (w->restart_ms > RESTART_MS_MAX)
        w->restart_ms = RESTART_MS_MAX;
    w->restart_at_us = clock_mono_us() + w->restart_ms * 1000;
}

/* ---- the thread ----------------------------------------------------------------- */

/* Reads what a worker said. @return whether it said anything. */
static bool worker_heard(struct supervisor *s, struct local_worker *w) {
    char bytes[64];
    ssize_t n = recv(w->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        return true;
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        worker_ended(s, w);
    return n == 0;
}

/* A worker that somebody has stopped in the middle of a transaction keeps everybody from
 * writing. Longer than a lease it may not: its job goes to another one anyway. */
static void worker_stopped_look(struct supervisor *s, struct local_worker *w) {
    siginfo_t info = {0};
    int64_t now = clock_mono_us();
    if (!w->pid)
        return;
    if (waitid(P_PID, (id_t)w->pid, &info, WSTOPPED | WCONTINUED | WNOHANG) == 0 &&
        info.si_pid == w->pid)
        w->stopped_us = info.si_code == CLD_STOPPED ? now : 0;
    if (!w->stopped_us || now - w->stopped_us < s->options.config->lease_ms * 1000)
        return;
    log_write(LOG_WARN, "a worker is stopped for longer than its lease: killed",
              "worker_pid", LOG_INT(w->pid), NULL);
    worker_ended(s, w);
}

/* What a newer program has made of the store may be nothing for this one. */
static void schema_look(struct supervisor *s) {
    struct err e = {0};
    if (s->outdated || store_schema_check(s->store, &e) || e.kind != ERR_CONFLICT)
        return;
    s->outdated = true;
    log_err(LOG_ERROR, "this server has to be replaced", &e);
    s->options.outdated(s->options.context);
}

/* Without a word from anybody the models are looked at now and then, as something else
 * may have changed. */
static void changes_look(struct supervisor *s, bool published, bool heard) {
    struct err e = {0};
    int64_t now = clock_mono_us(), counter = store_change_counter(s->store, &e);
    bool away = away_note(&s->away, counter < 0 ? &e : NULL);
    atomic_store(&s->is_away, away);
    if (away)
        return;
    bool due = now - s->published_at_us > PUBLISHED_EVERY_MS * INT64_C(1000);
    if (!heard && counter == s->change_counter)
        return;
    if (due)
        schema_look(s);
    published = published || due;
    s->options.changed(s->options.context, s->store, published);
    if (published) {
        s->published_at_us = now;
        s->change_counter = counter;
    }
}

static void sweep(struct supervisor *s) {
    int64_t now = clock_mono_us(), deleted = 0;
    struct err e = {0};
    if (now - s->swept_at_us <= SWEEP_EVERY_MS * INT64_C(1000))
        return;
    if (!store_blob_sweep(s->store, store_now_ms(s->store), &deleted, &e))
        log_err(LOG_WARN, "unused bytes could not be swept", &e);
    else if (deleted)
        log_write(LOG_INFO, "unused bytes swept", "blobs", LOG_INT(deleted), NULL);
    s->swept_at_us = now;
}

/* Whether it is for worker_ended to tell of its death. */
static bool owner_is_ours(const struct supervisor *s, const char *owner) {
    for (size_t i = 0; i < s->workers_n; i++)
        if (s->workers[i].pid && strcmp(s->workers[i].owner, owner) == 0)
            return true;
    return false;
}

static void owners_free(char **owners, size_t n) {
    for (size_t i = 0; i < n; i++)
        free(owners[i]);
    free(owners);
}

/* Whether a dead owner's jobs are for this server to put back. Beside others on a shared
 * store it gives the owner's own server, which knows how its worker died, until the next
 * look. */
static bool owner_is_left(const struct supervisor *s, const char *owner) {
    bool left = !store_is_shared(s->store);
    for (size_t i = 0; i < s->dead_n && !left; i++)
        left = strcmp(s->dead[i], owner) == 0;
    return left;
}

/* Puts back what workers of servers that are gone have in hand. Some outlive their server
 * for a while, so this is done again and again. Of others the lease tells. */
static void dead_owners_release(struct supervisor *s) {
    struct err e = {0};
    char **owners = NULL;
    size_t n = 0, dead_n = 0;
    s->owners_at_us = clock_mono_us();
    if (atomic_load(&s->is_away))
        return;
    if (!store_owners(s->store, &owners, &n, &e)) {
        log_err(LOG_ERROR, "the owners of running jobs could not be read", &e);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char *owner = owners[i];
        bool dead =
            !owner_is_ours(s, owner) && owner_is_dead(owner, store_is_shared(s->store));
        bool left = dead && owner_is_left(s, owner);
        if (left)
            owner_release(s, owner, STORE_DEATH_TOLD);
        if (dead && !left)
            owners[dead_n++] = owner;
        else
            free(owner);
    }
    owners_free(s->dead, s->dead_n);
    s->dead = owners;
    s->dead_n = dead_n;
}

/* Where the store is a file the disk may be full one day. */
static void reserve_look(struct supervisor *s) {
    struct err e = {0};
    s->reserve_at_us = clock_mono_us();
    if (store_is_shared(s->store))
        return;
    bool kept = reserve_keep(s->options.config->store, &e);
    if (!kept && !s->reserve_missing)
        log_err(LOG_WARN, "the disk is full, or nearly", &e);
    s->reserve_missing = !kept;
}

static void workers_restart(struct supervisor *s) {
    int64_t now = clock_mono_us();
    for (size_t i = 0; i < s->workers_n; i++)
        if (!s->workers[i].pid && now >= s->workers[i].restart_at_us)
            worker_start(s, &s->workers[i]);
}

static void *supervise(void *context) {
    struct supervisor *s = context;
    workers_restart(s);
    for (;;) {
        struct pollfd fds[WORKERS_MAX + 2] = {
            {.fd = s->stop_fd, .events = POLLIN},
            {.fd = store_listen(s->store), .events = POLLIN}};
        for (size_t i = 0; i < s->workers_n; i++)
            fds[i + 2] = (struct pollfd){.fd = s->workers[i].fd, .events = POLLIN};
        unsigned hints = store_heard(s->store);
        poll(fds, s->workers_n + 2, hints ? 0 : TICK_MS);
        if (fds[0].revents)
            return NULL;
        hints |= store_heard(s->store);
        bool heard = false;
        for (size_t i = 0; i < s->workers_n; i++)
            if (fds[i + 2].revents)
                heard = worker_heard(s, &s->workers[i]) || heard;
        for (size_t i = 0; i < s->workers_n; i++)
            worker_stopped_look(s, &s->workers[i]);
        changes_look(s, heard || hints & STORE_HINT_MODELS, heard || hints);
        sweep(s);
        if (clock_mono_us() - s->owners_at_us > OWNERS_EVERY_MS * INT64_C(1000))
            dead_owners_release(s);
        if (clock_mono_us() - s->reserve_at_us > RESERVE_EVERY_MS * INT64_C(1000))
            reserve_look(s);
        if (store_is_shared(s->store) || !atomic_load(&s->is_away))
            workers_restart(s);
    }
}

/* A worker reads a --store-file by itself; a URL with a password is no argument for it.
 */
static bool goes_by_environment(const struct config *config) {
    size_t n;
    return !*config->store_file && store_url_password(config->store, &n);
}

void supervisor_environment(const struct config *config) {
    if (goes_by_environment(config))
        setenv("DESCENTD_STORE", config->store, 1);
}

struct supervisor *supervisor_start(const struct supervisor_options *options,
                                    struct err *e) {
    struct supervisor *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the supervisor");
        return NULL;
    }
    s->options = *options;
    s->workers_n = (size_t)options->config->workers;
    s->swept_at_us = clock_mono_us();
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&s->lock, NULL);
    s->store = store_open(options->config->store, e);
    if (!s->store || s->stop_fd < 0) {
        err_set(e, ERR_INTERNAL, NULL, "no file descriptor for the supervisor");
        goto failed;
    }
    s->store_by_environment = goes_by_environment(options->config);
    for (size_t i = 0; i < s->workers_n; i++)
        s->workers[i].fd = -1;
    dead_owners_release(s);
    reserve_look(s);
    if (pthread_create(&s->thread, NULL, supervise, s) == 0)
        return s;
    err_set(e, ERR_NO_MEMORY, NULL, "no thread for the supervisor");
failed:
    store_close(s->store);
    if (s->stop_fd >= 0)
        close(s->stop_fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

void supervisor_wake(struct supervisor *s) {
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->workers_n; i++)
        if (s->workers[i].fd >= 0)
            send(s->workers[i].fd, "w", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    pthread_mutex_unlock(&s->lock);
}

void supervisor_counts(struct supervisor *s, int64_t *running, int64_t *crashes) {
    *running = 0;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->workers_n; i++)
        *running += s->workers[i].pid != 0;
    pthread_mutex_unlock(&s->lock);
    *crashes = atomic_load(&s->crashes);
}

bool supervisor_store_away(const struct supervisor *s) {
    return atomic_load(&s->is_away);
}

/* Waits for the worker until deadline_us, then kills it. */
static void worker_stop(struct local_worker *w, int64_t deadline_us) {
    int status;
    while (w->pid) {
        pid_t got = waitpid(w->pid, &status, WNOHANG);
        if (got == w->pid || (got < 0 && errno != EINTR))
            break;
        if (clock_mono_us() > deadline_us)
            kill(w->pid, SIGKILL);
        usleep(2000);
    }
}

void supervisor_stop(struct supervisor *s, int64_t timeout_ms) {
    uint64_t one = 1;
    if (write(s->stop_fd, &one, sizeof one) == sizeof one)
        pthread_join(s->thread, NULL);
    for (size_t i = 0; i < s->workers_n; i++)
        if (s->workers[i].pid)
            kill(s->workers[i].pid, SIGTERM);
    int64_t deadline_us = clock_mono_us() + timeout_ms * 1000;
    for (size_t i = 0; i < s->workers_n; i++) {
        worker_stop(&s->workers[i], deadline_us);
        worker_forget(s, &s->workers[i]);
        if (s->workers[i].owner[0])
            owner_release(s, s->workers[i].owner, STORE_DEATH_TOLD);
    }
    if (!store_is_shared(s->store))
        reserve_release(s->options.config->store);
}

void supervisor_free(struct supervisor *s) {
    if (!s)
        return;
    owners_free(s->dead, s->dead_n);
    store_close(s->store);
    close(s->stop_fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
