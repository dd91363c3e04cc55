/* POST /invocations, as MLflow's and SageMaker's clients send it */
#include "server/handlers.h"

#include "api/invocations.h"
#include "server/http_accept.h"

/* The model is the default one, or the only one. */
static bool decode(void *state, const struct http_request *request,
                   struct predict_ask *ask, struct err *e) {
    struct invocation *decoded = state;
    ask->model_where = "model";
    if (request->media == MEDIA_CSV)
        invocation_decode_csv(request->body, request->body_n, request->content_type,
                              decoded);
    else if (!invocation_decode(request->body, request->body_n, decoded, e))
        return false;
    ask->rows_max = predict_rows_bound(&decoded->rows);
    return true;
}

static bool rows(void *state, const struct served *served, struct predict_input *in,
                 struct err *e) {
    struct invocation *decoded = state;
    const struct rows *instances = &decoded->rows.instances;
    if (!invocation_rows(decoded, served->model, e))
        return false;
    *in = (struct predict_input){instances->values, instances->rows_n};
    return true;
}

/* The type of CSV has no parameter here: a client of SageMaker's compares it whole. */
static bool encode(void *state, const struct predict_output *out,
                   const struct http_request *request, struct http_reply *reply,
                   struct err *e) {
    static const char type_csv[] = "text/csv";
    const struct model *model = out->served->model;
    if (!http_accept_prefers(request->accept, type_csv, "application/json"))
        return invocation_encode(state, model, out->Y, out->m, &reply->body, e);
    reply->type = type_csv;
    return invocation_encode_csv(state, model, out->Y, out->m, &reply->body, e);
}

static void state_free(void *state) {
    invocation_free(state);
}

static const struct predict_dialect dialect = {
    .state_n = sizeof(struct invocation),
    .decode = decode,
    .rows = rows,
    .encode = encode,
    .free = state_free,
};

bool handle_invocations(void *subsystem, struct store *store,
                        const struct http_request *request, struct http_reply *reply,
                        struct err *e) {
    return predictor_handle(subsystem, &dialect, store, request, reply, e);
}
