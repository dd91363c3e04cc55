/* Cost curves against those of tests/golden/make_curves.py and make_optimizers.py, in
 * float64. Run from the top of the repository. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/matrix.h"
#include "engine/memory.h"
#include "engine/trainer.h"
#include "tests/unit/check.h"

/* float32 beside float64: the relative error of any cost of a curve. */
#define TOLERANCE 1e-5
#define SEED UINT64_C(0x0123456789abcdef) /* of the masks of dropout */
enum { LAYERS_MAX = 8 };

struct golden {
    size_t rows_n, inputs_n, layers_n;
    struct layer_shape shapes[LAYERS_MAX];
    struct trainer_options options;
    struct net *net;
    float *X, *values;
    int32_t *classes;
    double *costs; /* (epochs + 1) */
};

/* Reads `name`, which must come next, and then n numbers. */
static bool numbers_read(FILE *file, const char *name, double *out, size_t n) {
    char word[32];
    if (fscanf(file, "%31s", word) != 1 || strcmp(word, name) != 0)
        return CHECK_SAY(false, "\"%s\" instead of \"%s\"", word, name);
    for (size_t i = 0; i < n; i++)
        if (fscanf(file, "%lf", &out[i]) != 1)
            return CHECK_SAY(false, "number %zu of %s", i, name);
    return true;
}

static bool floats_read(FILE *file, const char *name, float *out, size_t n) {
    double *numbers = memory_new(n, sizeof *numbers);
    bool ok = numbers_read(file, name, numbers, n);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)numbers[i];
    free(numbers);
    return ok;
}

static bool layers_read(FILE *file, struct golden *g) {
    char word[32] = "";
    if (fscanf(file, "%31s", word) != 1 || strcmp(word, "layers") != 0)
        return CHECK_SAY(false, "\"%s\" instead of layers", word);
    size_t units_n;
    for (; g->layers_n < LAYERS_MAX && fscanf(file, "%zu %31s", &units_n, word) == 2;
         g->layers_n++) {
        struct layer_shape *shape = &g->shapes[g->layers_n];
        shape->units_n = units_n;
        if (!CHECK_SAY(activation_find(word, &shape->activation), "%s", word))
            return false;
        (void)!fscanf(file, " dropout %f", &shape->dropout); /* 0 where there is none */
    }
    return CHECK(fscanf(file, " loss %31s", word) == 1 &&
                 loss_find(word, &g->options.loss));
}

static bool net_read(FILE *file, struct golden *g) {
    struct err e = {0};
    double rows_n, inputs_n;
    if (!numbers_read(file, "rows", &rows_n, 1) ||
        !numbers_read(file, "inputs", &inputs_n, 1) || !layers_read(file, g))
        return false;
    g->rows_n = (size_t)rows_n;
    g->inputs_n = (size_t)inputs_n;
    return CHECK(g->net = net_new(g->inputs_n, g->shapes, g->layers_n, &e));
}

static bool length_read(FILE *file, struct golden *g) {
    double batch_rows, epochs;
    if (!numbers_read(file, "batch_rows", &batch_rows, 1) ||
        !numbers_read(file, "epochs", &epochs, 1))
        return false;
    g->options.batch_rows = (size_t)batch_rows;
    g->options.seed = SEED;
    g->options.epochs = (int64_t)epochs;
    return true;
}

static bool table_read(FILE *file, struct golden *g) {
    bool by_class = g->options.loss == LOSS_CROSS_ENTROPY;
    size_t targets_n = g->rows_n * (by_class ? 1 : g->net->outputs_n);
    g->X = memory_new(g->rows_n * g->inputs_n, sizeof *g->X);
    g->values = memory_new(targets_n, sizeof *g->values);
    g->classes = memory_new(targets_n, sizeof *g->classes);
    for (size_t i = 0; i < g->rows_n; i++)
        if (!floats_read(file, "x", g->X + i * g->inputs_n, g->inputs_n))
            return false;
    if (!floats_read(file, "y", g->values, targets_n))
        return false;
    for (size_t i = 0; i < targets_n; i++)
        g->classes[i] = (int32_t)g->values[i];
    return true;
}

static bool params_read(FILE *file, struct golden *g) {
    for (size_t l = 0; l < g->layers_n; l++) {
        const struct layer *layer = &g->net->layers[l];
        if (!floats_read(file, "w", net_weights(g->net, l),
                         layer->inputs_n * layer->shape.units_n) ||
            !floats_read(file, "b", net_biases(g->net, l), layer->shape.units_n))
            return false;
    }
    return true;
}

static bool costs_read(FILE *file, struct golden *g) {
    size_t costs_n = (size_t)g->options.epochs + 1;
    free(g->costs);
    g->costs = memory_new(costs_n, sizeof *g->costs);
    return numbers_read(file, "cost", g->costs, costs_n);
}

static bool golden_read(FILE *file, struct golden *g) {
    double rate;
    if (!net_read(file, g) || !numbers_read(file, "learning_rate", &rate, 1) ||
        !length_read(file, g))
        return false;
    g->options.optimizer.learning_rate = (float)rate;
    return table_read(file, g) && params_read(file, g) && costs_read(file, g);
}

