#include "engine/model.h"

#include <stdlib.h>
#include <string.h>

#include "engine/forward.h"
#include "engine/memory.h"

static const char *const names[TASKS_N] = {
    [TASK_REGRESSION] = "regression",
    [TASK_BINARY] = "binary",
    [TASK_MULTI_CLASS] = "multi_class",
    [TASK_MULTI_LABEL] = "multi_label",
};

const char *task_name(enum task task) {
    return names[task];
}

void labels_free(struct labels *labels) {
    for (size_t i = 0; labels->strings && i < labels->n; i++)
        free(labels->strings[i]);
    free(labels->strings);
    free(labels->numbers);
    *labels = (struct labels){.n = 0};
}

struct model *model_new(struct model *from, struct err *e) {
    struct model *model = memory_new(1, sizeof *model);
    if (!model) {
        err_set(e, ERR_NO_MEMORY, NULL, "out of memory for a model");
        return NULL;
    }
    *model = *from;
    *from = (struct model){.net = NULL};
    return model;
}

void model_free(struct model *model) {
    if (!model)
        return;
    inference_free(model->inference);
    net_free(model->net);
    encoder_free(&model->encoder);
    transform_free(&model->transform);
    labels_free(&model->labels);
    free(model);
}

bool model_settle(struct model *model, struct err *e) {
    model->inference = inference_new(model->net, e);
    return model->inference;
}

static size_t tile_rows(size_t m) {
    return m < MODEL_TILE_ROWS ? m : MODEL_TILE_ROWS;
}

/* Floats of the transformed rows of a tile, up to the next aligned offset. */
static size_t inputs_floats(const struct model *model, size_t rows) {
    const size_t align = MEMORY_ALIGN / sizeof(float);
    return (rows * model->net->inputs_n + align - 1) / align * align;
}

size_t model_scratch_n(const struct model *model, size_t m) {
    size_t rows = tile_rows(m), floats;
    if (!size_add(inputs_floats(model, rows), forward_scratch_n(model->net, rows),
                  &floats))
        return SIZE_MAX;
    return floats;
}

void model_predict(const struct model *model, const float *X, size_t m, float *scratch,
                   float *Y) {
    const struct net *net = model->net;
    bool as_is = model->transform.kind == NORMALIZE_NONE;
    float *tile = scratch;
    scratch += inputs_floats(model, tile_rows(m));
    for (size_t i = 0; i < m; i += MODEL_TILE_ROWS) {
        size_t rows = tile_rows(m - i);
        const float *inputs = X + i * net->inputs_n;
        if (!as_is) {
            transform_apply(&model->transform, inputs, rows, tile);
            inputs = tile;
        }
        inference_run(model->inference, inputs, rows, scratch, Y + i * net->outputs_n);
    }
}
