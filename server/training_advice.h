/* What to tell whoever trained something that came to little. Part of the worker. */
#ifndef SERVER_TRAINING_ADVICE_H
#define SERVER_TRAINING_ADVICE_H

#include "server/training.h"

enum { TRAINING_ADVICE_MAX = 256 };

/* A warning for a training that is done, of which `idle` says that its model predicts no
 * better than one that says the same of all rows; "": none is due. */
void training_advise(const struct training *training, const struct job_spec *spec,
                     bool idle, char line[TRAINING_ADVICE_MAX]);

/* The error of a training whose cost is not finite any more, with what may help. */
void training_advise_diverged(const struct job_spec *spec, struct err *e);

#endif
