/* A document whose large values are carved out, and the rest of it read. For api/ alone.
 */
#ifndef API_CARVED_H
#define API_CARVED_H

#include <jansson.h>

#include "api/carve.h"

enum { CARVED_REST_BYTES_MAX = 64 << 10 };

/* carve, then json_read of what is left, with their errors. The caller owns the
 * reference. */
json_t *carved_read(const char *body, size_t n, struct carve_hole *holes, size_t holes_n,
                    struct err *e) __attribute__((warn_unused_result));

#endif
