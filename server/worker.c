#include "server/worker.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/documents.h"
#include "api/model_file.h"
#include "api/predict.h"
#include "engine/initializer.h"
#include "engine/matrix.h"
#include "engine/model.h"
#include "engine/trainer.h"
#include "server/clock.h"
#include "server/evaluation.h"
#include "server/keeper.h"
#include "server/log.h"
#include "server/owner.h"
#include "server/table_run.h"

enum {
    IDLE_POLL_MS = 500, /* between looks for a job without a wake-up */
    RETRY_MS = 100,     /* between tries to write the end of a job */
    RETRIES_MAX = 100
};

struct worker {
    struct store *store;
    struct keeper *keeper;
    struct team *team;
    char owner[STORE_OWNER_MAX];
};

/* One job in hand: what it needs and what became of it. */
struct run {
    struct job_spec spec;
    void *bytes; /* inline data: X and targets point into it */
    struct table table;
    float *weights;                           /* of inline data's samples; owned */
    struct table_run tables;                  /* of a job on a dataset */
    struct trainer_data training, validation; /* borrowed from either; validation may have
                                                 no rows */
    struct model parts; /* the net and the transform while they are learnt */
    struct store_point last;
    double seconds;
    double epochs_done;
    char *metrics; /* JSON; owned */
};

static void run_free(struct run *run) {
    job_spec_free(&run->spec);
    net_free(run->parts.net);
    transform_free(&run->parts.transform);
    encoder_free(&run->parts.encoder);
    table_run_free(&run->tables);
    free(run->bytes);
    free(run->weights);
    free(run->metrics);
}

/* What was checked when the job came, against what the worker has found. */
static bool origin_fits(const struct run *run, struct err *e) {
    return run->spec.inputs_n == run->parts.net->inputs_n ||
           err_set(e, ERR_INVALID, NULL, "%s takes %zu inputs, the data have %zu",
                   run->spec.init_from, run->parts.net->inputs_n, run->spec.inputs_n);
}

static bool inline_prepare(struct worker *w, const struct store_job *job, struct run *run,
                           struct err *e) {
    const struct job_spec *spec = &run->spec;
    size_t n;
    if (!store_blob_get(w->store, job->data_blob, &run->bytes, &n, e) ||
        !table_file_decode(run->bytes, n, spec, &run->table, e) ||
        (!spec->transform_kept &&
         !transform_learn(&run->parts.transform, spec->normalize, run->table.X,
                          spec->samples_n, spec->inputs_n, e)) ||
        (spec->transform_kept && !origin_fits(run, e)))
        return false;
    if (!class_weight_samples(&spec->class_weight, spec->labels.n, run->table.targets,
                              spec->samples_n, &run->weights, e))
        return false;
    run->table.targets.weights = run->weights;
    transform_apply(&run->parts.transform, run->table.X, spec->samples_n, run->table.X);
    run->training =
        (struct trainer_data){run->table.X, run->table.targets, spec->samples_n};
    return true;
}

static bool dataset_prepare(struct worker *w, const struct store_job *job,
                            struct run *run, struct err *e) {
    if (!table_run_prepare(w->store, job, &run->spec, &run->parts, &run->tables, e))
        return false;
    run->training = table_part_data(&run->tables.training);
    run->validation = table_part_data(&run->tables.validation);
    return true;
}

/* The net and the encoder of the version that the job continues from, and its transform
 * where that is kept, become the run's own. */
static bool origin_load(struct worker *w, struct run *run, struct err *e) {
    struct model_ref ref;
    struct store_version v;
    void *bytes = NULL;
    size_t n = 0;
    if (!model_ref_parse(run->spec.init_from, "init_from", &ref, e) ||
        !store_version_get(w->store, ref.name, ref.version, &v, e))
        return false;
    struct model *origin = NULL;
    if (store_blob_get(w->store, v.blob, &bytes, &n, e))
        origin = model_file_decode(bytes, n, e);
    free(bytes);
    store_version_free(&v);
    if (!origin)
        return false;
    run->parts.net = origin->net;
    run->parts.encoder = origin->encoder;
    origin->net = NULL;
    origin->encoder = (struct encoder){0};
    if (run->spec.transform_kept) {
        run->parts.transform = origin->transform;
        origin->transform = (struct transform){0};
    }
    model_free(origin);
    return true;
}

