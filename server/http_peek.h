/* What can be told of a request by the first bytes of its connection, before anybody has
 * parsed them: a guess, for whoever must choose how to serve it. Pure; any thread. */
#ifndef SERVER_HTTP_PEEK_H
#define SERVER_HTTP_PEEK_H

#include <stddef.h>
#include <stdint.h>

/* The length of the body that a head in bytes[0..n), whole or not, announces;
 * UINT64_MAX: it does not say, as it comes in chunks; 0: none, or not found. */
uint64_t http_peek_length(const char *bytes, size_t n);

#endif
