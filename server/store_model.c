/* Model versions. A name's numbers come from its counter, which outlives its versions. */
#include "server/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_internal.h"

bool store_version_publish(struct store *s, const struct store_publish *publish,
                           int64_t *version, struct err *e) {
    if (!store_blob_check(s, publish->blob, e) ||
        !store_counter_next(s, "model", publish->model, version, e))
        return false;
    struct db_statement *q = db_prepare(
        s->db,
        "INSERT INTO versions (model, version, blob, job_id, document, created_ms)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        e);
    if (!q)
        return false;
    db_bind_text(q, 1, publish->model);
    db_bind_int(q, 2, *version);
    db_bind_int(q, 3, publish->blob);
    db_bind_text(q, 4, publish->job_id);
    db_bind_text(q, 5, publish->document);
    db_bind_int(q, 6, publish->now_ms);
    return db_run(q, NULL, e);
}

static bool add_locked(struct store *s, const struct store_version_new *v,
                       int64_t *number, struct err *e) {
    const struct store_publish publish = {
        .model = v->model,
        .document = v->document,
        .job_id = v->job_id ? v->job_id : "",
        .blob = v->blob,
        .now_ms = v->now_ms,
    };
    return store_version_publish(s, &publish, number, e) &&
           db_notify(s->db, STORE_HINT_MODELS, e);
}

bool store_version_add(struct store *s, const struct store_version_new *version,
                       int64_t *number, struct err *e) {
    assert(strlen(version->model) < STORE_NAME_MAX);
    assert(!version->job_id || strlen(version->job_id) < STORE_ID_MAX);
    return db_begin(s->db, e) && store_commit_if(s, add_locked(s, version, number, e), e);
}

/* ---- reading -------------------------------------------------------------------- */

#define VERSION_SELECT                                                                   \
    "SELECT v.model, v.version, v.blob, b.sha256, b.bytes, v.job_id, v.document,"        \
    " v.created_ms FROM versions v JOIN blobs b ON b.id = v.blob"

static bool version_read(struct db_statement *q, struct store_version *v, struct err *e) {
    *v = (struct store_version){
        .version = db_int(q, 1),
        .blob = db_int(q, 2),
        .bytes = db_int(q, 4),
        .created_ms = db_int(q, 7),
    };
    store_text_copy(v->model, sizeof v->model, db_text(q, 0));
    store_text_copy(v->sha256, sizeof v->sha256, db_text(q, 3));
    store_text_copy(v->job_id, sizeof v->job_id, db_text(q, 5));
    v->document = store_text_dup(db_text(q, 6), e);
    return v->document;
}

void store_version_free(struct store_version *v) {
    free(v->document);
    v->document = NULL;
}

bool store_version_missing(const char *model, int64_t version, struct err *e) {
    if (version)
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no version %lld of a model %s",
                       (long long)version, model);
    return err_set(e, ERR_NOT_FOUND, NULL, "there is no model %s", model);
}

static struct db_statement *get_prepare(struct store *s, const char *model,
                                        int64_t version, struct err *e) {
    struct db_statement *q =
        version ? db_prepare(s->db,
                             VERSION_SELECT " WHERE v.model = $1 AND v.version = $2", e)
                : db_prepare(s->db,
                             VERSION_SELECT
                             " WHERE v.model = $1 ORDER BY v.version DESC LIMIT 1",
                             e);
    if (!q)
        return NULL;
    db_bind_text(q, 1, model);
    if (version)
        db_bind_int(q, 2, version);
    return q;
}

bool store_version_get(struct store *s, const char *model, int64_t version,
                       struct store_version *v, struct err *e) {
    struct db_statement *q = get_prepare(s, model, version, e);
    if (!q)
        return false;
    enum db_step step = db_step(q, e);
    bool ok = step == DB_ROW && version_read(q, v, e);
    db_end(q);
    return step == DB_DONE ? store_version_missing(model, version, e) : ok;
}

static bool after_parse(const char *after, int64_t *version, struct err *e) {
    char *end;
    errno = 0;
    *version = strtoll(after, &end, 10);
    return (*after >= '0' && *after <= '9' && !*end && !errno) ||
           err_set(e, ERR_NOT_FOUND, NULL, "there is no version \"%s\"", after);
}

static struct db_statement *list_prepare(struct store *s, const char *model,
                                         const char *after, size_t limit, struct err *e) {
    int64_t before = INT64_MAX;
    if (model && after && !after_parse(after, &before, e))
        return NULL;
    struct db_statement *q =
        model ? db_prepare(s->db,
                           VERSION_SELECT " WHERE v.model = $1 AND v.version < $3"
                                          " ORDER BY v.version DESC LIMIT $2",
                           e)
              : db_prepare(
                    s->db,
                    VERSION_SELECT
                    " WHERE v.model > $1 AND v.version ="
                    " (SELECT max(w.version) FROM versions w WHERE w.model = v.model)"
                    " ORDER BY v.model LIMIT $2",
                    e);
    if (!q)
        return NULL;
    db_bind_text(q, 1, model ? model : after ? after : "");
    db_bind_int(q, 2, store_limit_plus_one(limit));
    if (model)
        db_bind_int(q, 3, before);
    return q;
}