/* From the claim to a net with its first parameters and a table to train on. */
static bool run_prepare(struct worker *w, const char *job_id, struct run *run,
                        struct err *e) {
    struct store_job job;
    if (!store_job_get(w->store, job_id, &job, e))
        return false;
    const struct job_spec *spec = &run->spec;
    bool ok = job_spec_decode(job.hyperparameters, &run->spec, NULL, e) &&
              (!spec->init_from[0] || origin_load(w, run, e)) &&
              (spec->table.columns_n ? dataset_prepare(w, &job, run, e)
                                     : inline_prepare(w, &job, run, e));
    store_job_free(&job);
    if (!ok || !job_size_check(spec, e))
        return false;
    if (spec->init_from[0]) {
        table_run_rescale(&run->tables, run->parts.net);
        return origin_fits(run, e);
    }
    run->parts.net = net_new(spec->inputs_n, spec->layers, spec->layers_n, e);
    if (!run->parts.net)
        return false;
    initializer_fill(run->parts.net, spec->initializer, spec->init_scale,
                     (uint64_t)spec->seed);
    return true;
}

static bool point_is_due(const struct job_spec *spec, int64_t epoch) {
    return epoch % spec->report_every == 0 || epoch == spec->epochs;
}

/* A point is always the last one; a due one goes to the curve, with the cost of the rows
 * that were held back. With a full batch that is the cost after the update behind the
 * point. */
static bool point_take(struct worker *w, struct run *run, struct trainer *t,
                       struct trainer_point point) {
    double validation = (double)NAN;
    if (!point_is_due(&run->spec, point.epoch)) {
        run->last = (struct store_point){point.epoch, point.cost, validation};
        return true;
    }
    if (run->validation.rows_n && !trainer_cost(t, run->validation, &validation))
        validation = (double)NAN; /* stopped: the next step says so */
    if (!isfinite(validation))
        validation = (double)NAN;
    run->last = (struct store_point){point.epoch, point.cost, validation};
    return keeper_point(w->keeper, run->last);
}

/* The loop of the trainer: it does not wait for anything but its team. */
static enum trainer_event run_train(struct worker *w, struct run *run, struct err *e) {
    struct trainer_options options = job_trainer_options(&run->spec);
    struct trainer *t = trainer_new(run->parts.net, run->training, &options, w->team,
                                    keeper_stop_flag(w->keeper), e);
    if (!t)
        return TRAINER_FAILED;
    int64_t start_us = clock_mono_us();
    struct trainer_point point = {0};
    enum trainer_event event;
    do {
        event = trainer_step(t, &point, e);
        run->epochs_done = trainer_epochs_done(t);
        run->seconds = (double)(clock_mono_us() - start_us) / 1e6;
        keeper_progress(w->keeper, run->epochs_done, run->seconds);
        if (event == TRAINER_POINT && !point_take(w, run, t, point)) {
            err_set(e, ERR_NO_MEMORY, NULL, "no memory for the curve");
            event = TRAINER_FAILED;
        }
    } while (event == TRAINER_STEPPED || event == TRAINER_POINT);
    if (event == TRAINER_FAILED)
        run->last.epoch = point.epoch;
    trainer_free(t);
    return event;
}

static bool stop_wanted(const struct worker *w) {
    return atomic_load(keeper_stop_flag(w->keeper));
}

