/* A job on a dataset, or on inline rows that are encoded, made ready to train: the file
 * read into a frame, split, encoded, scaled. Part of the worker. */
#ifndef SERVER_TABLE_RUN_H
#define SERVER_TABLE_RUN_H

#include <stdatomic.h>

#include "api/job.h"
#include "engine/model.h"
#include "engine/trainer.h"
#include "server/store.h"

/* One part of the rows: inputs and targets. */
struct table_part {
    float *X;         /* (rows_n, inputs); owned */
    float *values;    /* (rows_n, 1), or NULL; owned */
    int32_t *classes; /* (rows_n), or NULL; owned */
    float *weights;   /* (rows_n), or NULL; owned */
    size_t rows_n;
};

/* Zero-initialise; table_run_free. */
struct table_run {
    const atomic_bool *stop; /* given: once it is set, to give up; or NULL */
    struct table_part training, validation; /* validation.rows_n 0: none */
    double target_mean, target_scale; /* of the training rows; scale 0: not scaled */
};
void table_run_free(struct table_run *run);

/* Reads the job's bytes and fills run, parts->encoder and parts->transform; sets
 * spec->inputs_n. An encoder that is there already is not
 * learnt again, nor is a transform that is kept. Errors as the reader's, ERR_NOT_FOUND,
 * ERR_NO_MEMORY, ERR_CANCELLED. */
bool table_run_prepare(struct store *store, const struct store_job *job,
                       struct job_spec *spec, struct model *parts, struct table_run *run,
                       struct err *e) __attribute__((warn_unused_result));

/* Takes the target's scaling into the output layer, so that the net predicts what stood
 * in the column: W' = s W, b' = s b + mean. */
void table_run_unscale(const struct table_run *run, struct net *net);

/* The way back, for a net that predicts what stands in the column and is to be trained on
 * the scaled target. */
void table_run_rescale(const struct table_run *run, struct net *net);

/* table_run_unscale for a while: @return what table_run_restore puts back, to the bit,
 * and frees; NULL with ERR_NO_MEMORY, the net as it was. */
float *table_run_unscale_kept(const struct table_run *run, struct net *net, struct err *e)
    __attribute__((warn_unused_result));
void table_run_restore(struct net *net, float *kept);

struct trainer_data table_part_data(const struct table_part *part);

#endif
