/* POST /predict */
#include "server/handlers.h"

#include "api/array.h"
#include "api/predict_csv.h"
#include "server/http_accept.h"

/* The forms of bodies and answers; the first is the usual one. */
enum form { FORM_JSON, FORM_CSV, FORM_NPY, FORM_RAW, FORMS_N };
static const char *const types[FORMS_N] = {
    [FORM_JSON] = "application/json",
    [FORM_CSV] = "text/csv",
    [FORM_NPY] = "application/x-npy",
    [FORM_RAW] = "application/octet-stream",
};

/* A request: a text, or an array and its rows. */
struct predict_state {
    enum form form;
    struct predict_request text;
    struct array array;
    struct tensor_rows rows;
};

/* Of a body that is still to come there is but an empty text, and no length counts. */
static bool is_npy(const struct http_request *request) {
    return request->body[0] && array_is_npy(request->body, request->body_n);
}

static enum form form_of(const struct http_request *request) {
    enum http_media media = request->media;
    return media == MEDIA_CSV     ? FORM_CSV
           : media == MEDIA_NPY   ? FORM_NPY
           : media == MEDIA_BYTES ? is_npy(request) ? FORM_NPY : FORM_RAW
                                  : FORM_JSON;
}

/* The body as rows, or what waits for the model. */
static bool body_decode(struct predict_state *s, const struct http_request *request,
                        struct predict_ask *ask, struct err *e) {
    const char *body = request->body;
    size_t n = request->body_n;
    switch (s->form) {
    case FORM_NPY:
        if (!array_decode_npy(body, n, &s->array, e))
            return false;
        ask->rows_max = tensor_rows_bound(&s->array.tensor);
        return true;
    case FORM_RAW:
        array_decode_raw(body, n, &s->array);
        ask->numbers = n / sizeof(float);
        return true;
    case FORM_CSV:
        predict_decode_csv(body, n, request->content_type, &s->text);
        break;
    default:
        if (!predict_decode(body, n, &s->text, e))
            return false;
    }
    ask->rows_max = predict_rows_bound(&s->text);
    return true;
}

/* The model stands in either a JSON body or the query. */
static bool decode(void *state, const struct http_request *request,
                   struct predict_ask *ask, struct err *e) {
    struct predict_state *s = state;
    const char *model = http_query_text(request, "model");
    struct model_ref ref = {0};
    s->form = form_of(request);
    if ((model && !model_ref_parse(model, "model", &ref, e)) ||
        !body_decode(s, request, ask, e))
        return false;
    if (model && s->text.model.name[0])
        return err_set(e, ERR_INVALID, "model", "stands in the body too");
    ask->model = model ? ref : s->text.model;
    ask->model_where = s->form != FORM_JSON || model ? "model" : "/model";
    if (!http_query_int(request, "min_version", 1, INT64_MAX, &ask->version_min, e))
        return false;
    return !ask->model.version || ask->model.version >= ask->version_min ||
           err_set(e, ERR_INVALID, "min_version", "the request names version %lld",
                   (long long)ask->model.version);
}

static bool rows(void *state, const struct served *served, struct predict_input *in,
                 struct err *e) {
    struct predict_state *s = state;
    if (s->form == FORM_NPY || s->form == FORM_RAW) {
        if (!array_rows(&s->array, served->model, &s->rows, e))
            return false;
        *in = (struct predict_input){s->rows.X, s->rows.m};
        return true;
    }
    if (!predict_rows(&s->text, served->model, e))
        return false;
    *in = (struct predict_input){s->text.instances.values, s->text.instances.rows_n};
    return true;
}

static bool encode(void *state, const struct predict_output *out,
                   const struct http_request *request, struct http_reply *reply,
                   struct err *e) {
    const struct served *served = out->served;
    enum form form = (enum form)http_accept_best(request->accept, types, FORMS_N);
    (void)state;
    if (form == FORM_JSON)
        return predict_encode(served->model, served->frame, out->Y, out->m, &reply->body,
                              e);
    reply->type =
        form == FORM_CSV ? "text/csv; charset=utf-8; header=present" : types[form];
    return form == FORM_CSV
               ? predict_encode_csv(served->model, out->Y, out->m, &reply->body, e)
               : array_encode(form == FORM_NPY ? ARRAY_NPY : ARRAY_RAW, served->model,
                              out->Y, out->m, &reply->body, e);
}

static void state_free(void *state) {
    struct predict_state *s = state;
    predict_request_free(&s->text);
    tensor_rows_free(&s->rows);
    array_free(&s->array);
}

static bool pieces_expects(const struct http_request *request) {
    return request->media == MEDIA_BYTES;
}

static bool pieces_rows(void *state, const struct served *served,
                        const struct tensor_piece *piece, struct predict_input *in,
                        struct err *e) {
    struct predict_state *s = state;
    tensor_rows_free(&s->rows);
    array_decode_piece(piece, &s->array);
    return rows(s, served, in, e);
}

static const struct predict_pieces in_pieces = {pieces_expects, array_row_bytes,
                                                pieces_rows};

static const struct predict_dialect dialect = {
    .state_n = sizeof(struct predict_state),
    .decode = decode,
    .rows = rows,
    .encode = encode,
    .free = state_free,
    .pieces = &in_pieces,
};

static bool intake_open(void *subsystem, const struct http_request *request,
                        struct http_pieces *pieces, struct http_reply *reply) {
    return predictor_begin(subsystem, &dialect, request, pieces, reply);
}

/* Files of NumPy are sent as bytes by many. */
static bool declines(const struct http_request *request, const char *bytes, size_t n) {
    (void)request;
    return array_is_npy(bytes, n);
}

const struct http_intake predict_intake = {intake_open, predictor_piece, declines};

bool handle_predict(void *subsystem, struct store *store,
                    const struct http_request *request, struct http_reply *reply,
                    struct err *e) {
    return predictor_handle(subsystem, &dialect, store, request, reply, e);
}
