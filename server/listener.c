#include "server/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

/* Splits at the last colon; brackets around the host go. */
static bool address_split(const char *where, char host[64], char port[8], struct err *e) {
    const char *colon = strrchr(where, ':'), *from = where;
    size_t n = colon ? (size_t)(colon - where) : 0;
    if (n >= 2 && where[0] == '[' && where[n - 1] == ']') {
        from++;
        n -= 2;
    }
    size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
    if (!n || n >= 64 || !digits || digits > 5 || colon[1 + digits] ||
        strtol(colon + 1, NULL, 10) > UINT16_MAX)
        return err_set(e, ERR_INVALID, "--listen", "expected HOST:PORT, got \"%.60s\"",
                       where);
    snprintf(host, 64, "%.*s", (int)n, from);
    snprintf(port, 8, "%s", colon + 1);
    return true;
}

static struct addrinfo *address_find(const char *where, struct err *e) {
    char host[64], port[8];
    if (!address_split(where, host, port, e))
        return NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(host, port, &hints, &found);
    if (status != 0)
        err_set(e, ERR_INVALID, "--listen", "%.60s: %s", where, gai_strerror(status));
    return status == 0 ? found : NULL;
}

static void address_name(struct listener *l) {
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    char host[64] = "", port[8] = "";
    getsockname(l->fd, (struct sockaddr *)&address, &n);
    getnameinfo((struct sockaddr *)&address, n, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    bool six = address.ss_family == AF_INET6;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
    l->loopback = six ? IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)
                      : ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    snprintf(l->address, sizeof l->address, six ? "[%s]:%s" : "%s:%s", host, port);
}

bool listener_open(struct listener *l, const char *where, struct err *e) {
    struct addrinfo *address = address_find(where, e);
    int one = 1;
    l->fd = -1;
    if (!address)
        return false;
    l->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = l->fd >= 0 &&
              setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
              bind(l->fd, address->ai_addr, address->ai_addrlen) == 0 &&
              listen(l->fd, BACKLOG) == 0;
    if (!ok) {
        err_set(e, ERR_UNAVAILABLE, "--listen", "%.60s: %s", where, strerror(errno));
        listener_close(l);
    } else {
        address_name(l);
    }
    freeaddrinfo(address);
    return ok;
}

void listener_close(struct listener *l) {
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

int listener_connect(const char *where, int timeout_ms, struct err *e) {
    struct addrinfo *address = address_find(where, e);
    if (!address)
        return -1;
    struct timeval time = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) != 0 ||
        connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        err_set(e, ERR_UNAVAILABLE, NULL, "%.60s: %s", where, strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(address);
    return fd;
}
