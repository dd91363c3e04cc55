#include "api/documents.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/encoder_document.h"

void list_open(struct text *out) {
    text_open(out, '{');
    text_key(out, "object");
    text_json_string(out, "list");
    text_key(out, "data");
    text_open(out, '[');
}

void list_close(struct text *out, bool has_more) {
    text_close(out, ']');
    text_key(out, "has_more");
    text_json_bool(out, has_more);
    text_close(out, '}');
    text_string(out, "\n");
}

static void member_string(struct text *out, const char *key, const char *value) {
    text_key(out, key);
    text_json_string(out, value && *value ? value : NULL);
}

static void member_int(struct text *out, const char *key, int64_t value) {
    text_key(out, key);
    text_json_int(out, value);
}

static void member_time(struct text *out, const char *key, int64_t ms) {
    text_key(out, key);
    text_json_time(out, ms);
}

/* Rounded to a thousandth: a rate or a duration says no more. */
static void member_rounded(struct text *out, const char *key, double value, bool known) {
    text_key(out, key);
    if (known)
        text_json_double(out, round(value * 1000) / 1000);
    else
        text_json_null(out);
}

/* Progress, speed and the end that follows from them. */
static void pace_encode(const struct job_view *job, struct text *out) {
    double share = job->epochs ? job->epochs_done / (double)job->epochs : 0;
    bool moving = job->epochs_done > 0 && job->training_seconds > 0;
    double rate = moving ? job->epochs_done / job->training_seconds : 0;
    text_key(out, "progress");
    text_json_double(out, round(share * 1e6) / 1e6);
    member_int(out, "epoch", (int64_t)floor(job->epochs_done));
    member_int(out, "epochs", job->epochs);
    text_key(out, "cost");
    if (job->cost_known)
        text_json_double(out, job->cost);
    else
        text_json_null(out);
    member_rounded(out, "epochs_per_second", rate, moving);
    member_rounded(out, "training_seconds", job->training_seconds, job->started_ms != 0);
    double left_ms = moving ? ((double)job->epochs - job->epochs_done) / rate * 1000 : 0;
    bool known = job->running && moving && left_ms < 1e14;
    member_time(out, "estimated_finish", known ? job->now_ms + (int64_t)left_ms : 0);
}

static void error_encode(const struct job_view *job, struct text *out) {
    text_key(out, "error");
    if (!job->error_code[0]) {
        text_json_null(out);
        return;
    }
    text_open(out, '{');
    member_string(out, "code", job->error_code);
    member_string(out, "message", job->error_text);
    text_key(out, "epoch");
    if (job->error_epoch >= 0)
        text_json_int(out, job->error_epoch);
    else
        text_json_null(out);
    text_close(out, '}');
}

void job_document_encode(const struct job_view *job, struct text *out) {
    text_open(out, '{');
    member_string(out, "object", "job");
    member_string(out, "id", job->id);
    member_string(out, "model", job->model);
    member_string(out, "status", job->status);
    member_time(out, "created_at", job->created_ms);
    member_time(out, "started_at", job->started_ms);
    member_time(out, "finished_at", job->finished_ms);
    pace_encode(job, out);
    text_key(out, "cancel_requested");
    text_json_bool(out, job->cancel_requested);
    member_string(out, "stop_reason", job->stop_reason);
    text_key(out, "hyperparameters");
    text_json_raw(out, job->hyperparameters);
    text_key(out, "model_version");
    if (job->model_version)
        text_json_int(out, job->model_version);
    else
        text_json_null(out);
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
        member_int(out, "epoch", points[i].epoch);
        text_key(out, "cost");
        text_json_double(out, points[i].cost);
        if (isfinite(points[i].validation_cost)) {
            text_key(out, "validation_cost");
            text_json_double(out, points[i].validation_cost);
        }
        text_close(out, '}');
    }
}

