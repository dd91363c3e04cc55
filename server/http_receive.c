#include "server/http_receive.h"

#include <inttypes.h>

#include "server/http_exchange.h"

static struct http_body_limit body_limit(const struct exchange *x) {
    const struct config *config = x->http->options.config;
    if (x->route->stream)
        return (struct http_body_limit){true, (uint64_t)config->upload_bytes_max,
                                        "--upload-bytes-max"};
    return (struct http_body_limit){x->route->body, (uint64_t)config->body_bytes_max,
                                    "--body-bytes-max"};
}

static bool upload_prepare(struct exchange *x, const struct http_head *head,
                           const struct http_framing *framing) {
    struct http *h = x->http;
    struct upload_options options = {.stream = x->route->stream,
                                     .subsystem =
                                         h->options.subsystems[x->route->subsystem],
                                     .request = &x->request,
                                     .framing = framing,
                                     .bodies = &h->bodies};
    return http_head_coding(head, "gzip", &x->err) &&
           (x->upload = upload_open(&options, &x->err));
}

bool receive_open(struct exchange *x, const struct http_head *head,
                  const struct http_framing *framing) {
    struct http_body_limit limit = body_limit(x);
    if (!http_body_check(framing, &limit, &x->err))
        return false;
    if (x->route->stream)
        return upload_prepare(x, head, framing);
    return !x->route->body || (http_head_media(head, x->route->body, &x->err) &&
                               (!framing->length_known || !framing->length ||
                                http_body_reserve(&x->http->bodies, &x->body,
                                                  (size_t)framing->length, &x->err)));
}

static bool whole_append(struct exchange *x, const char *data, size_t n) {
    struct http_body_limit limit = body_limit(x);
    x->request.body_n += n;
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
        err_set(&x->err, ERR_TOO_LARGE, NULL,
                "the body is over the limit of %" PRIu64 " bytes (%s)", limit.max,
                limit.flag);
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
