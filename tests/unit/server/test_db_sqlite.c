#include "server/db.h"

#include <pthread.h>

#include "tests/unit/server/test_store.h"

static struct db *db_at(const struct place *p) {
    struct err e = {0};
    struct db *db = db_open(p->path, &e);
    if (!OK(db != NULL))
        exit(1);
    return db;
}

static struct db *db_with_table(const struct place *p) {
    struct err e = {0};
    struct db *db = db_at(p);
    OK(db_exec(db,
               "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT, x DOUBLE PRECISION,"
               " bytes BYTEA);"
               "CREATE TABLE child (id BIGINT REFERENCES t (id))",
               &e));
    return db;
}

static int64_t rows_n(struct db *db) {
    struct err e = {0};
    struct db_statement *q = db_prepare(db, "SELECT count(*) FROM t", &e);
    int64_t n = OK(q && db_step(q, &e) == DB_ROW) ? db_int(q, 0) : -1;
    db_end(q);
    return n;
}

static bool row_insert(struct db *db, int64_t id, struct err *e) {
    struct db_statement *q = db_prepare(db, "INSERT INTO t (id) VALUES ($1)", e);
    if (!q)
        return false;
    db_bind_int(q, 1, id);
    return db_run(q, NULL, e);
}

static void values_come_back(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_with_table(&p);
    /* The numbers stand for themselves, whatever their order in the text. */
    struct db_statement *q =
        db_prepare(db, "INSERT INTO t (bytes, x, name, id) VALUES ($4, $3, $2, $1)", &e);
    db_bind_int(q, 1, INT64_MIN);
    db_bind_text(q, 2, "na\xc3\xafve");
    db_bind_double(q, 3, 0.1);
    db_bind_bytes(q, 4, "a\0b", 3);
    int64_t changed = 0;
    OK(db_run(q, &changed, &e));
    CHECK(changed == 1);
    q = db_prepare(db, "SELECT id, name, x, bytes FROM t", &e);
    CHECK(db_step(q, &e) == DB_ROW);
    size_t n;
    CHECK(db_int(q, 0) == INT64_MIN);
    CHECK_TEXT(db_text(q, 1), "na\xc3\xafve");
    CHECK(db_double(q, 2) == 0.1);
    CHECK(memcmp(db_bytes(q, 3, &n), "a\0b", 3) == 0 && n == 3);
    CHECK(db_step(q, &e) == DB_DONE);
    db_close(db);
    place_free(&p);
}

static void nothing_is_not_empty(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_with_table(&p);
    struct db_statement *q =
        db_prepare(db, "INSERT INTO t (id, name, x, bytes) VALUES (1, $1, $2, $3)", &e);
    db_bind_text(q, 1, NULL);
    db_bind_null(q, 2);
    db_bind_bytes(q, 3, NULL, 0);
    OK(db_run(q, NULL, &e));
    q = db_prepare(db, "SELECT name, x, bytes FROM t", &e);
    CHECK(db_step(q, &e) == DB_ROW);
    size_t n = 9;
    CHECK(db_is_null(q, 0) && db_is_null(q, 1) && !db_is_null(q, 2));
    CHECK_TEXT(db_text(q, 0), "");
    db_bytes(q, 2, &n);
    CHECK(n == 0);
    db_end(q);
    db_end(NULL);
    db_close(db);
    place_free(&p);
}

static void prepare_forgets_values(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_with_table(&p);
    static const char SQL[] = "INSERT INTO t (id, name) VALUES ($1, $2)";
    struct db_statement *q = db_prepare(db, SQL, &e);
    db_bind_int(q, 1, 1);
    db_bind_text(q, 2, "old");
    OK(db_run(q, NULL, &e));
    CHECK(db_prepare(db, SQL, &e) == q); /* prepared once */
    db_bind_int(q, 1, 2);
    OK(db_run(q, NULL, &e));
    q = db_prepare(db, "SELECT name FROM t WHERE id = 2", &e);
    CHECK(db_step(q, &e) == DB_ROW && db_is_null(q, 0));
    db_close(db); /* with rows left */
    place_free(&p);
}

