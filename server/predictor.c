#include "server/predictor_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "server/gather.h"

/* Multiplications of a forward pass, as WORK_INLINE. */
enum {
    /* A network so small is computed faster than a request is set aside. */
    WORK_AT_ONCE = 1 << 15,
    /* A network so large is read from beyond the caches, once for a pass: its requests
     * are gathered from all threads. */
    PARAMETERS_HEAVY = 1 << 20
};

static void run_free(void *kept) {
    struct run *run = kept;
    struct prediction *p = &run->prediction;
    if (p->list)
        predictions_remove(p->list, p); /* its client has left */
    pieces_leave(run);
    prediction_free(p);
    if (p->served)
        registry_release(p->served);
    if (run->dialect->free)
        run->dialect->free(run->state);
    if (run->owned)
        free(run);
}

/* Zeroed. An allocation for each request would be the largest it has. */
static struct run *run_new(const struct predict_dialect *dialect, void *room) {
    size_t bytes = sizeof(struct run) + dialect->state_n;
    struct run *run = bytes <= HTTP_ROOM_BYTES ? room : NULL;
    if (run) {
        memset(run, 0, bytes);
        return run;
    }
    run = calloc(1, bytes);
    if (run)
        run->owned = true;
    return run;
}

/* A body may say how long its request has, too: the less of the two holds. */
static void timeout_take(struct run *run, const struct http_request *request) {
    int64_t *deadline_us = &run->prediction.deadline_us, timeout_us = run->ask.timeout_us;
    if (!timeout_us || timeout_us > INT64_MAX - request->received_us)
        return;
    int64_t until_us = request->received_us + timeout_us;
    if (!*deadline_us || until_us < *deadline_us)
        *deadline_us = until_us;
}

/* Whose limit it is that ends first. */
static const char *deadline_where(const struct run *run,
                                  const struct http_request *request) {
    bool of_head = run->prediction.deadline_us == request->deadline_us;
    return of_head ? HTTP_TIMEOUT : run->ask.timeout_where;
}

/* One that has been computed is answered, however long that took. */
static bool is_late(const struct run *run, const struct http_request *request,
                    struct err *e) {
    const struct prediction *p = &run->prediction;
    return p->deadline_us && !p->Y && !p->err.kind && clock_mono_us() >= p->deadline_us &&
           !err_set(e, ERR_DEADLINE, deadline_where(run, request),
                    "its time was over before its turn came");
}

struct run *run_get(struct predictor *p, const struct predict_dialect *dialect,
                    const struct http_request *request, struct http_reply *reply,
                    struct err *e) {
    struct run *run = reply->kept.state;
    if (run) {
        if (run->prediction.waits)
            prediction_resume(&run->prediction);
        return run;
    }
    run = run_new(dialect, reply->room);
    if (!run) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the request");
        return NULL;
    }
    run->dialect = dialect;
    run->predictor = p;
    run->prediction.deadline_us = request->deadline_us;
    run->prediction.since_ns = clock_mono_ns();
    reply->kept = (struct http_kept){run, run_free};
    if (!dialect->decode(run->state, request, &run->ask, e))
        return NULL;
    timeout_take(run, request);
    return run;
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

bool run_version(struct run *run, struct store *store, struct err *e) {
    struct prediction *p = &run->prediction;
    if (!p->served)
        p->served = version_find(run->predictor->registry, &run->ask, store, e);
    if (!p->served && store)
        place_correct(&run->ask, e);
    return p->served;
}

static size_t rows_bound(const struct run *run) {
    const struct predict_ask *ask = &run->ask;
    size_t inputs_n = run->prediction.served->model->net->inputs_n;
    return ask->rows_max ? ask->rows_max : ask->numbers / inputs_n;
}

static bool rows_find(struct run *run, struct err *e) {
    struct predict_input in = {0};
    if (!run->dialect->rows(run->state, run->prediction.served, &in, e))
        return false;
    run->prediction.X = in.X;
    run->prediction.m = in.m;
    return true;
}

/* ---- where it is computed ------------------------------------------------------- */

static void on_done(void *context) {
    http_ready(context);
}

