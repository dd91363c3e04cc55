/* SQLite: the whole store in one file of this machine. */
#include "server/db_driver.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "server/clock.h"

enum {
    BUSY_TIMEOUT_MS = 5000,
    BUSY_PAUSE_MS = 10,
    BUSY_LOOK_US = 1000,         /* between looks of a writer that waits for another */
    GIVE_WAY_US = 2500,          /* long enough for such a look, however late it comes */
    APPLICATION_ID = 0x64736364, /* "dscd": what file(1) and a foreign program see */
    FILE_FORMAT = 1              /* user_version: how this driver lays its file out */
};

struct statement {
    struct db_statement base; /* first: a db_statement is a statement */
    sqlite3_stmt *stmt;
    int bind_rc; /* the first bind that failed; reported by the step */
    /* SQLite numbers $1, $2, ... in the order in which they appear: here is the way back.
     */
    int index[DB_PARAMETERS_MAX + 1];
};

struct sqlite {
    struct db base; /* first */
    sqlite3 *handle;
    sqlite3_stmt *rollback; /* made while there is memory; NULL: not yet */
    bool stuck;             /* the last one failed: the transaction is still open */
    int64_t busy_since_us;  /* of the lock that is waited for */
};

static struct sqlite *sqlite_of(struct db *db) {
    return (struct sqlite *)db;
}

static struct statement *statement_of(struct db_statement *s) {
    return (struct statement *)s;
}

/* ---- errors --------------------------------------------------------------------- */

static enum err_kind kind_of(int rc) {
    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        return ERR_CONFLICT;
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_CONTENDED;
    case SQLITE_NOTADB: /* somebody else's file */
        return ERR_CONFLICT;
    default:
        return ERR_STORAGE;
    }
}

static bool fail(struct sqlite *db, int rc, struct err *e) {
    /* errmsg speaks of the last call, which is this one unless a clean-up came between.
     */
    const char *text = sqlite3_extended_errcode(db->handle) == rc
                           ? sqlite3_errmsg(db->handle)
                           : sqlite3_errstr(rc);
    return err_set(e, kind_of(rc), NULL, "store: %s (sqlite %d)", text, rc);
}

/* ---- opening -------------------------------------------------------------------- */

