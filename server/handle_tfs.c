/* TensorFlow Serving's :predict, :classify and :regress, status by label, and metadata */
#include "server/handlers.h"

#include <stdio.h>
#include <string.h>

#include "api/documents.h"
#include "api/tfs.h"

/* The model that the path names: .../{name}, with /versions/{version} or /labels/{label}
 * behind it. Labels are aliases. */
static bool path_model(const struct http_request *request, struct model_ref *ref,
                       struct err *e) {
    const char *name = request->parameters[0], *which = request->parameters[1];
    bool versions =
        request->segments_n > 3 && strcmp(request->segments[3], "versions") == 0;
    bool labels = request->segments_n > 3 && strcmp(request->segments[3], "labels") == 0;
    *ref = (struct model_ref){0};
    if (!model_name_check(name, e))
        return false;
    snprintf(ref->name, sizeof ref->name, "%s", name);
    if (versions)
        return model_version_read(which, &ref->version, e);
    if (!labels || strcmp(which, "latest") == 0)
        return true;
    if (!model_alias_valid(which))
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no label \"%.60s\" of \"%.60s\"",
                       which, name);
    snprintf(ref->alias, sizeof ref->alias, "%s", which);
    return true;
}

/* ---- predictions ---------------------------------------------------------------- */

static bool decode(void *state, const struct http_request *request,
                   struct predict_ask *ask, struct err *e) {
    struct tfs_request *decoded = state;
    enum tfs_verb verb;
    ask->model_where = "";
    if (!request->verb || !tfs_verb_find(request->verb, &verb))
        return err_set(e, ERR_INTERNAL, NULL, "a route without its verb");
    if (!path_model(request, &ask->model, e) ||
        !tfs_decode(verb, request->body, request->body_n, decoded, e))
        return false;
    ask->rows_max = predict_rows_bound(&decoded->rows);
    return true;
}

static bool rows(void *state, const struct served *served, struct predict_input *in,
                 struct err *e) {
    struct tfs_request *decoded = state;
    const struct rows *instances = &decoded->rows.instances;
    if (!tfs_rows(decoded, served->model, e))
        return false;
    *in = (struct predict_input){instances->values, instances->rows_n};
    return true;
}

static bool encode(void *state, const struct predict_output *out,
                   const struct http_request *request, struct http_reply *reply,
                   struct err *e) {
    (void)request;
    return tfs_encode(state, out->served->model, out->Y, out->m, &reply->body, e);
}

static void state_free(void *state) {
    tfs_request_free(state);
}

static const struct predict_dialect dialect = {
    .state_n = sizeof(struct tfs_request),
    .decode = decode,
    .rows = rows,
    .encode = encode,
    .free = state_free,
};

bool handle_tfs(void *subsystem, struct store *store, const struct http_request *request,
                struct http_reply *reply, struct err *e) {
    return predictor_handle(subsystem, &dialect, store, request, reply, e);
}

/* ---- what there is -------------------------------------------------------------- */

bool handle_labels_get(void *subsystem, struct store *store,
                       const struct http_request *request, struct http_reply *reply,
                       struct err *e) {
    struct model_ref ref;
    struct store_version v;
    (void)subsystem;
    if (!path_model(request, &ref, e) || !model_version_get(store, request, &v, e))
        return false;
    model_document_reply(&v, reply);
    return true;
}

bool handle_metadata(void *subsystem, struct store *store,
                     const struct http_request *request, struct http_reply *reply,
                     struct err *e) {
    struct predictor *predictor = subsystem;
    struct model_ref ref;
    if (!path_model(request, &ref, e))
        return false;
    const struct served *served = registry_acquire(predictor->registry, &ref);
    if (!served)
        served = registry_load(predictor->registry, store, &ref, e);
    if (!served)
        return false;
    tfs_metadata_encode(served->model, served->name, served->version, &reply->body);
    registry_release(served);
    return true;
}
