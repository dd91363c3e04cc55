/* What the tests of the trainer share: data that a net can learn, teams of one to
 * THREADS_MAX threads, and short ways to train. */
#ifndef TESTS_TEST_TRAINER_H
#define TESTS_TEST_TRAINER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/initializer.h"
#include "engine/matrix.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "engine/trainer.h"
#include "tests/unit/check.h"
#include "tests/unit/engine/twin.h"

enum { INPUTS_N = 60, CLASSES_N = 10, ROWS_N = 1500, THREADS_MAX = 4 };
static float X[ROWS_N * INPUTS_N], values[ROWS_N];
static int32_t classes[ROWS_N];
static struct team *teams[THREADS_MAX + 1];
static atomic_bool stop;

static inline void data_draw(void) {
    rng_normal(1, 1, X, ROWS_N * INPUTS_N);
    for (size_t i = 0; i < ROWS_N; i++) {
        classes[i] = (int32_t)(i * 7 % CLASSES_N);
        X[i * INPUTS_N + (size_t)classes[i]] += 2;
        values[i] = X[i * INPUTS_N] > 1;
    }
}

/* Wide enough for several lanes. */
static inline struct net *wide_net(void) {
    struct layer_shape shapes[] = {
        {.units_n = 120, .activation = ACTIVATION_RELU},
        {.units_n = 64, .activation = ACTIVATION_TANH},
        {.units_n = CLASSES_N, .activation = ACTIVATION_SOFTMAX}};
    struct err e = {0};
    struct net *net = net_new(INPUTS_N, shapes, 3, &e);
    initializer_fill(net, INITIALIZER_HE_NORMAL, 0, 5);
    return net;
}

static inline struct trainer_options options_of(enum loss loss, size_t batch_rows,
                                                int64_t epochs, bool shuffle) {
    return (struct trainer_options){
        .loss = loss,
        .optimizer = {.kind = OPTIMIZER_GRADIENT_DESCENT, .learning_rate = 0.1f},
        .batch_rows = batch_rows,
        .epochs = epochs,
        .shuffle = shuffle,
        .seed = 9,
    };
}

static inline struct trainer *trainer_made(struct net *net, size_t rows_n,
                                           const struct trainer_options *options,
                                           size_t threads_n) {
    struct err e = {0};
    struct trainer_data data = {
        .X = X, .targets = {.values = values, .classes = classes}, .rows_n = rows_n};
    struct trainer *t = trainer_new(net, data, options, teams[threads_n], &stop, &e);
    CHECK_SAY(t, "%s", e.text);
    return t;
}

/* Trains to the end. costs (epochs + 1). @return the number of calls, 0 when a point did
 * not come in its turn. */
static inline size_t run(struct trainer *t, int64_t epochs, double *costs) {
    struct trainer_point point;
    struct err e = {0};
    int64_t next = 0;
    for (size_t calls = 1;; calls++)
        switch (trainer_step(t, &point, &e)) {
        case TRAINER_STEPPED:
            break;
        case TRAINER_POINT:
            if (!CHECK_SAY(point.epoch == next && next <= epochs, "epoch %lld at %lld",
                           (long long)point.epoch, (long long)next))
                return 0;
            costs[next++] = point.cost;
            break;
        case TRAINER_DONE:
            CHECK(next == epochs + 1);
            CHECK(trainer_step(t, &point, &e) == TRAINER_DONE);
            CHECK(trainer_epochs_done(t) == (double)epochs);
            return calls;
        default:
            CHECK_SAY(false, "%s", e.text);
            return 0;
        }
}

/* By the twin, of the first rows. */
static inline double cost_of(const struct net *net, enum loss loss, size_t rows_n) {
    double *params = memory_new(net->block_n, sizeof *params), cost;
    for (size_t i = 0; i < net->block_n; i++)
        params[i] = (double)net->params[i];
    cost = twin_cost(net, params, loss, X,
                     (struct targets){.values = values, .classes = classes}, rows_n);
    free(params);
    return cost / (double)rows_n;
}

/* Before the first test, and after the last. */
static inline bool scene_new(void) {
    struct err e = {0};
    if (!CHECK_SAY(matrix_start(&e), "%s", e.text))
        return false;
    for (size_t n = 1; n <= THREADS_MAX; n++)
        teams[n] = team_new(n, &e);
    data_draw();
    return true;
}
static inline void scene_free(void) {
    for (size_t n = 1; n <= THREADS_MAX; n++)
        team_free(teams[n]);
}

#endif
