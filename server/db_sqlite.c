#include "server/db.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <sqlite3.h>

#include "server/clock.h"

enum {
    BUSY_TIMEOUT_MS = 5000,
    BUSY_PAUSE_MS = 10,
    BUSY_LOOK_US = 1000, /* between looks of a writer that waits for another */
    GIVE_WAY_US = 2500,  /* long enough for such a look, however late it comes */
    STATEMENTS_MAX = 128,
    PARAMETERS_MAX = 24,
    APPLICATION_ID = 0x64736364, /* "dscd": what file(1) and a foreign program see */
    FILE_FORMAT = 1              /* user_version: how this driver lays its file out */
};

struct db_statement {
    struct db *db;
    const char *sql;
    sqlite3_stmt *stmt;
    int bind_rc; /* the first bind that failed; reported by the step */
    /* SQLite numbers $1, $2, ... in the order in which they appear: here is the way back.
     */
    int index[PARAMETERS_MAX + 1];
};

struct db {
    sqlite3 *handle;
    int64_t busy_since_us; /* of the lock that is waited for */
    size_t statements_n;
    struct db_statement statements[STATEMENTS_MAX];
};

/* ---- errors --------------------------------------------------------------------- */

static enum err_kind kind_of(int rc) {
    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        return ERR_CONFLICT;
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_NOTADB: /* somebody else's file */
        return ERR_CONFLICT;
    default:
        return ERR_STORAGE;
    }
}

static bool fail(struct db *db, int rc, struct err *e) {
    /* errmsg speaks of the last call, which is this one unless a clean-up came between.
     */
    const char *text = sqlite3_extended_errcode(db->handle) == rc
                           ? sqlite3_errmsg(db->handle)
                           : sqlite3_errstr(rc);
    return err_set(e, kind_of(rc), NULL, "store: %s (sqlite %d)", text, rc);
}

/* ---- opening -------------------------------------------------------------------- */

static bool pragma_int(struct db *db, const char *sql, int64_t *value, struct err *e) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    bool ok = rc == SQLITE_ROW;
    if (ok)
        *value = sqlite3_column_int64(stmt, 0);
    else
        fail(db, rc, e);
    sqlite3_finalize(stmt);
    return ok;
}

/* Whose file is this? Reads alone. *fresh: nobody has written anything yet. */
static bool file_identify(struct db *db, bool *fresh, struct err *e) {
    int64_t application, format, objects;
    if (!pragma_int(db, "PRAGMA application_id", &application, e) ||
        !pragma_int(db, "PRAGMA user_version", &format, e) ||
        !pragma_int(db, "SELECT count(*) FROM sqlite_schema", &objects, e))
        return false;
    *fresh = application == 0 && format == 0 && objects == 0;
    if (*fresh)
        return true;
    if (application != APPLICATION_ID)
        return err_set(e, ERR_CONFLICT, NULL,
                       "store: the file is a database of another application "
                       "(application_id %lld, expected %d)",
                       (long long)application, APPLICATION_ID);
    if (format != FILE_FORMAT)
        return err_set(e, ERR_CONFLICT, NULL, "store: file format %lld, expected %d",
                       (long long)format, FILE_FORMAT);
    return true;
}

/* The same in a transaction of its own: three reads of one state, while another process
 * may be signing the file. */
static bool file_identify_alone(struct db *db, bool *fresh, struct err *e) {
    bool ok = db_exec(db, "BEGIN", e) && file_identify(db, fresh, e);
    db_rollback(db);
    return ok;
}

static bool wal_try(struct db *db, int *rc, struct err *e) {
    sqlite3_stmt *stmt = NULL;
    *rc = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    if (*rc == SQLITE_OK)
        *rc = sqlite3_step(stmt);
    bool ok = true;
    if (*rc == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);
        ok = mode && strcmp(mode, "wal") == 0;
        if (!ok)
            err_set(e, ERR_STORAGE, NULL,
                    "store: the file system does not carry a write-ahead log "
                    "(journal_mode %s)",
                    mode ? mode : "unknown");
    } else if ((*rc & 0xff) != SQLITE_BUSY) {
        ok = fail(db, *rc, e);
    }
    sqlite3_finalize(stmt);
    return ok;
}

static void pause_us(int64_t us) {
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

/* The switch needs the file for itself, and SQLite does not ask the busy handler for it
 * when several processes attempt it at once: so the waiting is done here. */
static bool wal_enable(struct db *db, struct err *e) {
    int rc = SQLITE_BUSY;
    for (int waited = 0; waited < BUSY_TIMEOUT_MS; waited += BUSY_PAUSE_MS) {
        if (!wal_try(db, &rc, e))
            return false;
        if (rc == SQLITE_ROW)
            return true;
        pause_us(BUSY_PAUSE_MS * 1000);
    }
    return fail(db, rc, e);
}

static bool file_stamp(struct db *db, struct err *e) {
    bool fresh;
    if (!db_begin(db, e))
        return false;
    char sql[96];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, FILE_FORMAT);
    /* Another process may have stamped it while this one waited for the lock. */
    if (file_identify(db, &fresh, e) && (!fresh || db_exec(db, sql, e)))
        return db_commit(db, e);
    db_rollback(db);
    return false;
}

