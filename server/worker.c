#include "server/worker.h"

#include <malloc.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/job_event.h"
#include "api/version_image.h"
#include "engine/matrix.h"
#include "server/away.h"
#include "server/breaks.h"
#include "server/clock.h"
#include "server/keeper.h"
#include "server/log.h"
#include "server/machine.h"
#include "server/owner.h"
#include "server/priority.h"
#include "server/reserve.h"
#include "server/resume.h"
#include "server/signals.h"
#include "server/training.h"
#include "server/training_advice.h"

enum {
    IDLE_POLL_MS = 500, /* between looks for a job without a wake-up */
    RETRY_MS = 100,     /* between tries of what the store did not take */
    RETRIES_MAX = 100,  /* of them, unless the store is away: that is waited for */
    RELEASE_MS = 5000,  /* how long one who ends waits for it */
    OOM_SCORE = 500,    /* of 1000, beside what a process takes (proc(5)) */
    SHOW_LEASES = 2,    /* how often it shows itself while it has nothing to do */
    ALIVE_LEASES = 6    /* how long others count on one that has shown itself */
};

struct worker {
    struct store *store;
    const char *store_path;
    struct keeper *keeper;
    struct team *team;
    int64_t lease_ms, memory_max, machine_memory, threads;
    int64_t started_us, seen_us; /* seen_us: when it showed itself last; 0: never */
    char owner[STORE_OWNER_MAX], machine[STORE_OWNER_MAX];
    struct away away;
    bool unsure;   /* a claim may have been made of which nothing was heard */
    bool outdated; /* the store needs a newer program */
};

static bool stop_wanted(const struct worker *w) {
    return atomic_load(keeper_stop_flag(w->keeper));
}

/* Hours of training are not given up because the store is away for a moment. */
static bool model_file_put(struct worker *w, const void *file, size_t n, int64_t *blob,
                           struct err *e) {
    char sha256[STORE_SHA256_TEXT];
    for (int i = 0;; i++) {
        struct err once = {0};
        bool ok = store_blob_put(w->store, file, n, store_now_ms(w->store), blob, sha256,
                                 &once);
        bool away = away_note(&w->away, ok ? NULL : &once);
        if (ok)
            return true;
        bool again = away || (once.kind == ERR_STORAGE && i < RETRIES_MAX);
        if (!again || stop_wanted(w))
            return err_set(e, once.kind, once.where, "%s", once.text);
        if (!away)
            log_err(LOG_WARN, "a trained model waits to be written", &once);
        usleep(RETRY_MS * 1000);
    }
}

/* The trained model, which predicts in the target's own units. The training's net stays
 * as it is: who is stopped before the model is written goes on with it. */
static bool image_make(const struct run *run, const struct version_training *training,
                       struct version_image *image, struct err *e) {
    float *kept = table_run_unscale_kept(&run->tables, run->parts.net, e);
    bool ok = kept && version_image_make(&run->parts, training, image, e);
    if (kept)
        table_run_restore(run->parts.net, kept);
    return ok;
}

/* The trained model as bytes in the store, and what is said of it. */
static bool model_store(struct worker *w, const struct run *run,
                        const struct store_point *point, int64_t *blob, char **facts,
                        struct err *e) {
    struct version_image image = {0};
    const struct version_training training = {
        .spec = &run->spec,
        .cost = point->cost,
        .metrics = run->metrics,
        .epochs = point->epoch,
    };
    bool ok = image_make(run, &training, &image, e) &&
              model_file_put(w, image.file, image.file_n, blob, e);
    *facts = image.facts;
    image.facts = NULL;
    version_image_free(&image);
    return ok;
}

