#include "engine/weighing.h"

#include <stdlib.h>

#include "tests/unit/check.h"

static void check_weights(struct targets targets, size_t m, const float *by_class,
                          size_t k, const float *want) {
    struct err e = {0};
    float *got = weighing_new(targets, m, by_class, k, &e);
    if (!CHECK_SAY(got != NULL, "%s", e.text))
        return;
    double sum = 0;
    for (size_t i = 0; i < m; i++) {
        CHECK_NEAR((double)got[i], (double)want[i], 1e-6);
        sum += (double)got[i];
    }
    CHECK_NEAR(sum, (double)m, 1e-5);
    free(got);
}

/* Three of a, one of b; nothing of c. */
static const int32_t classes[] = {0, 0, 1, 0};
static const float values[] = {0, 0, 1, 0};

static void test_balanced(void) {
    const float p = 4 / 6.0f, want[] = {p, p, 2, p};
    check_weights((struct targets){.classes = classes}, 4, NULL, 3, want);
    check_weights((struct targets){.values = values}, 4, NULL, 2, want);
}

static void test_given(void) {
    const float by_class[] = {2, 1, 100};
    check_weights((struct targets){.classes = classes}, 4, by_class, 3,
                  (float[]){8 / 7.0f, 8 / 7.0f, 4 / 7.0f, 8 / 7.0f});
    check_weights((struct targets){.values = values}, 4, (float[]){0, 0.25f}, 2,
                  (float[]){0, 0, 4, 0});
    check_weights((struct targets){.values = values}, 4, (float[]){3e38f, 1}, 2,
                  (float[]){4 / 3.0f, 4 / 3.0f, 0, 4 / 3.0f});
}

/* The one class with a weight has no sample. */
static void test_nothing_weighs(void) {
    struct err e = {0};
    CHECK(!weighing_new((struct targets){.classes = classes}, 4, (float[]){0, 0, 1}, 3,
                        &e));
    CHECK(e.kind == ERR_INVALID);
}

int main(void) {
    CHECK_RUN(test_balanced);
    CHECK_RUN(test_given);
    CHECK_RUN(test_nothing_weighs);
    return check_done();
}
