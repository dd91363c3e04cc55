/* Gradient descent over a table held in memory, one mini-batch a call.
 *
 * The caller owns the loop, so cancelling, progress and checkpoints need no callbacks. A
 * batch is cut into lanes of rows by its size and the net alone, each lane into tiles
 * that bound the activations' memory; lanes are reduced in a fixed order. So the same
 * data, net, options and seed give the same bits with any number of threads.
 *
 * `epoch` counts completed passes. With a full batch the cost at epoch e is J after e
 * updates, and while its point is in hand the net holds just those parameters; with
 * mini-batches the cost at epoch 0 is J of the initial parameters and at epoch e > 0 the
 * mean of the costs of that epoch's batches, each weighted by its samples. Where the
 * targets have weights, each sample's loss counts times its weight, still over the number
 * of samples; the caller brings them to mean 1.
 *
 * Where layers have dropout, a mini-batch's cost is that of the net its masks leave; a
 * full batch's J, that of epoch 0 and trainer_cost are without dropout.
 *
 * With l2 the cost of a batch has the penalty l2/(2m) sum W^2 of its m samples, and so
 * has every point; trainer_cost is without. */
#ifndef ENGINE_TRAINER_H
#define ENGINE_TRAINER_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/loss.h"
#include "engine/net.h"
#include "engine/optimizer.h"
#include "engine/schedule.h"
#include "engine/team.h"

struct trainer_options {
    enum loss loss;
    struct optimizer_options optimizer;
    struct schedule schedule; /* of the learning rate; all zero: constant */
    size_t batch_rows;        /* 0, or at least m: the full batch */
    int64_t epochs;           /* 0: the cost of the first parameters alone */
    bool shuffle; /* mini-batches in a fresh order each epoch, keyed (seed, epoch) */
    uint64_t seed;
};

/* Borrowed by the trainer for its whole life. */
struct trainer_data {
    const float *X;         /* (rows_n, net->inputs_n) row-major, already transformed */
    struct targets targets; /* of rows_n samples, net->outputs_n outputs */
    size_t rows_n;          /* m, at most 2^32-1 */
};

enum trainer_event {
    TRAINER_STEPPED, /* a mini-batch was done, nothing to report */
    TRAINER_POINT,   /* *point holds the cost of one more epoch count */
    TRAINER_DONE,    /* all epochs are done and all their points were given */
    TRAINER_STOPPED, /* *stop was set: the batch in hand was dropped, parameters whole (of
                        a full batch perhaps one update past the last point) */
    TRAINER_FAILED   /* ERR_NUMERIC: the cost is not finite; point->epoch says when */
};

struct trainer_point {
    int64_t epoch;
    double cost;
};

struct trainer;

/* Borrows net (and writes its parameters), data, team and stop, all of which outlive it.
 * `stop` may be set by any thread and is looked at between tiles, some milliseconds
 * apart.
 * @return NULL with ERR_RANGE (an option is out of bounds, loss and net do not fit,
 * classes and outputs disagree, a weight is negative or not finite) or ERR_NO_MEMORY. */
struct trainer *trainer_new(struct net *net, struct trainer_data data,
                            const struct trainer_options *options, struct team *team,
                            const atomic_bool *stop, struct err *e)
    __attribute__((warn_unused_result));
void trainer_free(struct trainer *t); /* NULL is allowed */

/* One mini-batch, or one evaluation where only a cost is due. Points come in the order of
 * their epochs, 0 to `epochs`, each once. After DONE or FAILED it answers the same again.
 */
enum trainer_event trainer_step(struct trainer *t, struct trainer_point *point,
                                struct err *e);

/* The cost of another table (a validation part) with the net's parameters as they are:
 * forward alone, by the trainer's team and memory; the training goes on as if it had not
 * been. `data` fits the net and the loss as trainer_new's must. The same bits with any
 * number of threads. @return false when `stop` was seen; *cost is then untouched. It may
 * come out not finite. */
bool trainer_cost(struct trainer *t, struct trainer_data data, double *cost)
    __attribute__((warn_unused_result));

/* Completed passes, fractional within an epoch; 0..epochs. */
double trainer_epochs_done(const struct trainer *t);

enum trainer_phase { TRAINER_GOES_ON, TRAINER_HAS_ENDED, TRAINER_HAS_FAILED };

/* Where a training stands between two steps. With the net's parameters and the
 * optimizer's state it is all that a trainer knows: gradients, orders and masks follow
 * from it. */
struct trainer_position {
    int64_t epoch;    /* completed passes */
    uint64_t row;     /* rows of the pass in hand that are done */
    int64_t updates;  /* of the parameters since the beginning */
    double loss;      /* the sum over those rows, for the cost of their epoch */
    int32_t phase;    /* enum trainer_phase */
    bool point_given; /* the point of `epoch` */
};

void trainer_position(const struct trainer *t, struct trainer_position *p);

/* The optimizer's state, *n floats in the trainer's own order; NULL and 0 where there is
 * none. Borrowed until the next step. */
const float *trainer_state(const struct trainer *t, size_t *n);

/* Takes a new trainer to a position that another of equal data and options has given; the
 * net holds the parameters of that moment, `state` (copied) the optimizer's. The steps
 * that follow give the same bits as if there had been one trainer, and no point twice.
 * @return false with ERR_INVALID when no such trainer can stand there, or failed there;
 * the trainer is then as it was. */
bool trainer_restore(struct trainer *t, const struct trainer_position *p,
                     const float *state, size_t state_n, struct err *e)
    __attribute__((warn_unused_result));

/* Bytes that a trainer of this shape needs beside its data and net, which may be an
 * outline. Dropout takes none. false on overflow. */
bool trainer_memory(const struct net *net, size_t rows_n,
                    const struct trainer_options *options, size_t *bytes)
    __attribute__((warn_unused_result));

#endif
