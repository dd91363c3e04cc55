#include "server/http_hold.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* What cannot be held leaves at once. */
static void cork(int socket, int on) {
    int result = setsockopt(socket, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
    (void)result;
}

void http_hold_leave(struct http_hold *hold) {
    for (size_t i = 0; i < hold->n; i++)
        cork(hold->sockets[i], 0);
    hold->n = 0;
}

void http_hold_answer(struct http_hold *hold, int socket, int64_t now_us) {
    hold->answers_n++;
    if (hold->before_n < HTTP_HOLD_ANSWERS)
        return;
    if (hold->n == HTTP_HOLD_MAX ||
        (hold->n && now_us - hold->since_us >= HTTP_HOLD_US)) {
        http_hold_leave(hold);
        return;
    }
    if (!hold->n)
        hold->since_us = now_us;
    cork(socket, 1);
    hold->sockets[hold->n++] = socket;
}

void http_hold_end(struct http_hold *hold) {
    http_hold_leave(hold);
    if (hold->answers_n)
        hold->before_n = hold->answers_n;
    hold->answers_n = 0;
}
