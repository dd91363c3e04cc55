#include "server/listener.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/check.h"

static void check_served(const char *where, const char *start) {
    struct listener l;
    struct err e = {0};
    if (!CHECK_SAY(listener_open(&l, where, &e), "%s: %s", where, e.text))
        return;
    CHECK_SAY(strncmp(l.address, start, strlen(start)) == 0, "%s", l.address);
    const char *port = strrchr(l.address, ':') + 1;
    CHECK(atoi(port) > 0);
    int client = listener_connect(l.address, 1000, &e);
    CHECK_SAY(client >= 0, "%s", e.text);
    struct pollfd waiting = {.fd = l.fd, .events = POLLIN};
    CHECK(poll(&waiting, 1, 1000) == 1);
    int server = accept(l.fd, NULL, NULL);
    CHECK(server >= 0 && write(client, "x", 1) == 1);
    char c = 0;
    CHECK(read(server, &c, 1) == 1 && c == 'x');
    close(server);
    close(client);
    /* The address is taken. */
    struct listener other;
    e = (struct err){0};
    CHECK(!listener_open(&other, l.address, &e) && e.kind == ERR_UNAVAILABLE);
    CHECK(other.fd == -1);
    char address[sizeof l.address];
    strcpy(address, l.address);
    listener_close(&l);
    CHECK(l.fd == -1);
    listener_close(&l); /* once more does no harm */
    e = (struct err){0};
    CHECK(listener_connect(address, 1000, &e) == -1 && e.kind == ERR_UNAVAILABLE);
}

static void test_served(void) {
    check_served("127.0.0.1:0", "127.0.0.1:");
    check_served("localhost:0", "");
}

/* Where the machine has IPv6. */
static void test_six(void) {
    struct listener l;
    struct err e = {0};
    if (listener_open(&l, "[::1]:0", &e)) {
        listener_close(&l);
        check_served("[::1]:0", "[::1]:");
    } else {
        CHECK_SAY(e.kind == ERR_UNAVAILABLE, "%s", e.text);
    }
}

static void test_refusals(void) {
    static const char *const bad[] = {"",
                                      "8080",
                                      ":8080",
                                      "localhost",
                                      "localhost:",
                                      "a:b",
                                      "127.0.0.1:x",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:99999",
                                      "127.0.0.1:123456",
                                      "127.0.0.1:80 ",
                                      "[]:80",
                                      "[::1]",
                                      "127.0.0.1:0x50"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct listener l;
        struct err e = {0};
        CHECK_SAY(!listener_open(&l, bad[i], &e), "%s", bad[i]);
        CHECK_SAY(e.kind == ERR_INVALID, "%s: kind %d", bad[i], e.kind);
        CHECK(l.fd == -1 && strcmp(e.where, "--listen") == 0);
        CHECK_SAY(strstr(e.text, bad[i]), "%s: %s", bad[i], e.text);
    }
}

int main(void) {
    CHECK_RUN(test_served);
    CHECK_RUN(test_six);
    CHECK_RUN(test_refusals);
    return check_done();
}
