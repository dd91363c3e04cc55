/* Whether training should end before its epochs are over: the best value of the monitored
 * cost so far, how long ago that was, and a value that is good enough.
 *
 * It is shown every point of the curve and knows no clock. Pure; one thread at a time. */
#ifndef ENGINE_STOPPING_H
#define ENGINE_STOPPING_H

#include <stdbool.h>
#include <stdint.h>

struct stopping_options {
    int64_t patience; /* epochs without a better value before the end; 0: for ever */
    double min_delta; /* better is under the best by more than this; >= 0 */
    bool target_given;
    double target; /* at most this is the end */
};

/* Plain numbers: a caller may write them down and go on from them. */
struct stopping {
    double best;        /* the least value */
    int64_t best_epoch; /* its point; -1: none yet */
};

enum stopping_verdict { STOPPING_NOT, STOPPING_PATIENCE, STOPPING_TARGET };

/* No value yet. */
struct stopping stopping_start(void);

/* The value of one more point. *better: it is the new best. A NaN is no value. */
enum stopping_verdict stopping_point(struct stopping *s,
                                     const struct stopping_options *options,
                                     int64_t epoch, double value, bool *better);

#endif
