#include "server/http_admit.h"

#include "server/http_exchange.h"
#include "server/http_media.h"
#include "server/http_query.h"
#include "server/tokens.h"

static bool route_check(struct exchange *x) {
    const struct http_options *o = &x->http->options;
    struct http_request *r = &x->request;
    switch (route_find(o->routes, o->routes_n, r, &x->route, r->parameters, x->allow)) {
    case ROUTE_NO_PATH:
        return err_set(&x->err, ERR_NOT_FOUND, NULL, "no such path");
    case ROUTE_NO_METHOD:
        x->reply.allow = x->allow;
        return err_set(&x->err, ERR_METHOD, NULL,
                       "%.20s is not for this path; allowed: %s", r->method, x->allow);
    default:
        return true;
    }
}

/* Who has no token where one is needed learns nothing of what there is. */
static bool access_check(struct exchange *x, const struct http_head *head) {
    struct tokens *tokens = x->http->options.tokens;
    bool found = route_check(x);
    if (!tokens || (found && route_is_open(x->route)) ||
        tokens_allow(tokens, http_head_field(head, NAME_AUTHORIZATION)))
        return found;
    x->reply.allow = NULL;
    x->err = (struct err){0};
    return err_set(&x->err, ERR_UNAUTHENTICATED, "Authorization",
                   "expected \"Bearer \" and a token that is known here");
}

/* Where anybody on this machine may ask, and nobody else, a page must be of it for
 * certain. */
static bool page_check(struct exchange *x, const struct http_head *head) {
    const struct http_options *o = &x->http->options;
    return o->tokens || o->config->allow_anonymous || !x->http->listener.loopback ||
           http_head_origin_is_local(head) ||
           err_set(&x->err, ERR_FORBIDDEN, "Origin",
                   "requests of web pages that are not of localhost are refused without "
                   "--token-file or --allow-anonymous");
}

static bool fields_take(struct exchange *x, const struct http_head *head) {
    struct http_request *r = &x->request;
    struct err *e = &x->err;
    r->if_match = http_head_field(head, NAME_IF_MATCH);
    r->if_none_match = http_head_field(head, NAME_IF_NONE_MATCH);
    if (!http_head_single(head, NAME_CONTENT_TYPE, &r->content_type, e))
        return false;
    r->media = http_media_of(r->content_type);
    return http_head_single(head, NAME_IDEMPOTENCY_KEY, &r->idempotency_key, e) &&
           http_head_single(head, NAME_LAST_EVENT_ID, &r->last_event_id, e) &&
           http_head_single(head, NAME_INFERENCE_HEADER_CONTENT_LENGTH,
                            &r->inference_header_n, e) &&
           http_head_list(head, NAME_ACCEPT, &r->accept, &x->accept, e) &&
           http_head_list(head, NAME_ACCEPT_ENCODING, &r->accept_encoding,
                          &x->accept_encoding, e);
}

static bool deadline_take(struct http_request *r, const struct http_head *head,
                          struct err *e) {
    int64_t timeout_ms;
    if (!http_head_timeout(head, &timeout_ms, e))
        return false;
    r->deadline_us = timeout_ms ? r->received_us + timeout_ms * 1000 : 0;
    return true;
}

enum admission admit(struct exchange *x, const struct http_head *head, const char *path,
                     struct http_framing *framing) {
    struct err of_path;
    of_path.kind = ERR_NONE;
    http_request_id(&x->request, http_head_field(head, NAME_X_REQUEST_ID));
    /* First, as it tells in which form errors are answered, too. */
    bool has_path = http_head_path(path, x->path, &x->request, &of_path);
    if (!http_head_check(head, framing, &x->err))
        return ADMIT_MALFORMED;
    if (!has_path) {
        x->err = of_path;
        return ADMIT_REFUSED;
    }
    bool ok = page_check(x, head) && access_check(x, head) && fields_take(x, head) &&
              deadline_take(&x->request, head, &x->err);
    return ok ? ADMITTED : ADMIT_REFUSED;
}
