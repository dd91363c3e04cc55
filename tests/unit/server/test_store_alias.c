#include <pthread.h>

#include "tests/unit/server/test_store.h"

static struct store_alias alias_set(struct store *s, const char *alias, int64_t version,
                                    int64_t expected, int64_t now_ms) {
    struct err e = {0};
    struct store_alias a = {0};
    OK(store_alias_set(s, "m", alias, version, expected, now_ms, &a, &e));
    return a;
}

static void set_get_and_delete(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_alias a;
    FAILS(store_alias_set(s, "m", "production", 1, -1, 1, &a, &e), ERR_NOT_FOUND);
    add_version(s, "m");
    add_version(s, "m");
    FAILS(store_alias_set(s, "m", "production", 3, -1, 1, &a, &e), ERR_NOT_FOUND);
    FAILS(store_alias_get(s, "m", "production", &a, &e), ERR_NOT_FOUND);
    FAILS(store_alias_delete(s, "m", "production", &e), ERR_NOT_FOUND);
    a = alias_set(s, "production", 1, -1, 10);
    CHECK(a.version == 1 && a.change == 1 && a.changed_ms == 10);
    CHECK_TEXT(a.model, "m");
    CHECK_TEXT(a.alias, "production");
    a = alias_set(s, "production", 2, -1, 20);
    CHECK(a.version == 2 && a.change == 2 && a.changed_ms == 20);
    memset(&a, 0, sizeof a);
    OK(store_alias_get(s, "m", "production", &a, &e));
    CHECK(a.version == 2 && a.change == 2 && a.changed_ms == 20);
    CHECK_TEXT(a.model, "m");
    CHECK_TEXT(a.alias, "production");
    OK(store_alias_delete(s, "m", "production", &e));
    FAILS(store_alias_get(s, "m", "production", &a, &e), ERR_NOT_FOUND);
    FAILS(store_alias_delete(s, "m", "production", &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

static void compare_and_swap(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_alias a;
    add_version(s, "m");
    add_version(s, "m");
    FAILS(store_alias_set(s, "m", "x", 1, 1, 1, &a, &e), ERR_CONFLICT); /* not there */
    CHECK(alias_set(s, "x", 1, 0, 1).change == 1);
    FAILS(store_alias_set(s, "m", "x", 2, 0, 2, &a, &e), ERR_CONFLICT);
    FAILS(store_alias_set(s, "m", "x", 2, 2, 2, &a, &e), ERR_CONFLICT);
    OK(store_alias_get(s, "m", "x", &a, &e));
    CHECK(a.version == 1 && a.change == 1 && a.changed_ms == 1);
    CHECK(alias_set(s, "x", 2, 1, 3).change == 2); /* the refused ones did not count */
    FAILS(store_alias_set(s, "m", "x", 1, 1, 2, &a, &e), ERR_CONFLICT);

    /* Deleted and made anew, it is another one for whoever saw the old one. */
    OK(store_alias_delete(s, "m", "x", &e));
    FAILS(store_alias_set(s, "m", "x", 1, 2, 2, &a, &e), ERR_CONFLICT);
    CHECK(alias_set(s, "x", 1, 0, 4).change == 3);
    FAILS(store_alias_set(s, "m", "x", 2, 1, 2, &a, &e), ERR_CONFLICT);
    store_close(s);
    place_free(&p);
}

/* "x@a:1 y@b:2" */
static const char *listed(struct store *s, const char *model) {
    static char text[200];
    struct err e = {0};
    struct store_alias *aliases = NULL;
    size_t n = 0, at = 0;
    text[0] = '\0';
    OK(store_aliases(s, model, &aliases, &n, &e));
    for (size_t i = 0; i < n; i++)
        at +=
            (size_t)snprintf(text + at, sizeof text - at, "%s%s@%s:%d", i ? " " : "",
                             aliases[i].model, aliases[i].alias, (int)aliases[i].version);
    free(aliases);
    return text;
}

static void list_and_what_deletes_them(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    CHECK_TEXT(listed(s, NULL), "");
    struct store_alias a;
    static const char *const SET[][2] = {{"y", "b"}, {"x", "c"}, {"y", "a"}, {"x", "d"}};
    for (size_t i = 0; i < 4; i++) {
        add_version(s, SET[i][0]);
        OK(store_alias_set(s, SET[i][0], SET[i][1], 1, 0, 1, &a, &e));
    }
    OK(store_alias_set(s, "y", "a", 2, -1, 1, &a, &e));
    CHECK_TEXT(listed(s, NULL), "x@c:1 x@d:1 y@a:2 y@b:1");
    CHECK_TEXT(listed(s, "y"), "y@a:2 y@b:1");
    CHECK_TEXT(listed(s, "z"), "");

    CHECK(!store_version_delete(s, "x", 1, &e));
    CHECK_SAY(e.kind == ERR_CONFLICT && strstr(e.text, "alias c "), "%s", e.text);
    e = (struct err){0};
    OK(store_version_delete(s, "x", 2, &e)); /* none points to it */
    OK(store_alias_set(s, "y", "b", 2, -1, 1, &a, &e));
    OK(store_version_delete(s, "y", 1, &e)); /* none any more */

    OK(store_model_delete(s, "y", &e));
    CHECK_TEXT(listed(s, NULL), "x@c:1 x@d:1");
    FAILS(store_model_delete(s, "y", &e), ERR_NOT_FOUND);
    CHECK_TEXT(listed(s, NULL), "x@c:1 x@d:1");
    store_close(s);
    place_free(&p);
}

/* ---- races --------------------------------------------------------------------------
 */

enum { THREADS = 4, MOVES = 15 };

struct mover {
    const struct place *place;
    pthread_barrier_t *start;
    int64_t version;
    bool creates;
    int moved, refused;
    int *seen; /* by change, all threads' */
    struct err e;
};

/* Creates it once, or moves it MOVES times: reads it, and moves what it has read. */
static void *move_from_a_thread(void *arg) {
    struct mover *m = arg;
    struct store *s = store_open(m->place->path, &m->e);
    pthread_barrier_wait(m->start);
    while (s && (m->creates ? !m->moved && !m->refused : m->moved < MOVES)) {
        struct store_alias a = {0};
        if (!m->creates && !store_alias_get(s, "m", "x", &a, &m->e))
            break;
        if (store_alias_set(s, "m", "x", m->version, a.change, 1, &a, &m->e)) {
            __atomic_add_fetch(&m->seen[a.change], 1, __ATOMIC_SEQ_CST);
            m->moved++;
        } else if (m->e.kind == ERR_CONFLICT) {
            m->e = (struct err){0};
            m->refused++;
        } else {
            break;
        }
    }
    store_close(s);
    return NULL;
}

/* @return how many moves there were in all. */
static int race(const struct place *p, bool creates, int *seen, int *refused) {
    struct mover movers[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    int moved = 0;
    *refused = 0;
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        movers[i] = (struct mover){.place = p,
                                   .start = &start,
                                   .version = i + 1,
                                   .creates = creates,
                                   .seen = seen};
        CHECK(!pthread_create(&threads[i], NULL, move_from_a_thread, &movers[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_SAY(!movers[i].e.kind, "%s", movers[i].e.text);
        moved += movers[i].moved;
        *refused += movers[i].refused;
    }
    pthread_barrier_destroy(&start);
    return moved;
}

static void each_change_is_won_once(void) {
    int seen[1 + THREADS * MOVES + THREADS + 1] = {0}, refused = 0, moved, rounds = 0;
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    for (int i = 0; i < THREADS; i++)
        add_version(s, "m");
    CHECK(race(&p, true, seen, &refused) == 1 && refused == THREADS - 1);
    /* Until two of them did want the same change. */
    do {
        memset(seen, 0, sizeof seen);
        OK(store_alias_delete(s, "m", "x", &e));
        raw(p.path, "DELETE FROM counters WHERE kind = 'alias'");
        CHECK(alias_set(s, "x", 1, 0, 1).change == 1);
        moved = race(&p, false, seen, &refused);
        CHECK(moved == THREADS * MOVES);
        for (int i = 2; i < 2 + THREADS * MOVES; i++)
            CHECK_SAY(seen[i] == 1, "change %d was made %d times", i, seen[i]);
    } while (!refused && CHECK(++rounds < 20));
    struct store_alias a = {0};
    OK(store_alias_get(s, "m", "x", &a, &e));
    CHECK(a.change == 1 + THREADS * MOVES);
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(set_get_and_delete);
    STORE_RUN(compare_and_swap);
    STORE_RUN(list_and_what_deletes_them);
    STORE_RUN(each_change_is_won_once);
    return check_done();
}
