#include "server/owner.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check.h"

/* A child that waits to be killed, under a name that is hard to parse. */
static pid_t child_new(void) {
    int ready[2];
    if (pipe(ready) != 0)
        abort();
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        prctl(PR_SET_NAME, "a) Z 1 (b");
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char c;
    if (read(ready[0], &c, 1) != 1)
        abort();
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void child_kill(pid_t pid) {
    kill(pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT); /* a zombie from here on */
}

static void test_life_and_death(void) {
    char owner[STORE_OWNER_MAX];
    pid_t pid = child_new();
    owner_of(pid, owner);
    CHECK(!owner_is_dead(owner, false));
    child_kill(pid);
    CHECK(owner_is_dead(owner, false)); /* a zombie holds nothing */
    waitpid(pid, NULL, 0);
    CHECK(owner_is_dead(owner, false));
}

static void test_self(void) {
    char owner[STORE_OWNER_MAX], again[STORE_OWNER_MAX];
    owner_of(getpid(), owner);
    owner_of(getpid(), again);
    CHECK_TEXT(owner, again);
    CHECK(!owner_is_dead(owner, false));
    char pid[32];
    snprintf(pid, sizeof pid, "/%d/", (int)getpid());
    CHECK_SAY(strstr(owner, pid), "%s", owner);
    owner_machine(owner, again);
    size_t n = strlen(again);
    CHECK_SAY(n > 3 && strncmp(owner, again, n) == 0 &&
                  owner + n == strstr(owner, pid) + 1,
              "%s of %s", again, owner);
    owner_machine("w", again);
    CHECK_TEXT(again, "");
}

/* One that died before it could be named. */
static void test_named_too_late(void) {
    char owner[STORE_OWNER_MAX];
    pid_t pid = child_new();
    child_kill(pid);
    owner_of(pid, owner);
    CHECK_SAY(owner_is_dead(owner, false), "%s", owner);
    waitpid(pid, NULL, 0);
    CHECK(owner_is_dead(owner, false));
}

/* The same with the n-th part, from 0, replaced. */
static void replaced(const char *owner, int part, const char *by,
                     char out[STORE_OWNER_MAX]) {
    const char *at = owner;
    for (int i = 0; i < part; i++)
        at = strchr(at, '/') + 1;
    size_t n = strcspn(at, "/");
    snprintf(out, STORE_OWNER_MAX, "%.*s%s%s", (int)(at - owner), owner, by, at + n);
}

/* Of others nothing is known; of this host, another boot or another start is a death. */
static void test_others(void) {
    char owner[STORE_OWNER_MAX], other[STORE_OWNER_MAX];
    owner_of(getpid(), owner);
    replaced(owner, 0, "elsewhere", other);
    CHECK_SAY(!owner_is_dead(other, false), "%s", other);
    replaced(owner, 1, "00000000", other);
    CHECK_SAY(owner_is_dead(other, false), "%s", other);
    replaced(owner, 3, "1", other); /* the number was given to a later process */
    CHECK_SAY(owner_is_dead(other, false), "%s", other);
    replaced(owner, 2, "2147483647", other);
    CHECK_SAY(owner_is_dead(other, false), "%s", other);
    replaced(owner, 4, "1", other); /* only a shared store is of other namespaces, too */
    CHECK_SAY(!owner_is_dead(other, false), "%s", other);
    CHECK(!owner_is_dead("", false) && !owner_is_dead("w", false) &&
          !owner_is_dead("a/b/c/d", false));
}

/* With other machines and containers of the same name nothing is known of theirs, nor of
 * owners who do not say whose pids they are. */
static void test_shared(void) {
    char owner[STORE_OWNER_MAX], dead[STORE_OWNER_MAX], other[STORE_OWNER_MAX];
    owner_of(getpid(), owner);
    CHECK_SAY(!owner_is_dead(owner, true), "%s", owner);
    replaced(owner, 3, "1", dead);
    CHECK_SAY(owner_is_dead(dead, true), "%s", dead);
    replaced(dead, 0, "elsewhere", other);
    CHECK_SAY(!owner_is_dead(other, true), "%s", other);
    replaced(dead, 1, "00000000", other);
    CHECK_SAY(!owner_is_dead(other, true), "%s", other);
    replaced(dead, 4, "1", other);
    CHECK_SAY(!owner_is_dead(other, true), "%s", other);
    snprintf(other, sizeof other, "%.*s", (int)(strrchr(dead, '/') - dead), dead);
    CHECK_SAY(!owner_is_dead(other, true), "%s", other);
    CHECK_SAY(owner_is_dead(other, false), "%s", other);
}

int main(void) {
    CHECK_RUN(test_life_and_death);
    CHECK_RUN(test_self);
    CHECK_RUN(test_named_too_late);
    CHECK_RUN(test_others);
    CHECK_RUN(test_shared);
    return check_done();
}
