#include "server/predictor.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "server/clock.h"

/* A request that is being answered; the exchange keeps it. */
struct run {
    const struct predict_dialect *dialect;
    struct predict_ask ask;
    int64_t decode_ns; /* how long that took */
    int64_t queue_ns;  /* since when it waits, then how long it did */
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
    int64_t began_ns = clock_mono_ns();
    if (!dialect->decode(run->state, request, &run->ask, e))
        return NULL;
    run->queue_ns = clock_mono_ns();
    run->decode_ns = run->queue_ns - began_ns;
    return run;
}

/* What a connection's thread may compute itself: about a millisecond. */
static bool is_small(const struct served *served, const struct predict_ask *ask) {
    const double multiplications_max = 1 << 24;
    size_t rows_max =
        ask->rows_max ? ask->rows_max : ask->numbers / served->model->net->inputs_n;
    return (double)rows_max * (double)served->model->net->parameters_n <=
           multiplications_max;
}

enum { SMALL_FLOATS = 2048 }; /* that a stack has room for */

/* Y, and scratch for model_predict: from `small` where they fit. */
struct room {
    float *Y, *scratch;
    float *owned; /* to be freed */
};

static bool room_make(struct room *room, const struct model *model, size_t m,
                      float small[SMALL_FLOATS], struct err *e) {
    const size_t align = MEMORY_ALIGN / sizeof(float);
    size_t outputs, all;
    bool ok = size_mul(m, model->net->outputs_n, &outputs) &&
              size_add(outputs, align - 1, &outputs);
    outputs = outputs / align * align;
    ok = ok && size_add(outputs, model_scratch_n(model, m), &all);
    *room = (struct room){.Y = small};
    if (ok && all > SMALL_FLOATS)
        room->Y = room->owned = memory_new(all, sizeof *room->Y);
    if (!ok || !room->Y)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu predictions", m);
    room->scratch = room->Y + outputs;
    return true;
}

/* Counts the request, which began with its first byte. */
static void run_count(const struct run *run, const struct served *served,
                      const struct http_request *request, bool ok, size_t rows_n) {
    int64_t now_us = clock_mono_us();
    usage_request(served->usage, &(struct usage_request){
                                     .ok = ok,
                                     .rows_n = rows_n,
                                     .now_us = now_us,
                                     .total_ns = (now_us - request->received_us) * 1000,
                                     .queue_ns = run->queue_ns,
                                 });
}

static bool run_answer(struct run *run, const struct served *served,
                       const struct http_request *request, struct http_reply *reply,
                       size_t *rows_n, struct err *e) {
    const struct model *model = served->model;
    alignas(MEMORY_ALIGN) float small[SMALL_FLOATS];
    struct predict_input in = {0};
    struct usage_pass pass = {0};
    struct room room;
    int64_t began_ns = clock_mono_ns();
    run->queue_ns = began_ns - run->queue_ns;
    if (!run->dialect->rows(run->state, served, &in, e) ||
        !room_make(&room, model, in.m, small, e))
        return false;
    int64_t ready_ns = clock_mono_ns();
    model_predict(model, in.X, in.m, room.scratch, room.Y);
    int64_t predicted_ns = clock_mono_ns();
    struct predict_output out = {served, room.Y, in.m};
    bool ok = run->dialect->encode(run->state, &out, request, reply, e);
    *rows_n = in.m;
    pass = (struct usage_pass){.rows_n = in.m,
                               .input_ns = run->decode_ns + ready_ns - began_ns,
                               .infer_ns = predicted_ns - ready_ns,
                               .output_ns = clock_mono_ns() - predicted_ns};
    usage_pass(served->usage, &pass);
    free(room.owned);
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
        run_count(run, served, request, ok, rows_n);
    }
    if (served)
        registry_release(served);
    return ok;
}
