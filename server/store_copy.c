#include "server/store_copy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nettle/sha2.h>

#include "server/db_driver.h"
#include "server/store_internal.h"

/* A table, its key's columns first. Behind those that it refers to. */
static const struct table {
    const char *name, *columns, *key;
    const char *kinds; /* a letter a column: integer, double, text, bytes */
    int page;          /* rows a look */
} TABLES[] = {
    {"counters", "kind, name, value", "kind, name", "tti", 1000},
    {"blobs", "id, bytes, sha256, touched_ms, shared", "id", "iitii", 1000},
    {"blob_chunks", "blob, chunk, bytes", "blob, chunk", "iib", 4},
    {"jobs",
     "number, id, model, status, hyperparameters, metadata, data_blob, created_ms,"
     " started_ms, finished_ms, epochs, epochs_done, cost, cost_epoch, training_seconds,"
     " stop_reason, error_code, error_text, error_epoch, model_version,"
     " cancel_requested, attempts, crashes, owner, fence, lease_until_ms, targets_blob,"
     " validation_blob, warnings, metrics, validation_targets_blob, priority, hold,"
     " memory_bytes, checkpoint, events, idempotency_key, body_sha256, threads",
     "number", "itttttiiiiiddidtttiiiiitiiiittiiiiiitti", 100},
    {"points", "job, epoch, cost, validation_cost, seq", "job, epoch", "iiddi", 2000},
    {"events", "job, seq, at_ms, kind, document", "job, seq", "iiitt", 2000},
    {"checkpoints",
     "job, number, epoch, epochs_done, cost, validation_cost, training_seconds, blob,"
     " bytes, created_ms, best, resumable",
     "job, number", "iiiddddiiiii", 1000},
    {"versions", "model, version, blob, job_id, document, created_ms", "model, version",
     "tiitti", 200},
    {"aliases", "model, alias, version, change, changed_ms", "model, alias", "ttiii",
     1000},
    {"datasets", "name, revision, created_ms", "name, revision", "tii", 1000},
    {"dataset_parts", "name, revision, part, blob, bytes, sha256, document",
     "name, revision, part", "titiitt", 100},
};
enum {
    TABLES_N = sizeof TABLES / sizeof *TABLES,
    COLUMNS_MAX = 40,
    SQL_MAX = 2400 /* 72 placeholders and all names of jobs */
};

const char *store_copy_table(size_t i, size_t *columns_n) {
    if (i >= TABLES_N)
        return NULL;
    *columns_n = strlen(TABLES[i].kinds);
    return TABLES[i].name;
}

/* ---- cells ---------------------------------------------------------------------- */

struct cell {
    char kind;
    bool null;
    int64_t integer;
    double number;
    char *bytes; /* owned; text and bytes */
    size_t n;
};

static void cells_free(struct cell *cells, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(cells[i].bytes);
        cells[i] = (struct cell){0};
    }
}

/* A copy, and of a text one that every database takes. */
static bool bytes_read(struct db_statement *q, int column, struct cell *cell,
                       struct err *e) {
    const void *bytes = db_bytes(q, column, &cell->n);
    cell->bytes = malloc(cell->n + 1);
    if (!cell->bytes)
        return err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for %zu bytes", cell->n);
    if (cell->n)
        memcpy(cell->bytes, bytes, cell->n);
    cell->bytes[cell->n] = '\0';
    if (cell->kind == 't') {
        cell->n = strlen(cell->bytes);
        db_text_mend(cell->bytes);
    }
    return true;
}

static bool cell_read(struct db_statement *q, int column, char kind, struct cell *cell,
                      struct err *e) {
    *cell = (struct cell){.kind = kind, .null = db_is_null(q, column)};
    if (cell->null)
        return true;
    if (kind == 'i')
        cell->integer = db_int(q, column);
    else if (kind == 'd')
        cell->number = db_double(q, column) + 0.0; /* SQLite knows no -0 */
    else
        return bytes_read(q, column, cell, e);
    return true;
}

static void cell_bind(struct db_statement *q, int index, const struct cell *cell) {
    if (cell->null)
        db_bind_null(q, index);
    else if (cell->kind == 'i')
        db_bind_int(q, index, cell->integer);
    else if (cell->kind == 'd')
        db_bind_double(q, index, cell->number);
    else if (cell->kind == 't')
        db_bind_text(q, index, cell->bytes);
    else
        db_bind_bytes(q, index, cell->bytes, cell->n);
}

static void cell_hash(const struct cell *cell, struct sha256_ctx *hash) {
    const uint8_t head[2] = {(uint8_t)cell->kind, cell->null};
    uint64_t n = cell->n;
    sha256_update(hash, sizeof head, head);
    sha256_update(hash, sizeof cell->integer, (const uint8_t *)&cell->integer);
    sha256_update(hash, sizeof cell->number, (const uint8_t *)&cell->number);
    sha256_update(hash, sizeof n, (const uint8_t *)&n);
    if (n)
        sha256_update(hash, cell->n, (const uint8_t *)cell->bytes);
}

