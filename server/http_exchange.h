/* An exchange, a request and its answer, and who runs it: the connection's thread, the
 * executor, or nobody while it is parked. Private to the HTTP server; http.c holds what
 * needs libmicrohttpd. */
#ifndef SERVER_HTTP_EXCHANGE_H
#define SERVER_HTTP_EXCHANGE_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>

#include "server/acceptor.h"
#include "server/executor.h"
#include "server/http_body.h"
#include "server/http_coding.h"
#include "server/http_flow.h"
#include "server/http_lane.h"
#include "server/linger.h"
#include "server/listener.h"
#include "server/log_rate.h"
#include "server/reaper.h"
#include "server/routes.h"
#include "server/upload.h"

enum { HTTP_QUERY_BYTES_MAX = 2048 };

struct MHD_Connection;

enum exchange_state {
    EXCHANGE_READING,  /* the body is coming */
    EXCHANGE_AWAY,     /* suspended: on an executor, with somebody else, or parked */
    EXCHANGE_AGAIN,    /* the handler is to be called again, on the connection's thread */
    EXCHANGE_ANSWERED, /* the reply stands; it is to be queued */
    EXCHANGE_SENT
};

/* One request and its answer. The connection's thread owns it, but for the time it is
 * AWAY. */
struct exchange {
    struct http *http;
    struct MHD_Connection *connection;
    const char *url; /* its path as it was sent; the connection's */
    struct lane *lane;
    struct reaper_entry *watched;
    const struct route *route; /* NULL: refused before one was found */
    enum exchange_state state;
    bool close;   /* the connection ends with this answer */
    bool no_park; /* its client has left, too many wait already, or its time is over:
                     answer now */
    bool has_parked;
    struct http_request request;
    char *accept, *accept_encoding; /* the request's, of several fields; owned, or NULL */
    struct http_reply reply;
    struct err err; /* what the answer is instead */
    struct http_answer_coding answer_coding;
    struct http_body body;
    struct upload *upload; /* instead, where the route takes a stream */
    size_t piece_n;        /* the body holds but a piece of so many bytes; 0: all of it */
    size_t pieces_total_n; /* of all of them */
    bool piece_passed;     /* one has been taken */
    size_t computed_n; /* bytes of what the pieces leave behind, until it is answered */
    struct http_flow flow; /* of a reply with a feed */
    uint64_t wakes_seen;
    struct exchange *next; /* among the parked */
    char allow[64];
    char path[HTTP_PATH_MAX]; /* from here on not zeroed at first */
    char query[HTTP_QUERY_BYTES_MAX];
    alignas(max_align_t) unsigned char room[HTTP_ROOM_BYTES];
};

struct http {
    struct http_options options;
    struct executor *executor;  /* with stores */
    struct executor *computing; /* without */
    struct reaper *reaper;
    struct lingerers lingerers;
    struct listener listener;
    struct MHD_Response *starved[ROUTE_ERRORS_N]; /* response_starved_new */
    struct acceptor *acceptor;
    struct lanes lanes;
    size_t connections_max;
    atomic_bool full; /* it was, since the ticker looked; */
    bool full_told;   /* and the look before: the ticker's */
    struct log_rate refused;
    pthread_t ticker;
    atomic_bool draining, ending;
    atomic_size_t in_flight, handed_over;
    struct http_bodies bodies;
    struct uploads uploads;
    atomic_uint_fast64_t wakes;
    size_t parked_max, flows_max;
    size_t held_max;      /* parked and flowing together: the rest is for others */
    pthread_mutex_t lock; /* guards what follows */
    struct exchange *parked;
    size_t parked_n;
    struct exchange *flows;
    size_t flows_n;
    int64_t drained_us; /* when the drain began */
};

/* Calls its handler, on this thread, the connection's. @return whether the reply stands;
 * otherwise it is away, or waits to be called again. */
bool exchange_run(struct exchange *x) __attribute__((warn_unused_result));

/* The connection sleeps while the handler is called where there is a store, or apart;
 * while a piece of the body is handed on, the upload ended, or the answer compressed. */
void exchange_away_call(struct exchange *x);
void exchange_away_apart(struct exchange *x);
void exchange_away_piece(struct exchange *x);
void exchange_away_end(struct exchange *x);
void exchange_away_coding(struct exchange *x);

enum parked_which { PARKED_ALL, PARKED_DUE, PARKED_LEFT };
/* Calls parked exchanges again: all, those whose time is over, or also those whose client
 * has left. Any thread. */
void exchanges_unpark(struct http *h, enum parked_which which);

/* http.c's: to suspend and resume a connection, and whether its client is gone. */
void connection_sleep(struct exchange *x);
void connection_wake(struct exchange *x);
bool connection_left(const struct exchange *x);
/* Ends the connection from outside: its thread finds that out. */
void connection_cut(const struct exchange *x);

#endif
