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

static void with_processors_for_all_all_are_at_work(void) {
    struct crew_size size = of(8, 8);
    struct crew_load load = {.busiest = 0.5, .ran = 0.5, .all = 1, .spare = 5};
    CHECK(after(&size, &load, 50) == 8);
    size = of(8, 8);
    load.spare = -1; /* nobody knows */
    CHECK(after(&size, &load, 50) == 8);
    size = of(8, 8);
    load = (struct crew_load){.busiest = 1, .ran = 1, .all = 8, .spare = 0};
    CHECK(after(&size, &load, 50) == 8); /* all of it is needed */
}

/* The client has the processors: as few as the work just fits. */
static void without_those_as_few_as_will_do(void) {
    struct crew_size size = of(8, 8);
    struct crew_load load = {.busiest = 0.3, .ran = 0.3, .all = 1.05, .spare = 0.3};
    CHECK(after(&size, &load, 3) == 8); /* a moment alone decides nothing */
    CHECK(after(&size, &load, 1) == 4);
    CHECK(after(&size, &load, 4) == 2);
    CHECK(after(&size, &load, 50) == 2); /* more than one has time for */
    load.all = 0.7;
    CHECK(after(&size, &load, 20) == 1);
    load = (struct crew_load){.busiest = 0.98, .ran = 0.98, .all = 0.98, .spare = 0.1};
    CHECK(after(&size, &load, 50) == 1);
    size = of(2, 2);
    load = (struct crew_load){.busiest = 0.75, .ran = 0.7, .all = 1.4, .spare = 0.2};
    CHECK(after(&size, &load, 50) == 2);
}

static void idle_processors_are_put_to_work_at_once(void) {
    struct crew_size size = of(6, 1);
    struct crew_load load = {.busiest = 0.9, .ran = 0.9, .all = 0.9, .spare = 5};
    CHECK(after(&size, &load, 2) == 2);
    CHECK(after(&size, &load, 2) == 4);
    CHECK(after(&size, &load, 2) == 6);
    load.spare = -1;
    size = of(2, 1);
    CHECK(after(&size, &load, 2) == 2);
}

static void a_part_of_one_after_a_while(void) {
    struct crew_size size = of(2, 1);
    struct crew_load full = {.busiest = 0.98, .ran = 0.97, .all = 0.98, .spare = 0.5};
    struct crew_load scarce = full;
    scarce.spare = 0;
    CHECK(after(&size, &scarce, 50) == 1);
    CHECK(after(&size, &full, 1) == 1);
    CHECK(after(&size, &scarce, 2) == 1);
    CHECK(after(&size, &full, 5) == 2);
    size = of(2, 1);
    full.spare = 0.25; /* beside a client that is waited for in turn */
    CHECK(after(&size, &full, 10) == 2);
}

/* What two do is not what makes one full, nor the other way round. */
static void it_does_not_go_back_and_forth(void) {
    struct crew_size size = of(2, 2);
    struct crew_load two = {.busiest = 0.45, .ran = 0.45, .all = 0.8, .spare = 0.3};
    struct crew_load one = {.busiest = 0.8, .ran = 0.8, .all = 0.8, .spare = 0.3};
    CHECK(after(&size, &two, 50) == 2);
    size = of(2, 1);
    CHECK(after(&size, &one, 50) == 1);
}

static bool patient_after(struct crew_size *size, const struct crew_load *load) {
    after(size, load, 2); /* the first period is one only in part */
    return size->patient;
}

static void several_that_fill_the_processors_are_patient(void) {
    const struct crew_load full = {.busiest = 0.7, .ran = 0.6, .all = 1.3, .spare = 0.1};
    struct crew_load other = full;
    struct crew_size size = of(2, 2);
    CHECK(after(&size, &full, 1) == 2 && !size.patient);
    CHECK(after(&size, &full, 1) == 2 && size.patient);
    other.spare = 1.5;
    CHECK(!patient_after(&size, &other)); /* nobody waits for a processor */
    CHECK(patient_after(&size, &full));
    other.spare = -1; /* nobody knows */
    CHECK(!patient_after(&size, &other));
    CHECK(patient_after(&size, &full));
    other = (struct crew_load){.busiest = 0.3, .ran = 0.3, .all = 0.5, .spare = 0};
    CHECK(!patient_after(&size, &other)); /* strangers have it */
    size = of(2, 2);
    CHECK(patient_after(&size, &full));
    other = (struct crew_load){.busiest = 0, .ran = 0, .all = 0, .spare = 0.1};
    CHECK(!patient_after(&size, &other));
    size = of(2, 1);
    other = (struct crew_load){.busiest = 1, .ran = 1, .all = 1, .spare = 0.1};
    CHECK(!patient_after(&size, &other)); /* one alone */
}

/* Strangers have the processors: more threads get a larger share. */
static void kept_from_running_it_grows(void) {
    struct crew_size size = of(2, 1);
    struct crew_load load = {.busiest = 0.98, .ran = 0.4, .all = 0.98, .spare = 0};
    CHECK(after(&size, &load, 3) == 1);
    CHECK(after(&size, &load, 1) == 2);
}

/* What comes next is likely like the last, for a while. */
static void with_nothing_to_do_they_stay_then_all_wait(void) {
    struct crew_size size = of(8, 2);
    struct crew_load none = {.busiest = 0.02, .ran = 0.02, .all = 0.02, .spare = 1.9};
    struct crew_load some = {.busiest = 0.5, .ran = 0.5, .all = 1.3, .spare = 0.3};
    CHECK(after(&size, &none, 299) == 2);
    CHECK(after(&size, &some, 20) == 2);
    CHECK(after(&size, &none, 299) == 2);
    CHECK(after(&size, &none, 1) == 8);
    CHECK(after(&size, &none, 500) == 8);
}

int main(void) {
    CHECK_RUN(with_processors_for_all_all_are_at_work);
    CHECK_RUN(without_those_as_few_as_will_do);
    CHECK_RUN(idle_processors_are_put_to_work_at_once);
    CHECK_RUN(a_part_of_one_after_a_while);
    CHECK_RUN(it_does_not_go_back_and_forth);
    CHECK_RUN(several_that_fill_the_processors_are_patient);
    CHECK_RUN(kept_from_running_it_grows);
    CHECK_RUN(with_nothing_to_do_they_stay_then_all_wait);
    return check_done();
}
