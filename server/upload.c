#include "server/upload.h"

#include <stdlib.h>
#include <string.h>

struct upload {
    const struct http_stream *calls;
    void *stream; /* NULL: closed */
    struct http_bodies *bodies;
    struct http_body piece;
    struct upload *next; /* among those that were left */
};

static void stream_close(struct upload *u, struct store *store) {
    if (u->stream)
        u->calls->close(u->stream, store);
    u->stream = NULL;
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
    if (http_body_reserve(u->bodies, &u->piece, capacity, e))
        u->stream = u->calls->open(options->subsystem, options->request, e);
    if (u->stream)
        return u;
    http_body_free(u->bodies, &u->piece);
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

bool upload_pass(struct upload *u, struct store *store, struct err *e) {
    size_t n = u->piece.n;
    u->piece.n = 0;
    if (!n || u->calls->piece(u->stream, store, u->piece.bytes, n, e))
        return true;
    stream_close(u, store);
    return false;
}

bool upload_end(struct upload *u, struct store *store, const struct http_request *request,
                struct http_reply *reply, struct err *e) {
    bool ok =
        upload_pass(u, store, e) && u->calls->end(u->stream, store, request, reply, e);
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
    http_body_free(u->bodies, &u->piece);
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
