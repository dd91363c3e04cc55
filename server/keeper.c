#include "server/keeper.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/away.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/signals.h"

enum {
    LOOK_MS = 25,           /* between looks for a cancellation while a job runs */
    LOOK_HINTED_MS = 100,   /* the same where the store says when somebody asks for one */
    LISTEN_MS = 1000,       /* between attempts to hear such hints */
    WRITE_MS = 100,         /* between batches of points */
    PIECE_MS = 3,           /* between pieces of a checkpoint: others write too */
    HEARTBEATS_A_LEASE = 5, /* without points */
    QUIT_WAIT_US = 3000000  /* for a store that is away, with the last checkpoint */
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
    atomic_int_fast64_t quit_us; /* when it began to quit */
    atomic_bool ending;          /* keeper_stop was called */
    _Atomic double epochs_done, training_seconds;
    int64_t lease_ms;
    /* the keeper's thread's; the trainer's while nothing is kept */
    struct points outgoing;
    struct checkpoint_writer writer;
    int64_t written_us;
    int64_t failing_us;      /* since when the store fails each write; 0: it does not */
    bool checkpoint_failing; /* the last one did, which was said */
    struct away away;
    bool hinted;          /* the store gives hints, and they are heard */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool woken;
    bool keeping; /* a claim is kept */
    bool busy;    /* the thread is at the store with it */
    bool lost;
    struct err failure; /* the store's, which the job ends with */
    enum store_wish wish;
    struct store_claim claim;
    struct points pending;
    int64_t back_us;
    enum keeper_checkpoint checkpoint;
    struct checkpoint_files files; /* handed over, not yet taken up */
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
    int_fast64_t never = 0;
    atomic_compare_exchange_strong(&k->quit_us, &never, clock_mono_us());
    atomic_store(&k->quitting, true);
    atomic_store(&k->stop, true);
}

/* What a visit to the store brought. */
struct visit {
    enum store_wish wish;
    bool lost;
    struct err failure;
    bool checkpoint_ended, checkpoint_failed;
};

static struct store_progress progress_of(struct keeper *k) {
    return (struct store_progress){
        .lease_ms = k->lease_ms,
        .epochs_done = atomic_load(&k->epochs_done),
        .training_seconds = atomic_load(&k->training_seconds),
        .points = k->outgoing.items,
        .points_n = k->outgoing.n,
    };
}

/* What the store does not know yet is kept; but one that fails for longer than a lease (a
 * full disk) ends the job. */
static void write_failed(struct keeper *k, const struct err *e, struct visit *v) {
    int64_t now = clock_mono_us();
    if (e->kind == ERR_CONFLICT) {
        v->lost = true;
    } else if (e->kind != ERR_STORAGE) {
        k->failing_us = 0;
        log_err(LOG_WARN, "a batch of points waits to be written", e);
    } else if (!k->failing_us) {
        k->failing_us = now;
        log_err(LOG_WARN, "points wait until the store can be written", e);
    } else if (now - k->failing_us >= k->lease_ms * 1000) {
        v->failure = *e;
    }
}

static void claim_visit(struct keeper *k, const struct store_claim *claim,
                        struct visit *v) {
    struct err e = {0};
    int64_t now = clock_mono_us();
    int64_t heartbeat_ms = k->lease_ms / HEARTBEATS_A_LEASE;
    bool write_due = k->outgoing.n ? now - k->written_us >= WRITE_MS * 1000
                                   : now - k->written_us >= heartbeat_ms * 1000;
    if (!write_due) {
        bool ok = store_claim_check(k->store, claim, &v->lost, &v->wish, &e);
        if (!away_note(&k->away, ok ? NULL : &e) && !ok)
            log_err(LOG_WARN, "the job could not be looked at", &e);
        return;
    }
    struct store_progress progress = progress_of(k);
    bool ok = store_claim_progress(k->store, claim, &progress, &v->wish, &e);
    bool away = away_note(&k->away, ok ? NULL : &e);
    /* The first that is heard of a store that was away is the lease. */
    if (!away)
        k->written_us = now;
    if (ok || away)
        k->failing_us = 0;
    if (ok)
        k->outgoing.n = 0;
    else if (!away)
        write_failed(k, &e, v);
}

