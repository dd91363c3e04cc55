#include "server/http_response.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "api/problem.h"

enum {
    RETRY_AFTER_S = 1,
    FEED_BLOCK = 4 << 10,  /* of a feed's bytes, for a client without chunks */
    FEED_BUFFER = 32 << 10 /* what the system keeps for a client that is slow */
};

static ssize_t feed_read(void *context, uint64_t at, char *to, size_t n) {
    int64_t got = flow_read(context, to, n);
    (void)at;
    return got == FLOW_END   ? MHD_CONTENT_READER_END_OF_STREAM
           : got == FLOW_CUT ? MHD_CONTENT_READER_END_WITH_ERROR
                             : (ssize_t)got;
}

static ssize_t feed_none(void *context, uint64_t at, char *to, size_t n) {
    (void)context;
    (void)at;
    (void)to;
    (void)n;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

bool response_is_head(const struct exchange *x) {
    return strcmp(x->request.method, "HEAD") == 0;
}

/* The head of a feed. What the system would keep for a client that does not read counts
 * too. The library would end the chunks of an answer to HEAD, which has none. */
static struct MHD_Response *response_feed(struct exchange *x, int fd) {
    int bytes = FEED_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    x->close = true;
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, FEED_BLOCK, response_is_head(x) ? feed_none : feed_read, x,
        NULL);
    if (response && response_is_head(x))
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return response;
}

static struct MHD_Response *response_body(struct exchange *x) {
    struct text *body = &x->reply.body;
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(body->n, body->data, free);
    if (response)
        *body = (struct text){0}; /* the response frees it */
    return response;
}

/* A response that gets its fields. */
struct fields {
    struct MHD_Response *response;
    bool failed; /* one of them could not be added */
};

static void field_add(struct fields *f, const char *name, const char *value) {
    if (MHD_add_response_header(f->response, name, value) != MHD_YES)
        f->failed = true;
}

/* What says how the body is to be read. */
static void body_fields(struct fields *f, const struct exchange *x) {
    const struct http_reply *reply = &x->reply;
    if (reply->status != 204)
        field_add(f, "Content-Type", reply->type ? reply->type : "application/json");
    if (reply->inference_header_n && !x->err.kind) {
        char bytes[24];
        snprintf(bytes, sizeof bytes, "%zu", reply->inference_header_n);
        field_add(f, "Inference-Header-Content-Length", bytes);
    }
    if (x->answer_coding.coding)
        field_add(f, "Content-Encoding", coding_name(x->answer_coding.coding));
    if (x->answer_coding.varies)
        field_add(f, "Vary", "Accept-Encoding");
    if (reply->filename[0]) {
        char disposition[HTTP_FILENAME_MAX + 32];
        snprintf(disposition, sizeof disposition, "attachment; filename=\"%s\"",
                 reply->filename);
        field_add(f, "Content-Disposition", disposition);
    }
    if (reply->feed) {
        field_add(f, "Cache-Control", "no-store");
        field_add(f, "X-Accel-Buffering", "no"); /* nginx */
    }
}

static void retry_field(struct fields *f) {
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", RETRY_AFTER_S);
    field_add(f, "Retry-After", seconds);
}

/* What says how things stand. */
static void state_fields(struct fields *f, const struct exchange *x) {
    const struct http_reply *reply = &x->reply;
    field_add(f, "X-Request-Id", x->request.id);
    if (reply->location[0])
        field_add(f, "Location", reply->location);
    if (reply->etag[0])
        field_add(f, "ETag", reply->etag);
    if (reply->replayed)
        field_add(f, "Idempotent-Replayed", "true");
    if (reply->allow)
        field_add(f, "Allow", reply->allow);
    if (x->err.kind == ERR_MEDIA && strcmp(x->err.where, "Content-Encoding") == 0)
        field_add(f, "Accept-Encoding", HTTP_CODINGS);
    if (reply->status == 401)
        field_add(f, "WWW-Authenticate", "Bearer realm=\"descentd\"");
    if (reply->status == 503 || reply->status == 429)
        retry_field(f);
    if (x->close || atomic_load(&x->http->draining))
        field_add(f, "Connection", "close");
}

struct MHD_Response *response_new(struct exchange *x, int fd) {
    struct fields f = {x->reply.feed ? response_feed(x, fd) : response_body(x), false};
    if (!f.response)
        return NULL;
    body_fields(&f, x);
    state_fields(&f, x);
    if (!f.failed)
        return f.response;
    MHD_destroy_response(f.response);
    return NULL;
}

struct MHD_Response *response_starved_new(enum route_errors form) {
    struct err e = {0};
    struct text body = {0};
    err_set(&e, ERR_NO_MEMORY, NULL, "no memory for the answer");
    if (form == ERRORS_PLAIN)
        problem_encode_plain(&e, &body);
    else
        problem_encode(&e, NULL, &body);
    struct fields f = {NULL, false};
    if (!body.failed)
        f.response =
            MHD_create_response_from_buffer_with_free_callback(body.n, body.data, free);
    if (!f.response) {
        text_free(&body);
        return NULL;
    }
    field_add(&f, "Content-Type", "application/json");
    field_add(&f, "Connection", "close");
    retry_field(&f);
    if (!f.failed)
        return f.response;
    MHD_destroy_response(f.response);
    return NULL;
}