/* ---- texts ---------------------------------------------------------------------- */

struct texts {
    char first[SQL_MAX], next[SQL_MAX]; /* a page */
    char insert[SQL_MAX], many[SQL_MAX];
};

/* "($1, $2)" and so on, `rows` times. */
static void placeholders(char *sql, size_t columns_n, size_t rows) {
    size_t at = strlen(sql);
    int number = 1;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns_n; c++)
            at += (size_t)snprintf(sql + at, SQL_MAX - at, "%s$%d%s",
                                   c   ? ", "
                                   : r ? ", ("
                                       : "(",
                                   number++, c + 1 == columns_n ? ")" : "");
    assert(at < SQL_MAX);
}

static size_t key_columns_n(const struct table *t) {
    size_t n = 1;
    for (const char *at = t->key; (at = strchr(at, ',')); at++)
        n++;
    return n;
}

static size_t rows_at_once(const struct table *t) {
    return strchr(t->kinds, 'b') ? 1 : DB_PARAMETERS_MAX / strlen(t->kinds);
}

static void texts_make(const struct table *t, struct texts *x) {
    size_t n = strlen(t->kinds);
    snprintf(x->first, SQL_MAX, "SELECT %s FROM %s ORDER BY %s LIMIT %d", t->columns,
             t->name, t->key, t->page);
    snprintf(x->next, SQL_MAX, "SELECT %s FROM %s WHERE (%s) > ", t->columns, t->name,
             t->key);
    placeholders(x->next, key_columns_n(t), 1);
    size_t at = strlen(x->next);
    snprintf(x->next + at, SQL_MAX - at, " ORDER BY %s LIMIT %d", t->key, t->page);
    snprintf(x->insert, SQL_MAX, "INSERT INTO %s (%s) VALUES ", t->name, t->columns);
    memcpy(x->many, x->insert, SQL_MAX);
    placeholders(x->insert, n, 1);
    placeholders(x->many, n, rows_at_once(t));
}

/* ---- reading -------------------------------------------------------------------- */

/* One table on its way. */
struct passage {
    const struct table *table;
    const struct texts *texts;
    struct db *into; /* NULL: it is read for its hash alone */
    struct sha256_ctx hash;
    int64_t rows, bytes;
    struct cell waiting[DB_PARAMETERS_MAX]; /* rows to be inserted together */
    size_t waiting_n;                       /* cells */
};

static bool rows_insert(struct passage *p, const char *sql, const struct cell *cells,
                        size_t n, struct err *e) {
    struct db_statement *q = db_prepare(p->into, sql, e);
    if (!q)
        return false;
    for (size_t i = 0; i < n; i++)
        cell_bind(q, (int)i + 1, &cells[i]);
    return db_run(q, NULL, e);
}

/* What waits goes, together when there is enough of it. */
static bool waiting_flush(struct passage *p, struct err *e) {
    size_t columns_n = strlen(p->table->kinds);
    bool ok = true;
    if (p->waiting_n == columns_n * rows_at_once(p->table))
        ok = rows_insert(p, p->texts->many, p->waiting, p->waiting_n, e);
    else
        for (size_t i = 0; ok && i < p->waiting_n; i += columns_n)
            ok = rows_insert(p, p->texts->insert, p->waiting + i, columns_n, e);
    cells_free(p->waiting, p->waiting_n);
    p->waiting_n = 0;
    return ok;
}

/* Takes the cells. */
static bool row_pass(struct passage *p, struct cell *cells, size_t n, struct err *e) {
    for (size_t i = 0; i < n; i++) {
        cell_hash(&cells[i], &p->hash);
        p->bytes += cells[i].kind == 'b' ? (int64_t)cells[i].n : 0;
    }
    p->rows++;
    if (!p->into) {
        cells_free(cells, n);
        return true;
    }
    memcpy(p->waiting + p->waiting_n, cells, n * sizeof *cells);
    p->waiting_n += n;
    return p->waiting_n < n * rows_at_once(p->table) || waiting_flush(p, e);
}

static bool key_keep(struct cell *key, const struct cell *cells, size_t n,
                     struct err *e) {
    cells_free(key, n);
    for (size_t i = 0; i < n; i++) {
        key[i] = cells[i];
        if (cells[i].bytes && !(key[i].bytes = strdup(cells[i].bytes)))
            return err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a key");
    }
    return true;
}

/* The rows of one look; *n says how many, and key is the last one's. */
static bool page_pass(struct passage *p, struct db_statement *q, struct cell *key, int *n,
                      struct err *e) {
    size_t columns_n = strlen(p->table->kinds);
    enum db_step step;
    for (*n = 0; (step = db_step(q, e)) == DB_ROW; ++*n) {
        struct cell cells[COLUMNS_MAX] = {0};
        bool ok = true;
        for (size_t i = 0; ok && i < columns_n; i++)
            ok = cell_read(q, (int)i, p->table->kinds[i], &cells[i], e);
        if (!ok || !key_keep(key, cells, key_columns_n(p->table), e)) {
            cells_free(cells, columns_n);
            return false;
        }
        if (!row_pass(p, cells, columns_n, e))
            return false;
    }
    return step == DB_DONE;
}

