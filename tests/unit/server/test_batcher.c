#include "server/batcher.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "engine/initializer.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "server/clock.h"
#include "server/routes.h"
#include "server/usage.h"
#include "tests/unit/check.h"

enum { INPUTS_N = 5, OUTPUTS_N = 3, ROWS_N = 900, MANY = 64 };

static float X[ROWS_N * INPUTS_N];

/* A version of a model that nobody else has. */
static struct served served_made(uint64_t seed, size_t units_n) {
    struct layer_shape shapes[] = {
        {.units_n = units_n, .activation = ACTIVATION_TANH},
        {.units_n = OUTPUTS_N, .activation = ACTIVATION_SOFTMAX}};
    struct err e = {0};
    struct model from = {.task = TASK_MULTI_CLASS, .loss = LOSS_CROSS_ENTROPY};
    from.net = net_new(INPUTS_N, shapes, 2, &e);
    initializer_fill(from.net, INITIALIZER_GLOROT_NORMAL, 0, seed);
    struct model *model = model_new(&from, &e);
    CHECK(model_settle(model, &e));
    return (struct served){.name = "m",
                           .version = 1,
                           .model = model,
                           .usage = calloc(1, sizeof(struct usage))};
}

static void served_free(struct served *served) {
    struct model *model = (struct model *)(uintptr_t)served->model;
    model_free(model);
    free(served->usage);
}

/* What model_predict says of rows at..at+m. */
static bool is_right(const struct prediction *p, size_t at) {
    float Y[ROWS_N * OUTPUTS_N];
    float *scratch = memory_new(model_scratch_n(p->served->model, p->m), sizeof *scratch);
    model_predict(p->served->model, X + at * INPUTS_N, p->m, scratch, Y);
    free(scratch);
    return p->Y && memcmp(Y, p->Y, p->m * OUTPUTS_N * sizeof *Y) == 0;
}

static struct prediction rows(const struct served *served, size_t at, size_t m) {
    return (struct prediction){.served = served, .X = X + at * INPUTS_N, .m = m};
}

/* ---- lists and passes ----------------------------------------------------------- */

static void the_first_and_its_like_are_taken(void) {
    struct served one = served_made(1, 40), other = served_made(2, 40);
    struct prediction all[6], *taken[6];
    struct predictions list = {0};
    for (size_t i = 0; i < 6; i++) {
        all[i] = rows(i % 2 ? &other : &one, i, i == 4 ? 7 : 2);
        predictions_add(&list, &all[i]);
    }
    CHECK(list.n == 6 && list.rows == 17);
    CHECK(predictions_take(&list, 4, taken, 6) == 2); /* 0, 2: with 4 it would be 11 */
    CHECK(taken[0] == &all[0] && taken[1] == &all[2]);
    CHECK(predictions_take(&list, 100, taken, 2) == 2);
    CHECK(taken[0] == &all[1] && taken[1] == &all[3]);
    CHECK(predictions_take(&list, 1, taken, 6) == 1 && taken[0] == &all[4]);
    predictions_remove(&list, &all[5]);
    CHECK(!list.first && !list.last && !list.n && !list.rows && !all[5].list);
    CHECK(predictions_take(&list, 1, taken, 6) == 0);
    served_free(&one);
    served_free(&other);
}

static void together_as_alone(void) {
    struct served served = served_made(3, 40);
    struct prediction all[MANY], *in_turn[MANY];
    for (size_t n = 1; n <= MANY; n += 9) {
        for (size_t i = 0; i < n; i++) {
            all[i] = rows(&served, i * 3, 1 + i % 4);
            in_turn[i] = &all[i];
        }
        predictions_compute(in_turn, n);
        for (size_t i = 0; i < n; i++) {
            CHECK_SAY(is_right(&all[i], i * 3), "%zu of %zu", i, n);
            prediction_free(&all[i]);
        }
    }
    served_free(&served);
}

/* ---- the threads ---------------------------------------------------------------- */

static struct metrics *metrics;

static struct batcher *start(struct batcher_options options) {
    struct err e = {0};
    options.metrics = metrics;
    struct batcher *b = batcher_start(&options, &e);
    CHECK_SAY(b != NULL, "%s", e.text);
    return b;
}

static void on_done(void *context) {
    sem_post(context);
}

