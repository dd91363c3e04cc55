#include "api/oip_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/carve.h"
#include "api/json.h"
#include "api/oip_document.h"

enum { REST_BYTES_MAX = 64 << 10 };

void oip_request_free(struct oip_request *request) {
    arena_reset(&request->arena);
    free(request->inputs);
    tensor_block_free(&request->block);
    tensor_rows_free(&request->rows);
    *request = (struct oip_request){0};
}

/* ---- inputs --------------------------------------------------------------------- */

/* What is being decoded: the input at hand, and the bytes behind the document that no
 * input has taken yet. */
struct decoding {
    struct oip_request *request;
    const struct oip_body *body;
    struct tensor *tensor;
    size_t taken;
};

static const char *place_new(struct oip_request *request, size_t index, const char *rest,
                             struct err *e) {
    char place[64];
    int n = snprintf(place, sizeof place, "/inputs/%zu%s", index, rest);
    return arena_strndup(&request->arena, place, (size_t)n, e);
}

static struct tensor *input_add(struct oip_request *request, struct err *e) {
    if (request->inputs_n == OIP_INPUTS_MAX) {
        err_set(e, ERR_TOO_LARGE, "/inputs", "expected at most %d inputs",
                OIP_INPUTS_MAX);
        return NULL;
    }
    if (request->inputs_n == request->inputs_room) {
        size_t room = request->inputs_room ? 2 * request->inputs_room : 4;
        struct tensor *grown = realloc(request->inputs, room * sizeof *grown);
        if (!grown) {
            err_set(e, ERR_NO_MEMORY, "/inputs", "no memory for the inputs");
            return NULL;
        }
        request->inputs = grown;
        request->inputs_room = room;
    }
    struct tensor *t = &request->inputs[request->inputs_n];
    *t = (struct tensor){.place = place_new(request, request->inputs_n, "", e)};
    t->path = t->place ? place_new(request, request->inputs_n, "/data", e) : NULL;
    request->inputs_n++;
    return t->path ? t : NULL;
}

/* `data`, wherever it stands in its input. */
static bool data_scan(void *context, struct cursor *c, const char *path, struct err *e) {
    struct decoding *d = context;
    (void)path;
    if (cursor_peek(c) == 'n')
        return cursor_skip(c, 0, d->tensor->path, e); /* null: as if it were not there */
    return tensor_scan(c, d->tensor->path, &d->request->block, d->tensor, e);
}

/* The data of an input with what its document says of it. */
static bool data_take(struct decoding *d, const struct tensor_shape *shape,
                      const struct oip_input_document *document, struct err *e) {
    struct tensor *t = d->tensor;
    size_t left = d->body->n - d->body->json_n - d->taken;
    if (!document->binary) {
        if (!t->text)
            return err_set(e, ERR_INVALID, t->path, "is missing");
        if (t->type == DATATYPE_FP16 || t->type == DATATYPE_BF16)
            return err_set(e, ERR_INVALID, t->path,
                           "%s has no form in JSON; send it as binary data",
                           datatype_name(t->type));
        return tensor_reshape(t, shape, e);
    }
    if (t->text)
        return err_set(e, ERR_INVALID, t->path,
                       "stands there although binary_data_size is given");
    if (document->binary_n > left)
        return err_set(e, ERR_INVALID, t->place,
                       "binary_data_size is %zu, but only %zu bytes of the body are left "
                       "behind the document (Inference-Header-Content-Length says where "
                       "it ends)",
                       document->binary_n, left);
    const char *bytes = d->body->bytes + d->body->json_n + d->taken;
    d->taken += document->binary_n;
    t->shape = *shape;
    return tensor_take_bytes(t, bytes, document->binary_n, e);
}

static bool input_scan(struct decoding *d, struct cursor *c, struct err *e) {
    struct tensor *t = d->tensor = input_add(d->request, e);
    struct carve_hole hole = {.key = "data", .scan = data_scan, .context = d};
    struct oip_input_document document = {0};
    struct tensor_shape shape = {.n = 0};
    char *rest;
    size_t rest_n;
    return t &&
           carve_object(c, t->place, &hole, 1, REST_BYTES_MAX, &d->request->arena, &rest,
                        &rest_n, e) &&
           oip_input_decode(rest, rest_n, &d->request->arena, t, &shape, &document, e) &&
           data_take(d, &shape, &document, e);
}

/* `inputs`, wherever it stands in the request. */
static bool inputs_scan(void *context, struct cursor *c, const char *path,
                        struct err *e) {
    struct decoding *d = context;
    if (cursor_peek(c) != '[')
        return cursor_mismatch(c, "an array of inputs", path, e);
    c->at++;
    bool more = cursor_peek(c) != ']';
    c->at += !more;
    while (more) {
        if (!input_scan(d, c, e))
            return false;
        char next = cursor_peek(c);
        if (next != ',' && next != ']')
            return cursor_refuse(c, "',' or ']'", NULL, e);
        more = next == ',';
        c->at++;
    }
    return true;
}

/* ---- the request ---------------------------------------------------------------- */

