/* POST /v2/models/{name}[/versions/{version}]/infer */
#include "server/handle_oip.h"

#include <string.h>

#include "api/cursor.h"
#include "api/oip_response.h"
#include "server/handlers.h"

static const char header_length[] = "Inference-Header-Content-Length";

/* How documents begin, and rows of float32 hardly ever. */
static bool begins_document(const char *bytes, size_t n) {
    struct cursor c = {bytes, bytes, bytes + n};
    if (cursor_peek(&c) != '{')
        return false;
    c.at++;
    char next = cursor_peek(&c);
    return next == '"' || next == '}';
}

/* As rows never end: with a float32 of 1e37 or so, or an even odder one. Of a body that
 * is still to come there is but an empty text. */
static bool is_document(const char *bytes, size_t n) {
    if (!begins_document(bytes, n))
        return false;
    while (strchr(" \t\n\r", bytes[n - 1]) && bytes[n - 1])
        n--; /* not beyond the beginning's bracket */
    return bytes[n - 1] == '}';
}

/* How much of the body is its document. Without a word about it bytes are rows, unless
 * they are a document: some clients of HTTP say of every body that it is bytes. */
static bool document_length(const struct http_request *request, struct oip_body *body,
                            struct err *e) {
    const char *text = request->inference_header_n;
    size_t digits = text ? strspn(text, "0123456789") : 0, n = 0;
    if (!text) {
        body->raw = request->media == MEDIA_BYTES && !is_document(body->bytes, body->n);
        body->json_n = body->raw ? 0 : body->n;
        return true;
    }
    for (size_t i = 0; i < digits && digits <= 18; i++)
        n = n * 10 + (size_t)(text[i] - '0');
    if (!digits || digits > 18 || text[digits] || n > body->n)
        return err_set(e, ERR_INVALID, header_length,
                       "expected a number of at most %zu, the bytes of the body, got "
                       "\"%.40s\"",
                       body->n, text);
    body->json_n = n;
    body->raw = n == 0;
    return true;
}

static bool decode(void *state, const struct http_request *request,
                   struct predict_ask *ask, struct err *e) {
    struct oip_request *decoded = state;
    const char *version = request->parameters[1];
    struct oip_body body = {.bytes = request->body,
                            .n = request->body_n,
                            .model = request->parameters[0],
                            .version = version ? version : ""};
    if (!oip_ref_read(request, &ask->model, e) || !document_length(request, &body, e) ||
        !oip_request_decode(&body, decoded, e))
        return false;
    struct oip_size size = oip_request_size(decoded);
    ask->model_where = "model";
    ask->rows_max = size.rows_max;
    ask->numbers = size.numbers;
    ask->timeout_us = decoded->timeout_us;
    ask->timeout_where = "/parameters/timeout";
    return true;
}

static bool rows(void *state, const struct served *served, struct predict_input *in,
                 struct err *e) {
    struct oip_request *decoded = state;
    if (!oip_request_bind(decoded, served->model, e))
        return false;
    *in = (struct predict_input){decoded->rows.X, decoded->rows.m};
    return true;
}

static bool encode(void *state, const struct predict_output *out,
                   const struct http_request *request, struct http_reply *reply,
                   struct err *e) {
    const struct served *served = out->served;
    struct oip_predicted predicted = {served->model, served->name, served->version,
                                      out->Y, out->m};
    (void)request;
    if (!oip_response_encode(state, &predicted, &reply->body, &reply->inference_header_n,
                             e))
        return false;
    if (reply->inference_header_n)
        reply->type = "application/octet-stream";
    return true;
}

static void state_free(void *state) {
    oip_request_free(state);
}

static bool pieces_expects(const struct http_request *request) {
    const char *text = request->inference_header_n;
    return text ? strcmp(text, "0") == 0 : request->media == MEDIA_BYTES;
}

static bool pieces_rows(void *state, const struct served *served,
                        const struct tensor_piece *piece, struct predict_input *in,
                        struct err *e) {
    struct oip_request *decoded = state;
    if (!oip_request_bind_piece(decoded, served->model, piece, e))
        return false;
    *in = (struct predict_input){decoded->rows.X, decoded->rows.m};
    return true;
}

static const struct predict_pieces in_pieces = {pieces_expects, oip_request_row_bytes,
                                                pieces_rows};

static const struct predict_dialect dialect = {
    .state_n = sizeof(struct oip_request),
    .decode = decode,
    .rows = rows,
    .encode = encode,
    .free = state_free,
    .pieces = &in_pieces,
};

static bool model_check(const struct predictor *predictor,
                        const struct http_request *request, struct err *e) {
    struct model_ref ref;
    return oip_ref_read(request, &ref, e) &&
           oip_loaded_check(predictor->registry, &ref, e);
}

static bool intake_open(void *subsystem, const struct http_request *request,
                        struct http_pieces *pieces, struct http_reply *reply) {
    struct err e = {0}; /* said once the body is there */
    return model_check(subsystem, request, &e) &&
           predictor_begin(subsystem, &dialect, request, pieces, reply);
}

static bool declines(const struct http_request *request, const char *bytes, size_t n) {
    return !request->inference_header_n && begins_document(bytes, n);
}

const struct http_intake oip_infer_intake = {intake_open, predictor_piece, declines};

bool handle_oip_infer(void *subsystem, struct store *store,
                      const struct http_request *request, struct http_reply *reply,
                      struct err *e) {
    struct predictor *predictor = subsystem;
    return model_check(predictor, request, e) &&
           predictor_handle(predictor, &dialect, store, request, reply, e);
}
