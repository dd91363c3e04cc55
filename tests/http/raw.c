#include "tests/http/raw.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/http/daemon.h"

bool raw_open(struct raw *raw, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *raw = (struct raw){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (raw->fd < 0)
        return false;
    setsockopt(raw->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(raw->fd, (struct sockaddr *)&to, sizeof to) == 0)
        return true;
    raw_close(raw);
    return false;
}

void raw_close(struct raw *raw) {
    if (raw->fd >= 0)
        close(raw->fd);
    free(raw->bytes);
    *raw = (struct raw){.fd = -1};
}

bool raw_send(struct raw *raw, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t sent = send(raw->fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

bool raw_text(struct raw *raw, const char *text) {
    return raw_send(raw, text, strlen(text));
}

int raw_more(struct raw *raw, int64_t deadline_ms) {
    struct pollfd p = {.fd = raw->fd, .events = POLLIN};
    int64_t left = deadline_ms - daemon_clock_ms();
    if (left < 0 || poll(&p, 1, (int)left) <= 0)
        return -1;
    char *bytes = realloc(raw->bytes, raw->bytes_n + 65536 + 1);
    if (!bytes)
        return -1;
    raw->bytes = bytes;
    ssize_t n = recv(raw->fd, bytes + raw->bytes_n, 65536, 0);
    if (n <= 0)
        return 0;
    raw->bytes_n += (size_t)n;
    bytes[raw->bytes_n] = '\0';
    return 1;
}

static char *take(struct raw *raw, size_t n) {
    char *taken = malloc(n + 1);
    if (!taken)
        abort();
    memcpy(taken, raw->bytes, n);
    taken[n] = '\0';
    raw->bytes_n -= n;
    memmove(raw->bytes, raw->bytes + n, raw->bytes_n + 1);
    return taken;
}

/* The answer's body: by its length, none where the status or the request has none, else
 * up to the end of the connection. */
static bool take_body(struct raw *raw, int64_t deadline_ms, struct reply *reply) {
    char value[256];
    const char *length = reply_header(reply, "Content-Length", value);
    size_t want = *length ? strtoul(length, NULL, 10) : (size_t)-1;
    int more = 1;
    while (raw->bytes_n < want && (more = raw_more(raw, deadline_ms)) > 0)
        ;
    if (want == (size_t)-1 && more == 0)
        want = raw->bytes_n;
    if (raw->bytes_n < want)
        return false;
    reply->body = take(raw, want);
    reply->body_n = want;
    reply->json = json_loadb(reply->body, want, JSON_REJECT_DUPLICATES, NULL);
    return true;
}

bool raw_reply(struct raw *raw, bool head, int timeout_ms, struct reply *reply) {
    int64_t deadline_ms = daemon_clock_ms() + timeout_ms;
    const char *end = NULL;
    *reply = (struct reply){0};
    while (!raw->bytes || !(end = strstr(raw->bytes, "\r\n\r\n"))) {
        if (raw_more(raw, deadline_ms) <= 0)
            return false;
    }
    reply->headers = take(raw, (size_t)(end - raw->bytes) + 4);
    long status = 0;
    if (sscanf(reply->headers, "HTTP/1.%*d %ld", &status) != 1)
        return false;
    if (head || status == 204 || status < 200)
        reply->body = strdup("");
    else if (!take_body(raw, deadline_ms, reply))
        return false;
    reply->status = status;
    return true;
}

bool raw_ended(struct raw *raw, int timeout_ms) {
    int64_t deadline_ms = daemon_clock_ms() + timeout_ms;
    int more;
    while ((more = raw_more(raw, deadline_ms)) > 0)
        ;
    return more == 0;
}
