/* What libmicrohttpd knows of a request before its body, as this server has it. Private
 * to the HTTP server; the connection's thread. */
#ifndef SERVER_HTTP_COLLECT_H
#define SERVER_HTTP_COLLECT_H

#include "server/http_exchange.h"
#include "server/http_head.h"

/* The head; its texts are the connection's, and stand until the answer has been sent.
 * Nothing is judged, and more fields than HTTP_FIELDS_MAX are counted alone. */
void http_collect_head(const struct exchange *x, const char *url, const char *version,
                       struct http_head *head);

/* The query's parameters into x->request, copied. ERR_INVALID: a pair that is malformed,
 * given twice, or too much. */
bool http_collect_query(struct exchange *x, const struct http_head *head)
    __attribute__((warn_unused_result));

#endif