/* SQLite's own handler looks ever more seldom, up to each tenth of a second: somebody who
 * writes one transaction after the other would keep the others out for seconds. */
static int busy(void *context, int looks_n) {
    struct db *db = context;
    int64_t now = clock_mono_us();
    if (!looks_n)
        db->busy_since_us = now;
    if (now - db->busy_since_us >= BUSY_TIMEOUT_MS * INT64_C(1000))
        return 0;
    pause_us(BUSY_LOOK_US);
    return 1;
}

static bool settings_apply(struct db *db, struct err *e) {
    sqlite3 *h = db->handle;
    int rc = sqlite3_busy_handler(h, busy, db);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    /* Until the file is known to be ours, closing must not write to it either. */
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return rc == SQLITE_OK || fail(db, rc, e);
}

static bool file_adopt(struct db *db, struct err *e) {
    bool fresh;
    if (!settings_apply(db, e) || !file_identify_alone(db, &fresh, e) ||
        !wal_enable(db, e) ||
        !db_exec(db,
                 "PRAGMA synchronous = FULL;"
                 "PRAGMA journal_size_limit = 67108864;"
                 "PRAGMA temp_store = MEMORY",
                 e))
        return false;
    if (fresh && !file_stamp(db, e))
        return false;
    int rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return rc == SQLITE_OK || fail(db, rc, e);
}

/* The file appears with its final mode and without a descriptor of ours: closing one
 * would drop the POSIX locks that other connections of this process hold on the file. */
static bool file_create(const char *path, struct err *e) {
    if (mknod(path, S_IFREG | S_IRUSR | S_IWUSR, 0) == 0)
        return true;
    if (errno != EEXIST)
        return err_set(e, ERR_STORAGE, NULL, "store: cannot create %s: %s", path,
                       strerror(errno));
    /* SQLite takes a file of one byte for an empty one, and would overwrite it. */
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size == 1)
        return err_set(e, ERR_CONFLICT, NULL, "store: %s is not a database", path);
    return true;
}

