/* The driver of PostgreSQL by itself: connections that are lost, and what is kept of
 * them. */
#include <poll.h>
#include <pthread.h>

#include "server/db_link.h"
#include "tests/unit/postgres.h"
#include "tests/unit/server/test_store.h"

enum { BACK_MS = 20000 };

static struct db *db_at(const char *url) {
    struct err e = {0};
    struct db *db = db_open(url, &e);
    if (!OK(db != NULL))
        exit(1);
    return db;
}

static struct db *db_with_table(struct place *p) {
    struct err e = {0};
    place_on_server = true;
    place_new(p);
    struct db *db = db_at(p->path);
    OK(db_exec(db, "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT)", &e));
    return db;
}

static bool insert(struct db *db, int64_t id, struct err *e) {
    struct db_statement *q = db_prepare(db, "INSERT INTO t (id) VALUES ($1)", e);
    if (!q)
        return false;
    db_bind_int(q, 1, id);
    return db_run(q, NULL, e);
}

/* -1 with *e. */
static int64_t count(struct db *db, struct err *e) {
    struct db_statement *q = db_prepare(db, "SELECT count(*) FROM t", e);
    int64_t n = q && db_step(q, e) == DB_ROW ? db_int(q, 0) : -1;
    db_end(q);
    return n;
}

/* Ends the connections of the schema's users, and waits for it. */
static void cut(const struct place *p, struct db *db) {
    struct err e = {0};
    char sql[160];
    struct db_statement *q = db_prepare(db, "SELECT pg_backend_pid()", &e);
    int pid = OK(q && db_step(q, &e) == DB_ROW) ? (int)db_int(q, 0) : 0;
    db_end(q);
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 10000)", pid);
    CHECK(raw_int(p, sql) == 1);
}

static void a_cut_connection_comes_back(void) {
    struct place p;
    struct err e = {0};
    struct db *db = db_with_table(&p);
    OK(insert(db, 1, &e));
    cut(&p, db);
    CHECK_SAY(count(db, &e) == 1, "%s", e.text);
    cut(&p, db);
    OK(insert(db, 2, &e)); /* the end was seen before anything was sent */
    cut(&p, db);
    OK(db_begin(db, &e) && insert(db, 3, &e) && db_commit(db, &e));
    CHECK(count(db, &e) == 3);
    db_close(db);
    place_free(&p);
}

static void a_cut_transaction_does_not(void) {
    struct place p;
    struct err e = {0};
    struct db *db = db_with_table(&p);
    OK(db_begin(db, &e) && insert(db, 1, &e));
    cut(&p, db);
    FAILS(insert(db, 2, &e), ERR_UNAVAILABLE);
    FAILS(insert(db, 3, &e), ERR_UNAVAILABLE); /* not on another connection */
    FAILS(count(db, &e) >= 0, ERR_UNAVAILABLE);
    FAILS(db_commit(db, &e), ERR_UNAVAILABLE);
    CHECK(count(db, &e) == 0); /* over with the commit */
    OK(db_begin(db, &e) && insert(db, 4, &e));
    cut(&p, db);
    FAILS(db_commit(db, &e), ERR_UNAVAILABLE);
    OK(db_begin(db, &e) && insert(db, 5, &e));
    cut(&p, db);
    db_rollback(db);
    CHECK(count(db, &e) == 0);
    db_close(db);
    place_free(&p);
}

static void a_failure_spoils_its_transaction(void) {
    struct place p;
    struct err e = {0};
    struct db *db = db_with_table(&p);
    OK(insert(db, 1, &e));
    OK(db_begin(db, &e) && insert(db, 2, &e));
    FAILS(insert(db, 1, &e), ERR_CONFLICT);
    FAILS(db_commit(db, &e), ERR_STORAGE);
    CHECK(count(db, &e) == 1);
    db_close(db);
    place_free(&p);
}

struct locker {
    struct db *db;
    int64_t first, second;
    struct err e;
    bool ok;
    pthread_barrier_t *both;
};

