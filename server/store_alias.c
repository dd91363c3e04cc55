/* Aliases of model versions. An alias takes its change from a counter, which outlives it:
 * one that was deleted and made anew is not mistaken for the one that stood there before.
 */
#include "server/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_internal.h"

#define ALIAS_SELECT "SELECT model, alias, version, change, changed_ms FROM aliases"

static void alias_read(struct db_statement *q, struct store_alias *a) {
    *a = (struct store_alias){
        .version = db_int(q, 2),
        .change = db_int(q, 3),
        .changed_ms = db_int(q, 4),
    };
    store_text_copy(a->model, sizeof a->model, db_text(q, 0));
    store_text_copy(a->alias, sizeof a->alias, db_text(q, 1));
}

static bool alias_missing(const char *model, const char *alias, struct err *e) {
    return err_set(e, ERR_NOT_FOUND, NULL, "there is no alias %s of a model %s", alias,
                   model);
}

static bool alias_find(struct store *s, const char *model, const char *alias,
                       struct store_alias *result, bool *found, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, ALIAS_SELECT " WHERE model = $1 AND alias = $2", e);
    if (!q)
        return false;
    db_bind_text(q, 1, model);
    db_bind_text(q, 2, alias);
    enum db_step step = db_step(q, e);
    *found = step == DB_ROW;
    if (*found)
        alias_read(q, result);
    db_end(q);
    return step != DB_FAILED;
}

bool store_alias_get(struct store *s, const char *model, const char *alias,
                     struct store_alias *result, struct err *e) {
    bool found;
    if (!alias_find(s, model, alias, result, &found, e))
        return false;
    return found || alias_missing(model, alias, e);
}

bool store_aliases(struct store *s, const char *model, struct store_alias **aliases,
                   size_t *n, struct err *e) {
    struct db_statement *q =
        model ? db_prepare(s->db, ALIAS_SELECT " WHERE model = $1 ORDER BY alias", e)
              : db_prepare(s->db, ALIAS_SELECT " ORDER BY model, alias", e);
    if (!q)
        return false;
    if (model)
        db_bind_text(q, 1, model);
    void *array = NULL;
    size_t count = 0, capacity = 0;
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok) {
        ok = store_grow(&array, &capacity, count, sizeof **aliases, e);
        if (ok)
            alias_read(q, (struct store_alias *)array + count++);
    }
    db_end(q);
    if (!ok || step == DB_FAILED) {
        free(array);
        return false;
    }
    *aliases = array;
    *n = count;
    return true;
}

/* ---- moving -------------------------------------------------------------------------
 */

static bool version_exists(struct store *s, const char *model, int64_t version,
                           struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "SELECT 1 FROM versions WHERE model = $1 AND version = $2"
                   " FOR KEY SHARE",
                   e);
    if (!q)
        return false;
    db_bind_text(q, 1, model);
    db_bind_int(q, 2, version);
    enum db_step step = db_step(q, e);
    db_end(q);
    return step == DB_DONE ? store_version_missing(model, version, e) : step == DB_ROW;
}

/* expected is 0, > 0 or -1, as store_alias_set has it. */
static bool change_check(struct store *s, const struct store_alias *to, int64_t expected,
                         struct err *e) {
    struct store_alias now;
    bool found;
    if (!alias_find(s, to->model, to->alias, &now, &found, e))
        return false;
    if (expected < 0 || expected == (found ? now.change : 0))
        return true;
    if (!found)
        return err_set(e, ERR_CONFLICT, NULL,
                       "there is no alias %s of model %s, expected its change %lld",
                       to->alias, to->model, (long long)expected);
    if (expected == 0)
        return err_set(e, ERR_CONFLICT, NULL, "the alias %s of model %s exists",
                       to->alias, to->model);
    return err_set(e, ERR_CONFLICT, NULL,
                   "the alias %s of model %s stands at change %lld, expected %lld",
                   to->alias, to->model, (long long)now.change, (long long)expected);
}

static bool alias_write(struct store *s, const struct store_alias *to, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "INSERT INTO aliases (model, alias, version, change, changed_ms)"
                   " VALUES ($1, $2, $3, $4, $5)"
                   " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version,"
                   " change = excluded.change, changed_ms = excluded.changed_ms",
                   e);
    if (!q)
        return false;
    db_bind_text(q, 1, to->model);
    db_bind_text(q, 2, to->alias);
    db_bind_int(q, 3, to->version);
    db_bind_int(q, 4, to->change);
    db_bind_int(q, 5, to->changed_ms);
    return db_run(q, NULL, e);
}

static bool set_locked(struct store *s, struct store_alias *to, int64_t expected,
                       struct err *e) {
    char name[2 * STORE_NAME_MAX]; /* no name has an @ in it */
    snprintf(name, sizeof name, "%s@%s", to->model, to->alias);
    /* The counter first: whoever has it is alone with the alias, where there is no lock
     * on the whole store. A refusal rolls it back. */
    return store_counter_next(s, "alias", name, &to->change, e) &&
           version_exists(s, to->model, to->version, e) &&
           change_check(s, to, expected, e) && alias_write(s, to, e) &&
           db_notify(s->db, STORE_HINT_MODELS, e);
}

bool store_alias_set(struct store *s, const char *model, const char *alias,
                     int64_t version, int64_t expected_change, int64_t now_ms,
                     struct store_alias *result, struct err *e) {
    assert(strlen(model) < STORE_NAME_MAX && strlen(alias) < STORE_NAME_MAX);
    struct store_alias to = {.version = version, .changed_ms = now_ms};
    store_text_copy(to.model, sizeof to.model, model);
    store_text_copy(to.alias, sizeof to.alias, alias);
    if (!db_begin(s->db, e) ||
        !store_commit_if(s, set_locked(s, &to, expected_change, e), e))
        return false;
    *result = to;
    return true;
}

static bool delete_locked(struct store *s, const char *model, const char *alias,
                          struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, "DELETE FROM aliases WHERE model = $1 AND alias = $2", e);
    if (!q)
        return false;
    db_bind_text(q, 1, model);
    db_bind_text(q, 2, alias);
    int64_t changed;
    if (!db_run(q, &changed, e))
        return false;
    return changed > 0 ? db_notify(s->db, STORE_HINT_MODELS, e)
                       : alias_missing(model, alias, e);
}

bool store_alias_delete(struct store *s, const char *model, const char *alias,
                        struct err *e) {
    return db_begin(s->db, e) && store_commit_if(s, delete_locked(s, model, alias, e), e);
}