static bool table_pass(struct passage *p, struct db *from, struct err *e) {
    struct cell key[4] = {0};
    const char *sql = p->texts->first;
    size_t key_n = key_columns_n(p->table);
    bool ok = true;
    sha256_init(&p->hash);
    for (int n = p->table->page; ok && n == p->table->page; sql = p->texts->next) {
        struct db_statement *q = db_prepare(from, sql, e);
        for (size_t i = 0; q && sql == p->texts->next && i < key_n; i++)
            cell_bind(q, (int)i + 1, &key[i]);
        ok = q && page_pass(p, q, key, &n, e);
        db_end(q);
    }
    ok = ok && waiting_flush(p, e);
    cells_free(p->waiting, p->waiting_n);
    cells_free(key, key_n);
    return ok;
}

/* ---- the whole ------------------------------------------------------------------ */

static bool table_is_empty(struct db *db, const struct table *t, const char *sql,
                           struct err *e) {
    struct db_statement *q = db_prepare(db, sql, e);
    enum db_step step = q ? db_step(q, e) : DB_FAILED;
    db_end(q);
    if (step == DB_ROW)
        return err_set(e, ERR_CONFLICT, NULL,
                       "there is something in the store already: the table %s has rows",
                       t->name);
    return step == DB_DONE;
}

static bool table_copy(struct db *from, struct db *into, const struct table *t,
                       struct texts *texts, struct store_copied *copied, struct err *e) {
    struct passage there = {.table = t, .texts = texts, .into = into};
    struct passage back = {.table = t, .texts = texts};
    char sha256[STORE_SHA256_TEXT];
    texts_make(t, texts);
    if (!table_is_empty(into, t, texts->first, e) || !table_pass(&there, from, e) ||
        !table_pass(&back, into, e))
        return false;
    *copied =
        (struct store_copied){.table = t->name, .rows = back.rows, .bytes = back.bytes};
    store_sha256_text(&there.hash, sha256);
    store_sha256_text(&back.hash, copied->sha256);
    return (there.rows == back.rows && strcmp(sha256, copied->sha256) == 0) ||
           err_set(e, ERR_STORAGE, NULL,
                   "the copy of %s differs: %lld rows, SHA-256 %.16s, expected %lld,"
                   " %.16s",
                   t->name, (long long)back.rows, copied->sha256, (long long)there.rows,
                   sha256);
}

static bool copy_all(struct db *from, struct db *into, struct texts *texts,
                     store_copy_told *told, void *context, struct err *e) {
    for (size_t i = 0; i < TABLES_N; i++) {
        struct store_copied copied;
        if (!table_copy(from, into, &TABLES[i], &texts[i], &copied, e))
            return false;
        told(context, &copied);
    }
    return true;
}

bool store_copy(struct store *from, struct store *into, store_copy_told *told,
                void *context, struct err *e) {
    /* Statements are known by the address of their text: these live as long as both. */
    struct texts *texts = calloc(TABLES_N, sizeof *texts);
    if (!texts)
        return err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a copy");
    bool reading = db_begin_read(from->db, e);
    bool writing = reading && db_begin_alone(into->db, e);
    bool ok = writing && copy_all(from->db, into->db, texts, told, context, e);
    if (writing)
        ok = store_commit_if(into, ok, e);
    if (reading)
        db_rollback(from->db);
    db_forget(from->db);
    db_forget(into->db);
    free(texts);
    return ok;
}

/* ---- by name -------------------------------------------------------------------- */

struct report {
    FILE *to;
    int64_t rows, bytes;
};

static void report_table(void *context, const struct store_copied *copied) {
    struct report *report = context;
    fprintf(report->to, "%-14s %10" PRId64 " rows  sha256 %s\n", copied->table,
            copied->rows, copied->sha256);
    fflush(report->to);
    report->rows += copied->rows;
    report->bytes += copied->bytes;
}

bool store_copy_run(const char *from, const char *into, FILE *to, struct err *e) {
    struct report report = {.to = to};
    if (!strstr(from, "://") && access(from, F_OK) != 0) /* opening would make it */
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no store at %.120s", from);
    struct store *source = store_open(from, e);
    struct store *target = source ? store_open(into, e) : NULL;
    bool ok = target && store_copy(source, target, report_table, &report, e);
    if (ok)
        fprintf(to, "copied and verified: %" PRId64 " rows, %" PRId64 " bytes of blobs\n",
                report.rows, report.bytes);
    store_close(target);
    store_close(source);
    return ok;
}
