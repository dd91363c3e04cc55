/* Lanes: each a share of the connections, with what they keep among themselves, so that
 * they need no lock: one thread runs a lane at a time (crew). A connection stays in its
 * lane for life. Private to the HTTP server. */
#ifndef SERVER_HTTP_LANE_H
#define SERVER_HTTP_LANE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/acceptor.h"
#include "server/http.h"

struct MHD_Daemon;
struct crew;
struct exchange;

/* libmicrohttpd reads half of a connection's memory at a time, and an idle connection
 * keeps it: there is a narrow lane for most and a wide one for large bodies. */
enum {
    LANE_NARROW_BYTES = 8 << 10, /* the head must fit */
    LANE_WIDE_BYTES = 64 << 10,
    LANE_WIDE_BODY = 16 << 10, /* a body of so many bytes is large */
    LANE_WIDE_MAX = 256,       /* connections in wide lanes */
    LANES_MAX = 32,            /* of each kind */
    LANE_SPARES_MAX = 8
};

struct arrival;

struct lane {
    struct http *http;
    struct MHD_Daemon *daemon;
    bool wide;
    /* Used by who runs it: */
    struct http_kept own; /* of handlers */
    struct exchange *spares[LANE_SPARES_MAX];
    size_t spares_n;
    /* Connections that have not been looked at yet; the newest first. */
    _Atomic(struct arrival *) arrivals;
};

struct lanes {
    struct lane all[2 * LANES_MAX]; /* n narrow ones, then n wide ones */
    size_t n, next;
    atomic_size_t connections, wide_connections;
    struct crew *crew; /* who runs them; its stations are the lanes */
};

/* n lanes of either kind, their daemons started by `start`, and up to n threads that run
 * them. On failure close them. */
bool lanes_open(struct lanes *lanes, struct http *h, size_t n,
                bool (*start)(struct lane *lane), struct err *e)
    __attribute__((warn_unused_result));

/* Nobody runs them any more. */
void lanes_rest(struct lanes *lanes);
/* Ends their connections. Not while one is suspended. */
void lanes_close(struct lanes *lanes);

/* Gives the connection to a lane, in turn; closes it where there is no memory. One
 * thread.
 */
void lanes_take(struct lanes *lanes, const struct accepted *accepted);
/* One of its connections has ended. */
void lane_lost(const struct lane *lane);

/* Has it run soon: after MHD_resume_connection, as a library that is not its own loop
 * does not tell of it. Any thread. */
void lane_ring(struct lane *lane);

/* Memory for an exchange, not zeroed; NULL: there is none. And back. Who runs it. */
struct exchange *lane_take(struct lane *lane);
void lane_give(struct lane *lane, struct exchange *x);

#endif
