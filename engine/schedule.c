#include "engine/schedule.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>

/* Where in the schedule, the warm-up taken off. */
struct place {
    double alpha;
    int64_t epoch, epochs;
};

static double constant_rate(const struct schedule *schedule, const struct place *p) {
    (void)schedule;
    return p->alpha;
}

static double step_rate(const struct schedule *schedule, const struct place *p) {
    return p->alpha *
           pow((double)schedule->decay_rate, (double)(p->epoch / schedule->step_epochs));
}

static double exponential_rate(const struct schedule *schedule, const struct place *p) {
    return p->alpha * pow((double)schedule->decay_rate, (double)p->epoch);
}

static double inverse_time_rate(const struct schedule *schedule, const struct place *p) {
    return p->alpha / (1.0 + (double)schedule->decay_rate * (double)p->epoch);
}

static double cosine_rate(const struct schedule *schedule, const struct place *p) {
    const double pi = 3.14159265358979323846;
    double minimum = (double)schedule->minimum_rate;
    double angle = pi * (double)p->epoch / (double)p->epochs;
    return minimum + (p->alpha - minimum) / 2 * (1 + cos(angle));
}

static const struct {
    const char *name;
    double (*rate)(const struct schedule *schedule, const struct place *p);
} schedules[SCHEDULES_N] = {
    [SCHEDULE_CONSTANT] = {"constant", constant_rate},
    [SCHEDULE_STEP] = {"step", step_rate},
    [SCHEDULE_EXPONENTIAL] = {"exponential", exponential_rate},
    [SCHEDULE_INVERSE_TIME] = {"inverse_time", inverse_time_rate},
    [SCHEDULE_COSINE] = {"cosine", cosine_rate},
};

const char *schedule_name(enum schedule_kind kind) {
    return schedules[kind].name;
}

static bool decay_check(const struct schedule *schedule, struct err *e) {
    float rate = schedule->decay_rate;
    if (schedule->kind == SCHEDULE_INVERSE_TIME)
        return (rate >= 0.0f && isfinite(rate)) ||
               err_set(e, ERR_RANGE, NULL, "decay_rate is at least 0 and finite, not %g",
                       (double)rate);
    if (schedule->kind != SCHEDULE_STEP && schedule->kind != SCHEDULE_EXPONENTIAL)
        return true;
    return (rate > 0.0f && rate <= 1.0f) ||
           err_set(e, ERR_RANGE, NULL, "decay_rate is over 0 and at most 1, not %g",
                   (double)rate);
}

bool schedule_check(const struct schedule *schedule, float learning_rate, int64_t epochs,
                    struct err *e) {
    float minimum = schedule->minimum_rate;
    if (schedule->warmup_epochs < 0 || schedule->warmup_epochs > epochs)
        return err_set(e, ERR_RANGE, NULL,
                       "warmup_epochs is 0 to %" PRId64 " (epochs), not %" PRId64, epochs,
                       schedule->warmup_epochs);
    if (schedule->kind == SCHEDULE_STEP && schedule->step_epochs < 1)
        return err_set(e, ERR_RANGE, NULL, "step_epochs is at least 1, not %" PRId64,
                       schedule->step_epochs);
    if (schedule->kind == SCHEDULE_COSINE &&
        !(minimum >= 0.0f && minimum <= learning_rate))
        return err_set(e, ERR_RANGE, NULL,
                       "minimum_rate is 0 to %g (learning_rate), not %g",
                       (double)learning_rate, (double)minimum);
    return decay_check(schedule, e);
}

float schedule_rate(const struct schedule *schedule, float learning_rate, int64_t epoch,
                    int64_t epochs) {
    int64_t warmup = schedule->warmup_epochs;
    double alpha = (double)learning_rate;
    if (epoch < warmup)
        return (float)(alpha * (double)(epoch + 1) / (double)warmup);
    struct place p = {alpha, epoch - warmup, epochs - warmup};
    return (float)schedules[schedule->kind].rate(schedule, &p);
}
