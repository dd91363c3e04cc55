#include "server/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "server/breaks.h"
#include "server/clock.h"
#include "server/log.h"

/* Why a training is done. */
static const char COMPLETED[] = "completed", EARLY_STOPPING[] = "early_stopping",
                  TARGET_COST[] = "target_cost", MAX_RUNTIME[] = "max_runtime";

bool training_open(struct training *t, const struct training_options *options,
                   struct err *e) {
    const struct run *run = options->run;
    struct trainer_options trainer = job_trainer_options(&run->spec);
    *t = (struct training){
        .options = *options,
        .stopping = stopping_start(),
        .best_kept = -1,
        .last = {.epoch = -1},
        .first_cost = (double)NAN,
    };
    t->trainer = trainer_new(run->parts.net, run->training, &trainer, options->team,
                             keeper_stop_flag(options->keeper), e);
    t->best = memory_new(run->parts.net->block_n, sizeof *t->best);
    if (!t->trainer || t->best)
        return t->trainer;
    return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the best parameters");
}

void training_close(struct training *t) {
    trainer_free(t->trainer);
    free(t->best);
    t->trainer = NULL;
    t->best = NULL;
}

static void params_copy(float *to, const struct net *net) {
    memcpy(to, net->params, net->block_n * sizeof *to);
}

/* The same text, of this file's. */
static const char *reason_known(const char *reason) {
    static const char *const all[] = {COMPLETED, EARLY_STOPPING, TARGET_COST,
                                      MAX_RUNTIME};
    for (size_t i = 0; reason && i < sizeof all / sizeof *all; i++)
        if (strcmp(reason, all[i]) == 0)
            return all[i];
    return NULL;
}

bool training_resume(struct training *t, const struct checkpoint *from,
                     const struct checkpoint *best, struct err *e) {
    const struct checkpoint_facts *f = &from->facts;
    const struct net *net = t->options.run->parts.net;
    if (!trainer_restore(t->trainer, &f->position, from->state, from->state_n, e))
        return false;
    t->stopping = f->stopping;
    t->last = (struct store_point){f->cost_epoch, f->cost, f->validation_cost};
    t->pending = f->point_pending;
    t->stop_reason = reason_known(f->stop_reason);
    t->seconds_before = t->seconds = f->training_seconds;
    t->epochs_done = trainer_epochs_done(t->trainer);
    if (t->stopping.best_epoch < 0)
        return true;
    if (best && best->model->net->block_n == net->block_n) {
        params_copy(t->best, best->model->net);
        t->best_point = (struct store_point){best->facts.cost_epoch, best->facts.cost,
                                             best->facts.validation_cost};
    } else {
        params_copy(t->best, net);
        t->best_point = t->last;
    }
    t->best_kept = t->stopping.best_epoch;
    return true;
}

/* ---- points --------------------------------------------------------------------- */

static bool point_is_due(const struct job_spec *spec, int64_t epoch) {
    return epoch % spec->report_every == 0 || epoch == spec->epochs;
}

/* The value that is watched: the cost of the rows held back, or the training's. */
static double watched(const struct job_spec *spec, const struct store_point *point) {
    return spec->monitor == JOB_MONITOR_VALIDATION_COST ? point->validation_cost
                                                        : point->cost;
}

static const char *verdict_reason(enum stopping_verdict verdict) {
    static const char *const reasons[] = {
        [STOPPING_NOT] = NULL,
        [STOPPING_PATIENCE] = EARLY_STOPPING,
        [STOPPING_TARGET] = TARGET_COST,
    };
    return reasons[verdict];
}

/* Whether the point is a new best, and whether it ends the training. The parameters are
 * those that the point is of. */
static void point_judge(struct training *t) {
    const struct job_spec *spec = &t->options.run->spec;
    const struct stopping_options options = {
        .patience = spec->early_stopping.on ? spec->early_stopping.patience : 0,
        .min_delta = spec->early_stopping.on ? spec->early_stopping.min_delta : 0,
        .target_given = spec->target_cost_given,
        .target = spec->target_cost,
    };
    bool better;
    enum stopping_verdict verdict = stopping_point(&t->stopping, &options, t->last.epoch,
                                                   watched(spec, &t->last), &better);
    t->stop_reason = verdict_reason(verdict);
    if (!better)
        return;
    params_copy(t->best, t->options.run->parts.net);
    t->best_point = t->last;
    t->best_held = true;
}

/* A point is always the last one; a due one is to go to the curve. */
static void point_take(struct training *t, struct trainer_point point) {
    t->last = (struct store_point){point.epoch, point.cost, (double)NAN};
    if (point.epoch == 0)
        t->first_cost = point.cost;
    t->pending = point_is_due(&t->options.run->spec, point.epoch);
}

/* With the cost of the rows that were held back. @return TRAINER_POINT, or
 * TRAINER_STOPPED before that cost was known: then it is pending when the training goes
 * on. */