static void hand_over(void *kept, struct exchange *x) {
    struct run *run = kept;
    if (batcher_add(run->predictor->batcher, &run->prediction, on_done, x))
        return;
    err_set(&run->prediction.err, ERR_BUSY, NULL,
            "too many predictions wait already (--predict-queue-max); try again");
    http_ready(x);
}

/* On a connection's thread. false with *e, or while it is not computed yet. */
static bool compute_here(struct run *run, struct http_kept *own, struct http_reply *reply,
                         struct err *e) {
    struct predictor *predictor = run->predictor;
    struct prediction *p = &run->prediction, *const alone[] = {p};
    const struct model *model = p->served->model;
    size_t rows_max = rows_bound(run);
    bool heavy =
        model->net->parameters_n >= PARAMETERS_HEAVY && rows_max <= predictor->rows_max;
    if (!heavy && prediction_work(model, rows_max) > WORK_INLINE) {
        reply->lengthy = true;
        return false;
    }
    if (!rows_find(run, e))
        return false;
    if (heavy) {
        reply->hand_over = hand_over;
        return false;
    }
    struct predictions *list =
        prediction_work(model, p->m) > WORK_AT_ONCE ? gather_of(own) : NULL;
    if (list) {
        predictions_add(list, p);
        reply->later = true;
        return false;
    }
    predictions_compute(alone, 1);
    metrics_pass(predictor->metrics);
    return true;
}

/* On one that has the time. */
static bool compute_apart(struct run *run, struct err *e) {
    if (!rows_find(run, e))
        return false;
    int64_t began_ns = clock_mono_ns();
    batcher_compute(run->predictor->batcher, &run->prediction);
    workload_add(&run->predictor->workload, clock_mono_ns() - began_ns);
    return true;
}

/* Until Y or an err of its own stands. false with *e, or while reply says what is to
 * happen first. */
static bool compute(struct run *run, struct store *store,
                    const struct http_request *request, struct http_reply *reply,
                    struct err *e) {
    const struct predictor *predictor = run->predictor;
    struct prediction *p = &run->prediction;
    if (run->request)
        return pieces_end(run, request, reply);
    if (is_late(run, request, e))
        return false;
    if (p->list)
        gather_compute(p->list, p, predictor->rows_max, predictor->metrics);
    if (p->Y || p->err.kind)
        return true;
    if (!run_version(run, store, e)) {
        reply->defer = !e->kind;
        return false;
    }
    return request->own ? compute_here(run, request->own, reply, e)
                        : compute_apart(run, e);
}

static bool answer(struct run *run, const struct http_request *request,
                   struct http_reply *reply, struct err *e) {
    const struct prediction *p = &run->prediction;
    struct predict_output out = {p->served, p->Y, p->m};
    if (p->err.kind == ERR_DEADLINE) /* who found out knows nothing of the request */
        return err_set(e, ERR_DEADLINE, deadline_where(run, request), "%s", p->err.text);
    if (p->err.kind) {
        *e = p->err;
        return false;
    }
    if (!run->dialect->encode(run->state, &out, request, reply, e))
        return false;
    metrics_predicted(run->predictor->metrics, p->m);
    return true;
}

void run_count(const struct run *run, const struct http_request *request, bool ok) {
    const struct prediction *p = &run->prediction;
    if (!p->served)
        return;
    int64_t now_ns = clock_mono_ns();
    usage_request(p->served->usage,
                  &(struct usage_request){
                      .ok = ok,
                      .rows_n = p->m,
                      .pass_rows = p->pass_rows,
                      .now_us = now_ns / 1000,
                      .total_ns = now_ns - request->received_us * 1000,
                      .queue_ns = p->queue_ns,
                      .output_ns = p->pass_rows ? now_ns - p->since_ns : 0,
                  });
}

bool predictor_handle(struct predictor *p, const struct predict_dialect *dialect,
                      struct store *store, const struct http_request *request,
                      struct http_reply *reply, struct err *e) {
    struct run *run = run_get(p, dialect, request, reply, e);
    if (!run)
        return false;
    bool computed = compute(run, store, request, reply, e);
    if (!computed && !e->kind) {
        prediction_pause(&run->prediction);
        return true;
    }
    bool ok = computed && answer(run, request, reply, e);
    run_count(run, request, ok);
    return ok;
}
