/* The header fields that the server knows, by number. Private to the HTTP server. Pure.
 */
#ifndef SERVER_HTTP_FIELD_H
#define SERVER_HTTP_FIELD_H

#include <stddef.h>

enum http_name {
    NAME_OTHER,
    NAME_ACCEPT,
    NAME_ACCEPT_ENCODING,
    NAME_AUTHORIZATION,
    NAME_CONTENT_ENCODING,
    NAME_CONTENT_LENGTH,
    NAME_CONTENT_TYPE,
    NAME_COOKIE,
    NAME_EXPECT,
    NAME_HOST,
    NAME_IDEMPOTENCY_KEY,
    NAME_IF_MATCH,
    NAME_IF_NONE_MATCH,
    NAME_INFERENCE_HEADER_CONTENT_LENGTH,
    NAME_LAST_EVENT_ID,
    NAME_ORIGIN,
    NAME_TRANSFER_ENCODING,
    NAME_X_REQUEST_ID,
    NAME_X_REQUEST_TIMEOUT_MS,
    NAMES_N
};

struct http_field {
    const char *name, *value; /* NUL-terminated */
    size_t name_n, value_n;
    enum http_name known;
};

/* Which one name[0..n) is, without regard to case (RFC 9110, section 5.1). */
enum http_name http_name_of(const char *name, size_t n);

/* As it is usually spelt; "" for NAME_OTHER. */
const char *http_name_text(enum http_name known);

#endif
