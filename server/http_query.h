/* A request's query and id, apart from the library that received them. Pure, but for the
 * counter behind ids. */
#ifndef SERVER_HTTP_QUERY_H
#define SERVER_HTTP_QUERY_H

#include "server/http.h"

/* Where the decoded texts of a query go: what is left of a buffer. */
struct http_query_space {
    char *at;
    size_t left;
};

/* Decodes one parameter into the request, whose pointers go into the buffer. ERR_INVALID:
 * too many, too long, given twice, or escapes that http_head_unescape refuses. */
bool http_query_add(struct http_request *request, struct http_query_space *space,
                    const char *name, const char *value, struct err *e)
    __attribute__((warn_unused_result));

/* Whether each parameter is among `words`, which spaces separate. */
bool http_query_known(const struct http_request *request, const char *words,
                      struct err *e) __attribute__((warn_unused_result));

/* The client's id where it gave a good one ([A-Za-z0-9._-]{1,64}); otherwise one that is
 * unique enough for a log, from received_us. `given` may be NULL. Any thread. */
void http_request_id(struct http_request *request, const char *given);

#endif
