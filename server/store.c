#include "server/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "server/clock.h"
#include "server/schema.h"
#include "server/store_internal.h"

struct store *store_open(const char *url, struct err *e) {
    struct store *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_NO_MEMORY, NULL, "store: no memory to open it");
        return NULL;
    }
    s->db = db_open(url, e);
    bool ok = s->db && schema_migrate(s->db, e);
    if (ok && !store_is_shared(s) && !(s->file = strdup(url)))
        ok = err_set(e, ERR_NO_MEMORY, NULL, "store: no memory to open it");
    if (ok)
        return s;
    store_close(s);
    return NULL;
}

bool store_schema_check(struct store *s, struct err *e) {
    return schema_check(s->db, e);
}

void store_close(struct store *s) {
    if (!s)
        return;
    db_close(s->db);
    free(s->file);
    free(s);
}

void store_url_show(const char *url, char text[STORE_SHOWN_MAX]) {
    db_url_show(url, text, STORE_SHOWN_MAX);
}

const char *store_url_password(const char *url, size_t *n) {
    return db_url_password(url, n);
}

int64_t store_change_counter(struct store *s, struct err *e) {
    return db_change_counter(s->db, e);
}

int64_t store_now_ms(struct store *s) {
    struct err ignored = {0};
    int64_t now_ms;
    return db_now_ms(s->db, &now_ms, &ignored) ? now_ms : clock_ms();
}

bool store_is_shared(const struct store *s) {
    return db_is_shared(s->db);
}

int store_listen(struct store *s) {
    return db_listen(s->db);
}

unsigned store_heard(struct store *s) {
    return db_heard(s->db);
}

bool store_commit_if(struct store *s, bool ok, struct err *e) {
    if (ok)
        return db_commit(s->db, e);
    db_rollback(s->db);
    return false;
}

bool store_counter_next(struct store *s, const char *kind, const char *name,
                        int64_t *value, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "INSERT INTO counters (kind, name, value) VALUES ($1, $2, 1)"
                   " ON CONFLICT (kind, name) DO UPDATE SET value = counters.value + 1"
                   " RETURNING value",
                   e);
    if (!q)
        return false;
    db_bind_text(q, 1, kind);
    db_bind_text(q, 2, name);
    bool ok = db_step(q, e) == DB_ROW;
    if (ok)
        *value = db_int(q, 0);
    db_end(q);
    return ok;
}

bool store_counter_lock(struct store *s, const char *kind, const char *name,
                        struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "INSERT INTO counters (kind, name, value) VALUES ($1, $2, 0)"
                   " ON CONFLICT (kind, name) DO UPDATE SET value = counters.value",
                   e);
    if (!q)
        return false;
    db_bind_text(q, 1, kind);
    db_bind_text(q, 2, name);
    return db_run(q, NULL, e);
}

bool store_name_delete(struct store *s, const char *sql, const char *name,
                       int64_t *changed, struct err *e) {
    struct db_statement *q = db_prepare(s->db, sql, e);
    if (!q)
        return false;
    db_bind_text(q, 1, name);
    return db_run(q, changed, e);
}

bool store_grow(void **array, size_t *capacity, size_t n, size_t size, struct err *e) {
    if (n < *capacity)
        return true;
    size_t more, bytes;
    void *grown = NULL;
    if (size_mul(n + 8, 2, &more) && size_mul(more, size, &bytes))
        grown = realloc(*array, bytes);
    if (!grown)
        return err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for %zu rows", n + 1);
    *array = grown;
    *capacity = more;
    return true;
}

void store_text_copy(char *into, size_t size, const char *text) {
    snprintf(into, size, "%s", text);
}

char *store_text_dup(const char *text, struct err *e) {
    char *copy = strdup(text);
    if (!copy)
        err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a text of %zu bytes",
                strlen(text));
    return copy;
}

int64_t store_limit_plus_one(size_t limit) {
    return limit < (size_t)INT64_MAX ? (int64_t)limit + 1 : INT64_MAX;
}
