#include "server/http_hold.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/listener.h"
#include "tests/unit/check.h"

/* Connections of a server and its clients: real ones, as a pair of local sockets would
 * hold nothing. */
enum { PAIRS = HTTP_HOLD_MAX + 2 };
static struct pairs { int ours[PAIRS], theirs[PAIRS]; } all;

static void pairs_open(struct pairs *pairs) {
    struct listener listener;
    struct err e = {0};
    CHECK(listener_open(&listener, "127.0.0.1:0", &e));
    for (size_t i = 0; i < PAIRS; i++) {
        pairs->theirs[i] = listener_connect(listener.address, 2000, &e);
        struct pollfd waiting = {.fd = listener.fd, .events = POLLIN};
        CHECK(poll(&waiting, 1, 2000) == 1);
        pairs->ours[i] = accept(listener.fd, NULL, NULL);
        CHECK(pairs->theirs[i] >= 0 && pairs->ours[i] >= 0);
    }
    listener_close(&listener);
}

static void pairs_close(struct pairs *pairs) {
    for (size_t i = 0; i < PAIRS; i++) {
        close(pairs->ours[i]);
        close(pairs->theirs[i]);
    }
}

static void answer(struct http_hold *hold, struct pairs *pairs, size_t i,
                   int64_t now_us) {
    http_hold_answer(hold, pairs->ours[i], now_us);
    CHECK(send(pairs->ours[i], "a", 1, MSG_NOSIGNAL) == 1);
}

/* What has arrived by then, within `ms`. The kernel would send it after 200 by itself. */
static bool has_come(struct pairs *pairs, size_t i, int ms) {
    char c;
    struct pollfd waiting = {.fd = pairs->theirs[i], .events = POLLIN};
    return poll(&waiting, 1, ms) == 1 && recv(pairs->theirs[i], &c, 1, 0) == 1;
}

static void run_of(struct http_hold *hold, struct pairs *pairs, size_t n) {
    for (size_t i = 0; i < n; i++)
        answer(hold, pairs, i, 0);
    http_hold_end(hold);
    for (size_t i = 0; i < n; i++)
        CHECK(has_come(pairs, i, 100));
}

static void test_alone(void) {
    struct pairs *pairs = &all;
    struct http_hold hold = {0};
    for (int run = 0; run < 3; run++) {
        answer(&hold, pairs, 0, 0);
        CHECK(has_come(pairs, 0, 100) && hold.n == 0);
        http_hold_end(&hold);
    }
}

static void test_together(void) {
    struct pairs *pairs = &all;
    struct http_hold hold = {0};
    run_of(&hold, pairs, HTTP_HOLD_ANSWERS);
    http_hold_end(&hold); /* without an answer: that says nothing */
    for (size_t i = 0; i < HTTP_HOLD_ANSWERS - 1; i++)
        answer(&hold, pairs, i, 0);
    CHECK(!has_come(pairs, 0, 20) && !has_come(pairs, 1, 0)); /* others may come yet, */
    http_hold_end(&hold);
    for (size_t i = 0; i < HTTP_HOLD_ANSWERS - 1; i++)
        CHECK(has_come(pairs, i, 100));
    answer(&hold, pairs, 0, 0); /* but did not the last time */
    CHECK(has_come(pairs, 0, 100));
    http_hold_end(&hold);
}

static void test_long(void) {
    struct pairs *pairs = &all;
    struct http_hold hold = {0};
    run_of(&hold, pairs, HTTP_HOLD_ANSWERS);
    answer(&hold, pairs, 0, 1000);
    answer(&hold, pairs, 1, 1000 + HTTP_HOLD_US - 1);
    CHECK(!has_come(pairs, 0, 20) && !has_come(pairs, 1, 0));
    answer(&hold, pairs, 2, 1000 + HTTP_HOLD_US);
    for (size_t i = 0; i < 3; i++)
        CHECK(has_come(pairs, i, 100));
    answer(&hold, pairs, 0, 5000); /* a time of its own */
    answer(&hold, pairs, 1, 5000 + HTTP_HOLD_US - 1);
    CHECK(!has_come(pairs, 1, 20));
    http_hold_leave(&hold);
    CHECK(has_come(pairs, 0, 100) && has_come(pairs, 1, 100));
    http_hold_end(&hold);
}

static void test_many(void) {
    struct pairs *pairs = &all;
    struct http_hold hold = {0};
    run_of(&hold, pairs, HTTP_HOLD_ANSWERS);
    for (size_t i = 0; i < HTTP_HOLD_MAX; i++)
        answer(&hold, pairs, i, 0);
    CHECK(!has_come(pairs, 0, 20) && !has_come(pairs, HTTP_HOLD_MAX - 1, 0));
    answer(&hold, pairs, HTTP_HOLD_MAX, 0);
    for (size_t i = 0; i <= HTTP_HOLD_MAX; i++)
        CHECK(has_come(pairs, i, 100));
    answer(&hold, pairs, HTTP_HOLD_MAX + 1, 0);
    CHECK(!has_come(pairs, HTTP_HOLD_MAX + 1, 20));
    http_hold_end(&hold);
    CHECK(has_come(pairs, HTTP_HOLD_MAX + 1, 100));
}

/* What is no socket, or none any more, harms nothing. */
static void test_none(void) {
    struct http_hold hold = {.before_n = HTTP_HOLD_ANSWERS};
    http_hold_answer(&hold, -1, 0);
    http_hold_end(&hold);
    CHECK(hold.n == 0);
}

int main(void) {
    pairs_open(&all);
    CHECK_RUN(test_alone);
    CHECK_RUN(test_together);
    CHECK_RUN(test_long);
    CHECK_RUN(test_many);
    CHECK_RUN(test_none);
    pairs_close(&all);
    return check_done();
}
