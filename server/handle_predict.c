/* POST /predict */
#include "server/handlers.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/memory.h"

static bool predict(const struct served *served, struct predict_request *decoded,
                    struct http_reply *reply, struct err *e) {
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
        ok = predict_encode(model, served->name, served->version, Y, m, &reply->body, e);
    }
    free(Y);
    free(scratch);
    return ok;
}

/* What a connection's thread may compute itself: about a millisecond. */
static bool is_small(const struct served *served, const struct predict_request *decoded) {
    const double multiplications_max = 1 << 24;
    return (double)decoded->instances.rows_n * (double)served->model->net->parameters_n <=
           multiplications_max;
}

bool handle_predict(void *subsystem, struct store *store,
                    const struct http_request *request, struct http_reply *reply,
                    struct err *e) {
    struct predict_context *context = subsystem;
    struct predict_request decoded;
    if (!predict_decode(request->body, request->body_n, &decoded, e))
        return false;
    const struct served *served = registry_acquire(context->registry, &decoded.model);
    bool ok = true;
    if (!store && (!served || !is_small(served, &decoded)))
        reply->defer = true;
    else if (!served)
        ok = (served = registry_load(context->registry, store, &decoded.model, e));
    if (!ok && e->kind == ERR_NOT_FOUND)
        snprintf(e->where, sizeof e->where, "/model");
    if (served && !reply->defer) {
        ok = predict(served, &decoded, reply, e);
        if (ok)
            metrics_predicted(context->metrics, decoded.instances.rows_n);
    }
    if (served)
        registry_release(served);
    predict_request_free(&decoded);
    return ok;
}
