/* POST /predict */
#include "server/handlers.h"

#include "api/predict_csv.h"
#include "server/http_accept.h"
#include "server/http_head.h"

static const char type_csv[] = "text/csv";

/* The body as rows, or what waits for the model; the model from either the body or the
 * query. */
static bool decode(void *state, const struct http_request *request,
                   struct predict_ask *ask, struct err *e) {
    struct predict_request *decoded = state;
    const char *model = http_query_text(request, "model");
    struct model_ref ref = {0};
    if (model && !model_ref_parse(model, "model", &ref, e))
        return false;
    if (http_head_media_is(request->content_type, type_csv))
        predict_decode_csv(request->body, request->body_n, request->content_type,
                           decoded);
    else if (!predict_decode(request->body, request->body_n, decoded, e))
        return false;
    if (model && decoded->model.name[0])
        return err_set(e, ERR_INVALID, "model", "stands in the body too");
    ask->model = model ? ref : decoded->model;
    ask->model_where = decoded->csv || model ? "model" : "/model";
    ask->rows_max = predict_rows_bound(decoded);
    if (!http_query_int(request, "min_version", 1, INT64_MAX, &ask->version_min, e))
        return false;
    return !ask->model.version || ask->model.version >= ask->version_min ||
           err_set(e, ERR_INVALID, "min_version", "the request names version %lld",
                   (long long)ask->model.version);
}

static bool rows(void *state, const struct served *served, struct predict_input *in,
                 struct err *e) {
    struct predict_request *decoded = state;
    if (!predict_rows(decoded, served->model, e))
        return false;
    *in = (struct predict_input){decoded->instances.values, decoded->instances.rows_n};
    return true;
}

static bool encode(void *state, const struct predict_output *out,
                   const struct http_request *request, struct http_reply *reply,
                   struct err *e) {
    const struct served *served = out->served;
    (void)state;
    if (!http_accept_prefers(request->accept, type_csv, "application/json"))
        return predict_encode(served->model, served->name, served->version, out->Y,
                              out->m, &reply->body, e);
    reply->type = "text/csv; charset=utf-8; header=present";
    return predict_encode_csv(served->model, out->Y, out->m, &reply->body, e);
}

static void state_free(void *state) {
    predict_request_free(state);
}

static const struct predict_dialect dialect = {
    .state_n = sizeof(struct predict_request),
    .decode = decode,
    .rows = rows,
    .encode = encode,
    .free = state_free,
};

bool handle_predict(void *subsystem, struct store *store,
                    const struct http_request *request, struct http_reply *reply,
                    struct err *e) {
    return predictor_handle(subsystem, &dialect, store, request, reply, e);
}
