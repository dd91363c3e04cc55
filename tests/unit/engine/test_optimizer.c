/* Each optimizer beside a naive twin in float64, parameter by parameter. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/optimizer.h"
#include "engine/rng.h"
#include "tests/unit/check.h"

enum { N = 5000, LANES_N = 4, ROWS_N = 100, UPDATES_N = 6 };
static float params[N], before[N], parts[N], grads[LANES_N][N];
static float state[2 * N], states_of_parts[2 * N];
static float *const lanes[LANES_N] = {grads[0], grads[1], grads[2], grads[3]};

static struct optimizer_options options_of(enum optimizer kind) {
    struct optimizer_options options = optimizer_defaults(kind);
    options.learning_rate = 0.3f;
    return options;
}

static void gradients_draw(uint64_t update) {
    for (size_t i = 0; i < LANES_N; i++)
        rng_normal(update, i + 1, grads[i], N);
}

static void draw(void) {
    rng_normal(1, 0, before, N);
    memcpy(params, before, sizeof params);
    memset(state, 0, sizeof state);
    gradients_draw(1);
}

static struct optimizer_block block_of(float *of_params, float *of_state,
                                       size_t lanes_n) {
    return (struct optimizer_block){of_params, lanes, lanes_n, of_state, N};
}

/* The header's formulas for one parameter. */
struct twin {
    double w, v, s;
};

static void twin_update(struct twin *p, const struct optimizer_options *o, double g,
                        bool weight, int t) {
    double alpha = (double)o->learning_rate, mu = (double)o->momentum;
    double b1 = (double)o->beta_1, b2 = (double)o->beta_2, eps = (double)o->epsilon;
    switch (o->kind) {
    case OPTIMIZER_MOMENTUM:
        p->v = mu * p->v + g;
        p->w -= alpha * (o->nesterov ? g + mu * p->v : p->v);
        break;
    case OPTIMIZER_RMSPROP:
        p->s = b2 * p->s + (1 - b2) * g * g;
        p->w -= alpha * g / (sqrt(p->s) + eps);
        break;
    case OPTIMIZER_ADAMW:
        if (weight)
            p->w -= alpha * (double)o->weight_decay * p->w;
        __attribute__((fallthrough));
    case OPTIMIZER_ADAM:
        p->v = b1 * p->v + (1 - b1) * g;
        p->s = b2 * p->s + (1 - b2) * g * g;
        p->w -= alpha * p->v / (1 - pow(b1, t)) / (sqrt(p->s / (1 - pow(b2, t))) + eps);
        break;
    default:
        p->w -= alpha * g;
    }
}

static double twin_gradient(const struct twin *p, const struct optimizer_options *o,
                            size_t at, size_t lanes_n, bool weight) {
    double sum = 0;
    for (size_t l = 0; l < lanes_n; l++)
        sum += (double)grads[l][at];
    return (sum + (weight ? (double)o->l2 * p->w : 0)) / ROWS_N;
}

/* Some updates of all but the last 3 parameters, the norm clipped where that is asked.
 * Where a small gradient is divided by its own root, its rounding is seen. */
static void like_the_twin(const struct optimizer_options *o, size_t lanes_n,
                          bool weight) {
    static struct twin twins[N];
    struct optimizer_block block = block_of(params, state, lanes_n);
    struct optimizer_range range = {0, N - 3, weight};
    draw();
    for (size_t i = 0; i < N; i++)
        twins[i] = (struct twin){.w = (double)before[i]};
    for (int t = 1; t <= UPDATES_N; t++) {
        double square = 0, off = 0;
        gradients_draw((uint64_t)t);
        for (size_t i = range.from; i < range.to; i++)
            square += pow(twin_gradient(&twins[i], o, i, lanes_n, weight), 2);
        double norm = sqrt(square), clip = (double)o->clip_norm;
        double share = clip > 0 && norm > clip ? clip / norm : 1;
        struct optimizer_step step = optimizer_begin(o, o->learning_rate, t, ROWS_N);
        if (clip > 0) {
            double got = optimizer_gradient_square(&step, &block, range);
            CHECK_SAY(fabs(got / square - 1) < 1e-5, "%g beside %g", got, square);
            optimizer_clip(&step, got);
        }
        optimizer_update(&step, &block, range);
        for (size_t i = range.from; i < range.to; i++) {
            double g = share * twin_gradient(&twins[i], o, i, lanes_n, weight);
            twin_update(&twins[i], o, g, weight, t);
            off = fmax(off, fabs((double)params[i] - twins[i].w));
        }
        CHECK_SAY(off <= (o->kind < OPTIMIZER_RMSPROP ? 5e-6 : 5e-5),
                  "%s, update %d: off by %g", optimizer_name(o->kind), t, off);
    }
    CHECK(memcmp(params + N - 3, before + N - 3, 3 * sizeof *params) == 0);
}

