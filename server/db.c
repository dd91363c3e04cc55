/* Which driver, and what both have in common. */
#include "server/db.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/utf8.h"
#include "server/db_driver.h"

static bool is_server(const char *url) {
    return strncasecmp(url, "postgresql://", 13) == 0 ||
           strncasecmp(url, "postgres://", 11) == 0;
}

/* "mysql:/", "jdbc:postgresql:..." */
static bool has_scheme(const char *text) {
    const char *at = text;
    while (isalnum((unsigned char)*at) || (*at && strchr("+.-", *at)))
        at++;
    return isalpha((unsigned char)text[0]) && at[0] == ':' &&
           (at[1] == '/' || strncmp(text, "postgres", 8) == 0 || has_scheme(at + 1));
}

/* No file, but a database's address as somebody else spells it. A path that looks so may
 * begin with "./". */
static bool is_foreign(const char *url) {
    return !is_server(url) && url[0] != '/' && url[0] != '.' &&
           (has_scheme(url) || strstr(url, "://") || strstr(url, "password"));
}

/* The @ behind a URL's user; NULL: it has none. Of several the last: one of a password
 * should have been escaped. So should a slash, which ends the host; then what stands
 * before it is no port. */
static const char *user_end(const char *user) {
    const char *path = user + strcspn(user, "/"), *at;
    if ((at = memrchr(user, '@', (size_t)(path - user))))
        return at;
    const char *port = user + strcspn(user, ":/");
    if (*port == ':' && port + 1 + strspn(port + 1, "0123456789,") == path)
        return NULL;
    return memrchr(path, '@', strcspn(path, "?"));
}

const char *db_url_password(const char *url, size_t *n) {
    if (is_foreign(url)) { /* wherever it is */
        const char *from = url + strcspn(url, ":=");
        *n = strlen(from);
        return from;
    }
    if (!is_server(url))
        return NULL;
    const char *user = strstr(url, "://") + 3, *at = user_end(user);
    const char *colon = user + strcspn(user, ":@"), *key = strstr(user, "password=");
    if (at && *colon == ':' && colon < at) {
        *n = (size_t)(at - colon - 1);
        return colon + 1;
    }
    if (!key)
        return NULL;
    key += strlen("password=");
    *n = strcspn(key, "&");
    return key;
}

void db_url_show(const char *url, char *text, size_t size) {
    size_t n = 0;
    const char *password = db_url_password(url, &n), *end = url + strlen(url);
    const char *rest = password ? password + n : url;
    if (is_server(url)) {
        const char *user = strstr(url, "://") + 3, *at = user_end(user);
        end = (at ? at : user) + strcspn(at ? at : user, "?");
    }
    if (password && password < end)
        snprintf(text, size, "%.*s***%.*s", (int)(password - url), url, (int)(end - rest),
                 rest);
    else
        snprintf(text, size, "%.*s", (int)(end - url), url);
}

struct db *db_open(const char *url, struct err *e) {
    if (is_foreign(url)) {
        err_set(e, ERR_CONFLICT, NULL,
                "store: expected a path (./ before it, where it looks like a URL) or "
                "postgresql://USER[:PASSWORD]@HOST[:PORT]/DATABASE");
        return NULL;
    }
    return is_server(url) ? db_postgres_open(url, e) : db_sqlite_open(url, e);
}

void db_forget(struct db *db) {
    while (db->statements_n)
        db->driver->finalize(db->statements[--db->statements_n]);
}

void db_close(struct db *db) {
    if (!db)
        return;
    db_forget(db);
    db->driver->close(db);
}

bool db_exec(struct db *db, const char *sql, struct err *e) {
    return db->driver->exec(db, sql, e);
}

/* ---- transactions --------------------------------------------------------------- */

bool db_begin(struct db *db, struct err *e) {
    return db->driver->begin(db, e);
}

bool db_begin_alone(struct db *db, struct err *e) {
    return db->driver->begin_alone ? db->driver->begin_alone(db, e)
                                   : db->driver->begin(db, e);
}

bool db_begin_read(struct db *db, struct err *e) {
    return db->driver->begin_read(db, e);
}

bool db_commit(struct db *db, struct err *e) {
    if (db->driver->commit(db, e))
        return true;
    db_rollback(db);
    return false;
}

void db_give_way(struct db *db) {
    if (db->driver->give_way)
        db->driver->give_way(db);
}

