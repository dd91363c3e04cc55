#include "server/priority.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check.h"

enum { TURN_US = 200 };

/* As sched_setattr(2) has it. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

static struct attributes attributes_of(void) {
    struct attributes attributes = {.size = sizeof attributes};
    CHECK(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0);
    return attributes;
}

static void *serve(void *context) {
    (void)context;
    priority_turns(TURN_US);
    uint64_t turn_ns = attributes_of().runtime_ns; /* 0: the kernel knows none */
    CHECK(turn_ns == 0 || turn_ns == TURN_US * 1000);
    priority_patient(false); /* as it is */
    CHECK(attributes_of().policy == SCHED_OTHER);
    for (int n = 0; n < 2; n++) {
        priority_patient(true);
        CHECK(attributes_of().policy == SCHED_BATCH);
        CHECK(attributes_of().runtime_ns == turn_ns);
        priority_patient(false);
        CHECK(attributes_of().policy == SCHED_OTHER);
        CHECK(attributes_of().runtime_ns == turn_ns);
    }
    return NULL;
}

static void *serve_as_told(void *context) {
    const int *policy = context;
    priority_patient(true);
    CHECK(attributes_of().policy == (uint32_t)*policy);
    priority_patient(false);
    CHECK(attributes_of().policy == (uint32_t)*policy);
    return NULL;
}

static void in_a_thread(void *(*run)(void *context), void *context) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, context) == 0);
    pthread_join(thread, NULL);
}

static void a_thread_is_patient_and_its_turns_stay(void) {
    in_a_thread(serve, NULL);
    CHECK(attributes_of().policy == SCHED_OTHER); /* the others are as they were */
}

/* The process began with another policy: chrt --batch, or --idle. */
static void what_the_user_has_chosen_stays(void) {
    const struct sched_param none = {0};
    int policies[] = {SCHED_BATCH, SCHED_IDLE};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        CHECK(sched_setscheduler(0, policies[i], &none) == 0);
        in_a_thread(serve_as_told, &policies[i]);
    }
}

static void begun_with_reset_on_fork(void) {
    const struct sched_param none = {0};
    CHECK(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0);
    in_a_thread(serve, NULL);
}

/* chrt --reset-on-fork: that is no policy. An ordinary user cannot take it back, so it is
 * given to a process of its own. */
static void a_reset_on_fork_is_none(void) {
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        CHECK_RUN(begun_with_reset_on_fork);
        fflush(stdout);
        _exit(check_done());
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void) {
    const struct sched_param none = {0};
    CHECK(sched_setscheduler(0, SCHED_OTHER, &none) == 0); /* whatever it began as */
    CHECK_RUN(a_thread_is_patient_and_its_turns_stay);
    CHECK_RUN(a_reset_on_fork_is_none);
    CHECK_RUN(what_the_user_has_chosen_stays);
    return check_done();
}
