#include "api/checkpoint_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static const char body[] =
    "{\"model\":\"m\",\"data\":{\"features\":[[0,1],[2,0],[1,1]],\"targets\":[1.5,2,3]},"
    "\"hidden\":[3],\"normalize\":\"standard\"}";

enum { STATE_N = 7 };
static const float state[STATE_N] = {1, -0.0f, 1e-45f, 3.4e38f, 5, 6, 7};

/* A job, and a model as a trainer would have it at some moment. */
struct scene {
    struct job_request request;
    struct model model;
};

static void scene_open(struct scene *s) {
    struct err e = {0};
    if (!CHECK_SAY(job_decode(body, strlen(body), 5, &s->request, &e), "%s", e.text))
        abort();
    const struct job_spec *spec = &s->request.spec;
    s->model = (struct model){.task = spec->task, .loss = spec->loss};
    s->model.net = net_new(spec->inputs_n, spec->layers, spec->layers_n, &e);
    if (!s->model.net ||
        !transform_learn(&s->model.transform, spec->normalize, s->request.features.values,
                         spec->samples_n, spec->inputs_n, &e))
        abort();
    initializer_fill(s->model.net, INITIALIZER_GLOROT_UNIFORM, 1, 3);
}

static void scene_close(struct scene *s) {
    net_free(s->model.net);
    transform_free(&s->model.transform);
    job_request_free(&s->request);
}

static const struct checkpoint_facts facts = {
    .job_id = "job_a\"b",
    .resumable = true,
    .position = {.epoch = 41,
                 .row = 2,
                 .updates = INT64_C(9007199254740993),
                 .loss = 0.1 + 0.2,
                 .phase = 1,
                 .point_given = true},
    .stopping = {.best = 1e-300, .best_epoch = 40},
    .training_seconds = 12.25,
    .cost_epoch = 41,
    .cost = 0.7000000000000001,
    .point_pending = true,
    .stop_reason = "early_stopping",
    .target_mean = -3.5,
    .target_scale = 0.1,
};

static void *bytes_of(const struct scene *s, struct checkpoint_facts with, size_t *n) {
    struct err e = {0};
    const struct checkpoint_source source = {
        .model = &s->model,
        .spec = &s->request.spec,
        .facts = with,
        .state = with.resumable ? state : NULL,
        .state_n = with.resumable ? STATE_N : 0,
    };
    void *bytes = checkpoint_encode(&source, n, &e);
    if (!CHECK_SAY(bytes, "%s", e.text))
        abort();
    return bytes;
}

static bool comes_back(const void *bytes, size_t n, struct checkpoint *back) {
    struct err e = {0};
    return CHECK_SAY(checkpoint_decode(bytes, n, back, &e), "%s: %s", e.where, e.text);
}

