/* How fast training is beside the products that it is made of, on one thread and on two.
 *
 *   cc -std=c11 -D_GNU_SOURCE -I. -O2 -pthread -o build/bench_train \
 *      tests/bench/bench_train.c build/engine/[a-z]*.o -lopenblas -lm
 *
 * Prints GFLOP/s: a multiplication and an addition a weight and sample, three times
 * (forward, dW, dA), without the first layer's dA, which is never computed. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/initializer.h"
#include "engine/matrix.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "engine/team.h"
#include "engine/trainer.h"

enum { SQUARE = 2048, REPEATS = 5 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *floats_drawn(size_t n, uint64_t stream) {
    float *x = memory_new(n, sizeof *x);
    if (!x)
        abort();
    rng_normal(1, stream, x, n);
    return x;
}

struct square {
    const float *A, *B;
    float *C;
    size_t rows; /* of a lane */
};

static void square_lane(void *context, size_t lane) {
    const struct square *s = context;
    size_t from = lane * s->rows * SQUARE;
    matrix_mul_nn(s->rows, SQUARE, SQUARE, s->A + from, s->B, s->C + from);
}

/* The best of some products of large matrices, each thread with its rows. */
static double peak(struct team *team) {
    const size_t n = (size_t)SQUARE * SQUARE;
    float *A = floats_drawn(n, 1), *B = floats_drawn(n, 2), *C = floats_drawn(n, 3);
    size_t threads_n = team_threads(team);
    struct square s = {A, B, C, SQUARE / threads_n};
    double best = 0;
    for (int i = 0; i < REPEATS; i++) {
        double start = now();
        team_run(team, threads_n, square_lane, &s);
        double speed = 2.0 * SQUARE * (double)n / (now() - start) / 1e9;
        best = speed > best ? speed : best;
    }
    free(A);
    free(B);
    free(C);
    return best;
}

struct setting {
    const char *name;
    size_t inputs_n;
    struct layer_shape shapes[4];
    size_t layers_n;
    size_t rows_n;
    enum loss loss;
    struct trainer_options options;
};

static double flop_per_sample(const struct net *net) {
    double flop = 0;
    for (size_t l = 0; l < net->layers_n; l++) {
        double weights =
            (double)net->layers[l].inputs_n * (double)net->layers[l].shape.units_n;
        flop += (l ? 6.0 : 4.0) * weights;
    }
    return flop;
}

/* After full batches comes one cost without a gradient: no step to be timed. */
static bool full_batch_end(const struct setting *setting,
                           const struct trainer_point *point) {
    return !setting->options.batch_rows && point->epoch == setting->options.epochs;
}

static void bench(const struct setting *setting, struct team *team, double peak_speed) {
    struct err e = {0};
    struct net *net = net_new(setting->inputs_n, setting->shapes, setting->layers_n, &e);
    if (!net)
        abort();
    initializer_fill(net, INITIALIZER_HE_NORMAL, 0, 7);
    size_t rows_n = setting->rows_n, outputs_n = net->outputs_n;
    float *X = floats_drawn(rows_n * setting->inputs_n, 4);
    float *values = floats_drawn(rows_n * outputs_n, 5);
    int32_t *classes = memory_new(rows_n, sizeof *classes);
    if (!classes)
        abort();
    for (size_t i = 0; i < rows_n; i++)
        classes[i] = (int32_t)(i % outputs_n);
    struct trainer_data data = {
        .X = X, .targets = {.values = values, .classes = classes}, .rows_n = rows_n};
    atomic_bool stop = false;
    struct trainer *t = trainer_new(net, data, &setting->options, team, &stop, &e);
    if (!t) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
    struct trainer_point point;
    trainer_step(t, &point, &e); /* warm, and the first cost */
    double best_epoch = 1e9;
    enum trainer_event event = TRAINER_STEPPED;
    size_t batch_rows =
        setting->options.batch_rows ? setting->options.batch_rows : rows_n;
    double steps = (double)((rows_n + batch_rows - 1) / batch_rows);
    for (double start = now(); event != TRAINER_DONE && event != TRAINER_FAILED;) {
        event = trainer_step(t, &point, &e);
        if (event != TRAINER_POINT || full_batch_end(setting, &point))
            continue;
        double end = now();
        best_epoch = end - start < best_epoch ? end - start : best_epoch;
        start = end;
    }
    double speed = flop_per_sample(net) * (double)rows_n / best_epoch / 1e9;
    printf(
        "  %-32s %8.1f GFLOP/s  %5.2f of the products  %9.1f us a step  %9.1f epochs/s\n",
        setting->name, speed, speed / peak_speed, best_epoch / steps * 1e6,
        1 / best_epoch);
    trainer_free(t);
    net_free(net);
    free(X);
    free(values);
    free(classes);
}

