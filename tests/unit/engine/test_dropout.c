#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/backward.h"
#include "engine/dropout.h"
#include "engine/forward.h"
#include "engine/initializer.h"
#include "engine/matrix.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "tests/unit/check.h"
#include "tests/unit/engine/twin.h"

static bool dropped(float x) {
    return x == 0.0f && signbit(x);
}

/* The masks' definition, a unit at a time. */
static bool twin_dropped(const struct dropout *masks, size_t l, double d, size_t row,
                         size_t unit, size_t n) {
    uint32_t words[4];
    rng_block(masks->seed, RNG_STREAM_DROPOUT | masks->update << 8 | l,
              (masks->row + row) * ((n + 3) / 4) + unit / 4, words);
    return (double)words[unit % 4] < d * 4294967296.0;
}

/* Ones, through rows wider and narrower than what is drawn at a time, with and without
 * words left over. */
static void masks_are_as_defined(void) {
    static const size_t shapes[][2] = {{1, 1},   {3, 1},   {700, 3},  {900, 4},
                                       {90, 30}, {40, 64}, {3, 2500}, {2, 4096}};
    const struct dropout masks = {.seed = 77, .update = 123456, .row = 1000};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t m = shapes[i][0], n = shapes[i][1], wrong = 0;
        float *A = memory_new(m * n, sizeof *A);
        for (size_t j = 0; j < m * n; j++)
            A[j] = 3;
        dropout_apply(&masks, 5, 0.25f, A, m, n);
        for (size_t j = 0; j < m * n; j++) {
            float want = twin_dropped(&masks, 5, 0.25, j / n, j % n, n) ? -0.0f : 4.0f;
            wrong += memcmp(&A[j], &want, sizeof want) != 0;
        }
        CHECK_SAY(wrong == 0, "%zu x %zu: %zu wrong", m, n, wrong);
        free(A);
    }
}

/* However a batch is cut. */
static void parts_are_those_of_the_whole(void) {
    enum { M = 20, N = 7 };
    float whole[M * N], parts[M * N];
    for (size_t i = 0; i < M * N; i++)
        whole[i] = parts[i] = 1;
    dropout_apply(&(struct dropout){1, 2, 0}, 0, 0.5f, whole, M, N);
    dropout_apply(&(struct dropout){1, 2, 0}, 0, 0.5f, parts, 13, N);
    dropout_apply(&(struct dropout){1, 2, 13}, 0, 0.5f, parts + 13 * N, M - 13, N);
    CHECK(memcmp(whole, parts, sizeof whole) == 0);
}

static void masks_differ(void) {
    enum { N = 64 };
    static const struct {
        struct dropout masks;
        size_t l;
    } of[] = {
        {{1, 2, 3}, 0}, {{2, 2, 3}, 0}, {{1, 3, 3}, 0}, {{1, 2, 4}, 0}, {{1, 2, 3}, 1}};
    float A[5][N];
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < N; j++)
            A[i][j] = 1;
        dropout_apply(&of[i].masks, of[i].l, 0.5f, A[i], 1, N);
        for (size_t j = 0; j < i; j++)
            CHECK_SAY(memcmp(A[i], A[j], sizeof A[i]) != 0, "%zu and %zu", i, j);
    }
}

/* What goes on is in the mean what came; the share that is dropped is the one asked for.
 * 400000 draws: within five standard deviations. */
static void the_mean_is_kept(void) {
    enum { M = 1000, N = 400 };
    static const float shares[] = {1e-3f, 0.1f, 0.5f, 0.9f, 0.999f};
    float *A = memory_new(M * N, sizeof *A);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double sum = 0, dropped_n = 0, d = (double)shares[i];
        for (size_t j = 0; j < M * N; j++)
            A[j] = 1;
        dropout_apply(&(struct dropout){.seed = 3, .update = i}, 1, shares[i], A, M, N);
        for (size_t j = 0; j < M * N; j++)
            sum += (double)A[j], dropped_n += dropped(A[j]);
        double deviation = sqrt(d * (1 - d) / (M * N));
        CHECK_SAY(fabs(dropped_n / (M * N) - d) < 5 * deviation, "%g: %g", d,
                  dropped_n / (M * N));
        CHECK_SAY(fabs(sum / (M * N) - 1) < 5 * deviation / (1 - d), "%g: mean %g", d,
                  sum / (M * N));
    }
    free(A);
}

