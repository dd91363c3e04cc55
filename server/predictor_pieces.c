/* Bodies of rows alone, predicted as they come: no more of them than a piece is ever in
 * memory, and a piece is computed while the caches still have it. */
#include "server/predictor_run.h"

#include "api/predict.h"
#include "server/clock.h"

enum {
    PIECE_BYTES = 64 << 10, /* where rows are short */
    PIECE_ROWS_MIN = 48,    /* fewer read the parameters too often */
    ANSWER_INLINE = 1 << 14 /* floats that are printed on a connection's thread */
};

/* Rows of a piece; 0: there is no piece that is both brief and worth it. */
static size_t piece_rows(const struct model *model, size_t row_n) {
    size_t brief = WORK_INLINE / model->net->parameters_n, rows = PIECE_BYTES / row_n;
    if (rows < MODEL_TILE_ROWS)
        rows = MODEL_TILE_ROWS;
    if (rows > brief)
        rows = brief;
    return rows < PIECE_ROWS_MIN ? 0 : rows;
}

/* @return false: it is not such a body, or not a large one. */
static bool pieces_open(struct run *run, const struct http_request *request,
                        struct http_pieces *pieces) {
    struct prediction *p = &run->prediction;
    const struct model *model = p->served->model;
    size_t row_n = run->dialect->pieces->row_n(model);
    size_t m = row_n ? request->body_n / row_n : 0;
    const struct net *net = model->net;
    if (!m || request->body_n % row_n || m > PREDICT_OUTPUTS_MAX / net->outputs_n ||
        m > ROWS_FLOATS_MAX / net->inputs_n || prediction_work(model, m) <= WORK_INLINE)
        return false;
    pieces->n = piece_rows(model, row_n) * row_n;
    pieces->kept_n = m * net->outputs_n * sizeof *p->Y;
    p->m = m;
    if (!pieces->n || !prediction_open(p))
        return false;
    run->request = request;
    run->whole = true;
    workload_begin(&run->predictor->workload);
    return true;
}

bool predictor_begin(struct predictor *p, const struct predict_dialect *dialect,
                     const struct http_request *request, struct http_pieces *pieces,
                     struct http_reply *reply) {
    struct err e = {0};
    if (!dialect->pieces->expects(request) ||
        !(pieces->scarce ||
          workload_is_busy(&p->workload, p->processors_n, clock_mono_ns())))
        return false;
    struct run *run = run_get(p, dialect, request, reply, &e);
    bool ok = run && run_version(run, NULL, &e) && pieces_open(run, request, pieces);
    if (!ok && reply->kept.state) {
        reply->kept.free(reply->kept.state); /* what is wrong is said of the whole body */
        reply->kept = (struct http_kept){0};
    }
    return ok;
}

bool predictor_piece(void *kept, const char *bytes, size_t n, struct err *e) {
    struct run *run = kept;
    struct prediction *p = &run->prediction;
    const struct tensor_piece piece = {bytes, n, run->pieces_m};
    struct predict_input in = {0};
    int64_t began_ns = clock_mono_ns();
    bool ok = run->dialect->pieces->rows(run->state, p->served, &piece, &in, e);
    int64_t made_ns = clock_mono_ns();
    ok = ok && (prediction_rows(p, in.X, run->pieces_m, in.m) ||
                err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu predictions", in.m));
    p->since_ns = clock_mono_ns();
    run->pieces_m += in.m;
    p->input_ns += made_ns - began_ns;
    run->infer_ns += p->since_ns - made_ns;
    workload_add(&run->predictor->workload, p->since_ns - began_ns);
    if (!ok) {
        pieces_leave(run);
        run_count(run, run->request, false);
    }
    return ok;
}

void pieces_leave(struct run *run) {
    if (run->whole)
        workload_end(&run->predictor->workload);
    run->whole = false;
}

bool pieces_end(struct run *run, const struct http_request *request,
                struct http_reply *reply) {
    struct prediction *p = &run->prediction;
    pieces_leave(run);
    if (!p->pass_rows) {
        const struct usage_pass pass = {p->m, p->input_ns, run->infer_ns};
        p->pass_rows = p->m;
        usage_pass(p->served->usage, &pass);
        metrics_pass(run->predictor->metrics);
    }
    size_t floats = p->m * p->served->model->net->outputs_n;
    reply->lengthy = request->own && floats > ANSWER_INLINE;
    return !reply->lengthy;
}
