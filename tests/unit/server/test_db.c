/* What both drivers promise, and what SQLite does besides. */
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
    if (!place_on_server) /* The file's structure is out of reach of any statement. */
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
    CHECK(db_step(q, &e) == DB_ROW && db_int(q, 0) == 2);
    CHECK(db_step(q, &e) == DB_DONE);
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

/* A writer that is done in time is waited for, one that is not makes it ERR_CONTENDED. On
 * PostgreSQL it must be the same row. */
static void busy_is_told_apart(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_with_table(&p), *other = db_at(&p);
    OK(db_begin(db, &e) && row_insert(db, 9, &e));
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, write_from_a_thread, other) == 0);
    usleep(100 * 1000);
    db_rollback(db);
    pthread_join(thread, &result);
    CHECK(((struct err *)result)->kind == ERR_NONE && rows_n(db) == 1);
    free(result);

    OK(db_exec(other,
               place_on_server ? "SET lock_timeout = 50" : "PRAGMA busy_timeout = 50",
               &e));
    OK(db_begin(db, &e) && row_insert(db, 10, &e));
    FAILS(db_begin(other, &e) && row_insert(other, 10, &e), ERR_CONTENDED);
    db_rollback(other);
    db_rollback(db);
    OK(db_begin(other, &e) && row_insert(other, 10, &e));
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

/* The locks of rows are words of both; SQLite has locked everything anyway. */
static void locks_are_understood(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_with_table(&p);
    OK(row_insert(db, 1, &e) && row_insert(db, 2, &e) && db_begin(db, &e));
    static const char *const SQL[] = {
        "SELECT id FROM t WHERE id = 1 FOR UPDATE",
        ("SELECT id FROM t WHERE id = (SELECT id FROM t WHERE id = 1 LIMIT 1"
         " FOR UPDATE SKIP LOCKED) FOR UPDATE SKIP LOCKED"),
        "SELECT id FROM t WHERE id = 1 FOR KEY SHARE",
    };
    for (size_t i = 0; i < sizeof SQL / sizeof *SQL; i++) {
        struct db_statement *q = db_prepare(db, SQL[i], &e);
        OK(q && db_step(q, &e) == DB_ROW);
        CHECK(q && db_int(q, 0) == 1 && db_step(q, &e) == DB_DONE);
    }
    OK(db_commit(db, &e));
    db_close(db);
    place_free(&p);
}

/* Whatever the database's language: "B" comes before "a", and both before "\xc3\xa4". */
static void texts_are_compared_by_their_bytes(void) {
    static const char *const NAMES[] = {"b", "\xc3\xa4", "B", "a-", "a", "A", "aB"};
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_with_table(&p);
    for (int i = 0; i < 7; i++) {
        struct db_statement *q =
            db_prepare(db, "INSERT INTO t (id, name) VALUES ($1, $2)", &e);
        db_bind_int(q, 1, i);
        db_bind_text(q, 2, NAMES[i]);
        OK(db_run(q, NULL, &e));
    }
    char got[40] = "";
    struct db_statement *q = db_prepare(db, "SELECT name FROM t ORDER BY name", &e);
    while (db_step(q, &e) == DB_ROW) {
        strcat(got, db_text(q, 0));
        strcat(got, " ");
    }
    CHECK_TEXT(got, "A B a a- aB b \xc3\xa4 ");
    db_close(db);
    place_free(&p);
}

static void the_clock_goes(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct db *db = db_at(&p);
    int64_t first = 0, second = 0;
    OK(db_begin(db, &e) && db_now_ms(db, &first, &e));
    usleep(20 * 1000);
    OK(db_now_ms(db, &second, &e) && db_commit(db, &e));
    CHECK(first > INT64_C(1600000000000) && second >= first + 15);
    db_close(db);
    place_free(&p);
}

int main(void) {
    STORE_RUN(values_come_back);
    STORE_RUN(nothing_is_not_empty);
    STORE_RUN(prepare_forgets_values);
    STORE_RUN(kinds_of_errors);
    STORE_RUN(transactions);
    STORE_RUN(a_read_sees_one_state_until_its_end);
    STORE_RUN(busy_is_told_apart);
    STORE_RUN(locks_are_understood);
    STORE_RUN(texts_are_compared_by_their_bytes);
    STORE_RUN(the_clock_goes);
    CHECK_RUN(settings_are_on);
    return check_done();
}
