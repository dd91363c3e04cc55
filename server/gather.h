/* Predictions that came to one connection's thread at about the same time and share their
 * forward passes: whatever its sockets had when it looked. No locks, no waiting. Its
 * thread's alone. */
#ifndef SERVER_GATHER_H
#define SERVER_GATHER_H

#include "server/http.h"
#include "server/metrics.h"
#include "server/prediction.h"

/* The lane's own, made when there is none; NULL without memory. */
struct predictions *gather_of(struct http_kept *own);

/* Computes passes of up to rows_max rows until p, which is in the list, has its Y or its
 * err. */
void gather_compute(struct predictions *list, const struct prediction *p, size_t rows_max,
                    struct metrics *metrics);

#endif
