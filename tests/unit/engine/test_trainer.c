#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/backward.h"
#include "engine/forward.h"
#include "engine/initializer.h"
#include "engine/lanes.h"
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

static void data_draw(void) {
    rng_normal(1, 1, X, ROWS_N * INPUTS_N);
    for (size_t i = 0; i < ROWS_N; i++) {
        classes[i] = (int32_t)(i * 7 % CLASSES_N);
        X[i * INPUTS_N + (size_t)classes[i]] += 2;
        values[i] = X[i * INPUTS_N] > 1;
    }
}

/* Wide enough for several lanes. */
static struct net *wide_net(void) {
    struct layer_shape shapes[] = {
        {.units_n = 120, .activation = ACTIVATION_RELU},
        {.units_n = 64, .activation = ACTIVATION_TANH},
        {.units_n = CLASSES_N, .activation = ACTIVATION_SOFTMAX}};
    struct err e = {0};
    struct net *net = net_new(INPUTS_N, shapes, 3, &e);
    initializer_fill(net, INITIALIZER_HE_NORMAL, 0, 5);
    return net;
}

/* One unit on the first two columns' width. */
static struct net *small_net(void) {
    struct layer_shape shapes[] = {{.units_n = 1, .activation = ACTIVATION_SIGMOID}};
    struct err e = {0};
    return net_new(2, shapes, 1, &e);
}

