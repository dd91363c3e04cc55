/* Content negotiation between two types (RFC 9110, section 12.5.1). Pure; any thread. */
#ifndef SERVER_HTTP_ACCEPT_H
#define SERVER_HTTP_ACCEPT_H

#include <stdbool.h>

/* Whether an Accept header (NULL: none) wants `type` more than `usual`; both like
 * "text/csv". The usual one wins where both are wanted alike, or neither. */
bool http_accept_prefers(const char *accept, const char *type, const char *usual);

#endif
