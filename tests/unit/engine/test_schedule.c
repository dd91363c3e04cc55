#include <math.h>

#include "engine/schedule.h"
#include "tests/unit/check.h"

static bool near(float got, double want) {
    return CHECK_SAY(fabs((double)got - want) <= 1e-7 * fabs(want) + 1e-12,
                     "%.9g instead of %.9g", (double)got, want);
}

static void constant(void) {
    const struct schedule s = {SCHEDULE_CONSTANT, 0.5f, 3, 0.1f, 0};
    CHECK(schedule_rate(&s, 0.3f, 0, 10) == 0.3f);
    CHECK(schedule_rate(&s, 0.3f, 9, 10) == 0.3f);
    const struct schedule zero = {0};
    CHECK(schedule_rate(&zero, 0.3f, 9, 10) == 0.3f);
}

static void step(void) {
    const struct schedule s = {
        .kind = SCHEDULE_STEP, .decay_rate = 0.5f, .step_epochs = 3};
    static const double want[] = {8, 8, 8, 4, 4, 4, 2, 2, 2, 1};
    for (int64_t e = 0; e < 10; e++)
        near(schedule_rate(&s, 8, e, 10), want[e]);
}

static void exponential(void) {
    const struct schedule s = {.kind = SCHEDULE_EXPONENTIAL, .decay_rate = 0.5f};
    for (int64_t e = 0; e < 10; e++)
        near(schedule_rate(&s, 2, e, 10), ldexp(2, -(int)e));
}

static void inverse_time(void) {
    const struct schedule s = {.kind = SCHEDULE_INVERSE_TIME, .decay_rate = 0.5f};
    for (int64_t e = 0; e < 10; e++)
        near(schedule_rate(&s, 2, e, 10), 2 / (1 + 0.5 * (double)e));
}

static void cosine(void) {
    const struct schedule s = {.kind = SCHEDULE_COSINE, .minimum_rate = 0.5f};
    near(schedule_rate(&s, 2, 0, 12), 2);
    near(schedule_rate(&s, 2, 4, 12), 0.5 + 0.75 * 1.5); /* cos 60 degrees */
    near(schedule_rate(&s, 2, 6, 12), 1.25);
    near(schedule_rate(&s, 2, 8, 12), 0.5 + 0.75 * 0.5);
    CHECK(schedule_rate(&s, 2, 11, 12) > 0.5f);
}

/* Linear up to alpha; behind it each schedule begins at its own epoch 0. */
static void warm_up(void) {
    for (int kind = 0; kind < SCHEDULES_N; kind++) {
        struct schedule s = {(enum schedule_kind)kind, 0.5f, 2, 0, 4}, cold = s;
        cold.warmup_epochs = 0;
        for (int64_t e = 0; e < 4; e++)
            near(schedule_rate(&s, 2, e, 10), 0.5 * (double)(e + 1));
        for (int64_t e = 4; e < 10; e++)
            CHECK(schedule_rate(&s, 2, e, 10) == schedule_rate(&cold, 2, e - 4, 6));
        s.warmup_epochs = 10; /* nothing but warm-up */
        near(schedule_rate(&s, 2, 9, 10), 2);
    }
}

static void names(void) {
    static const char *const want[] = {"constant", "step", "exponential", "inverse_time",
                                       "cosine"};
    for (int kind = 0; kind < SCHEDULES_N; kind++)
        CHECK_TEXT(schedule_name((enum schedule_kind)kind), want[kind]);
}

static void refused(struct schedule s, const char *text) {
    struct err e = {0};
    CHECK(!schedule_check(&s, 0.5f, 10, &e) && e.kind == ERR_RANGE);
    CHECK_TEXT(e.text, text);
}

static void options_are_checked(void) {
    struct err e = {0};
    const struct schedule none = {0};
    CHECK(schedule_check(&none, 0.5f, 10, &e));
    refused((struct schedule){.warmup_epochs = -1},
            "warmup_epochs is 0 to 10 (epochs), not -1");
    refused((struct schedule){.warmup_epochs = 11},
            "warmup_epochs is 0 to 10 (epochs), not 11");
    struct schedule s = {SCHEDULE_STEP, 0.5f, 1, 0, 10}, bad;
    CHECK(schedule_check(&s, 0.5f, 10, &e));
    bad = s, bad.step_epochs = 0;
    refused(bad, "step_epochs is at least 1, not 0");
    bad = s, bad.decay_rate = 0;
    refused(bad, "decay_rate is over 0 and at most 1, not 0");
    bad = s, bad.kind = SCHEDULE_EXPONENTIAL, bad.decay_rate = 1.5f;
    refused(bad, "decay_rate is over 0 and at most 1, not 1.5");
    bad = s, bad.kind = SCHEDULE_INVERSE_TIME, bad.decay_rate = -1;
    refused(bad, "decay_rate is at least 0 and finite, not -1");
    bad = s, bad.kind = SCHEDULE_COSINE, bad.minimum_rate = 0.75f;
    refused(bad, "minimum_rate is 0 to 0.5 (learning_rate), not 0.75");
    bad.minimum_rate = NAN;
    refused(bad, "minimum_rate is 0 to 0.5 (learning_rate), not nan");
    bad.kind = SCHEDULE_STEP; /* which has no such option */
    CHECK(schedule_check(&bad, 0.5f, 10, &e));
}

int main(void) {
    CHECK_RUN(constant);
    CHECK_RUN(step);
    CHECK_RUN(exponential);
    CHECK_RUN(inverse_time);
    CHECK_RUN(cosine);
    CHECK_RUN(warm_up);
    CHECK_RUN(names);
    CHECK_RUN(options_are_checked);
    return check_done();
}
