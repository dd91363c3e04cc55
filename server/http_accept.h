/* Content negotiation (RFC 9110, section 12.5): types and codings. Pure; any thread. */
#ifndef SERVER_HTTP_ACCEPT_H
#define SERVER_HTTP_ACCEPT_H

#include <stdbool.h>

#include "server/http_head.h"

/* Whether an Accept header (NULL: none) wants `type` more than `usual`; both like
 * "text/csv". The usual one wins where both are wanted alike, or neither. */
bool http_accept_prefers(const char *accept, const char *type, const char *usual);

/* What an Accept-Encoding header (NULL: none) wants most; CODING_NONE unless it names
 * another, and where identity weighs more. *only: it refuses the answer as it is. */
enum http_coding http_accept_coding(const char *accept, bool *only);

#endif