int main(void) {
    static const struct setting settings[] = {
        {.name = "784-256-128-10, batches of 128",
         .inputs_n = 784,
         .shapes = {{.units_n = 256, .activation = ACTIVATION_RELU},
                    {.units_n = 128, .activation = ACTIVATION_RELU},
                    {.units_n = 10, .activation = ACTIVATION_SOFTMAX}},
         .layers_n = 3,
         .rows_n = 12800,
         .options = {.loss = LOSS_CROSS_ENTROPY,
                     .optimizer = {.kind = OPTIMIZER_GRADIENT_DESCENT,
                                   .learning_rate = 0.01f},
                     .batch_rows = 128,
                     .epochs = 4,
                     .shuffle = true}},
        {.name = "the same, dropout 0.5",
         .inputs_n = 784,
         .shapes = {{.units_n = 256, .activation = ACTIVATION_RELU, .dropout = 0.5f},
                    {.units_n = 128, .activation = ACTIVATION_RELU, .dropout = 0.5f},
                    {.units_n = 10, .activation = ACTIVATION_SOFTMAX}},
         .layers_n = 3,
         .rows_n = 12800,
         .options = {.loss = LOSS_CROSS_ENTROPY,
                     .optimizer = {.kind = OPTIMIZER_GRADIENT_DESCENT,
                                   .learning_rate = 0.01f},
                     .batch_rows = 128,
                     .epochs = 4,
                     .shuffle = true}},
        {.name = "784-256-128-10, full batch",
         .inputs_n = 784,
         .shapes = {{.units_n = 256, .activation = ACTIVATION_RELU},
                    {.units_n = 128, .activation = ACTIVATION_RELU},
                    {.units_n = 10, .activation = ACTIVATION_SOFTMAX}},
         .layers_n = 3,
         .rows_n = 12800,
         .options = {.loss = LOSS_CROSS_ENTROPY,
                     .optimizer = {.kind = OPTIMIZER_GRADIENT_DESCENT,
                                   .learning_rate = 0.01f},
                     .epochs = 4}},
        {.name = "2-4-1 tanh, 400 rows, full batch",
         .inputs_n = 2,
         .shapes = {{.units_n = 4, .activation = ACTIVATION_TANH},
                    {.units_n = 1, .activation = ACTIVATION_SIGMOID}},
         .layers_n = 2,
         .rows_n = 400,
         .options = {.loss = LOSS_BINARY_CROSS_ENTROPY,
                     .optimizer = {.kind = OPTIMIZER_GRADIENT_DESCENT,
                                   .learning_rate = 0.1f},
                     .epochs = 20000}},
    };
    struct err e = {0};
    if (!matrix_start(&e)) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    printf("%s\n", matrix_blas_name());
    for (size_t threads_n = 1; threads_n <= 2; threads_n++) {
        struct team *team = team_new(threads_n, &e);
        if (!team)
            return 1;
        double speed = peak(team);
        printf("%zu thread%s: products of %d x %d: %.1f GFLOP/s\n", threads_n,
               threads_n > 1 ? "s" : "", SQUARE, SQUARE, speed);
        for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
            bench(&settings[i], team, speed);
        team_free(team);
    }
    return 0;
}
