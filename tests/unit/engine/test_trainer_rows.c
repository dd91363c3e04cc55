/* The rows of a training: in which order they come and what each of them weighs; and the
 * cost of rows that it does not train on. */
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "tests/unit/engine/test_trainer.h"

static void shuffling_changes_the_course(void) {
    struct net *nets[3] = {wide_net(), wide_net(), wide_net()};
    double costs[3][3];
    for (size_t i = 0; i < 3; i++) {
        struct trainer_options options = options_of(LOSS_CROSS_ENTROPY, 100, 2, i < 2);
        options.seed = i;
        struct trainer *t = trainer_made(nets[i], ROWS_N, &options, 2);
        run(t, 2, costs[i]);
        trainer_free(t);
    }
    CHECK(costs[0][0] == costs[1][0] && costs[1][0] == costs[2][0]);
    CHECK(costs[0][1] != costs[1][1] && costs[1][1] != costs[2][1]);
    for (size_t i = 0; i < 3; i++)
        net_free(nets[i]);
}

/* Parameters that do not move: an epoch's cost is the weighted one of all rows, however
 * the rows were gathered. */
static void weights_go_with_their_rows(void) {
    static float weights[ROWS_N];
    const struct targets targets = {.classes = classes, .weights = weights};
    struct net *net = wide_net();
    double *params = memory_new(net->block_n, sizeof *params), costs[2];
    for (size_t i = 0; i < net->block_n; i++)
        params[i] = (double)net->params[i];
    rng_uniform(6, 6, weights, ROWS_N);
    double want = twin_cost(net, params, LOSS_CROSS_ENTROPY, X, targets, ROWS_N) / ROWS_N;
    for (int way = 0; way < 3; way++) {
        struct trainer_options options =
            options_of(LOSS_CROSS_ENTROPY, way ? 300 : 0, 1, way == 2);
        struct err e = {0};
        options.optimizer.learning_rate = 1e-30f;
        struct trainer *t = trainer_new(net, (struct trainer_data){X, targets, ROWS_N},
                                        &options, teams[2], &stop, &e);
        if (CHECK_SAY(t, "%s", e.text))
            run(t, 1, costs);
        CHECK_NEAR(costs[0], want, 1e-6);
        CHECK_NEAR(costs[1], want, 1e-6);
        trainer_free(t);
    }
    free(params);
    net_free(net);
}

/* A sample of weight 2 and none is a sample twice and never. */
static void weights_steer_the_gradient(void) {
    enum { SIDE = 300 };
    static float weights[SIDE];
    struct net *net = wide_net(), *twin = wide_net();
    struct trainer_options options = options_of(LOSS_CROSS_ENTROPY, 0, 4, false);
    struct err e = {0};
    double costs[5], twins[5];
    float *twice = memory_new(SIDE * INPUTS_N, sizeof *twice);
    int32_t of[SIDE];
    for (size_t i = 0; i < SIDE; i++) {
        weights[i] = i < SIDE / 2 ? 2 : 0;
        of[i] = classes[i % (SIDE / 2)];
        memcpy(twice + i * INPUTS_N, X + i % (SIDE / 2) * INPUTS_N, INPUTS_N * sizeof *X);
    }
    struct trainer_data data = {X, {.classes = classes, .weights = weights}, SIDE};
    struct trainer_data plain = {twice, {.classes = of}, SIDE};
    struct trainer *t = trainer_new(net, data, &options, teams[2], &stop, &e);
    struct trainer *u = trainer_new(twin, plain, &options, teams[2], &stop, &e);
    if (CHECK_SAY(t && u, "%s", e.text) && run(t, 4, costs) && run(u, 4, twins))
        for (size_t i = 0; i < 5; i++)
            CHECK_NEAR(costs[i], twins[i], 1e-5);
    CHECK(costs[4] < 0.95 * costs[0]);
    trainer_free(u);
    trainer_free(t);
    free(twice);
    net_free(twin);
    net_free(net);
}

/* Between any two steps, with a table longer than the training's: what it gives is the
 * twin's, and what is trained stays the same bits. */
