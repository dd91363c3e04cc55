/* When a job's training ends early, how often it is written down, and when its turn
 * comes. */
#include <float.h>

#include "api/job_internal.h"

/* Canonical names first; Keras' behind them. */
static const struct json_choice monitors[] = {
    {"cost", JOB_MONITOR_COST},
    {"validation_cost", JOB_MONITOR_VALIDATION_COST},
    {"loss", JOB_MONITOR_COST},
    {"val_loss", JOB_MONITOR_VALIDATION_COST},
};

enum { MONITOR, PATIENCE, MIN_DELTA, RESTORE_BEST, MEMBERS_N };
static const struct json_key members[MEMBERS_N] = {
    [MONITOR] = {"monitor", NULL},
    [PATIENCE] = {"patience", "n_iter_no_change"},
    [MIN_DELTA] = {"min_delta", "tol"},
    [RESTORE_BEST] = {"restore_best", "restore_best_weights"},
};

/* Ten points of the curve, or a twentieth of the epochs where that is longer. */
enum { PATIENCE_POINTS = 10, PATIENCE_SHARE = 20 };

static const double CHECKPOINT_SECONDS = 10, CHECKPOINT_SECONDS_MIN = 0.01,
                    CHECKPOINT_SECONDS_MAX = 86400, RUNTIME_SECONDS_MAX = 1e9;

static bool validated(const struct job_spec *spec) {
    return spec->table.validation || spec->table.validation_split > 0;
}

static struct job_early_stopping stopping_default(const struct job_spec *spec) {
    int64_t points = spec->report_every * PATIENCE_POINTS,
            share = spec->epochs / PATIENCE_SHARE,
            longer = points > share ? points : share;
    return (struct job_early_stopping){
        .on = true,
        .patience = longer < JOB_EPOCHS_MAX ? longer : JOB_EPOCHS_MAX,
        .restore_best = true,
    };
}

static bool monitor_decode(const struct json_slot *slot, struct job_spec *spec,
                           struct err *e) {
    int monitor = (int)spec->monitor;
    if (!json_choose(slot, monitors, sizeof monitors / sizeof *monitors, &monitor, e))
        return false;
    spec->monitor = (enum job_monitor)monitor;
    return spec->monitor != JOB_MONITOR_VALIDATION_COST || validated(spec) ||
           err_set(e, ERR_INVALID, slot->path,
                   "no rows are held back: give validation_split or "
                   "validation_dataset, or monitor cost");
}

/* true and {} are the defaults, false is none. */
static bool stopping_decode(const struct json_slot *slot, struct job_spec *spec,
                            struct err *e) {
    const struct json_bounds not_negative = {.max = DBL_MAX};
    struct job_early_stopping *stopping = &spec->early_stopping;
    struct json_slot slots[MEMBERS_N];
    if (!slot->value || json_is_false(slot->value))
        return true;
    *stopping = stopping_default(spec);
    if (json_is_true(slot->value))
        return true;
    if (!json_is_object(slot->value))
        return err_set(e, ERR_INVALID, slot->path,
                       "expected true, false or an object, got %s",
                       json_kind(slot->value));
    return json_match(slot->value, members, MEMBERS_N, slot->path, slots, e) &&
           monitor_decode(&slots[MONITOR], spec, e) &&
           json_int(&slots[PATIENCE], 1, JOB_EPOCHS_MAX, &stopping->patience, e) &&
           json_double(&slots[MIN_DELTA], not_negative, &stopping->min_delta, e) &&
           json_bool(&slots[RESTORE_BEST], &stopping->restore_best, e);
}

bool job_control_decode(const struct json_slot *slots, struct job_spec *spec,
                        struct err *e) {
    const struct json_bounds cost = {.max = DBL_MAX},
                             runtime = {.max = RUNTIME_SECONDS_MAX},
                             checkpoint = {.min = CHECKPOINT_SECONDS_MIN,
                                           .max = CHECKPOINT_SECONDS_MAX};
    spec->monitor = validated(spec) ? JOB_MONITOR_VALIDATION_COST : JOB_MONITOR_COST;
    spec->checkpoint_seconds = CHECKPOINT_SECONDS;
    spec->target_cost_given = slots[KEY_TARGET_COST].value;
    return stopping_decode(&slots[KEY_EARLY_STOPPING], spec, e) &&
           json_double(&slots[KEY_TARGET_COST], cost, &spec->target_cost, e) &&
           json_double(&slots[KEY_MAX_RUNTIME_SECONDS], runtime,
                       &spec->max_runtime_seconds, e) &&
           json_double(&slots[KEY_CHECKPOINT_SECONDS], checkpoint,
                       &spec->checkpoint_seconds, e) &&
           json_int(&slots[KEY_PRIORITY], JOB_PRIORITY_MIN, JOB_PRIORITY_MAX,
                    &spec->priority, e) &&
           json_int(&slots[KEY_THREADS], 1, JOB_THREADS_MAX, &spec->threads, e);
}

static void stopping_encode(const struct job_spec *spec, struct text *out) {
    const struct job_early_stopping *stopping = &spec->early_stopping;
    if (!stopping->on) {
        text_json_bool(out, false);
        return;
    }
    text_open(out, '{');
    text_key(out, members[MONITOR].name);
    text_json_string(out, monitors[spec->monitor].name);
    text_key(out, members[PATIENCE].name);
    text_json_int(out, stopping->patience);
    text_key(out, members[MIN_DELTA].name);
    text_json_double(out, stopping->min_delta);
    text_key(out, members[RESTORE_BEST].name);
    text_json_bool(out, stopping->restore_best);
    text_close(out, '}');
}

void job_control_encode(const struct job_spec *spec, struct text *out) {
    text_key(out, "early_stopping");
    stopping_encode(spec, out);
    if (spec->target_cost_given) {
        text_key(out, "target_cost");
        text_json_double(out, spec->target_cost);
    }
    if (spec->max_runtime_seconds > 0) {
        text_key(out, "max_runtime_seconds");
        text_json_double(out, spec->max_runtime_seconds);
    }
    if (spec->checkpoint_seconds > 0) {
        text_key(out, "checkpoint_seconds");
        text_json_double(out, spec->checkpoint_seconds);
    }
    text_key(out, "priority");
    text_json_int(out, spec->priority);
}
