#include "tests/unit/server/test_store.h"

static void open_creates_and_reopens(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    mode_t before = umask(0);
    struct store *s = place_open(&p);
    umask(before);
    struct stat st;
    CHECK(stat(p.path, &st) == 0 && (st.st_mode & 07777) == 0600);
    OK(insert_job(s, "one", "m", &e));
    store_close(s);
    s = place_open(&p);
    CHECK(status_of(s, "one") == JOB_QUEUED);
    store_close(s);
    store_close(NULL);
    place_free(&p);
}

static void open_relative_name(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    char *here = getcwd(NULL, 0);
    CHECK(here && chdir(p.dir) == 0);
    struct store *s = store_open(":memory:", &e);
    OK(s != NULL);
    store_close(s);
    CHECK(unlink(":memory:") == 0); /* it was a file, as the name says */
    CHECK(chdir(here) == 0);
    free(here);
    FAILS(store_open("/nowhere/at/all", &e), ERR_STORAGE);
    place_free(&p);
}

static void refuses_what_is_no_database(void) {
    static const char *const CONTENTS[] = {
        "x",
        "a text of somebody's, which is precious to them\n",
    };
    struct place p;
    struct err e = {0};
    place_new(&p);
    for (size_t i = 0; i < 3; i++) {
        char want[8192], got[8193];
        memset(want, 'z', sizeof want);
        size_t n = sizeof want;
        if (i < 2) {
            n = strlen(CONTENTS[i]);
            memcpy(want, CONTENTS[i], n);
        }
        FILE *f = fopen(p.path, "w");
        CHECK(f && fwrite(want, 1, n, f) == n && fclose(f) == 0);
        struct store *s = store_open(p.path, &e);
        CHECK_SAY(!s && e.kind == ERR_CONFLICT && strstr(e.text, "not a database"),
                  "kind %d: %s", e.kind, e.text);
        store_close(s);
        e = (struct err){0};
        f = fopen(p.path, "r");
        CHECK(f && fread(got, 1, sizeof got, f) == n && memcmp(want, got, n) == 0);
        fclose(f);
    }
    place_free(&p);
}

static void refuses_another_applications_database(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    raw(p.path, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
    FAILS(store_open(p.path, &e), ERR_CONFLICT);
    raw(p.path, "SELECT 1 / (count(*) = 1) FROM theirs; PRAGMA application_id = 77;"
                " PRAGMA user_version = 1");
    FAILS(store_open(p.path, &e), ERR_CONFLICT);
    raw(p.path, "DROP TABLE theirs");
    FAILS(store_open(p.path, &e), ERR_CONFLICT); /* empty, but signed by another */
    place_free(&p);
}

static void refuses_a_newer_schema(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    store_close(place_open(&p));
    /* A newer schema, of steps that only added: nothing is done to it. */
    raw(p.path, "UPDATE meta SET value = value + 1000 WHERE name = 'schema_version'");
    struct store *s = place_open(&p);
    OK(store_schema_check(s, &e));
    CHECK(raw_int(&p, "SELECT value FROM meta WHERE name = 'schema_version'") > 1000);
    /* Another one, with a step among them that this program cannot live with; */
    raw(p.path, "UPDATE meta SET value = value + 1000 WHERE name = 'lives_with'");
    FAILS(store_schema_check(s, &e), ERR_CONFLICT);
    FAILS(store_open(p.path, &e), ERR_CONFLICT);
    store_close(s);
    /* and one that left no word. */
    raw(p.path, "DELETE FROM meta WHERE name = 'lives_with'");
    s = store_open(p.path, &e);
    CHECK(!s && e.kind == ERR_CONFLICT && strstr(e.text, "100"));
    e = (struct err){0};
    raw(p.path, "UPDATE meta SET value = value - 1000 WHERE name = 'schema_version'");
    s = store_open(p.path, &e);
    OK(s != NULL);
    store_close(s);
    if (!place_on_server) {
        raw(p.path, "PRAGMA user_version = 2");
        FAILS(store_open(p.path, &e), ERR_CONFLICT);
    }
    place_free(&p);
}

static void open_needs_no_other_file(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "one", "m", &e));
    store_close(s);
    /* The last one to close leaves one file: the whole backup. */
    char wal[220];
    snprintf(wal, sizeof wal, "%s-wal", p.path);
    CHECK(access(wal, F_OK) != 0);
    place_free(&p);
}

static void change_counter_sees_others(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *a = place_open(&p), *b = place_open(&p);
    int64_t first = store_change_counter(a, &e);
    CHECK(store_change_counter(a, &e) == first);
    OK(insert_job(b, "one", "m", &e));
    int64_t second = store_change_counter(a, &e);
    CHECK(second != first);
    CHECK(store_change_counter(a, &e) == second);
    OK(insert_job(b, "two", "m", &e));
    CHECK(store_change_counter(a, &e) != second);
    store_close(a);
    store_close(b);
    place_free(&p);
}

int main(void) {
    CHECK_RUN(open_creates_and_reopens);
    CHECK_RUN(open_relative_name);
    CHECK_RUN(refuses_what_is_no_database);
    CHECK_RUN(refuses_another_applications_database);
    STORE_RUN(refuses_a_newer_schema);
    CHECK_RUN(open_needs_no_other_file);
    STORE_RUN(change_counter_sees_others);
    return check_done();
}
