#include "engine/team.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "engine/memory.h"

enum { THREADS_MAX = 64, SPINS = 4000 };

/* `ticket` is the run's number in the high half and the lanes not yet taken in the low
 * one. A lane is taken by one compare-and-swap, which fails once the run is over; who
 * holds a lane therefore reads the run's task, context and lanes_n safely. */
struct team {
    _Alignas(MEMORY_ALIGN) atomic_uint_fast64_t ticket;
    _Alignas(MEMORY_ALIGN) atomic_size_t ended_n; /* lanes of this run */

    team_task *task; /* written between runs */
    void *context;
    size_t lanes_n;

    atomic_bool closing;
    atomic_size_t sleepers_n;  /* workers that wait on `work` */
    atomic_bool caller_sleeps; /* on `done` */
    pthread_mutex_t lock;      /* makes going to sleep and waking exclude each other */
    pthread_cond_t work;       /* a new ticket, or closing */
    pthread_cond_t done;       /* all lanes have ended */
    size_t workers_n;          /* threads_n - 1 */
    pthread_t workers[THREADS_MAX - 1];
};

static uint32_t ticket_run(uint64_t ticket) {
    return (uint32_t)(ticket >> 32);
}

static void relax(void) {
#if defined(__x86_64__)
    _mm_pause();
#endif
}

/* Denormals slow element-wise loops down a hundredfold and mean nothing here.
 * @return what to give to flush_restore. */
static unsigned flush_denormals(void) {
#if defined(__x86_64__)
    const unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040;
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | flush_to_zero | denormals_are_zero);
    return before;
#else
    return 0;
#endif
}

static void flush_restore(unsigned before) {
#if defined(__x86_64__)
    _mm_setcsr(before);
#else
    (void)before;
#endif
}

/* Takes lanes of the run `run` until none is left. */
static void lanes_work(struct team *team, uint32_t run) {
    uint64_t ticket = atomic_load_explicit(&team->ticket, memory_order_acquire);
    while (ticket_run(ticket) == run && (uint32_t)ticket) {
        if (!atomic_compare_exchange_weak_explicit(&team->ticket, &ticket, ticket - 1,
                                                   memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        size_t lanes_n = team->lanes_n;
        team->task(team->context, lanes_n - (uint32_t)ticket);
        /* From the last increment on, the caller may return: nothing of this run is read.
         */
        if (atomic_fetch_add(&team->ended_n, 1) + 1 == lanes_n &&
            atomic_load(&team->caller_sleeps)) {
            pthread_mutex_lock(&team->lock);
            pthread_cond_signal(&team->done);
            pthread_mutex_unlock(&team->lock);
        }
        ticket = atomic_load_explicit(&team->ticket, memory_order_acquire);
    }
}

/* Waits for a run other than `run`. @return false when the team closes. */
static bool run_wait(struct team *team, uint32_t run) {
    for (int i = 0; i < SPINS; i++) {
        if (ticket_run(atomic_load_explicit(&team->ticket, memory_order_acquire)) != run)
            return true;
        relax();
    }
    pthread_mutex_lock(&team->lock);
    atomic_fetch_add(&team->sleepers_n, 1);
    while (ticket_run(atomic_load(&team->ticket)) == run && !atomic_load(&team->closing))
        pthread_cond_wait(&team->work, &team->lock);
    atomic_fetch_sub(&team->sleepers_n, 1);
    pthread_mutex_unlock(&team->lock);
    return !atomic_load(&team->closing);
}

static void *worker_main(void *argument) {
    struct team *team = argument;
    flush_denormals();
    for (uint32_t run = 0; run_wait(team, run);) {
        run = ticket_run(atomic_load_explicit(&team->ticket, memory_order_acquire));
        lanes_work(team, run);
    }
    return NULL;
}

/* Signals are the business of the program's own threads. */
static bool workers_start(struct team *team, size_t workers_n) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (team->workers_n < workers_n &&
           pthread_create(&team->workers[team->workers_n], NULL, worker_main, team) == 0)
        team->workers_n++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return team->workers_n == workers_n;
}

struct team *team_new(size_t threads_n, struct err *e) {
    if (threads_n < 1 || threads_n > THREADS_MAX) {
        err_set(e, ERR_RANGE, NULL, "a team has 1 to %d threads, not %zu", THREADS_MAX,
                threads_n);
        return NULL;
    }
    struct team *team = memory_new(1, sizeof *team);
    if (!team) {
        err_set(e, ERR_NO_MEMORY, NULL, "out of memory for a team of threads");
        return NULL;
    }
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->work, NULL);
    pthread_cond_init(&team->done, NULL);
    if (!workers_start(team, threads_n - 1)) {
        err_set(e, ERR_NO_MEMORY, NULL, "cannot start %zu threads", threads_n);
        team_free(team);
        return NULL;
    }
    return team;
}

void team_free(struct team *team) {
    if (!team)
        return;
    pthread_mutex_lock(&team->lock);
    atomic_store(&team->closing, true);
    pthread_cond_broadcast(&team->work);
    pthread_mutex_unlock(&team->lock);
    for (size_t i = 0; i < team->workers_n; i++)
        pthread_join(team->workers[i], NULL);
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->work);
    pthread_mutex_destroy(&team->lock);
    free(team);
}

size_t team_threads(const struct team *team) {
    return team->workers_n + 1;
}

/* Opens a run. @return its number. */
static uint32_t run_open(struct team *team, size_t lanes_n, team_task *task,
                         void *context) {
    uint32_t run =
        ticket_run(atomic_load_explicit(&team->ticket, memory_order_relaxed)) + 1;
    team->task = task;
    team->context = context;
    team->lanes_n = lanes_n;
    atomic_store_explicit(&team->ended_n, 0, memory_order_relaxed);
    atomic_store(&team->ticket, (uint64_t)run << 32 | lanes_n);
    if (atomic_load(&team->sleepers_n)) {
        pthread_mutex_lock(&team->lock);
        pthread_cond_broadcast(&team->work);
        pthread_mutex_unlock(&team->lock);
    }
    return run;
}

static void ended_wait(struct team *team, size_t lanes_n) {
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&team->ended_n, memory_order_acquire) == lanes_n)
            return;
        relax();
    }
    pthread_mutex_lock(&team->lock);
    atomic_store(&team->caller_sleeps, true);
    while (atomic_load(&team->ended_n) != lanes_n)
        pthread_cond_wait(&team->done, &team->lock);
    atomic_store(&team->caller_sleeps, false);
    pthread_mutex_unlock(&team->lock);
}

void team_run(struct team *team, size_t lanes_n, team_task *task, void *context) {
    unsigned before = flush_denormals();
    if (lanes_n == 1 || !team->workers_n) {
        for (size_t lane = 0; lane < lanes_n; lane++)
            task(context, lane);
    } else if (lanes_n) {
        lanes_work(team, run_open(team, lanes_n, task, context));
        ended_wait(team, lanes_n);
    }
    flush_restore(before);
}

struct each {
    team_task *task;
    void *context;
    size_t threads_n;
    atomic_size_t reached_n;
};

/* Who waits in one lane takes no other: each thread has one. */
static void each_run(void *context, size_t lane) {
    struct each *each = context;
    atomic_fetch_add(&each->reached_n, 1);
    while (atomic_load(&each->reached_n) < each->threads_n)
        sched_yield();
    each->task(each->context, lane);
}

void team_each(struct team *team, team_task *task, void *context) {
    struct each each = {
        .task = task, .context = context, .threads_n = team_threads(team)};
    team_run(team, each.threads_n, each_run, &each);
}