struct db *db_open(const char *path, struct err *e) {
    /* A relative name gets "./" in front, so that SQLite sees neither ":memory:" nor a
     * URI. */
    char name[PATH_MAX];
    int n = snprintf(name, sizeof name, "%s%s", *path == '/' ? "" : "./", path);
    if (n < 0 || (size_t)n >= sizeof name) {
        err_set(e, ERR_STORAGE, NULL, "store: a path of %d bytes is too long", n);
        return NULL;
    }
    if (!file_create(name, e))
        return NULL;
    struct db *db = calloc(1, sizeof *db);
    if (!db) {
        err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a connection");
        return NULL;
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(name, &db->handle, flags, NULL);
    if (rc == SQLITE_OK ? file_adopt(db, e) : fail(db, rc, e))
        return db;
    db_close(db);
    return NULL;
}

void db_close(struct db *db) {
    if (!db)
        return;
    for (size_t i = 0; i < db->statements_n; i++)
        sqlite3_finalize(db->statements[i].stmt);
    int rc = sqlite3_close(db->handle);
    assert(rc == SQLITE_OK);
    (void)rc;
    free(db);
}

/* ---- transactions --------------------------------------------------------------- */

bool db_exec(struct db *db, const char *sql, struct err *e) {
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK || fail(db, rc, e);
}

static bool sql_run(struct db *db, const char *sql, struct err *e) {
    struct db_statement *s = db_prepare(db, sql, e);
    return s && db_run(s, NULL, e);
}

bool db_begin(struct db *db, struct err *e) {
    return sql_run(db, "BEGIN IMMEDIATE", e);
}

bool db_commit(struct db *db, struct err *e) {
    if (sql_run(db, "COMMIT", e))
        return true;
    db_rollback(db);
    return false;
}

void db_give_way(struct db *db) {
    (void)db; /* its lock is free already */
    pause_us(GIVE_WAY_US);
}

void db_rollback(struct db *db) {
    /* Statements with rows left would keep the snapshot that is being given up. */
    for (size_t i = 0; i < db->statements_n; i++)
        sqlite3_reset(db->statements[i].stmt);
    /* A full disk or a failed write may have rolled it back already. */
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- statements ----------------------------------------------------------------- */

static bool parameters_map(struct db_statement *s, struct err *e) {
    int n = sqlite3_bind_parameter_count(s->stmt);
    for (int i = 1; i <= n; i++) {
        const char *name = sqlite3_bind_parameter_name(s->stmt, i);
        long number = name && *name == '$' ? strtol(name + 1, NULL, 10) : 0;
        /* A gap in the numbers is an error here as it is elsewhere. */
        if (number < 1 || number > n || number > PARAMETERS_MAX)
            return err_set(e, ERR_INTERNAL, NULL, "store: parameter %s in: %s",
                           name ? name : "?", s->sql);
        s->index[number] = i;
    }
    return true;
}

static struct db_statement *statement_new(struct db *db, const char *sql, struct err *e) {
    if (db->statements_n == STATEMENTS_MAX) {
        err_set(e, ERR_INTERNAL, NULL, "store: more than %d statements", STATEMENTS_MAX);
        return NULL;
    }
    struct db_statement *s = &db->statements[db->statements_n];
    *s = (struct db_statement){.db = db, .sql = sql};
    int rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt,
                                NULL);
    if (rc != SQLITE_OK) {
        fail(db, rc, e);
        return NULL;
    }
    if (!parameters_map(s, e)) {
        sqlite3_finalize(s->stmt);
        return NULL;
    }
    db->statements_n++;
    return s;
}

struct db_statement *db_prepare(struct db *db, const char *sql, struct err *e) {
    /* Literals have one address each, so the address stands for the text. */
    for (size_t i = 0; i < db->statements_n; i++) {
        struct db_statement *s = &db->statements[i];
        if (s->sql != sql)
            continue;
        sqlite3_reset(s->stmt);
        sqlite3_clear_bindings(s->stmt);
        s->bind_rc = SQLITE_OK;
        return s;
    }
    return statement_new(db, sql, e);
}

static int index_of(const struct db_statement *s, int index) {
    assert(index >= 1 && index <= PARAMETERS_MAX && s->index[index] > 0);
    return s->index[index];
}

static void bound(struct db_statement *s, int rc) {
    if (s->bind_rc == SQLITE_OK)
        s->bind_rc = rc;
}

void db_bind_int(struct db_statement *s, int index, int64_t value) {
    bound(s, sqlite3_bind_int64(s->stmt, index_of(s, index), value));
}

void db_bind_double(struct db_statement *s, int index, double value) {
    bound(s, sqlite3_bind_double(s->stmt, index_of(s, index), value));
}

void db_bind_text(struct db_statement *s, int index, const char *text) {
    bound(s, sqlite3_bind_text64(s->stmt, index_of(s, index), text,
                                 text ? strlen(text) : 0, SQLITE_STATIC, SQLITE_UTF8));
}

void db_bind_bytes(struct db_statement *s, int index, const void *bytes, size_t n) {
    /* A NULL pointer would be bound as null, and no bytes are not null. */
    bound(s, sqlite3_bind_blob64(s->stmt, index_of(s, index), n ? bytes : "", n,
                                 SQLITE_STATIC));
}

void db_bind_null(struct db_statement *s, int index) {
    bound(s, sqlite3_bind_null(s->stmt, index_of(s, index)));
}

enum db_step db_step(struct db_statement *s, struct err *e) {
    int rc = s->bind_rc == SQLITE_OK ? sqlite3_step(s->stmt) : s->bind_rc;
    if (rc == SQLITE_ROW)
        return DB_ROW;
    if (rc != SQLITE_DONE)
        fail(s->db, rc, e);
    sqlite3_reset(s->stmt); /* one that met a lock would stay active */
    return rc == SQLITE_DONE ? DB_DONE : DB_FAILED;
}

bool db_run(struct db_statement *s, int64_t *changed, struct err *e) {
    enum db_step step;
    do
        step = db_step(s, e);
    while (step == DB_ROW);
    if (step == DB_DONE && changed)
        *changed = sqlite3_changes64(s->db->handle);
    return step == DB_DONE;
}

void db_end(struct db_statement *s) {
    if (s)
        sqlite3_reset(s->stmt);
}

/* ---- columns -------------------------------------------------------------------- */

bool db_is_null(struct db_statement *s, int column) {
    return sqlite3_column_type(s->stmt, column) == SQLITE_NULL;
}

int64_t db_int(struct db_statement *s, int column) {
    return sqlite3_column_int64(s->stmt, column);
}

double db_double(struct db_statement *s, int column) {
    return sqlite3_column_double(s->stmt, column);
}

const char *db_text(struct db_statement *s, int column) {
    const char *text = (const char *)sqlite3_column_text(s->stmt, column);
    return text ? text : "";
}

const void *db_bytes(struct db_statement *s, int column, size_t *n) {
    const void *bytes = sqlite3_column_blob(s->stmt, column);
    *n = (size_t)sqlite3_column_bytes(s->stmt, column);
    return bytes;
}

int64_t db_now_ms(struct db *db) {
    (void)db; /* a library has no clock of its own */
    return clock_ms();
}

int64_t db_change_counter(struct db *db) {
    struct err e = {0};
    struct db_statement *s = db_prepare(db, "PRAGMA data_version", &e);
    int64_t counter = s && db_step(s, &e) == DB_ROW ? db_int(s, 0) : -1;
    db_end(s);
    return counter;
}