bool store_versions_list(struct store *s, const char *model, const char *after,
                         size_t limit, struct store_version **versions, size_t *n,
                         bool *more, struct err *e) {
    struct db_statement *q = list_prepare(s, model, after, limit, e);
    if (!q)
        return false;
    void *array = NULL;
    size_t count = 0, capacity = 0;
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok && count < limit) {
        ok = store_grow(&array, &capacity, count, sizeof **versions, e) &&
             version_read(q, (struct store_version *)array + count, e);
        count += ok;
    }
    db_end(q);
    *versions = array;
    *n = count;
    *more = step == DB_ROW;
    if (ok && step != DB_FAILED)
        return true;
    for (size_t i = 0; i < count; i++)
        store_version_free(&(*versions)[i]);
    free(array);
    return false;
}

/* Those from versions[0] to versions[n - 1]: a range with hardly more between them. */
static bool run_there(struct store *s, const char *model, const int64_t *versions,
                      size_t n, bool *there, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "SELECT version FROM versions WHERE model = $1 AND version >= $2"
                   " AND version <= $3 ORDER BY version",
                   e);
    if (!q)
        return false;
    db_bind_text(q, 1, model);
    db_bind_int(q, 2, versions[0]);
    db_bind_int(q, 3, versions[n - 1]);
    enum db_step step;
    for (size_t i = 0; (step = db_step(q, e)) == DB_ROW;) {
        while (i < n && versions[i] < db_int(q, 0))
            i++;
        if (i < n && versions[i] == db_int(q, 0))
            there[i] = true;
    }
    db_end(q);
    return step != DB_FAILED;
}

bool store_versions_there(struct store *s, const char *model, const int64_t *versions,
                          size_t n, bool *there, struct err *e) {
    enum { GAP_MAX = 16 }; /* between two of a range; more than that is another one */
    memset(there, 0, n * sizeof *there);
    for (size_t from = 0, to; from < n; from = to) {
        to = from + 1;
        while (to < n && versions[to] - versions[to - 1] <= GAP_MAX)
            to++;
        if (!run_there(s, model, versions + from, to - from, there + from, e))
            return false;
    }
    return true;
}

/* ---- deleting ------------------------------------------------------------------- */

/* Alone with the model's versions, so that no alias can be given to them meanwhile.
 * version 0: all of them. */
static bool versions_lock(struct store *s, const char *model, int64_t version,
                          struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "SELECT version FROM versions WHERE model = $1"
                   " AND (version = $2 OR $2 = 0) ORDER BY version FOR UPDATE",
                   e);
    if (!q || !store_counter_lock(s, "model", model, e))
        return false;
    db_bind_text(q, 1, model);
    db_bind_int(q, 2, version);
    return db_run(q, NULL, e);
}

/* An alias must not point into the void: the request that moves it away comes first. */
static bool aliases_none(struct store *s, const char *model, int64_t version,
                         struct err *e) {
    struct db_statement *q = db_prepare(
        s->db, "SELECT min(alias) FROM aliases WHERE model = $1 AND version = $2", e);
    if (!q)
        return false;
    db_bind_text(q, 1, model);
    db_bind_int(q, 2, version);
    enum db_step step = db_step(q, e);
    bool none = step == DB_ROW && db_is_null(q, 0);
    if (step == DB_ROW && !none)
        err_set(e, ERR_CONFLICT, NULL, "the alias %s points to version %lld of model %s",
                db_text(q, 0), (long long)version, model);
    db_end(q);
    return none;
}

static bool version_delete_locked(struct store *s, const char *model, int64_t version,
                                  struct err *e) {
    if (!versions_lock(s, model, version, e) || !aliases_none(s, model, version, e))
        return false;
    struct db_statement *q =
        db_prepare(s->db, "DELETE FROM versions WHERE model = $1 AND version = $2", e);
    if (!q)
        return false;
    db_bind_text(q, 1, model);
    db_bind_int(q, 2, version);
    int64_t changed;
    if (!db_run(q, &changed, e))
        return false;
    return changed > 0 ? db_notify(s->db, STORE_HINT_MODELS, e)
                       : store_version_missing(model, version, e);
}

bool store_version_delete(struct store *s, const char *model, int64_t version,
                          struct err *e) {
    return db_begin(s->db, e) &&
           store_commit_if(s, version_delete_locked(s, model, version, e), e);
}

static bool model_delete_locked(struct store *s, const char *model, struct err *e) {
    int64_t changed;
    if (!versions_lock(s, model, 0, e) ||
        !store_name_delete(s, "DELETE FROM aliases WHERE model = $1", model, &changed,
                           e) ||
        !store_name_delete(s, "DELETE FROM versions WHERE model = $1", model, &changed,
                           e))
        return false;
    return changed > 0 ? db_notify(s->db, STORE_HINT_MODELS, e)
                       : store_version_missing(model, 0, e);
}

bool store_model_delete(struct store *s, const char *model, struct err *e) {
    return db_begin(s->db, e) && store_commit_if(s, model_delete_locked(s, model, e), e);
}
