#include "server/http_body.h"

#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "api/inflater.h"

enum {
    LARGE_BYTES = 1 << 20,
    INFLATED_FIRST_BYTES = 16 << 10, /* of one whose length is not known */
    INFLATED_FACTOR = 4,             /* what is made room for at first */
    INFLATED_AT_ONCE = 128 << 10
};

size_t http_body_room(const struct http_bodies *all, const struct http_body *b) {
    return all->bytes_max > b->reserved ? all->bytes_max - b->reserved : 0;
}

void http_body_refund(struct http_bodies *all, struct http_body *b, size_t n) {
    b->reserved -= n;
    atomic_fetch_sub(&all->bytes, n);
}

bool http_body_charge(struct http_bodies *all, struct http_body *b, size_t more,
                      struct err *e) {
    if (more > http_body_room(all, b))
        return err_set(e, ERR_TOO_LARGE, NULL,
                       "the body takes more memory than all may have together, %zu bytes "
                       "(--body-memory-max)",
                       all->bytes_max);
    size_t before = atomic_fetch_add(&all->bytes, more);
    if (before + more > all->bytes_max) {
        atomic_fetch_sub(&all->bytes, more);
        return err_set(e, ERR_UNAVAILABLE, NULL,
                       "the bodies in flight fill --body-memory-max; try again");
    }
    b->reserved += more;
    return true;
}

static void inflater_close(struct http_bodies *all, struct http_body *b) {
    if (!b->inflater)
        return;
    inflater_free(b->inflater);
    b->inflater = NULL;
    http_body_refund(all, b, INFLATER_MEMORY_BYTES);
}

void http_body_free(struct http_bodies *all, struct http_body *b) {
    inflater_close(all, b);
    atomic_fetch_sub(&all->bytes, b->reserved);
    if (b->capacity >= LARGE_BYTES)
        atomic_store_explicit(&all->large, true, memory_order_relaxed);
    if (b->bytes)
        free(b->bytes - b->lead);
    *b = (struct http_body){0};
}

bool http_bodies_scarce(const struct http_bodies *all, uint64_t n) {
    size_t half = all->bytes_max / 2, taken = atomic_load(&all->bytes);
    return n > half || taken > half - (size_t)n;
}

void http_bodies_settle(struct http_bodies *all) {
    if (!atomic_load(&all->bytes) && atomic_exchange(&all->large, false))
        malloc_trim(0);
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
    assert(capacity >= b->capacity);
    if (!http_body_charge(all, b, capacity - b->capacity, e))
        return false;
    char *block = b->bytes ? b->bytes - b->lead : NULL;
    char *grown = realloc(block, b->lead + capacity);
    if (!grown)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the body");
    b->bytes = grown + b->lead;
    b->capacity = capacity;
    return true;
}

static bool inflater_open(struct http_bodies *all, struct http_body *b,
                          enum http_coding coding, const struct http_body_limit *limit,
                          struct err *e) {
    /* Over the limit is ours to say: the inflater does not know the flag. */
    const struct inflater_options options = {
        .form = coding == CODING_GZIP ? INFLATER_GZIP : INFLATER_DEFLATE,
        .inflated_max = limit->max + 1,
        .ratio_max = INFLATER_RATIO_MAX,
        .what = "the body"};
    if (!http_body_charge(all, b, INFLATER_MEMORY_BYTES, e))
        return false;
    b->inflater = inflater_new(&options, e);
    if (b->inflater)
        return true;
    http_body_refund(all, b, INFLATER_MEMORY_BYTES);
    return false;
}

bool http_body_open(struct http_bodies *all, struct http_body *b,
                    const struct http_framing *framing, enum http_coding coding,
                    const struct http_body_limit *limit, struct err *e) {
    uint64_t length = framing->length;
    if (framing->length_known && !length)
        return true;
    if (coding == CODING_NONE)
        return !framing->length_known || http_body_reserve(all, b, (size_t)length, e);
    if (!inflater_open(all, b, coding, limit, e))
        return false;
    uint64_t most = http_body_room(all, b) / 2; /* others want some, too */
    most = limit->max < most ? limit->max : most;
    return !framing->length_known ||
           http_body_reserve(all, b,
                             (size_t)(length < most / INFLATED_FACTOR
                                          ? INFLATED_FACTOR * length
                                          : most),
                             e);
}

bool http_body_too_large(const char *what, const struct http_body_limit *limit,
                         struct err *e) {
    return err_set(e, ERR_TOO_LARGE, NULL,
                   "the %s is over the limit of %" PRIu64 " bytes (%s)", what, limit->max,
                   limit->flag);
}

/* Room for what comes next; one byte over the limit tells that it is. */
static bool inflated_room(struct http_bodies *all, struct http_body *b,
                          const struct http_body_limit *limit, struct err *e) {
    size_t first = INFLATED_FIRST_BYTES, most = (size_t)limit->max + 1;
    size_t capacity = b->n < first / 2 ? first : 2 * b->n;
    size_t possible = b->capacity + http_body_room(all, b);
    if (possible > b->n && capacity > possible)
        capacity = possible;
    return b->n < b->capacity ||
           http_body_reserve(all, b, capacity < most ? capacity : most, e);
}

static bool body_inflate(struct http_bodies *all, struct http_body *b, const char *data,
                         size_t *n, const struct http_body_limit *limit, struct err *e) {
    struct inflater_io io = {.in = data, .in_n = *n};
    size_t made_n = 0;
    do {
        if (!inflated_room(all, b, limit, e))
            return false;
        size_t room = b->capacity - b->n;
        room = room < INFLATED_AT_ONCE ? room : INFLATED_AT_ONCE;
        io.to = b->bytes + b->n;
        io.room = room;
        if (!inflater_run(b->inflater, &io, e))
            return false;
        b->n += room - io.room;
        made_n += room - io.room;
        if (b->n > limit->max)
            return http_body_too_large("inflated body", limit, e);
    } while (io.room == 0 && (io.in_n == 0 || made_n < INFLATED_AT_ONCE));
    b->received_n += *n - io.in_n;
    *n = io.in_n;
    return true;
}

static bool body_copy(struct http_bodies *all, struct http_body *b, const char *data,
                      size_t n, const struct http_body_limit *limit, struct err *e) {
    size_t need = b->n + n;
    if (need > b->capacity) {
        size_t capacity = need < limit->max / 2 ? 2 * need : (size_t)limit->max;
        if (!http_body_reserve(all, b, capacity, e))
            return false;
    }
    memcpy(b->bytes + b->n, data, n);
    b->n = b->received_n = need;
    return true;
}

bool http_body_append(struct http_bodies *all, struct http_body *b, const char *data,
                      size_t *n, const struct http_body_limit *limit, struct err *e) {
    size_t given = *n;
    if (b->received_n + given > limit->max) {
        *n = 0;
        return http_body_too_large("body", limit, e);
    }
    if (b->inflater && body_inflate(all, b, data, n, limit, e))
        return true;
    *n = 0;
    return !b->inflater && body_copy(all, b, data, given, limit, e);
}

bool http_body_end(struct http_bodies *all, struct http_body *b, struct err *e) {
    bool ok = !b->inflater || inflater_end(b->inflater, e);
    inflater_close(all, b);
    return ok;
}
