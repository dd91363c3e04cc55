/* A reply as libmicrohttpd's response. Private to the HTTP server; the connection's
 * thread. */
#ifndef SERVER_HTTP_RESPONSE_H
#define SERVER_HTTP_RESPONSE_H

#include "server/http_exchange.h"

struct MHD_Response;

bool response_is_head(const struct exchange *x);

/* The reply, or its feed over the socket `fd`, with all its fields; takes the body. NULL:
 * there is no memory for it, or for one of the fields, without which it is none.
 * MHD_destroy_response. */
struct MHD_Response *response_new(struct exchange *x, int fd);

/* 503 for want of memory, made while there is some, after which the connection ends;
 * NULL: there is none. */
struct MHD_Response *response_starved_new(enum route_errors form);

#endif