static enum trainer_event point_finish(struct training *t, struct err *e) {
    const struct run *run = t->options.run;
    double validation = (double)NAN;
    if (run->validation.rows_n && !trainer_cost(t->trainer, run->validation, &validation))
        return TRAINER_STOPPED;
    t->last.validation_cost = isfinite(validation) ? validation : (double)NAN;
    t->pending = false;
    point_judge(t);
    if (keeper_point(t->options.keeper, t->last))
        return TRAINER_POINT;
    err_set(e, ERR_NO_MEMORY, NULL, "no memory for the curve");
    return TRAINER_FAILED;
}

/* Whether the last point was due, and so is known to the curve and was judged. */
static bool last_is_told(const struct training *t) {
    return !t->pending && point_is_due(&t->options.run->spec, t->last.epoch);
}

/* What has been learnt since the last point, where the time was over within an epoch. */
static enum trainer_event rest_judge(struct training *t) {
    const struct run *run = t->options.run;
    bool held_back = run->spec.monitor == JOB_MONITOR_VALIDATION_COST;
    double cost;
    if (!trainer_cost(t->trainer, held_back ? run->validation : run->training, &cost))
        return TRAINER_STOPPED;
    struct store_point told = t->last;
    *(held_back ? &t->last.validation_cost : &t->last.cost) = cost;
    point_judge(t);
    t->last = told;
    return TRAINER_POINT;
}

/* The end came by the clock, not at a point: there is one more, so that the job's cost is
 * that of what it has learnt, which may be the best. */
static enum trainer_event end_measure(struct training *t, struct err *e) {
    struct trainer_position position;
    const char *reason = t->stop_reason;
    enum trainer_event event = TRAINER_POINT;
    trainer_position(t->trainer, &position);
    if (!last_is_told(t))
        event = point_finish(t, e);
    else if (position.row)
        event = rest_judge(t);
    t->stop_reason = reason;
    return event == TRAINER_POINT ? TRAINER_DONE : event;
}

/* The same where somebody has cancelled, as far as it is known without computing: for
 * parameters that may be an update further. */
static void end_tell(struct training *t) {
    struct err ignored = {0};
    if (!last_is_told(t) && t->last.epoch >= 0 && !t->options.run->validation.rows_n)
        (void)point_finish(t, &ignored);
}

/* ---- checkpoints ---------------------------------------------------------------- */

static struct checkpoint_facts facts_of(const struct training *t, bool resumable) {
    const struct run *run = t->options.run;
    const struct store_point *point = resumable ? &t->last : &t->best_point;
    struct checkpoint_facts facts = {
        .job_id = t->options.job_id,
        .resumable = resumable,
        .stopping = t->stopping,
        .training_seconds = t->seconds,
        .cost_epoch = point->epoch,
        .cost = point->cost,
        .validation_cost = point->validation_cost,
        .point_pending = resumable && t->pending,
        .stop_reason = resumable ? t->stop_reason : NULL,
        .target_mean = run->tables.target_mean,
        .target_scale = run->tables.target_scale,
    };
    if (resumable)
        trainer_position(t->trainer, &facts.position);
    return facts;
}

/* One file more, of the net as it is or of the best parameters. */
static bool file_add(const struct training *t, bool resumable,
                     struct checkpoint_files *files, struct err *e) {
    const struct run *run = t->options.run;
    struct net net = *run->parts.net;
    struct model model = run->parts; /* borrows all of it */
    model.net = &net;
    struct checkpoint_source source = {
        .model = &model,
        .spec = &run->spec,
        .facts = facts_of(t, resumable),
    };
    if (resumable)
        source.state = trainer_state(t->trainer, &source.state_n);
    else
        net.params = t->best;
    size_t n = 0;
    void *bytes = checkpoint_encode(&source, &n, e);
    if (!bytes)
        return false;
    const struct checkpoint_facts *facts = &source.facts;
    files->bytes[files->n] = bytes;
    files->rows[files->n++] = (struct store_checkpoint){
        .epoch = resumable ? facts->position.epoch : t->stopping.best_epoch,
        .epochs_done = resumable ? t->epochs_done : (double)t->stopping.best_epoch,
        .cost = facts->cost,
        .validation_cost = facts->validation_cost,
        .training_seconds = facts->training_seconds,
        .bytes = (int64_t)n,
        .best = !resumable || t->best_held,
        .resumable = resumable,
    };
    return true;
}

/* Hands the state of this moment to the keeper. Training goes on without a checkpoint
 * that cannot be had. */
static void checkpoint_take(struct training *t) {
    struct err e = {0};
    struct checkpoint_files files = {0};
    bool best_is_news = t->stopping.best_epoch >= 0 && !t->best_held &&
                        t->stopping.best_epoch != t->best_kept;
    t->checkpoint_us = clock_mono_us();
    if ((best_is_news && !file_add(t, false, &files, &e)) ||
        !file_add(t, true, &files, &e)) {
        log_err(LOG_WARN, "no checkpoint", &e);
        checkpoint_files_free(&files);
        return;
    }
    t->best_kept = t->stopping.best_epoch;
    keeper_checkpoint(t->options.keeper, &files);
}

