/* What one thread that serves connections keeps for itself, so that it needs no lock: a
 * lane. All of its connections stay with it for life. Private to the HTTP server. */
#ifndef SERVER_HTTP_LANE_H
#define SERVER_HTTP_LANE_H

#include <pthread.h>
#include <stddef.h>

#include "server/http.h"

struct reaper_entry;

enum { LANE_SPARES_MAX = 8, LANES_MAX = 64 };

/* Used by its thread alone. */
struct lane {
    pthread_t thread;
    struct http_kept own; /* of handlers */
    struct exchange *spares[LANE_SPARES_MAX];
    size_t spares_n;
};

/* Zero-initialise. */
struct lanes {
    pthread_mutex_t lock; /* guards what follows */
    struct lane *all[LANES_MAX];
    size_t n;
};
void lanes_open(struct lanes *lanes);
/* Once their threads have ended. */
void lanes_close(struct lanes *lanes);

/* Has each thread look at what it has. libmicrohttpd 0.9.75 waits for events once more
 * where exactly LANE_EVENTS connections had some, before it does anything for them: with
 * nothing else to wake it, until a connection is idle for too long. A signal ends that
 * wait. Not after the threads have ended. */
enum { LANE_EVENTS = 128 };
void lanes_stir(struct lanes *lanes);

/* The calling thread's; NULL without memory. It lives until lanes_close. */
struct lane *lanes_own(struct lanes *lanes);

/* One connection, from its start to its end. */
struct connection {
    struct lane *lane;
    struct reaper_entry *watched; /* NULL: it is not */
};

/* Memory for an exchange, not zeroed; NULL: there is none. And back. */
struct exchange *lane_take(struct lane *lane);
void lane_give(struct lane *lane, struct exchange *x);

#endif
