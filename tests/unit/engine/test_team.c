#include <float.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "engine/team.h"
#include "tests/unit/check.h"

enum { LANES_MAX = 100 };

struct counted {
    int runs[LANES_MAX]; /* plain: the team makes them visible */
    volatile float tiny;
    int not_flushed[LANES_MAX];
};

static void lane_count(void *context, size_t lane) {
    struct counted *c = context;
    c->runs[lane]++;
    if (c->tiny * 0.5f != 0.0f)
        c->not_flushed[lane]++;
}

static void each_lane_runs_once(void) {
    struct err e = {0};
    for (size_t threads_n = 1; threads_n <= 5; threads_n++) {
        struct team *team = team_new(threads_n, &e);
        if (!CHECK(team))
            return;
        CHECK(team_threads(team) == threads_n);
        struct counted c = {.tiny = FLT_MIN};
        int want[LANES_MAX] = {0};
        for (size_t run = 0; run < 3000; run++) {
            size_t lanes_n = run % (run % 7 ? 6 : LANES_MAX);
            for (size_t lane = 0; lane < lanes_n; lane++)
                want[lane]++;
            team_run(team, lanes_n, lane_count, &c);
            for (size_t lane = 0; lane < LANES_MAX; lane++)
                if (c.runs[lane] != want[lane]) {
                    CHECK_SAY(false, "%zu threads, run %zu, lane %zu: %d instead of %d",
                              threads_n, run, lane, c.runs[lane], want[lane]);
                    team_free(team);
                    return;
                }
        }
#if defined(__x86_64__)
        for (size_t lane = 0; lane < LANES_MAX; lane++)
            CHECK(!c.not_flushed[lane]);
        CHECK(c.tiny * 0.5f != 0.0f); /* the caller has its denormals back */
#endif
        team_free(team);
    }
}

/* Long enough between runs for the workers to sleep, and lanes long enough for the caller
 * to. */
static void lane_sleep(void *context, size_t lane) {
    struct timespec pause = {.tv_nsec = lane ? 3000000 : 0};
    nanosleep(&pause, NULL);
    atomic_fetch_add((atomic_int *)context, 1);
}

static void sleepers_wake(void) {
    struct err e = {0};
    struct team *team = team_new(3, &e);
    atomic_int ended = 0;
    for (int run = 1; run <= 40; run++) {
        struct timespec pause = {.tv_nsec = run % 4 * 1000000};
        nanosleep(&pause, NULL);
        team_run(team, 3, lane_sleep, &ended);
        CHECK(atomic_load(&ended) == 3 * run);
    }
    team_free(team);
}

static void thread_mask(void *context, size_t thread) {
    int *blocked = context;
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    blocked[thread] = sigismember(&mask, SIGTERM);
}

static void workers_leave_signals_alone(void) {
    struct err e = {0};
    struct team *team = team_new(2, &e);
    int blocked[2] = {0};
    team_each(team, thread_mask, blocked);
    CHECK_SAY(blocked[0] + blocked[1] == 1, "%d %d", blocked[0], blocked[1]);
    team_free(team);
}

static void thread_note(void *context, size_t thread) {
    ((pthread_t *)context)[thread] = pthread_self();
}

static void each_thread_has_one(void) {
    struct err e = {0};
    for (size_t threads_n = 1; threads_n <= 5; threads_n++) {
        struct team *team = team_new(threads_n, &e);
        for (int time = 0; time < 300; time++) {
            pthread_t who[5] = {0};
            team_each(team, thread_note, who);
            for (size_t i = 0; i < threads_n; i++)
                for (size_t j = 0; j < i; j++)
                    CHECK(!pthread_equal(who[i], who[j]));
        }
        team_free(team);
    }
}

static void sizes_are_bounded(void) {
    struct err e = {0};
    CHECK(!team_new(0, &e) && e.kind == ERR_RANGE);
    e = (struct err){0};
    CHECK(!team_new(65, &e) && e.kind == ERR_RANGE);
    e = (struct err){0};
    struct team *team = team_new(64, &e);
    CHECK(team && team_threads(team) == 64);
    team_free(team);
    team_free(NULL);
}

int main(void) {
    CHECK_RUN(each_lane_runs_once);
    CHECK_RUN(sleepers_wake);
    CHECK_RUN(workers_leave_signals_alone);
    CHECK_RUN(each_thread_has_one);
    CHECK_RUN(sizes_are_bounded);
    return check_done();
}