static void *lock_two(void *arg) {
    struct locker *l = arg;
    const int64_t ids[2] = {l->first, l->second};
    l->ok = db_begin(l->db, &l->e);
    for (int i = 0; i < 2 && l->ok; i++) {
        struct db_statement *q =
            db_prepare(l->db, "UPDATE t SET name = 'x' WHERE id = $1", &l->e);
        db_bind_int(q, 1, ids[i]);
        l->ok = db_run(q, NULL, &l->e);
        if (!i)
            pthread_barrier_wait(l->both);
    }
    l->ok = l->ok && db_commit(l->db, &l->e);
    if (!l->ok)
        db_rollback(l->db);
    return NULL;
}

static void a_deadlock_is_busy(void) {
    struct place p;
    struct err e = {0};
    struct db *db = db_with_table(&p);
    pthread_barrier_t both;
    pthread_barrier_init(&both, NULL, 2);
    OK(insert(db, 1, &e) && insert(db, 2, &e));
    struct locker a = {.db = db, .first = 1, .second = 2, .both = &both};
    struct locker b = {.db = db_at(p.path), .first = 2, .second = 1, .both = &both};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, lock_two, &b) == 0);
    lock_two(&a);
    pthread_join(thread, NULL);
    CHECK(a.ok != b.ok);
    CHECK_SAY((a.ok ? b.e : a.e).kind == ERR_CONTENDED, "%s", (a.ok ? b.e : a.e).text);
    pthread_barrier_destroy(&both);
    db_close(b.db);
    db_close(db);
    place_free(&p);
}

/* ---- hints ---------------------------------------------------------------------- */

/* What is heard within some seconds. */
static unsigned hear(struct db *db) {
    for (int i = 0; i < 50; i++) {
        struct pollfd fd = {.fd = db_listen(db), .events = POLLIN};
        unsigned bits = db_heard(db);
        if (bits)
            return bits;
        poll(&fd, 1, 200);
    }
    return 0;
}

static void hints_come_with_the_commit(void) {
    struct place p;
    struct err e = {0};
    struct db *db = db_with_table(&p), *other = db_at(p.path);
    CHECK(db_listen(db) >= 0);
    CHECK(db_heard(db) == ~0U && db_heard(db) == 0); /* who knows what was before */
    OK(db_begin(other, &e) && db_notify(other, 2, &e));
    struct pollfd fd = {.fd = db_listen(db), .events = POLLIN};
    CHECK(poll(&fd, 1, 50) == 0);
    db_rollback(other);
    CHECK(poll(&fd, 1, 50) == 0 && db_heard(db) == 0);
    OK(db_begin(other, &e) && db_notify(other, 4, &e) && db_commit(other, &e));
    CHECK(hear(db) == 4);
    /* In the middle of something else, they are kept. */
    OK(db_begin(other, &e) && db_notify(other, 8, &e) && db_commit(other, &e));
    CHECK(count(db, &e) == 0 && count(db, &e) == 0);
    CHECK(hear(db) == 8);
    cut(&p, db);
    CHECK(hear(db) == ~0U);
    db_close(other);
    db_close(db);
    place_free(&p);
}

/* ---- texts ---------------------------------------------------------------------- */

static void texts_that_are_none_are_mended(void) {
    static const char *const TEXTS[][2] = {{"na\xc3\xafve", "na\xc3\xafve"},
                                           {"cut \xe2\x82", "cut ??"},
                                           {"\xff", "?"},
                                           {"", ""},
                                           {"\xc3\xa4\x80\xc3\xa4", "\xc3\xa4?\xc3\xa4"}};
    struct place p;
    struct err e = {0};
    struct db *db = db_with_table(&p);
    for (int i = 0; i < 5; i++) {
        struct db_statement *q =
            db_prepare(db, "INSERT INTO t (id, name) VALUES ($1, $2)", &e);
        db_bind_int(q, 1, i);
        db_bind_text(q, 2, TEXTS[i][0]);
        OK(db_run(q, NULL, &e));
    }
    struct db_statement *q = db_prepare(db, "SELECT name FROM t ORDER BY id", &e);
    for (int i = 0; i < 5 && CHECK(db_step(q, &e) == DB_ROW); i++)
        CHECK_TEXT(db_text(q, 0), TEXTS[i][1]);
    db_close(db);
    place_free(&p);
}

