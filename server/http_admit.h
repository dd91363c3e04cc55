/* A request's head against what there is and who may ask: its route, its token, its time.
 * Private to the HTTP server; on the connection's thread. */
#ifndef SERVER_HTTP_ADMIT_H
#define SERVER_HTTP_ADMIT_H

#include "server/http_head.h"

struct exchange;

/* Fills the request from its head and its path, and finds the route. Otherwise x->err
 * says why not. */
enum admission { ADMITTED, ADMIT_REFUSED, ADMIT_MALFORMED };
enum admission admit(struct exchange *x, const struct http_head *head, const char *path,
                     struct http_framing *framing) __attribute__((warn_unused_result));

#endif
