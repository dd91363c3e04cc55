/* One job in a worker's hands: read from the store and made ready to train. */
#ifndef SERVER_RUN_H
#define SERVER_RUN_H

#include "api/checkpoint_file.h"
#include "server/table_run.h"

/* Zero-initialise; run_free. */
struct run {
    const atomic_bool *stop; /* given: once it is set, run_prepare and run_evaluate give
                                up with ERR_CANCELLED; or NULL */
    struct job_spec spec;
    void *bytes; /* inline data: X and targets point into it */
    struct table table;
    float *weights;                           /* of inline data's samples; owned */
    struct table_run tables;                  /* of a job on a dataset */
    struct trainer_data training, validation; /* borrowed from either; validation may have
                                                 no rows */
    struct model parts; /* the net and the transform while they are learnt */
    char *metrics;      /* JSON, of run_evaluate; or NULL; owned */
    bool idle;          /* and its *idle, of the rows that it was trained on */
};
void run_free(struct run *run);

/* From a job's row to a net with its parameters and a table to train on: the first ones,
 * or those of the checkpoint `from`, whose model is taken. The same job makes the same
 * bits. Errors as the store's, the decoders' and the reader's. */
bool run_prepare(struct store *store, const struct store_job *job,
                 struct checkpoint *from, struct run *run, struct err *e)
    __attribute__((warn_unused_result));

/* What the trained net is worth, in the units of the data, into run->metrics. The net
 * stays as it is. ERR_CANCELLED once run->stop is set, ERR_NO_MEMORY. */
bool run_evaluate(struct run *run, struct err *e) __attribute__((warn_unused_result));

#endif