/* Hours of training are not given up because the store is away for a moment. */
static bool model_file_put(struct worker *w, const void *file, size_t n, int64_t *blob,
                           struct err *e) {
    char sha256[STORE_SHA256_TEXT];
    for (int i = 0;; i++) {
        struct err once = {0};
        if (store_blob_put(w->store, file, n, clock_ms(), blob, sha256, &once))
            return true;
        bool away = once.kind == ERR_BUSY || once.kind == ERR_STORAGE;
        if (!away || i == RETRIES_MAX || stop_wanted(w))
            return err_set(e, once.kind, once.where, "%s", once.text);
        log_err(LOG_WARN, "a trained model waits to be written", &once);
        usleep(RETRY_MS * 1000);
    }
}

/* What the trained net is worth, in the units of the data; then the target's scaling goes
 * into the output layer. */
static bool run_evaluate(struct run *run, struct err *e) {
    struct text text = {0};
    struct evaluation evaluation = {
        .net = run->parts.net,
        .spec = &run->spec,
        .target_mean = run->tables.target_mean,
        .target_scale = run->tables.target_scale,
    };
    text_open(&text, '{');
    text_key(&text, "training");
    bool ok = evaluation_encode(&evaluation, run->training, &text, e);
    if (ok && run->validation.rows_n) {
        text_key(&text, "validation");
        ok = evaluation_encode(&evaluation, run->validation, &text, e);
    }
    text_close(&text, '}');
    run->metrics = ok ? text_take(&text) : NULL;
    text_free(&text);
    table_run_unscale(&run->tables, run->parts.net);
    return ok &&
           (run->metrics || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the metrics"));
}

/* The trained model as bytes in the store, and what is said of it. */
static bool model_store(struct worker *w, struct run *run, int64_t *blob, char **facts,
                        struct err *e) {
    run->parts.task = run->spec.task;
    run->parts.loss = run->spec.loss;
    size_t n;
    void *file = model_file_encode(&run->parts, &run->spec, &n, e);
    bool ok = file && model_file_put(w, file, n, blob, e);
    free(file);
    struct text text = {0};
    struct version_training training = {&run->spec, run->last.cost, run->metrics};
    struct model described = run->parts; /* borrows all of it */
    described.labels = run->spec.labels;
    version_facts_encode(&described, &training, &text);
    *facts = text_take(&text);
    return ok &&
           (*facts || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the document"));
}

/* The end must be written: a store that is away for a moment is waited for. */
static void outcome_write(struct worker *w, const struct store_claim *claim,
                          const struct store_outcome *outcome) {
    for (int i = 0; i < RETRIES_MAX; i++) {
        struct err e = {0};
        int64_t version = 0;
        if (store_claim_finish(w->store, claim, outcome, &version, &e)) {
            log_write(LOG_INFO, "job ended", "job", LOG_TEXT(claim->job_id), "status",
                      LOG_TEXT(job_status_name(outcome->status)), "version",
                      LOG_INT(version), "epochs",
                      LOG_DOUBLE(outcome->progress.epochs_done), "seconds",
                      LOG_DOUBLE(outcome->progress.training_seconds), NULL);
            return;
        }
        log_err(LOG_ERROR, "the end of a job could not be written", &e);
        if (e.kind == ERR_CONFLICT || keeper_quitting(w->keeper))
            return;
        usleep(RETRY_MS * 1000);
    }
}

/* What an error is called in the job's document. */
static const char *failure_code(enum err_kind kind) {
    switch (kind) {
    case ERR_NUMERIC:
        return "diverged";
    case ERR_NO_MEMORY:
        return "out_of_memory";
    case ERR_NOT_FOUND:
        return "data_missing";
    case ERR_STORAGE:
        return "storage";
    case ERR_RANGE:
        return "out_of_range";
    default:
        return "internal";
    }
}

static struct store_outcome outcome_failed(const struct err *e, int64_t epoch) {
    return (struct store_outcome){
        .status = JOB_FAILED,
        .stop_reason = e->kind == ERR_NUMERIC ? "diverged" : "failed",
        .error_code = failure_code(e->kind),
        .error_text = e->text,
        .error_epoch = e->kind == ERR_NUMERIC ? epoch : -1,
    };
}

static void claim_release(struct worker *w, const struct store_claim *claim) {
    struct err e = {0};
    if (store_claim_release(w->store, claim, &e))
        log_write(LOG_INFO, "job put back", "job", LOG_TEXT(claim->job_id), NULL);
    else
        log_err(LOG_WARN, "a job could not be put back", &e);
}

static void job_run(struct worker *w, const struct store_claim *claim) {
    struct run run = {0};
    struct err e = {0};
    char *facts = NULL;
    struct store_outcome outcome = {.status = JOB_FAILED, .error_epoch = -1};
    log_write(LOG_INFO, "job started", "job", LOG_TEXT(claim->job_id), "fence",
              LOG_INT(claim->fence), NULL);
    keeper_begin(w->keeper, claim);
    enum trainer_event event =
        run_prepare(w, claim->job_id, &run, &e) ? run_train(w, &run, &e) : TRAINER_FAILED;
    if (event == TRAINER_DONE && run_evaluate(&run, &e) &&
        model_store(w, &run, &outcome.model_blob, &facts, &e)) {
        outcome.status = JOB_SUCCEEDED;
        outcome.stop_reason = "completed";
        outcome.model_document = facts;
        outcome.metrics = run.metrics;
    } else if (event == TRAINER_DONE && stop_wanted(w)) {
        event = TRAINER_STOPPED;
    } else if (event != TRAINER_STOPPED) {
        outcome = outcome_failed(&e, run.last.epoch);
    }
    struct keeper_end end = keeper_end(w->keeper);
    if (event == TRAINER_STOPPED && end.cancelled) {
        outcome.status = JOB_CANCELLED;
        outcome.stop_reason = "cancelled";
    }
    outcome.progress = (struct store_progress){
        .epochs_done = run.epochs_done,
        .training_seconds = run.seconds,
        .points = end.points,
        .points_n = end.points_n,
    };
    if (end.lost)
        log_write(LOG_WARN, "lease lost", "job", LOG_TEXT(claim->job_id), NULL);
    else if (event == TRAINER_STOPPED && !end.cancelled)
        claim_release(w, claim);
    else
        outcome_write(w, claim, &outcome);
    free(facts);
    run_free(&run);
}

static void work(struct worker *w) {
    while (!keeper_quitting(w->keeper)) {
        struct err e = {0};
        struct store_claim claim;
        bool found = false;
        if (!store_claim(w->store, w->owner, KEEPER_LEASE_MS, &claim, &found, &e))
            log_err(LOG_ERROR, "no job could be claimed", &e);
        if (!found) {
            keeper_wait(w->keeper, IDLE_POLL_MS);
            continue;
        }
        job_run(w, &claim);
        keeper_tell(w->keeper);
    }
}

int worker_run(const struct config *config) {
    struct err e = {0};
    struct worker w = {0};
    errno = 0;
    if (setpriority(PRIO_PROCESS, 0, (int)config->worker_nice) != 0)
        log_write(LOG_WARN, "the worker's priority could not be lowered", "error",
                  LOG_TEXT(strerror(errno)), NULL);
    struct sched_param none = {0};
    sched_setscheduler(0, SCHED_BATCH, &none); /* a hint; without it nice does the work */
    owner_of(getpid(), w.owner);
    size_t threads = config->threads ? (size_t)config->threads : config_cpus();
    bool ok = matrix_start(&e) && (w.store = store_open(config->store, &e)) &&
              (w.keeper = keeper_start(config->store, (int)config->wake_fd, &e)) &&
              (w.team = team_new(threads, &e));
    if (ok) {
        log_write(LOG_INFO, "worker ready", "threads", LOG_INT(threads), "blas",
                  LOG_TEXT(matrix_blas_name()), NULL);
        work(&w);
    } else {
        log_err(LOG_ERROR, "the worker could not start", &e);
    }
    team_free(w.team);
    if (w.keeper)
        keeper_stop(w.keeper);
    store_close(w.store);
    return ok ? 0 : 1;
}
