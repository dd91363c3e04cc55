#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/forward.h"
#include "engine/initializer.h"
#include "engine/matrix.h"
#include "engine/memory.h"
#include "engine/model.h"
#include "engine/rng.h"
#include "tests/unit/check.h"

enum { ROWS_N = 3 * MODEL_TILE_ROWS + 5, INPUTS_N = 3 };
static float X[ROWS_N * INPUTS_N];

static struct model *model_made(enum normalize normalize) {
    struct layer_shape shapes[] = {{.units_n = 6, .activation = ACTIVATION_TANH},
                                   {.units_n = 2, .activation = ACTIVATION_SOFTMAX}};
    struct err e = {0};
    struct model from = {.task = TASK_MULTI_CLASS, .loss = LOSS_CROSS_ENTROPY};
    from.net = net_new(INPUTS_N, shapes, 2, &e);
    initializer_fill(from.net, INITIALIZER_HE_NORMAL, 0, 1);
    rng_normal(1, 1, X, ROWS_N * INPUTS_N);
    CHECK(transform_learn(&from.transform, normalize, X, ROWS_N, INPUTS_N, &e));
    from.labels = (struct labels){LABEL_STRING, 2, NULL, malloc(2 * sizeof(char *))};
    from.labels.strings[0] = strdup("no");
    from.labels.strings[1] = strdup("yes");
    struct model *model = model_new(&from, &e);
    CHECK(!from.net && !from.transform.scale && !from.labels.strings);
    return model;
}

static void tiles_do_not_show(enum normalize normalize) {
    struct model *model = model_made(normalize);
    struct err e = {0};
    float *all = memory_new(ROWS_N * 2, sizeof *all), Y[ROWS_N * 2 + 1];
    float *tile = memory_new(ROWS_N * INPUTS_N, sizeof *tile);
    float *room = memory_new(forward_scratch_n(model->net, ROWS_N), sizeof *room);
    transform_apply(&model->transform, X, ROWS_N, tile);
    CHECK(model_settle(model, &e));
    net_params_free(model->net);
    inference_run(model->inference, tile, ROWS_N, room, all);
    static const size_t counts[] = {1, 2, MODEL_TILE_ROWS, MODEL_TILE_ROWS + 1, ROWS_N};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        size_t m = counts[c], scratch_n = model_scratch_n(model, m);
        float *scratch = memory_new(scratch_n + 1, sizeof *scratch);
        scratch[scratch_n] = 5;
        Y[m * 2] = 7;
        model_predict(model, X, m, scratch, Y);
        for (size_t i = 0; i < m * 2; i++)
            CHECK(Y[i] == all[i]);
        CHECK(scratch[scratch_n] == 5 && Y[m * 2] == 7);
        free(scratch);
    }
    CHECK(model_scratch_n(model, ROWS_N) == model_scratch_n(model, 1u << 30));
    free(room);
    free(tile);
    free(all);
    model_free(model);
    model_free(NULL);
}

static void predictions(void) {
    tiles_do_not_show(NORMALIZE_NONE);
    tiles_do_not_show(NORMALIZE_STANDARD);
}

static void names(void) {
    CHECK_TEXT(task_name(TASK_MULTI_LABEL), "multi_label");
    struct labels numbers = {LABEL_NUMBER, 3, malloc(3 * sizeof(double)), NULL};
    labels_free(&numbers);
    CHECK(!numbers.n && !numbers.numbers);
}

int main(void) {
    struct err e = {0};
    if (!CHECK_SAY(matrix_start(&e), "%s", e.text))
        return 1;
    CHECK_RUN(predictions);
    CHECK_RUN(names);
    return check_done();
}
