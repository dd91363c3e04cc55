/* The body of a request on its way in: whole, inflated and within its limits, or in an
 * upload's pieces. Private to the HTTP server; on the connection's thread. What goes
 * wrong stands in x->err, and the rest of such a body is read and forgotten, so that the
 * answer arrives. */
#ifndef SERVER_HTTP_RECEIVE_H
#define SERVER_HTTP_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/http_head.h"

struct exchange;

/* Judges what is known of a body before it comes, and makes room for it. */
bool receive_open(struct exchange *x, const struct http_head *head,
                  const struct http_framing *framing) __attribute__((warn_unused_result));

/* The head was refused. Whether what follows it is little and certain to end: then it is
 * read and forgotten before the answer, and the connection can stay. Not where its client
 * waits to hear whether it should send the body at all. */
bool receive_skips(const struct exchange *x, const struct http_head *head,
                   const struct http_framing *framing);

/* The next *n bytes; *n becomes how many of them stay with the caller, who offers them
 * again when the connection, which sleeps then, is awake. @return false: there is no end
 * to it, cut the connection off. */
bool receive_bytes(struct exchange *x, const char *data, size_t *n)
    __attribute__((warn_unused_result));

/* The body is whole: the request has it. */
bool receive_end(struct exchange *x) __attribute__((warn_unused_result));

#endif
