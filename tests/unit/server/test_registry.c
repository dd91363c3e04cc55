#include "server/registry.h"

#include <pthread.h>
#include <stdatomic.h>

#include "api/model_file.h"
#include "engine/memory.h"
#include "tests/unit/server/test_store.h"

/* A linear model of `inputs` columns whose every prediction is `bias`: which version
 * answered can be told from its answer. */
static void *model_bytes(float bias, size_t inputs, size_t *n) {
    struct err e = {0};
    struct layer_shape shape = {.units_n = 1, .activation = ACTIVATION_LINEAR};
    struct job_spec spec = {.task = TASK_REGRESSION,
                            .samples_n = 1,
                            .inputs_n = inputs,
                            .layers = &shape,
                            .layers_n = 1,
                            .loss = LOSS_MSE,
                            .init_scale = 1,
                            .optimizer.learning_rate = 1,
                            .epochs = 1,
                            .report_every = 1};
    struct model model = {
        .task = TASK_REGRESSION, .loss = LOSS_MSE, .net = net_new(inputs, &shape, 1, &e)};
    if (!model.net)
        abort();
    net_biases(model.net, 0)[0] = bias;
    void *bytes = model_file_encode(&model, &spec, n, &e);
    OK(bytes != NULL);
    net_free(model.net);
    return bytes;
}