static bool same(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

static void a_checkpoint_comes_back_bit_for_bit(void) {
    struct scene s;
    size_t n;
    struct checkpoint back;
    scene_open(&s);
    struct checkpoint_facts with = facts;
    with.validation_cost = (double)NAN;
    void *bytes = bytes_of(&s, with, &n);
    if (comes_back(bytes, n, &back)) {
        const struct checkpoint_facts *f = &back.facts;
        const struct net *net = s.model.net;
        CHECK(memcmp(back.model->net->params, net->params,
                     net->block_n * sizeof *net->params) == 0);
        CHECK(back.state_n == STATE_N && memcmp(back.state, state, sizeof state) == 0);
        CHECK_TEXT(f->job_id, facts.job_id);
        CHECK(f->resumable && f->position.epoch == 41 && f->position.row == 2 &&
              f->position.updates == facts.position.updates && f->position.phase == 1 &&
              f->position.point_given);
        CHECK(same(f->position.loss, facts.position.loss));
        CHECK(same(f->stopping.best, 1e-300) && f->stopping.best_epoch == 40);
        CHECK(same(f->cost, facts.cost) && f->cost_epoch == 41);
        CHECK(isnan(f->validation_cost) && same(f->training_seconds, 12.25));
        CHECK(same(f->target_mean, -3.5) && same(f->target_scale, 0.1));
        CHECK(f->point_pending && f->stop_reason);
        CHECK_TEXT(f->stop_reason, "early_stopping");
        checkpoint_free(&back);
    }
    free(bytes);
    scene_close(&s);
}

/* What says nothing is not written: releases that do not know it read the rest. */
static void a_training_that_goes_on_has_no_reason(void) {
    struct scene s;
    size_t n;
    struct checkpoint back;
    scene_open(&s);
    struct checkpoint_facts with = facts;
    with.point_pending = false;
    with.stop_reason = NULL;
    char *bytes = bytes_of(&s, with, &n);
    CHECK(!memmem(bytes, n, "point_pending", strlen("point_pending")) &&
          !memmem(bytes, n, "stop_reason", strlen("stop_reason")));
    if (comes_back(bytes, n, &back)) {
        CHECK(!back.facts.point_pending && !back.facts.stop_reason);
        checkpoint_free(&back);
    }
    free(bytes);
    scene_close(&s);
}

static void a_checkpoint_is_a_model_for_who_reads_models(void) {
    struct scene s;
    struct err e = {0};
    size_t n;
    scene_open(&s);
    void *bytes = bytes_of(&s, facts, &n);
    struct model *model = model_file_decode(bytes, n, &e);
    CHECK_SAY(model, "%s: %s", e.where, e.text);
    model_free(model);
    free(bytes);
    scene_close(&s);
}

static void the_best_parameters_stand_alone(void) {
    struct scene s;
    size_t n;
    struct checkpoint back;
    scene_open(&s);
    struct checkpoint_facts with = {
        .job_id = "j", .stopping = stopping_start(), .cost_epoch = -1};
    void *bytes = bytes_of(&s, with, &n);
    if (comes_back(bytes, n, &back)) {
        CHECK(!back.facts.resumable && !back.state && !back.state_n);
        CHECK(isinf(back.facts.stopping.best) && back.facts.stopping.best_epoch == -1);
        CHECK(back.facts.cost_epoch == -1);
        checkpoint_free(&back);
    }
    free(bytes);
    scene_close(&s);
}

static void what_is_not_finite_is_not_kept(void) {
    struct scene s;
    struct err e = {0};
    size_t n;
    scene_open(&s);
    net_biases(s.model.net, 1)[0] = (float)NAN;
    const struct checkpoint_source source = {
        .model = &s.model, .spec = &s.request.spec, .facts = facts};
    CHECK(!checkpoint_encode(&source, &n, &e) && e.kind == ERR_NUMERIC);
    scene_close(&s);
}

static void what_is_no_checkpoint_is_refused(void) {
    struct scene s;
    struct err e = {0};
    size_t n;
    struct checkpoint back;
    scene_open(&s);
    void *bytes = model_file_encode(&s.model, &s.request.spec, &n, &e);
    CHECK(bytes && !checkpoint_decode(bytes, n, &back, &e) && e.kind == ERR_INVALID);
    free(bytes);
    bytes = bytes_of(&s, facts, &n);
    for (size_t cut = 0; cut < n; cut += 97) {
        struct err broken = {0};
        CHECK(!checkpoint_decode(bytes, cut, &back, &broken));
    }
    free(bytes);
    scene_close(&s);
}

int main(void) {
    CHECK_RUN(a_checkpoint_comes_back_bit_for_bit);
    CHECK_RUN(a_training_that_goes_on_has_no_reason);
    CHECK_RUN(a_checkpoint_is_a_model_for_who_reads_models);
    CHECK_RUN(the_best_parameters_stand_alone);
    CHECK_RUN(what_is_not_finite_is_not_kept);
    CHECK_RUN(what_is_no_checkpoint_is_refused);
    return check_done();
}
