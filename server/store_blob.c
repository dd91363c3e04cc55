/* Bytes in chunked rows, addressed by their SHA-256: how they come and go. Reading them
 * is in store_blob_read.c.
 *
 * A blob is born unsealed (sha256 null), grows by a chunk a transaction, and is sealed by
 * the last. The sweep goes the same way back: it condemns what nobody refers to, so that
 * no put can find it and no writer can add to it any more, then takes the chunks away a
 * few at a time. No step holds the write lock for longer than a few chunks take, and a
 * crash between any two leaves an unsealed blob for the next sweep. */
#include "server/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "server/reserve.h"
#include "server/store_internal.h"

enum {
    BLOB_KEEP_MS = 60 * 60 * 1000,
    CHUNKS_AT_ONCE = 8, /* that one transaction deletes */
    BLOB_CONDEMNED = -1 /* touched_ms of what is being swept */
};

void store_sha256_text(struct sha256_ctx *hash, char text[STORE_SHA256_TEXT]) {
    static const char HEX[] = "0123456789abcdef";
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(hash, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        text[2 * i] = HEX[digest[i] >> 4];
        text[2 * i + 1] = HEX[digest[i] & 15];
    }
    text[2 * sizeof digest] = '\0';
}

void store_sha256(const void *bytes, size_t n, char text[STORE_SHA256_TEXT]) {
    struct sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, n, bytes);
    store_sha256_text(&hash, text);
}

/* ---- writing -------------------------------------------------------------------- */

/* Finds the sealed blob of these bytes; *blob is 0 when there is none. The touch keeps
 * the sweep away from it for the hour that a new blob would have, and store_blobs_drop by
 * the mark: its finder may refer to it any moment. */
static bool blob_find(struct store *s, const char *sha256, int64_t now_ms, int64_t *blob,
                      struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "UPDATE blobs SET touched_ms = $2, shared = 1 WHERE sha256 = $1"
                   " RETURNING id",
                   e);
    if (!q)
        return false;
    db_bind_text(q, 1, sha256);
    db_bind_int(q, 2, now_ms);
    enum db_step step = db_step(q, e);
    *blob = step == DB_ROW ? db_int(q, 0) : 0;
    db_end(q);
    return step != DB_FAILED;
}

/* Its size is not known before the seal. */
static bool blob_insert(struct store *s, int64_t now_ms, int64_t *blob, struct err *e) {
    if (!store_counter_next(s, "blob", "", blob, e))
        return false;
    struct db_statement *q = db_prepare(
        s->db, "INSERT INTO blobs (id, bytes, touched_ms, shared) VALUES ($1, 0, $2, 0)",
        e);
    if (!q)
        return false;
    db_bind_int(q, 1, *blob);
    db_bind_int(q, 2, now_ms);
    return db_run(q, NULL, e);
}

static bool swept_meanwhile(int64_t blob, struct err *e) {
    return err_set(e, ERR_STORAGE, NULL,
                   "store: blob %lld was swept while it was written", (long long)blob);
}

/* However long the whole takes, the sweep stays away from what is being written. */
static bool blob_touch(struct store *s, int64_t blob, int64_t now_ms, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db, "UPDATE blobs SET touched_ms = $2 WHERE id = $1 AND touched_ms >= 0", e);
    if (!q)
        return false;
    db_bind_int(q, 1, blob);
    db_bind_int(q, 2, now_ms);
    int64_t changed;
    if (!db_run(q, &changed, e))
        return false;
    return changed == 1 || swept_meanwhile(blob, e);
}

struct chunk {
    int64_t blob, number, now_ms;
    const void *bytes;
    size_t n;
};

static bool chunk_write_locked(struct store *s, const struct chunk *c, struct err *e) {
    if (!blob_touch(s, c->blob, c->now_ms, e))
        return false;
    struct db_statement *q = db_prepare(
        s->db, "INSERT INTO blob_chunks (blob, chunk, bytes) VALUES ($1, $2, $3)", e);
    if (!q)
        return false;
    db_bind_int(q, 1, c->blob);
    db_bind_int(q, 2, c->number);
    db_bind_bytes(q, 3, c->bytes, c->n);
    return db_run(q, NULL, e);
}

static bool chunk_write(struct store *s, const struct chunk *c, struct err *e) {
    return db_begin(s->db, e) && store_commit_if(s, chunk_write_locked(s, c, e), e);
}