/* A unit that gives 0 and stays passes its gradient; one that is dropped does not. */
static void zeros_are_no_dropped_units(void) {
    enum { N = 200 };
    float A[N], dA[N];
    size_t kept_n = 0;
    for (size_t i = 0; i < N; i++)
        A[i] = i % 2 ? 0.0f : -0.0f, dA[i] = 1;
    const struct dropout masks = {.seed = 1};
    dropout_apply(&masks, 0, 0.5f, A, 1, N);
    dropout_backward(0.5f, A, dA, N);
    for (size_t i = 0; i < N; i++) {
        bool kept = !twin_dropped(&masks, 0, 0.5, 0, i, N);
        CHECK(dA[i] == (kept ? 2.0f : 0.0f) && A[i] == 0.0f);
        kept_n += kept;
    }
    CHECK(kept_n > 50 && kept_n < 150);
}

static void what_is_not_finite_is_seen(void) {
    float A[64];
    for (size_t i = 0; i < 64; i++)
        A[i] = i % 2 ? NAN : INFINITY;
    dropout_apply(&(struct dropout){.seed = 1}, 0, 0.5f, A, 1, 64);
    for (size_t i = 0; i < 64; i++)
        CHECK(dropped(A[i]) || !isfinite(A[i]));
}

/* A net whose hidden layers all have dropout, and the twin of its masked pass. */
enum { ROWS_N = 9, INPUTS_N = 4, OUTPUTS_N = 3, LAYERS_N = 3 };
static const float shares[LAYERS_N] = {0.4f, 0.25f, 0};
static const size_t units[LAYERS_N] = {6, 8, OUTPUTS_N};
static float X[ROWS_N * INPUTS_N];
static int32_t classes[ROWS_N];

static struct net *net_made(enum activation hidden) {
    struct layer_shape shapes[LAYERS_N];
    struct err e = {0};
    for (size_t l = 0; l < LAYERS_N; l++)
        shapes[l] = (struct layer_shape){
            .units_n = units[l],
            .activation = l + 1 < LAYERS_N ? hidden : ACTIVATION_SOFTMAX,
            .negative_slope = 0.1f,
            .dropout = shares[l],
        };
    struct net *net = net_new(INPUTS_N, shapes, LAYERS_N, &e);
    if (!CHECK_SAY(net, "%s", e.text))
        abort();
    initializer_fill(net, INITIALIZER_GLOROT_NORMAL, 0, 3);
    for (size_t l = 0; l < LAYERS_N; l++)
        rng_normal(1, l, net_biases(net, l), units[l]);
    return net;
}

/* The sum of the losses, in double, under the masks; without them when NULL. */
static double twin_masked_cost(const struct net *net, const double *params,
                               const struct dropout *masks) {
    double sum = 0;
    for (size_t row = 0; row < ROWS_N; row++) {
        double a[TWIN_UNITS_MAX], z[TWIN_UNITS_MAX];
        for (size_t j = 0; j < INPUTS_N; j++)
            a[j] = (double)X[row * INPUTS_N + j];
        for (size_t l = 0; l < net->layers_n; l++) {
            const struct layer *layer = &net->layers[l];
            const struct layer_shape *shape = &layer->shape;
            double d = (double)shape->dropout;
            for (size_t i = 0; i < shape->units_n; i++) {
                z[i] = params[layer->biases_at + i];
                for (size_t j = 0; j < layer->inputs_n; j++)
                    z[i] += params[layer->weights_at + i * layer->inputs_n + j] * a[j];
            }
            for (size_t i = 0; i < shape->units_n; i++) {
                a[i] = twin_activation(shape->activation, (double)shape->negative_slope,
                                       z[i]);
                if (masks && d > 0)
                    a[i] *= twin_dropped(masks, l, d, row, i, shape->units_n)
                                ? 0
                                : 1 / (1 - d);
            }
        }
        struct twin_output output = twin_output_of(net, LOSS_CROSS_ENTROPY);
        sum += twin_loss(&output, z, (struct targets){.classes = classes + row});
    }
    return sum;
}

