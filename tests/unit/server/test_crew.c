#include "server/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/crew_size.h"
#include "tests/unit/check.h"

enum { STATIONS = 8, WAIT_MS = 5000 };

/* Counts its runs, and whether two were at it at once. Burns some time in each while it
 * is told to. */
struct place {
    int fd; /* an eventfd: how many runs are asked for */
    atomic_int runs, asked, at_once, most_at_once, again;
    atomic_int burn_us;
    atomic_bool calm;               /* that is all there is to do */
    atomic_bool held;               /* whoever is asked does not end yet */
    atomic_int by;                  /* who ran it last, by `self` */
    atomic_int posted, found;       /* without its descriptor */
    atomic_bool seen[STATIONS + 1]; /* the threads that have run it, by `self` */
};
static struct place places[STATIONS];
static atomic_int selves, patient_n; /* threads that are told to be */
static _Thread_local int self;

static void pause_ms(int ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static void begin(void) {
    self = atomic_fetch_add(&selves, 1);
}

static void on_patient(bool patient) {
    atomic_fetch_add(&patient_n, patient ? 1 : -1);
}

static bool run(void *context) {
    struct place *place = context;
    uint64_t asked;
    int at_once = atomic_fetch_add(&place->at_once, 1) + 1;
    if (at_once > atomic_load(&place->most_at_once))
        atomic_store(&place->most_at_once, at_once);
    atomic_store(&place->seen[self], true);
    atomic_store(&place->by, self);
    bool was_asked = read(place->fd, &asked, sizeof asked) == sizeof asked;
    if (was_asked)
        atomic_fetch_add(&place->asked, (int)asked);
    atomic_fetch_add(&place->runs, 1);
    atomic_store(&place->found, atomic_load(&place->posted));
    int64_t until_us = clock_mono_us() + atomic_load(&place->burn_us);
    while (clock_mono_us() < until_us || (was_asked && atomic_load(&place->held)))
        ;
    atomic_fetch_sub(&place->at_once, 1);
    return (atomic_load(&place->burn_us) && !atomic_load(&place->calm)) ||
           atomic_fetch_sub(&place->again, 1) > 0;
}

/* So many processors are idle, whatever else runs. */
static atomic_int spares;
static int64_t spare_us(void) {
    static int64_t us, looked_us;
    int64_t now_us = clock_mono_us();
    us += atomic_load(&spares) * (now_us - looked_us);
    looked_us = now_us;
    return us;
}

static struct crew *crew_of(size_t threads_n) {
    struct crew_station stations[STATIONS];
    struct err e = {0};
    atomic_store(&selves, 0);
    for (size_t i = 0; i < STATIONS; i++) {
        places[i] = (struct place){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
        stations[i] = (struct crew_station){places[i].fd, run, &places[i]};
    }
    struct crew_options options = {stations, STATIONS,   threads_n,
                                   begin,    on_patient, spare_us};
    struct crew *c = crew_start(&options, &e);
    CHECK_SAY(c != NULL, "%s", e.text);
    return c;
}

static void crew_end(struct crew *c) {
    crew_stop(c);
    for (size_t i = 0; i < STATIONS; i++)
        close(places[i].fd);
}

static void ask(size_t i) {
    uint64_t once = 1;
    CHECK(write(places[i].fd, &once, sizeof once) == sizeof once);
}

static bool comes_to(atomic_int *count, int n) {
    for (int ms = 0; atomic_load(count) < n && ms < WAIT_MS; ms++)
        pause_ms(1);
    return atomic_load(count) >= n;
}

static void what_is_readable_runs(void) {
    struct crew *c = crew_of(2);
    ask(0);
    ask(3);
    CHECK(comes_to(&places[0].asked, 1) && comes_to(&places[3].asked, 1));
    CHECK(atomic_load(&places[1].runs) == 0 && atomic_load(&places[2].runs) == 0);
    pause_ms(20);
    CHECK(atomic_load(&places[0].runs) == 1);
    crew_end(c);
}

static void what_is_rung_for_runs(void) {
    struct crew *c = crew_of(2);
    crew_ring(c, 2);
    CHECK(comes_to(&places[2].runs, 1));
    pause_ms(20);
    CHECK(atomic_load(&places[2].runs) == 1); /* once */
    for (int i = 0; i < 100; i++)
        crew_ring(c, 2);
    CHECK(comes_to(&places[2].runs, 2));
    crew_end(c);
}

static void whoever_has_more_to_do_runs_again(void) {
    struct crew *c = crew_of(1);
    atomic_store(&places[1].again, 10);
    ask(1);
    ask(0);
    CHECK(comes_to(&places[1].runs, 11) && comes_to(&places[0].asked, 1));
    pause_ms(20);
    CHECK(atomic_load(&places[1].runs) == 11 && atomic_load(&places[0].runs) == 1);
    crew_end(c);
}

static void each_runs_once_in_a_second(void) {
    struct crew *c = crew_of(2);
    CHECK(comes_to(&places[0].runs, 1) && comes_to(&places[3].runs, 1));
    crew_end(c);
}

static void balance_until(struct crew *c, size_t at_work) {
    int64_t until_us = clock_mono_us() + 1000 * WAIT_MS;
    while (crew_at_work(c) != at_work && clock_mono_us() < until_us) {
        pause_ms(CREW_PERIOD_MS);
        crew_balance(c);
    }
    CHECK(crew_at_work(c) == at_work);
}

/* A third of the time there is something to do. */
static void balance_asking_until(struct crew *c, size_t i, size_t at_work) {
    int64_t until_us = clock_mono_us() + 1000 * WAIT_MS;
    atomic_store(&places[i].calm, true);
    atomic_store(&places[i].burn_us, 500);
    while (crew_at_work(c) != at_work && clock_mono_us() < until_us) {
        int64_t period_us = clock_mono_us() + 1000 * CREW_PERIOD_MS;
        for (; clock_mono_us() < period_us; pause_ms(1))
            ask(i);
        crew_balance(c);
    }
    CHECK(crew_at_work(c) == at_work);
    atomic_store(&places[i].calm, false);
}

/* Without spare processors one does what one can do; with them, two do what is more. */
static void threads_come_and_go(void) {
    struct crew *c = crew_of(2);
    CHECK(crew_at_work(c) == 2);
    atomic_store(&spares, 0);
    balance_asking_until(c, 1, 1);
    for (size_t i = 0; i < STATIONS; i++) {
        atomic_store(&places[i].burn_us, 200);
        crew_ring(c, i);
    }
    atomic_store(&spares, 8);
    balance_until(c, 2);
    int before = atomic_load(&places[1].runs);
    CHECK(comes_to(&places[1].runs, before + 50));
    CHECK(atomic_load(&places[1].seen[0]) && atomic_load(&places[1].seen[1]));
    for (size_t i = 0; i < STATIONS; i++) {
        atomic_store(&places[i].burn_us, 0);
        CHECK(atomic_load(&places[i].most_at_once) == 1);
        int asked = atomic_load(&places[i].asked);
        ask(i);
        CHECK(comes_to(&places[i].asked, asked + 1));
    }
    crew_end(c);
}

static void patience_until(struct crew *c, int threads_n) {
    int64_t until_us = clock_mono_us() + 1000 * WAIT_MS;
    while (atomic_load(&patient_n) != threads_n && clock_mono_us() < until_us) {
        for (size_t i = 0; i < STATIONS; i++)
            crew_ring(c, i);
        pause_ms(CREW_PERIOD_MS);
        crew_balance(c);
    }
    CHECK_SAY(atomic_load(&patient_n) == threads_n, "%d are", atomic_load(&patient_n));
}

/* Those that have a lot to do; and with less, or with a processor for each, no more. */
static void without_spare_processors_they_are_patient(void) {
    struct crew *c = crew_of(2);
    atomic_store(&patient_n, 0);
    atomic_store(&spares, 0);
    for (size_t i = 0; i < STATIONS; i++)
        atomic_store(&places[i].burn_us, 200);
    patience_until(c, 2);
    atomic_store(&spares, 8);
    patience_until(c, 0);
    atomic_store(&spares, 0);
    patience_until(c, 2);
    for (size_t i = 0; i < STATIONS; i++)
        atomic_store(&places[i].burn_us, 0);
    patience_until(c, 0);
    CHECK(crew_at_work(c) == 2);
    crew_end(c);
}

/* Stations change hands while others ask for runs: none is lost. */
static void nothing_is_lost_in_between(void) {
    enum { ROUNDS = 60, ASKS = 50 };
    struct crew *c = crew_of(2);
    int grown = 0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t before = crew_at_work(c);
        for (size_t i = 0; i < STATIONS; i++) {
            atomic_store(&places[i].calm, round % 12 >= 6);
            atomic_store(&places[i].burn_us, round % 12 < 6 ? 100 : i == 0 ? 2000 : 0);
            crew_ring(c, i);
        }
        atomic_store(&spares, round % 12 < 6 ? 8 : 0);
        for (int n = 0; n < ASKS; n++)
            ask((size_t)n % STATIONS);
        pause_ms(10);
        crew_balance(c);
        grown += crew_at_work(c) != before;
    }
    for (size_t i = 0; i < STATIONS; i++) {
        int asked = ROUNDS * (ASKS / STATIONS + ((int)i < ASKS % STATIONS));
        CHECK_SAY(comes_to(&places[i].asked, asked), "%d of %d",
                  atomic_load(&places[i].asked), asked);
        CHECK(atomic_load(&places[i].most_at_once) == 1);
    }
    CHECK_SAY(grown > 0, "its size never changed");
    crew_end(c);
}

/* Whoever rings while the station runs for another reason is heard, too: long before all
 * stations are run anyway. */
static void no_ring_is_lost(void) {
    struct crew *c = crew_of(1);
    int late = 0;
    for (int n = 0; n < 20000; n++) {
        ask(0);
        crew_ring(c, 0);
        int64_t pause_until_us = clock_mono_us() + n % 50;
        while (clock_mono_us() < pause_until_us)
            ;
        int posted = atomic_fetch_add(&places[0].posted, 1) + 1;
        crew_ring(c, 0);
        int64_t until_us = clock_mono_us() + 300000;
        while (atomic_load(&places[0].found) < posted && clock_mono_us() < until_us)
            ;
        late += atomic_load(&places[0].found) < posted;
    }
    CHECK_SAY(late == 0, "%d came late", late);
    crew_end(c);
}

static void hold(size_t i) {
    int asked = atomic_load(&places[i].asked);
    while (atomic_load(&places[i].at_once))
        pause_ms(1);
    atomic_store(&places[i].held, true);
    ask(i);
    CHECK(comes_to(&places[i].asked, asked + 1));
}

/* Of some one does not get on, as when it has no processor, and one is always busy: that
 * one does what is left to do for the first, but for what it is at. */
static void stuck_helped(size_t threads_n, size_t stuck, size_t other) {
    struct crew *c = crew_of(threads_n);
    int helped = 0;
    atomic_store(&places[0].burn_us, 20);
    crew_ring(c, 0);
    CHECK(comes_to(&places[0].runs, 1));
    int busy = atomic_load(&places[0].by);
    for (int n = 1; n <= 20; n++) {
        hold(stuck);
        int asked = atomic_load(&places[stuck].asked);
        int runs = atomic_load(&places[other].runs);
        if (atomic_load(&places[stuck].by) != busy) { /* who may have helped already */
            ask(stuck);                               /* while it is being run: later */
            atomic_store(&places[other].again, 5);
            crew_ring(c, other);
            CHECK_SAY(comes_to(&places[other].runs, runs + 6), "%d runs",
                      atomic_load(&places[other].runs) - runs);
            ask(other);
            CHECK(comes_to(&places[other].asked, ++helped));
            CHECK(atomic_load(&places[stuck].asked) == asked++);
        }
        atomic_store(&places[stuck].held, false);
        CHECK(comes_to(&places[stuck].asked, asked));
    }
    CHECK_SAY(helped > 0, "nobody was stuck");
    atomic_store(&places[other].burn_us, 200); /* always has more to do */
    crew_ring(c, other);
    for (int n = 0; n < 20; n++) {
        hold(stuck);
        int runs = atomic_load(&places[other].runs);
        if (atomic_load(&places[stuck].by) != busy)
            CHECK_SAY(comes_to(&places[other].runs, runs + 5), "not what was left");
        atomic_store(&places[stuck].held, false);
    }
    for (size_t i = 0; i < STATIONS; i++)
        CHECK(atomic_load(&places[i].most_at_once) <= 1);
    crew_end(c);
}

static void who_is_stuck_is_helped(void) {
    stuck_helped(2, 3, 1);
    stuck_helped(3, 5, 2);
    stuck_helped(4, 7, 3);
}

static void it_ends_at_once(void) {
    struct crew *c = crew_of(2);
    int64_t before_us = clock_mono_us();
    crew_end(c);
    CHECK(clock_mono_us() - before_us < 500000);
    crew_stop(NULL);
}

int main(void) {
    CHECK_RUN(what_is_readable_runs);
    CHECK_RUN(what_is_rung_for_runs);
    CHECK_RUN(whoever_has_more_to_do_runs_again);
    CHECK_RUN(each_runs_once_in_a_second);
    CHECK_RUN(threads_come_and_go);
    CHECK_RUN(without_spare_processors_they_are_patient);
    CHECK_RUN(nothing_is_lost_in_between);
    CHECK_RUN(no_ring_is_lost);
    CHECK_RUN(who_is_stuck_is_helped);
    CHECK_RUN(it_ends_at_once);
    return check_done();
}
