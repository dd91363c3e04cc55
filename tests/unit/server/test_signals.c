#include "server/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check.h"

/* Runs child() in a process of its own. @return its exit code; 128 + the signal it died
 * of. */
static int exit_of(void (*child)(void)) {
    pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        alarm(5);
        child();
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void *sleeper(void *context) {
    (void)context;
    for (;;)
        pause();
    return NULL;
}

/* As a library does: a thread that blocks nothing, from before signals_open, beside
 * threads that block everything. */
static void child_with_a_library_thread(void) {
    struct err e = {0};
    pthread_t thread;
    sigset_t all;
    if (pthread_create(&thread, NULL, sleeper, NULL) != 0)
        _exit(1);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    int fd = signals_open(&e);
    if (fd < 0 || kill(getpid(), SIGTERM) != 0)
        _exit(2);
    _exit(signals_take(fd) == SIGTERM ? 42 : 3);
}

static void test_signal_reaches_its_taker_from_any_thread(void) {
    int code = exit_of(child_with_a_library_thread);
    CHECK_SAY(code == 42, "exit code %d", code);
}

static void child_in_a_burst(void) {
    struct err e = {0};
    int fd = signals_open(&e);
    for (int i = 0; i < 100000; i++) /* more than a pipe holds */
        raise(SIGINT);
    _exit(fd >= 0 && signals_take(fd) == SIGINT ? 42 : 3);
}

static void test_many_signals_do_not_block(void) {
    int code = exit_of(child_in_a_burst);
    CHECK_SAY(code == 42, "exit code %d", code);
}

static void child_signalled_twice(void) {
    struct err e = {0};
    int fd = signals_open(&e);
    raise(SIGTERM);
    if (fd < 0 || signals_take(fd) != SIGTERM)
        _exit(3);
    signals_end_at_once();
    raise(SIGINT);
}

static void test_second_signal_ends_the_process(void) {
    int code = exit_of(child_signalled_twice);
    CHECK_SAY(code == 128 + SIGINT, "exit code %d", code);
}

static void child_told_idle(void) {
    struct err e = {0};
    if (signals_open(&e) < 0)
        _exit(3);
    signals_end_idle();
    raise(SIGTERM);
    _exit(4);
}

static void child_told_before_idle(void) {
    struct err e = {0};
    if (signals_open(&e) < 0)
        _exit(3);
    raise(SIGTERM);
    signals_end_idle();
    _exit(4);
}

static void child_told_after_idle(void) {
    struct err e = {0};
    int fd = signals_open(&e);
    signals_end_idle();
    signals_resume();
    raise(SIGTERM);
    _exit(fd >= 0 && signals_take(fd) == SIGTERM ? 42 : 3);
}

static void test_idle_process_ends_at_once(void) {
    int code = exit_of(child_told_idle);
    CHECK_SAY(code == 0, "exit code %d", code);
    code = exit_of(child_told_before_idle);
    CHECK_SAY(code == 0, "exit code %d", code);
    code = exit_of(child_told_after_idle);
    CHECK_SAY(code == 42, "exit code %d", code);
}

int main(void) {
    CHECK_RUN(test_signal_reaches_its_taker_from_any_thread);
    CHECK_RUN(test_many_signals_do_not_block);
    CHECK_RUN(test_idle_process_ends_at_once);
    CHECK_RUN(test_second_signal_ends_the_process);
    return check_done();
}
