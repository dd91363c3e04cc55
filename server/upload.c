#include "server/upload.h"

#include <stdlib.h>
#include <string.h>

#include "api/inflater.h"

struct upload {
    const struct http_stream *calls;
    void *stream; /* NULL: closed */
    struct http_bodies *bodies;
    struct http_body piece;
    enum http_coding coding;
    bool begun; /* a piece was handed on */
    struct http_body_limit limit;
    struct http_body
        inflated;        /* a piece of what it inflates to, where it comes deflated */
    uint64_t inflated_n; /* before that piece */
    struct upload *next; /* among those that were left */
};

static void stream_close(struct upload *u, struct store *store) {
    if (u->stream)
        u->calls->close(u->stream, store);
    u->stream = NULL;
}

static bool inflated_open(struct upload *u, struct err *e) {
    const struct http_framing unknown = {.chunked = true};
    return http_body_open(u->bodies, &u->inflated, &unknown, CODING_DEFLATE, &u->limit,
                          e) &&
           http_body_reserve(u->bodies, &u->inflated, UPLOAD_PIECE_BYTES, e);
}

static void pieces_free(struct upload *u) {
    http_body_free(u->bodies, &u->piece);
    http_body_free(u->bodies, &u->inflated);
}

struct upload *upload_open(const struct upload_options *options, struct err *e) {
    const struct http_framing *framing = options->framing;
    size_t capacity = UPLOAD_PIECE_BYTES;
    if (framing->length_known && framing->length < capacity)
        capacity = framing->length ? (size_t)framing->length : 1;
    struct upload *u = calloc(1, sizeof *u);
    if (!u) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for an upload");
        return NULL;
    }
    u->calls = options->stream;
    u->bodies = options->bodies;
    u->coding = options->coding;
    u->limit = options->limit;
    if (http_body_reserve(u->bodies, &u->piece, capacity, e) &&
        (options->coding != CODING_DEFLATE || inflated_open(u, e)))
        u->stream = u->calls->open(options->subsystem, options->request, e);
    if (u->stream)
        return u;
    pieces_free(u);
    free(u);
    return NULL;
}

size_t upload_fill(struct upload *u, const char *data, size_t n) {
    struct http_body *piece = &u->piece;
    size_t room = piece->capacity - piece->n, taken = n < room ? n : room;
    memcpy(piece->bytes + piece->n, data, taken);
    piece->n += taken;
    return taken;
}

static bool bytes_pass(struct upload *u, struct store *store, const char *bytes, size_t n,
                       struct err *e) {
    bool first = !u->begun;
    u->begun = true;
    if (first && u->coding == CODING_GZIP && n && (n < 2 || memcmp(bytes, "\x1f\x8b", 2)))
        return err_set(e, ERR_INVALID, NULL, "the body is not gzip");
    return !n || u->calls->piece(u->stream, store, bytes, n, e);
}

static bool piece_inflate(struct upload *u, struct store *store, size_t n,
                          struct err *e) {
    struct http_body *to = &u->inflated;
    struct inflater_io io = {.in = u->piece.bytes, .in_n = n};
    do {
        io.to = to->bytes;
        io.room = to->capacity;
        if (!inflater_run(to->inflater, &io, e))
            return false;
        size_t made = to->capacity - io.room;
        u->inflated_n += made;
        if (u->inflated_n > u->limit.max)
            return http_body_too_large("inflated body", &u->limit, e);
        if (!bytes_pass(u, store, to->bytes, made, e))
            return false;
    } while (io.in_n > 0 || io.room == 0);
    return true;
}

bool upload_pass(struct upload *u, struct store *store, struct err *e) {
    size_t n = u->piece.n;
    u->piece.n = 0;
    if (u->inflated.inflater ? piece_inflate(u, store, n, e)
                             : bytes_pass(u, store, u->piece.bytes, n, e))
        return true;
    stream_close(u, store);
    return false;
}

bool upload_end(struct upload *u, struct store *store, const struct http_request *request,
                struct http_reply *reply, struct err *e) {
    bool ok = upload_pass(u, store, e) && http_body_end(u->bodies, &u->inflated, e) &&
              u->calls->end(u->stream, store, request, reply, e);
    stream_close(u, store);
    return ok;
}

/* ---- those that were left ----------------------------------------------------------
 */

void uploads_open(struct uploads *u, struct executor *executor) {
    *u = (struct uploads){.executor = executor};
    pthread_mutex_init(&u->lock, NULL);
}

static void left_close(void *context, struct store *store) {
    struct uploads *all = context;
    pthread_mutex_lock(&all->lock);
    struct upload *u = all->left;
    all->left = NULL;
    pthread_mutex_unlock(&all->lock);
    while (u) {
        struct upload *next = u->next;
        stream_close(u, store);
        free(u);
        u = next;
    }
}

void uploads_sweep(struct uploads *u) {
    pthread_mutex_lock(&u->lock);
    bool any = u->left;
    pthread_mutex_unlock(&u->lock);
    if (any && !executor_add(u->executor, left_close, u))
        return; /* full: the next sweep finds them, or uploads_close */
}

void uploads_close(struct uploads *u) {
    if (u->executor && u->left)
        executor_run(u->executor, left_close, u);
    pthread_mutex_destroy(&u->lock);
}

void upload_leave(struct uploads *all, struct upload *u) {
    pieces_free(u);
    if (!u->stream) {
        free(u);
        return;
    }
    pthread_mutex_lock(&all->lock);
    u->next = all->left;
    all->left = u;
    pthread_mutex_unlock(&all->lock);
    uploads_sweep(all);
}
