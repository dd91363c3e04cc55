#include "server/http_receive.h"

#include <stdlib.h>

#include "server/http_exchange.h"

enum { SKIPPED_BYTES_MAX = 64 << 10 };

static struct http_body_limit body_limit(const struct exchange *x) {
    const struct config *config = x->http->options.config;
    if (x->route->stream)
        return (struct http_body_limit){true, (uint64_t)config->upload_bytes_max,
                                        "--upload-bytes-max"};
    return (struct http_body_limit){x->route->body, (uint64_t)config->body_bytes_max,
                                    "--body-bytes-max"};
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

bool receive_open(struct exchange *x, const struct http_head *head,
                  const struct http_framing *framing) {
    struct http_body_limit limit = body_limit(x);
    enum http_coding coding;
    bool absent = !framing->length_known && !framing->chunked;
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
    return http_head_media(head, x->route->body, &x->err) &&
           http_body_open(&x->http->bodies, &x->body, framing, coding, &limit, &x->err);
}

bool receive_skips(const struct exchange *x, const struct http_head *head,
                   const struct http_framing *framing) {
    return x->err.kind != ERR_LENGTH && !framing->chunked &&
           framing->length <= SKIPPED_BYTES_MAX && !http_head_field(head, "Expect");
}

static bool whole_append(struct exchange *x, const char *data, size_t n) {
    x->request.body_n += n;
    if (!x->route)
        return true; /* receive_skips has seen its length */
    struct http_body_limit limit = body_limit(x);
    if (x->err.kind)
        return x->request.body_n <= 2 * limit.max;
    bool ok = !limit.expected ||
              http_body_append(&x->http->bodies, &x->body, data, n, &limit, &x->err);
    (void)ok; /* x->err says it */
    return true;
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
    if (x->upload)
        return upload_append(x, data, n);
    size_t taken = *n;
    *n = 0;
    reaper_bytes(x->watched, taken);
    return whole_append(x, data, taken);
}

bool receive_end(struct exchange *x) {
    if (x->upload || x->err.kind)
        return !x->err.kind;
    bool ok = http_body_end(&x->http->bodies, &x->body, &x->err);
    x->request.body = x->body.bytes ? x->body.bytes : "";
    x->request.body_n = x->body.n;
    return ok;
}