static bool document_decode(const struct oip_body *body, struct oip_request *request,
                            struct err *e) {
    struct decoding d = {.request = request, .body = body};
    struct carve_hole hole = {.key = "inputs", .scan = inputs_scan, .context = &d};
    char *rest;
    size_t rest_n;
    if (!tensor_block_open(&request->block, body->json_n, e) ||
        !carve(body->bytes, body->json_n, &hole, 1, REST_BYTES_MAX, &request->arena,
               &rest, &rest_n, e) ||
        !oip_request_document_decode(rest, rest_n, body, request, e))
        return false;
    if (!hole.found)
        return err_set(e, ERR_INVALID, "/inputs", "is missing");
    if (!request->inputs_n)
        return err_set(e, ERR_INVALID, "/inputs", "expected at least one input");
    size_t left = body->n - body->json_n - d.taken;
    return !left || err_set(e, ERR_INVALID, NULL,
                            "the body has %zu bytes more than its document and the "
                            "binary data that this tells of",
                            left);
}

bool oip_request_decode(const struct oip_body *body, struct oip_request *request,
                        struct err *e) {
    /* A document's texts are copied once; a path for each input comes to them. */
    arena_init(&request->arena, 4 * REST_BYTES_MAX + 8 * body->json_n);
    if (!body->raw)
        return document_decode(body, request, e);
    request->raw = body->bytes;
    request->raw_n = body->n;
    request->binary_outputs = true;
    return true;
}

struct oip_size oip_request_size(const struct oip_request *request) {
    struct oip_size size = {.numbers = request->raw_n / sizeof(float)};
    if (!request->raw)
        size.rows_max = tensor_rows_bound(&request->inputs[0]);
    return size;
}

/* A body without a document: as many rows as the bytes are. */
static bool raw_rows(struct oip_request *request, const struct model *model,
                     struct err *e) {
    size_t inputs_n = model->net->inputs_n, row_n = inputs_n * sizeof(float);
    if (!encoder_takes_numbers(&model->encoder))
        return err_set(e, ERR_INVALID, NULL,
                       "the model has %zu inputs, so that a body needs a document to "
                       "name them (Inference-Header-Content-Length)",
                       model->encoder.columns_n);
    if (!request->raw_n || request->raw_n % row_n)
        return err_set(
            e, ERR_INVALID, NULL,
            "expected whole rows of %zu FP32 numbers (%zu bytes each), got %zu "
            "bytes",
            inputs_n, row_n, request->raw_n);
    struct tensor t = {.place = "/inputs/0",
                       .path = "/inputs/0/data",
                       .type = DATATYPE_FP32,
                       .first = request->raw_first,
                       .shape = {{request->raw_n / row_n, inputs_n}, 2}};
    return tensor_take_bytes(&t, request->raw, request->raw_n, e) &&
           tensor_rows_make(&t, 1, &request->block, model, &request->rows, e);
}

static bool output_bind(struct oip_wanted *wanted, size_t index,
                        const struct oip_output *outputs, size_t outputs_n,
                        struct err *e) {
    char place[ERR_WHERE_MAX];
    snprintf(place, sizeof place, "/outputs/%zu", index);
    for (size_t i = 0; i < outputs_n; i++) {
        if (strcmp(outputs[i].name, wanted->name) != 0)
            continue;
        wanted->output = outputs[i];
        return !wanted->classes_n || wanted->output.type == DATATYPE_FP32 ||
               err_set(e, ERR_INVALID, place,
                       "a classification is of an output of FP32, not of %s",
                       datatype_name(wanted->output.type));
    }
    return err_set(e, ERR_INVALID, place,
                   "the model has no output \"%.60s\"; it has %s%s", wanted->name,
                   outputs[0].name, outputs_n > 1 ? " and label" : "");
}

/* All outputs, where none are named. */
static bool outputs_all(struct oip_request *request, const struct oip_output *outputs,
                        size_t n, struct err *e) {
    request->outputs = arena_alloc(&request->arena, n * sizeof *request->outputs, e);
    if (!request->outputs)
        return false;
    for (size_t i = 0; i < n; i++)
        request->outputs[i] = (struct oip_wanted){.name = outputs[i].name,
                                                  .binary = request->binary_outputs,
                                                  .output = outputs[i]};
    request->outputs_n = n;
    return true;
}

static bool outputs_bind(struct oip_request *request, const struct model *model,
                         struct err *e) {
    struct oip_output outputs[OIP_MODEL_OUTPUTS_MAX];
    size_t n = oip_outputs(model, outputs);
    for (size_t i = 0; i < request->outputs_n; i++)
        if (!output_bind(&request->outputs[i], i, outputs, n, e))
            return false;
    return request->outputs_n || outputs_all(request, outputs, n, e);
}

size_t oip_request_row_bytes(const struct model *model) {
    bool plain = encoder_takes_numbers(&model->encoder);
    return plain ? model->net->inputs_n * sizeof(float) : 0;
}

bool oip_request_bind_piece(struct oip_request *request, const struct model *model,
                            const struct tensor_piece *piece, struct err *e) {
    if (!request->outputs_n && !outputs_bind(request, model, e))
        return false;
    tensor_rows_free(&request->rows);
    request->raw = piece->bytes;
    request->raw_n = piece->n;
    request->raw_first = piece->first;
    return raw_rows(request, model, e);
}

bool oip_request_bind(struct oip_request *request, const struct model *model,
                      struct err *e) {
    if (!outputs_bind(request, model, e))
        return false;
    if (request->raw)
        return raw_rows(request, model, e);
    return tensor_rows_make(request->inputs, request->inputs_n, &request->block, model,
                            &request->rows, e);
}
