#include "server/prediction.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "server/clock.h"
#include "server/usage.h"

void prediction_free(struct prediction *p) {
    free(p->Y);
    p->Y = NULL;
}

void prediction_pause(struct prediction *p) {
    int64_t now_ns = clock_mono_ns();
    p->input_ns += now_ns - p->since_ns;
    p->since_ns = now_ns;
    p->waits = true;
}

void prediction_resume(struct prediction *p) {
    int64_t now_ns = clock_mono_ns();
    p->queue_ns += now_ns - p->since_ns;
    p->since_ns = now_ns;
    p->waits = false;
}

double prediction_work(const struct model *model, size_t m) {
    return (double)m * (double)model->net->parameters_n;
}

/* ---- lists ---------------------------------------------------------------------- */

void predictions_add(struct predictions *list, struct prediction *p) {
    p->list = list;
    p->next = NULL;
    p->previous = list->last;
    if (list->last)
        list->last->next = p;
    else
        list->first = p;
    list->last = p;
    list->n++;
    list->rows += p->m;
}

void predictions_remove(struct predictions *list, struct prediction *p) {
    if (p->next)
        p->next->previous = p->previous;
    else
        list->last = p->previous;
    if (p->previous)
        p->previous->next = p->next;
    else
        list->first = p->next;
    p->list = NULL;
    list->n--;
    list->rows -= p->m;
}

size_t predictions_take(struct predictions *list, size_t rows_max,
                        struct prediction *taken[], size_t taken_max) {
    const struct served *served = list->first ? list->first->served : NULL;
    size_t n = 0, rows = 0;
    for (struct prediction *p = list->first, *next; p && n < taken_max; p = next) {
        next = p->next;
        if (p->served != served)
            continue;
        if (n && rows + p->m > rows_max)
            break;
        predictions_remove(list, p);
        taken[n++] = p;
        rows += p->m;
    }
    return n;
}

/* ---- passes --------------------------------------------------------------------- */

enum {
    BLOCK_ALIGN = MEMORY_ALIGN / sizeof(float),
    STACK_FLOATS = 4096 /* a tiny network needs no more, and takes it from the stack */
};

/* Aligned floats, uninitialised. */
static float *floats_new(size_t n) {
    size_t bytes;
    if (!size_add(n, BLOCK_ALIGN - 1, &n) ||
        !size_mul(n / BLOCK_ALIGN, MEMORY_ALIGN, &bytes))
        return NULL;
    return aligned_alloc(MEMORY_ALIGN, bytes);
}

static bool is_out_of_memory(struct prediction *p) {
    return err_set(&p->err, ERR_NO_MEMORY, NULL, "no memory for %zu predictions", p->m);
}

bool prediction_open(struct prediction *p) {
    size_t floats, bytes;
    bool ok = size_mul(p->m, p->served->model->net->outputs_n, &floats) &&
              size_mul(floats, sizeof *p->Y, &bytes);
    p->Y = ok ? malloc(bytes) : NULL;
    return p->Y || is_out_of_memory(p);
}

bool prediction_rows(const struct prediction *p, const float *X, size_t at, size_t rows) {
    const struct model *model = p->served->model;
    alignas(MEMORY_ALIGN) float stack[STACK_FLOATS];
    size_t scratch_n = model_scratch_n(model, rows);
    bool small = scratch_n <= STACK_FLOATS;
    float *owned = small ? NULL : floats_new(scratch_n);
    if (!small && !owned)
        return false;
    model_predict(model, X, rows, small ? stack : owned,
                  p->Y + at * model->net->outputs_n);
    free(owned);
    return true;
}

bool prediction_part(const struct prediction *p, size_t at, size_t rows) {
    return prediction_rows(p, p->X + at * p->served->model->net->inputs_n, at, rows);
}

static void compute_one(struct prediction *p) {
    if (prediction_open(p) && !prediction_part(p, 0, p->m))
        is_out_of_memory(p);
}

static size_t aligned(size_t floats) {
    return (floats + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
}

static void rows_gather(struct prediction *const *all, size_t n, size_t inputs_n,
                        float *X) {
    for (size_t i = 0; i < n; i++) {
        memcpy(X, all[i]->X, all[i]->m * inputs_n * sizeof *X);
        X += all[i]->m * inputs_n;
    }
}

static void outputs_scatter(struct prediction *const *all, size_t n, size_t outputs_n,
                            const float *Y) {
    for (size_t i = 0; i < n; i++) {
        size_t floats = all[i]->m * outputs_n;
        if (prediction_open(all[i]))
            memcpy(all[i]->Y, Y, floats * sizeof *Y);
        Y += floats;
    }
}

static void compute_some(struct prediction *const *all, size_t n, size_t m) {
    const struct model *model = all[0]->served->model;
    size_t inputs_n = model->net->inputs_n, outputs_n = model->net->outputs_n;
    size_t Y_at = aligned(m * inputs_n), scratch_at = Y_at + aligned(m * outputs_n);
    float *X = n > 1 ? floats_new(scratch_at + model_scratch_n(model, m)) : NULL;
    if (!X) { /* they may still fit one by one; one alone is read where it stands */
        for (size_t i = 0; i < n; i++)
            compute_one(all[i]);
        return;
    }
    rows_gather(all, n, inputs_n, X);
    model_predict(model, X, m, X + scratch_at, X + Y_at);
    outputs_scatter(all, n, outputs_n, X + Y_at);
    free(X);
}

/* The clock at the start of a pass and what led to it, then at its end. @return since
 * when. */
static int64_t pass_begin(struct prediction *const *all, size_t n,
                          struct usage_pass *pass) {
    int64_t now_ns = clock_mono_ns();
    for (size_t i = 0; i < n; i++) {
        struct prediction *p = all[i];
        *(p->waits ? &p->queue_ns : &p->input_ns) += now_ns - p->since_ns;
        pass->rows_n += p->m;
        pass->input_ns += p->input_ns;
    }
    return now_ns;
}

static void pass_end(struct prediction *const *all, size_t n, struct usage_pass *pass,
                     int64_t began_ns) {
    int64_t now_ns = clock_mono_ns();
    pass->infer_ns = now_ns - began_ns;
    for (size_t i = 0; i < n; i++) {
        all[i]->pass_rows = pass->rows_n;
        all[i]->since_ns = now_ns;
    }
    usage_pass(all[0]->served->usage, pass);
}

void predictions_compute(struct prediction *const *all, size_t n) {
    struct usage_pass pass = {0};
    int64_t began_ns = pass_begin(all, n, &pass);
    compute_some(all, n, pass.rows_n);
    pass_end(all, n, &pass, began_ns);
}

void prediction_compute(struct prediction *p, void (*run)(void *context), void *context) {
    struct prediction *const all[] = {p};
    struct usage_pass pass = {0};
    int64_t began_ns = pass_begin(all, 1, &pass);
    run(context);
    pass_end(all, 1, &pass, began_ns);
}
