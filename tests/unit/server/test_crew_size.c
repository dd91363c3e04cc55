#include "server/crew_size.h"

#include "tests/unit/check.h"

static size_t after(struct crew_size *size, const struct crew_load *load, int periods) {
    for (int i = 0; i < periods; i++)
        crew_size_next(size, load);
    return size->now;
}

static struct crew_size of(size_t most, size_t now) {
    return (struct crew_size){.most = most, .now = now};
}

static void with_rest_one_is_enough(void) {
    struct crew_size size = of(8, 1);
    struct crew_load load = {.busiest = 0.8, .ran = 0.8, .all = 0.8, .spare = 7};
    CHECK(after(&size, &load, 50) == 1);
}

static void idle_processors_are_put_to_work_at_once(void) {
    struct crew_size size = of(6, 1);
    struct crew_load load = {.busiest = 0.9, .ran = 0.9, .all = 0.9, .spare = 5};
    CHECK(after(&size, &load, 1) == 2);
    CHECK(after(&size, &load, 1) == 4);
    CHECK(after(&size, &load, 1) == 6);
    CHECK(after(&size, &load, 10) == 6);
    load.spare = -1; /* nobody knows */
    size = of(2, 1);
    CHECK(after(&size, &load, 1) == 2);
}

/* Two processors, one of which the client has. */
static void without_idle_processors_one_goes_on(void) {
    struct crew_size size = of(2, 1);
    struct crew_load load = {.busiest = 0.98, .ran = 0.97, .all = 0.98, .spare = 0.1};
    CHECK(after(&size, &load, 50) == 1);
    /* A moment alone decides nothing. */
    load.spare = 0.8;
    CHECK(after(&size, &load, 1) == 1);
    load.spare = 0;
    CHECK(after(&size, &load, 2) == 1);
    load.spare = 0.5;
    CHECK(after(&size, &load, 50) == 2);
}

/* Strangers have the processors: more threads get a larger share. */
static void kept_from_running_it_grows(void) {
    struct crew_size size = of(2, 1);
    struct crew_load load = {.busiest = 0.98, .ran = 0.4, .all = 0.98, .spare = 0};
    CHECK(after(&size, &load, 3) == 1);
    CHECK(after(&size, &load, 1) == 2);
}

static void in_calm_it_shrinks(void) {
    struct crew_size size = of(8, 8);
    struct crew_load load = {.busiest = 0.3, .ran = 0.3, .all = 1.9, .spare = 6};
    CHECK(after(&size, &load, 4) == 8);
    CHECK(after(&size, &load, 1) == 4); /* would do with half of their time */
    CHECK(after(&size, &load, 50) == 4);
    load.all = 0.01;
    CHECK(after(&size, &load, 5) == 2);
    CHECK(after(&size, &load, 5) == 1);
    CHECK(after(&size, &load, 50) == 1);
}

/* What one can just do is sooner done by one, where two would have to take turns with
 * the client; where there are processors for all, half of the time stays free. */
static void where_little_is_spare_as_few_as_fit(void) {
    struct crew_size size = of(2, 2);
    struct crew_load load = {.busiest = 0.5, .ran = 0.5, .all = 0.9, .spare = 0.3};
    CHECK(after(&size, &load, 5) == 1);
    size = of(2, 2);
    load.spare = 3;
    CHECK(after(&size, &load, 50) == 2);
    size = of(2, 2);
    load = (struct crew_load){.busiest = 0.75, .ran = 0.7, .all = 1.4, .spare = 0.2};
    CHECK(after(&size, &load, 50) == 2);
}

int main(void) {
    CHECK_RUN(with_rest_one_is_enough);
    CHECK_RUN(idle_processors_are_put_to_work_at_once);
    CHECK_RUN(without_idle_processors_one_goes_on);
    CHECK_RUN(kept_from_running_it_grows);
    CHECK_RUN(in_calm_it_shrinks);
    CHECK_RUN(where_little_is_spare_as_few_as_fit);
    return check_done();
}
