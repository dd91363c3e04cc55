/* A body that its route takes as a stream: collected into pieces, each handed on by a
 * thread of the executor while its connection sleeps, so that memory does not grow with
 * the body and no connection's thread waits for the disk.
 *
 * An upload has one owner at a time: the connection's thread while a piece fills, the
 * executor's while one is handed on. Gzip is looked at and handed on as it is, for the
 * streams know it; deflate is inflated before. */
#ifndef SERVER_UPLOAD_H
#define SERVER_UPLOAD_H

#include <pthread.h>

#include "server/executor.h"
#include "server/http_body.h"

enum { UPLOAD_PIECE_BYTES = 1 << 20 };

/* The uploads of a server whose clients left: their streams are still to be closed, by
 * one that has a store. Zero-initialise with uploads_open. */
struct upload;
struct uploads {
    struct executor *executor;
    pthread_mutex_t lock; /* guards what follows */
    struct upload *left;
};
void uploads_open(struct uploads *u, struct executor *executor);
/* Has the executor close those that were left, if there are any; it may have been full
 * when they came. */
void uploads_sweep(struct uploads *u);
/* Closes what is left. Only after executor_stop, when no connection lives any more. */
void uploads_close(struct uploads *u);

struct upload_options {
    const struct http_stream *stream;
    void *subsystem;
    const struct http_request *request;
    const struct http_framing *framing;
    enum http_coding coding;
    struct http_body_limit limit; /* inflated */
    struct http_bodies *bodies;   /* count the piece */
};

/* Opens the stream. NULL with *e: what it said, or ERR_UNAVAILABLE. */
struct upload *upload_open(const struct upload_options *options, struct err *e)
    __attribute__((warn_unused_result));

/* Adds to the piece. @return how many bytes of n went in; fewer: it is full. */
size_t upload_fill(struct upload *u, const char *data, size_t n);

/* Hands the piece on; a failure closes the stream. */
bool upload_pass(struct upload *u, struct store *store, struct err *e)
    __attribute__((warn_unused_result));

/* Hands the last piece on and has the stream answer; it is closed either way. */
bool upload_end(struct upload *u, struct store *store, const struct http_request *request,
                struct http_reply *reply, struct err *e)
    __attribute__((warn_unused_result));

/* The connection's thread is done with it. A stream that is still open is closed by the
 * executor. */
void upload_leave(struct uploads *all, struct upload *u);

#endif
