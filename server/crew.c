#include "server/crew.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/crew_size.h"

enum { EVENTS = 2 * CREW_STATIONS_MAX + 1, ROUND_MS = 1000 };
/* How often one looks whether another needs help, how long it goes on when it did, and
 * the most that it takes over at a time. */
enum { LOOK_US = 200, HELP_US = 400, HELP_EVENTS = 8 };

/* What a descriptor of a worker's epoll instance is. */
enum watched { WATCHED_STATION, WATCHED_BELL, WATCHED_END };

struct station {
    struct crew_station is;
    int bell;             /* an eventfd */
    atomic_size_t worker; /* whose it is */
    atomic_bool more;     /* it had more to do when it ran last */
    pthread_mutex_t lock; /* held by who runs it; guards what follows */
    uint64_t round;       /* the last in which it ran */
};

struct worker {
    struct crew *crew;
    pthread_t thread;
    int epoll; /* of its stations, their bells and the crew's end; -1: not yet */
    bool started;
    atomic_uint_fast64_t round; /* no two workers have the same, and none has 0 */
    atomic_int processor;       /* where the round began */
    /* Its stations that have more to do: the thread's own. */
    size_t busy[CREW_STATIONS_MAX], busy_n;
    bool patient; /* the thread's own */
    /* The thread's own, too: when it last looked at another one, at whom, and what it
     * saw: the round that it was in, 0: it has not looked yet, and whether there was
     * something to do for it; and until when it helps. */
    int64_t looked_ns, helping_ns;
    size_t other;
    uint64_t seen_round;
    bool seen_waiting;
    /* How long it has waited, and, while it waits, since when; 0: it does not. */
    atomic_int_fast64_t waited_ns, since_ns;
    int64_t waited_before_ns, ran_before_ns; /* crew_balance's */
};

struct crew {
    void (*begin)(void);
    void (*patient)(bool patient);
    int64_t (*spare_us)(void);
    atomic_bool ending, is_patient;
    int end; /* an eventfd: readable once it ends */
    struct station stations[CREW_STATIONS_MAX];
    size_t stations_n, workers_n;
    atomic_size_t at_work; /* workers that have stations: the first ones */
    struct crew_size size; /* crew_balance's, as is what follows */
    int64_t balanced_ns, spare_before_us;
    struct worker workers[];
};

/* ---- running -------------------------------------------------------------------- */

static bool is_own(const struct worker *w, size_t i) {
    const struct crew *c = w->crew;
    return atomic_load(&c->stations[i].worker) == (size_t)(w - c->workers);
}

/* Once in a round, whatever the number of reasons; under the lock. @return whether there
 * is more to do. */
static bool station_round(const struct worker *w, struct station *s) {
    if (s->round == w->round)
        return false;
    s->round = w->round;
    bool more = s->is.run(s->is.context);
    atomic_store_explicit(&s->more, more, memory_order_relaxed);
    return more;
}

/* Who has more to do is run again by the worker that has the station by then. @return
 * false: somebody else runs it, and it was not to be waited for. */
static bool station_run(struct worker *w, size_t i, bool wait) {
    struct station *s = &w->crew->stations[i];
    if (pthread_mutex_trylock(&s->lock) != 0) {
        if (!wait)
            return false;
        pthread_mutex_lock(&s->lock);
    }
    bool again = station_round(w, s);
    pthread_mutex_unlock(&s->lock);
    if (again && is_own(w, i) && w->busy_n < CREW_STATIONS_MAX)
        w->busy[w->busy_n++] = i;
    else if (again)
        crew_ring(w->crew, i);
    return true;
}

static int worker_wait(struct worker *w, struct epoll_event *events) {
    if (w->busy_n)
        return epoll_wait(w->epoll, events, EVENTS, 0);
    int64_t since_ns = clock_mono_ns();
    atomic_store_explicit(&w->since_ns, since_ns, memory_order_relaxed);
    int n = epoll_wait(w->epoll, events, EVENTS, ROUND_MS);
    int64_t waited_ns = clock_mono_ns() - since_ns;
    atomic_store_explicit(&w->since_ns, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&w->waited_ns, waited_ns, memory_order_relaxed);
    return n;
}

static void round_begin(struct worker *w) {
    atomic_store_explicit(&w->round, w->round + w->crew->workers_n, memory_order_relaxed);
    atomic_store_explicit(&w->processor, sched_getcpu(), memory_order_relaxed);
}

