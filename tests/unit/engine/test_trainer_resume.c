/* Interrupted trainings against one that runs straight through: the same bits. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/initializer.h"
#include "engine/matrix.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "engine/trainer.h"
#include "tests/unit/check.h"

enum { INPUTS_N = 30, CLASSES_N = 4, ROWS_N = 700, THREADS_MAX = 4, EPOCHS = 6 };
static float X[ROWS_N * INPUTS_N];
static int32_t classes[ROWS_N];
static struct team *teams[THREADS_MAX + 1];
static atomic_bool stop;

static void data_draw(void) {
    rng_normal(1, 1, X, ROWS_N * INPUTS_N);
    for (size_t i = 0; i < ROWS_N; i++) {
        classes[i] = (int32_t)(i * 7 % CLASSES_N);
        X[i * INPUTS_N + (size_t)classes[i]] += 2;
    }
}

static struct net *net_made(float dropout) {
    struct layer_shape shapes[] = {
        {.units_n = 300, .activation = ACTIVATION_RELU, .dropout = dropout},
        {.units_n = 60, .activation = ACTIVATION_TANH, .dropout = dropout / 2},
        {.units_n = CLASSES_N, .activation = ACTIVATION_SOFTMAX}};
    struct err e = {0};
    struct net *net = net_new(INPUTS_N, shapes, 3, &e);
    initializer_fill(net, INITIALIZER_HE_NORMAL, 0, 5);
    return net;
}

/* Ways to train that have different positions. */
static const struct {
    const char *name;
    size_t batch_rows;
    bool shuffle;
    float dropout;
    enum optimizer optimizer;
    enum schedule_kind schedule;
} ways[] = {
    {"full batch", 0, false, 0, OPTIMIZER_GRADIENT_DESCENT, SCHEDULE_CONSTANT},
    {"mini-batches in order", 128, false, 0, OPTIMIZER_GRADIENT_DESCENT,
     SCHEDULE_CONSTANT},
    {"mini-batches, shuffled", 150, true, 0, OPTIMIZER_GRADIENT_DESCENT,
     SCHEDULE_CONSTANT},
    {"full batch with dropout", 0, false, 0.3f, OPTIMIZER_GRADIENT_DESCENT,
     SCHEDULE_CONSTANT},
    {"mini-batches with dropout", 150, true, 0.3f, OPTIMIZER_GRADIENT_DESCENT,
     SCHEDULE_CONSTANT},
    {"momentum", 150, true, 0, OPTIMIZER_MOMENTUM, SCHEDULE_STEP},
    {"rmsprop", 150, true, 0.3f, OPTIMIZER_RMSPROP, SCHEDULE_INVERSE_TIME},
    {"adam", 150, true, 0.3f, OPTIMIZER_ADAM, SCHEDULE_COSINE},
    {"adamw, full batch", 0, false, 0, OPTIMIZER_ADAMW, SCHEDULE_EXPONENTIAL},
};
enum { WAYS_N = sizeof ways / sizeof *ways };

static struct trainer_options options_of(size_t way) {
    struct optimizer_options optimizer = optimizer_defaults(ways[way].optimizer);
    optimizer.learning_rate = ways[way].optimizer ? 0.01f : 0.1f;
    optimizer.l2 = ways[way].optimizer ? 0.5f : 0;
    return (struct trainer_options){
        .loss = LOSS_CROSS_ENTROPY,
        .optimizer = optimizer,
        .schedule = {.kind = ways[way].schedule, .decay_rate = 0.9f, .step_epochs = 2},
        .batch_rows = ways[way].batch_rows,
        .epochs = EPOCHS,
        .shuffle = ways[way].shuffle,
        .seed = 9,
    };
}

/* A training that may change its trainer, net and team on the way. */
struct training {
    size_t way;
    struct net *net;
    struct trainer *trainer;
    double costs[EPOCHS + 1];
    int64_t points_n;
    size_t steps_n;
    enum trainer_event event;
};