/* A store that is away may be back in a moment: that much time has who quits, too. */
static bool may_wait(struct keeper *k) {
    return !atomic_load(&k->quitting) ||
           clock_mono_us() - atomic_load(&k->quit_us) < QUIT_WAIT_US;
}

/* One piece of the checkpoint in hand, or the transaction that makes it one. */
static void checkpoint_visit(struct keeper *k, const struct store_claim *claim,
                             struct visit *v) {
    struct err e = {0};
    enum checkpoint_step step = checkpoint_writer_step(&k->writer, k->store, &e);
    if (step == CHECKPOINT_MORE)
        return;
    struct store_progress progress = progress_of(k);
    bool ok = step == CHECKPOINT_READY &&
              store_claim_checkpoint(k->store, claim, &progress, k->writer.files.rows,
                                     k->writer.files.n, &e);
    if (!ok && away_note(&k->away, &e) && may_wait(k)) {
        if (step == CHECKPOINT_FAILED)
            checkpoint_writer_rewind(&k->writer, k->store);
        return; /* it waits until the store is back */
    }
    if (ok) {
        k->outgoing.n = 0;
        k->failing_us = 0;
        k->written_us = clock_mono_us();
    } else if (!k->checkpoint_failing) {
        log_err(LOG_WARN, "a checkpoint could not be written", &e);
    }
    k->checkpoint_failing = !ok;
    v->checkpoint_ended = true;
    v->checkpoint_failed = !ok;
    v->lost = v->lost || e.kind == ERR_CONFLICT;
    checkpoint_writer_drop(&k->writer, k->store);
}

/* Takes over what the trainer's side has left; under the lock. */
static void handed_take(struct keeper *k) {
    if (points_add(&k->outgoing, k->pending.items, k->pending.n))
        k->pending.n = 0;
    if (k->files.n) {
        k->writer = (struct checkpoint_writer){.files = k->files};
        k->files = (struct checkpoint_files){0};
    }
}

static void visit_note(struct keeper *k, const struct visit *v) {
    if (v->wish > k->wish)
        k->wish = v->wish;
    k->lost = k->lost || v->lost;
    k->back_us = k->away.back_us;
    if (v->checkpoint_ended)
        k->checkpoint =
            v->checkpoint_failed ? KEEPER_CHECKPOINT_FAILED : KEEPER_CHECKPOINT_NONE;
    if (!k->failure.kind)
        k->failure = v->failure;
    if (k->keeping && (v->wish != STORE_GO_ON || v->lost || v->failure.kind))
        atomic_store(&k->stop, true);
    pthread_cond_broadcast(&k->changed);
}

