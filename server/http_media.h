/* The media type of a body: what Content-Type says, and what a route takes. Private to
 * the HTTP server and its handlers. Pure. */
#ifndef SERVER_HTTP_MEDIA_H
#define SERVER_HTTP_MEDIA_H

#include <stdbool.h>

#include "server/http.h"

/* Of a Content-Type (NULL: none), whatever its parameters. CSV has two names in use, and
 * the form's type is what curl sends when it is told none. */
enum http_media http_media_of(const char *content_type);

/* Whether the body may be what the route takes (of enum route_body): its types; the
 * form's, or none, for any of them. ERR_MEDIA otherwise. */
bool http_media_check(const struct http_request *request, unsigned body, struct err *e)
    __attribute__((warn_unused_result));

#endif
