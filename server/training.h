/* The loop of a job's training: the trainer's steps, the points of its curve, the best
 * parameters so far, the checkpoints, and when to end. One thread. */
#ifndef SERVER_TRAINING_H
#define SERVER_TRAINING_H

#include "engine/stopping.h"
#include "server/keeper.h"
#include "server/run.h"

struct training_options {
    struct run *run; /* prepared; its net is trained */
    const char *job_id;
    struct team *team;
    struct keeper *keeper;
};

struct training {
    struct training_options options;
    struct trainer *trainer;
    struct stopping stopping;
    struct store_point best_point; /* of stopping.best_epoch */
    float *best;                   /* its parameters; NULL until there are any; owned */
    bool best_held;                /* the net holds them just now */
    int64_t best_kept;       /* the epoch whose parameters the store has; -1: none */
    struct store_point last; /* epoch -1: none yet */
    double first_cost;       /* that of epoch 0; NaN: another worker's */
    bool pending;            /* it is to be judged and to go to the curve yet */
    bool restored; /* for the end the net has the best parameters, and `best` the last */
    bool held;     /* what best_held was before that */
    double epochs_done, seconds; /* of all attempts */
    double seconds_before;       /* of those before this one */
    int64_t start_us, checkpoint_us;
    const char *stop_reason; /* why it is done: "completed", "early_stopping", ... */
};

/* Zero-initialise; training_close. Everything in options is borrowed. */
bool training_open(struct training *t, const struct training_options *options,
                   struct err *e) __attribute__((warn_unused_result));

/* Goes on from a checkpoint, whose parameters the net holds already. `best`: the
 * parameters of the best epoch of that moment; NULL: those of the net. */
bool training_resume(struct training *t, const struct checkpoint *from,
                     const struct checkpoint *best, struct err *e)
    __attribute__((warn_unused_result));

enum training_end {
    TRAINING_DONE, /* and stop_reason says why; the net holds what is to be published */
    TRAINING_STOPPED, /* the keeper said so; a last checkpoint is kept */
    TRAINING_FAILED /* *e; last.epoch is the epoch of a cost that was not finite; the best
                       parameters are kept */
};
enum training_end training_run(struct training *t, struct err *e);

/* After TRAINING_DONE, where what was to follow was stopped: a last checkpoint is kept,
 * from which it is done again at once. */
void training_set_aside(struct training *t);

void training_close(struct training *t);

#endif
