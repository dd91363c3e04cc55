/* POST /invocations, as MLflow's and SageMaker's clients send it */
#include "server/handlers.h"

#include "api/array.h"
#include "api/invocations.h"
#include "server/http_accept.h"

/* The forms of answers; the first is the usual one. */
enum form { FORM_JSON, FORM_CSV, FORM_NPY, FORMS_N };
static const char *const types[FORMS_N] = {
    [FORM_JSON] = "application/json",
    [FORM_CSV] = "text/csv",
    [FORM_NPY] = "application/x-npy",
};

/* A request: a text, or an array and its rows. */
struct invocation_state {
    bool is_array;
    struct invocation text;
    struct array array;
    struct tensor_rows rows;
};

/* The model is the default one, or the only one. */
static bool decode(void *state, const struct http_request *request,
                   struct predict_ask *ask, struct err *e) {
    struct invocation_state *s = state;
    const char *body = request->body;
    size_t n = request->body_n;
    ask->model_where = "model";
    s->is_array = request->media == MEDIA_NPY;
    if (s->is_array) {
        bool ok = array_decode_npy(body, n, &s->array, e);
        ask->rows_max = ok ? tensor_rows_bound(&s->array.tensor) : 0;
        return ok;
    }
    if (request->media == MEDIA_CSV)
        invocation_decode_csv(body, n, request->content_type, &s->text);
    else if (!invocation_decode(body, n, &s->text, e))
        return false;
    ask->rows_max = predict_rows_bound(&s->text.rows);
    return true;
}

static bool rows(void *state, const struct served *served, struct predict_input *in,
                 struct err *e) {
    struct invocation_state *s = state;
    const struct rows *instances = &s->text.rows.instances;
    if (s->is_array ? !array_rows(&s->array, served->model, &s->rows, e)
                    : !invocation_rows(&s->text, served->model, e))
        return false;
    *in = s->is_array ? (struct predict_input){s->rows.X, s->rows.m}
                      : (struct predict_input){instances->values, instances->rows_n};
    return true;
}

/* The type of CSV has no parameter here: a client of SageMaker's compares it whole. */
static bool encode(void *state, const struct predict_output *out,
                   const struct http_request *request, struct http_reply *reply,
                   struct err *e) {
    const struct model *model = out->served->model;
    const struct invocation *text = &((struct invocation_state *)state)->text;
    enum form form = (enum form)http_accept_best(request->accept, types, FORMS_N);
    reply->type = form == FORM_JSON ? NULL : types[form];
    switch (form) {
    case FORM_CSV:
        return invocation_encode_csv(text, model, out->Y, out->m, &reply->body, e);
    case FORM_NPY:
        return array_encode(ARRAY_NPY, model, out->Y, out->m, &reply->body, e);
    default:
        return invocation_encode(text, model, out->Y, out->m, &reply->body, e);
    }
}

static void state_free(void *state) {
    struct invocation_state *s = state;
    invocation_free(&s->text);
    tensor_rows_free(&s->rows);
    array_free(&s->array);
}

static const struct predict_dialect dialect = {
    .state_n = sizeof(struct invocation_state),
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