/* A case's name, optimizer and schedule, each with its numbers. */
static bool case_read(FILE *file, struct golden *g, char name[32]) {
    char optimizer[32], schedule[32];
    double o[9], s[4];
    if (fscanf(file, " case %31s optimizer %31s", name, optimizer) != 2)
        return false;
    if (!numbers_read(file, "options", o, 9) ||
        !CHECK(fscanf(file, " schedule %31s", schedule) == 1) ||
        !numbers_read(file, "decay", s, 4))
        return false;
    g->options.optimizer = (struct optimizer_options){
        .kind = OPTIMIZERS_N,
        .learning_rate = (float)o[0],
        .momentum = (float)o[1],
        .nesterov = o[2] != 0,
        .beta_1 = (float)o[3],
        .beta_2 = (float)o[4],
        .epsilon = (float)o[5],
        .weight_decay = (float)o[6],
        .l2 = (float)o[7],
        .clip_norm = (float)o[8],
    };
    g->options.schedule = (struct schedule){SCHEDULES_N, (float)s[0], (int64_t)s[1],
                                            (float)s[2], (int64_t)s[3]};
    for (int k = 0; k < OPTIMIZERS_N; k++)
        if (strcmp(optimizer, optimizer_name((enum optimizer)k)) == 0)
            g->options.optimizer.kind = (enum optimizer)k;
    for (int k = 0; k < SCHEDULES_N; k++)
        if (strcmp(schedule, schedule_name((enum schedule_kind)k)) == 0)
            g->options.schedule.kind = (enum schedule_kind)k;
    return CHECK_SAY(g->options.optimizer.kind < OPTIMIZERS_N, "%s", optimizer) &&
           CHECK_SAY(g->options.schedule.kind < SCHEDULES_N, "%s", schedule) &&
           length_read(file, g) && costs_read(file, g);
}

static void golden_train(const char *path, const struct golden *g) {
    struct err e = {0};
    atomic_bool stop = false;
    struct team *team = team_new(2, &e);
    struct trainer_data data = {
        g->X, {.values = g->values, .classes = g->classes}, g->rows_n};
    struct trainer *t = trainer_new(g->net, data, &g->options, team, &stop, &e);
    struct trainer_point point = {0};
    double worst = 0;
    enum trainer_event event =
        CHECK_SAY(t, "%s", e.text) ? TRAINER_STEPPED : TRAINER_FAILED;
    while (event < TRAINER_DONE) {
        event = trainer_step(t, &point, &e);
        if (event != TRAINER_POINT)
            continue;
        worst = fmax(worst, fabs(point.cost / g->costs[point.epoch] - 1));
    }
    CHECK(event == TRAINER_DONE && point.epoch == g->options.epochs);
    CHECK(g->costs[g->options.epochs] < 0.9 * g->costs[0]); /* it does learn */
    CHECK_SAY(worst <= TOLERANCE, "%s: off by %g", path, worst);
    trainer_free(t);
    team_free(team);
}

static void golden_free(struct golden *g) {
    net_free(g->net);
    free(g->X);
    free(g->values);
    free(g->classes);
    free(g->costs);
}

static void golden(const char *path) {
    FILE *file = fopen(path, "r");
    if (!CHECK_SAY(file, "%s cannot be opened", path))
        return;
    struct golden g = {.rows_n = 0};
    if (golden_read(file, &g))
        golden_train(path, &g);
    fclose(file);
    golden_free(&g);
}

/* Each case from the same first parameters. */
static void optimizers(void) {
    FILE *file = fopen("tests/golden/optimizers.txt", "r");
    if (!CHECK(file))
        return;
    struct golden g = {.rows_n = 0};
    char name[32];
    size_t cases_n = 0;
    if (net_read(file, &g) && table_read(file, &g) && params_read(file, &g)) {
        size_t bytes = g.net->block_n * sizeof(float);
        float *first = memory_new(1, bytes);
        memcpy(first, g.net->params, bytes);
        for (; case_read(file, &g, name); cases_n++) {
            memcpy(g.net->params, first, bytes);
            golden_train(name, &g);
        }
        free(first);
    }
    CHECK(cases_n == 18 && feof(file));
    fclose(file);
    golden_free(&g);
}

static void logistic(void) {
    golden("tests/golden/logistic.txt");
}
static void planar(void) {
    golden("tests/golden/planar.txt");
}
static void four_layers(void) {
    golden("tests/golden/four_layers.txt");
}
static void mini_batch(void) {
    golden("tests/golden/mini_batch.txt");
}
static void regression(void) {
    golden("tests/golden/regression.txt");
}
static void dropout(void) {
    golden("tests/golden/dropout.txt");
}
static void dropout_full(void) {
    golden("tests/golden/dropout_full.txt");
}

int main(void) {
    struct err e = {0};
    if (!CHECK_SAY(matrix_start(&e), "%s", e.text))
        return 1;
    CHECK_RUN(logistic);
    CHECK_RUN(planar);
    CHECK_RUN(four_layers);
    CHECK_RUN(mini_batch);
    CHECK_RUN(regression);
    CHECK_RUN(optimizers);
    CHECK_RUN(dropout);
    CHECK_RUN(dropout_full);
    return check_done();
}
