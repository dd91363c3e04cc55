/* How often a kind of line may stand in the log, where a client decides how many there
 * would be. Zero-initialise. Any thread. */
#ifndef SERVER_LOG_RATE_H
#define SERVER_LOG_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { LOG_RATE_PER_SECOND = 10 };

struct log_rate {
    atomic_int_fast64_t second; /* of `written` */
    atomic_uint_fast64_t written, held;
};

/* Whether one more may be written in this second. */
bool log_rate_take(struct log_rate *r, int64_t now_us);

/* How many may not have been since the last call. */
uint64_t log_rate_held(struct log_rate *r);

#endif
