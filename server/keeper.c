#include "server/keeper.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/log.h"
#include "server/signals.h"

enum {
    LOOK_MS = 25,       /* between looks for a cancellation while a job runs */
    WRITE_MS = 100,     /* between batches of points */
    HEARTBEAT_MS = 2000 /* between batches without points */
};

struct points {
    struct store_point *items;
    size_t n, capacity;
};

struct keeper {
    struct store *store;
    pthread_t thread;
    int wake_fd;
    int signal_fd; /* of signals_open: SIGTERM or SIGINT came */
    int call_fd;   /* an eventfd: the trainer's side has something for the thread */
    atomic_bool stop, quitting;
    atomic_bool ending; /* keeper_stop was called */
    _Atomic double epochs_done, training_seconds;
    struct points outgoing; /* the keeper's thread; the trainer's while nothing is kept */
    int64_t written_us;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool woken;
    bool keeping; /* a claim is kept */
    bool busy;    /* the thread is at the store with it */
    bool cancelled, lost;
    struct store_claim claim;
    struct points pending;
};

static bool points_add(struct points *p, const struct store_point *items, size_t n) {
    if (p->n + n > p->capacity) {
        size_t capacity = 2 * (p->n + n) + 64;
        struct store_point *grown = realloc(p->items, capacity * sizeof *grown);
        if (!grown)
            return false;
        p->items = grown;
        p->capacity = capacity;
    }
    if (n)
        memcpy(p->items + p->n, items, n * sizeof *items);
    p->n += n;
    return true;
}

/* ---- the thread ----------------------------------------------------------------- */

static void quit(struct keeper *k) {
    atomic_store(&k->quitting, true);
    atomic_store(&k->stop, true);
}

/* Writes the batch, or only looks. */
static void store_visit(struct keeper *k, const struct store_claim *claim,
                        enum store_wish *wish, bool *lost) {
    struct err e = {0};
    int64_t now = clock_mono_us();
    bool write_due = k->outgoing.n ? now - k->written_us >= WRITE_MS * 1000
                                   : now - k->written_us >= HEARTBEAT_MS * 1000;
    if (!write_due) {
        if (!store_claim_check(k->store, claim, lost, wish, &e))
            log_err(LOG_WARN, "the job could not be looked at", &e);
        return;
    }
    struct store_progress progress = {
        .lease_ms = KEEPER_LEASE_MS,
        .epochs_done = atomic_load(&k->epochs_done),
        .training_seconds = atomic_load(&k->training_seconds),
        .points = k->outgoing.items,
        .points_n = k->outgoing.n,
    };
    k->written_us = now;
    if (store_claim_progress(k->store, claim, &progress, wish, &e)) {
        k->outgoing.n = 0;
    } else if (e.kind == ERR_CONFLICT) {
        *lost = true;
    } else {
        log_err(LOG_WARN, "a batch of points waits to be written", &e);
    }
}