void db_rollback(struct db *db) {
    /* Statements with rows left would keep the snapshot that is being given up. */
    for (size_t i = 0; i < db->statements_n; i++)
        db->driver->end(db->statements[i]);
    db->driver->rollback(db);
}

/* ---- statements ----------------------------------------------------------------- */

bool db_parameters_count(const char *sql, int *n, struct err *e) {
    bool seen[DB_PARAMETERS_MAX + 1] = {0};
    *n = 0;
    for (const char *at = sql; *at; at++) {
        if (*at != '$' && *at != '?')
            continue;
        long number =
            *at == '$' && isdigit((unsigned char)at[1]) ? strtol(at + 1, NULL, 10) : 0;
        if (number < 1 || number > DB_PARAMETERS_MAX)
            return err_set(e, ERR_INTERNAL, NULL, "store: parameter %.4s in: %s", at,
                           sql);
        seen[number] = true;
        if (number > *n)
            *n = (int)number;
    }
    for (int i = 1; i <= *n; i++)
        if (!seen[i])
            return err_set(e, ERR_INTERNAL, NULL, "store: no parameter $%d in: %s", i,
                           sql);
    return true;
}

struct db_statement *db_prepare(struct db *db, const char *sql, struct err *e) {
    /* Literals have one address each, so the address stands for the text. */
    for (size_t i = 0; i < db->statements_n; i++)
        if (db->statements[i]->sql == sql) {
            db->driver->reset(db->statements[i]);
            return db->statements[i];
        }
    if (db->statements_n == DB_STATEMENTS_MAX) {
        err_set(e, ERR_INTERNAL, NULL, "store: more than %d statements",
                DB_STATEMENTS_MAX);
        return NULL;
    }
    struct db_statement *s = db->driver->prepare(db, sql, e);
    if (!s)
        return NULL;
    s->db = db;
    s->sql = sql;
    db->statements[db->statements_n++] = s;
    return s;
}

void db_bind_int(struct db_statement *s, int index, int64_t value) {
    s->db->driver->bind_int(s, index, value);
}

void db_bind_double(struct db_statement *s, int index, double value) {
    s->db->driver->bind_double(s, index, value);
}

void db_bind_text(struct db_statement *s, int index, const char *text) {
    s->db->driver->bind_text(s, index, text);
}

void db_bind_bytes(struct db_statement *s, int index, const void *bytes, size_t n) {
    s->db->driver->bind_bytes(s, index, bytes, n);
}

void db_bind_null(struct db_statement *s, int index) {
    s->db->driver->bind_null(s, index);
}

void db_text_mend(char *text) {
    size_t n = strlen(text);
    for (size_t at = 0; (at += utf8_prefix(text + at, n - at)) < n;)
        text[at] = '?';
}

enum db_step db_step(struct db_statement *s, struct err *e) {
    return s->db->driver->step(s, e);
}

bool db_run(struct db_statement *s, int64_t *changed, struct err *e) {
    enum db_step step;
    do
        step = db_step(s, e);
    while (step == DB_ROW);
    if (step == DB_DONE && changed)
        *changed = s->db->driver->changed(s);
    return step == DB_DONE;
}

void db_end(struct db_statement *s) {
    if (s)
        s->db->driver->end(s);
}

/* ---- columns -------------------------------------------------------------------- */

bool db_is_null(struct db_statement *s, int column) {
    return s->db->driver->is_null(s, column);
}

int64_t db_int(struct db_statement *s, int column) {
    return s->db->driver->column_int(s, column);
}

double db_double(struct db_statement *s, int column) {
    return s->db->driver->column_double(s, column);
}

const char *db_text(struct db_statement *s, int column) {
    return s->db->driver->column_text(s, column);
}

const void *db_bytes(struct db_statement *s, int column, size_t *n) {
    return s->db->driver->column_bytes(s, column, n);
}

/* ---- clock and hints ------------------------------------------------------------ */

bool db_now_ms(struct db *db, int64_t *now_ms, struct err *e) {
    return db->driver->now_ms(db, now_ms, e);
}

int64_t db_change_counter(struct db *db, struct err *e) {
    return db->driver->change_counter(db, e);
}

bool db_is_shared(const struct db *db) {
    return db->driver->shared;
}

bool db_notify(struct db *db, unsigned bits, struct err *e) {
    return !db->driver->notify || db->driver->notify(db, bits, e);
}

int db_listen(struct db *db) {
    return db->driver->listen ? db->driver->listen(db) : -1;
}

unsigned db_heard(struct db *db) {
    return db->driver->heard ? db->driver->heard(db) : 0;
}
