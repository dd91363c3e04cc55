/* The n-th allocation fails, for each n: memory_new takes all its memory from
 * aligned_alloc, which this program replaces. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/encoder.h"
#include "engine/initializer.h"
#include "engine/matrix.h"
#include "engine/memory.h"
#include "engine/metrics.h"
#include "engine/model.h"
#include "engine/rng.h"
#include "engine/split.h"
#include "engine/trainer.h"
#include "tests/unit/check.h"

static long allocations_n; /* asked for so far */
static size_t bytes_n;     /* of them all */
static long failing = -1;  /* the one that fails, alone: a later failure would hide it */

void *aligned_alloc(size_t alignment, size_t size) {
    void *p;
    bytes_n += size;
    if (allocations_n++ == failing)
        return NULL;
    return posix_memalign(&p, alignment, size) == 0 ? p : NULL;
}

enum { ROWS_N = 700, INPUTS_N = 40 };
static float X[ROWS_N * INPUTS_N];
static int32_t classes[ROWS_N];
static float weights[ROWS_N];

/* A model from table to prediction. @return whether there was memory for all of it. */
static bool everything(struct err *e) {
    struct layer_shape shapes[] = {{.units_n = 60, .activation = ACTIVATION_TANH},
                                   {.units_n = 3, .activation = ACTIVATION_SOFTMAX}};
    struct trainer_options options = {
        .loss = LOSS_CROSS_ENTROPY,
        .optimizer = optimizer_defaults(OPTIMIZER_ADAM),
        .batch_rows = 600,
        .epochs = 1,
        .shuffle = true,
    };
    options.optimizer.learning_rate = 0.01f;
    struct trainer_data data = {X, {.classes = classes, .weights = weights}, ROWS_N};
    atomic_bool stop = false;
    struct model from = {.task = TASK_MULTI_CLASS, .loss = LOSS_CROSS_ENTROPY};
    struct model *model = NULL;
    struct trainer *t = NULL;
    struct team *team = team_new(2, e);
    bool ok =
        team && (from.net = net_new(INPUTS_N, shapes, 2, e)) &&
        transform_learn(&from.transform, NORMALIZE_STANDARD, X, ROWS_N, INPUTS_N, e) &&
        (t = trainer_new(from.net, data, &options, team, &stop, e));
    struct trainer_point point;
    if (ok)
        initializer_fill(from.net, INITIALIZER_HE_NORMAL, 0, 1);
    while (ok && trainer_step(t, &point, e) != TRAINER_DONE)
        ok = e->kind == ERR_NONE;
    trainer_free(t);
    ok = ok && (model = model_new(&from, e));
    model_free(model);
    net_free(from.net);
    transform_free(&from.transform);
    team_free(team);
    return ok;
}

/* What trainer_memory says beside what is asked for: never less, but for the rounding of
 * each block to whole lines, and hardly more. */
static void memory_holds(size_t batch_rows, bool shuffle, float dropout) {
    struct layer_shape shapes[] = {
        {.units_n = 300, .activation = ACTIVATION_TANH, .dropout = dropout},
        {.units_n = 3, .activation = ACTIVATION_SOFTMAX}};
    struct trainer_options options = {
        .loss = LOSS_CROSS_ENTROPY,
        .optimizer = {.kind = OPTIMIZER_GRADIENT_DESCENT, .learning_rate = 0.1f},
        .batch_rows = batch_rows,
        .epochs = 1,
        .shuffle = shuffle,
    };
    struct trainer_data data = {X, {.classes = classes, .weights = weights}, ROWS_N};
    struct err e = {0};
    atomic_bool stop = false;
    struct team *team = team_new(1, &e);
    struct net *net = net_new(INPUTS_N, shapes, 2, &e);
    struct trainer_point point;
    size_t foretold = 0;
    bytes_n = 0;
    struct trainer *t = trainer_new(net, data, &options, team, &stop, &e);
    while (CHECK_SAY(t, "%s", e.text) && trainer_step(t, &point, &e) < TRAINER_DONE)
        continue;
    CHECK(trainer_memory(net, ROWS_N, &options, &foretold));
    CHECK_SAY(bytes_n <= foretold + 1024 && foretold <= bytes_n + bytes_n / 20,
              "%zu bytes, %zu foretold", bytes_n, foretold);
    trainer_free(t);
    net_free(net);
    team_free(team);
}

static void a_trainers_memory_is_foretold(void) {
    memory_holds(0, false, 0);
    memory_holds(0, false, 0.5f);
    memory_holds(64, true, 0);
    memory_holds(64, true, 0.5f);
}

/* What stands around a training: columns, two parts, metrics. */
static bool around(struct err *e) {
    static uint32_t training[ROWS_N], validation[ROWS_N];
    size_t training_n, validation_n;
    struct encoder_column column = {.kind = ENCODER_NUMBER};
    struct encoder enc = {.columns = &column, .columns_n = 1};
    struct split_options options = {ROWS_N, 0.2, 1, classes, 3};
    struct class_metrics metrics = {.k = 0};
    bool ok = encoder_layout(&enc, e) &&
              split_rows(&options, training, &training_n, validation, &validation_n, e) &&
              metrics_classes(X, classes, ROWS_N, 3, &metrics, e);
    free(metrics.confusion);
    free(enc.by_name);
    return ok;
}

static void each_may_fail(bool (*run)(struct err *e), long least) {
    struct err e = {0};
    allocations_n = 0;
    if (!CHECK_SAY(run(&e), "%s", e.text))
        return;
    long total = allocations_n;
    CHECK(total >= least);
    for (long n = 0; n < total; n++) {
        e = (struct err){0};
        allocations_n = 0;
        failing = n;
        bool ok = run(&e);
        failing = -1;
        CHECK_SAY(!ok && e.kind == ERR_NO_MEMORY, "allocation %ld of %ld: %d \"%s\"", n,
                  total, e.kind, e.text);
    }
}

static void a_model(void) {
    each_may_fail(everything, 22);
}
static void columns_parts_metrics(void) {
    each_may_fail(around, 6);
}

int main(void) {
    struct err e = {0};
    if (!CHECK_SAY(matrix_start(&e), "%s", e.text))
        return 1;
    rng_normal(1, 1, X, ROWS_N * INPUTS_N);
    for (size_t i = 0; i < ROWS_N; i++)
        classes[i] = (int32_t)(i % 3), weights[i] = 1;
    CHECK_RUN(a_model);
    CHECK_RUN(a_trainers_memory_is_foretold);
    CHECK_RUN(columns_parts_metrics);
    return check_done();
}