struct seal {
    const char *sha256;
    int64_t bytes, now_ms;
};

/* *blob becomes another's when the same bytes were sealed by somebody in the meantime. */
static bool blob_seal_locked(struct store *s, const struct seal *seal, int64_t *blob,
                             struct err *e) {
    int64_t other;
    if (!blob_find(s, seal->sha256, seal->now_ms, &other, e))
        return false;
    if (other) {
        *blob = other;
        return true;
    }
    struct db_statement *q =
        db_prepare(s->db,
                   "UPDATE blobs SET sha256 = $2, bytes = $3, touched_ms = $4"
                   " WHERE id = $1 AND touched_ms >= 0",
                   e);
    if (!q)
        return false;
    db_bind_int(q, 1, *blob);
    db_bind_text(q, 2, seal->sha256);
    db_bind_int(q, 3, seal->bytes);
    db_bind_int(q, 4, seal->now_ms);
    int64_t changed;
    if (!db_run(q, &changed, e))
        return false;
    return changed == 1 || swept_meanwhile(*blob, e);
}

/* Two that seal the same bytes at once: the second finds the first when it looks again.
 */
static bool blob_seal(struct store *s, const struct seal *seal, int64_t *blob,
                      struct err *e) {
    struct err raced = {0};
    if (!db_begin(s->db, e))
        return false;
    if (store_commit_if(s, blob_seal_locked(s, seal, blob, &raced), &raced))
        return true;
    if (raced.kind != ERR_CONFLICT)
        return err_set(e, raced.kind, raced.where, "%s", raced.text);
    return db_begin(s->db, e) &&
           store_commit_if(s, blob_seal_locked(s, seal, blob, e), e);
}

/* Takes an unsealed blob away, so many chunks a transaction. */
static bool blob_drop(struct store *s, int64_t blob, int chunks, struct err *e) {
    int64_t changed;
    do {
        struct db_statement *q =
            db_prepare(s->db,
                       "DELETE FROM blob_chunks WHERE blob = $1 AND chunk IN"
                       " (SELECT chunk FROM blob_chunks WHERE blob = $1 LIMIT $2)",
                       e);
        if (!q)
            return false;
        db_bind_int(q, 1, blob);
        db_bind_int(q, 2, chunks);
        if (!db_run(q, &changed, e))
            return false;
        if (changed)
            db_give_way(s->db);
    } while (changed > 0);
    struct db_statement *q =
        db_prepare(s->db, "DELETE FROM blobs WHERE id = $1 AND sha256 IS NULL", e);
    if (!q)
        return false;
    db_bind_int(q, 1, blob);
    return db_run(q, NULL, e);
}

/* On a full disk the reserve's room clears it away, where the log wants as much as is
 * deleted; the supervisor makes another. What stays even so is the next sweep's. */
static void blob_abandon(struct store *s, int64_t blob) {
    struct err first = {0}, second = {0};
    if (!blob_drop(s, blob, CHUNKS_AT_ONCE, &first) && first.kind == ERR_STORAGE &&
        s->file && reserve_release(s->file))
        (void)!blob_drop(s, blob, 1, &second);
}

/* ---- all at once ---------------------------------------------------------------- */

static bool chunks_write(struct store *s, int64_t blob, const void *bytes, size_t n,
                         int64_t now_ms, struct err *e) {
    const unsigned char *from = bytes;
    for (size_t at = 0; at < n; at += STORE_CHUNK_BYTES) {
        const struct chunk chunk = {
            .blob = blob,
            .number = (int64_t)(at / STORE_CHUNK_BYTES),
            .now_ms = now_ms,
            .bytes = from + at,
            .n = n - at < STORE_CHUNK_BYTES ? n - at : STORE_CHUNK_BYTES,
        };
        if (!chunk_write(s, &chunk, e))
            return false;
        if (chunk.n == STORE_CHUNK_BYTES)
            db_give_way(s->db);
    }
    return true;
}