static void checkpoint_visit(struct training *t) {
    double waited = (double)(clock_mono_us() - t->checkpoint_us) / 1e6;
    if (waited < t->options.run->spec.checkpoint_seconds)
        return;
    switch (keeper_checkpoint_state(t->options.keeper)) {
    case KEEPER_CHECKPOINT_WRITING:
        return;
    case KEEPER_CHECKPOINT_FAILED:
        t->best_kept = -1;
        break;
    case KEEPER_CHECKPOINT_NONE:
        break;
    }
    checkpoint_take(t);
}

/* The last one before the worker lets go of the job, unless it has lost it. */
static void checkpoint_last(struct training *t) {
    enum keeper_checkpoint before = keeper_checkpoint_wait(t->options.keeper);
    if (before == KEEPER_CHECKPOINT_WRITING)
        return;
    if (before == KEEPER_CHECKPOINT_FAILED)
        t->best_kept = -1;
    checkpoint_take(t);
    if (keeper_checkpoint_wait(t->options.keeper) == KEEPER_CHECKPOINT_FAILED)
        log_write(LOG_WARN, "the last checkpoint could not be kept", "job",
                  LOG_TEXT(t->options.job_id), NULL);
}

/* Of a training that failed: its best parameters, which it was good for. */
static void checkpoint_of_best(struct training *t) {
    struct err e = {0};
    struct checkpoint_files files = {0};
    enum keeper_checkpoint before = keeper_checkpoint_wait(t->options.keeper);
    bool kept =
        before == KEEPER_CHECKPOINT_NONE && t->best_kept == t->stopping.best_epoch;
    if (before == KEEPER_CHECKPOINT_WRITING || kept || t->stopping.best_epoch < 0)
        return;
    if (!file_add(t, false, &files, &e)) {
        log_err(LOG_WARN, "no checkpoint of the best epoch", &e);
        return;
    }
    keeper_checkpoint(t->options.keeper, &files);
    (void)keeper_checkpoint_wait(t->options.keeper); /* the log tells */
}

/* ---- the loop ------------------------------------------------------------------- */

static void clock_look(struct training *t) {
    t->epochs_done = trainer_epochs_done(t->trainer);
    t->seconds = t->seconds_before + (double)(clock_mono_us() - t->start_us) / 1e6;
    keeper_progress(t->options.keeper, t->epochs_done, t->seconds);
}

/* To the next point or what there is before it; first to that which is pending. */
static enum trainer_event step(struct training *t, struct err *e) {
    struct trainer_point point;
    t->best_held = false;
    if (!t->pending) {
        enum trainer_event event = trainer_step(t->trainer, &point, e);
        clock_look(t);
        if (event == TRAINER_FAILED)
            t->last.epoch = point.epoch;
        if (event != TRAINER_POINT)
            return event;
        point_take(t, point);
    }
    if (!t->pending)
        return TRAINER_POINT;
    enum trainer_event event = point_finish(t, e);
    clock_look(t);
    return event;
}

/* @return the event that ended it; TRAINER_DONE also where stop_reason says so. */
static enum trainer_event steps_run(struct training *t, struct err *e) {
    double seconds_max = t->options.run->spec.max_runtime_seconds;
    while (!t->stop_reason) {
        enum trainer_event event = step(t, e);
        if (event != TRAINER_STEPPED && event != TRAINER_POINT)
            return event;
        if (!t->stop_reason && seconds_max > 0 && t->seconds >= seconds_max)
            t->stop_reason = MAX_RUNTIME;
        if (!t->stop_reason)
            checkpoint_visit(t);
    }
    return t->stop_reason == MAX_RUNTIME ? end_measure(t, e) : TRAINER_DONE;
}

static void params_swap(struct training *t) {
    const struct net *net = t->options.run->parts.net;
    for (size_t i = 0; i < net->block_n; i++) {
        float last = net->params[i];
        net->params[i] = t->best[i];
        t->best[i] = last;
    }
}

static void best_restore(struct training *t) {
    if (!t->options.run->spec.early_stopping.restore_best || t->stopping.best_epoch < 0)
        return;
    params_swap(t);
    t->restored = true;
    t->held = t->best_held;
    t->best_held = true;
}

void training_set_aside(struct training *t) {
    if (t->restored) {
        params_swap(t);
        t->restored = false;
        t->best_held = t->held;
    }
    checkpoint_last(t);
}

enum training_end training_run(struct training *t, struct err *e) {
    t->start_us = t->checkpoint_us = clock_mono_us();
    breaks_begin(t->options.team);
    enum trainer_event end = steps_run(t, e);
    breaks_end(t->options.team);
    switch (end) {
    case TRAINER_DONE:
        if (!t->stop_reason)
            t->stop_reason = COMPLETED;
        best_restore(t);
        return TRAINING_DONE;
    case TRAINER_STOPPED:
        if (keeper_wish(t->options.keeper) == STORE_CANCEL)
            end_tell(t);
        checkpoint_last(t);
        return TRAINING_STOPPED;
    default:
        checkpoint_of_best(t);
        return TRAINING_FAILED;
    }
}
