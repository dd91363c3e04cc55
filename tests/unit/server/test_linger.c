#include "server/linger.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/listener.h"
#include "tests/unit/check.h"

/* A connection of a server, which has answered and ended its side, and of a client. */
struct line {
    int ours, theirs;
};

static struct listener listener;

static struct line line_open(void) {
    struct err e = {0};
    struct line line = {-1, listener_connect(listener.address, 2000, &e)};
    struct pollfd waiting = {.fd = listener.fd, .events = POLLIN};
    CHECK(poll(&waiting, 1, 2000) == 1);
    line.ours = accept(listener.fd, NULL, NULL);
    CHECK(line.ours >= 0 && line.theirs >= 0);
    return line;
}

static struct line line_new(struct lingerers *l, int64_t now_us) {
    struct line line = line_open();
    linger_add(l, line.ours, now_us);
    CHECK(send(line.ours, "answer", 6, MSG_NOSIGNAL) == 6);
    CHECK(shutdown(line.ours, SHUT_WR) == 0 && close(line.ours) == 0);
    return line;
}

/* The client says more than fits any buffer of the system, while the server reads on. */
static bool says_all(struct lingerers *l, struct line line, int64_t now_us) {
    static char bytes[1 << 20];
    for (size_t sent = 0; sent < 32 * sizeof bytes;) {
        ssize_t n = send(line.theirs, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return false;
        sent += n > 0 ? (size_t)n : 0;
        if (n < 0)
            linger_run(l, now_us);
    }
    return true;
}

static bool hears(struct line line) {
    char got[16];
    struct pollfd waiting = {.fd = line.theirs, .events = POLLIN};
    return poll(&waiting, 1, 2000) == 1 && recv(line.theirs, got, sizeof got, 0) == 6 &&
           memcmp(got, "answer", 6) == 0 && recv(line.theirs, got, 1, 0) == 0;
}

static void test_hears(void) {
    static struct lingerers l;
    linger_open(&l);
    struct line line = line_new(&l, 0);
    CHECK(says_all(&l, line, 0) && hears(line) && l.n == 1);
    close(line.theirs);
    for (int tries = 0; l.n && tries < 100; tries++) {
        linger_run(&l, 1);
        usleep(1000);
    }
    CHECK(l.n == 0);
    linger_close(&l);
}

/* By whatever descriptors, and whenever, a socket is one. */
static void test_once(void) {
    static struct lingerers l;
    linger_open(&l);
    struct line line = line_open();
    int again = dup(line.ours);
    linger_add(&l, line.ours, 0);
    linger_add(&l, again, 0);
    linger_run(&l, 0);
    CHECK(l.n == 1);
    linger_add(&l, line.ours, 0);
    linger_run(&l, 0);
    CHECK(l.n == 1);
    close(again);
    close(line.ours);
    close(line.theirs);
    linger_close(&l);
}

/* Who says nothing more is left soon, who never stops later. */
static void test_ends(void) {
    static struct lingerers l;
    linger_open(&l);
    struct line silent = line_new(&l, 0), steady = line_new(&l, 0);
    int64_t now_us = 0;
    while (now_us < LINGER_US - 1000000) {
        now_us += 1000000;
        CHECK(send(steady.theirs, "more", 4, MSG_NOSIGNAL) == 4);
        usleep(1000);
        linger_run(&l, now_us);
        CHECK(l.n == 1U + (now_us < LINGER_QUIET_US));
    }
    linger_run(&l, LINGER_US);
    CHECK(l.n == 0);
    close(silent.theirs);
    close(steady.theirs);
    linger_close(&l);
}

/* Whoever holds all places loses them to those who come. */
static void test_at_most(void) {
    enum { MANY = LINGER_MAX + 3 };
    static struct lingerers l;
    static struct line lines[MANY];
    linger_open(&l);
    for (size_t i = 0; i < LINGER_MAX; i++)
        lines[i] = line_new(&l, 0);
    linger_run(&l, 1);
    CHECK(l.n == LINGER_MAX);
    for (size_t i = LINGER_MAX; i < MANY; i++)
        lines[i] = line_new(&l, 2);
    linger_run(&l, 2);
    CHECK(l.n == LINGER_MAX);
    for (size_t i = MANY - 4; i < MANY; i++)
        CHECK(says_all(&l, lines[i], 3) && hears(lines[i]));
    CHECK(!says_all(&l, lines[2], 3)); /* the third has given way */
    CHECK(says_all(&l, lines[3], 3) && hears(lines[3]));
    close(lines[7].theirs);
    usleep(10000);
    linger_run(&l, 4);
    CHECK(l.n == LINGER_MAX - 1);
    for (size_t i = 0; i < MANY; i++)
        if (i != 7)
            close(lines[i].theirs);
    linger_close(&l);
}

int main(void) {
    struct err e = {0};
    if (!listener_open(&listener, "127.0.0.1:0", &e))
        return 1;
    CHECK_RUN(test_hears);
    CHECK_RUN(test_once);
    CHECK_RUN(test_ends);
    CHECK_RUN(test_at_most);
    listener_close(&listener);
    return check_done();
}
