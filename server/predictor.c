#include "server/predictor.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"

/* A request that is being answered; the exchange keeps it. */
struct run {
    const struct predict_dialect *dialect;
    struct predict_ask ask;
    alignas(max_align_t) unsigned char state[];
};

static void run_free(void *kept) {
    struct run *run = kept;
    if (run->dialect->free)
        run->dialect->free(run->state);
    free(run);
}

/* The request's, decoded: by this call or by an earlier one. */
static struct run *run_get(const struct predict_dialect *dialect,
                           const struct http_request *request, struct http_reply *reply,
                           struct err *e) {
    struct run *run = reply->kept.state;
    if (run)
        return run;
    run = calloc(1, sizeof *run + dialect->state_n);
    if (!run) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the request");
        return NULL;
    }
    run->dialect = dialect;
    reply->kept = (struct http_kept){run, run_free};
    return dialect->decode(run->state, request, &run->ask, e) ? run : NULL;
}

/* What a connection's thread may compute itself: about a millisecond. */
static bool is_small(const struct served *served, const struct predict_ask *ask) {
    const double multiplications_max = 1 << 24;
    return (double)ask->rows_max * (double)served->model->net->parameters_n <=
           multiplications_max;
}

static bool run_answer(struct run *run, const struct served *served,
                       const struct http_request *request, struct http_reply *reply,
                       size_t *rows_n, struct err *e) {
    const struct model *model = served->model;
    struct predict_input in = {0};
    size_t outputs;
    if (!run->dialect->rows(run->state, served, &in, e))
        return false;
    float *Y = size_mul(in.m, model->net->outputs_n, &outputs)
                   ? memory_new(outputs, sizeof *Y)
                   : NULL;
    float *scratch = memory_new(model_scratch_n(model, in.m), sizeof *scratch);
    bool ok = (Y && scratch) ||
              err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu predictions", in.m);
    if (ok) {
        model_predict(model, in.X, in.m, scratch, Y);
        struct predict_output out = {served, Y, in.m};
        ok = run->dialect->encode(run->state, &out, request, reply, e);
        *rows_n = in.m;
    }
    free(Y);
    free(scratch);
    return ok;
}

/* The version that is asked for, or NULL: with *e where there is a store, or else only
 * the store can tell. */
static const struct served *version_find(struct registry *registry,
                                         const struct predict_ask *ask,
                                         struct store *store, struct err *e) {
    const struct served *served = registry_acquire(registry, &ask->model);
    if (served && served->version >= ask->version_min)
        return served;
    bool old = served;
    if (served)
        registry_release(served);
    if (!store || (old && !registry_refresh(registry, store, e)))
        return NULL;
    served = registry_load(registry, store, &ask->model, e);
    if (!served || served->version >= ask->version_min)
        return served;
    err_set(e, ERR_NOT_FOUND, "min_version", "model %s stands at version %lld",
            served->name, (long long)served->version);
    registry_release(served);
    return NULL;
}

/* The model is what stands at model_where; min_version stands by itself. */
static void place_correct(const struct predict_ask *ask, struct err *e) {
    if ((e->kind == ERR_NOT_FOUND && strcmp(e->where, "min_version") != 0) ||
        strcmp(e->where, "/model") == 0)
        snprintf(e->where, sizeof e->where, "%s", ask->model_where);
}

bool predictor_handle(struct predictor *p, const struct predict_dialect *dialect,
                      struct store *store, const struct http_request *request,
                      struct http_reply *reply, struct err *e) {
    struct run *run = run_get(dialect, request, reply, e);
    if (!run)
        return false;
    const struct served *served = version_find(p->registry, &run->ask, store, e);
    bool ok = served || !store;
    if (!store && (!served || !is_small(served, &run->ask)))
        reply->defer = true;
    if (!ok)
        place_correct(&run->ask, e);
    if (served && !reply->defer) {
        size_t rows_n = 0;
        ok = run_answer(run, served, request, reply, &rows_n, e);
        if (ok)
            metrics_predicted(p->metrics, rows_n);
    }
    if (served)
        registry_release(served);
    return ok;
}
