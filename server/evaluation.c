#include "server/evaluation.h"

#include <stdlib.h>

#include "api/metrics_document.h"
#include "engine/memory.h"
#include "engine/model.h"

enum { TILE_ROWS = 4096 }; /* between looks at `stop` */

static bool stopped(const struct evaluation *evaluation, struct err *e) {
    return evaluation->stop && atomic_load(evaluation->stop) &&
           !err_set(e, ERR_CANCELLED, NULL, "the job was stopped before its end");
}

/* Y (m, k) of inputs that are transformed already: a model without a transform. */
static bool outputs_fill(const struct evaluation *evaluation, struct trainer_data data,
                         float *Y, struct err *e) {
    const struct net *net = evaluation->net;
    struct model bare = {.net = (struct net *)(uintptr_t)net,
                         .inference = inference_new(net, e)};
    size_t tile = data.rows_n < TILE_ROWS ? data.rows_n : TILE_ROWS;
    float *scratch = memory_new(model_scratch_n(&bare, tile), sizeof *scratch);
    bool ok = (scratch && bare.inference) ||
              err_set(e, ERR_NO_MEMORY, NULL, "no memory for the metrics");
    for (size_t row = 0; ok && row < data.rows_n; row += tile) {
        size_t rows = data.rows_n - row < tile ? data.rows_n - row : tile;
        ok = !stopped(evaluation, e);
        if (ok)
            model_predict(&bare, data.X + row * net->inputs_n, rows, scratch,
                          Y + row * net->outputs_n);
    }
    free(scratch);
    inference_free(bare.inference);
    return ok;
}

static float *outputs_new(const struct evaluation *evaluation, struct trainer_data data,
                          struct err *e) {
    size_t floats;
    float *Y = size_mul(data.rows_n, evaluation->net->outputs_n, &floats)
                   ? memory_new(floats, sizeof *Y)
                   : NULL;
    if (!Y)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the metrics");
    if (Y && outputs_fill(evaluation, data, Y, e))
        return Y;
    free(Y);
    return NULL;
}

/* Whether as many rows have the most common class as are predicted right. */
static bool classes_idle(const struct class_metrics *metrics, size_t m) {
    uint64_t most = 0, right = 0;
    for (size_t i = 0; metrics->confusion && i < metrics->k; i++) {
        uint64_t rows = 0;
        for (size_t j = 0; j < metrics->k; j++)
            rows += metrics->confusion[i * metrics->k + j];
        most = rows > most ? rows : most;
        right += metrics->confusion[i * metrics->k + i];
    }
    return metrics->confusion && most < m && right <= most;
}

static bool binary_encode(const struct evaluation *evaluation, struct trainer_data data,
                          const float *Y, bool *idle, struct text *out, struct err *e) {
    size_t m = data.rows_n;
    float *P = memory_new(2 * m, sizeof *P);
    int32_t *classes = memory_new(m, sizeof *classes);
    struct class_metrics metrics = {0};
    bool ok =
        (P && classes) || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the metrics");
    for (size_t i = 0; ok && i < m; i++) {
        P[2 * i] = 1 - Y[i];
        P[2 * i + 1] = Y[i];
        classes[i] = data.targets.values[i] != 0;
    }
    ok = ok && metrics_classes(P, classes, m, 2, &metrics, e);
    if (ok) {
        metrics_classes_encode(&metrics, &evaluation->spec->labels, out);
        *idle = classes_idle(&metrics, m);
    }
    free(metrics.confusion);
    free(P);
    free(classes);
    return ok;
}

/* In the units of the column: what was scaled is scaled back. */
static bool values_encode(const struct evaluation *evaluation, struct trainer_data data,
                          float *Y, bool *idle, struct text *out, struct err *e) {
    enum { R2_IDLE_PERCENT = 1 };
    size_t n = data.rows_n * evaluation->net->outputs_n;
    float *targets = memory_new(n, sizeof *targets);
    if (!targets)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the metrics");
    double scale = evaluation->target_scale == 0 ? 1 : evaluation->target_scale;
    double mean = evaluation->target_scale == 0 ? 0 : evaluation->target_mean;
    for (size_t i = 0; i < n; i++) {
        targets[i] = (float)((double)data.targets.values[i] * scale + mean);
        Y[i] = (float)((double)Y[i] * scale + mean);
    }
    struct value_metrics metrics;
    metrics_values(Y, targets, data.rows_n, evaluation->net->outputs_n, &metrics);
    metrics_values_encode(&metrics, out);
    *idle = metrics.r2 * 100 < R2_IDLE_PERCENT; /* not where it is NaN */
    free(targets);
    return true;
}

static bool classes_encode(const struct evaluation *evaluation, struct trainer_data data,
                           const float *Y, bool *idle, struct text *out, struct err *e) {
    struct class_metrics metrics = {0};
    bool two = evaluation->net->outputs_n == 2;
    bool ok = metrics_classes(Y, data.targets.classes, data.rows_n,
                              evaluation->net->outputs_n, &metrics, e);
    if (ok) {
        metrics_classes_encode(&metrics, two ? &evaluation->spec->labels : NULL, out);
        *idle = classes_idle(&metrics, data.rows_n);
    }
    free(metrics.confusion);
    return ok;
}

bool evaluation_encode(const struct evaluation *evaluation, struct trainer_data data,
                       bool *idle, struct text *out, struct err *e) {
    enum task task = evaluation->spec->task;
    *idle = false;
    if (task == TASK_MULTI_LABEL || !data.rows_n) {
        text_json_null(out);
        return true;
    }
    float *Y = outputs_new(evaluation, data, e);
    bool ok = Y && !stopped(evaluation, e);
    if (ok && task == TASK_BINARY)
        ok = binary_encode(evaluation, data, Y, idle, out, e);
    else if (ok && task == TASK_REGRESSION)
        ok = values_encode(evaluation, data, Y, idle, out, e);
    else if (ok)
        ok = classes_encode(evaluation, data, Y, idle, out, e);
    free(Y);
    return ok;
}
