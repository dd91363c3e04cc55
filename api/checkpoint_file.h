/* A checkpoint of a job as bytes: a model's file, which whatever reads those can read,
 * whose parameters are those of a moment of the training. Beside them stand the
 * optimizer's state (the vector "optimizer.state") and where the training was
 * ("checkpoint" in the document): with both a trainer goes on to the bit. */
#ifndef API_CHECKPOINT_FILE_H
#define API_CHECKPOINT_FILE_H

#include "api/model_file.h"
#include "engine/stopping.h"

/* Plain numbers; job_id and stop_reason are pointers. */
struct checkpoint_facts {
    const char *job_id;
    bool resumable; /* else the parameters stand alone: the best ones so far */
    struct trainer_position position; /* where it is resumable */
    struct stopping stopping;
    double training_seconds;
    int64_t cost_epoch; /* of the last point; -1: none yet */
    double cost;
    double validation_cost;  /* NaN: none */
    bool point_pending;      /* it is to have a validation cost yet, and to be judged */
    const char *stop_reason; /* the training is done, for that; NULL: it goes on */
    double target_mean, target_scale; /* what the net's target was scaled by; scale 0:
                                         it was not */
};

struct checkpoint_source {
    const struct model *model; /* its net has the parameters */
    const struct job_spec *spec;
    struct checkpoint_facts facts;
    const float *state; /* (state_n); with state_n 0 there is none */
    size_t state_n;
};

/* A new file image of *n bytes (free() it); NULL with ERR_NO_MEMORY, or ERR_NUMERIC when
 * a parameter is not finite: such a training is not worth a checkpoint. An optimizer's
 * state may be: it goes on from there as it would have. */
void *checkpoint_encode(const struct checkpoint_source *source, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

/* Zero-initialise; checkpoint_free. */
struct checkpoint {
    struct model *model;           /* owned; in the units that it was trained in */
    struct checkpoint_facts facts; /* its texts are owned */
    const float *state;            /* (state_n), in the file's bytes; NULL: none */
    size_t state_n;
};

/* The bytes, aligned to 4, are borrowed for as long as `state` is used. ERR_INVALID,
 * ERR_NO_MEMORY. */
bool checkpoint_decode(const void *bytes, size_t n, struct checkpoint *out, struct err *e)
    __attribute__((warn_unused_result));
void checkpoint_free(struct checkpoint *c);

#endif
