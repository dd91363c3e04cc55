#include "server/http_receive.h"

#include <stdlib.h>

#include "server/http_exchange.h"
#include "server/http_media.h"

enum { SKIPPED_BYTES_MAX = 64 << 10 };

static struct http_body_limit body_limit(const struct exchange *x) {
    const struct config *config = x->http->options.config;
    if (x->route->stream)
        return (struct http_body_limit){true, (uint64_t)config->upload_bytes_max,
                                        "--upload-bytes-max"};
    bool by_memory = config->body_bytes_max >= config->body_memory_max;
    return (struct http_body_limit){x->route->body, (uint64_t)config->body_bytes_max,
                                    by_memory ? "--body-memory-max" : "--body-bytes-max"};
}

static bool upload_prepare(struct exchange *x, const struct http_framing *framing,
                           enum http_coding coding) {
    struct http *h = x->http;
    struct upload_options options = {.stream = x->route->stream,
                                     .subsystem =
                                         h->options.subsystems[x->route->subsystem],
                                     .request = &x->request,
                                     .framing = framing,
                                     .coding = coding,
                                     .limit = body_limit(x),
                                     .bodies = &h->bodies};
    return (x->upload = upload_open(&options, &x->err));
}

/* Where a body begins in its memory, so that the tensors behind a document are aligned as
 * memory from malloc is; what is no length is refused where it is read. */
static size_t lead_of(const char *document_n) {
    enum { ALIGN = 16 };
    size_t n = document_n ? (size_t)strtoul(document_n, NULL, 10) : 0;
    return (ALIGN - n % ALIGN) % ALIGN;
}

/* The body is collected after all. */
static void intake_leave(struct exchange *x) {
    x->piece_n = x->computed_n = 0;
    x->reply.kept.free(x->reply.kept.state);
    x->reply.kept = (struct http_kept){0};
}

/* Whether the route takes the body as it comes. An answer that leaves no room for that is
 * no reason to refuse it. */
static bool intake_open(struct exchange *x, const struct http_framing *framing,
                        enum http_coding coding, struct http_pieces *pieces) {
    struct http_request *request = &x->request;
    void *subsystem = x->http->options.subsystems[x->route->subsystem];
    if (!x->route->intake || coding != CODING_NONE || !framing->length_known)
        return false;
    pieces->scarce = http_bodies_scarce(&x->http->bodies, framing->length);
    request->body = "";
    request->body_n = (size_t)framing->length;
    x->reply.room = x->room;
    bool takes = x->route->intake->open(subsystem, request, pieces, &x->reply);
    x->piece_n = takes ? pieces->n : 0;
    x->pieces_total_n = request->body_n;
    request->body_n = 0;
    if (takes && pieces->kept_n + pieces->n > http_body_room(&x->http->bodies, &x->body))
        return intake_leave(x), false;
    return takes;
}

bool receive_open(struct exchange *x, const struct http_head *head,
                  const struct http_framing *framing) {
    struct http_body_limit limit = body_limit(x);
    enum http_coding coding;
    bool absent = !framing->length && !framing->chunked;
    struct http_bodies *bodies = &x->http->bodies;
    struct http_pieces pieces = {0};
    if (x->route->body & BODY_OPTIONAL && absent)
        return true;
    if (!http_body_check(framing, &limit, &x->err))
        return false;
    if (!limit.expected)
        return true;
    if (!http_head_coding(head, &coding, &x->err))
        return false;
    if (x->route->stream)
        return upload_prepare(x, framing, coding);
    x->body.lead = lead_of(x->request.inference_header_n);
    if (!http_media_check(&x->request, x->route->body, &x->err))
        return false;
    if (intake_open(x, framing, coding, &pieces)) {
        x->computed_n = pieces.kept_n;
        return http_body_charge(bodies, &x->body, pieces.kept_n, &x->err) &&
               http_body_reserve(bodies, &x->body, pieces.n, &x->err);
    }
    return http_body_open(bodies, &x->body, framing, coding, &limit, &x->err);
}