static void a_cost_beside_the_training(size_t batch_rows, size_t threads_n,
                                       double *first) {
    enum { TRAINED_N = 300, OTHER_N = ROWS_N - TRAINED_N };
    static float weights[OTHER_N];
    struct net *net = wide_net(), *other = wide_net();
    struct trainer_options options = options_of(LOSS_CROSS_ENTROPY, batch_rows, 3, true);
    struct trainer *t = trainer_made(net, TRAINED_N, &options, threads_n);
    struct trainer *u = trainer_made(other, TRAINED_N, &options, threads_n);
    rng_uniform(7, 7, weights, OTHER_N);
    struct trainer_data data = {
        X + TRAINED_N * INPUTS_N,
        {.classes = classes + TRAINED_N, .weights = weights},
        OTHER_N,
    };
    double *params = memory_new(net->block_n, sizeof *params), cost = -1;
    enum trainer_event event = TRAINER_STEPPED;
    for (size_t step = 0; event < TRAINER_DONE; step++) {
        struct trainer_point point, same;
        struct err e = {0};
        double done = trainer_epochs_done(t);
        if (!CHECK(trainer_cost(t, data, &cost)))
            break;
        CHECK(trainer_epochs_done(t) == done);
        if (!step)
            *first = cost;
        if (step < 2) {
            for (size_t i = 0; i < net->block_n; i++)
                params[i] = (double)net->params[i];
            CHECK_NEAR(
                cost,
                twin_cost(net, params, options.loss, data.X, data.targets, OTHER_N) /
                    OTHER_N,
                1e-6);
        }
        event = trainer_step(t, &point, &e);
        CHECK(trainer_step(u, &same, &e) == event);
        if (event == TRAINER_POINT)
            CHECK(point.epoch == same.epoch && point.cost == same.cost);
    }
    CHECK(event == TRAINER_DONE && cost < *first);
    CHECK(memcmp(net->params, other->params, net->block_n * sizeof(float)) == 0);
    atomic_store(&stop, true);
    cost = -1;
    CHECK(!trainer_cost(t, data, &cost) && cost == -1);
    atomic_store(&stop, false);
    free(params);
    trainer_free(u);
    trainer_free(t);
    net_free(other);
    net_free(net);
}

static void costs_of_other_tables(void) {
    double costs[THREADS_MAX + 1], mini;
    for (size_t n = 1; n <= THREADS_MAX; n++)
        a_cost_beside_the_training(0, n, &costs[n]);
    for (size_t n = 2; n <= THREADS_MAX; n++)
        CHECK(costs[n] == costs[1]);
    a_cost_beside_the_training(70, 2, &mini);
    CHECK(mini == costs[1]);
}

/* Row i is 1 in column i alone: the weight that a batch of one row moves names its row.
 */
static void an_epochs_order_is_drawn_from_seed_and_epoch(void) {
    enum { SIDE = 20 };
    static float one_hot[SIDE * SIDE], ones[SIDE];
    struct layer_shape shape = {.units_n = 1, .activation = ACTIVATION_LINEAR};
    struct err e = {0};
    struct net *net = net_new(SIDE, &shape, 1, &e);
    for (size_t i = 0; i < SIDE; i++)
        one_hot[i * SIDE + i] = ones[i] = 1;
    struct trainer_data data = {one_hot, {.values = ones}, SIDE};
    struct trainer_options options = options_of(LOSS_MSE, 1, 3, true);
    struct trainer *t = trainer_new(net, data, &options, teams[2], &stop, &e);
    struct trainer_point point;
    CHECK(t && trainer_step(t, &point, &e) == TRAINER_POINT);
    uint32_t want[SIDE], last[SIDE] = {0};
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        rng_permutation(options.seed, RNG_STREAM_SHUFFLE | epoch, want, SIDE);
        CHECK(memcmp(want, last, sizeof want) != 0);
        memcpy(last, want, sizeof want);
        for (size_t i = 0; i < SIDE; i++) {
            float before[SIDE];
            memcpy(before, net_weights(net, 0), sizeof before);
            trainer_step(t, &point, &e);
            for (uint32_t j = 0; j < SIDE; j++)
                CHECK((net_weights(net, 0)[j] != before[j]) == (j == want[i]));
        }
    }
    trainer_free(t);
    net_free(net);
}

int main(void) {
    if (!scene_new())
        return 1;
    CHECK_RUN(shuffling_changes_the_course);
    CHECK_RUN(weights_go_with_their_rows);
    CHECK_RUN(weights_steer_the_gradient);
    CHECK_RUN(costs_of_other_tables);
    CHECK_RUN(an_epochs_order_is_drawn_from_seed_and_epoch);
    scene_free();
    return check_done();
}