static void many_of_two_versions(void) {
    struct served one = served_made(4, 40), other = served_made(5, 40);
    struct batcher *b = start(
        (struct batcher_options){.threads_n = 3, .rows_max = 16, .queue_max = MANY});
    struct prediction all[MANY];
    sem_t done;
    sem_init(&done, 0, 0);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < MANY; i++) {
            all[i] = rows(i % 3 ? &one : &other, i * 7, 1 + i % 5);
            CHECK(batcher_add(b, &all[i], on_done, &done));
        }
        for (size_t i = 0; i < MANY; i++)
            sem_wait(&done);
        for (size_t i = 0; i < MANY; i++) {
            CHECK(is_right(&all[i], i * 7) && !all[i].err.kind);
            prediction_free(&all[i]);
        }
    }
    CHECK(batcher_waiting(b) == 0);
    batcher_free(b);
    served_free(&one);
    served_free(&other);
}

/* While the first waits for company: the queue is bounded, and a full pass goes at once.
 */
static void the_queue_is_bounded(void) {
    enum { HALF_AN_HOUR_US = 1800 * 1000000 };
    struct served served = served_made(6, 40);
    struct batcher *b = start((struct batcher_options){
        .threads_n = 2, .rows_max = 4, .queue_max = 2, .delay_us = HALF_AN_HOUR_US});
    struct prediction all[3];
    sem_t done;
    sem_init(&done, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        all[i] = rows(&served, i, i == 1 ? 3 : 1);
        if (i == 0)
            CHECK(batcher_add(b, &all[i], on_done, &done));
    }
    CHECK(batcher_waiting(b) == 1 && sem_trywait(&done) != 0);
    CHECK(batcher_add(b, &all[1], on_done, &done)); /* 4 rows: a pass */
    sem_wait(&done);
    sem_wait(&done);
    CHECK(is_right(&all[0], 0) && is_right(&all[1], 1));
    prediction_free(&all[0]);
    prediction_free(&all[1]);
    struct prediction late[3];
    for (size_t i = 0; i < 3; i++)
        late[i] = rows(&served, i, 1);
    CHECK(batcher_add(b, &late[0], on_done, &done));
    CHECK(batcher_add(b, &late[1], on_done, &done));
    CHECK(!batcher_add(b, &late[2], on_done, &done));
    batcher_free(b); /* computes what waits */
    for (size_t i = 0; i < 2; i++) {
        CHECK(sem_trywait(&done) == 0 && is_right(&late[i], i));
        prediction_free(&late[i]);
    }
    served_free(&served);
}

static void who_is_late_is_told(void) {
    struct served served = served_made(7, 40);
    struct batcher *b =
        start((struct batcher_options){.threads_n = 1, .rows_max = 4, .queue_max = 9});
    struct prediction late = rows(&served, 0, 1), hurried = rows(&served, 1, 1);
    late.deadline_us = clock_mono_us() - 1;
    hurried.deadline_us = INT64_MAX;
    sem_t done;
    sem_init(&done, 0, 0);
    CHECK(batcher_add(b, &late, on_done, &done));
    CHECK(batcher_add(b, &hurried, on_done, &done));
    sem_wait(&done);
    sem_wait(&done);
    CHECK(late.err.kind == ERR_DEADLINE && !late.Y);
    CHECK(is_right(&hurried, 1));
    prediction_free(&hurried);
    batcher_free(b);
    served_free(&served);
}

struct large {
    struct batcher *b;
    const struct served *served;
    size_t at, m;
    bool right;
};
static void *large_run(void *context) {
    struct large *large = context;
    struct prediction p = rows(large->served, large->at, large->m);
    batcher_compute(large->b, &p);
    large->right = is_right(&p, large->at);
    prediction_free(&p);
    return NULL;
}

/* Several at a time, of many parts and of one. */
static void large_ones_in_parts(void) {
    struct served served = served_made(8, 3000);
    struct batcher *b =
        start((struct batcher_options){.threads_n = 3, .rows_max = 4, .queue_max = 9});
    struct large all[4];
    pthread_t threads[4];
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < 4; i++) {
            size_t m = i ? ROWS_N - 97 * i : 1;
            all[i] = (struct large){b, &served, i * 20, m, false};
            pthread_create(&threads[i], NULL, large_run, &all[i]);
        }
        for (size_t i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
            CHECK_SAY(all[i].right, "%zu rows", all[i].m);
        }
    }
    batcher_free(b);
    batcher_free(NULL);
    served_free(&served);
}

int main(void) {
    rng_normal(1, 1, X, ROWS_N * INPUTS_N);
    metrics = metrics_new(routes, routes_n);
    CHECK_RUN(the_first_and_its_like_are_taken);
    CHECK_RUN(together_as_alone);
    CHECK_RUN(many_of_two_versions);
    CHECK_RUN(the_queue_is_bounded);
    CHECK_RUN(who_is_late_is_told);
    CHECK_RUN(large_ones_in_parts);
    metrics_free(metrics);
    return check_done();
}
