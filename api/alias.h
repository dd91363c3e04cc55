/* What a request to move an alias says: the body, and the condition in its headers. Pure;
 * any thread. */
#ifndef API_ALIAS_H
#define API_ALIAS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

/* {"version":3} */
bool alias_decode(const char *body, size_t n, int64_t *version, struct err *e)
    __attribute__((warn_unused_result));

/* The change that the alias must stand at, from If-Match: "7" (with its quotes), or 0, it
 * must not exist, from If-None-Match: *; -1 where both headers are NULL. */
bool alias_condition_decode(const char *if_match, const char *if_none_match,
                            int64_t *change, struct err *e)
    __attribute__((warn_unused_result));

#endif
