#include "server/reaper.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/check.h"

#define SECOND INT64_C(1000000)
static const struct reaper_options options = {.head_us = 10 * SECOND,
                                              .idle_us = 75 * SECOND};

/* One watched connection: the reaper has the server's end, the test looks at the
 * client's. */
struct line {
    struct reaper *reaper;
    struct reaper_entry *entry;
    int server, client;
};
static struct line line_new(void) {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        abort();
    struct line l = {.reaper = reaper_new(options), .server = fds[0], .client = fds[1]};
    l.entry = l.reaper ? reaper_add(l.reaper, l.server, 0) : NULL;
    if (!l.entry)
        abort();
    return l;
}
static void line_free(struct line *l) {
    reaper_free(l->reaper);
    close(l->server);
    close(l->client);
}

/* Whether the other end was shut down. */
static bool ended(const struct line *l) {
    char c;
    ssize_t n = recv(l->client, &c, 1, 0);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

/* Neither early nor twice at a time. */
static void check_reaped_at(struct line *l, int64_t due_us) {
    CHECK(reaper_run(l->reaper, due_us) == 0);
    CHECK(!ended(l));
    CHECK(reaper_run(l->reaper, due_us + 1) == 1);
    CHECK(ended(l));
    CHECK(reaper_run(l->reaper, due_us + 2) == 0);
    CHECK(reaper_count(l->reaper) == 1); /* its owner removes it */
}

static void test_idle(void) {
    struct line l = line_new();
    reaper_phase(l.entry, REAPER_HEAD, 0);
    reaper_phase(l.entry, REAPER_IDLE, 3 * SECOND);
    check_reaped_at(&l, 153 * SECOND); /* libmicrohttpd has the first 75 s */
    line_free(&l);
}

/* Whoever never sends a whole request line. */
static void test_first(void) {
    struct line l = line_new();
    check_reaped_at(&l, 10 * SECOND);
    line_free(&l);
}

static void test_head(void) {
    struct line l = line_new();
    reaper_phase(l.entry, REAPER_HEAD, 100 * SECOND);
    check_reaped_at(&l, 110 * SECOND);
    line_free(&l);
}

/* A byte now and then is no way to stay. */
static void test_body(void) {
    struct line l = line_new();
    reaper_phase(l.entry, REAPER_BODY, 100 * SECOND);
    reaper_bytes(l.entry, 5 * REAPER_BODY_BYTES_PER_S);
    CHECK(reaper_run(l.reaper, 114 * SECOND) == 0);
    reaper_bytes(l.entry, 1 * REAPER_BODY_BYTES_PER_S);
    check_reaped_at(&l, 116 * SECOND);
    line_free(&l);
}

/* A large body that flows: 16 GiB at the rate that is asked for. */
static void test_large_body(void) {
    struct line l = line_new();
    reaper_phase(l.entry, REAPER_BODY, 0);
    reaper_bytes(l.entry, (size_t)1 << 34);
    check_reaped_at(&l, ((1 << 24) + 10) * SECOND);
    line_free(&l);
}

/* What we owe an answer is never reaped, and a new phase starts from nothing. */
static void test_busy(void) {
    struct line l = line_new();
    reaper_phase(l.entry, REAPER_HEAD, 0);
    reaper_phase(l.entry, REAPER_BODY, 0);
    reaper_bytes(l.entry, 1 << 30);
    reaper_phase(l.entry, REAPER_BUSY, 1 * SECOND);
    CHECK(reaper_run(l.reaper, 1000000 * SECOND) == 0);
    CHECK(!ended(&l));
    reaper_phase(l.entry, REAPER_IDLE, 2 * SECOND);
    CHECK(reaper_run(l.reaper, 100 * SECOND) == 0);
    reaper_phase(l.entry, REAPER_BODY, 100 * SECOND); /* the old bytes are forgotten */
    check_reaped_at(&l, 110 * SECOND);
    line_free(&l);
}

/* A client that sends no more is let go as soon as nothing is owed to it. */
static void test_left(void) {
    struct line l = line_new();
    reaper_phase(l.entry, REAPER_BUSY, 1 * SECOND);
    shutdown(l.client, SHUT_WR);
    CHECK(reaper_run(l.reaper, 2 * SECOND) == 0 && !ended(&l));
    reaper_phase(l.entry, REAPER_IDLE, 3 * SECOND);
    CHECK(reaper_run(l.reaper, 3 * SECOND) == 0 && ended(&l));
    line_free(&l);
    l = line_new(); /* unless there is a request of it still to be read */
    CHECK(send(l.client, "x", 1, 0) == 1);
    shutdown(l.client, SHUT_WR);
    reaper_phase(l.entry, REAPER_IDLE, 3 * SECOND);
    CHECK(reaper_run(l.reaper, 3 * SECOND) == 0 && !ended(&l));
    line_free(&l);
}

/* Nor is one waited for that leaves in the middle of a request. */
static void test_left_within(void) {
    static const enum reaper_phase phases[] = {REAPER_HEAD, REAPER_BODY};
    for (size_t i = 0; i < 2; i++) {
        struct line l = line_new();
        reaper_phase(l.entry, phases[i], 1 * SECOND);
        reaper_bytes(l.entry, 1 << 20);
        shutdown(l.client, SHUT_WR);
        CHECK(reaper_run(l.reaper, 2 * SECOND) == 0 && !ended(&l));
        reaper_bytes(l.entry, 1); /* it was still read */
        CHECK(reaper_run(l.reaper, 3 * SECOND) == 0 && !ended(&l));
        CHECK(reaper_run(l.reaper, 4 * SECOND - 1) == 0 && !ended(&l));
        CHECK(reaper_run(l.reaper, 4 * SECOND) == 0 && ended(&l));
        line_free(&l);
        l = line_new(); /* but one that is only slow, or has said more */
        reaper_phase(l.entry, phases[i], 1 * SECOND);
        CHECK(reaper_run(l.reaper, 2 * SECOND) == 0);
        CHECK(reaper_run(l.reaper, 9 * SECOND) == 0 && !ended(&l));
        CHECK(send(l.client, "x", 1, 0) == 1);
        shutdown(l.client, SHUT_WR);
        CHECK(reaper_run(l.reaper, 10 * SECOND) == 0 && !ended(&l));
        line_free(&l);
    }
}

/* Out of the middle, the front and the end of the list. */
static void test_list(void) {
    struct reaper *r = reaper_new(options);
    struct reaper_entry *entries[3];
    int fds[3][2];
    if (!r)
        abort();
    for (int i = 0; i < 3; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds[i]) != 0)
            abort();
        entries[i] = reaper_add(r, fds[i][0], 0);
        CHECK(entries[i] && reaper_count(r) == (size_t)i + 1);
    }
    reaper_phase(entries[1], REAPER_BUSY, 0);
    CHECK(reaper_run(r, 1000 * SECOND) == 2);
    reaper_remove(r, entries[1]);
    CHECK(reaper_run(r, 2000 * SECOND) == 2);
    reaper_remove(r, entries[2]);
    CHECK(reaper_run(r, 3000 * SECOND) == 1 && reaper_count(r) == 1);
    reaper_remove(r, entries[0]);
    CHECK(reaper_run(r, 4000 * SECOND) == 0 && reaper_count(r) == 0);
    reaper_phase(NULL, REAPER_HEAD, 0); /* one that was not watched */
    reaper_bytes(NULL, 1);
    reaper_free(r);
    for (int i = 0; i < 3; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

int main(void) {
    CHECK_RUN(test_idle);
    CHECK_RUN(test_first);
    CHECK_RUN(test_head);
    CHECK_RUN(test_body);
    CHECK_RUN(test_large_body);
    CHECK_RUN(test_busy);
    CHECK_RUN(test_left);
    CHECK_RUN(test_left_within);
    CHECK_RUN(test_list);
    return check_done();
}
