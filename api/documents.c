#include "api/documents.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/columns.h"
#include "api/encoder_document.h"

enum { COLUMNS_COUNTED_MAX = 100 };

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

static void model_layers_encode(const struct net *net, struct text *out) {
    text_open(out, '[');
    for (size_t l = 0; l < net->layers_n; l++)
        job_layer_encode(&net->layers[l].shape, out);
    text_close(out, ']');
}

/* Columns without names are numbers under their places; of many of those it is enough to
 * say how many inputs there are. */
static void model_columns_encode(const struct model *model, struct text *out) {
    struct columns columns = columns_of_model(model);
    if (!columns_named(&columns) && columns.n > COLUMNS_COUNTED_MAX)
        return;
    if (columns_named(&columns)) {
        encoder_document_members(&model->encoder, out);
        return;
    }
    text_key(out, "columns");
    text_open(out, '[');
    for (size_t i = 0; i < columns.n; i++) {
        char number[COLUMNS_NUMBER_BYTES];
        text_open(out, '{');
        text_member_string(out, "name", columns_name(&columns, i, number));
        text_member_string(out, "type", "number");
        text_member_string(out, "missing", "error");
        text_close(out, '}');
    }
    text_close(out, ']');
}

void version_facts_encode(const struct model *model,
                          const struct version_training *training, struct text *out) {
    text_open(out, '{');
    text_member_string(out, "task", task_name(model->task));
    text_member_int(out, "inputs", (int64_t)model->net->inputs_n);
    text_key(out, "layers");
    model_layers_encode(model->net, out);
    text_member_int(out, "parameters", (int64_t)model->net->parameters_n);
    text_member_string(out, "normalize", normalize_name(model->transform.kind));
    text_member_string(out, "loss", loss_name(model->loss));
    if (model->labels.n) {
        text_key(out, "classes");
        job_labels_encode(&model->labels, out);
    }
    model_columns_encode(model, out);
    text_key(out, "cost");
    if (training)
        text_json_double(out, training->cost);
    else
        text_json_null(out);
    text_key(out, "epochs");
    if (training)
        text_json_int(out, training->epochs);
    else
        text_json_null(out);
    if (training && training->spec->table.dataset[0]) {
        text_member_string(out, "dataset", training->spec->table.dataset);
        text_member_int(out, "dataset_revision", training->spec->table.revision);
    }
    text_key(out, "metrics");
    text_json_raw(out, training ? training->metrics : NULL);
    text_close(out, '}');
}

static void version_members(const struct version_view *version, struct text *out) {
    text_member_string(out, "object", "model");
    text_member_string(out, "model", version->model);
    text_member_int(out, "version", version->version);
    text_member_time(out, "created_at", version->created_ms);
    text_member_string(out, "job", version->job_id);
    text_member_string(out, "sha256", version->sha256);
    text_member_int(out, "bytes", version->bytes);
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
    text_member_string(out, "object", "alias");
    text_member_string(out, "model", alias->model);
    text_member_string(out, "alias", alias->alias);
    text_member_int(out, "version", alias->version);
    text_member_int(out, "change", alias->change);
    text_member_time(out, "changed_at", alias->changed_ms);
    text_close(out, '}');
}

/* As GET /v1/models/NAME of TensorFlow Serving: every version that there is can be asked
 * for. */
static void version_status_encode(int64_t version, struct text *out) {
    char number[24];
    snprintf(number, sizeof number, "%" PRId64, version);
    text_open(out, '{');
    text_member_string(out, "version", number);
    text_member_string(out, "state", "AVAILABLE");
    text_key(out, "status");
    text_open(out, '{');
    text_member_string(out, "error_code", "OK");
    text_key(out, "error_message");
    text_json_string(out, "");
    text_close(out, '}');
    text_close(out, '}');
}

static void statuses_encode(const int64_t *versions, size_t n, struct text *out) {
    text_key(out, "model_version_status");
    text_open(out, '[');
    for (size_t i = 0; i < n; i++)
        version_status_encode(versions[i], out);
    text_close(out, ']');
}

void version_status_document_encode(const struct version_view *version,
                                    struct text *out) {
    text_open(out, '{');
    version_members(version, out);
    statuses_encode(&version->version, 1, out);
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
        text_member_int(out, model->aliases[i].alias, model->aliases[i].version);
    text_close(out, '}');
    statuses_encode(model->versions, model->versions_n, out);
    text_close(out, '}');
}