/* @return the engine's sum of losses under the masks; grads (block_n) unless NULL. */
static double engine_cost(const struct net *net, const struct dropout *masks,
                          float *grads) {
    float *cache = memory_new(forward_cache_n(net, ROWS_N), sizeof *cache);
    float *scratch = memory_new(backward_scratch_n(net, ROWS_N), sizeof *scratch);
    forward_train(net, X, ROWS_N, masks, cache);
    double sum = loss_fuse(LOSS_CROSS_ENTROPY, ACTIVATION_SOFTMAX, 0,
                           forward_cached(net, ROWS_N, cache, LAYERS_N - 1),
                           (struct targets){.classes = classes}, ROWS_N, OUTPUTS_N);
    if (grads)
        backward(net, X, ROWS_N, cache, scratch, grads, false);
    free(scratch);
    free(cache);
    return sum;
}

static double *params_doubled(const struct net *net) {
    double *params = memory_new(net->block_n, sizeof *params);
    for (size_t i = 0; i < net->block_n; i++)
        params[i] = (double)net->params[i];
    return params;
}

/* Under fixed masks the gradient is that of the twin's cost, by central differences. */
static void gradient_check(enum activation hidden) {
    const struct dropout masks = {.seed = 8, .update = 4, .row = 100};
    const double step = 1e-6;
    struct net *net = net_made(hidden);
    float *grads = memory_new(net->block_n, sizeof *grads);
    double *params = params_doubled(net), largest = 0, off = 0;
    CHECK_NEAR(engine_cost(net, &masks, grads), twin_masked_cost(net, params, &masks),
               2e-6);
    for (size_t i = 0; i < net->block_n; i++) {
        double here = params[i];
        params[i] = here + step;
        double above = twin_masked_cost(net, params, &masks);
        params[i] = here - step;
        double below = twin_masked_cost(net, params, &masks);
        params[i] = here;
        double slope = (above - below) / (2 * step);
        off = fmax(off, fabs((double)grads[i] - slope));
        largest = fmax(largest, fabs(slope));
    }
    CHECK_SAY(off <= 1e-5 * largest && largest > 0, "%s: off by %g of %g",
              activation_name(hidden), off, largest);
    free(params);
    free(grads);
    net_free(net);
}

static void gradient_checks(void) {
    for (int hidden = 0; hidden < ACTIVATION_SOFTMAX; hidden++)
        gradient_check((enum activation)hidden);
}

static void without_masks_the_net_is_plain(void) {
    const struct dropout masks = {.seed = 8};
    struct net *net = net_made(ACTIVATION_TANH);
    double *params = params_doubled(net), want = twin_masked_cost(net, params, NULL);
    CHECK_NEAR(engine_cost(net, NULL, NULL), want, 2e-6);
    CHECK(fabs(engine_cost(net, &masks, NULL) - want) > 1e-3 * want);
    free(params);
    net_free(net);
}

int main(void) {
    struct err e = {0};
    if (!CHECK_SAY(matrix_start(&e), "%s", e.text))
        return 1;
    rng_normal(2, 1, X, ROWS_N * INPUTS_N);
    for (int32_t i = 0; i < ROWS_N; i++)
        classes[i] = i % OUTPUTS_N;
    CHECK_RUN(masks_are_as_defined);
    CHECK_RUN(parts_are_those_of_the_whole);
    CHECK_RUN(masks_differ);
    CHECK_RUN(the_mean_is_kept);
    CHECK_RUN(zeros_are_no_dropped_units);
    CHECK_RUN(what_is_not_finite_is_seen);
    CHECK_RUN(gradient_checks);
    CHECK_RUN(without_masks_the_net_is_plain);
    return check_done();
}
