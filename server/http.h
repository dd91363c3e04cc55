/* HTTP: connections, framing, limits, and who runs a handler. http.c,
 * http_collect.c, http_lane.c and http_response.c alone know libmicrohttpd.
 *
 * A request is collected whole, unless its route takes the body as a stream. Its handler
 * runs on the connection's thread when it needs memory alone, and on the executor's
 * threads, each with its own connection to the store, when it may wait; the connection is
 * suspended meanwhile. A handler that only computes can go on apart, on threads without a
 * store; one can hand its request over to others; and one can ask to be called again
 * later (park): when something changed, or when its time is over.
 *
 * Connections share lanes, and a crew of threads runs the lanes: "the connection's
 * thread" is the one that runs its lane at the time, one at a time. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/text.h"
#include "engine/err.h"
#include "server/config.h"
#include "server/store.h"

enum {
    HTTP_ID_MAX = 65,
    HTTP_SEGMENTS_MAX = 8,
    HTTP_QUERY_MAX = 16,
    HTTP_LOCATION_MAX = 320, /* two names of 128 in it */
    HTTP_FILENAME_MAX = 192,
    HTTP_ETAG_MAX = 32
};

struct http_pair {
    const char *name, *value;
};

/* What a handler keeps, for later calls of the same request, or of its lane's. `free` is
 * called once, when the request is over, or the lane. A request that keeps something has
 * begun: its deadline is its handler's to look at from then on. */
struct http_kept {
    void *state; /* NULL: nothing */
    void (*free)(void *state);
};

#define HTTP_TIMEOUT "X-Request-Timeout-Ms"

/* What a body is said to be; MEDIA_NONE: nothing is said. */
enum http_media {
    MEDIA_NONE,
    MEDIA_JSON,
    MEDIA_CSV,
    MEDIA_NPY,
    MEDIA_BYTES,
    MEDIA_FORM,
    MEDIA_OTHER
};

/* What a handler sees. Everything is borrowed until it returns. */
struct http_request {
    const char *method;
    const char *segments[HTTP_SEGMENTS_MAX]; /* of the path, decoded, valid UTF-8 */
    size_t segments_n;
    const char *verb;                       /* "predict" of ".../name:predict"; or NULL */
    struct http_pair query[HTTP_QUERY_MAX]; /* decoded */
    size_t query_n;
    const char *parameters[2]; /* the path's {...}, in order */
    const char *body;
    size_t body_n;                     /* of a stream: how much of it has come */
    enum http_media media;             /* of content_type */
    const char *content_type, *accept; /* these headers; NULL: not there */
    const char *accept_encoding;
    const char *if_match, *if_none_match;
    const char *idempotency_key;
    const char *last_event_id;
    const char *inference_header_n; /* Inference-Header-Content-Length */
    char id[HTTP_ID_MAX];
    int64_t received_us; /* clock_mono_us */
    int64_t deadline_us; /* HTTP_TIMEOUT: not begun until then, it fails; or 0 */
    bool draining;       /* the server is about to end, or cannot wait: do not park */
    bool apart; /* this is a thread that has the time to compute, if not a store */
    struct http_kept *own; /* what this connection's lane keeps for those who predict;
                              NULL on other threads */
};

/* An answer that goes on while it is sent: its body is asked for as the client takes it,
 * and the connection sleeps while there is none. Never a whole body in memory.
 *
 * start, read and close run on the connection's thread, in this order: memory alone. */
struct http_flow;
struct http_feed {
    /* The answer begins: from here to close http_flow_wake(flow) may be called. */
    void (*start)(void *source, struct http_flow *flow);
    /* Up to n bytes, at least 512. @return how many; HTTP_FEED_NOTHING: none before
     * http_flow_wake; HTTP_FEED_END: that was all. */
    int64_t (*read)(void *source, char *to, size_t n);
    /* Always the last, and always called: after the end, a client that left or was cut
     * off, a server that drains, or an answer that was refused before its start. */
    void (*close)(void *source);
};
enum { HTTP_FEED_NOTHING = 0, HTTP_FEED_END = -1 };

/* There is something to read. Any thread; it does not call back. */
void http_flow_wake(struct http_flow *flow);

/* Called with kept.state once the connection sleeps, and before anybody else has the
 * request: http_ready(x), once, has the handler called again, on the connection's thread.
 * Any thread. */
struct exchange;
typedef void http_hand_over(void *kept, struct exchange *x);
void http_ready(struct exchange *x);

