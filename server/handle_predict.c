/* POST /predict */
#include "server/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/predict_csv.h"
#include "engine/memory.h"
#include "server/http_accept.h"
#include "server/http_head.h"

static const char type_csv[] = "text/csv";

/* The body as rows, or what waits for the model; the model from either the body or the
 * query. */
static bool request_decode(const struct http_request *request,
                           struct predict_request *out, struct err *e) {
    const char *model = http_query_text(request, "model");
    struct model_ref ref = {0};
    if (model && !model_ref_parse(model, "model", &ref, e))
        return false;
    if (http_head_media_is(request->content_type, type_csv))
        predict_decode_csv(request->body, request->body_n, request->content_type, out);
    else if (!predict_decode(request->body, request->body_n, out, e))
        return false;
    if (model && out->model.name[0]) {
        predict_request_free(out);
        return err_set(e, ERR_INVALID, "model", "stands in the body too");
    }
    if (model)
        out->model = ref;
    return true;
}

static bool answer_encode(const struct served *served, const float *Y, size_t m,
                          const char *accept, struct http_reply *reply, struct err *e) {
    if (!http_accept_prefers(accept, type_csv, "application/json"))
        return predict_encode(served->model, served->name, served->version, Y, m,
                              &reply->body, e);
    reply->type = "text/csv; charset=utf-8; header=present";
    return predict_encode_csv(served->model, Y, m, &reply->body, e);
}

static bool predict(const struct served *served, struct predict_request *decoded,
                    const char *accept, struct http_reply *reply, struct err *e) {
    const struct model *model = served->model;
    size_t m, outputs;
    if (!predict_rows(decoded, model, e))
        return false;
    m = decoded->instances.rows_n;
    float *Y = size_mul(m, model->net->outputs_n, &outputs)
                   ? memory_new(outputs, sizeof *Y)
                   : NULL;
    float *scratch = memory_new(model_scratch_n(model, m), sizeof *scratch);
    bool ok = (Y && scratch) ||
              err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu predictions", m);
    if (ok) {
        model_predict(model, decoded->instances.values, m, scratch, Y);
        ok = answer_encode(served, Y, m, accept, reply, e);
    }
    free(Y);
    free(scratch);
    return ok;
}

/* What a connection's thread may compute itself: about a millisecond. */
static bool is_small(const struct served *served, const struct predict_request *decoded) {
    const double multiplications_max = 1 << 24;
    return (double)predict_rows_bound(decoded) *
               (double)served->model->net->parameters_n <=
           multiplications_max;
}

bool handle_predict(void *subsystem, struct store *store,
                    const struct http_request *request, struct http_reply *reply,
                    struct err *e) {
    struct predict_context *context = subsystem;
    struct predict_request decoded;
    if (!request_decode(request, &decoded, e))
        return false;
    const struct served *served = registry_acquire(context->registry, &decoded.model);
    bool ok = true;
    if (!store && (!served || !is_small(served, &decoded)))
        reply->defer = true;
    else if (!served)
        ok = (served = registry_load(context->registry, store, &decoded.model, e));
    if (!ok && (e->kind == ERR_NOT_FOUND || strcmp(e->where, "/model") == 0))
        snprintf(e->where, sizeof e->where, "%s",
                 decoded.csv || http_query_text(request, "model") ? "model" : "/model");
    if (served && !reply->defer) {
        ok = predict(served, &decoded, request->accept, reply, e);
        if (ok)
            metrics_predicted(context->metrics, decoded.instances.rows_n);
    }
    if (served)
        registry_release(served);
    predict_request_free(&decoded);
    return ok;
}
