/* The bytes of a body that is collected whole, inflated as it comes, within what one body
 * and what all bodies in flight may take. One thread at a time; the count of all is
 * shared. */
#ifndef SERVER_HTTP_BODY_H
#define SERVER_HTTP_BODY_H

#include <stdatomic.h>

#include "server/http_head.h"

struct http_bodies {
    atomic_size_t bytes; /* of all bodies in flight */
    size_t bytes_max;    /* --body-memory-max */
    atomic_bool large;   /* memory of a large one was freed: see http_bodies_settle */
};

/* Gives memory back to the system once no body is in flight. The allocator keeps what
 * large bodies took, so that one after the other does not fault its pages in anew;
 * whoever is called now and then ends that when there are no more. */
void http_bodies_settle(struct http_bodies *all);

/* Whether a body of n bytes would be more than half of all that there may be with it. */
bool http_bodies_scarce(const struct http_bodies *all, uint64_t n);

/* Zero-initialise; http_body_free. */
struct inflater;
struct http_body {
    char *bytes;
    size_t n, capacity, reserved;
    size_t lead; /* bytes of the block before `bytes`: 0 to 15, set before it is opened */
    uint64_t received_n;       /* before it was inflated */
    struct inflater *inflater; /* owned; NULL: it comes as it is */
};
void http_body_free(struct http_bodies *all, struct http_body *b);

/* What a body may be. `flag` names the limit. */
struct http_body_limit {
    bool expected; /* the route takes one */
    uint64_t max;
    const char *flag;
};

/* ERR_LENGTH without any framing, ERR_TOO_LARGE for a length over the limit. */
bool http_body_check(const struct http_framing *framing,
                     const struct http_body_limit *limit, struct err *e)
    __attribute__((warn_unused_result));

/* ERR_TOO_LARGE: "the inflated body is over ...". @return false. */
bool http_body_too_large(const char *what, const struct http_body_limit *limit,
                         struct err *e);

/* Counts `more` bytes, of whatever memory, as the body's. ERR_UNAVAILABLE when all bodies
 * together take too much. */
bool http_body_charge(struct http_bodies *all, struct http_body *b, size_t more,
                      struct err *e) __attribute__((warn_unused_result));

/* How many bytes more it may take, were it alone; and gives back what was counted. */
size_t http_body_room(const struct http_bodies *all, const struct http_body *b);
void http_body_refund(struct http_bodies *all, struct http_body *b, size_t n);

/* Room for `capacity` bytes, at least what there is. ERR_UNAVAILABLE when all bodies
 * together take too much. */
bool http_body_reserve(struct http_bodies *all, struct http_body *b, size_t capacity,
                       struct err *e) __attribute__((warn_unused_result));

/* Makes ready for a body of that framing and coding. */
bool http_body_open(struct http_bodies *all, struct http_body *b,
                    const struct http_framing *framing, enum http_coding coding,
                    const struct http_body_limit *limit, struct err *e)
    __attribute__((warn_unused_result));

/* The next *n bytes; *n becomes how many of them are left, for another call: no more is
 * inflated at once than is done in less than a millisecond. ERR_TOO_LARGE: the body, or
 * what it inflates to, is over the limit; ERR_INVALID: it is not of its coding. */
bool http_body_append(struct http_bodies *all, struct http_body *b, const char *data,
                      size_t *n, const struct http_body_limit *limit, struct err *e)
    __attribute__((warn_unused_result));

/* That was all of it. ERR_INVALID where it ends inside its coding. */
bool http_body_end(struct http_bodies *all, struct http_body *b, struct err *e)
    __attribute__((warn_unused_result));

#endif
