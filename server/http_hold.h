/* Answers that leave together: those of one run of a lane wait in their sockets for its
 * end. Private to the HTTP server.
 *
 * To send an answer is to run the kernel's network, here as far as its receiver, and
 * often to wake that one. Answers that are sent one after another find it awake, and the
 * processor's caches full of what sends; requests that are read one after another find
 * them full of what reads. Linux holds an answer back by TCP_CORK (tcp(7)), for 200 ms at
 * most; the first two of a connection are not held, as libmicrohttpd pushes them itself.
 */
#ifndef SERVER_HTTP_HOLD_H
#define SERVER_HTTP_HOLD_H

#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_HOLD_ANSWERS = 4,     /* of a run, from which on they do: few are better sent */
    HTTP_HOLD_MAX = 32,        /* answers that wait */
    HTTP_HOLD_US = 200,        /* how long, about */
    HTTP_HOLD_BYTES = 16 << 10 /* of a body that is no reason to let them go first */
};

/* Zero-initialise. One thread at a time. */
struct http_hold {
    int sockets[HTTP_HOLD_MAX];
    size_t n;
    int64_t since_us;
    size_t answers_n, before_n; /* of this run, and of the last one that had any */
};

/* An answer is about to be written to a socket. It waits, if this run will have as many
 * as the one before it; where others have waited long enough, they leave, and it does not
 * wait. */
void http_hold_answer(struct http_hold *hold, int socket, int64_t now_us);

/* Those that wait leave: before one of their sockets is closed, or a large body is read.
 * A prediction computed in the same run holds them up for as long as it takes.
 */
void http_hold_leave(struct http_hold *hold);

/* The run has ended: they leave. */
void http_hold_end(struct http_hold *hold);

#endif
