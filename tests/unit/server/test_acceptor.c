#include "server/acceptor.h"

#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/listener.h"
#include "tests/unit/check.h"

/* Takes connections, up to `room`, and says hello to each. */
struct host {
    struct listener listener;
    struct acceptor *acceptor;
    atomic_int room, taken;
    atomic_size_t first_n; /* bytes that the last one had said by then */
    atomic_int first;      /* of them the first */
};

static bool has_room(void *context, size_t waiting) {
    struct host *host = context;
    return atomic_load(&host->taken) + (int)waiting < atomic_load(&host->room);
}

static void take(void *context, const struct accepted *accepted) {
    struct host *host = context;
    CHECK(accepted->address.ss_family == AF_INET && accepted->address_n > 0);
    atomic_store(&host->first_n, accepted->first_n);
    atomic_store(&host->first, accepted->first_n ? accepted->first[0] : 0);
    atomic_fetch_add(&host->taken, 1);
    CHECK(send(accepted->fd, "h", 1, MSG_NOSIGNAL) == 1);
    close(accepted->fd);
}

static void host_start(struct host *host, int room) {
    struct err e = {0};
    *host = (struct host){0};
    atomic_store(&host->room, room);
    CHECK(listener_open(&host->listener, "127.0.0.1:0", &e));
    struct acceptor_options options = {host->listener.fd, has_room, take, host};
    host->acceptor = acceptor_start(&options, &e);
    CHECK(host->acceptor != NULL);
}

static void host_stop(struct host *host) {
    acceptor_stop(host->acceptor);
    listener_close(&host->listener);
}

static int guest(const struct host *host) {
    struct err e = {0};
    return listener_connect(host->listener.address, 2000, &e);
}

static bool is_greeted(int fd, int timeout_ms) {
    char c;
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, timeout_ms) == 1 && recv(fd, &c, 1, 0) == 1;
}

static void each_is_taken(void) {
    struct host host;
    host_start(&host, 100);
    for (int i = 0; i < 20; i++) {
        int fd = guest(&host);
        CHECK(is_greeted(fd, 2000));
        close(fd);
    }
    CHECK(atomic_load(&host.taken) == 20);
    host_stop(&host);
}

static void without_room_they_wait(void) {
    struct host host;
    host_start(&host, 1);
    int first = guest(&host), second = guest(&host);
    CHECK(is_greeted(first, 2000));
    CHECK(!is_greeted(second, 200));
    CHECK(atomic_load(&host.taken) == 1);
    atomic_store(&host.room, 2);
    CHECK(is_greeted(second, 2000));
    close(first);
    close(second);
    host_stop(&host);
}

/* Who speaks is handed on with what was said, at once; who does not, a little later. */
static void the_first_bytes_are_shown(void) {
    struct host host;
    host_start(&host, 100);
    int fd = guest(&host);
    CHECK(send(fd, "xyz", 3, MSG_NOSIGNAL) == 3);
    CHECK(is_greeted(fd, 2000));
    CHECK(atomic_load(&host.first_n) == 3 && atomic_load(&host.first) == 'x');
    close(fd);
    fd = guest(&host);
    CHECK(is_greeted(fd, 2000));
    CHECK(atomic_load(&host.first_n) == 0);
    close(fd);
    host_stop(&host);
}

/* More of them than are waited for: nobody waits for long. */
static void a_silent_crowd_is_taken(void) {
    enum { CROWD = 300 };
    struct host host;
    int fds[CROWD];
    host_start(&host, CROWD);
    int64_t before_us = clock_mono_us();
    for (int i = 0; i < CROWD; i++)
        fds[i] = guest(&host);
    for (int i = 0; i < CROWD; i++) {
        CHECK(is_greeted(fds[i], 2000));
        close(fds[i]);
    }
    CHECK(atomic_load(&host.taken) == CROWD);
    CHECK(clock_mono_us() - before_us < 2000000);
    host_stop(&host);
}

/* Those who were waited for are not forgotten. */
static void the_end_takes_who_waits(void) {
    struct host host;
    host_start(&host, 100);
    int fd = guest(&host);
    usleep(20 * 1000); /* accepted by now, or in the backlog */
    acceptor_stop(host.acceptor);
    host.acceptor = NULL;
    CHECK(is_greeted(fd, 2000));
    close(fd);
    host_stop(&host);
}

static void after_the_end_they_are_refused(void) {
    struct host host;
    host_start(&host, 100);
    acceptor_stop(host.acceptor); /* returns, though nobody came */
    CHECK(guest(&host) == -1);
    host.acceptor = NULL;
    host_stop(&host);
}

int main(void) {
    CHECK_RUN(each_is_taken);
    CHECK_RUN(without_room_they_wait);
    CHECK_RUN(the_first_bytes_are_shown);
    CHECK_RUN(a_silent_crowd_is_taken);
    CHECK_RUN(the_end_takes_who_waits);
    CHECK_RUN(after_the_end_they_are_refused);
    return check_done();
}