static void urls_keep_their_passwords(void) {
    static const struct {
        const char *url, *shown;
    } URLS[] = {
        {"postgresql://me:s3cret@db:5432/x?sslmode=require",
         "postgresql://me:***@db:5432/x"},
        {"postgres://me@db/x", "postgres://me@db/x"},
        {"postgresql://db/x?password=s3cret&user=me", "postgresql://db/x"},
        {"postgresql://me:s3cret@db", "postgresql://me:***@db"},
        {"postgresql://me:@db", "postgresql://me:***@db"},
        {"./a:b@c", "./a:b@c"},
        {"postgresql://me:s3@cret@db/x", "postgresql://me:***@db/x"},
        {"POSTGRESQL://me:s3cret@db/x", "POSTGRESQL://me:***@db/x"},
        {"postgresql://me:s3?cret@db/x?sslmode=require", "postgresql://me:***@db/x"},
        {"postgresql://me:s3/cret@db/x", "postgresql://me:***@db/x"},
        {"postgresql://db:5432/x@y", "postgresql://db:5432/x@y"},
        {"postgresql://db1:1,db2:2/x", "postgresql://db1:1,db2:2/x"},
        {"mysql://me:s3?cret@db/x", "mysql***"},
        {"jdbc:postgresql://me:s3cret@db/x", "jdbc***"},
        {"\"postgresql://me:s3cret@db/x\"", "\"postgresql***"},
        {"postgresql:me:s3cret@db", "postgresql***"},
        {"host=db password = 's3 cret' user=me", "host***"},
        {"./password=1.db", "./password=1.db"},
        {"/a/mysql://b", "/a/mysql://b"},
        {"a:b.db", "a:b.db"},
    };
    static const char *const WRONG[] = {"mysql://me:s3cret@db/x",
                                        "postgres:/me:s3cret@db/x",
                                        "POSTGRESQL://me:s3cret@db/x",
                                        "host=db password=s3cret user=me",
                                        "postgresql://me:x@s3cret@127.0.0.1/x",
                                        "postgresql://me:s3cret/word@db/x",
                                        "postgresql://me:s3cret@db:port/x",
                                        "postgresql://me:s3cret@[::1/x",
                                        "postgresql://me:s3cret@db/x?no_such_key=1",
                                        "postgresql://me:s3cret@db/%zz"};
    struct err e = {0};
    char text[256];
    for (size_t i = 0; i < sizeof URLS / sizeof *URLS; i++) {
        db_url_show(URLS[i].url, text, sizeof text);
        CHECK_TEXT(text, URLS[i].shown);
    }
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        CHECK(!db_open(WRONG[i], &e));
        CHECK_SAY(!strstr(e.text, "s3cret"), "%s", e.text);
        CHECK(e.kind == ERR_CONFLICT || e.kind == ERR_UNAVAILABLE);
        e = (struct err){0};
    }
    /* Nobody listens on a port that was free a moment ago. */
    FAILS(db_open("postgresql://me:s3cret@127.0.0.1:1/x", &e), ERR_UNAVAILABLE);
}

/* A database that has no place for some texts is not begun with. */
static void encodings_are_looked_at(void) {
    struct postgres server;
    struct err e = {0};
    char url[POSTGRES_URL_MAX + 8];
    if (!postgres_make(&server))
        return;
    raw_server(server.url, "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C'"
                           " LC_CTYPE 'C' TEMPLATE template0");
    raw_server(server.url, "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C'"
                           " LC_CTYPE 'C' TEMPLATE template0");
    char *name = strrchr(server.url, '/');
    snprintf(url, sizeof url, "%.*s/latin", (int)(name - server.url), server.url);
    CHECK(!db_open(url, &e) && e.kind == ERR_CONFLICT);
    CHECK_SAY(strstr(e.text, "encoding is LATIN1, expected UTF8"), "%s", e.text);
    snprintf(url, sizeof url, "%.*s/ascii", (int)(name - server.url), server.url);
    db_close(db_at(url));
    postgres_end(&server);
}

