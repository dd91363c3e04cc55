#include "server/http_log.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "server/clock.h"
#include "server/http_exchange.h"
#include "server/http_head.h"
#include "server/log.h"
#include "server/routes.h"

enum { SHOWN_MAX = 256 }; /* bytes of a path */

/* Who has sent it: a client, or the proxy before it. "": not known. */
static void peer_print(int socket, char to[INET6_ADDRSTRLEN]) {
    struct sockaddr_storage peer;
    socklen_t n = sizeof peer;
    const void *address = NULL;
    to[0] = '\0';
    if (getpeername(socket, (struct sockaddr *)&peer, &n) != 0)
        return;
    if (peer.ss_family == AF_INET)
        address = &((struct sockaddr_in *)&peer)->sin_addr;
    else if (peer.ss_family == AF_INET6)
        address = &((struct sockaddr_in6 *)&peer)->sin6_addr;
    if (address && !inet_ntop(peer.ss_family, address, to, INET6_ADDRSTRLEN))
        to[0] = '\0';
}

static enum log_level level_of(const struct exchange *x) {
    int status = x->reply.status;
    bool told = (x->route && x->route->waits) ||
                (status >= 400 && status < 500 &&
                 log_rate_take(&x->http->refused, clock_coarse_us()));
    return status >= 500 ? LOG_WARN : told ? LOG_INFO : LOG_DEBUG;
}

void http_log(const struct exchange *x, const char *url, int socket,
              int64_t duration_us) {
    enum log_level level = level_of(x);
    if (!log_is_told(level))
        return;
    char peer[INET6_ADDRSTRLEN], path[SHOWN_MAX];
    peer_print(socket, peer);
    url = http_head_target_path(url); /* no user's name and password before it */
    snprintf(path, sizeof path, strlen(url) < sizeof path ? "%s" : "%.252s...", url);
    log_write(level, "request", "method", LOG_TEXT(x->request.method), "route",
              LOG_TEXT(x->route ? x->route->name : "none"), "path", LOG_TEXT(path),
              "status", LOG_INT(x->reply.status), "us", LOG_INT(duration_us), "peer",
              LOG_TEXT(peer), "request_id", LOG_TEXT(x->request.id), "error",
              LOG_TEXT(x->err.kind ? x->err.text : NULL), "where",
              LOG_TEXT(x->err.kind && x->err.where[0] ? x->err.where : NULL), NULL);
}
