#include "server/http_body.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void http_body_free(struct http_bodies *all, struct http_body *b) {
    atomic_fetch_sub(&all->bytes, b->reserved);
    free(b->bytes);
    *b = (struct http_body){0};
}

bool http_body_check(const struct http_framing *framing,
                     const struct http_body_limit *limit, struct err *e) {
    if (limit->expected && !framing->length_known && !framing->chunked)
        return err_set(e, ERR_LENGTH, "Content-Length",
                       "is missing; a body may have up to %" PRIu64 " bytes (%s)",
                       limit->max, limit->flag);
    if (framing->length_known && framing->length > limit->max)
        return err_set(e, ERR_TOO_LARGE, "Content-Length",
                       "%" PRIu64 " bytes are over the limit of %" PRIu64 " (%s)",
                       framing->length, limit->max, limit->flag);
    return true;
}

bool http_body_reserve(struct http_bodies *all, struct http_body *b, size_t capacity,
                       struct err *e) {
    size_t more = capacity - b->capacity;
    size_t before = atomic_fetch_add(&all->bytes, more);
    if (before + more > all->bytes_max) {
        atomic_fetch_sub(&all->bytes, more);
        return err_set(e, ERR_UNAVAILABLE, NULL,
                       "the bodies in flight fill --body-memory-max; try again");
    }
    b->reserved += more;
    char *grown = realloc(b->bytes, capacity);
    if (!grown)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the body");
    b->bytes = grown;
    b->capacity = capacity;
    return true;
}

bool http_body_append(struct http_bodies *all, struct http_body *b, const char *data,
                      size_t n, const struct http_body_limit *limit, struct err *e) {
    size_t need = b->n + n;
    if (need > limit->max)
        return err_set(e, ERR_TOO_LARGE, NULL,
                       "the body is over the limit of %" PRIu64 " bytes (%s)", limit->max,
                       limit->flag);
    if (need > b->capacity) {
        size_t capacity = need < limit->max / 2 ? 2 * need : (size_t)limit->max;
        if (!http_body_reserve(all, b, capacity, e))
            return false;
    }
    memcpy(b->bytes + b->n, data, n);
    b->n = need;
    return true;
}
