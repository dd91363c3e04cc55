/* A registry that many threads ask at once, while what it serves changes. */
#include "tests/unit/server/test_registry.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 6 };
struct crowd {
    struct scene scene;
    pthread_barrier_t start;
    const struct model *_Atomic models[THREADS];
    atomic_int next, wrong, answers;
    atomic_bool ending;
};

static void *load_once(void *context) {
    struct crowd *crowd = context;
    struct err e = {0};
    struct store *store = place_open(&crowd->scene.place);
    struct model_ref ref = ref_of("a", 0);
    int i = atomic_fetch_add(&crowd->next, 1);
    pthread_barrier_wait(&crowd->start);
    const struct served *served = registry_load(crowd->scene.registry, store, &ref, &e);
    OK(served != NULL);
    if (served) {
        crowd->models[i] = served->model;
        registry_release(served);
    }
    store_close(store);
    return NULL;
}

static void crowd_run(struct crowd *crowd, void *(*run)(void *),
                      pthread_t threads[THREADS]) {
    atomic_store(&crowd->ending, false); /* it was another database's crowd before */
    atomic_store(&crowd->wrong, 0);
    atomic_store(&crowd->answers, 0);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, crowd) != 0)
            abort();
}

/* There were answers, and none was wrong. */
static void crowd_end(struct crowd *crowd, pthread_t threads[THREADS]) {
    atomic_store(&crowd->ending, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_SAY(atomic_load(&crowd->wrong) == 0, "%d", atomic_load(&crowd->wrong));
    CHECK(atomic_load(&crowd->answers) > 0);
}

/* All of them get one and the same object: it was read once. */
static void test_single_flight(void) {
    static struct crowd crowd;
    pthread_t threads[THREADS];
    atomic_store(&crowd.next, 0); /* once for each database */
    scene_new(&crowd.scene, 1 << 24);
    publish_wide(crowd.scene.store, "a", 1, 100000);
    pthread_barrier_init(&crowd.start, NULL, THREADS);
    crowd_run(&crowd, load_once, threads);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        CHECK(crowd.models[i] && crowd.models[i] == crowd.models[0]);
    check_counts(&crowd.scene, 1, 1);
    pthread_barrier_destroy(&crowd.start);
    scene_free(&crowd.scene);
}

/* Asks for the latest for as long as the store changes: answers never go back and are
 * whole, gone is gone. */
static void *ask_on(void *context) {
    struct crowd *crowd = context;
    struct store *store = place_open(&crowd->scene.place);
    struct model_ref ref = ref_of("a", 0);
    int64_t last = 0;
    while (!atomic_load(&crowd->ending)) {
        struct err e = {0};
        const struct served *served = registry_acquire(crowd->scene.registry, &ref);
        if (!served)
            served = registry_load(crowd->scene.registry, store, &ref, &e);
        if (!served) {
            atomic_fetch_add(&crowd->wrong, e.kind != ERR_NOT_FOUND);
            continue;
        }
        bool right =
            served->version >= last && answer_of(served) == (float)served->version;
        atomic_fetch_add(&crowd->wrong, !right);
        atomic_fetch_add(&crowd->answers, 1);
        last = served->version;
        registry_release(served);
    }
    store_close(store);
    return NULL;
}

static void test_acquire_during_changes(void) {
    static struct crowd crowd;
    pthread_t threads[THREADS];
    struct err e = {0};
    struct scene *s = &crowd.scene;
    scene_new(s, 1 << 20);
    crowd_run(&crowd, ask_on, threads);
    for (int i = 1; i <= 40; i++) {
        CHECK(publish(s->store, "a", (float)i) == i);
        refresh(s);
        if (i % 4 == 0) {
            OK(store_model_delete(s->store, "a", &e));
            refresh(s);
        }
        usleep(2000);
    }
    crowd_end(&crowd, threads);
    scene_free(s);
}

/* Asks for an alias without the store: a move takes it from nobody, and once a move is
 * seen nobody sees what was before it. */
static void *ask_alias(void *context) {
    struct crowd *crowd = context;
    struct model_ref ref = alias_of("a", "live");
    int64_t last = 0;
    while (!atomic_load(&crowd->ending)) {
        const struct served *served = registry_acquire(crowd->scene.registry, &ref);
        if (!served) {
            atomic_fetch_add(&crowd->wrong, 1);
            continue;
        }
        bool right =
            served->version >= last && answer_of(served) == (float)served->version;
        atomic_fetch_add(&crowd->wrong, !right);
        atomic_fetch_add(&crowd->answers, 1);
        last = served->version;
        registry_release(served);
    }
    return NULL;
}

static void test_alias_moves_under_load(void) {
    static struct crowd crowd;
    pthread_t threads[THREADS];
    struct err e = {0};
    enum err_kind kind;
    struct scene *s = &crowd.scene;
    scene_new(s, 1 << 20);
    CHECK(publish(s->store, "a", 1) == 1);
    point(s, "a", "live", 1);
    CHECK(alias_loaded(s, "a", "live", &kind) == 1);
    crowd_run(&crowd, ask_alias, threads);
    for (int i = 2; i <= 12; i++) {
        CHECK(publish(s->store, "a", (float)i) == i);
        point(s, "a", "live", i);
        if (i % 2)
            refresh_aliases(s);
        OK(store_version_delete(s->store, "a", i - 1, &e));
        refresh(s); /* of an alias that has moved and what it has left in one, too */
        usleep(3000);
    }
    crowd_end(&crowd, threads);
    CHECK(alias_acquired(s, "a", "live") == 12);
    check_counts(s, 1, 1);
    scene_free(s);
}

/* Deleted and made anew while it is asked for: an answer is whole, or there is none. */
static void *load_alias(void *context) {
    struct crowd *crowd = context;
    struct store *store = place_open(&crowd->scene.place);
    struct model_ref ref = alias_of("a", "live");
    while (!atomic_load(&crowd->ending)) {
        struct err e = {0};
        const struct served *served = registry_acquire(crowd->scene.registry, &ref);
        if (!served)
            served = registry_load(crowd->scene.registry, store, &ref, &e);
        bool right = served ? answer_of(served) == (float)served->version
                            : e.kind == ERR_NOT_FOUND;
        atomic_fetch_add(&crowd->wrong, !right);
        atomic_fetch_add(&crowd->answers, served != NULL);
        if (served)
            registry_release(served);
    }
    store_close(store);
    return NULL;
}

static void test_alias_deleted_under_load(void) {
    static struct crowd crowd;
    pthread_t threads[THREADS];
    struct err e = {0};
    struct scene *s = &crowd.scene;
    scene_new(s, 1 << 20);
    for (int i = 1; i <= 3; i++)
        CHECK(publish(s->store, "a", (float)i) == i);
    crowd_run(&crowd, load_alias, threads);
    /* Some loads fall between two deletions: on a busy machine that takes longer. */
    for (int i = 0; i < 20 || (!atomic_load(&crowd.answers) && i < 2000); i++) {
        point(s, "a", "live", 1 + i % 3);
        refresh_aliases(s);
        usleep(500);
        OK(store_alias_delete(s->store, "a", "live", &e));
        refresh_aliases(s);
        CHECK(alias_acquired(s, "a", "live") == -1);
    }
    crowd_end(&crowd, threads);
    scene_free(s);
}

int main(void) {
    STORE_RUN(test_single_flight);
    STORE_RUN(test_acquire_during_changes);
    STORE_RUN(test_alias_moves_under_load);
    STORE_RUN(test_alias_deleted_under_load);
    return check_done();
}
