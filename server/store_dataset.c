/* Datasets: revisions of a name, each with its parts. A revision is written once, in one
 * transaction, and never touched again. A name's numbers come from its counter, which
 * outlives its revisions. */
#include "server/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_internal.h"

static const char *const PART_NAMES[DATASET_PARTS_N] = {"table", "features", "targets"};

/* What a revision keeps of the one before it, by the part that is new: a table goes alone
 * and keeps nothing. */
static const enum dataset_part KEPT[DATASET_PARTS_N] = {
    [DATASET_TABLE] = DATASET_PARTS_N,
    [DATASET_FEATURES] = DATASET_TARGETS,
    [DATASET_TARGETS] = DATASET_FEATURES,
};

/* ---- writing ------------------------------------------------------------------------
 */

/* *revision is 0 when there is none. */
static bool latest_find(struct store *s, const char *name, int64_t *revision,
                        struct err *e) {
    struct db_statement *q = db_prepare(
        s->db, "SELECT COALESCE(max(revision), 0) FROM datasets WHERE name = $1", e);
    if (!q)
        return false;
    db_bind_text(q, 1, name);
    bool ok = db_step(q, e) == DB_ROW;
    *revision = ok ? db_int(q, 0) : 0;
    db_end(q);
    return ok;
}

static bool revision_insert(struct store *s, const struct store_part_new *part,
                            int64_t revision, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db, "INSERT INTO datasets (name, revision, created_ms) VALUES ($1, $2, $3)",
        e);
    if (!q)
        return false;
    db_bind_text(q, 1, part->name);
    db_bind_int(q, 2, revision);
    db_bind_int(q, 3, part->now_ms);
    return db_run(q, NULL, e);
}

#define PART_INSERT                                                                      \
    "INSERT INTO dataset_parts (name, revision, part, blob, bytes, sha256, document)"

static bool part_insert(struct store *s, const struct store_part_new *part,
                        int64_t revision, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, PART_INSERT " VALUES ($1, $2, $3, $4, $5, $6, $7)", e);
    if (!q)
        return false;
    db_bind_text(q, 1, part->name);
    db_bind_int(q, 2, revision);
    db_bind_text(q, 3, PART_NAMES[part->part]);
    db_bind_int(q, 4, part->blob);
    db_bind_int(q, 5, part->bytes);
    db_bind_text(q, 6, part->sha256);
    db_bind_text(q, 7, part->document);
    return db_run(q, NULL, e);
}

struct keep {
    const char *name;
    enum dataset_part part;
    int64_t from, into; /* revisions */
};

/* Copies the part into the new revision, if the old one has it. */
static bool part_keep(struct store *s, const struct keep *keep, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        PART_INSERT " SELECT name, CAST($4 AS BIGINT), part, blob, bytes, sha256,"
                    " document FROM dataset_parts"
                    " WHERE name = $1 AND revision = $2 AND part = $3",
        e);
    if (!q)
        return false;
    db_bind_text(q, 1, keep->name);
    db_bind_int(q, 2, keep->from);
    db_bind_text(q, 3, PART_NAMES[keep->part]);
    db_bind_int(q, 4, keep->into);
    return db_run(q, NULL, e);
}

static bool put_locked(struct store *s, const struct store_part_new *part,
                       int64_t *revision, int64_t *before, struct err *e) {
    /* The counter first: whoever has it is alone with the name, where there is no lock on
     * the whole store. */
    if (!store_counter_next(s, "dataset", part->name, revision, e) ||
        !store_blob_check(s, part->blob, e) || !latest_find(s, part->name, before, e))
        return false;
    if (part->expects && *before != part->expected)
        return err_set(e, ERR_CONFLICT, NULL, "dataset %s has changed meanwhile",
                       part->name);
    if (!revision_insert(s, part, *revision, e) || !part_insert(s, part, *revision, e))
        return false;
    const struct keep keep = {part->name, KEPT[part->part], *before, *revision};
    return !*before || part->alone || keep.part == DATASET_PARTS_N ||
           part_keep(s, &keep, e);
}

bool store_dataset_put(struct store *s, const struct store_part_new *part,
                       int64_t *revision, bool *created, struct err *e) {
    assert(strlen(part->name) < STORE_NAME_MAX && part->part < DATASET_PARTS_N);
    assert(strlen(part->sha256) < STORE_SHA256_TEXT);
    int64_t before = 0;
    if (!db_begin(s->db, e) ||
        !store_commit_if(s, put_locked(s, part, revision, &before, e), e))
        return false;
    *created = !before;
    return true;
}

/* ---- reading ------------------------------------------------------------------------
 */

/* A row a part, the rows of one dataset together. */
#define DATASET_FACTS                                                                    \
    "SELECT d.name, d.revision, d.created_ms, p.part, p.blob, p.bytes, p.sha256,"
#define DATASET_COLUMNS DATASET_FACTS " p.document FROM "
#define DATASET_PARTS                                                                    \
    " AS d JOIN dataset_parts p ON p.name = d.name AND p.revision = d.revision"