/* What it answers. Zeroed before it runs, but for `kept`; `body` is taken. */
struct http_reply {
    int status; /* 0: 200 */
    struct text body;
    const char *type; /* NULL: application/json */
    char location[HTTP_LOCATION_MAX];
    char etag[HTTP_ETAG_MAX];         /* with its quotes; "": none */
    char filename[HTTP_FILENAME_MAX]; /* to keep it under; "": it is no attachment */
    size_t inference_header_n;        /* of Inference-Header-Content-Length; 0: none */
    bool replayed;                    /* the answer to an earlier request of that key */
    const char *allow;                /* for 405 */
    const struct http_feed *feed;     /* not NULL: the body comes from it, */
    void *source;                     /* which is taken; and the connection ends */
    int64_t park_until_us; /* not 0: no answer yet; call again on a change, or then */
    /* No answer yet either: */
    bool defer;   /* it needs a store and was called without: call again with one */
    bool lengthy; /* it takes long: call again apart */
    bool
        later; /* call again on this thread, which first looks at its other connections */
    http_hand_over *hand_over; /* somebody else goes on with it, and says http_ready */
    struct http_kept kept;
    /* HTTP_ROOM_BYTES that live as long as what is kept, aligned for anything, not
     * zeroed: for its state, where they are enough. NULL: there are none. */
    void *room;
};
enum { HTTP_ROOM_BYTES = 2048 };

/* @return false with *e, which becomes the answer. `store` is NULL on a connection's
 * thread. */
typedef bool http_handler(void *subsystem, struct store *store,
                          const struct http_request *request, struct http_reply *reply,
                          struct err *e);

/* A body that is taken as it arrives. All but `open` run on the executor's threads, one
 * call at a time, with that thread's store; the connection sleeps meanwhile. */
struct http_stream {
    /* The head is right and the body is to come: @return what the others get, or NULL
     * with *e. On the connection's thread: memory alone. */
    void *(*open)(void *subsystem, const struct http_request *request, struct err *e);
    /* The next bytes, about a mebibyte of them. After a failure, which becomes the
     * answer, only close follows. */
    bool (*piece)(void *stream, struct store *store, const void *bytes, size_t n,
                  struct err *e);
    /* The body was whole: the answer. It cannot park. */
    bool (*end)(void *stream, struct store *store, const struct http_request *request,
                struct http_reply *reply, struct err *e);
    /* Always the last, and always called: after the end, a failure, or a client that
     * left. Undoes what did not come to its end, and frees. */
    void (*close)(void *stream, struct store *store);
};

/* A body that need not be whole: what it is good for is done as it comes, on the
 * connection's thread, by memory alone and briefly. The handler, which is called once
 * all of it has passed, then finds it empty, and what `open` has kept. */
struct http_pieces {
    bool scarce;      /* in: a whole body would be much of what is left for all */
    size_t n, kept_n; /* out: bytes of a piece; of what is kept, to count as the body's */
};
struct http_intake {
    /* The head is right, and body_n bytes are to come. It keeps something in reply->kept;
     * or @return false: the body is collected. */
    bool (*open)(void *subsystem, const struct http_request *request,
                 struct http_pieces *pieces, struct http_reply *reply);
    /* The next piece, whose last may be shorter. After a failure, which becomes the
     * answer, there are no more. */
    bool (*piece)(void *kept, const char *bytes, size_t n, struct err *e);
    /* Whether the first piece shows that the body is of another kind after all: then what
     * was kept is freed and the body is collected. */
    bool (*declines)(const struct http_request *request, const char *bytes, size_t n);
};

struct route;
struct metrics;
struct tokens;

struct http_options {
    const struct config *config;
    const struct route *routes;
    size_t routes_n;
    void *const *subsystems; /* by enum subsystem */
    struct metrics *metrics;
    struct tokens *tokens; /* NULL: anybody may ask */
};

struct http;

/* Listens on config->listen; beyond the loopback only with tokens, or where the
 * configuration allows anybody (ERR_INVALID). Everything in options is borrowed. Until
 * http_open_store no handler is called that needs a store: 503. */
struct http *http_start(const struct http_options *options, struct err *e)
    __attribute__((warn_unused_result));

/* Opens config->store for the handlers; what they find in their subsystems then is to be
 * there before. After a failure, which has opened nothing, it may be tried again. */
bool http_open_store(struct http *h, struct err *e) __attribute__((warn_unused_result));

/* "127.0.0.1:8080": where it listens, with the port it was given. */
const char *http_address(const struct http *h);

/* Calls the parked handlers again. Any thread. */
void http_wake(struct http *h);

/* From now on: answers say that the connection ends, and nothing parks. */
void http_drain(struct http *h);

/* Stops listening, waits up to timeout_ms for the requests in flight, and frees. */
void http_stop(struct http *h, int64_t timeout_ms);

/* ---- helpers for handlers ------------------------------------------------------- */

/* An integer of the query. Absent: *out stays. ERR_INVALID, where = the parameter's name.
 */
bool http_query_int(const struct http_request *request, const char *name, int64_t min,
                    int64_t max, int64_t *out, struct err *e)
    __attribute__((warn_unused_result));

/* The same for a decimal number: "0.5". */
bool http_query_number(const struct http_request *request, const char *name, double min,
                       double max, double *out, struct err *e)
    __attribute__((warn_unused_result));

/* A text of the query; NULL when it is absent. */
const char *http_query_text(const struct http_request *request, const char *name);

#endif