static struct trainer_data data_whole(void) {
    return (struct trainer_data){X, {.classes = classes}, ROWS_N};
}

static bool training_start(struct training *g, size_t way, size_t threads_n) {
    struct trainer_options options = options_of(way);
    struct err e = {0};
    *g = (struct training){.way = way, .net = net_made(ways[way].dropout)};
    g->trainer = trainer_new(g->net, data_whole(), &options, teams[threads_n], &stop, &e);
    return CHECK_SAY(g->trainer, "%s", e.text);
}

static void training_end(struct training *g) {
    trainer_free(g->trainer);
    net_free(g->net);
}

static bool training_goes_on(const struct training *g) {
    return g->event == TRAINER_STEPPED || g->event == TRAINER_POINT;
}

static void training_step(struct training *g) {
    struct trainer_point point;
    struct err e = {0};
    g->event = trainer_step(g->trainer, &point, &e);
    g->steps_n++;
    CHECK_SAY(g->event != TRAINER_FAILED, "%s", e.text);
    if (g->event == TRAINER_POINT &&
        CHECK_SAY(point.epoch == g->points_n && g->points_n <= EPOCHS,
                  "%s: epoch %lld at %lld", ways[g->way].name, (long long)point.epoch,
                  (long long)g->points_n))
        g->costs[g->points_n++] = point.cost;
}

/* Copies what a checkpoint holds into a new net and a new trainer; nothing of the old
 * ones is left. */
static bool training_move(struct training *g, size_t threads_n) {
    struct trainer_position p;
    size_t state_n;
    trainer_position(g->trainer, &p);
    const float *state = trainer_state(g->trainer, &state_n);
    float *kept = memory_new(state_n + 1, sizeof *kept);
    if (state_n)
        memcpy(kept, state, state_n * sizeof *kept);
    struct net *net = net_made(ways[g->way].dropout);
    memcpy(net->params, g->net->params, net->block_n * sizeof *net->params);
    double done = trainer_epochs_done(g->trainer);
    training_end(g);
    struct trainer_options options = options_of(g->way);
    struct err e = {0};
    g->net = net;
    g->trainer = trainer_new(net, data_whole(), &options, teams[threads_n], &stop, &e);
    bool ok = CHECK_SAY(
        g->trainer && trainer_restore(g->trainer, &p, state_n ? kept : NULL, state_n, &e),
        "%s: %s", ways[g->way].name, e.text);
    free(kept);
    CHECK(!ok || trainer_epochs_done(g->trainer) == done);
    return ok;
}

static bool training_straight(struct training *g, size_t way) {
    if (!training_start(g, way, 1))
        return false;
    while (training_goes_on(g))
        training_step(g);
    return CHECK(g->event == TRAINER_DONE && g->points_n == EPOCHS + 1 &&
                 g->costs[EPOCHS] < 0.9 * g->costs[0]);
}

static void training_compare(const struct training *got, const struct training *want) {
    const char *name = ways[want->way].name;
    CHECK_SAY(got->event == TRAINER_DONE && got->points_n == want->points_n,
              "%s: %lld points", name, (long long)got->points_n);
    CHECK_SAY(memcmp(got->costs, want->costs, sizeof want->costs) == 0, "%s", name);
    CHECK_SAY(memcmp(got->net->params, want->net->params,
                     want->net->block_n * sizeof *want->net->params) == 0,
              "%s", name);
}

/* Moved before step s when `moves(s)`, each time to the next number of threads. */
static void moved(size_t way, const struct training *want, const bool *moves) {
    struct training g;
    size_t threads_n = 2;
    if (!training_start(&g, way, 1))
        return;
    while (training_goes_on(&g)) {
        if (moves[g.steps_n] && !training_move(&g, threads_n))
            break;
        threads_n = threads_n % THREADS_MAX + 1;
        training_step(&g);
    }
    CHECK(g.steps_n == want->steps_n);
    training_compare(&g, want);
    training_end(&g);
}

enum { STEPS_MAX = 100, MOVES_N = 9, TRIALS_N = 4 };