static void each_kind_is_as_its_formula(void) {
    for (int kind = 0; kind < OPTIMIZERS_N; kind++)
        for (size_t lanes_n = 1; lanes_n <= LANES_N; lanes_n++) {
            struct optimizer_options o = options_of((enum optimizer)kind);
            like_the_twin(&o, lanes_n, false);
            like_the_twin(&o, lanes_n, true);
            o.nesterov = true;
            o.l2 = 3;
            like_the_twin(&o, lanes_n, false);
            like_the_twin(&o, lanes_n, true);
        }
}

static void clipping(void) {
    for (int kind = 0; kind < OPTIMIZERS_N; kind++) {
        struct optimizer_options o = options_of((enum optimizer)kind);
        o.clip_norm = 0.7f; /* under the norm */
        like_the_twin(&o, 2, true);
        o.l2 = 20;
        like_the_twin(&o, 2, true);
        o.clip_norm = 50; /* over it */
        like_the_twin(&o, 3, true);
    }
}

/* What a clip_norm that is never reached does: nothing. */
static void an_unreached_norm_changes_no_bit(void) {
    struct optimizer_options o = options_of(OPTIMIZER_ADAM);
    o.l2 = 1;
    o.clip_norm = 5;
    struct optimizer_step step = optimizer_begin(&o, 0.1f, 3, ROWS_N), same = step;
    optimizer_clip(&step, 25.0);
    CHECK(step.scale == same.scale && step.l2_scale == same.l2_scale);
    optimizer_clip(&step, 25.1);
    CHECK(step.scale < same.scale && step.l2_scale < same.l2_scale);
}

static void a_gradient_that_is_not_finite_is_seen(void) {
    for (int kind = 0; kind < OPTIMIZERS_N; kind++) {
        struct optimizer_options o = options_of((enum optimizer)kind);
        o.clip_norm = 1;
        const float bad[] = {NAN, INFINITY, -INFINITY};
        for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
            struct optimizer_block block = block_of(params, state, 1);
            struct optimizer_range range = {0, N, true};
            draw();
            grads[0][1234] = bad[b];
            struct optimizer_step step = optimizer_begin(&o, 0.1f, 1, ROWS_N);
            optimizer_clip(&step, optimizer_gradient_square(&step, &block, range));
            optimizer_update(&step, &block, range);
            CHECK(!isfinite(params[1234]));
        }
    }
}

static void any_partition_gives_the_same_bits(void) {
    static const size_t cuts[] = {0, 1, 16, 37, 1024, 1500, 4999, N};
    for (int kind = 0; kind < OPTIMIZERS_N; kind++) {
        struct optimizer_options o = options_of((enum optimizer)kind);
        o.l2 = 2;
        draw();
        memcpy(parts, before, sizeof parts);
        memset(states_of_parts, 0, sizeof states_of_parts);
        struct optimizer_block whole = block_of(params, state, LANES_N);
        struct optimizer_block cut = block_of(parts, states_of_parts, LANES_N);
        for (int t = 1; t <= 2; t++) {
            struct optimizer_step step = optimizer_begin(&o, 0.1f, t, ROWS_N);
            optimizer_update(&step, &whole, (struct optimizer_range){0, N, true});
            for (size_t c = 0; c + 1 < sizeof cuts / sizeof *cuts; c++)
                optimizer_update(&step, &cut,
                                 (struct optimizer_range){cuts[c], cuts[c + 1], true});
        }
        CHECK(memcmp(params, parts, sizeof params) == 0);
        CHECK(memcmp(state, states_of_parts, sizeof state) == 0);
    }
}