static bool outcome_try(struct worker *w, const struct store_claim *claim,
                        const struct store_outcome *outcome, struct err *e) {
    int64_t version = 0;
    if (!store_claim_finish(w->store, claim, outcome, &version, e))
        return false;
    log_write(
        outcome->status == JOB_FAILED ? LOG_WARN : LOG_INFO, "job ended", "job",
        LOG_TEXT(claim->job_id), "status", LOG_TEXT(job_status_name(outcome->status)),
        "version", LOG_INT(version), "epochs", LOG_DOUBLE(outcome->progress.epochs_done),
        "seconds", LOG_DOUBLE(outcome->progress.training_seconds), "code",
        LOG_TEXT(outcome->error_code), "error", LOG_TEXT(outcome->error_text), NULL);
    return true;
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

static struct store_outcome outcome_failed(const struct err *e,
                                           const struct training *training) {
    return (struct store_outcome){
        .status = JOB_FAILED,
        .stop_reason = e->kind == ERR_NUMERIC ? "diverged" : "failed",
        .error_code = failure_code(e->kind),
        .error_text = e->text,
        .error_epoch = e->kind == ERR_NUMERIC ? training->last.epoch
                                              : (int64_t)floor(training->epochs_done),
    };
}

/* What there is room for on a disk that stays full: that it failed, and how. */
static void outcome_shorten(struct store_outcome *outcome, const struct err *e) {
    int64_t epoch = (int64_t)floor(outcome->progress.epochs_done);
    if (outcome->status == JOB_SUCCEEDED)
        *outcome = (struct store_outcome){.status = JOB_FAILED,
                                          .stop_reason = "failed",
                                          .error_code = failure_code(e->kind),
                                          .error_text = e->text,
                                          .error_epoch = epoch,
                                          .progress = outcome->progress};
    outcome->progress.points_n = 0;
}

/* Puts a job back, so that its end here is not taken for a death. A store that is away
 * may be back in a moment; who was told to end does not wait for longer. */
static void claim_release(struct worker *w, const struct store_claim *claim) {
    int64_t until_us = clock_mono_us() + RELEASE_MS * 1000;
    for (bool again = true; again;) {
        struct err e = {0};
        bool ok = store_claim_release(w->store, claim, &e);
        again = !ok && away_is(e.kind) && clock_mono_us() < until_us;
        if (ok)
            log_write(LOG_INFO, "job put back", "job", LOG_TEXT(claim->job_id), NULL);
        else if (again)
            usleep(RETRY_MS * 1000);
        else /* a lease that is lost may have been put back, and the answer lost */
            log_err(e.kind == ERR_CONFLICT ? LOG_INFO : LOG_WARN,
                    "a job could not be put back", &e);
        w->unsure = w->unsure || (!ok && !again && away_is(e.kind));
    }
}

/* The end must be written: a store that is away is waited for, and a disk that is full
 * has a reserve for it. That the lease is lost after the one may well mean that the end
 * was written, and the answer lost. */
static void outcome_write(struct worker *w, const struct store_claim *claim,
                          struct store_outcome *outcome) {
    struct err first = {0};
    for (int i = 0; i < RETRIES_MAX;) {
        struct err e = {0};
        bool ok = outcome_try(w, claim, outcome, &e);
        bool away = away_note(&w->away, ok ? NULL : &e);
        if (ok)
            return;
        if (!away && !first.kind) {
            first = e;
            log_err(LOG_ERROR, "the end of a job waits to be written", &e);
        }
        if (e.kind == ERR_CONFLICT)
            return;
        if (keeper_quitting(w->keeper)) {
            claim_release(w, claim);
            return;
        }
        bool given = e.kind == ERR_STORAGE && reserve_release(w->store_path);
        if (e.kind == ERR_STORAGE && i >= RETRIES_MAX / 2)
            outcome_shorten(outcome, &first);
        if (!given)
            usleep(RETRY_MS * 1000);
        i += !away;
    }
    log_write(LOG_ERROR, "the end of a job could not be written", "job",
              LOG_TEXT(claim->job_id), "error", LOG_TEXT(first.text), NULL);
}

/* A job in hand. */
struct hand {
    struct worker *worker;
    const struct store_claim *claim;
    struct run run;
    struct training training;
    struct store_outcome outcome;
    char *facts;    /* of the model; JSON; owned */
    char *warnings; /* the job's, a JSON array; owned; NULL: none */
    bool warned;    /* they are more than the store has */
};

/* Ready to train, from the beginning or from where it was. */
static bool hand_open(struct hand *t, struct err *e) {
    struct worker *w = t->worker;
    struct store_job job;
    struct resume resume = {0};
    const struct training_options options = {
        .run = &t->run,
        .job_id = t->claim->job_id,
        .team = w->team,
        .keeper = w->keeper,
    };
    t->run.stop = keeper_stop_flag(w->keeper);
    t->training.epochs_done = t->claim->epochs_done;
    t->training.seconds = t->claim->training_seconds;
    if (!store_job_get(w->store, t->claim->job_id, &job, e))
        return false;
    free(t->warnings);
    t->warnings = job.warnings;
    job.warnings = NULL;
    bool ok =
        resume_load(w->store, job.id, &resume, e) &&
        run_prepare(w->store, &job, resume.found ? &resume.from : NULL, &t->run, e) &&
        training_open(&t->training, &options, e) &&
        (!resume.found || training_resume(&t->training, &resume.from,
                                          resume.best.model ? &resume.best : NULL, e));
    if (ok && resume.found)
        log_write(LOG_INFO, "job resumed", "job", LOG_TEXT(job.id), "checkpoint",
                  LOG_INT(resume.number), "epochs", LOG_DOUBLE(t->training.epochs_done),
                  NULL);
    resume_free(&resume);
    store_job_free(&job);
    return ok;
}

static void hand_clear(struct hand *t) {
    training_close(&t->training);
    run_free(&t->run);
    t->training = (struct training){0};
    t->run = (struct run){0};
}

/* A store that is away is no reason to fail the job. */
static bool hand_open_patiently(struct hand *t, struct err *e) {
    for (;;) {
        struct err once = {0};
        bool ok = hand_open(t, &once);
        bool away = away_note(&t->worker->away, ok ? NULL : &once);
        if (ok || !away || stop_wanted(t->worker))
            return ok || err_set(e, once.kind, once.where, "%s", once.text);
        hand_clear(t);
        usleep(RETRY_MS * 1000);
    }
}

static bool hand_warn(struct hand *t, const char *line, struct err *e) {
    char *after = job_warnings_add(t->warnings, line, e);
    if (!after)
        return false;
    free(t->warnings);
    t->warnings = after;
    t->warned = true;
    return true;
}

static bool end_warn(struct hand *t, struct err *e) {
    char line[TRAINING_ADVICE_MAX];
    training_advise(&t->training, &t->run.spec, t->run.idle, line);
    return !line[0] || hand_warn(t, line, e);
}

/* What the training has made, as bytes in the store. */
static bool hand_publish(struct hand *t, struct err *e) {
    const struct training *training = &t->training;
    const struct store_point *point =
        training->best_held ? &training->best_point : &training->last;
    return end_warn(t, e) &&
           model_store(t->worker, &t->run, point, &t->outcome.model_blob, &t->facts, e);
}

/* The model's worth, the version that comes of it, and the words of success. A version
 * that was measured is there already. */
static bool hand_succeed(struct hand *t, struct err *e) {
    struct store_outcome *o = &t->outcome;
    breaks_begin(t->worker->team);
    bool ok = run_evaluate(&t->run, e);
    breaks_end(t->worker->team);
    bool measured = !t->run.spec.epochs && t->run.spec.init_from[0];
    if (!ok || (!measured && !hand_publish(t, e)))
        return false;
    o->status = JOB_SUCCEEDED;
    o->stop_reason = t->training.stop_reason;
    o->model_document = t->facts;
    o->metrics = t->run.metrics;
    o->warnings = t->warned ? t->warnings : NULL;
    return true;
}

/* Trains. @return true when the job is to be let go, not ended: somebody said stop. */
static bool hand_train(struct hand *t, struct err *e) {
    enum training_end end =
        hand_open_patiently(t, e) ? training_run(&t->training, e) : TRAINING_FAILED;
    if (end == TRAINING_DONE && hand_succeed(t, e))
        return false;
    bool stopped = end == TRAINING_STOPPED || e->kind == ERR_CANCELLED ||
                   ((end == TRAINING_DONE || away_is(e->kind)) && stop_wanted(t->worker));
    if (!stopped && e->kind == ERR_NUMERIC)
        training_advise_diverged(&t->run.spec, e);
    if (!stopped)
        t->outcome = outcome_failed(e, &t->training);
    else if (end == TRAINING_DONE)
        training_set_aside(&t->training);
    return stopped;
}

static void job_run(struct worker *w, const struct store_claim *claim) {
    struct hand t = {.worker = w,
                     .claim = claim,
                     .outcome = {.status = JOB_FAILED, .error_epoch = -1}};
    struct err e = {0};
    log_write(LOG_INFO, "job started", "job", LOG_TEXT(claim->job_id), "fence",
              LOG_INT(claim->fence), NULL);
    keeper_begin(w->keeper, claim);
    bool let_go = hand_train(&t, &e);
    struct keeper_end end = keeper_end(w->keeper);
    if (let_go && end.wish == STORE_CANCEL) {
        let_go = false;
        t.outcome.status = JOB_CANCELLED;
        t.outcome.stop_reason = "cancelled";
    } else if (let_go && end.failure.kind) {
        let_go = false;
        t.outcome = outcome_failed(&end.failure, &t.training);
    }
    t.outcome.progress = (struct store_progress){
        .epochs_done = t.training.epochs_done,
        .training_seconds = t.training.seconds,
        .points = end.points,
        .points_n = end.points_n,
    };
    if (end.lost)
        log_write(LOG_WARN, "lease lost", "job", LOG_TEXT(claim->job_id), NULL);
    else if (let_go)
        claim_release(w, claim);
    else
        outcome_write(w, claim, &t.outcome);
    free(t.facts);
    free(t.warnings);
    hand_clear(&t);
}

/* A claim whose answer was lost has put a job into this worker's hands: back with it. */
static bool hands_empty(struct worker *w, struct err *e) {
    int64_t released;
    w->unsure = w->unsure && !store_owner_dead(w->store, w->owner, false,
                                               store_now_ms(w->store), &released, e);
    return !w->unsure;
}

/* Those who trained on while the store was away get the time to say so. */
static bool others_recover(struct worker *w) {
    int64_t back_us = keeper_back_us(w->keeper);
    if (w->away.back_us > back_us)
        back_us = w->away.back_us;
    return back_us && clock_mono_us() - back_us < w->lease_ms * 1000;
}

/* Shows itself to the others now and then, and looks what they have made of the store. */
static bool show(struct worker *w, struct err *e) {
    int64_t now_us = clock_mono_us();
    const struct store_worker self = {.owner = w->owner,
                                      .threads = w->threads,
                                      .memory_max = w->memory_max,
                                      .alive_ms = ALIVE_LEASES * w->lease_ms};
    if (w->seen_us && now_us - w->seen_us < SHOW_LEASES * w->lease_ms * 1000)
        return true;
    w->outdated = !store_schema_check(w->store, e) && e->kind == ERR_CONFLICT;
    if (e->kind || !store_worker_seen(w->store, &self, e))
        return false;
    w->seen_us = now_us;
    return true;
}

/* Where others may have started with it, they get the time to show themselves. */
static bool is_new(const struct worker *w) {
    return store_is_shared(w->store) &&
           clock_mono_us() - w->started_us < w->lease_ms * 1000;
}

static bool claim_try(struct worker *w, struct store_claim *claim, struct err *e) {
    bool found = false, ok = hands_empty(w, e) && show(w, e);
    if (ok)
        away_note(&w->away, NULL); /* it is back, if it was away */
    const struct store_claiming claiming = {
        .owner = w->owner,
        .lease_ms = w->lease_ms,
        .memory_max = w->memory_max,
        .machine = w->machine,
        .machine_memory = w->machine_memory,
        .threads = w->threads,
        .alive_ms = ALIVE_LEASES * w->lease_ms,
        .threads_exact = is_new(w),
        .queued_only = others_recover(w),
    };
    ok = ok && store_claim(w->store, &claiming, claim, &found, e);
    w->unsure = w->unsure || (!ok && e->kind == ERR_UNAVAILABLE);
    if (!away_note(&w->away, ok ? NULL : e) && !ok)
        log_err(LOG_ERROR, "no job could be claimed", e);
    return found;
}

static void work(struct worker *w) {
    bool has_worked = false;
    while (!keeper_quitting(w->keeper) && !w->outdated) {
        struct err e = {0};
        struct store_claim claim;
        if (!claim_try(w, &claim, &e)) {
            if (has_worked)
                malloc_trim(0); /* what a job took is the machine's again */
            has_worked = false;
            keeper_wait(w->keeper, IDLE_POLL_MS);
            continue;
        }
        job_run(w, &claim);
        keeper_tell(w->keeper);
        has_worked = true;
    }
}

/* Where memory runs out it is a training that goes, and no prediction. */
static void memory_volunteer(void) {
    FILE *f = fopen("/proc/self/oom_score_adj", "we");
    if (!f)
        return;
    fprintf(f, "%d\n", OOM_SCORE);
    fclose(f); /* a hint: where it is not taken nothing is lost */
}

static bool store_parts_open(struct worker *w, const struct keeper_options *keeper,
                             struct err *e) {
    w->store = store_open(w->store_path, e);
    w->keeper = w->store ? keeper_start(keeper, e) : NULL;
    if (w->keeper)
        return true;
    store_close(w->store);
    w->store = NULL;
    return false;
}

/* A store that is away is waited for, as long as the server lives. A signal ends that at
 * once, however long an attempt takes. */
static bool store_await(struct worker *w, const struct keeper_options *keeper,
                        struct err *e) {
    for (bool ok = false; !ok;) {
        struct err once = {0};
        signals_end_idle();
        ok = store_parts_open(w, keeper, &once);
        bool again = away_note(&w->away, ok ? NULL : &once);
        struct pollfd server = {.fd = keeper->wake_fd, .events = POLLRDHUP};
        if (!ok && (!again || poll(&server, 1, (int)away_pause_ms(&w->away)) > 0))
            return err_set(e, once.kind, once.where, "%s", once.text);
    }
    signals_resume();
    return true;
}

enum { TURN_US = 200 }; /* of a worker beside others */

int worker_run(const struct config *config) {
    struct err e = {0};
    struct worker w = {0};
    int signal_fd = signals_open(&e);
    if (config->wake_fd >= 0 || !signals_of_terminal())
        signals_ignore_hangup(); /* the server tells it, or nobody means it */
    else
        signals_add_hangup();
    memory_volunteer();
    owner_of(getpid(), w.owner);
    owner_machine(w.owner, w.machine);
    size_t threads = config->threads ? (size_t)config->threads : machine_cpus();
    w.threads = (int64_t)threads;
    w.started_us = clock_mono_us();
    w.lease_ms = config->lease_ms;
    w.store_path = config->store;
    w.memory_max = config->job_memory_max;
    w.machine_memory = config->training_memory_max;
    const struct keeper_options keeper = {
        .store_path = config->store,
        .signal_fd = signal_fd,
        .wake_fd = (int)config->wake_fd,
        .lease_ms = w.lease_ms,
    };
    bool ok = signal_fd >= 0 && matrix_start(&e) && store_await(&w, &keeper, &e);
    priority_lower(config->worker_nice); /* the keeper, which is there, is prompt */
    priority_turns(TURN_US);
    ok = ok && (w.team = team_new(threads, &e));
    if (ok) {
        log_write(LOG_INFO, "worker ready", "threads", LOG_INT(threads), "blas",
                  LOG_TEXT(matrix_blas_name()), NULL);
        work(&w);
        ok = !w.outdated;
    } else {
        log_err(LOG_ERROR, "the worker could not start", &e);
    }
    team_free(w.team);
    if (w.keeper)
        keeper_stop(w.keeper);
    store_close(w.store);
    return ok ? 0 : 1;
}
