#include "tests/unit/server/test_registry.h"

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

/* What was deleted through another server is found out, of whatever age, and nothing
 * else is dropped. */
static void test_deleted_elsewhere(void) {
    struct scene s;
    struct err e = {0};
    scene_new(&s, 1 << 20);
    for (int version = 1; version <= 5; version++) {
        publish(s.store, "a", (float)version);
        publish(s.store, "b", (float)version);
    }
    refresh(&s);
    for (int version = 1; version <= 5; version++) {
        check_loads(&s, "a", version, (float)version);
        check_loads(&s, "b", version, (float)version);
    }
    OK(store_version_delete(s.store, "a", 2, &e));
    OK(store_version_delete(s.store, "a", 5, &e));
    OK(store_version_delete(s.store, "b", 1, &e));
    refresh(&s);
    check_counts(&s, 2, 7);
    check_acquires(&s, "a", 0, 4);
    for (int version = 1; version <= 5; version++) {
        check_acquires(&s, "a", version, version % 3 == 2 ? -1 : (float)version);
        check_acquires(&s, "b", version, version == 1 ? -1 : (float)version);
    }
    check_load_fails(&s, "a", 5, ERR_NOT_FOUND);
    /* Far apart, and the last of all models. */
    for (int version = 6; version <= 40; version++)
        publish(s.store, "b", (float)version);
    refresh(&s);
    check_loads(&s, "b", 38, 38);
    OK(store_version_delete(s.store, "b", 38, &e));
    OK(store_version_delete(s.store, "b", 4, &e));
    refresh(&s);
    check_acquires(&s, "b", 38, -1);
    check_acquires(&s, "b", 4, -1);
    check_acquires(&s, "b", 3, 3);
    check_acquires(&s, "b", 40, 40);
    scene_free(&s);
}

int main(void) {
    STORE_RUN(test_load);
    STORE_RUN(test_publish);
    STORE_RUN(test_once);
    STORE_RUN(test_nameless);
    STORE_RUN(test_delete);
    STORE_RUN(test_deleted_elsewhere);
    STORE_RUN(test_eviction);
    STORE_RUN(test_broken);
    STORE_RUN(test_alias);
    STORE_RUN(test_default);
    STORE_RUN(test_alias_never_goes_back);
    STORE_RUN(test_forget);
    return check_done();
}
