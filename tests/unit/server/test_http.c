/* The HTTP server's account of its connections, without a handler: whatever is asked is
 * not found. */
#include "server/http.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/config.h"
#include "server/http_exchange.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "tests/unit/check.h"

enum { REFUSED_N = 16, CROWD_N = HTTP_WIDTH_ROOMY_MAX + 6, WAIT_MS = 10000 };

/* ---- a kernel that refuses ------------------------------------------------------ */

static atomic_int refusals; /* how many connections are not watched from now on */

static bool is_connection(int fd) {
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    return getpeername(fd, (struct sockaddr *)&address, &n) == 0;
}

/* In place of the C library's, for libmicrohttpd too: as where all of the watches that
 * one user may have are taken. */
int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event) {
    if (op == EPOLL_CTL_ADD && is_connection(fd) && atomic_load(&refusals) > 0) {
        atomic_fetch_sub(&refusals, 1);
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, epoll, op, fd, event);
}

/* ---- the server ----------------------------------------------------------------- */

struct stage {
    struct config config;
    struct metrics *metrics;
    void *subsystems[SUBSYSTEMS_N];
    struct http *http;
};

static bool stage_open(struct stage *s, const char *connections_max) {
    char *argv[] = {"--listen",          "127.0.0.1:0",
                    "--connections-max", (char *)(uintptr_t)connections_max,
                    "--http-threads",    "1"};
    struct err e = {0};
    *s = (struct stage){0};
    bool ok = config_read(&s->config, sizeof argv / sizeof *argv, argv, &e) &&
              (s->metrics = metrics_new(NULL, 0));
    const struct http_options options = {&s->config,    NULL,       0,
                                         s->subsystems, s->metrics, NULL};
    return CHECK_SAY(ok && (s->http = http_start(&options, &e)), "%s", e.text);
}

static void stage_close(struct stage *s) {
    if (s->http)
        http_stop(s->http, WAIT_MS);
    metrics_free(s->metrics);
    config_free(&s->config);
}

static int ask(const struct stage *s) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct err e = {0};
    int fd = listener_connect(http_address(s->http), WAIT_MS, &e);
    CHECK_SAY(fd >= 0, "%s", e.text);
    CHECK(send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
    return fd;
}

/* Whether an answer comes, rather than the end. */
static bool is_answered(int fd) {
    char bytes[1024];
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, WAIT_MS) == 1 && recv(fd, bytes, sizeof bytes, 0) > 0;
}

static bool comes_to(const atomic_size_t *count, size_t value) {
    for (int ms = 0; ms < WAIT_MS && atomic_load(count) != value; ms++)
        usleep(1000);
    return atomic_load(count) == value;
}

/* ---- tests ---------------------------------------------------------------------- */

/* What was not taken does not count, and the next one is answered, though as many were
 * refused as there may be. */
static void refused_ones_do_not_count(void) {
    struct stage s;
    if (!stage_open(&s, "16"))
        return;
    int first = ask(&s);
    CHECK(is_answered(first));
    atomic_store(&refusals, REFUSED_N);
    for (int i = 0; i < REFUSED_N; i++) {
        int fd = ask(&s);
        CHECK(!is_answered(fd));
        close(fd);
    }
    CHECK(atomic_load(&refusals) == 0);
    CHECK(comes_to(&s.http->lanes.connections, 1));
    CHECK(s.http->lanes.widths.roomy_n == 1);
    int last = ask(&s);
    CHECK(is_answered(last));
    close(first);
    close(last);
    CHECK(comes_to(&s.http->lanes.connections, 0));
    CHECK(!s.http->lanes.widths.roomy_n && !s.http->lanes.widths.wider_bytes);
    stage_close(&s);
}

/* Some of those that begin with a small request have some room, and give it back. */
static void some_have_room(void) {
    struct stage s;
    int fds[CROWD_N];
    if (!stage_open(&s, "1000"))
        return;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < CROWD_N; i++)
            CHECK(is_answered(fds[i] = ask(&s)));
        const struct http_widths *widths = &s.http->lanes.widths;
        CHECK(widths->roomy_n == HTTP_WIDTH_ROOMY_MAX);
        CHECK(widths->wider_bytes ==
              HTTP_WIDTH_ROOMY_MAX * http_width_bytes(HTTP_WIDTH_ROOMY));
        for (int i = 0; i < CROWD_N; i++)
            close(fds[i]);
        CHECK(comes_to(&s.http->lanes.connections, 0));
        CHECK(!widths->roomy_n && !widths->wider_bytes);
    }
    stage_close(&s);
}

int main(void) {
    CHECK_RUN(refused_ones_do_not_count);
    CHECK_RUN(some_have_room);
    return check_done();
}
