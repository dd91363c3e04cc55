#include "api/job_document.h"

#include <math.h>
#include <string.h>

#include "api/json.h"

static const double CALENDAR_MS = 1e14; /* an end that is further off is no date */

/* Rounded to a thousandth: a rate or a duration says no more. */
static void member_rounded(struct text *out, const char *key, double value, bool known) {
    text_key(out, key);
    if (known)
        text_json_double(out, round(value * 1000) / 1000);
    else
        text_json_null(out);
}

/* The bound on its training time that the job was given; 0: none. */
static double runtime_max(const char *hyperparameters) {
    struct err ignored = {0};
    json_t *root = json_read(hyperparameters, strlen(hyperparameters), &ignored);
    double seconds = json_number_value(json_object_get(root, "max_runtime_seconds"));
    json_decref(root);
    return seconds;
}

/* Milliseconds that it will go on for at `rate` epochs a second. */
static double left_ms(const struct job_view *job, double rate) {
    double left = ((double)job->epochs - job->epochs_done) / rate;
    double bound = runtime_max(job->hyperparameters);
    if (bound > 0 && left > bound - job->training_seconds)
        left = fmax(0, bound - job->training_seconds);
    return left * 1000;
}

/* Of what was to be done; where that was nothing, the end is all. */
static double share_done(const struct job_view *job) {
    return job->epochs ? job->epochs_done / (double)job->epochs
                       : strcmp(job->status, "succeeded") == 0;
}

/* Progress, speed and the end that follows from them. */
static void pace_encode(const struct job_view *job, struct text *out) {
    bool moving = job->epochs_done > 0 && job->training_seconds > 0;
    double rate = moving ? job->epochs_done / job->training_seconds : 0;
    text_member_double(out, "progress", round(share_done(job) * 1e6) / 1e6);
    text_member_int(out, "epoch", (int64_t)floor(job->epochs_done));
    text_member_int(out, "epochs", job->epochs);
    text_member_double(out, "cost", job->cost_known ? job->cost : (double)NAN);
    member_rounded(out, "epochs_per_second", rate, moving);
    member_rounded(out, "training_seconds", job->training_seconds, job->started_ms != 0);
    double left = job->running && moving ? left_ms(job, rate) : 0;
    bool known = job->running && moving && left < CALENDAR_MS;
    text_member_time(out, "estimated_finish", known ? job->now_ms + (int64_t)left : 0);
}

static void error_encode(const struct job_view *job, struct text *out) {
    text_key(out, "error");
    if (!job->error_code[0]) {
        text_json_null(out);
        return;
    }
    text_open(out, '{');
    text_member_string(out, "code", job->error_code);
    text_member_string(out, "message", job->error_text);
    text_key(out, "epoch");
    if (job->error_epoch >= 0)
        text_json_int(out, job->error_epoch);
    else
        text_json_null(out);
    text_close(out, '}');
}

void job_document_encode(const struct job_view *job, struct text *out) {
    text_open(out, '{');
    text_member_string(out, "object", "job");
    text_member_string(out, "id", job->id);
    text_member_string(out, "model", job->model);
    text_member_string(out, "status", job->status);
    text_member_time(out, "created_at", job->created_ms);
    text_member_time(out, "started_at", job->started_ms);
    text_member_time(out, "finished_at", job->finished_ms);
    pace_encode(job, out);
    text_member_bool(out, "cancel_requested", job->cancel_requested);
    text_member_bool(out, "pause_requested", job->pause_requested);
    text_member_int(out, "priority", job->priority);
    text_member_int(out, "attempts", job->attempts);
    text_member_count(out, "checkpoint", job->checkpoint);
    text_member_count(out, "memory_bytes", job->memory_bytes);
    text_member_count(out, "threads", job->threads);
    text_member_string(out, "stop_reason", job->stop_reason);
    text_key(out, "hyperparameters");
    text_json_raw(out, job->hyperparameters);
    text_member_count(out, "model_version", job->model_version);
    error_encode(job, out);
    text_key(out, "metrics");
    text_json_raw(out, job->metrics);
    text_key(out, "warnings");
    text_json_raw(out, job->warnings ? job->warnings : "[]");
    text_key(out, "metadata");
    text_json_raw(out, job->metadata);
    text_close(out, '}');
}

void history_encode(const struct curve_point *points, size_t n, struct text *out) {
    for (size_t i = 0; i < n; i++) {
        text_open(out, '{');
        text_member_int(out, "epoch", points[i].epoch);
        text_member_double(out, "cost", points[i].cost);
        if (isfinite(points[i].validation_cost))
            text_member_double(out, "validation_cost", points[i].validation_cost);
        text_close(out, '}');
    }
}
