/* What the store's tests share: a store of its own for each, on either database, and
 * short ways to fill it. Times that the caller says are small numbers; leases go by the
 * store's own clock.
 *
 * The server is the one of $DESCENTD_TEST_POSTGRES; without it the program starts anew
 * under tests/postgres.sh, which makes one. */
#ifndef TESTS_TEST_STORE_H
#define TESTS_TEST_STORE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "server/db.h"
#include "server/store.h"
#include "tests/unit/check.h"

/* The call succeeds, or the test says why not. `e` is the caller's struct err. */
#define OK(call) CHECK_SAY((call), "kind %d: %s", e.kind, e.text)
/* The call fails with that kind; e is clean again afterwards. */
#define FAILS(call, wanted)                                                              \
    do {                                                                                 \
        CHECK(!(call));                                                                  \
        CHECK_SAY(e.kind == (wanted), "kind %d: %s", e.kind, e.text);                    \
        e = (struct err){0};                                                             \
    } while (0)

/* Runs a test on SQLite, then on PostgreSQL. */
#define STORE_RUN(test)                                                                  \
    do {                                                                                 \
        place_on_server = false;                                                         \
        check_run(test, #test);                                                          \
        place_on_server = true;                                                          \
        check_run(test, #test " on PostgreSQL");                                         \
        place_on_server = false;                                                         \
    } while (0)

static bool place_on_server; /* where place_new makes its stores */

/* Before main: glibc hands its arguments on. */
__attribute__((constructor)) static inline void server_need(int argc, char **argv) {
    (void)argc;
    if (getenv("DESCENTD_TEST_POSTGRES"))
        return;
    execlp("sh", "sh", "tests/postgres.sh", "run", argv[0], (char *)NULL);
    printf("tests/postgres.sh cannot be run\n");
    _exit(1);
}

struct place {
    char dir[64]; /* "": a schema on the server */
    char path[200];
    char schema[32];
};

/* Past the store, by its driver or, for a file, SQLite itself: damage, other
 * applications, and what is really there. */
static inline void raw_server(const char *url, const char *sql) {
    struct err e = {0};
    struct db *db = db_open(url, &e);
    OK(db && db_exec(db, sql, &e));
    db_close(db);
}

static inline void place_new(struct place *p) {
    static int made;
    *p = (struct place){0};
    if (place_on_server) {
        const char *server = getenv("DESCENTD_TEST_POSTGRES");
        char sql[64];
        snprintf(p->schema, sizeof p->schema, "t%d_%d", (int)getpid(), made++);
        snprintf(sql, sizeof sql, "CREATE SCHEMA %s", p->schema);
        raw_server(server, sql);
        snprintf(p->path, sizeof p->path, "%s?options=-csearch_path%%3D%s", server,
                 p->schema);
        return;
    }
    snprintf(p->dir, sizeof p->dir, "/tmp/test_store.XXXXXX");
    if (!mkdtemp(p->dir))
        abort();
    snprintf(p->path, sizeof p->path, "%s/store", p->dir);
}

static inline void place_free(struct place *p) {
    static const char *const TAILS[] = {"", "-wal", "-shm", "-journal"};
    if (p->schema[0]) {
        char sql[64];
        snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", p->schema);
        raw_server(getenv("DESCENTD_TEST_POSTGRES"), sql);
        return;
    }
    for (size_t i = 0; i < sizeof TAILS / sizeof *TAILS; i++) {
        char path[220];
        snprintf(path, sizeof path, "%s%s", p->path, TAILS[i]);
        unlink(path);
    }
    CHECK(rmdir(p->dir) == 0); /* nothing else was left behind */
}

static inline struct store *place_open(const struct place *p) {
    struct err e = {0};
    struct store *s = store_open(p->path, &e);
    if (!OK(s != NULL))
        exit(1);
    return s;
}

static inline void raw(const char *path, const char *sql) {
    if (strstr(path, "://")) {
        raw_server(path, sql);
        return;
    }
    sqlite3 *db = NULL;
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    char *text = NULL;
    int rc = sqlite3_exec(db, sql, NULL, NULL, &text);
    CHECK_SAY(rc == SQLITE_OK, "%s", text ? text : "?");
    sqlite3_free(text);
    sqlite3_close(db);
}

/* The first column of the first row. */
static inline int64_t raw_int(const struct place *p, const char *sql) {
    struct err e = {0};
    struct db *db = db_open(p->path, &e);
    struct db_statement *q = db ? db_prepare(db, sql, &e) : NULL;
    enum db_step step = q ? db_step(q, &e) : DB_FAILED;
    int64_t value = step == DB_ROW ? db_int(q, 0) : -1;
    OK(step != DB_FAILED);
    db_close(db);
    return value;
}

static inline unsigned char *some_bytes(size_t n, unsigned seed) {
    unsigned char *bytes = malloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(seed >> 24);
    }
    return bytes;
}

static inline int64_t some_blob(struct store *s) {
    struct err e = {0};
    int64_t blob = 0;
    char sha256[STORE_SHA256_TEXT];
    OK(store_blob_put(s, "rows", 4, 1, &blob, sha256, &e));
    return blob;
}

/* Publishes a version that came from no job. @return its number. */
static inline int64_t add_version(struct store *s, const char *model) {
    struct err e = {0};
    const struct store_version_new new = {
        .model = model,
        .blob = some_blob(s),
        .document = "{\"imported\": true}",
        .now_ms = 77,
    };
    int64_t number = 0;
    OK(store_version_add(s, &new, &number, &e));
    return number;
}

enum {
    LEASE_MS = 600 * 1000, /* outlives the test */
    EXPIRED_MS = -1        /* has run out already */
};

static inline bool insert_new(struct store *s, const struct store_job_new *job,
                              struct err *e) {
    char id[STORE_ID_MAX];
    bool replayed;
    return store_job_insert(s, job, id, &replayed, e);
}

static inline bool insert_job(struct store *s, const char *id, const char *model,
                              struct err *e) {
    const struct store_job_new job = {
        .id = id,
        .model = model,
        .hyperparameters = "{\"epochs\": 9}",
        .data_blob = some_blob(s),
        .epochs = 9,
        .created_ms = 1000,
    };
    return insert_new(s, &job, e);
}

/* The jobs a, b and c, the oldest first. */
static inline void insert_three(struct store *s) {
    struct err e = {0};
    OK(insert_job(s, "a", "m", &e));
    OK(insert_job(s, "b", "m", &e));
    OK(insert_job(s, "c", "m", &e));
}

static inline struct store_job job_of(struct store *s, const char *id) {
    struct err e = {0};
    struct store_job job = {0};
    OK(store_job_get(s, id, &job, &e));
    return job;
}

static inline enum job_status status_of(struct store *s, const char *id) {
    struct store_job job = job_of(s, id);
    store_job_free(&job);
    return job.status;
}

/* The claim that must be there. */
static inline struct store_claim claim_by(struct store *s, const char *owner,
                                          int64_t lease_ms) {
    struct err e = {0};
    struct store_claim claim = {0};
    bool found = false;
    OK(store_claim(s, &(struct store_claiming){.owner = owner, .lease_ms = lease_ms},
                   &claim, &found, &e));
    CHECK(found);
    return claim;
}

static inline bool nothing_to_claim(struct store *s) {
    struct err e = {0};
    struct store_claim claim;
    bool found = true;
    return OK(store_claim(s, &(struct store_claiming){.owner = "w", .lease_ms = LEASE_MS},
                          &claim, &found, &e)) &&
           !found;
}

#endif
