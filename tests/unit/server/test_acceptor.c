#include "server/acceptor.h"

#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#include "server/listener.h"
#include "tests/unit/check.h"

/* Takes connections, up to `room`, and says hello to each. */
struct host {
    struct listener listener;
    struct acceptor *acceptor;
    atomic_int room, taken;
};

static bool has_room(void *context) {
    struct host *host = context;
    return atomic_load(&host->taken) < atomic_load(&host->room);
}

static void take(void *context, int fd, const struct sockaddr *address,
                 socklen_t address_n) {
    struct host *host = context;
    CHECK(address->sa_family == AF_INET && address_n > 0);
    atomic_fetch_add(&host->taken, 1);
    CHECK(send(fd, "h", 1, MSG_NOSIGNAL) == 1);
    close(fd);
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
    CHECK(!is_greeted(second, 50));
    CHECK(atomic_load(&host.taken) == 1);
    atomic_store(&host.room, 2);
    CHECK(is_greeted(second, 2000));
    close(first);
    close(second);
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
    CHECK_RUN(after_the_end_they_are_refused);
    return check_done();
}
