#include "server/opening.h"

#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>

#include "server/away.h"
#include "tests/unit/check.h"

/* Fails `away_n` times because the store is away, and then as `end` says. */
struct scene {
    int away_n;
    enum err_kind end; /* 0: it opens */
    atomic_int tries;
    sem_t *held; /* not NULL: an attempt does not end before it */
};

static bool scene_try(void *context, struct err *e) {
    struct scene *s = context;
    int number = atomic_fetch_add(&s->tries, 1);
    if (s->held)
        sem_wait(s->held);
    if (number < s->away_n)
        return err_set(e, ERR_UNAVAILABLE, NULL, "away");
    return s->end == ERR_NONE || err_set(e, s->end, NULL, "never");
}

/* The states that are told until it is over. @return how many. */
static size_t states_hear(struct opening *o, enum opening_state states[8]) {
    for (size_t n = 0; n < 8; n++) {
        struct pollfd news = {.fd = opening_fd(o), .events = POLLIN};
        if (!CHECK(poll(&news, 1, 30000) == 1))
            return n;
        states[n] = opening_state(o);
        if (states[n] == OPENING_DONE || states[n] == OPENING_FAILED)
            return n + 1;
    }
    return 8;
}

static void test_it_opens_when_the_store_is_back(void) {
    struct scene scene = {.away_n = 3};
    struct err e = {0};
    enum opening_state states[8];
    bool done = false;
    struct opening *o = opening_start(scene_try, &scene, &e);
    CHECK(o);
    size_t n = states_hear(o, states);
    CHECK(n >= 1 && states[n - 1] == OPENING_DONE);
    CHECK(n == 1 || states[0] == OPENING_WAITS); /* which one may come too late to see */
    CHECK(atomic_load(&scene.tries) == 4);
    CHECK(opening_stop(o, 30000, &done) && done);
}

static void test_it_fails_for_good(void) {
    struct scene scene = {.away_n = 1, .end = ERR_CONFLICT};
    struct err e = {0};
    enum opening_state states[8];
    bool done = true;
    struct opening *o = opening_start(scene_try, &scene, &e);
    size_t n = states_hear(o, states);
    CHECK(n >= 1 && states[n - 1] == OPENING_FAILED);
    CHECK_TEXT(opening_error(o)->text, "never");
    CHECK(atomic_load(&scene.tries) == 2);
    CHECK(opening_stop(o, 30000, &done) && !done);
}

static void test_it_is_stopped_while_it_waits(void) {
    struct scene scene = {.away_n = 1000000};
    struct err e = {0};
    bool done = true;
    struct opening *o = opening_start(scene_try, &scene, &e);
    while (opening_state(o) != OPENING_WAITS) {
    }
    CHECK(opening_stop(o, 30000, &done) && !done);
}

static void test_an_attempt_that_hangs(void) {
    sem_t held;
    struct scene scene = {.held = &held};
    struct err e = {0};
    bool done = false;
    sem_init(&held, 0, 0);
    struct opening *o = opening_start(scene_try, &scene, &e);
    while (!atomic_load(&scene.tries)) {
    }
    CHECK(!opening_stop(o, 10, &done));
    sem_post(&held);
    CHECK(opening_stop(o, 30000, &done) && done);
}

static void test_pauses_grow_and_vary(void) {
    struct away away = {0}, other = {0};
    const struct err e = {.kind = ERR_UNAVAILABLE};
    int differ = 0;
    CHECK(away_note(&away, &e) && away_note(&other, &e));
    for (int i = 0; i < 40; i++) {
        int64_t ms = away_pause_ms(&away);
        differ += ms != away_pause_ms(&other);
        CHECK_SAY(ms >= 25 && ms <= 1000 && (i < 6 || ms >= 500), "%d: %lld", i,
                  (long long)ms);
    }
    CHECK(differ > 5);
    CHECK(!away_note(&away, NULL));
    CHECK(away_pause_ms(&away) <= 50);
}

int main(void) {
    CHECK_RUN(test_it_opens_when_the_store_is_back);
    CHECK_RUN(test_it_fails_for_good);
    CHECK_RUN(test_it_is_stopped_while_it_waits);
    CHECK_RUN(test_an_attempt_that_hangs);
    CHECK_RUN(test_pauses_grow_and_vary);
    return check_done();
}