static void moved_at_every_step(void) {
    bool moves[STEPS_MAX];
    memset(moves, true, sizeof moves);
    for (size_t way = 0; way < WAYS_N; way++) {
        struct training want;
        if (training_straight(&want, way) && CHECK(want.steps_n <= STEPS_MAX))
            moved(way, &want, moves);
        training_end(&want);
    }
}

static void moved_nine_times(void) {
    for (size_t way = 0; way < WAYS_N; way++) {
        struct training want;
        bool ok = training_straight(&want, way) && CHECK(want.steps_n <= STEPS_MAX);
        for (uint64_t trial = 0; ok && trial < TRIALS_N; trial++) {
            uint32_t order[STEPS_MAX];
            bool moves[STEPS_MAX] = {false};
            rng_permutation(trial, way, order, want.steps_n);
            for (size_t i = 0; i < MOVES_N && i < want.steps_n; i++)
                moves[order[i]] = true;
            moved(way, &want, moves);
        }
        training_end(&want);
    }
}

static void *stop_soon(void *argument) {
    usleep(*(useconds_t *)argument);
    atomic_store(&stop, true);
    return NULL;
}

/* Stopped from outside at moments that nobody chose, within steps too. */
static void stopped_at_any_moment(void) {
    for (size_t way = 0; way < WAYS_N; way++) {
        struct training want, g;
        bool ok = training_straight(&want, way) && training_start(&g, way, 2);
        if (!ok)
            continue;
        for (useconds_t i = 0; training_goes_on(&g); i++) {
            useconds_t delay_us = i * 977 % 3000;
            pthread_t thread;
            if (!CHECK(pthread_create(&thread, NULL, stop_soon, &delay_us) == 0))
                break;
            while (training_goes_on(&g))
                training_step(&g);
            pthread_join(thread, NULL);
            atomic_store(&stop, false);
            if (g.event == TRAINER_STOPPED && training_move(&g, i % THREADS_MAX + 1))
                g.event = TRAINER_STEPPED;
        }
        training_compare(&g, &want);
        training_end(&g);
        training_end(&want);
    }
}

/* A full batch that was stopped between the update and the cost of it. */
static void an_update_without_its_point(size_t way) {
    struct training g;
    if (!training_start(&g, way, 1))
        return;
    for (int64_t epoch = 0; epoch <= EPOCHS; epoch++) {
        training_step(&g);
        struct training again;
        struct trainer_position p;
        struct trainer_point point = {0};
        struct err e = {0};
        trainer_position(g.trainer, &p);
        CHECK(p.epoch == epoch && p.updates == epoch && p.point_given);
        p.point_given = false;
        p.phase = TRAINER_GOES_ON;
        if (training_start(&again, way, 2)) {
            memcpy(again.net->params, g.net->params, g.net->block_n * sizeof(float));
            CHECK_SAY(trainer_restore(again.trainer, &p, NULL, 0, &e), "%s", e.text);
            CHECK(trainer_step(again.trainer, &point, &e) == TRAINER_POINT);
            CHECK(point.epoch == epoch && point.cost == g.costs[epoch]);
        }
        training_end(&again);
    }
    training_end(&g);
}

/* The cost of the training's own rows, at each point: to the bit that of the point. */
static void a_point_is_its_parameters(size_t way) {
    struct training g;
    if (!training_start(&g, way, 2))
        return;
    for (training_step(&g); training_goes_on(&g); training_step(&g)) {
        double cost = 0;
        CHECK(trainer_cost(g.trainer, data_whole(), &cost));
        CHECK(cost == g.costs[g.points_n - 1]);
        CHECK(trainer_epochs_done(g.trainer) == (double)(g.points_n - 1));
    }
    CHECK(g.event == TRAINER_DONE);
    training_end(&g);
}

static void full_batches(void) {
    for (size_t way = 0; way < WAYS_N; way++)
        if (!ways[way].batch_rows && ways[way].optimizer == OPTIMIZER_GRADIENT_DESCENT) {
            an_update_without_its_point(way);
            a_point_is_its_parameters(way);
        }
}