/* @return whether somebody else ran one, which was not waited for. */
static bool stations_run(struct worker *w, const struct epoll_event *events, int n,
                         bool wait) {
    bool all = true;
    for (int i = 0; i < n; i++)
        if ((events[i].data.u64 & 3) != WATCHED_END &&
            !station_run(w, events[i].data.u64 >> 2, wait))
            all = false;
    return !all;
}

/* Before their stations run: who rings in between is heard in the next round. */
static void bells_quiet(struct crew *c, const struct epoll_event *events, int n) {
    uint64_t rings;
    for (int i = 0; i < n; i++) {
        ssize_t got = 0;
        if ((events[i].data.u64 & 3) == WATCHED_BELL)
            got = read(c->stations[events[i].data.u64 >> 2].bell, &rings, sizeof rings);
        (void)got; /* or somebody else has read it */
    }
}

/* Those that had more to do before this round; who has them now was rung for them. */
static void busy_run(struct worker *w, const size_t *busy, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (is_own(w, busy[i]))
            station_run(w, busy[i], true);
}

/* ---- helping -------------------------------------------------------------------- */

/* Who has been woken may still wait for a processor, for a few of the kernel's ticks, and
 * so may who has lost it: behind others, or behind this very thread, while its stations
 * have something to do. Then they are run here. */

/* But for what is being run: its bell rings on. @return whether any was run. */
static bool events_take_over(struct worker *w, const struct epoll_event *events, int n) {
    struct crew *c = w->crew;
    bool any = false;
    round_begin(w); /* what ran in this one may have been rung for since */
    bells_quiet(c, events, n);
    for (int i = 0; i < n; i++) {
        size_t at = events[i].data.u64 >> 2;
        struct station *s = &c->stations[at];
        bool again = (events[i].data.u64 & 3) == WATCHED_BELL;
        if ((events[i].data.u64 & 3) == WATCHED_END)
            continue;
        if (pthread_mutex_trylock(&s->lock) == 0) {
            any = true;
            again = station_round(w, s);
            pthread_mutex_unlock(&s->lock);
        }
        if (again)
            crew_ring(c, at);
    }
    return any;
}

static struct epoll_event event_of(size_t station, enum watched what) {
    return (struct epoll_event){.events = EPOLLIN,
                                .data.u64 = (uint64_t)station << 2 | what};
}

/* What there is to do for one, and what it has left to do. @return how much that is. */
static int undone_find(struct worker *other, struct epoll_event events[HELP_EVENTS]) {
    struct crew *c = other->crew;
    int n = epoll_wait(other->epoll, events, HELP_EVENTS, 0);
    n = n < 0 ? 0 : n;
    for (size_t i = 0; i < c->stations_n && n < HELP_EVENTS; i++)
        if (is_own(other, i) &&
            atomic_load_explicit(&c->stations[i].more, memory_order_relaxed))
            events[n++] = event_of(i, WATCHED_STATION);
    return n;
}

/* At one that is where it was at the last look. @return whether to look at it again. */
static bool stuck_look(struct worker *w, struct worker *other, int64_t now_ns) {
    struct epoll_event events[HELP_EVENTS];
    int n = undone_find(other, events);
    bool displaced =
        atomic_load_explicit(&other->since_ns, memory_order_relaxed) == 0 &&
        atomic_load_explicit(&other->processor, memory_order_relaxed) == sched_getcpu();
    bool waiting = w->seen_waiting;
    w->seen_waiting = n > 0;
    if (n > 0 && waiting && events_take_over(w, events, n)) /* not just on its way */
        w->helping_ns = now_ns + HELP_US * 1000;
    if (displaced)
        sched_yield(); /* it has lost this processor, to this thread perhaps */
    return n > 0 || displaced || now_ns < w->helping_ns;
}

static void other_next(struct worker *w, size_t at_work) {
    size_t self = (size_t)(w - w->crew->workers);
    w->other = (w->other + 1) % at_work;
    if (w->other == self)
        w->other = (w->other + 1) % at_work;
    w->seen_round = 0;
    w->seen_waiting = false;
    w->helping_ns = 0;
}

/* Now and then, and all the time while it helps: whether another one gets on; who does is
 * left for the next. */
