/* What other libraries do with the same bodies, behind C functions: simdjson's on-demand
 * parser and the C++ library's shortest float. */
#ifndef TESTS_JSON_PEERS_H
#define TESTS_JSON_PEERS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PEER_PADDING = 64 }; /* bytes behind a body that simdjson may read */

/* The numbers of body's "instances" into values: of arrays, or of objects. @return how
 * many; 0 on an error. */
size_t peer_simdjson(const char *body, size_t n, float *values);
size_t peer_simdjson_named(const char *body, size_t n, float *values);

/* @return the characters written. */
size_t peer_to_chars(float value, char *text, size_t text_n);

#ifdef __cplusplus
}
#endif

#endif
