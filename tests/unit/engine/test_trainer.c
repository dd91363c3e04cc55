/* What a training computes: its steps, costs and rates, on however many threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/backward.h"
#include "engine/forward.h"
#include "engine/lanes.h"
#include "engine/memory.h"
#include "tests/unit/engine/test_trainer.h"

/* One unit on the first two columns' width. */
static struct net *small_net(void) {
    struct layer_shape shapes[] = {{.units_n = 1, .activation = ACTIVATION_SIGMOID}};
    struct err e = {0};
    return net_new(2, shapes, 1, &e);
}

/* One step by hand: w - 0.1 dJ/dw by central differences of the twin. */
static void a_step_follows_the_gradient(void) {
    struct net *net = small_net();
    net_weights(net, 0)[0] = 0.3f;
    struct trainer_options options = options_of(LOSS_BINARY_CROSS_ENTROPY, 0, 1, false);
    struct trainer *t = trainer_made(net, 50, &options, 1);
    double params[64] = {0}, want[3], costs[2];
    const size_t at[] = {0, 1, net->layers[0].biases_at};
    params[0] = (double)0.3f;
    struct targets targets = {.values = values};
    for (size_t i = 0; i < 3; i++) {
        double here = params[at[i]];
        params[at[i]] = here + 1e-6;
        double above = twin_cost(net, params, options.loss, X, targets, 50);
        params[at[i]] = here - 1e-6;
        double below = twin_cost(net, params, options.loss, X, targets, 50);
        params[at[i]] = here;
        want[i] = here - 0.1 * (above - below) / 2e-6 / 50;
    }
    double first = cost_of(net, options.loss, 50);
    run(t, 1, costs);
    CHECK_NEAR(costs[0], first, 1e-6);
    CHECK_NEAR(costs[1], cost_of(net, options.loss, 50), 1e-6);
    for (size_t i = 0; i < 3; i++)
        CHECK_NEAR((double)net->params[at[i]], want[i], 1e-6);
    trainer_free(t);
    net_free(net);
}