/* Publishes bytes as the next version of `name`. */
static int64_t publish_bytes(struct store *s, const char *name, const void *bytes,
                             size_t n) {
    static int jobs_n;
    struct err e = {0};
    char id[STORE_ID_MAX], sha256[STORE_SHA256_TEXT];
    int64_t blob = 0, version = 0;
    snprintf(id, sizeof id, "job%d", jobs_n++);
    OK(store_blob_put(s, bytes, n, 1, &blob, sha256, &e));
    OK(insert_job(s, id, name, &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_outcome outcome = {.status = JOB_SUCCEEDED,
                                          .error_epoch = -1,
                                          .model_blob = blob,
                                          .model_document = "{}"};
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    return version;
}

static int64_t publish_wide(struct store *s, const char *name, float bias,
                            size_t inputs) {
    size_t n;
    void *bytes = model_bytes(bias, inputs, &n);
    int64_t version = publish_bytes(s, name, bytes, n);
    free(bytes);
    return version;
}
static int64_t publish(struct store *s, const char *name, float bias) {
    return publish_wide(s, name, bias, 2);
}

static float answer_of(const struct served *served) {
    size_t inputs = served->model->net->inputs_n;
    float Y = -1, *X = memory_new(inputs, sizeof *X);
    float *scratch = memory_new(model_scratch_n(served->model, 1), sizeof *scratch);
    if (!X || !scratch)
        abort();
    model_predict(served->model, X, 1, scratch, &Y);
    free(X);
    free(scratch);
    return Y;
}

static struct model_ref ref_of(const char *name, int64_t version) {
    struct model_ref ref = {.version = version};
    snprintf(ref.name, sizeof ref.name, "%s", name);
    return ref;
}

/* A store and a registry with room for `memory` bytes. */
struct scene {
    struct place place;
    struct store *store;
    struct registry *registry;
};
static void scene_new(struct scene *s, size_t memory) {
    struct err e = {0};
    place_new(&s->place);
    s->store = place_open(&s->place);
    s->registry = registry_new(memory, &e);
    if (!OK(s->registry != NULL))
        abort();
}
static void scene_free(struct scene *s) {
    registry_free(s->registry);
    store_close(s->store);
    place_free(&s->place);
}

static void refresh(struct scene *s) {
    struct err e = {0};
    OK(registry_refresh(s->registry, s->store, &e));
}

/* Loads and answers; -1 with the kind of the error in *kind. */
static float loaded_answer(struct scene *s, const char *name, int64_t version,
                           enum err_kind *kind) {
    struct err e = {0};
    struct model_ref ref = ref_of(name, version);
    const struct served *served = registry_load(s->registry, s->store, &ref, &e);
    float answer = served ? answer_of(served) : -1;
    if (served)
        registry_release(served);
    *kind = e.kind;
    return answer;
}
static void check_loads(struct scene *s, const char *name, int64_t version,
                        float answer) {
    enum err_kind kind;
    float got = loaded_answer(s, name, version, &kind);
    CHECK_SAY(got == answer, "%s@%d: %g, not %g (kind %d)", name, (int)version,
              (double)got, (double)answer, kind);
}
static void check_load_fails(struct scene *s, const char *name, int64_t version,
                             enum err_kind wanted) {
    enum err_kind kind;
    float got = loaded_answer(s, name, version, &kind);
    CHECK_SAY(got == -1 && kind == wanted, "%s@%d: %g, kind %d", name, (int)version,
              (double)got, kind);
}
/* Without the store. NaN would be equal to nothing: -1 is "not here". */
static void check_acquires(struct scene *s, const char *name, int64_t version,
                           float answer) {
    struct model_ref ref = ref_of(name, version);
    const struct served *served = registry_acquire(s->registry, &ref);
    float got = served ? answer_of(served) : -1;
    CHECK_SAY(got == answer, "%s@%d: %g, not %g", name, (int)version, (double)got,
              (double)answer);
    if (served) {
        CHECK_TEXT(served->name, name[0] ? name : served->name);
        registry_release(served);
    }
}
static void check_counts(struct scene *s, int64_t models, int64_t loaded) {
    struct registry_counts got;
    registry_counts(s->registry, &got);
    CHECK_SAY(got.models == models && got.loaded == loaded &&
                  (got.bytes > 0) == (loaded > 0),
              "%d models, %d loaded, %d bytes", (int)got.models, (int)got.loaded,
              (int)got.bytes);
}

static void test_load(void) {
    struct scene s;
    scene_new(&s, 1 << 20);
    check_load_fails(&s, "a", 0, ERR_NOT_FOUND);
    check_acquires(&s, "a", 0, -1);
    CHECK(publish(s.store, "a", 1.5f) == 1);
    check_acquires(&s, "a", 0, -1); /* the store alone can tell */
    check_loads(&s, "a", 0, 1.5f);
    check_acquires(&s, "a", 0, 1.5f);
    check_acquires(&s, "a", 1, 1.5f);
    check_acquires(&s, "a", 2, -1);
    check_load_fails(&s, "a", 2, ERR_NOT_FOUND);
    check_load_fails(&s, "b", 0, ERR_NOT_FOUND);
    check_counts(&s, 1, 1);
    CHECK(registry_knows(s.registry, "a", 1) && !registry_knows(s.registry, "a", 2));
    CHECK(!registry_knows(s.registry, "b", 0));
    scene_free(&s);
}

/* The latest moves with a refresh, warm; what was in hand stays whole. */
static void test_publish(void) {
    struct scene s;
    scene_new(&s, 1 << 20);
    publish(s.store, "a", 1);
    check_loads(&s, "a", 0, 1);
    struct model_ref ref = ref_of("a", 0);
    const struct served *held = registry_acquire(s.registry, &ref);
    publish(s.store, "a", 2);
    check_acquires(&s, "a", 0, 1);
    refresh(&s);
    check_acquires(&s, "a", 0, 2); /* without a load: it was warmed */
    check_acquires(&s, "a", 1, 1);
    CHECK(registry_knows(s.registry, "a", 2));
    check_counts(&s, 1, 2);
    CHECK(held && held->version == 1 && answer_of(held) == 1);
    registry_release(held);
    /* A model that nobody has asked for is known and not loaded. */
    publish(s.store, "b", 3);
    refresh(&s);
    check_counts(&s, 2, 2);
    check_acquires(&s, "b", 0, -1);
    check_loads(&s, "b", 0, 3);
    scene_free(&s);
}

/* However it was asked for first, a version is kept once. */
static void test_once(void) {
    struct scene s;
    scene_new(&s, 1 << 20);
    publish(s.store, "a", 1);
    check_loads(&s, "a", 1, 1);
    check_loads(&s, "a", 0, 1);
    check_loads(&s, "a", 1, 1);
    check_counts(&s, 1, 1);
    check_acquires(&s, "a", 0, 1);
    refresh(&s);
    check_counts(&s, 1, 1);
    scene_free(&s);
}

static void test_nameless(void) {
    struct scene s;
    scene_new(&s, 1 << 20);
    check_load_fails(&s, "", 0, ERR_INVALID);
    publish(s.store, "a", 1);
    publish(s.store, "a", 2);
    check_loads(&s, "", 0, 2);
    check_acquires(&s, "", 0, 2);
    publish(s.store, "b", 3);
    refresh(&s);
    check_acquires(&s, "", 0, -1);
    check_load_fails(&s, "", 0, ERR_INVALID);
    struct err e = {0};
    OK(store_model_delete(s.store, "a", &e));
    check_loads(&s, "", 0, 3);
    scene_free(&s);
}

static void test_delete(void) {
    struct scene s;
    struct err e = {0};
    scene_new(&s, 1 << 20);
    publish(s.store, "a", 1);
    publish(s.store, "b", 2);
    publish(s.store, "c", 3);
    check_loads(&s, "a", 0, 1);
    check_loads(&s, "b", 0, 2);
    check_loads(&s, "c", 0, 3);
    struct model_ref ref = ref_of("b", 0);
    const struct served *held = registry_acquire(s.registry, &ref);
    OK(store_model_delete(s.store, "b", &e));
    refresh(&s);
    check_acquires(&s, "b", 0, -1);
    check_load_fails(&s, "b", 0, ERR_NOT_FOUND);
    check_load_fails(&s, "b", 1, ERR_NOT_FOUND);
    CHECK(!registry_knows(s.registry, "b", 1));
    check_counts(&s, 2, 2);
    CHECK(held && answer_of(held) == 2); /* whoever has it keeps it */
    registry_release(held);
    check_acquires(&s, "a", 0, 1);
    check_acquires(&s, "c", 0, 3);
    /* The first and the last of the list go as well. */
    OK(store_model_delete(s.store, "a", &e));
    OK(store_model_delete(s.store, "c", &e));
    refresh(&s);
    check_counts(&s, 0, 0);
    publish(s.store, "b", 4); /* a new one of the old name: version 2 */
    check_loads(&s, "b", 0, 4);
    check_load_fails(&s, "b", 1, ERR_NOT_FOUND);
    scene_free(&s);
}

/* Room for two of three: what was used longest ago goes, and comes back when asked for.
 */
static void test_eviction(void) {
    enum { INPUTS = 4096, BYTES = INPUTS * 4 };
    struct scene s;
    scene_new(&s, 2 * BYTES + BYTES / 2);
    publish_wide(s.store, "a", 1, INPUTS);
    publish_wide(s.store, "b", 2, INPUTS);
    publish_wide(s.store, "c", 3, INPUTS);
    check_loads(&s, "a", 0, 1);
    check_loads(&s, "b", 0, 2);
    check_acquires(&s, "a", 0, 1); /* b is now the older one */
    check_loads(&s, "c", 0, 3);
    check_counts(&s, 3, 2);
    check_acquires(&s, "b", 0, -1);
    check_acquires(&s, "a", 0, 1);
    check_loads(&s, "b", 0, 2);
    check_acquires(&s, "c", 0, -1);
    struct registry_counts counts;
    registry_counts(s.registry, &counts);
    CHECK(counts.bytes <= 2 * BYTES + BYTES / 2);
    CHECK(counts.loads == 4 && counts.evictions == 2);
    /* One that is larger than all the room is still served, alone. */
    publish_wide(s.store, "d", 4, 4 * INPUTS);
    check_loads(&s, "d", 0, 4);
    check_counts(&s, 4, 1);
    check_acquires(&s, "d", 0, 4);
    scene_free(&s);
}

/* A version whose bytes are no model does not take the place of one that works. */
static void test_broken(void) {
    struct scene s;
    scene_new(&s, 1 << 20);
    publish(s.store, "a", 1);
    check_loads(&s, "a", 0, 1);
    publish_bytes(s.store, "a", "junk, long enough", 17);
    struct err e = {0};
    int stderr_fd = dup(STDERR_FILENO);
    FILE *null = freopen("/dev/null", "w", stderr); /* the log says so */
    CHECK(null && registry_refresh(s.registry, s.store, &e));
    dup2(stderr_fd, STDERR_FILENO);
    close(stderr_fd);
    check_acquires(&s, "a", 1, 1);
    check_load_fails(&s, "a", 2, ERR_INVALID);
    scene_free(&s);
}

/* ---- aliases
 * ---------------------------------------------------------------------------- */

static struct model_ref alias_of(const char *name, const char *alias) {
    struct model_ref ref = ref_of(name, 0);
    snprintf(ref.alias, sizeof ref.alias, "%s", alias);
    return ref;
}
static void point(struct scene *s, const char *name, const char *alias, int64_t version) {
    struct err e = {0};
    struct store_alias result;
    OK(store_alias_set(s->store, name, alias, version, -1, 1, &result, &e));
}
static void refresh_aliases(struct scene *s) {
    struct err e = {0};
    OK(registry_refresh_aliases(s->registry, s->store, &e));
}
/* -1: not here, or (with the store) the kind of its error in *kind. */
static float alias_acquired(struct scene *s, const char *name, const char *alias) {
    struct model_ref ref = alias_of(name, alias);
    const struct served *served = registry_acquire(s->registry, &ref);
    float answer = served ? answer_of(served) : -1;
    if (served)
        registry_release(served);
    return answer;
}
static float alias_loaded(struct scene *s, const char *name, const char *alias,
                          enum err_kind *kind) {
    struct err e = {0};
    struct model_ref ref = alias_of(name, alias);
    const struct served *served = registry_load(s->registry, s->store, &ref, &e);
    float answer = served ? answer_of(served) : -1;
    if (served)
        registry_release(served);
    *kind = e.kind;
    return answer;
}

static void test_alias(void) {
    struct scene s;
    struct err e = {0};
    enum err_kind kind;
    scene_new(&s, 1 << 20);
    for (int i = 1; i <= 4; i++)
        publish(s.store, "a", (float)i);
    publish(s.store, "b", 9);
    point(&s, "a", "live", 2);
    CHECK(alias_acquired(&s, "a", "live") == -1); /* the store alone can tell */
    CHECK(alias_loaded(&s, "a", "live", &kind) == 2);
    CHECK(alias_acquired(&s, "a", "live") == 2);
    check_counts(&s, 1, 1);
    CHECK(alias_loaded(&s, "a", "dead", &kind) == -1 && kind == ERR_NOT_FOUND);
    CHECK(alias_loaded(&s, "b", "live", &kind) == -1 && kind == ERR_NOT_FOUND);
    CHECK(alias_acquired(&s, "b", "live") == -1);
    /* Moved, back as well: at once, and warm. */
    point(&s, "a", "live", 3);
    CHECK(alias_acquired(&s, "a", "live") == 2);
    refresh_aliases(&s);
    CHECK(alias_acquired(&s, "a", "live") == 3);
    point(&s, "a", "live", 1);
    point(&s, "a", "beta", 4);
    point(&s, "b", "live", 1);
    refresh(&s);
    CHECK(alias_acquired(&s, "a", "live") == 1 && alias_acquired(&s, "a", "beta") == 4);
    CHECK(alias_acquired(&s, "b", "live") == -1); /* nobody has asked for b yet */
    CHECK(alias_loaded(&s, "b", "live", &kind) == 9);
    OK(store_alias_delete(s.store, "a", "live", &e));
    refresh_aliases(&s);
    CHECK(alias_acquired(&s, "a", "live") == -1);
    CHECK(alias_loaded(&s, "a", "live", &kind) == -1 && kind == ERR_NOT_FOUND);
    CHECK(alias_acquired(&s, "a", "beta") == 4 && alias_acquired(&s, "b", "live") == 9);
    /* Aliases go with their model, whatever the order of a refresh. */
    OK(store_model_delete(s.store, "a", &e));
    CHECK(alias_acquired(&s, "a", "beta") == 4);
    refresh(&s);
    CHECK(alias_acquired(&s, "a", "beta") == -1);
    CHECK(alias_loaded(&s, "a", "beta", &kind) == -1 && kind == ERR_NOT_FOUND);
    scene_free(&s);
}

/* Who names no model gets the default one, whose alias moves under it. */
static void test_default(void) {
    struct scene s;
    struct model_ref ref;
    struct err e = {0};
    scene_new(&s, 1 << 20);
    OK(model_ref_parse("b@live", "--default-model", &ref, &e));
    registry_set_default(s.registry, &ref);
    check_load_fails(&s, "", 0, ERR_NOT_FOUND);
    publish(s.store, "a", 1);
    check_load_fails(&s, "", 0, ERR_NOT_FOUND);
    publish(s.store, "b", 2);
    publish(s.store, "b", 3);
    check_load_fails(&s, "", 0, ERR_NOT_FOUND);
    point(&s, "b", "live", 1);
    check_acquires(&s, "", 0, -1);
    check_loads(&s, "", 0, 2);
    check_acquires(&s, "", 0, 2);
    check_loads(&s, "a", 0, 1);
    point(&s, "b", "live", 2);
    refresh_aliases(&s);
    check_acquires(&s, "", 0, 3);
    scene_free(&s);
}

/* What one request learnt from the store of a move made elsewhere, the next one knows. */
static void test_alias_never_goes_back(void) {
    struct scene s;
    enum err_kind kind;
    scene_new(&s, 1 << 20);
    publish(s.store, "a", 1);
    publish(s.store, "a", 2);
    point(&s, "a", "live", 1);
    refresh(&s);
    point(&s, "a", "live", 2);
    CHECK(alias_loaded(&s, "a", "live", &kind) == 2); /* 1 was never loaded */
    check_loads(&s, "a", 1, 1);
    CHECK(alias_acquired(&s, "a", "live") == 2);
    scene_free(&s);
}

static void test_forget(void) {
    struct scene s;
    struct err e = {0};
    scene_new(&s, 1 << 20);
    publish(s.store, "a", 1);
    publish(s.store, "a", 2);
    check_loads(&s, "a", 1, 1);
    check_loads(&s, "a", 2, 2);
    struct model_ref ref = ref_of("a", 1);
    const struct served *held = registry_acquire(s.registry, &ref);
    OK(store_version_delete(s.store, "a", 1, &e));
    registry_forget(s.registry, "a", 1);
    registry_forget(s.registry, "a", 7);
    registry_forget(s.registry, "nobody", 1);
    check_acquires(&s, "a", 1, -1);
    check_load_fails(&s, "a", 1, ERR_NOT_FOUND);
    check_acquires(&s, "a", 2, 2);
    check_counts(&s, 1, 1);
    CHECK(held && answer_of(held) == 1);
    registry_release(held);
    /* The latest goes: the one before it takes its place. */
    publish(s.store, "a", 3);
    refresh(&s);
    check_acquires(&s, "a", 0, 3);
    OK(store_version_delete(s.store, "a", 3, &e));
    registry_forget(s.registry, "a", 3);
    refresh(&s);
    check_acquires(&s, "a", 0, 2);
    scene_free(&s);
}

/* ---- threads
 * ---------------------------------------------------------------------------- */

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
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, crowd) != 0)
            abort();
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
    atomic_store(&crowd.ending, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_SAY(atomic_load(&crowd.wrong) == 0, "%d", atomic_load(&crowd.wrong));
    CHECK(atomic_load(&crowd.answers) > 0);
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
        else
            refresh(s);
        OK(store_version_delete(s->store, "a", i - 1, &e));
        registry_forget(s->registry, "a", i - 1);
        usleep(3000);
    }
    atomic_store(&crowd.ending, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_SAY(atomic_load(&crowd.wrong) == 0, "%d", atomic_load(&crowd.wrong));
    CHECK(atomic_load(&crowd.answers) > 0);
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
    atomic_store(&crowd.ending, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_SAY(atomic_load(&crowd.wrong) == 0, "%d", atomic_load(&crowd.wrong));
    CHECK(atomic_load(&crowd.answers) > 0);
    scene_free(s);
}

int main(void) {
    STORE_RUN(test_load);
    STORE_RUN(test_publish);
    STORE_RUN(test_once);
    STORE_RUN(test_nameless);
    STORE_RUN(test_delete);
    STORE_RUN(test_eviction);
    STORE_RUN(test_broken);
    STORE_RUN(test_alias);
    STORE_RUN(test_default);
    STORE_RUN(test_alias_never_goes_back);
    STORE_RUN(test_forget);
    STORE_RUN(test_single_flight);
    STORE_RUN(test_acquire_during_changes);
    STORE_RUN(test_alias_moves_under_load);
    STORE_RUN(test_alias_deleted_under_load);
    return check_done();
}
