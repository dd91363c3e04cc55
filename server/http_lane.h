/* Lanes: each a share of the connections, with what they keep among themselves, so that
 * they need no lock: one thread runs a lane at a time (crew). A connection stays in its
 * lane for life. Private to the HTTP server. */
#ifndef SERVER_HTTP_LANE_H
#define SERVER_HTTP_LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/acceptor.h"
#include "server/crew.h"
#include "server/http.h"
#include "server/http_width.h"

struct MHD_Daemon;
struct exchange;

enum {
    LANE_CREWS = 2,
    LANES_MAX = CREW_STATIONS_MAX / HTTP_WIDTHS_N, /* of each width */
    LANE_SPARES_MAX = 8
};

struct arrival;

struct lane {
    struct http *http;
    struct MHD_Daemon *daemon;
    size_t width; /* of its connections */
    /* Used by who runs it: */
    struct http_kept own; /* of handlers */
    struct exchange *spares[LANE_SPARES_MAX];
    size_t spares_n;
    bool begun; /* its last arrival: what ends is lost from then on (lane_lost) */
    /* Connections that have not been looked at yet; the newest first. */
    _Atomic(struct arrival *) arrivals;
};

struct lanes {
    struct lane all[HTTP_WIDTHS_N * LANES_MAX]; /* n of each width, the narrowest first */
    size_t n, next;
    atomic_size_t connections;
    struct http_widths widths;
    atomic_size_t refused_n; /* since lanes_refused, */
    atomic_int refusal;      /* and the errno of the last */
    /* Who runs them; its stations are its lanes. The widest, for connections that begin
     * with a large body, have a crew of their own, lest a short request waits for what a
     * long one takes: the kernel lets the one go first that has slept. */
    struct crew *crews[LANE_CREWS];
};

/* n lanes of each width, up to LANES_MAX, their daemons started by `start` (which sets
 * lane->daemon), and up to n threads of each crew that runs them. false, with *e only
 * where the threads failed: close them then. */
bool lanes_open(struct lanes *lanes, struct http *h, size_t n,
                bool (*start)(struct lane *lane), struct err *e)
    __attribute__((warn_unused_result));

/* As crew_balance and crew_at_work, of all crews together. */
void lanes_balance(struct lanes *lanes);
size_t lanes_at_work(const struct lanes *lanes);

/* How many connections could not be taken since the last call, and why not the last:
 * static storage. One thread. */
size_t lanes_refused(struct lanes *lanes, const char **why);

/* Nobody runs them any more. */
void lanes_rest(struct lanes *lanes);
/* Ends their connections. Not while one is suspended. */
void lanes_close(struct lanes *lanes);

/* Gives the connection to a lane of the width that its first bytes call for; closes it
 * where there is no memory. One thread. */
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
