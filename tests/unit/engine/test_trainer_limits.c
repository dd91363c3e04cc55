/* What a trainer refuses and how much memory it foretells; and what ends a training
 * before its last epoch. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "tests/unit/engine/test_trainer.h"

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
    int points_n = -1; /* of such parameters */
    do {
        event = trainer_step(t, &point, &e);
        points_n++;
    } while (event < TRAINER_DONE);
    CHECK(points_n == 0 && event == TRAINER_FAILED && point.epoch == 0);
    CHECK_TEXT(e.text,
               "the parameters are not finite at epoch 0: try a smaller learning_rate");
    trainer_free(t);
    net_free(net);
}

static void not_finite(void) {
    diverging(0);
    diverging(30);
    params_fail_too(0);
    params_fail_too(30);
}

/* Of no epochs the cost of the first parameters is all. */
static void no_epochs(size_t batch_rows) {
    struct net *net = wide_net();
    struct trainer_options options = options_of(LOSS_CROSS_ENTROPY, batch_rows, 0, true);
    struct trainer *t = trainer_made(net, ROWS_N, &options, 2);
    size_t bytes = net->block_n * sizeof *net->params;
    float *before = memory_new(net->block_n, sizeof *before);
    memcpy(before, net->params, bytes);
    struct trainer_point point = {.epoch = -1};
    struct err e = {0};
    CHECK(trainer_step(t, &point, &e) == TRAINER_POINT && point.epoch == 0);
    CHECK(isfinite(point.cost) && point.cost > 0);
    CHECK(trainer_step(t, &point, &e) == TRAINER_DONE);
    CHECK(trainer_step(t, &point, &e) == TRAINER_DONE);
    CHECK(trainer_epochs_done(t) == 0 && memcmp(before, net->params, bytes) == 0);
    free(before);
    trainer_free(t);
    net_free(net);
}

static void nothing_to_train(void) {
    no_epochs(0);
    no_epochs(400);
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
    bad = good, bad.epochs = -1;
    refused(net, data, bad, "epochs is 0 to 9007199254740992, not -1");
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
    if (!scene_new())
        return 1;
    CHECK_RUN(stopping);
    CHECK_RUN(not_finite);
    CHECK_RUN(nothing_to_train);
    CHECK_RUN(options_are_checked);
    CHECK_RUN(memory_is_foretold);
    scene_free();
    return check_done();
}
