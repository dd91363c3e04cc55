/* Replies with a feed while they are sent: who sleeps, who is woken, who is cut off.
 * Private to the HTTP server. */
#ifndef SERVER_HTTP_FLOW_H
#define SERVER_HTTP_FLOW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

struct exchange;
struct http;

/* Part of an exchange. Zero-initialise. Lock order: http.lock, then lock. */
struct http_flow {
    struct exchange *exchange;        /* NULL: it was not opened */
    struct exchange *next, *previous; /* under http.lock */
    bool begun;                       /* something was sent */
    atomic_int_fast64_t asked_us;     /* when the connection last had room for more */
    pthread_mutex_t lock;             /* guards what follows */
    bool asleep, woken, left;
};

/* The reply is about to be queued. @return false with *e when there are too many. Its
 * source is flow_close's in any case. */
bool flow_open(struct exchange *x, struct err *e) __attribute__((warn_unused_result));

/* Bytes for the connection, which has room for n. @return how many; 0: it was put to
 * sleep; FLOW_END: that was all; FLOW_CUT: nobody is there any more. */
enum { FLOW_END = -1, FLOW_CUT = -2 };
int64_t flow_read(struct exchange *x, char *to, size_t n);

/* Frees the reply's source, where there is one. */
void flow_close(struct exchange *x);

/* The server drains: each flow ends at its next message. */
void flows_drain(struct http *h);

/* Ends the flows whose client has left, and cuts off those whose client takes nothing. */
void flows_sweep(struct http *h, int64_t now_us);

#endif