static void other_look(struct worker *w) {
    struct crew *c = w->crew;
    size_t at_work = atomic_load_explicit(&c->at_work, memory_order_relaxed);
    if (at_work < 2)
        return;
    int64_t now_ns = clock_mono_ns();
    if (now_ns >= w->helping_ns && now_ns - w->looked_ns < LOOK_US * 1000)
        return;
    w->looked_ns = now_ns;
    if (w->other >= at_work)
        other_next(w, at_work);
    struct worker *other = &c->workers[w->other];
    uint64_t round = atomic_load_explicit(&other->round, memory_order_relaxed);
    if (!w->seen_round)
        w->seen_round = round;
    else if (w->seen_round != round || !stuck_look(w, other, now_ns))
        other_next(w, at_work);
}

static void all_run(struct worker *w) {
    for (size_t i = 0; i < w->crew->stations_n; i++)
        if (is_own(w, i))
            station_run(w, i, true);
}

static void patience_follow(struct worker *w) {
    bool patient = atomic_load_explicit(&w->crew->is_patient, memory_order_relaxed);
    if (patient == w->patient)
        return;
    w->patient = patient;
    w->crew->patient(patient);
}

static void *work(void *context) {
    struct worker *w = context;
    struct epoll_event events[EVENTS];
    size_t busy[CREW_STATIONS_MAX];
    int64_t round_us = clock_coarse_us();
    if (w->crew->begin)
        w->crew->begin();
    while (!atomic_load(&w->crew->ending)) {
        int n = worker_wait(w, events);
        size_t busy_n = w->busy_n;
        memcpy(busy, w->busy, busy_n * sizeof *busy);
        w->busy_n = 0;
        round_begin(w);
        bells_quiet(w->crew, events, n);
        bool left = stations_run(w, events, n, false);
        busy_run(w, busy, busy_n);
        if (left)
            stations_run(w, events, n, true);
        other_look(w);
        patience_follow(w);
        int64_t now_us = clock_coarse_us();
        if (now_us - round_us >= ROUND_MS * 1000) {
            round_us = now_us;
            all_run(w);
        }
    }
    return NULL;
}

void crew_ring(struct crew *c, size_t station) {
    uint64_t once = 1;
    ssize_t n = write(c->stations[station].bell, &once, sizeof once);
    (void)n; /* it can only fail where it rings already */
}

/* ---- who does what -------------------------------------------------------------- */

static bool watch(struct worker *w, int fd, size_t station, enum watched what) {
    struct epoll_event event = event_of(station, what);
    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool station_add(struct crew *c, size_t i, struct worker *to) {
    struct station *s = &c->stations[i];
    if (!watch(to, s->is.fd, i, WATCHED_STATION))
        return false;
    if (!watch(to, s->bell, i, WATCHED_BELL)) {
        epoll_ctl(to->epoll, EPOLL_CTL_DEL, s->is.fd, NULL);
        return false;
    }
    atomic_store(&s->worker, (size_t)(to - c->workers));
    return true;
}

/* Its new worker has it before the old one loses it, and looks at what that one left. */
static void station_move(struct crew *c, size_t i, size_t to) {
    struct station *s = &c->stations[i];
    size_t from = atomic_load(&s->worker);
    if (from == to || !station_add(c, i, &c->workers[to]))
        return; /* or stays */
    epoll_ctl(c->workers[from].epoll, EPOLL_CTL_DEL, s->is.fd, NULL);
    epoll_ctl(c->workers[from].epoll, EPOLL_CTL_DEL, s->bell, NULL);
    crew_ring(c, i);
}

static int64_t thread_ran_ns(pthread_t thread) {
    clockid_t clock;
    struct timespec ran;
    if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &ran) != 0)
        return 0;
    return (int64_t)ran.tv_sec * 1000000000 + ran.tv_nsec;
}

/* The shares of the time since the last look. */
static void worker_look(struct worker *w, int64_t now_ns, double period_ns, bool at_work,
                        struct crew_load *load) {
    int64_t since_ns = atomic_load(&w->since_ns);
    int64_t waited_ns = atomic_load(&w->waited_ns) + (since_ns ? now_ns - since_ns : 0);
    int64_t ran_ns = thread_ran_ns(w->thread);
    double busy = 1 - (double)(waited_ns - w->waited_before_ns) / period_ns;
    if (at_work && busy > load->busiest) {
        load->busiest = busy;
        load->ran = (double)(ran_ns - w->ran_before_ns) / period_ns;
    }
    load->all += at_work ? busy : 0;
    w->waited_before_ns = waited_ns;
    w->ran_before_ns = ran_ns;
}