bool store_blob_put(struct store *s, const void *bytes, size_t n, int64_t now_ms,
                    int64_t *blob, char sha256[STORE_SHA256_TEXT], struct err *e) {
    struct sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, n, bytes);
    store_sha256_text(&hash, sha256);
    if (!db_begin(s->db, e))
        return false;
    bool ok = blob_find(s, sha256, now_ms, blob, e);
    bool found = ok && *blob;
    if (!store_commit_if(s, ok && (found || blob_insert(s, now_ms, blob, e)), e))
        return false;
    if (found)
        return true;

    int64_t ours = *blob;
    const struct seal seal = {sha256, (int64_t)n, now_ms};
    ok = chunks_write(s, ours, bytes, n, now_ms, e) && blob_seal(s, &seal, blob, e);
    if (!ok || *blob != ours)
        blob_abandon(s, ours);
    return ok;
}

/* ---- in pieces ------------------------------------------------------------------ */

struct store_blob_writer {
    struct sha256_ctx hash; /* of what has been written */
    int64_t blob, chunks_n, bytes;
    bool failed; /* pieces are missing: it can only be aborted */
    size_t filled;
    unsigned char chunk[STORE_CHUNK_BYTES];
};

struct store_blob_writer *store_blob_begin(struct store *s, int64_t now_ms,
                                           struct err *e) {
    struct store_blob_writer *w = calloc(1, sizeof *w);
    if (!w) {
        err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a chunk");
        return NULL;
    }
    sha256_init(&w->hash);
    if (db_begin(s->db, e) && store_commit_if(s, blob_insert(s, now_ms, &w->blob, e), e))
        return w;
    free(w);
    return NULL;
}

static bool writer_flush(struct store *s, struct store_blob_writer *w, int64_t now_ms,
                         struct err *e) {
    const struct chunk chunk = {w->blob, w->chunks_n, now_ms, w->chunk, w->filled};
    w->failed = !chunk_write(s, &chunk, e);
    if (w->failed)
        return false;
    sha256_update(&w->hash, w->filled, w->chunk);
    w->chunks_n++;
    w->bytes += (int64_t)w->filled;
    w->filled = 0;
    return true;
}

bool store_blob_add(struct store *s, struct store_blob_writer *w, const void *bytes,
                    size_t n, int64_t now_ms, struct err *e) {
    assert(!w->failed);
    const unsigned char *from = bytes;
    while (n > 0) {
        size_t room = sizeof w->chunk - w->filled;
        size_t piece = n < room ? n : room;
        memcpy(w->chunk + w->filled, from, piece);
        w->filled += piece;
        from += piece;
        n -= piece;
        if (w->filled == sizeof w->chunk && !writer_flush(s, w, now_ms, e))
            return false;
    }
    return true;
}

bool store_blob_end(struct store *s, struct store_blob_writer *w, int64_t now_ms,
                    int64_t *blob, int64_t *bytes, char sha256[STORE_SHA256_TEXT],
                    struct err *e) {
    assert(!w->failed);
    bool ok = !w->filled || writer_flush(s, w, now_ms, e);
    store_sha256_text(&w->hash, sha256);
    const struct seal seal = {sha256, w->bytes, now_ms};
    int64_t sealed = w->blob; /* or another one of the same bytes */
    ok = ok && blob_seal(s, &seal, &sealed, e);
    if (!ok || sealed != w->blob)
        blob_abandon(s, w->blob);
    if (ok) {
        *blob = sealed;
        *bytes = w->bytes;
    }
    free(w);
    return ok;
}

void store_blob_abort(struct store *s, struct store_blob_writer *w) {
    blob_abandon(s, w->blob);
    free(w);
}

/* ---- sweeping ------------------------------------------------------------------- */

#define BLOB_UNUSED                                                                      \
    " AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.data_blob = blobs.id)"                \
    " AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.targets_blob = blobs.id)"             \
    " AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.validation_blob = blobs.id)"          \
    " AND NOT EXISTS"                                                                    \
    " (SELECT 1 FROM jobs j WHERE j.validation_targets_blob = blobs.id)"                 \
    " AND NOT EXISTS (SELECT 1 FROM dataset_parts p WHERE p.blob = blobs.id)"            \
    " AND NOT EXISTS (SELECT 1 FROM checkpoints c WHERE c.blob = blobs.id)"              \
    " AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.blob = blobs.id)"

static bool blob_lock(struct store *s, int64_t blob, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, "SELECT id FROM blobs WHERE id = $1 FOR UPDATE", e);
    if (!q)
        return false;
    db_bind_int(q, 1, blob);
    return db_run(q, NULL, e);
}

struct condemning {
    const char *sql;
    int64_t before_ms; /* untouched since */
};

