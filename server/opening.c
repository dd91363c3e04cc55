#include "server/opening.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "server/away.h"

struct opening {
    opening_try *attempt;
    void *context;
    pthread_t thread;
    int news_fd, stop_fd; /* eventfds */
    atomic_int state;     /* enum opening_state */
    struct err failure;   /* the thread's, until the state is FAILED */
};

static void signal_on(int fd) {
    const uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written; /* an eventfd takes it */
}

static void tell(struct opening *o, enum opening_state state) {
    if (atomic_exchange(&o->state, (int)state) != (int)state)
        signal_on(o->news_fd);
}

/* @return whether somebody said stop. */
static bool stop_wait(const struct opening *o, int64_t ms) {
    struct pollfd stop = {.fd = o->stop_fd, .events = POLLIN};
    return poll(&stop, 1, (int)ms) > 0;
}

static void *run(void *context) {
    struct opening *o = context;
    struct away away = {0};
    while (!stop_wait(o, 0)) {
        struct err e = {0};
        bool ok = o->attempt(o->context, &e);
        if (!away_note(&away, ok ? NULL : &e)) {
            o->failure = e;
            tell(o, ok ? OPENING_DONE : OPENING_FAILED);
            break;
        }
        tell(o, OPENING_WAITS);
        if (stop_wait(o, away_pause_ms(&away)))
            break;
    }
    return NULL;
}

static void opening_free(struct opening *o) {
    if (o->news_fd >= 0)
        close(o->news_fd);
    if (o->stop_fd >= 0)
        close(o->stop_fd);
    free(o);
}

struct opening *opening_start(opening_try *attempt, void *context, struct err *e) {
    struct opening *o = calloc(1, sizeof *o);
    if (!o) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory to open the store");
        return NULL;
    }
    o->attempt = attempt;
    o->context = context;
    o->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    o->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (o->news_fd >= 0 && o->stop_fd >= 0 &&
        pthread_create(&o->thread, NULL, run, o) == 0)
        return o;
    err_set(e, ERR_NO_MEMORY, NULL, "no thread to open the store");
    opening_free(o);
    return NULL;
}

int opening_fd(const struct opening *o) {
    return o->news_fd;
}

enum opening_state opening_state(struct opening *o) {
    uint64_t value;
    ssize_t got = read(o->news_fd, &value, sizeof value);
    (void)got; /* the state is read behind it, and no change can be missed */
    return (enum opening_state)atomic_load(&o->state);
}

const struct err *opening_error(const struct opening *o) {
    return &o->failure;
}

bool opening_stop(struct opening *o, int64_t timeout_ms, bool *done) {
    struct timespec until;
    signal_on(o->stop_fd);
    clock_gettime(CLOCK_REALTIME, &until); /* pthread_timedjoin_np's */
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    if (pthread_timedjoin_np(o->thread, NULL, &until) != 0)
        return false;
    *done = atomic_load(&o->state) == OPENING_DONE;
    opening_free(o);
    return true;
}
