/* How good a trained net is on the rows it was trained on, and on those it was not. Part
 * of the worker. */
#ifndef SERVER_EVALUATION_H
#define SERVER_EVALUATION_H

#include <stdatomic.h>

#include "api/job.h"
#include "api/text.h"
#include "engine/trainer.h"

/* What the outputs are measured against: rows as the net takes them. `mean` and `scale`
 * undo a scaling of the targets; scale 0: none. */
struct evaluation {
    const struct net *net;
    const struct job_spec *spec;
    const atomic_bool *stop; /* once it is set: ERR_CANCELLED; or NULL */
    double target_mean, target_scale;
};

/* Writes one part's metrics as a JSON object, or null where there are none (several
 * labels). *idle: the predictions are no better than one for all, the mean of the targets
 * or their most common class; false where that is not known. */
bool evaluation_encode(const struct evaluation *evaluation, struct trainer_data data,
                       bool *idle, struct text *out, struct err *e)
    __attribute__((warn_unused_result));

#endif
