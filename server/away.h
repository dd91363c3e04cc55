/* Says in the log once that the store is away, and once that it is back. One thread. */
#ifndef SERVER_AWAY_H
#define SERVER_AWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/err.h"

/* Zero-initialise. */
struct away {
    int64_t since_us; /* 0: it is there */
    int64_t back_us;  /* when it came back the last time; 0: it was never away */
    int64_t pause_ms; /* the last pause; 0: none since a call succeeded */
};

/* What a call of the store came to: NULL, or its error.
 * @return whether it failed because the store is away, or another held it for too long:
 * the same call may succeed later. */
bool away_note(struct away *a, const struct err *e);

/* How long to wait before the same call is made again: longer each time it fails, up to a
 * second, and never quite the same, so that not everybody comes at once. */
int64_t away_pause_ms(struct away *a);

/* What away_note returns, without a word: what the kind says. */
bool away_is(enum err_kind kind);

#endif