bool receive_skips(const struct exchange *x, const struct http_head *head,
                   const struct http_framing *framing) {
    return x->err.kind != ERR_LENGTH && !framing->chunked &&
           framing->length <= SKIPPED_BYTES_MAX && !http_head_field(head, NAME_EXPECT);
}

/* From here on the body is collected, beginning with the piece that is there. */
static bool pieces_decline(struct exchange *x) {
    http_body_refund(&x->http->bodies, &x->body, x->computed_n);
    intake_leave(x);
    return http_body_reserve(&x->http->bodies, &x->body, x->pieces_total_n, &x->err);
}

static bool piece_pass(struct exchange *x) {
    const struct http_intake *intake = x->route->intake;
    size_t n = x->body.n;
    if (!x->piece_passed && intake->declines(&x->request, x->body.bytes, n))
        return pieces_decline(x);
    x->piece_passed = true;
    x->body.n = 0;
    return intake->piece(x->reply.kept.state, x->body.bytes, n, &x->err);
}

/* Takes no more than makes two pieces, so that other connections have their turn. */
static bool pieces_append(struct exchange *x, const char *data, size_t *n,
                          const struct http_body_limit *limit) {
    size_t left = *n;
    for (int passed = 0; left && x->piece_n && !(passed && left >= x->piece_n);) {
        size_t room = x->piece_n - x->body.n, part = left < room ? left : room;
        size_t untaken = part;
        if (!http_body_append(&x->http->bodies, &x->body, data, &untaken, limit,
                              &x->err) ||
            (part == room && !piece_pass(x))) {
            *n = 0; /* the rest is forgotten */
            return false;
        }
        passed += part == room;
        data += part;
        left -= part;
    }
    *n = left;
    return true;
}

/* What is not taken at once stays with the library, and other connections come first. */
static bool whole_append(struct exchange *x, const char *data, size_t *n) {
    struct http_body_limit limit = x->route ? body_limit(x) : (struct http_body_limit){0};
    size_t left = limit.expected && !x->err.kind ? *n : 0, taken = *n;
    bool ok = !left || (x->piece_n ? pieces_append(x, data, &left, &limit)
                                   : http_body_append(&x->http->bodies, &x->body, data,
                                                      &left, &limit, &x->err));
    (void)ok; /* x->err says it */
    taken -= left;
    *n = left;
    x->request.body_n += taken;
    reaper_bytes(x->watched, taken);
    if (left) {
        connection_sleep(x);
        connection_wake(x);
    }
    /* Where no route was found receive_skips has seen the length. */
    return !x->err.kind || !x->route || x->request.body_n <= 2 * limit.max;
}

/* What a full piece has no room for stays with the library, which does not call again
 * before the connection is resumed. */
static bool upload_append(struct exchange *x, const char *data, size_t *n) {
    struct http_body_limit limit = body_limit(x);
    if (x->request.body_n + *n > limit.max)
        http_body_too_large("body", &limit, &x->err);
    size_t taken = x->err.kind ? *n : upload_fill(x->upload, data, *n);
    x->request.body_n += taken;
    *n -= taken;
    reaper_bytes(x->watched, taken);
    if (*n)
        return exchange_away_piece(x), true;
    return x->request.body_n <= 2 * limit.max;
}

bool receive_bytes(struct exchange *x, const char *data, size_t *n) {
    return x->upload ? upload_append(x, data, n) : whole_append(x, data, n);
}

bool receive_end(struct exchange *x) {
    if (x->upload || x->err.kind)
        return !x->err.kind;
    if (x->piece_n && x->body.n && !piece_pass(x))
        return false;
    if (x->piece_n) {
        x->request.body = "";
        x->request.body_n = 0;
        return true;
    }
    bool ok = http_body_end(&x->http->bodies, &x->body, &x->err);
    x->request.body = x->body.bytes ? x->body.bytes : "";
    x->request.body_n = x->body.n;
    return ok;
}