static void kinds_of_errors(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_with_table(&p);
    OK(row_insert(db, 1, &e));
    FAILS(row_insert(db, 1, &e), ERR_CONFLICT);
    OK(row_insert(db, 2, &e)); /* the statement is usable again */
    FAILS(db_exec(db, "INSERT INTO child VALUES (77)", &e), ERR_STORAGE);
    FAILS(db_exec(db, "no such word", &e), ERR_STORAGE);
    FAILS(db_prepare(db, "SELECT ?", &e), ERR_INTERNAL);
    FAILS(db_prepare(db, "SELECT $1, $3", &e), ERR_INTERNAL);
    /* The file's own structure is out of reach of any statement. */
    FAILS(db_exec(db, "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema", &e),
          ERR_STORAGE);
    CHECK(rows_n(db) == 2);
    db_close(db);
    place_free(&p);
}

static void transactions(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_with_table(&p), *other = db_at(&p);
    OK(db_begin(db, &e) && row_insert(db, 1, &e));
    CHECK(rows_n(other) == 0);
    db_rollback(db);
    db_rollback(db); /* never fails */
    CHECK(rows_n(db) == 0);
    OK(db_begin(db, &e) && row_insert(db, 2, &e) && db_commit(db, &e));
    CHECK(rows_n(other) == 1);
    FAILS(db_commit(db, &e), ERR_STORAGE); /* there is none */
    db_close(other);
    db_close(db);
    place_free(&p);
}

static void a_read_sees_one_state_until_its_end(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_with_table(&p), *other = db_at(&p);
    OK(row_insert(db, 1, &e) && row_insert(db, 2, &e));
    struct db_statement *q = db_prepare(db, "SELECT id FROM t ORDER BY id", &e);
    CHECK(db_step(q, &e) == DB_ROW);
    OK(row_insert(other, 3, &e)); /* readers do not keep writers out */
    CHECK(rows_n(db) == 2);
    db_end(q);
    CHECK(rows_n(db) == 3);
    db_close(other);
    db_close(db);
    place_free(&p);
}

static void *write_from_a_thread(void *arg) {
    struct err *e = calloc(1, sizeof *e);
    row_insert(arg, 9, e);
    return e;
}

/* Five seconds of patience: a writer that is done in time is waited for, one that is not
 * makes it ERR_BUSY. */
static void busy_is_told_apart(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_with_table(&p), *other = db_at(&p);
    OK(db_begin(db, &e));
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, write_from_a_thread, other) == 0);
    usleep(100 * 1000);
    db_rollback(db);
    pthread_join(thread, &result);
    CHECK(((struct err *)result)->kind == ERR_NONE && rows_n(db) == 1);
    free(result);

    OK(db_begin(db, &e));
    FAILS(db_begin(other, &e), ERR_BUSY);
    db_rollback(db);
    OK(db_begin(other, &e));
    db_rollback(other);
    db_close(other);
    db_close(db);
    place_free(&p);
}

static void settings_are_on(void) {
    static const struct {
        const char *sql;
        const char *want;
    } WANTED[] = {{"PRAGMA journal_mode", "wal"},
                  {"PRAGMA synchronous", "2"},
                  {"PRAGMA foreign_keys", "1"},
                  {"PRAGMA trusted_schema", "0"},
                  {"PRAGMA journal_size_limit", "67108864"},
                  {"PRAGMA application_id", "1685283684"}};
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_at(&p);
    for (size_t i = 0; i < sizeof WANTED / sizeof *WANTED; i++) {
        struct db_statement *q = db_prepare(db, WANTED[i].sql, &e);
        CHECK(q && db_step(q, &e) == DB_ROW);
        CHECK_TEXT(db_text(q, 0), WANTED[i].want);
        db_end(q);
    }
    db_close(db);
    place_free(&p);
}

int main(void) {
    CHECK_RUN(values_come_back);
    CHECK_RUN(nothing_is_not_empty);
    CHECK_RUN(prepare_forgets_values);
    CHECK_RUN(kinds_of_errors);
    CHECK_RUN(transactions);
    CHECK_RUN(a_read_sees_one_state_until_its_end);
    CHECK_RUN(busy_is_told_apart);
    CHECK_RUN(settings_are_on);
    return check_done();
}