/* One visit to the store for the claim in hand, if there is one. */
static void keep(struct keeper *k) {
    pthread_mutex_lock(&k->lock);
    if (!k->keeping) {
        pthread_mutex_unlock(&k->lock);
        return;
    }
    struct store_claim claim = k->claim;
    if (points_add(&k->outgoing, k->pending.items, k->pending.n))
        k->pending.n = 0;
    k->busy = true;
    pthread_mutex_unlock(&k->lock);
    enum store_wish wish = STORE_GO_ON;
    bool lost = false;
    store_visit(k, &claim, &wish, &lost);
    pthread_mutex_lock(&k->lock);
    k->busy = false;
    k->cancelled = k->cancelled || wish == STORE_CANCEL;
    k->lost = k->lost || lost;
    if (k->keeping && (wish != STORE_GO_ON || lost))
        atomic_store(&k->stop, true);
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

static void server_heard(struct keeper *k) {
    char bytes[64];
    ssize_t n = recv(k->wake_fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        log_write(LOG_WARN, "the server is gone: ending", NULL);
        k->wake_fd = -1;
        quit(k);
    }
}

static void wake(struct keeper *k) {
    pthread_mutex_lock(&k->lock);
    k->woken = true;
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

static void *run(void *context) {
    struct keeper *k = context;
    for (;;) {
        pthread_mutex_lock(&k->lock);
        int timeout = k->keeping ? LOOK_MS : -1;
        pthread_mutex_unlock(&k->lock);
        struct pollfd fds[3] = {{.fd = k->call_fd, .events = POLLIN},
                                {.fd = k->signal_fd, .events = POLLIN},
                                {.fd = k->wake_fd, .events = POLLIN}};
        poll(fds, 3, timeout);
        if (fds[0].revents) {
            uint64_t value;
            ssize_t got = read(k->call_fd, &value, sizeof value);
            (void)got; /* how often it was signalled says nothing: begins may add up */
        }
        if (atomic_load(&k->ending))
            return NULL;
        if (fds[1].revents) {
            signals_take(k->signal_fd);
            quit(k);
        }
        if (fds[2].revents)
            server_heard(k);
        if (fds[1].revents || fds[2].revents)
            wake(k);
        keep(k);
    }
}

/* ---- start and stop ------------------------------------------------------------- */

struct keeper *keeper_start(const char *store_path, int wake_fd, struct err *e) {
    struct keeper *k = calloc(1, sizeof *k);
    if (!k) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the keeper");
        return NULL;
    }
    k->wake_fd = wake_fd;
    k->signal_fd = signals_open(e);
    k->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&k->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    k->store = store_open(store_path, e);
    if (k->store && k->signal_fd >= 0 && k->call_fd >= 0 &&
        pthread_create(&k->thread, NULL, run, k) == 0)
        return k;
    err_set(e, ERR_INTERNAL, NULL, "no thread or file descriptor for the keeper");
    store_close(k->store);
    free(k);
    return NULL;
}

static void thread_signal(struct keeper *k) {
    const uint64_t one = 1;
    while (write(k->call_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void keeper_stop(struct keeper *k) {
    atomic_store(&k->ending, true);
    thread_signal(k);
    pthread_join(k->thread, NULL);
    store_close(k->store);
    close(k->call_fd);
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->changed);
    free(k->outgoing.items);
    free(k->pending.items);
    free(k);
}

/* ---- the trainer's side --------------------------------------------------------- */

const atomic_bool *keeper_stop_flag(const struct keeper *k) {
    return &k->stop;
}

bool keeper_quitting(const struct keeper *k) {
    return atomic_load(&k->quitting);
}

void keeper_wait(struct keeper *k, int64_t timeout_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&k->lock);
    while (!k->woken && !atomic_load(&k->quitting))
        if (pthread_cond_timedwait(&k->changed, &k->lock, &until) == ETIMEDOUT)
            break;
    k->woken = false;
    pthread_mutex_unlock(&k->lock);
}

void keeper_tell(struct keeper *k) {
    if (k->wake_fd >= 0)
        send(k->wake_fd, "d", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void keeper_begin(struct keeper *k, const struct store_claim *claim) {
    pthread_mutex_lock(&k->lock);
    k->claim = *claim;
    k->outgoing.n = k->pending.n = 0;
    k->cancelled = k->lost = false;
    k->written_us = clock_mono_us();
    atomic_store(&k->epochs_done, 0);
    atomic_store(&k->training_seconds, 0);
    atomic_store(&k->stop, false);
    if (atomic_load(&k->quitting)) /* after the store: quit() may come between */
        atomic_store(&k->stop, true);
    k->keeping = true;
    pthread_mutex_unlock(&k->lock);
    thread_signal(k);
}

bool keeper_point(struct keeper *k, struct store_point point) {
    pthread_mutex_lock(&k->lock);
    bool ok = points_add(&k->pending, &point, 1);
    pthread_mutex_unlock(&k->lock);
    return ok;
}

void keeper_progress(struct keeper *k, double epochs_done, double training_seconds) {
    atomic_store_explicit(&k->epochs_done, epochs_done, memory_order_relaxed);
    atomic_store_explicit(&k->training_seconds, training_seconds, memory_order_relaxed);
}

struct keeper_end keeper_end(struct keeper *k) {
    pthread_mutex_lock(&k->lock);
    k->keeping = false;
    while (k->busy)
        pthread_cond_wait(&k->changed, &k->lock);
    if (points_add(&k->outgoing, k->pending.items, k->pending.n))
        k->pending.n = 0;
    struct keeper_end end = {k->cancelled, k->lost, k->outgoing.items, k->outgoing.n};
    pthread_mutex_unlock(&k->lock);
    return end;
}