static void an_ended_training_stays_ended(void) {
    struct training g;
    if (training_straight(&g, 2) && training_move(&g, 1)) {
        training_step(&g);
        CHECK(g.event == TRAINER_DONE && trainer_epochs_done(g.trainer) == EPOCHS);
    }
    training_end(&g);
}

/* Positions over 700 rows, 6 epochs: batches of 128 (6 a pass) unless `full`. */
static void positions_are_checked(void) {
    static const struct {
        struct trainer_position p;
        bool full, good;
    } cases[] = {
        {{.epoch = 0}, false, true},
        {{.epoch = 0, .point_given = true}, false, true},
        {{.epoch = 2, .row = 256, .updates = 14, .loss = 1, .point_given = true},
         false,
         true},
        {{.epoch = 6, .updates = 36, .phase = TRAINER_HAS_ENDED, .point_given = true},
         false,
         true},
        {{.epoch = 6, .updates = 6}, true, true},
        {{.epoch = -1}, false, false},
        {{.epoch = 7, .updates = 42, .point_given = true}, false, false},
        {{.epoch = INT64_MAX, .updates = 42, .point_given = true}, false, false},
        {{.row = 100, .updates = 1, .point_given = true}, false, false},
        {{.row = 768, .updates = 6, .point_given = true}, false, false},
        {{.row = UINT64_MAX, .updates = 6, .point_given = true}, false, false},
        {{.row = 128, .updates = 1}, false, false},
        {{.row = 128, .updates = 2, .point_given = true}, false, false},
        {{.row = 128, .updates = 1, .loss = INFINITY, .point_given = true}, false, false},
        {{.loss = 1, .point_given = true}, false, false},
        {{.epoch = 2, .updates = 12}, false, false},
        {{.epoch = 6, .updates = 36, .point_given = true}, false, false},
        {{.epoch = 6, .updates = 6, .point_given = true}, true, false},
        {{.epoch = 2, .updates = 3}, true, false},
        {{.epoch = 2, .updates = 2, .phase = TRAINER_HAS_ENDED, .point_given = true},
         true,
         false},
        {{.epoch = 2, .updates = 2, .phase = TRAINER_HAS_FAILED}, true, false},
        {{.epoch = 2, .updates = 2, .phase = 3}, true, false},
        {{.epoch = 2, .updates = 2, .phase = -1}, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct training g;
        struct err e = {0};
        if (!training_start(&g, cases[i].full ? 0 : 1, 1))
            continue;
        bool taken = trainer_restore(g.trainer, &cases[i].p, NULL, 0, &e);
        CHECK_SAY(taken == cases[i].good, "case %zu: %s", i, e.text);
        CHECK(taken || e.kind == ERR_INVALID);
        training_end(&g);
    }
}

static void the_state_is_checked(void) {
    struct training g;
    struct trainer_position p = {.epoch = 0};
    struct err e = {0};
    float state[3] = {0};
    if (training_start(&g, 0, 1)) {
        CHECK(!trainer_restore(g.trainer, &p, state, 3, &e) && e.kind == ERR_INVALID);
        CHECK_TEXT(e.text, "the optimizer's state is of 0 numbers, not 3");
    }
    training_end(&g);
}

int main(void) {
    struct err e = {0};
    if (!CHECK_SAY(matrix_start(&e), "%s", e.text))
        return 1;
    for (size_t n = 1; n <= THREADS_MAX; n++)
        teams[n] = team_new(n, &e);
    data_draw();
    CHECK_RUN(moved_at_every_step);
    CHECK_RUN(moved_nine_times);
    CHECK_RUN(stopped_at_any_moment);
    CHECK_RUN(full_batches);
    CHECK_RUN(an_ended_training_stays_ended);
    CHECK_RUN(positions_are_checked);
    CHECK_RUN(the_state_is_checked);
    for (size_t n = 1; n <= THREADS_MAX; n++)
        team_free(teams[n]);
    return check_done();
}