static void points_come_once_each(void) {
    static const struct {
        size_t rows_n, batch_rows, calls;
    } cases[] = {
        {100, 0, 7},   {100, 100, 7}, {100, 1000, 7}, /* 6 points, DONE */
        {100, 50, 12}, {100, 30, 22}, {100, 99, 12},  {100, 1, 502}, {1, 0, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int shuffle = 0; shuffle < 2; shuffle++) {
            struct net *net = small_net();
            struct trainer_options options =
                options_of(LOSS_BINARY_CROSS_ENTROPY, cases[i].batch_rows, 5, shuffle);
            double costs[6];
            struct trainer *t = trainer_made(net, cases[i].rows_n, &options, 2);
            size_t calls = run(t, 5, costs);
            CHECK_SAY(calls == cases[i].calls, "case %zu: %zu calls", i, calls);
            CHECK_NEAR(costs[0], log(2), 1e-6);
            trainer_free(t);
            net_free(net);
        }
}

/* A batch of 40 and one of 10 by hand, with full-batch trainers on those rows. */
static void the_last_mini_batch_may_be_short(void) {
    struct net *net = small_net(), *twin = small_net();
    struct trainer_options options = options_of(LOSS_BINARY_CROSS_ENTROPY, 40, 1, false);
    struct trainer_options whole = options_of(LOSS_BINARY_CROSS_ENTROPY, 0, 1, false);
    struct trainer *t = trainer_made(net, 50, &options, 1);
    double costs[2], first[2], second[2];
    struct err e = {0};
    run(t, 1, costs);
    struct trainer *a = trainer_made(twin, 40, &whole, 1);
    run(a, 1, first);
    struct trainer_data rest = {X + 80, {.values = values + 40}, 10};
    struct trainer *b = trainer_new(twin, rest, &whole, teams[1], &stop, &e);
    run(b, 1, second);
    CHECK_NEAR(costs[1], (40 * first[0] + 10 * second[0]) / 50, 1e-9);
    CHECK(memcmp(net->params, twin->params, net->block_n * sizeof *net->params) == 0);
    trainer_free(b);
    trainer_free(a);
    trainer_free(t);
    net_free(twin);
    net_free(net);
}

/* A full batch goes through several lanes and tiles; here its rows go through at once. */
static void lanes_cover_each_row_once(void) {
    struct net *net = wide_net(), *twin = wide_net();
    struct trainer_options options = options_of(LOSS_CROSS_ENTROPY, 0, 1, false);
    struct trainer *t = trainer_made(net, ROWS_N - 1, &options, 3);
    const size_t rows_n = ROWS_N - 1;
    double costs[2], first = cost_of(net, LOSS_CROSS_ENTROPY, rows_n);
    float *cache = memory_new(forward_cache_n(twin, rows_n), sizeof *cache);
    float *scratch = memory_new(backward_scratch_n(twin, rows_n), sizeof *scratch);
    float *grads = memory_new(twin->block_n, sizeof *grads);
    forward_train(twin, X, rows_n, NULL, cache);
    loss_fuse(LOSS_CROSS_ENTROPY, ACTIVATION_SOFTMAX, 0,
              forward_cached(twin, rows_n, cache, 2),
              (struct targets){.classes = classes}, rows_n, CLASSES_N);
    backward(twin, X, rows_n, cache, scratch, grads, false);
    run(t, 1, costs);
    CHECK(lanes_count(net, rows_n) == LANES_MAX);
    CHECK_NEAR(costs[0], first, 1e-6);
    CHECK_NEAR(costs[1], cost_of(net, LOSS_CROSS_ENTROPY, rows_n), 1e-6);
    for (size_t i = 0; i < net->block_n; i++)
        CHECK_NEAR((double)net->params[i],
                   (double)twin->params[i] - 0.1 * (double)grads[i] / (double)rows_n,
                   1e-6);
    free(grads);
    free(scratch);
    free(cache);
    trainer_free(t);
    net_free(twin);
    net_free(net);
}

/* The rule that training's bits depend on: rows and net decide, nothing else. */
static void lanes_follow_rows_and_work(void) {
    struct layer_shape shapes[] = {{.units_n = 256, .activation = ACTIVATION_RELU},
                                   {.units_n = 128, .activation = ACTIVATION_RELU},
                                   {.units_n = 10, .activation = ACTIVATION_SOFTMAX}};
    struct err e = {0};
    struct net *net = net_new(784, shapes, 3, &e), *small = small_net();
    CHECK(lanes_count(net, 1) == 1 && lanes_count(net, 63) == 1);
    CHECK(lanes_count(net, 64) == 2 && lanes_count(net, 128) == 2);
    CHECK(lanes_count(net, 512) == 4 && lanes_count(net, 1u << 31) == 4);
    CHECK(lanes_count(small, 400) == 1);
    net_free(small);
    net_free(net);
}

static void same_bits_by(enum optimizer kind, size_t batch_rows, bool shuffle, float l2,
                         float clip_norm) {
    enum { EPOCHS = 3 };
    double costs[THREADS_MAX + 1][EPOCHS + 1];
    struct net *nets[THREADS_MAX + 1];
    for (size_t threads_n = 1; threads_n <= THREADS_MAX; threads_n++) {
        nets[threads_n] = wide_net();
        struct trainer_options options =
            options_of(LOSS_CROSS_ENTROPY, batch_rows, EPOCHS, shuffle);
        options.optimizer = optimizer_defaults(kind);
        options.optimizer.learning_rate = kind < OPTIMIZER_RMSPROP ? 0.1f : 0.01f;
        options.optimizer.l2 = l2;
        options.optimizer.clip_norm = clip_norm;
        struct trainer *t = trainer_made(nets[threads_n], ROWS_N, &options, threads_n);
        run(t, EPOCHS, costs[threads_n]);
        trainer_free(t);
    }
    CHECK(costs[1][EPOCHS] < 0.97 * costs[1][0]);
    for (size_t n = 2; n <= THREADS_MAX; n++) {
        CHECK(memcmp(costs[n], costs[1], sizeof costs[1]) == 0);
        CHECK_SAY(memcmp(nets[n]->params, nets[1]->params,
                         nets[1]->block_n * sizeof(float)) == 0,
                  "%s, %zu threads, batches of %zu", optimizer_name(kind), n, batch_rows);
        net_free(nets[n]);
    }
    net_free(nets[1]);
}

static void same_bits(size_t batch_rows, bool shuffle) {
    same_bits_by(OPTIMIZER_GRADIENT_DESCENT, batch_rows, shuffle, 0, 0);
}

static void threads_do_not_change_a_bit(void) {
    same_bits(0, false);
    same_bits(128, true);
    same_bits(700, true);
    same_bits(700, false);
}

static void optimizers_do_not_care_for_threads(void) {
    for (int kind = 0; kind < OPTIMIZERS_N; kind++) {
        same_bits_by((enum optimizer)kind, 128, true, 0, 0);
        same_bits_by((enum optimizer)kind, 700, true, 0.5f, 0.4f);
    }
}

static double weights_square(const struct net *net) {
    double sum = 0;
    for (size_t l = 0; l < net->layers_n; l++)
        for (size_t i = 0; i < net->layers[l].inputs_n * net->layers[l].shape.units_n;
             i++)
            sum += pow((double)net_weights(net, l)[i], 2);
    return sum;
}

/* The penalty is in the training's costs, weights alone, and in no other cost. */
static void penalties(size_t batch_rows, double batches_n) {
    struct net *net = wide_net();
    net_biases(net, 0)[0] = 100;
    double penalty = batches_n * 3.0 / (2 * ROWS_N) * weights_square(net);
    double plain = cost_of(net, LOSS_CROSS_ENTROPY, ROWS_N), costs[2], cost;
    struct trainer_options options = options_of(LOSS_CROSS_ENTROPY, batch_rows, 1, false);
    options.optimizer.l2 = 3;
    options.optimizer.learning_rate = 1e-20f; /* all batches see the same parameters */
    struct trainer *t = trainer_made(net, ROWS_N, &options, 2);
    struct trainer_data data = {X, {.classes = classes}, ROWS_N};
    CHECK(trainer_cost(t, data, &cost));
    CHECK_NEAR(cost, plain, 1e-6);
    run(t, 1, costs);
    CHECK_NEAR(costs[0], plain + penalty, 2e-6);
    CHECK_NEAR(costs[1], plain + penalty, 2e-6);
    trainer_free(t);
    net_free(net);
}

static void penalties_are_in_the_cost(void) {
    penalties(0, 1);
    penalties(500, 3);
    penalties(700, 3); /* the last one of 100 */
}

/* A layer of many ranges: biases stay where they are, whatever l2 does to the weights. */
static void biases_are_not_penalised(void) {
    static const enum optimizer kinds[] = {OPTIMIZER_GRADIENT_DESCENT, OPTIMIZER_ADAMW};
    for (size_t k = 0; k < 2; k++) {
        struct layer_shape shapes[] = {{.units_n = 400, .activation = ACTIVATION_RELU},
                                       {.units_n = 300, .activation = ACTIVATION_RELU},
                                       {.units_n = 10, .activation = ACTIVATION_SOFTMAX}};
        struct err e = {0};
        struct net *net = net_new(INPUTS_N, shapes, 3, &e);
        CHECK(net->block_n > 8 << 14); /* several parts */
        for (size_t l = 0; l < 3; l++) {
            for (size_t i = 0; i < net->layers[l].inputs_n * shapes[l].units_n; i++)
                net_weights(net, l)[i] =
                    l == 1 ? -1 : 1; /* layer 2 is dead: gradient 0 */
            for (size_t i = 0; i < shapes[l].units_n; i++)
                net_biases(net, l)[i] = l ? 0.5f : 100;
        }
        struct trainer_options options = options_of(LOSS_CROSS_ENTROPY, 0, 1, false);
        options.optimizer = optimizer_defaults(kinds[k]);
        options.optimizer.learning_rate = 0.5f;
        options.optimizer.l2 = k ? 0 : 0.2f * ROWS_N;
        options.optimizer.weight_decay = 0.2f;
        struct trainer *t = trainer_made(net, ROWS_N, &options, 3);
        double costs[2];
        run(t, 1, costs);
        for (size_t l = 0; l < 2; l++) {
            float want = (l ? -1.0f : 1.0f) * (1 - 0.5f * 0.2f);
            for (size_t i = 0; i < net->layers[l].inputs_n * shapes[l].units_n; i++)
                CHECK_NEAR((double)net_weights(net, l)[i], (double)want, 1e-6);
            for (size_t i = 0; i < shapes[l].units_n; i++)
                CHECK(net_biases(net, l)[i] == (l ? 0.5f : 100));
        }
        trainer_free(t);
        net_free(net);
    }
}

/* Mini-batches: the rate goes by the epoch, not by the update. */
static void the_schedule_goes_by_epochs(void) {
    struct net *net = small_net(), *twin = small_net();
    struct trainer_options options = options_of(LOSS_BINARY_CROSS_ENTROPY, 25, 2, false);
    options.schedule =
        (struct schedule){.kind = SCHEDULE_STEP, .decay_rate = 0.5f, .step_epochs = 1};
    struct trainer *t = trainer_made(net, 100, &options, 1);
    double costs[3];
    run(t, 2, costs);
    for (int epoch = 0; epoch < 2; epoch++) {
        struct trainer_options one = options_of(LOSS_BINARY_CROSS_ENTROPY, 25, 1, false);
        one.optimizer.learning_rate = epoch ? 0.05f : 0.1f;
        struct trainer *a = trainer_made(twin, 100, &one, 1);
        run(a, 1, costs);
        trainer_free(a);
    }
    CHECK(memcmp(net->params, twin->params, net->block_n * sizeof *net->params) == 0);
    trainer_free(t);
    net_free(twin);
    net_free(net);
}

int main(void) {
    if (!scene_new())
        return 1;
    CHECK_RUN(a_step_follows_the_gradient);
    CHECK_RUN(points_come_once_each);
    CHECK_RUN(the_last_mini_batch_may_be_short);
    CHECK_RUN(lanes_cover_each_row_once);
    CHECK_RUN(lanes_follow_rows_and_work);
    CHECK_RUN(threads_do_not_change_a_bit);
    CHECK_RUN(optimizers_do_not_care_for_threads);
    CHECK_RUN(penalties_are_in_the_cost);
    CHECK_RUN(biases_are_not_penalised);
    CHECK_RUN(the_schedule_goes_by_epochs);
    scene_free();
    return check_done();
}
