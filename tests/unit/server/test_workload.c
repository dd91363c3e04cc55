#include "server/workload.h"

#include "tests/unit/check.h"

static const int64_t WINDOW = WORKLOAD_WINDOW_NS;

/* Half of the processors, and not a nanosecond less, for a window. */
static void test_busy(void) {
    struct workload w = {0};
    int64_t now = 1000 * WINDOW;
    CHECK(!workload_is_busy(&w, 4, now));
    workload_add(&w, WINDOW);
    workload_add(&w, WINDOW - 1);
    CHECK(!workload_is_busy(&w, 4, now += WINDOW));
    workload_add(&w, WINDOW);
    workload_add(&w, WINDOW);
    CHECK(!workload_is_busy(&w, 4, now + WINDOW - 1)); /* the last window holds */
    CHECK(workload_is_busy(&w, 4, now += WINDOW));
    CHECK(workload_is_busy(&w, 4, now + WINDOW - 1));
    CHECK(!workload_is_busy(&w, 4, now += WINDOW)); /* there was nothing in it */
    workload_add(&w, WINDOW / 2);
    CHECK(workload_is_busy(&w, 1, now += WINDOW));
}

/* Some at a time, and a quarter of the processors: it goes on, but does not begin. */
static void test_goes_on(void) {
    struct workload w = {0};
    int64_t now = 1000 * WINDOW;
    workload_is_busy(&w, 4, now);
    workload_begin(&w);
    workload_begin(&w);
    workload_add(&w, WINDOW);
    CHECK(!workload_is_busy(&w, 4, now += WINDOW));
    workload_add(&w, 2 * WINDOW);
    CHECK(workload_is_busy(&w, 4, now += WINDOW));
    workload_add(&w, WINDOW);
    CHECK(workload_is_busy(&w, 4, now += WINDOW));
    workload_end(&w); /* both were there at the beginning of this window, */
    workload_add(&w, WINDOW);
    CHECK(workload_is_busy(&w, 4, now += WINDOW));
    workload_add(&w, WINDOW); /* and one alone in this one */
    CHECK(!workload_is_busy(&w, 4, now += WINDOW));
    workload_end(&w);
    workload_add(&w, 2 * WINDOW);
    CHECK(workload_is_busy(&w, 4, now += WINDOW));
    workload_begin(&w);
    workload_end(&w);
    workload_begin(&w); /* one after the other */
    workload_add(&w, WINDOW);
    CHECK(!workload_is_busy(&w, 4, now += WINDOW));
    workload_add(&w, 2 * WINDOW);
    workload_begin(&w);
    CHECK(workload_is_busy(&w, 4, now += WINDOW));
    workload_add(&w, WINDOW - 1); /* less than a quarter */
    CHECK(!workload_is_busy(&w, 4, now += WINDOW));
}

/* What was long ago is no load, and a long window counts as one. */
static void test_idle(void) {
    struct workload w = {0};
    int64_t now = 1000 * WINDOW;
    CHECK(!workload_is_busy(&w, 2, now));
    workload_add(&w, 50 * WINDOW);
    CHECK(!workload_is_busy(&w, 2, now + 1000 * WINDOW));
    workload_add(&w, 50 * WINDOW);
    CHECK(workload_is_busy(&w, 2, now + 1050 * WINDOW));
}

int main(void) {
    CHECK_RUN(test_busy);
    CHECK_RUN(test_goes_on);
    CHECK_RUN(test_idle);
    return check_done();
}