static bool pragma_int(struct sqlite *db, const char *sql, int64_t *value,
                       struct err *e) {
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
static bool file_identify(struct sqlite *db, bool *fresh, struct err *e) {
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
static bool file_identify_alone(struct sqlite *db, bool *fresh, struct err *e) {
    bool ok = db_exec(&db->base, "BEGIN", e) && file_identify(db, fresh, e);
    db_rollback(&db->base);
    return ok;
}

static bool wal_try(struct sqlite *db, int *rc, struct err *e) {
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
static bool wal_enable(struct sqlite *db, struct err *e) {
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

static bool file_stamp(struct sqlite *db, struct err *e) {
    bool fresh;
    if (!db_begin(&db->base, e))
        return false;
    char sql[96];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, FILE_FORMAT);
    /* Another process may have stamped it while this one waited for the lock. */
    if (file_identify(db, &fresh, e) && (!fresh || db_exec(&db->base, sql, e)))
        return db_commit(&db->base, e);
    db_rollback(&db->base);
    return false;
}

/* SQLite's own handler looks ever more seldom, up to each tenth of a second: somebody who
 * writes one transaction after the other would keep the others out for seconds. */
static int busy(void *context, int looks_n) {
    struct sqlite *db = context;
    int64_t now = clock_mono_us();
    if (!looks_n)
        db->busy_since_us = now;
    if (now - db->busy_since_us >= BUSY_TIMEOUT_MS * INT64_C(1000))
        return 0;
    pause_us(BUSY_LOOK_US);
    return 1;
}

static bool settings_apply(struct sqlite *db, struct err *e) {
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

static bool file_adopt(struct sqlite *db, struct err *e) {
    bool fresh;
    if (!settings_apply(db, e) || !file_identify_alone(db, &fresh, e) ||
        !wal_enable(db, e) ||
        !db_exec(&db->base,
                 "PRAGMA synchronous = FULL;"
                 "PRAGMA journal_size_limit = 67108864;"
                 "PRAGMA temp_store = MEMORY",
                 e))
        return false;
    if (fresh && !file_stamp(db, e))
        return false;
    int rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v3(db->handle, "ROLLBACK", -1, SQLITE_PREPARE_PERSISTENT,
                                &db->rollback, NULL);
    return rc == SQLITE_OK || fail(db, rc, e);
}

/* Beside a file that is new SQLite would delete the log of the one that was there, with
 * what has been acknowledged and stands in the log alone. */
static bool log_is_ours(const char *path, struct err *e) {
    char log[PATH_MAX + 8];
    struct stat st;
    snprintf(log, sizeof log, "%s-wal", path);
    bool gone = stat(path, &st) == 0 ? st.st_size == 0 : errno == ENOENT;
    return !gone || stat(log, &st) != 0 || st.st_size == 0 ||
           err_set(e, ERR_STORAGE, NULL,
                   "store: %s is gone, but its log is there: put it back, or remove the "
                   "log %s too",
                   path, log);
}

/* The file appears with its final mode and without a descriptor of ours: closing one
 * would drop the POSIX locks that other connections of this process hold on the file. */
static bool file_create(const char *path, struct err *e) {
    if (!log_is_ours(path, e))
        return false;
    if (mknod(path, S_IFREG | S_IRUSR | S_IWUSR, 0) == 0)
        return true;
    if (errno != EEXIST)
        return err_set(e, ERR_STORAGE, NULL, "store: cannot create %s: %s", path,
                       strerror(errno));
    /* SQLite takes a file of one byte for an empty one, and would overwrite it. */
    struct stat st;
    if (stat(path, &st) != 0)
        return true; /* opening it says why */
    if (S_ISDIR(st.st_mode))
        return err_set(e, ERR_STORAGE, NULL, "store: %s is a directory", path);
    return st.st_size != 1 ||
           err_set(e, ERR_CONFLICT, NULL, "store: %s is not a database", path);
}

/* Which file it is that cannot be opened, and whose, where that is why. */
static void path_name(const char *path, struct err *e) {
    static const char store[] = "store: ";
    struct err plain = *e;
    struct stat st;
    char owner[80] = "";
    const char *what = plain.text;
    if (strncmp(what, store, sizeof store - 1) == 0)
        what += sizeof store - 1;
    if (access(path, R_OK | W_OK) != 0 && errno == EACCES && stat(path, &st) == 0)
        snprintf(owner, sizeof owner, "; the file is uid %u's, mode %03o, this is uid %u",
                 (unsigned)st.st_uid, (unsigned)st.st_mode & 0777u, (unsigned)geteuid());
    *e = (struct err){0};
    err_set(e, plain.kind, NULL, "%s%.120s: %s%s", store, path, what, owner);
}

static const struct db_driver driver;

struct db *db_sqlite_open(const char *path, struct err *e) {
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
    struct sqlite *db = calloc(1, sizeof *db);
    if (!db) {
        err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a connection");
        return NULL;
    }
    db->base.driver = &driver;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(name, &db->handle, flags, NULL);
    if (rc == SQLITE_OK ? file_adopt(db, e) : fail(db, rc, e))
        return &db->base;
    path_name(name, e);
    db_close(&db->base);
    return NULL;
}

static void close_file(struct db *db) {
    sqlite3_finalize(sqlite_of(db)->rollback);
    int rc = sqlite3_close(sqlite_of(db)->handle);
    assert(rc == SQLITE_OK);
    (void)rc;
    free(db);
}

/* ---- transactions --------------------------------------------------------------- */

static bool exec(struct db *db, const char *sql, struct err *e) {
    int rc = sqlite3_exec(sqlite_of(db)->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK || fail(sqlite_of(db), rc, e);
}

static bool sql_run(struct db *db, const char *sql, struct err *e) {
    struct db_statement *s = db_prepare(db, sql, e);
    return s && db_run(s, NULL, e);
}

static bool is_open(struct db *db) {
    return !sqlite3_get_autocommit(sqlite_of(db)->handle);
}

/* A full disk or a failed write may have rolled it back already. */
static void rollback(struct db *db) {
    sqlite3_stmt *made = sqlite_of(db)->rollback;
    if (!is_open(db))
        return;
    if (made) {
        sqlite3_step(made);
        sqlite3_reset(made);
    } else {
        sqlite3_exec(sqlite_of(db)->handle, "ROLLBACK", NULL, NULL, NULL);
    }
    sqlite_of(db)->stuck = is_open(db);
}

static bool begin_as(struct db *db, const char *sql, struct err *e) {
    if (sqlite_of(db)->stuck)
        rollback(db);
    return sql_run(db, sql, e);
}

/* A file that was removed or replaced takes what nobody will find again. One that goes
 * within a transaction is found out by the next. */
static bool is_there(struct db *db, struct err *e) {
    int moved = 0;
    int rc = sqlite3_file_control(sqlite_of(db)->handle, "main", SQLITE_FCNTL_HAS_MOVED,
                                  &moved);
    return rc != SQLITE_OK || !moved ||
           err_set(e, ERR_UNAVAILABLE, NULL,
                   "store: its file was removed, or another one stands in its place");
}

static bool begin(struct db *db, struct err *e) {
    return is_there(db, e) && begin_as(db, "BEGIN IMMEDIATE", e);
}

static bool begin_read(struct db *db, struct err *e) {
    return begin_as(db, "BEGIN", e);
}

static bool commit(struct db *db, struct err *e) {
    return sql_run(db, "COMMIT", e);
}

static void give_way(struct db *db) {
    (void)db; /* its lock is free already */
    pause_us(GIVE_WAY_US);
}

/* ---- statements ----------------------------------------------------------------- */

/* The locks that it has no word for, and no need of: a transaction is alone anyway. */
static void locks_drop(char *sql) {
    static const char *const CLAUSES[] = {" FOR UPDATE SKIP LOCKED", " FOR UPDATE",
                                          " FOR KEY SHARE"};
    for (size_t i = 0; i < sizeof CLAUSES / sizeof *CLAUSES; i++) {
        size_t n = strlen(CLAUSES[i]);
        for (char *at; (at = strstr(sql, CLAUSES[i]));)
            memmove(at, at + n, strlen(at + n) + 1);
    }
}

static bool statement_compile(struct sqlite *db, struct statement *s, const char *text,
                              struct err *e) {
    int n, rc;
    if (!db_parameters_count(text, &n, e))
        return false;
    char *sql = strdup(text);
    if (!sql)
        return err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a statement");
    locks_drop(sql);
    rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt,
                            NULL);
    free(sql);
    if (rc != SQLITE_OK)
        return fail(db, rc, e);
    for (int i = 1; i <= n; i++)
        s->index[atoi(sqlite3_bind_parameter_name(s->stmt, i) + 1)] = i;
    return true;
}

static struct db_statement *prepare(struct db *db, const char *sql, struct err *e) {
    struct statement *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a statement");
        return NULL;
    }
    if (statement_compile(sqlite_of(db), s, sql, e))
        return &s->base;
    sqlite3_finalize(s->stmt);
    free(s);
    return NULL;
}

static void reset(struct db_statement *q) {
    struct statement *s = statement_of(q);
    sqlite3_reset(s->stmt);
    sqlite3_clear_bindings(s->stmt);
    s->bind_rc = SQLITE_OK;
}

static void finalize(struct db_statement *q) {
    sqlite3_finalize(statement_of(q)->stmt);
    free(q);
}

static int index_of(const struct statement *s, int index) {
    assert(index >= 1 && index <= DB_PARAMETERS_MAX && s->index[index] > 0);
    return s->index[index];
}

static void bound(struct statement *s, int rc) {
    if (s->bind_rc == SQLITE_OK)
        s->bind_rc = rc;
}

static void bind_int(struct db_statement *q, int index, int64_t value) {
    struct statement *s = statement_of(q);
    bound(s, sqlite3_bind_int64(s->stmt, index_of(s, index), value));
}

static void bind_double(struct db_statement *q, int index, double value) {
    struct statement *s = statement_of(q);
    bound(s, sqlite3_bind_double(s->stmt, index_of(s, index), value));
}

static void bind_text(struct db_statement *q, int index, const char *text) {
    struct statement *s = statement_of(q);
    bound(s, sqlite3_bind_text64(s->stmt, index_of(s, index), text,
                                 text ? strlen(text) : 0, SQLITE_STATIC, SQLITE_UTF8));
}

static void bind_bytes(struct db_statement *q, int index, const void *bytes, size_t n) {
    struct statement *s = statement_of(q);
    /* A NULL pointer would be bound as null, and no bytes are not null. */
    bound(s, sqlite3_bind_blob64(s->stmt, index_of(s, index), n ? bytes : "", n,
                                 SQLITE_STATIC));
}

static void bind_null(struct db_statement *q, int index) {
    struct statement *s = statement_of(q);
    bound(s, sqlite3_bind_null(s->stmt, index_of(s, index)));
}

static enum db_step step(struct db_statement *q, struct err *e) {
    struct statement *s = statement_of(q);
    int rc = s->bind_rc == SQLITE_OK ? sqlite3_step(s->stmt) : s->bind_rc;
    if (rc == SQLITE_ROW)
        return DB_ROW;
    if (rc != SQLITE_DONE)
        fail(sqlite_of(q->db), rc, e);
    sqlite3_reset(s->stmt); /* one that met a lock would stay active */
    return rc == SQLITE_DONE ? DB_DONE : DB_FAILED;
}

static int64_t changed(struct db_statement *q) {
    return sqlite3_changes64(sqlite_of(q->db)->handle);
}

static void end(struct db_statement *q) {
    sqlite3_reset(statement_of(q)->stmt);
}

/* ---- columns -------------------------------------------------------------------- */

static bool is_null(struct db_statement *q, int column) {
    return sqlite3_column_type(statement_of(q)->stmt, column) == SQLITE_NULL;
}

static int64_t column_int(struct db_statement *q, int column) {
    return sqlite3_column_int64(statement_of(q)->stmt, column);
}

static double column_double(struct db_statement *q, int column) {
    return sqlite3_column_double(statement_of(q)->stmt, column);
}

static const char *column_text(struct db_statement *q, int column) {
    const char *text = (const char *)sqlite3_column_text(statement_of(q)->stmt, column);
    return text ? text : "";
}

static const void *column_bytes(struct db_statement *q, int column, size_t *n) {
    const void *bytes = sqlite3_column_blob(statement_of(q)->stmt, column);
    *n = (size_t)sqlite3_column_bytes(statement_of(q)->stmt, column);
    return bytes;
}

/* ---- clock and changes ---------------------------------------------------------- */

static bool now_ms(struct db *db, int64_t *now, struct err *e) {
    (void)db; /* a library has no clock of its own */
    (void)e;
    *now = clock_ms();
    return true;
}

static int64_t change_counter(struct db *db, struct err *e) {
    struct db_statement *s =
        is_there(db, e) ? db_prepare(db, "PRAGMA data_version", e) : NULL;
    int64_t counter = s && db_step(s, e) == DB_ROW ? db_int(s, 0) : -1;
    db_end(s);
    return counter;
}

static const struct db_driver driver = {
    .close = close_file,
    .exec = exec,
    .begin = begin,
    .begin_read = begin_read,
    .commit = commit,
    .rollback = rollback,
    .give_way = give_way,
    .prepare = prepare,
    .reset = reset,
    .finalize = finalize,
    .bind_int = bind_int,
    .bind_double = bind_double,
    .bind_text = bind_text,
    .bind_bytes = bind_bytes,
    .bind_null = bind_null,
    .step = step,
    .changed = changed,
    .end = end,
    .is_null = is_null,
    .column_int = column_int,
    .column_double = column_double,
    .column_text = column_text,
    .column_bytes = column_bytes,
    .now_ms = now_ms,
    .change_counter = change_counter,
};
