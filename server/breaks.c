#include "server/breaks.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* How often there is a break, and after how many of them the thread looks who else wanted
 * the processor: as many switches to others since the last look mean quick breaks from
 * there on, fewer mean slow ones. What the kernel and the housekeeping of an idle machine
 * need is less. Who wants it all the time has it after each of the kernel's ticks; so the
 * slow ones count ticks, in the thread's own time, which come anyway. A timer of its own
 * costs a virtual machine some 0.03 ms a time. */
static const struct pace {
    clockid_t clock;
    long ticks, us; /* either */
    uint64_t window;
    long switches;
} PACES[] = {
    {.clock = CLOCK_THREAD_CPUTIME_ID, .ticks = 5, .window = 1, .switches = 5},
    {.clock = CLOCK_MONOTONIC, .us = 200, .window = 50, .switches = 4},
};
enum { SLOW, QUICK, PACES_N };

#define BREAKS_SIGNAL (SIGRTMIN + 1)

/* The calling thread's own; its signal handler's too, once it has timers. */
static _Thread_local struct {
    timer_t timers[PACES_N];
    size_t timers_n;    /* PACES_N, or there are no breaks */
    size_t pace;        /* whose timer runs */
    long tick_ns;       /* of the kernel's clock */
    long switches;      /* by the last look */
    uint64_t taken;     /* breaks, ever */
    uint64_t looked_at; /* after so many of them */
} own;

/* How often the thread had to make room for others, or did so in a break. */
static long switches_count(void) {
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

/* ns: 0 stops it. */
static void timer_run(size_t pace, long ns) {
    const struct timespec period = {.tv_nsec = ns};
    const struct itimerspec every = {.it_interval = period, .it_value = period};
    timer_settime(own.timers[pace], 0, &every, NULL);
}

static void pace_set(size_t pace) {
    const struct pace *p = &PACES[pace];
    timer_run(own.pace, 0);
    own.pace = pace;
    timer_run(pace, p->ticks * own.tick_ns + p->us * 1000);
}

static void pace_look(void) {
    long before = own.switches;
    own.looked_at = own.taken;
    own.switches = switches_count();
    size_t pace = own.switches - before >= PACES[own.pace].switches ? QUICK : SLOW;
    if (pace != own.pace)
        pace_set(pace);
}

/* System calls alone, which may be made at any point of a program. */
static void on_signal(int number) {
    int kept = errno;
    (void)number;
    if (own.timers_n < PACES_N)
        return; /* of one that is gone */
    sched_yield();
    own.taken++;
    if (own.taken - own.looked_at >= PACES[own.pace].window)
        pace_look();
    errno = kept;
}

static void signal_let(int how) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, BREAKS_SIGNAL);
    pthread_sigmask(how, &set, NULL);
}

static void timers_delete(void) {
    while (own.timers_n)
        timer_delete(own.timers[--own.timers_n]);
}

/* 1 to 10 ms. */
static long tick_ns(void) {
    struct timespec tick;
    const long usual = 4000000;
    return clock_getres(CLOCK_MONOTONIC_COARSE, &tick) == 0 && !tick.tv_sec ? tick.tv_nsec
                                                                            : usual;
}

static void thread_begin(void *context, size_t thread) {
    (void)context;
    (void)thread;
    struct sigevent to_this_thread = {.sigev_notify = SIGEV_THREAD_ID,
                                      .sigev_signo = BREAKS_SIGNAL,
                                      ._sigev_un._tid = gettid()};
    while (own.timers_n < PACES_N &&
           timer_create(PACES[own.timers_n].clock, &to_this_thread,
                        &own.timers[own.timers_n]) == 0)
        own.timers_n++;
    if (own.timers_n < PACES_N) {
        timers_delete();
        return;
    }
    own.switches = switches_count();
    own.looked_at = own.taken;
    own.tick_ns = tick_ns();
    pace_set(SLOW);
    signal_let(SIG_UNBLOCK);
}

static void thread_end(void *context, size_t thread) {
    (void)context;
    (void)thread;
    timers_delete();
    signal_let(SIG_BLOCK); /* that of a deleted timer may still come */
}

void breaks_begin(struct team *team) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(BREAKS_SIGNAL, &action, NULL);
    team_each(team, thread_begin, NULL);
}

void breaks_end(struct team *team) {
    team_each(team, thread_end, NULL);
}

uint64_t breaks_taken(void) {
    return own.taken;
}
