#include <math.h>

#include "engine/stopping.h"
#include "tests/unit/check.h"

static enum stopping_verdict show(struct stopping *s, const struct stopping_options *o,
                                  int64_t epoch, double value) {
    bool better;
    return stopping_point(s, o, epoch, value, &better);
}

static void stopping_keeps_the_first_of_equal_values(void) {
    struct stopping s = stopping_start();
    const struct stopping_options o = {0};
    bool better;
    CHECK(s.best_epoch == -1);
    CHECK(stopping_point(&s, &o, 0, 3.0, &better) == STOPPING_NOT && better);
    CHECK(stopping_point(&s, &o, 1, 2.0, &better) == STOPPING_NOT && better);
    CHECK(stopping_point(&s, &o, 2, 2.0, &better) == STOPPING_NOT && !better);
    CHECK(stopping_point(&s, &o, 3, (double)NAN, &better) == STOPPING_NOT && !better);
    CHECK(s.best == 2.0 && s.best_epoch == 1);
}

static void stopping_ends_after_patience_epochs_without_a_better_value(void) {
    struct stopping s = stopping_start();
    const struct stopping_options o = {.patience = 3};
    CHECK(show(&s, &o, 0, 1.0) == STOPPING_NOT);
    CHECK(show(&s, &o, 1, 0.5) == STOPPING_NOT);
    CHECK(show(&s, &o, 2, 0.6) == STOPPING_NOT);
    CHECK(show(&s, &o, 3, 0.7) == STOPPING_NOT);
    CHECK(show(&s, &o, 4, 0.51) == STOPPING_PATIENCE);
    CHECK(s.best == 0.5 && s.best_epoch == 1);
}

static void stopping_counts_epochs_where_points_are_further_apart(void) {
    struct stopping s = stopping_start();
    const struct stopping_options o = {.patience = 15};
    CHECK(show(&s, &o, 10, 1.0) == STOPPING_NOT);
    CHECK(show(&s, &o, 20, 1.1) == STOPPING_NOT);
    CHECK(show(&s, &o, 30, 1.1) == STOPPING_PATIENCE);
}

static void stopping_wants_more_than_min_delta(void) {
    struct stopping s = stopping_start();
    const struct stopping_options o = {.patience = 2, .min_delta = 0.1};
    CHECK(show(&s, &o, 0, 1.0) == STOPPING_NOT);
    CHECK(show(&s, &o, 1, 0.95) == STOPPING_NOT);
    CHECK(s.best == 1.0);
    CHECK(show(&s, &o, 2, 0.8) == STOPPING_NOT);
    CHECK(s.best == 0.8 && s.best_epoch == 2);
}

static void stopping_is_content_with_its_target(void) {
    struct stopping s = stopping_start();
    const struct stopping_options o = {.target_given = true, .target = 0.25};
    CHECK(show(&s, &o, 0, 0.26) == STOPPING_NOT);
    CHECK(show(&s, &o, 1, (double)NAN) == STOPPING_NOT);
    CHECK(show(&s, &o, 2, 0.25) == STOPPING_TARGET);
    CHECK(s.best_epoch == 2);
}

int main(void) {
    CHECK_RUN(stopping_keeps_the_first_of_equal_values);
    CHECK_RUN(stopping_ends_after_patience_epochs_without_a_better_value);
    CHECK_RUN(stopping_counts_epochs_where_points_are_further_apart);
    CHECK_RUN(stopping_wants_more_than_min_delta);
    CHECK_RUN(stopping_is_content_with_its_target);
    return check_done();
}
