#include "server/executor.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "tests/unit/server/test_store.h"

enum { THREADS = 3, QUEUE = 4 };

/* What the tasks of a test share. */
struct shared {
    sem_t started, gate;
    atomic_int done, stores_seen;
    _Atomic(struct store *) stores[16];
};
static void shared_init(struct shared *s) {
    *s = (struct shared){.done = 0};
    sem_init(&s->started, 0, 0);
    sem_init(&s->gate, 0, 0);
}

/* Uses its store, then waits at the gate. */
static void held_task(void *context, struct store *store) {
    struct shared *s = context;
    int64_t counts[JOB_STATUSES_N];
    struct err e = {0};
    OK(store_jobs_count(store, counts, &e));
    atomic_store(&s->stores[atomic_fetch_add(&s->stores_seen, 1)], store);
    sem_post(&s->started);
    sem_wait(&s->gate);
    atomic_fetch_add(&s->done, 1);
}

/* All threads work at a time, each with a store of its own; behind them the queue is
 * bounded; the end comes after what was queued. */
static void test_threads(void) {
    struct place p;
    struct shared s;
    struct err e = {0};
    place_new(&p);
    shared_init(&s);
    struct executor *x = executor_start(THREADS, QUEUE, &e);
    if (!OK(x && executor_open(x, p.path, &e)))
        return;
    for (int i = 0; i < THREADS; i++) {
        CHECK(executor_add(x, held_task, &s));
        sem_wait(&s.started);
    }
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < i; j++)
            CHECK(atomic_load(&s.stores[i]) != atomic_load(&s.stores[j]));
    for (int i = 0; i < QUEUE; i++)
        CHECK(executor_add(x, held_task, &s));
    CHECK(!executor_add(x, held_task, &s)); /* full */
    CHECK(atomic_load(&s.done) == 0);
    for (int i = 0; i < THREADS + QUEUE; i++)
        sem_post(&s.gate);
    executor_stop(x);
    CHECK(!executor_add(x, held_task, &s)); /* whoever still has it is told no */
    executor_free(x);
    CHECK(atomic_load(&s.done) == THREADS + QUEUE);
    place_free(&p);
}

struct ordered {
    int next;
    bool in_order;
};
static struct ordered order;
static void ordered_task(void *context, struct store *store) {
    CHECK(store);
    order.in_order = order.in_order && (int)(intptr_t)context == order.next++;
}

/* One thread runs them as they came, many times around the ring. */
static void test_order(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct executor *x = executor_start(1, 3, &e);
    if (!OK(x && executor_open(x, p.path, &e)))
        return;
    order = (struct ordered){.in_order = true};
    for (intptr_t i = 0; i < 2000;)
        i += executor_add(x, ordered_task, (void *)i);
    executor_stop(x);
    executor_free(x);
    CHECK(order.in_order && order.next == 2000);
    place_free(&p);
}

static struct store *seen;
static sem_t looked;
static void look_task(void *context, struct store *store) {
    (void)context;
    seen = store;
    sem_post(&looked);
}

static const struct store *store_seen(struct executor *x) {
    CHECK(executor_add(x, look_task, NULL));
    sem_wait(&looked);
    return seen;
}

/* It works without a store until there is one, however often that fails. */
static void test_store_comes_later(void) {
    struct place p;
    struct err e = {0};
    executor_free(NULL);
    place_new(&p);
    sem_init(&looked, 0, 0);
    struct executor *x = executor_start(1, 3, &e);
    if (!OK(x != NULL))
        return;
    CHECK(!store_seen(x));
    CHECK(!executor_open(x, "/nowhere/at/all/store", &e) && e.kind == ERR_STORAGE);
    CHECK(!store_seen(x));
    e = (struct err){0};
    OK(executor_open(x, p.path, &e));
    CHECK(store_seen(x));
    executor_stop(x);
    executor_free(x);
    place_free(&p);
}

int main(void) {
    CHECK_RUN(test_threads);
    CHECK_RUN(test_order);
    CHECK_RUN(test_store_comes_later);
    return check_done();
}