static void squares(void) {
    for (size_t n = 0; n < 70; n++) {
        double want = 0;
        draw();
        for (size_t i = 0; i < n; i++)
            want += (double)params[i] * (double)params[i];
        CHECK(fabs(optimizer_square(params, n) - want) <= 1e-14 * want);
    }
}

static void names_and_states(void) {
    static const char *const names[] = {"gradient_descent", "momentum", "rmsprop", "adam",
                                        "adamw"};
    static const size_t states_n[] = {0, 1, 1, 2, 2};
    for (int kind = 0; kind < OPTIMIZERS_N; kind++) {
        CHECK_TEXT(optimizer_name((enum optimizer)kind), names[kind]);
        CHECK(optimizer_state_n((enum optimizer)kind) == states_n[kind]);
    }
    CHECK(optimizer_defaults(OPTIMIZER_RMSPROP).beta_2 == 0.9f);
    CHECK(optimizer_defaults(OPTIMIZER_ADAM).beta_2 == 0.999f);
    CHECK(optimizer_defaults(OPTIMIZER_ADAM).l2 == 0);
}

static void checked(struct optimizer_options o, const char *text) {
    struct err e = {0};
    CHECK(!optimizer_check(&o, &e) && e.kind == ERR_RANGE);
    CHECK_TEXT(e.text, text);
}

static void options_are_checked(void) {
    struct err e = {0};
    for (int kind = 0; kind < OPTIMIZERS_N; kind++) {
        struct optimizer_options o = options_of((enum optimizer)kind), bad;
        CHECK(optimizer_check(&o, &e));
        bad = o, bad.learning_rate = 0;
        checked(bad, "learning_rate is over 0 and finite, not 0");
        bad = o, bad.l2 = -1;
        checked(bad, "l2 is at least 0 and finite, not -1");
        bad = o, bad.l2 = INFINITY;
        checked(bad, "l2 is at least 0 and finite, not inf");
        bad = o, bad.clip_norm = NAN;
        checked(bad, "clip_norm is at least 0 and finite, not nan");
    }
    struct optimizer_options bad = options_of(OPTIMIZER_MOMENTUM);
    bad.momentum = 1;
    checked(bad, "momentum is at least 0 and below 1, not 1");
    bad.kind = OPTIMIZER_ADAM; /* which has no such option */
    CHECK(optimizer_check(&bad, &e));
    bad.beta_1 = -0.5f;
    checked(bad, "beta_1 is at least 0 and below 1, not -0.5");
    bad.kind = OPTIMIZER_RMSPROP;
    CHECK(optimizer_check(&bad, &e));
    bad.beta_2 = 1;
    checked(bad, "beta_2 is at least 0 and below 1, not 1");
    bad = options_of(OPTIMIZER_RMSPROP), bad.epsilon = 0;
    checked(bad, "epsilon is over 0 and finite, not 0");
    bad = options_of(OPTIMIZER_ADAMW), bad.weight_decay = -1;
    checked(bad, "weight_decay is at least 0 and finite, not -1");
}

int main(void) {
    CHECK_RUN(each_kind_is_as_its_formula);
    CHECK_RUN(clipping);
    CHECK_RUN(an_unreached_norm_changes_no_bit);
    CHECK_RUN(a_gradient_that_is_not_finite_is_seen);
    CHECK_RUN(any_partition_gives_the_same_bits);
    CHECK_RUN(squares);
    CHECK_RUN(names_and_states);
    CHECK_RUN(options_are_checked);
    return check_done();
}