static bool part_read(struct db_statement *q, struct store_dataset *d, struct err *e) {
    const char *name = db_text(q, 3);
    size_t i = 0;
    while (i < DATASET_PARTS_N && strcmp(name, PART_NAMES[i]) != 0)
        i++;
    if (i == DATASET_PARTS_N)
        return err_set(e, ERR_STORAGE, NULL, "store: dataset %s has a part \"%s\"",
                       d->name, name);
    struct store_part *part = &d->parts[i];
    part->blob = db_int(q, 4);
    part->bytes = db_int(q, 5);
    store_text_copy(part->sha256, sizeof part->sha256, db_text(q, 6));
    part->document = store_text_dup(db_text(q, 7), e);
    return part->document;
}

void store_dataset_free(struct store_dataset *d) {
    for (size_t i = 0; i < DATASET_PARTS_N; i++) {
        free(d->parts[i].document);
        d->parts[i].document = NULL;
    }
}

struct rows {
    struct store_dataset *items;
    size_t n, capacity;
};

static void rows_free(struct rows *r) {
    for (size_t i = 0; i < r->n; i++)
        store_dataset_free(&r->items[i]);
    free(r->items);
}

static bool rows_add(struct rows *r, struct db_statement *q, struct err *e) {
    const char *name = db_text(q, 0);
    if (!r->n || strcmp(r->items[r->n - 1].name, name) != 0) {
        void *array = r->items;
        if (!store_grow(&array, &r->capacity, r->n, sizeof *r->items, e))
            return false;
        r->items = array;
        struct store_dataset *d = &r->items[r->n++];
        *d = (struct store_dataset){.revision = db_int(q, 1), .created_ms = db_int(q, 2)};
        store_text_copy(d->name, sizeof d->name, name);
    }
    return part_read(q, &r->items[r->n - 1], e);
}

/* Steps through q and ends it. On false there is nothing to free. */
static bool rows_read(struct rows *r, struct db_statement *q, struct err *e) {
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok)
        ok = rows_add(r, q, e);
    db_end(q);
    if (ok && step == DB_DONE)
        return true;
    rows_free(r);
    return false;
}

static struct db_statement *get_prepare(struct store *s, const char *name,
                                        int64_t revision, struct err *e) {
    struct db_statement *q =
        revision
            ? db_prepare(s->db,
                         DATASET_COLUMNS "datasets" DATASET_PARTS
                                         " WHERE d.name = $1 AND d.revision = $2",
                         e)
            : db_prepare(s->db,
                         DATASET_COLUMNS
                         "datasets" DATASET_PARTS " WHERE d.name = $1 AND d.revision ="
                         " (SELECT max(revision) FROM datasets WHERE name = $1)",
                         e);
    if (!q)
        return NULL;
    db_bind_text(q, 1, name);
    if (revision)
        db_bind_int(q, 2, revision);
    return q;
}

static bool dataset_missing(const char *name, int64_t revision, struct err *e) {
    if (revision)
        return err_set(e, ERR_NOT_FOUND, NULL,
                       "there is no revision %lld of a dataset %s", (long long)revision,
                       name);
    return err_set(e, ERR_NOT_FOUND, NULL, "there is no dataset %s", name);
}

bool store_dataset_get(struct store *s, const char *name, int64_t revision,
                       struct store_dataset *d, struct err *e) {
    struct db_statement *q = get_prepare(s, name, revision, e);
    struct rows rows = {0};
    if (!q || !rows_read(&rows, q, e))
        return false;
    if (!rows.n)
        return dataset_missing(name, revision, e);
    *d = rows.items[0];
    free(rows.items);
    return true;
}

bool store_datasets_list(struct store *s, const char *after, size_t limit,
                         struct store_dataset **datasets, size_t *n, bool *more,
                         struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        DATASET_FACTS " substr(p.document, 1, CAST($3 AS INTEGER)) FROM"
                      " (SELECT l.name, l.revision, l.created_ms FROM datasets l"
                      "  WHERE l.name > $1 AND l.revision ="
                      "  (SELECT max(m.revision) FROM datasets m WHERE m.name = l.name)"
                      "  ORDER BY l.name LIMIT $2)" DATASET_PARTS " ORDER BY d.name",
        e);
    if (!q)
        return false;
    db_bind_text(q, 1, after ? after : "");
    db_bind_int(q, 2, store_limit_plus_one(limit));
    db_bind_int(q, 3, STORE_DOCUMENT_HEAD);
    struct rows rows = {0};
    if (!rows_read(&rows, q, e))
        return false;
    *more = rows.n > limit;
    if (*more)
        store_dataset_free(&rows.items[--rows.n]);
    *datasets = rows.items;
    *n = rows.n;
    return true;
}

/* ---- deleting -----------------------------------------------------------------------
 */

static bool delete_locked(struct store *s, const char *name, struct err *e) {
    int64_t changed;
    if (!store_counter_lock(s, "dataset", name, e) ||
        !store_name_delete(s, "DELETE FROM dataset_parts WHERE name = $1", name, &changed,
                           e) ||
        !store_name_delete(s, "DELETE FROM datasets WHERE name = $1", name, &changed, e))
        return false;
    return changed > 0 || dataset_missing(name, 0, e);
}

bool store_dataset_delete(struct store *s, const char *name, struct err *e) {
    return db_begin(s->db, e) && store_commit_if(s, delete_locked(s, name, e), e);
}