static struct trainer_options options_of(enum loss loss, size_t batch_rows,
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

static struct trainer *trainer_made(struct net *net, size_t rows_n,
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
static size_t run(struct trainer *t, int64_t epochs, double *costs) {
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

static double cost_of(const struct net *net, enum loss loss, size_t rows_n) {
    double *params = memory_new(net->block_n, sizeof *params), cost;
    for (size_t i = 0; i < net->block_n; i++)
        params[i] = (double)net->params[i];
    cost = twin_cost(net, params, loss, X,
                     (struct targets){.values = values, .classes = classes}, rows_n);
    free(params);
    return cost / (double)rows_n;
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

/* The run after a stop goes on as if nothing had been. */
static void stopping_drops_the_batch(size_t batch_rows) {
    struct net *net = wide_net(), *other = wide_net();
    struct trainer_options options = options_of(LOSS_CROSS_ENTROPY, batch_rows, 3, true);
    struct trainer *t = trainer_made(net, ROWS_N, &options, 2);
    struct trainer *u = trainer_made(other, ROWS_N, &options, 2);
    size_t bytes = net->block_n * sizeof *net->params;
    float *before = memory_new(net->block_n, sizeof *before);
    for (enum trainer_event event = TRAINER_STEPPED; event != TRAINER_DONE;) {
        struct trainer_point point, same;
        struct err e = {0};
        double done = trainer_epochs_done(t);
        memcpy(before, net->params, bytes);
        atomic_store(&stop, true);
        if (event != TRAINER_DONE)
            event = trainer_step(t, &point, &e);
        atomic_store(&stop, false);
        if (event != TRAINER_DONE && !CHECK(event == TRAINER_STOPPED))
            break;
        CHECK(memcmp(before, net->params, bytes) == 0 && trainer_epochs_done(t) == done);
        event = trainer_step(t, &point, &e);
        CHECK(trainer_step(u, &same, &e) == event);
        if (event == TRAINER_POINT)
            CHECK(point.epoch == same.epoch && point.cost == same.cost);
    }
    CHECK(memcmp(other->params, net->params, bytes) == 0);
    free(before);
    trainer_free(u);
    trainer_free(t);
    net_free(other);
    net_free(net);
}

static void stopping(void) {
    stopping_drops_the_batch(0);
    stopping_drops_the_batch(400);
}

/* A line through data of 1e4 with a rate of 0.1 doubles its error many times over an
 * epoch. */
static void diverging(size_t batch_rows) {
    struct layer_shape shape = {.units_n = 1, .activation = ACTIVATION_LINEAR};
    struct err e = {0};
    struct net *net = net_new(2, &shape, 1, &e);
    struct trainer_options options = options_of(LOSS_MSE, batch_rows, 1000, false);
    options.optimizer.learning_rate = 1e4f;
    struct trainer *t = trainer_made(net, 100, &options, 1);
    struct trainer_point point = {0};
    enum trainer_event event;
    int64_t next = 0;
    do {
        event = trainer_step(t, &point, &e);
        if (event == TRAINER_POINT)
            CHECK(point.epoch == next++ && isfinite(point.cost));
    } while (event == TRAINER_POINT || event == TRAINER_STEPPED);
    CHECK(event == TRAINER_FAILED && e.kind == ERR_NUMERIC);
    CHECK_SAY(point.epoch == next && next >= 1 && next < 100, "%lld, next %lld",
              (long long)point.epoch, (long long)next);
    char want[ERR_TEXT_MAX];
    snprintf(want, sizeof want,
             "the cost is not finite at epoch %lld: try a smaller learning_rate",
             (long long)next);
    CHECK_TEXT(e.text, want);
    struct err again = {0};
    struct trainer_point same = {0};
    CHECK(trainer_step(t, &same, &again) == TRAINER_FAILED);
    CHECK(same.epoch == point.epoch && again.kind == ERR_NUMERIC);
    CHECK_TEXT(again.text, e.text);
    trainer_free(t);
    net_free(net);
}

/* An infinite weight behind a dead relu leaves the cost finite. */
static void params_fail_too(size_t batch_rows) {
    struct layer_shape shapes[] = {{.units_n = 2, .activation = ACTIVATION_RELU},
                                   {.units_n = 1, .activation = ACTIVATION_LINEAR}};
    struct err e = {0};
    struct net *net = net_new(2, shapes, 2, &e);
    net_biases(net, 0)[1] = -INFINITY;
    struct trainer_options options = options_of(LOSS_MSE, batch_rows, 2, false);
    struct trainer *t = trainer_made(net, 100, &options, 1);
    struct trainer_point point;
    enum trainer_event event;
    while ((event = trainer_step(t, &point, &e)) < TRAINER_DONE)
        CHECK(point.epoch < 2);
    CHECK(event == TRAINER_FAILED && point.epoch == 2);
    CHECK_TEXT(e.text,
               "the parameters are not finite at epoch 2: try a smaller learning_rate");
    trainer_free(t);
    net_free(net);
}

static void not_finite(void) {
    diverging(0);
    diverging(30);
    params_fail_too(0);
    params_fail_too(30);
}

static void refused(struct net *net, struct trainer_data data,
                    struct trainer_options options, const char *text) {
    struct err e = {0};
    struct trainer *t = trainer_new(net, data, &options, teams[1], &stop, &e);
    CHECK(!t && e.kind == ERR_RANGE);
    CHECK_TEXT(e.text, text);
    trainer_free(t);
}

static void options_are_checked(void) {
    struct net *net = wide_net();
    struct trainer_data data = {X, {.classes = classes}, ROWS_N};
    struct trainer_options good = options_of(LOSS_CROSS_ENTROPY, 10, 3, true), bad;
    bad = good, bad.epochs = 0;
    refused(net, data, bad, "epochs is 1 to 9007199254740992, not 0");
    bad = good, bad.optimizer.learning_rate = 0;
    refused(net, data, bad, "learning_rate is over 0 and finite, not 0");
    bad = good, bad.optimizer.learning_rate = NAN;
    refused(net, data, bad, "learning_rate is over 0 and finite, not nan");
    bad = good, bad.optimizer.clip_norm = -1;
    refused(net, data, bad, "clip_norm is at least 0 and finite, not -1");
    bad = good, bad.schedule.warmup_epochs = 4;
    refused(net, data, bad, "warmup_epochs is 0 to 3 (epochs), not 4");
    bad = good, bad.loss = LOSS_MSE;
    refused(net, data, bad, "mse does not fit an output layer of softmax");
    net->layers[0].shape.activation = ACTIVATION_SOFTMAX;
    refused(net, data, good, "softmax stands on the output layer only");
    net->layers[0].shape.activation = ACTIVATION_RELU;
    struct trainer_data none = {X, {.values = values}, ROWS_N};
    refused(net, none, good, "cross_entropy wants classes as targets");
    data.rows_n = 0;
    refused(net, data, good, "training takes 1 to 4294967295 rows, not 0");
    data.rows_n = ROWS_N;
    classes[77] = CLASSES_N;
    refused(net, data, good, "row 77 is of class 10, but the net has 10 outputs");
    classes[77] = -1;
    refused(net, data, good, "row 77 is of class -1, but the net has 10 outputs");
    data_draw();
    const float weights[] = {1, 0, -1}, odd[] = {NAN};
    data = (struct trainer_data){X, {.classes = classes, .weights = weights}, 3};
    refused(net, data, good, "the weight of row 2 is at least 0 and finite, not -1");
    data = (struct trainer_data){X, {.classes = classes, .weights = odd}, 1};
    refused(net, data, good, "the weight of row 0 is at least 0 and finite, not nan");
    net_free(net);
}

static void memory_is_foretold(void) {
    struct net *net = wide_net();
    struct trainer_options options = options_of(LOSS_CROSS_ENTROPY, 128, 1, true);
    size_t batch, full, long_table;
    CHECK(trainer_memory(net, ROWS_N, &options, &batch));
    options.batch_rows = 0;
    CHECK(trainer_memory(net, ROWS_N, &options, &full));
    CHECK(trainer_memory(net, 1000 * (size_t)ROWS_N, &options, &long_table));
    CHECK(full > 4 * net->block_n * sizeof(float) && full < 8 << 20);
    CHECK(long_table < full * 2); /* tiles bound the activations */
    CHECK(batch > 2 * net->block_n * sizeof(float) + 4 * ROWS_N);
    for (int kind = 0; kind < OPTIMIZERS_N; kind++) {
        size_t bytes, state_n = optimizer_state_n((enum optimizer)kind);
        options.optimizer.kind = (enum optimizer)kind;
        CHECK(trainer_memory(net, ROWS_N, &options, &bytes));
        CHECK(bytes == full + state_n * net->block_n * sizeof(float));
    }
    options.optimizer.kind = OPTIMIZER_GRADIENT_DESCENT;
    struct layer_shape shapes[3];
    struct err e = {0};
    for (size_t l = 0; l < 3; l++)
        shapes[l] = net->layers[l].shape;
    struct net *outline = net_outline(INPUTS_N, shapes, 3, &e);
    size_t foretold = 0;
    CHECK(outline && trainer_memory(outline, ROWS_N, &options, &foretold));
    CHECK(foretold == full);
    net_free(outline);
    net_free(net);
}

int main(void) {
    struct err e = {0};
    if (!CHECK_SAY(matrix_start(&e), "%s", e.text))
        return 1;
    for (size_t n = 1; n <= THREADS_MAX; n++)
        teams[n] = team_new(n, &e);
    data_draw();
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
    CHECK_RUN(shuffling_changes_the_course);
    CHECK_RUN(weights_go_with_their_rows);
    CHECK_RUN(weights_steer_the_gradient);
    CHECK_RUN(costs_of_other_tables);
    CHECK_RUN(an_epochs_order_is_drawn_from_seed_and_epoch);
    CHECK_RUN(stopping);
    CHECK_RUN(not_finite);
    CHECK_RUN(options_are_checked);
    CHECK_RUN(memory_is_foretold);
    for (size_t n = 1; n <= THREADS_MAX; n++)
        team_free(teams[n]);
    return check_done();
}
