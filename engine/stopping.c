#include "engine/stopping.h"

#include <math.h>

struct stopping stopping_start(void) {
    return (struct stopping){.best = (double)INFINITY, .best_epoch = -1};
}

enum stopping_verdict stopping_point(struct stopping *s,
                                     const struct stopping_options *options,
                                     int64_t epoch, double value, bool *better) {
    *better = value < s->best - options->min_delta ||
              (s->best_epoch < 0 && value < (double)INFINITY);
    if (*better)
        *s = (struct stopping){.best = value, .best_epoch = epoch};
    if (options->target_given && value <= options->target)
        return STOPPING_TARGET;
    bool waited = options->patience && s->best_epoch >= 0 &&
                  epoch - s->best_epoch >= options->patience;
    return waited ? STOPPING_PATIENCE : STOPPING_NOT;
}