/* One visit to the store for the claim in hand, if there is one. */
static void keep(struct keeper *k) {
    pthread_mutex_lock(&k->lock);
    if (!k->keeping) {
        pthread_mutex_unlock(&k->lock);
        return;
    }
    struct store_claim claim = k->claim;
    handed_take(k);
    k->busy = true;
    pthread_mutex_unlock(&k->lock);
    struct visit v = {0};
    claim_visit(k, &claim, &v);
    if (k->writer.files.n)
        checkpoint_visit(k, &claim, &v);
    pthread_mutex_lock(&k->lock);
    k->busy = false;
    visit_note(k, &v);
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

/* What there is to hear, and where the next word will come; -1: nowhere. */
static unsigned listen_now(struct keeper *k, int *fd) {
    pthread_mutex_lock(&k->lock);
    k->busy = true;
    pthread_mutex_unlock(&k->lock);
    *fd = store_listen(k->store);
    unsigned hints = store_heard(k->store) & STORE_HINT_JOBS;
    k->hinted = *fd >= 0;
    pthread_mutex_lock(&k->lock);
    k->busy = false;
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
    return hints;
}

/* How long to wait for a word from somebody. */
static int pause_ms(struct keeper *k, unsigned hints) {
    pthread_mutex_lock(&k->lock);
    int pause = !k->keeping         ? store_is_shared(k->store) ? LISTEN_MS : -1
                : k->away.since_us  ? LOOK_MS
                : k->writer.files.n ? PIECE_MS
                : k->files.n        ? 0
                : k->hinted         ? LOOK_HINTED_MS
                                    : LOOK_MS;
    pthread_mutex_unlock(&k->lock);
    if (hints)
        wake(k);
    return hints ? 0 : pause;
}

static void *run(void *context) {
    struct keeper *k = context;
    for (;;) {
        struct pollfd fds[4] = {{.fd = k->call_fd, .events = POLLIN},
                                {.fd = k->signal_fd, .events = POLLIN},
                                {.fd = k->wake_fd, .events = POLLIN},
                                {.events = POLLIN}};
        unsigned hints = listen_now(k, &fds[3].fd);
        poll(fds, 4, pause_ms(k, hints));
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

struct keeper *keeper_start(const struct keeper_options *options, struct err *e) {
    struct keeper *k = calloc(1, sizeof *k);
    if (!k) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the keeper");
        return NULL;
    }
    k->wake_fd = options->wake_fd;
    k->lease_ms = options->lease_ms;
    k->signal_fd = options->signal_fd;
    k->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&k->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    k->store = store_open(options->store_path, e);
    if (k->store && k->call_fd >= 0 && pthread_create(&k->thread, NULL, run, k) == 0)
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

enum store_wish keeper_wish(struct keeper *k) {
    pthread_mutex_lock(&k->lock);
    enum store_wish wish = k->wish;
    pthread_mutex_unlock(&k->lock);
    return wish;
}

bool keeper_quitting(const struct keeper *k) {
    return atomic_load(&k->quitting);
}

int64_t keeper_back_us(struct keeper *k) {
    pthread_mutex_lock(&k->lock);
    int64_t back_us = k->back_us;
    pthread_mutex_unlock(&k->lock);
    return back_us;
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
    k->lost = false;
    k->failure = (struct err){0};
    k->failing_us = 0;
    k->checkpoint_failing = false;
    k->wish = STORE_GO_ON;
    k->checkpoint = KEEPER_CHECKPOINT_NONE;
    k->written_us = clock_mono_us();
    atomic_store(&k->epochs_done, claim->epochs_done);
    atomic_store(&k->training_seconds, claim->training_seconds);
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

void keeper_checkpoint(struct keeper *k, struct checkpoint_files *files) {
    pthread_mutex_lock(&k->lock);
    assert(k->checkpoint != KEEPER_CHECKPOINT_WRITING);
    k->files = *files;
    k->checkpoint = KEEPER_CHECKPOINT_WRITING;
    *files = (struct checkpoint_files){0};
    pthread_mutex_unlock(&k->lock);
    thread_signal(k);
}

enum keeper_checkpoint keeper_checkpoint_state(struct keeper *k) {
    pthread_mutex_lock(&k->lock);
    enum keeper_checkpoint state = k->checkpoint;
    pthread_mutex_unlock(&k->lock);
    return state;
}

enum keeper_checkpoint keeper_checkpoint_wait(struct keeper *k) {
    pthread_mutex_lock(&k->lock);
    while (k->checkpoint == KEEPER_CHECKPOINT_WRITING && !k->lost)
        pthread_cond_wait(&k->changed, &k->lock);
    enum keeper_checkpoint state = k->checkpoint;
    pthread_mutex_unlock(&k->lock);
    return state;
}

struct keeper_end keeper_end(struct keeper *k) {
    pthread_mutex_lock(&k->lock);
    k->keeping = false;
    while (k->busy)
        pthread_cond_wait(&k->changed, &k->lock);
    handed_take(k);
    checkpoint_writer_drop(&k->writer, k->store); /* one of a job that ends without it */
    struct keeper_end end = {
        .wish = k->wish,
        .lost = k->lost,
        .failure = k->failure,
        .points = k->outgoing.items,
        .points_n = k->outgoing.n,
    };
    pthread_mutex_unlock(&k->lock);
    return end;
}
