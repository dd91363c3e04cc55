#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "server/breaks.h"
#include "server/clock.h"
#include "tests/unit/check.h"

enum {
    THREADS = 3,
    LONG_US = 20 * 1000000, /* for what comes within milliseconds */
    AGREED = 150            /* breaks while others want the processor, in TURN_NS */
};
static const int64_t TURN_NS = 60000000; /* of the thread's own; slow: 3 breaks */

static int64_t own_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Works until the thread has taken `n` breaks more. @return whether it has. */
static bool breaks_await(uint64_t n) {
    uint64_t before = breaks_taken();
    for (int64_t start_us = clock_mono_us(); clock_mono_us() - start_us < LONG_US;)
        if (breaks_taken() - before >= n)
            return true;
    return false;
}

struct seen {
    bool taken[THREADS], quiet[THREADS], errno_kept[THREADS];
};

static void thread_await(void *context, size_t thread) {
    struct seen *seen = context;
    errno = EDOM;
    seen->taken[thread] = breaks_await(2);
    seen->errno_kept[thread] = errno == EDOM;
}

static void thread_is_quiet(void *context, size_t thread) {
    struct seen *seen = context;
    uint64_t before = breaks_taken();
    for (int64_t start_ns = own_ns(); own_ns() - start_ns < TURN_NS;)
        continue;
    seen->quiet[thread] = breaks_taken() == before;
}

static void every_thread_takes_them(void) {
    struct err e = {0};
    struct team *team = team_new(THREADS, &e);
    for (int job = 0; job < 3; job++) {
        struct seen seen = {0};
        breaks_begin(team);
        team_each(team, thread_await, &seen);
        breaks_end(team);
        team_each(team, thread_is_quiet, &seen);
        for (size_t i = 0; i < THREADS; i++)
            CHECK_SAY(seen.taken[i] && seen.errno_kept[i] && seen.quiet[i],
                      "job %d, thread %zu: %d %d %d", job, i, seen.taken[i],
                      seen.errno_kept[i], seen.quiet[i]);
    }
    team_free(team);
}

/* Somebody who wants the same processor all the time. */
static void *want(void *context) {
    while (!atomic_load((atomic_bool *)context))
        continue;
    return NULL;
}

static bool pin(void) {
    cpu_set_t may, one;
    size_t cpu = 0;
    sched_getaffinity(0, sizeof may, &may);
    while (!CPU_ISSET(cpu, &may))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0;
}

static void others_have_quick_ones(void) {
    struct err e = {0};
    pthread_t other;
    atomic_bool done = false;
    CHECK(pin());
    struct team *team = team_new(1, &e);
    pthread_create(&other, NULL, want, &done);
    breaks_begin(team);
    CHECK(breaks_await(AGREED)); /* it has seen that somebody is there */
    uint64_t before = breaks_taken();
    for (int64_t start_ns = own_ns(); own_ns() - start_ns < TURN_NS;)
        continue;
    uint64_t taken = breaks_taken() - before;
    CHECK_SAY(taken >= AGREED, "%llu breaks", (unsigned long long)taken);
    breaks_end(team);
    atomic_store(&done, true);
    pthread_join(other, NULL);
    team_free(team);
}

int main(void) {
    CHECK_RUN(every_thread_takes_them);
    CHECK_RUN(others_have_quick_ones);
    return check_done();
}
