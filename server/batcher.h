/* Forward passes on threads of their own, for what is too heavy for the threads that
 * serve connections.
 *
 * What waits for one version is computed by one pass: whatever has come while the last
 * one ran goes together, and nothing waits for company unless it is told to. Small
 * predictions go before the parts of large ones. */
#ifndef SERVER_BATCHER_H
#define SERVER_BATCHER_H

#include "server/metrics.h"
#include "server/prediction.h"

struct batcher_options {
    size_t threads_n;
    size_t rows_max;  /* of one pass */
    size_t queue_max; /* predictions that may wait */
    int64_t delay_us; /* how long the first may wait for others; 0: not at all */
    struct metrics *metrics;
};

struct batcher;
struct batcher *batcher_start(const struct batcher_options *options, struct err *e)
    __attribute__((warn_unused_result));
/* Once nothing waits and nobody calls. NULL is allowed. */
void batcher_free(struct batcher *b);

/* Queues a prediction. done(context) is called on a thread of the batcher's and must be
 * brief: p->Y stands, or p->err (ERR_DEADLINE: its time was over before its turn came).
 * @return false when too many wait already; done is not called then. Any thread. */
bool batcher_add(struct batcher *b, struct prediction *p, void (*done)(void *context),
                 void *context) __attribute__((warn_unused_result));

/* From now on nothing waits for company. Any thread. */
void batcher_hurry(struct batcher *b);

/* How many wait. Any thread. */
size_t batcher_waiting(struct batcher *b);

/* Y of a prediction of any size, or its err: by the calling thread, and where it is large
 * also by those that have nothing smaller to do. Any thread. */
void batcher_compute(struct batcher *b, struct prediction *p);

#endif
