#include "api/job_event.h"

#include <stdlib.h>
#include <string.h>

#include "api/json.h"

void job_event_status(const char *status, struct text *out) {
    text_open(out, '{');
    text_key(out, "status");
    text_json_string(out, status);
    text_close(out, '}');
}

void checkpoint_document_encode(const struct checkpoint_view *c, struct text *out) {
    text_open(out, '{');
    text_key(out, "number");
    text_json_int(out, c->number);
    text_key(out, "epoch");
    text_json_int(out, c->epoch);
    text_key(out, "epochs_done");
    text_json_double(out, c->epochs_done);
    text_key(out, "cost");
    text_json_double(out, c->cost);
    text_key(out, "validation_cost");
    text_json_double(out, c->validation_cost);
    text_key(out, "best");
    text_json_bool(out, c->best);
    text_key(out, "resumable");
    text_json_bool(out, c->resumable);
    text_key(out, "bytes");
    text_json_int(out, c->bytes);
    text_key(out, "created_at");
    text_json_time(out, c->created_ms);
    text_close(out, '}');
}

static void error_encode(const struct done_view *done, struct text *out) {
    text_open(out, '{');
    text_key(out, "code");
    text_json_string(out, done->error_code);
    text_key(out, "message");
    text_json_string(out, done->error_text);
    text_key(out, "epoch");
    if (done->error_epoch >= 0)
        text_json_int(out, done->error_epoch);
    else
        text_json_null(out);
    text_close(out, '}');
}

void job_event_done(const struct done_view *done, struct text *out) {
    text_open(out, '{');
    text_key(out, "status");
    text_json_string(out, done->status);
    text_key(out, "stop_reason");
    text_json_string(out, done->stop_reason);
    text_key(out, "model_version");
    if (done->model_version)
        text_json_int(out, done->model_version);
    else
        text_json_null(out);
    text_key(out, "error");
    if (*done->error_code)
        error_encode(done, out);
    else
        text_json_null(out);
    text_close(out, '}');
}

/* ---- warnings ------------------------------------------------------------------- */

static json_t *array_read(const char *text, struct err *e) {
    if (!text)
        text = "[]";
    json_t *array = json_read(text, strlen(text), e);
    if (!array || json_is_array(array))
        return array;
    err_set(e, ERR_INVALID, NULL, "warnings: expected an array, got %s",
            json_kind(array));
    json_decref(array);
    return NULL;
}

static bool array_holds(const json_t *array, const json_t *wanted) {
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_equal(json_array_get(array, i), wanted))
            return true;
    return false;
}

static char *warning_document(const json_t *warning) {
    if (json_is_object(warning))
        return json_dumps(warning, JSON_COMPACT);
    struct text text = {0};
    text_open(&text, '{');
    text_key(&text, "message");
    text_json_string(&text, json_string_value(warning));
    text_close(&text, '}');
    return text_take(&text);
}

static bool fresh_collect(const json_t *before, const json_t *after, char **documents,
                          size_t *n) {
    for (size_t i = 0; i < json_array_size(after); i++) {
        const json_t *warning = json_array_get(after, i);
        if (array_holds(before, warning))
            continue;
        documents[*n] = warning_document(warning);
        if (!documents[*n])
            return false;
        ++*n;
    }
    return true;
}

bool job_event_warnings(const char *before, const char *after, char ***documents,
                        size_t *n, struct err *e) {
    *documents = NULL;
    *n = 0;
    json_t *old = array_read(before, e);
    json_t *new = old ? array_read(after, e) : NULL;
    bool ok = new;
    if (ok) {
        *documents = calloc(json_array_size(new) + 1, sizeof **documents);
        ok = (*documents && fresh_collect(old, new, *documents, n)) ||
             err_set(e, ERR_NO_MEMORY, NULL, "no memory for the warnings");
    }
    json_decref(old);
    json_decref(new);
    if (ok)
        return true;
    job_event_warnings_free(*documents, *n);
    *documents = NULL;
    *n = 0;
    return false;
}

void job_event_warnings_free(char **documents, size_t n) {
    for (size_t i = 0; documents && i < n; i++)
        free(documents[i]);
    free(documents);
}

char *job_warnings_add(const char *before, const char *warning, struct err *e) {
    json_t *array = array_read(before, e);
    if (!array)
        return NULL;
    char *after = NULL;
    if (json_array_append_new(array, json_string(warning)) == 0)
        after = json_dumps(array, JSON_COMPACT);
    if (!after)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the warnings");
    json_decref(array);
    return after;
}
