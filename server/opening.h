/* Something that cannot be opened while the store is away: tried in a thread of its own,
 * again and again, until it is open or can never be. */
#ifndef SERVER_OPENING_H
#define SERVER_OPENING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/err.h"

struct opening;

/* Opens it all or nothing. A failure is tried again where away_is(e->kind) says so. */
typedef bool opening_try(void *context, struct err *e);

enum opening_state {
    OPENING_TRIES, /* for the first time */
    OPENING_WAITS, /* the store was away at least once */
    OPENING_DONE,
    OPENING_FAILED /* for good: opening_error */
};

struct opening *opening_start(opening_try *attempt, void *context, struct err *e)
    __attribute__((warn_unused_result));

/* Readable when the state has changed since opening_state was last asked. */
int opening_fd(const struct opening *o);
enum opening_state opening_state(struct opening *o); /* one thread asks */

/* Why it failed. */
const struct err *opening_error(const struct opening *o);

/* No attempt begins any more; waits up to timeout_ms for one under way, and frees. Then
 * *done says whether it is open. false: an attempt cannot be ended (a name that is being
 * resolved), nothing was freed and its thread goes on. */
bool opening_stop(struct opening *o, int64_t timeout_ms, bool *done)
    __attribute__((warn_unused_result));

#endif