static void settings_are_on(void) {
    static const char *const WANTED[][2] = {
        {"SHOW statement_timeout", "10s"},
        {"SHOW lock_timeout", "5s"},
        {"SHOW idle_in_transaction_session_timeout", "10s"},
        {"SHOW synchronous_commit", "on"},
        {"SHOW client_encoding", "UTF8"},
        {NULL, NULL}};
    struct place p;
    struct err e = {0};
    struct db *db = db_with_table(&p);
    for (int i = 0; WANTED[i][1]; i++) {
        struct db_statement *q = db_prepare(db, WANTED[i][0], &e);
        CHECK(q && db_step(q, &e) == DB_ROW);
        CHECK_TEXT(db_text(q, 0), WANTED[i][1]);
        db_end(q);
    }
    db_close(db);
    place_free(&p);
}

/* ---- away ----------------------------------------------------------------------- */

static bool comes_back(struct db *db) {
    for (int waited = 0; waited < BACK_MS; waited += 10) {
        struct err e = {0};
        if (count(db, &e) >= 0)
            return true;
        if (!CHECK_SAY(e.kind == ERR_UNAVAILABLE, "kind %d: %s", e.kind, e.text))
            return false;
        usleep(10 * 1000);
    }
    return false;
}

/* A server that crashes, is away, and comes back; and one that is there and says nothing.
 */
static void away_and_back(void) {
    struct postgres server;
    struct err e = {0};
    if (!postgres_make(&server))
        return;
    struct db *db = db_at(server.url), *idle = db_at(server.url);
    OK(db_exec(db, "CREATE TABLE t (id BIGINT PRIMARY KEY)", &e));
    for (int64_t round = 1; round <= 2; round++) {
        CHECK(db_listen(idle) >= 0);
        CHECK(db_heard(idle) == ~0U);
        postgres_stop(&server, "immediate");
        FAILS(count(db, &e) >= 0, ERR_UNAVAILABLE);
        FAILS(insert(db, round, &e), ERR_UNAVAILABLE);
        FAILS(db_begin(db, &e), ERR_UNAVAILABLE);
        CHECK(db_heard(idle) == 0 && db_listen(idle) == -1);
        postgres_start(&server);
        CHECK(comes_back(db) && comes_back(idle));
        OK(insert(db, round, &e));
        CHECK(count(idle, &e) == round);
    }
    db_close(idle);
    db_close(db);
    postgres_end(&server);
}

static bool link_asks(struct db_link *l, struct err *e) {
    return db_link_need(l, e) && db_link_command(l, "SELECT 1", e);
}

static void a_server_that_hangs_costs_a_bounded_time(void) {
    struct postgres server;
    struct db_link l;
    struct err e = {0};
    if (!postgres_make(&server))
        return;
    OK(db_link_open(&l, server.url, &e) && link_asks(&l, &e));
    l.answer_ms = 300; /* and not the twelve seconds that a statement may take */
    postgres_freeze(&server, true);
    FAILS(link_asks(&l, &e), ERR_UNAVAILABLE); /* no answer to what was sent */
    for (int i = 0; i < 3; i++)
        FAILS(link_asks(&l, &e), ERR_UNAVAILABLE); /* a connection, and no word on it */
    postgres_freeze(&server, false);
    l.answer_ms = DB_LINK_ANSWER_MS;
    for (int waited = 0; waited < BACK_MS && !link_asks(&l, &e); waited += 10) {
        e = (struct err){0};
        usleep(10 * 1000);
    }
    OK(link_asks(&l, &e));
    db_link_close(&l);
    postgres_end(&server);
}

int main(void) {
    CHECK_RUN(a_cut_connection_comes_back);
    CHECK_RUN(a_cut_transaction_does_not);
    CHECK_RUN(a_failure_spoils_its_transaction);
    CHECK_RUN(a_deadlock_is_busy);
    CHECK_RUN(hints_come_with_the_commit);
    CHECK_RUN(texts_that_are_none_are_mended);
    CHECK_RUN(urls_keep_their_passwords);
    CHECK_RUN(encodings_are_looked_at);
    CHECK_RUN(settings_are_on);
    CHECK_RUN(away_and_back);
    CHECK_RUN(a_server_that_hangs_costs_a_bounded_time);
    return check_done();
}
