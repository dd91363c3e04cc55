/* The learning rate by completed epochs; a table row a kind.
 *
 * With alpha the learning rate asked for and e the completed epochs behind the warm-up:
 *
 *   constant       alpha
 *   step           alpha decay_rate^floor(e / step_epochs)
 *   exponential    alpha decay_rate^e
 *   inverse_time   alpha / (1 + decay_rate e)        (the course's learning rate decay)
 *   cosine         minimum + (alpha - minimum)/2 (1 + cos(pi e / (epochs -
 * warmup_epochs))) (Loshchilov and Hutter 2017, without restarts)
 *
 * Before that, for epoch < warmup_epochs: alpha (epoch + 1) / warmup_epochs. Step,
 * exponential and cosine are PyTorch's StepLR, ExponentialLR and CosineAnnealingLR with
 * T_max = epochs. */
#ifndef ENGINE_SCHEDULE_H
#define ENGINE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/err.h"

enum schedule_kind {
    SCHEDULE_CONSTANT,
    SCHEDULE_STEP,
    SCHEDULE_EXPONENTIAL,
    SCHEDULE_INVERSE_TIME,
    SCHEDULE_COSINE,
    SCHEDULES_N
};

/* An option that its kind does not use is not looked at. All zero: constant. */
struct schedule {
    enum schedule_kind kind;
    float decay_rate;      /* step, exponential: > 0, <= 1; inverse_time: >= 0 */
    int64_t step_epochs;   /* step: at least 1 */
    float minimum_rate;    /* cosine: 0..alpha */
    int64_t warmup_epochs; /* of any kind: 0..epochs */
};

const char *schedule_name(enum schedule_kind kind);

/* For a training of `epochs` epochs, as trainer_options has it.
 * @return false with ERR_RANGE, which names the option and its bounds. */
bool schedule_check(const struct schedule *schedule, float learning_rate, int64_t epochs,
                    struct err *e) __attribute__((warn_unused_result));

/* The learning rate of the updates while `epoch` (0..epochs-1) epochs are completed. */
float schedule_rate(const struct schedule *schedule, float learning_rate, int64_t epoch,
                    int64_t epochs);

#endif
