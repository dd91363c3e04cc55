/* What the fuzz targets of predictions share: two models, and what becomes of rows. */
#ifndef TESTS_FUZZ_ROWS_H
#define TESTS_FUZZ_ROWS_H

#include <jansson.h>
#include <math.h>

#include "api/predict.h"
#include "api/problem.h"
#include "tests/fuzz/fuzz.h"

/* An error has a kind and a text, and its document is JSON. */
static inline void refused(const struct err *e) {
    struct text text = {0};
    PROMISE(e->kind != ERR_NONE && e->text[0]);
    problem_encode(e, NULL, &text);
    json_t *root = json_loadb(text.data, text.n, 0, NULL);
    PROMISE(root);
    json_decref(root);
    text_free(&text);
}

/* One column of each kind. */
static inline const struct encoder *encoder_of_each(void) {
    static char *categories[] = {"x", "y"};
    static struct encoder_column columns[] = {
        {.name = "a", .kind = ENCODER_NUMBER, .mean = 1},
        {.name = "b", .kind = ENCODER_BOOLEAN},
        {.name = "c",
         .kind = ENCODER_CATEGORY,
         .missing_category = true,
         .categories = categories,
         .categories_n = 2},
    };
    static char *unused[] = {"d", "id"};
    static struct encoder encoder = {
        .columns = columns, .columns_n = 3, .unused = unused, .unused_n = 2};
    struct err e = {0};
    if (!encoder.inputs_n)
        PROMISE(encoder_layout(&encoder, &e));
    return &encoder;
}

/* Two models of that many outputs: of two inputs without names, and of the columns above,
 * beside which there were two more. */
static inline struct model model_of(bool named, struct net *net) {
    struct model model = {.task = TASK_BINARY, .net = net};
    static double numbers[] = {0, 1};
    model.labels = (struct labels){LABEL_NUMBER, 2, numbers, NULL};
    if (named)
        model.encoder = *encoder_of_each();
    net->inputs_n = named ? model.encoder.inputs_n : 2;
    net->outputs_n = 1;
    return model;
}

/* Whole rows of finite numbers, as many as were promised at most. */
static inline void rows_check(const struct predict_request *request,
                              const struct model *model, size_t bound) {
    const struct rows *rows = &request->instances;
    PROMISE(rows->rows_n > 0 && rows->columns_n == model->net->inputs_n);
    PROMISE(rows->rows_n <= bound);
    for (size_t i = 0; i < rows->rows_n * rows->columns_n; i++)
        PROMISE(isfinite(rows->values[i]));
}

#endif