static void model_layers_encode(const struct net *net, struct text *out) {
    text_open(out, '[');
    for (size_t l = 0; l < net->layers_n; l++)
        job_layer_encode(&net->layers[l].shape, out);
    text_close(out, ']');
}

void version_facts_encode(const struct model *model,
                          const struct version_training *training, struct text *out) {
    text_open(out, '{');
    member_string(out, "task", task_name(model->task));
    member_int(out, "inputs", (int64_t)model->net->inputs_n);
    text_key(out, "layers");
    model_layers_encode(model->net, out);
    member_int(out, "parameters", (int64_t)model->net->parameters_n);
    member_string(out, "normalize", normalize_name(model->transform.kind));
    member_string(out, "loss", loss_name(model->loss));
    if (model->labels.n) {
        text_key(out, "classes");
        job_labels_encode(&model->labels, out);
    }
    if (model->encoder.columns_n) {
        text_key(out, "columns");
        encoder_document_encode(&model->encoder, out);
    }
    text_key(out, "cost");
    if (training)
        text_json_double(out, training->cost);
    else
        text_json_null(out);
    text_key(out, "epochs");
    if (training)
        text_json_int(out, training->spec->epochs);
    else
        text_json_null(out);
    if (training && training->spec->table.dataset[0]) {
        member_string(out, "dataset", training->spec->table.dataset);
        member_int(out, "dataset_revision", training->spec->table.revision);
    }
    text_key(out, "metrics");
    text_json_raw(out, training ? training->metrics : NULL);
    text_close(out, '}');
}

static void version_members(const struct version_view *version, struct text *out) {
    member_string(out, "object", "model");
    member_string(out, "model", version->model);
    member_int(out, "version", version->version);
    member_time(out, "created_at", version->created_ms);
    member_string(out, "job", version->job_id);
    member_string(out, "sha256", version->sha256);
    member_int(out, "bytes", version->bytes);
    /* The facts are an object of ours: its members go on behind these. */
    size_t n = strlen(version->facts);
    if (n > 2) {
        text_bytes(out, ",", 1);
        text_bytes(out, version->facts + 1, n - 2);
    }
}

void version_document_encode(const struct version_view *version, struct text *out) {
    text_open(out, '{');
    version_members(version, out);
    text_close(out, '}');
}

void alias_document_encode(const struct alias_view *alias, struct text *out) {
    text_open(out, '{');
    member_string(out, "object", "alias");
    member_string(out, "model", alias->model);
    member_string(out, "alias", alias->alias);
    member_int(out, "version", alias->version);
    member_int(out, "change", alias->change);
    member_time(out, "changed_at", alias->changed_ms);
    text_close(out, '}');
}

/* As GET /v1/models/NAME of TensorFlow Serving: every version that there is can be asked
 * for. */
static void version_status_encode(int64_t version, struct text *out) {
    char number[24];
    snprintf(number, sizeof number, "%" PRId64, version);
    text_open(out, '{');
    member_string(out, "version", number);
    member_string(out, "state", "AVAILABLE");
    text_key(out, "status");
    text_open(out, '{');
    member_string(out, "error_code", "OK");
    text_key(out, "error_message");
    text_json_string(out, "");
    text_close(out, '}');
    text_close(out, '}');
}

void model_document_encode(const struct model_view *model, struct text *out) {
    text_open(out, '{');
    version_members(&model->latest, out);
    text_key(out, "versions");
    text_open(out, '[');
    for (size_t i = 0; i < model->versions_n; i++)
        text_json_int(out, model->versions[i]);
    text_close(out, ']');
    text_key(out, "aliases");
    text_open(out, '{');
    for (size_t i = 0; i < model->aliases_n; i++)
        member_int(out, model->aliases[i].alias, model->aliases[i].version);
    text_close(out, '}');
    text_key(out, "model_version_status");
    text_open(out, '[');
    for (size_t i = 0; i < model->versions_n; i++)
        version_status_encode(model->versions[i], out);
    text_close(out, ']');
    text_close(out, '}');
}