/* The lock first: whoever is about to refer to the blob has locked it too, so that the
 * statement behind it sees their reference, or they see that the blob is gone. */
static bool condemn_locked(struct store *s, const struct condemning *how, int64_t blob,
                           bool *condemned, struct err *e) {
    if (!blob_lock(s, blob, e))
        return false;
    struct db_statement *q = db_prepare(s->db, how->sql, e);
    if (!q)
        return false;
    db_bind_int(q, 1, blob);
    db_bind_int(q, 2, how->before_ms);
    db_bind_int(q, 3, BLOB_CONDEMNED);
    int64_t changed = 0;
    bool ok = db_run(q, &changed, e);
    *condemned = changed > 0;
    return ok;
}

static bool blob_condemn(struct store *s, const struct condemning *how, int64_t blob,
                         bool *condemned, struct err *e) {
    *condemned = false;
    return db_begin(s->db, e) &&
           store_commit_if(s, condemn_locked(s, how, blob, condemned, e), e);
}

#define SWEEPABLE "touched_ms < $2" BLOB_UNUSED

/* The first few blobs behind `after` that may go. */
static bool sweepable_find(struct store *s, int64_t after, int64_t before_ms,
                           struct store_ids *ids, struct err *e) {
    struct db_statement *q = db_prepare(
        s->db,
        "SELECT id FROM blobs WHERE id > $1 AND " SWEEPABLE " ORDER BY id LIMIT 64", e);
    if (!q)
        return false;
    db_bind_int(q, 1, after);
    db_bind_int(q, 2, before_ms);
    bool ok = true;
    enum db_step step;
    ids->n = 0;
    while ((step = db_step(q, e)) == DB_ROW && ok)
        ok = store_ids_add(ids, db_int(q, 0), e);
    db_end(q);
    return ok && step != DB_FAILED;
}

static bool sweep_all(struct store *s, const struct store_ids *ids, int64_t before_ms,
                      int64_t *deleted, struct err *e) {
    static const char SQL[] = "UPDATE blobs SET sha256 = NULL, touched_ms = $3"
                              " WHERE id = $1 AND " SWEEPABLE;
    const struct condemning how = {SQL, before_ms};
    for (size_t i = 0; i < ids->n; i++) {
        bool condemned;
        if (!blob_condemn(s, &how, ids->items[i], &condemned, e) ||
            (condemned && !blob_drop(s, ids->items[i], CHUNKS_AT_ONCE, e)))
            return false;
        *deleted += condemned;
    }
    return true;
}

bool store_blob_sweep(struct store *s, int64_t now_ms, int64_t *deleted, struct err *e) {
    const int64_t before_ms = now_ms - BLOB_KEEP_MS;
    struct store_ids ids = {0};
    int64_t after = 0;
    bool ok;
    *deleted = 0;
    while ((ok = sweepable_find(s, after, before_ms, &ids, e)) && ids.n &&
           (ok = sweep_all(s, &ids, before_ms, deleted, e)))
        after = ids.items[ids.n - 1];
    free(ids.items);
    return ok;
}

/* ---- dropping at once ----------------------------------------------------------- */

bool store_ids_add(struct store_ids *ids, int64_t id, struct err *e) {
    void *items = ids->items;
    bool ok = store_grow(&items, &ids->capacity, ids->n, sizeof *ids->items, e);
    ids->items = items;
    if (ok)
        ids->items[ids->n++] = id;
    return ok;
}

/* Blob $1, if whoever wrote it was the only one to be told of it: the reference that is
 * gone was theirs. One that others found waits for the sweep's hour. */
static const char DROP[] =
    "UPDATE blobs SET sha256 = NULL, touched_ms = $3 WHERE id = $1 AND sha256 IS NOT NULL"
    " AND (shared = 0 OR touched_ms < $2)" BLOB_UNUSED;

void store_blobs_drop(struct store *s, struct store_ids *ids) {
    const struct condemning how = {DROP, store_now_ms(s) - BLOB_KEEP_MS};
    for (size_t i = 0; i < ids->n; i++) {
        struct err ignored = {0};
        bool condemned;
        if (blob_condemn(s, &how, ids->items[i], &condemned, &ignored) && condemned)
            blob_abandon(s, ids->items[i]);
    }
    free(ids->items);
    *ids = (struct store_ids){0};
}