static void load_look(struct crew *c, struct crew_load *load) {
    int64_t now_ns = clock_mono_ns(), spare_us = c->spare_us();
    double period_ns = (double)(now_ns - c->balanced_ns);
    *load = (struct crew_load){.spare = -1};
    for (size_t i = 0; i < c->workers_n; i++)
        worker_look(&c->workers[i], now_ns, period_ns, i < c->size.now, load);
    if (spare_us >= 0)
        load->spare = (double)(spare_us - c->spare_before_us) * 1000 / period_ns;
    c->spare_before_us = spare_us;
    c->balanced_ns = now_ns;
}

/* Who sleeps is to be woken as one that is not patient any more. */
static void patience_tell(struct crew *c, bool patient) {
    bool was = atomic_exchange(&c->is_patient, patient);
    for (size_t i = 0; was && !patient && i < c->size.now && i < c->stations_n; i++)
        crew_ring(c, i);
}

void crew_balance(struct crew *c) {
    struct crew_load load;
    size_t before = c->size.now;
    load_look(c, &load);
    crew_size_next(&c->size, &load);
    patience_tell(c, c->size.patient);
    if (c->size.now == before)
        return;
    atomic_store(&c->at_work, c->size.now);
    for (size_t i = 0; i < c->stations_n; i++)
        station_move(c, i, i % c->size.now);
}

size_t crew_at_work(const struct crew *c) {
    return c->size.now;
}

/* ---- start and stop ------------------------------------------------------------- */

static bool worker_open(struct crew *c, size_t i) {
    struct worker *w = &c->workers[i];
    return (w->epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0 &&
           watch(w, c->end, 0, WATCHED_END);
}

static bool worker_start(struct crew *c, size_t i) {
    struct worker *w = &c->workers[i];
    w->round = i + 1;
    w->other = c->workers_n > 1 ? (i + 1) % c->workers_n : 0;
    errno = pthread_create(&w->thread, NULL, work, w);
    return (w->started = errno == 0);
}

static bool station_open(struct crew *c, size_t i, const struct crew_station *is) {
    struct station *s = &c->stations[i];
    s->is = *is;
    s->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return s->bell >= 0 && station_add(c, i, &c->workers[i % c->workers_n]);
}

struct crew *crew_start(const struct crew_options *options, struct err *e) {
    size_t n = options->threads_n;
    struct crew *c = calloc(1, sizeof *c + n * sizeof *c->workers);
    if (!c) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for threads that serve");
        return NULL;
    }
    c->begin = options->begin;
    c->patient = options->patient;
    c->spare_us = options->spare_us;
    c->workers_n = n;
    c->stations_n = options->stations_n;
    c->size = (struct crew_size){.most = n, .now = n};
    atomic_init(&c->at_work, n);
    c->balanced_ns = clock_mono_ns();
    c->spare_before_us = c->spare_us();
    c->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (size_t i = 0; i < n; i++)
        c->workers[i] = (struct worker){.crew = c, .epoll = -1};
    for (size_t i = 0; i < c->stations_n; i++) {
        c->stations[i].bell = -1;
        pthread_mutex_init(&c->stations[i].lock, NULL);
    }
    bool ok = c->end >= 0;
    for (size_t i = 0; ok && i < n; i++)
        ok = worker_open(c, i);
    for (size_t i = 0; ok && i < c->stations_n; i++)
        ok = station_open(c, i, &options->stations[i]);
    for (size_t i = 0; ok && i < n; i++) /* which find all of them */
        ok = worker_start(c, i);
    if (ok)
        return c;
    err_set(e, ERR_INTERNAL, NULL, "no threads to serve with: %s", strerror(errno));
    crew_stop(c);
    return NULL;
}

static void fd_close(int fd) {
    if (fd >= 0)
        close(fd);
}

void crew_stop(struct crew *c) {
    if (!c)
        return;
    uint64_t once = 1;
    atomic_store(&c->ending, true);
    ssize_t n = write(c->end, &once, sizeof once);
    (void)n; /* without it they look once in a second */
    for (size_t i = 0; i < c->workers_n; i++)
        if (c->workers[i].started)
            pthread_join(c->workers[i].thread, NULL);
    for (size_t i = 0; i < c->workers_n; i++)
        fd_close(c->workers[i].epoll); /* others looked at it */
    for (size_t i = 0; i < c->stations_n; i++) {
        fd_close(c->stations[i].bell);
        pthread_mutex_destroy(&c->stations[i].lock);
    }
    fd_close(c->end);
    free(c);
}
