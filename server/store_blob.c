/* Bytes in chunked rows, addressed by their SHA-256.
 *
 * A blob is born unsealed (sha256 null), grows by a chunk a transaction, and is sealed by
 * the last. The sweep goes the same way back: it unseals what nobody refers to, so that
 * no put can find it any more, then takes the chunks away a few at a time. No step holds
 * the write lock for longer than a few chunks take, and a crash between any two leaves an
 * unsealed blob for the next sweep. */
#include "server/store.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "engine/memory.h"
#include "server/store_internal.h"

enum { BLOB_KEEP_MS = 60 * 60 * 1000 };

static void sha256_text(const void *bytes, size_t n, char text[STORE_SHA256_TEXT]) {
    static const char HEX[] = "0123456789abcdef";
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    sha256_update(&context, n, bytes);
    sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        text[2 * i] = HEX[digest[i] >> 4];
        text[2 * i + 1] = HEX[digest[i] & 15];
    }
    text[2 * sizeof digest] = '\0';
}

/* ---- writing -------------------------------------------------------------------- */

/* Finds the sealed blob of these bytes; *blob is 0 when there is none. The touch keeps
 * the sweep away from it for the hour that a new blob would have. */
static bool blob_find(struct store *s, const char *sha256, int64_t now_ms, int64_t *blob,
                      struct err *e) {
    struct db_statement *q = db_prepare(
        s->db, "UPDATE blobs SET touched_ms = $2 WHERE sha256 = $1 RETURNING id", e);
    if (!q)
        return false;
    db_bind_text(q, 1, sha256);
    db_bind_int(q, 2, now_ms);
    enum db_step step = db_step(q, e);
    *blob = step == DB_ROW ? db_int(q, 0) : 0;
    db_end(q);
    return step != DB_FAILED;
}

static bool blob_insert(struct store *s, size_t n, int64_t now_ms, int64_t *blob,
                        struct err *e) {
    if (!store_counter_next(s, "blob", "", blob, e))
        return false;
    struct db_statement *q = db_prepare(
        s->db, "INSERT INTO blobs (id, bytes, touched_ms) VALUES ($1, $2, $3)", e);
    if (!q)
        return false;
    db_bind_int(q, 1, *blob);
    db_bind_int(q, 2, (int64_t)n);
    db_bind_int(q, 3, now_ms);
    return db_run(q, NULL, e);
}

static bool chunks_insert(struct store *s, int64_t blob, const void *bytes, size_t n,
                          struct err *e) {
    const unsigned char *from = bytes;
    for (size_t at = 0; at < n; at += STORE_CHUNK_BYTES) {
        struct db_statement *q = db_prepare(
            s->db, "INSERT INTO blob_chunks (blob, chunk, bytes) VALUES ($1, $2, $3)", e);
        if (!q)
            return false;
        size_t left = n - at;
        db_bind_int(q, 1, blob);
        db_bind_int(q, 2, (int64_t)(at / STORE_CHUNK_BYTES));
        db_bind_bytes(q, 3, from + at,
                      left < STORE_CHUNK_BYTES ? left : STORE_CHUNK_BYTES);
        if (!db_run(q, NULL, e))
            return false;
    }
    return true;
}

/* *blob becomes another's when the same bytes were sealed by somebody in the meantime. */
static bool blob_seal(struct store *s, const char *sha256, int64_t now_ms, int64_t *blob,
                      struct err *e) {
    int64_t other;
    if (!blob_find(s, sha256, now_ms, &other, e))
        return false;
    if (other) {
        *blob = other;
        return true;
    }
    struct db_statement *q =
        db_prepare(s->db, "UPDATE blobs SET sha256 = $2 WHERE id = $1", e);
    if (!q)
        return false;
    db_bind_int(q, 1, *blob);
    db_bind_text(q, 2, sha256);
    int64_t changed;
    if (!db_run(q, &changed, e))
        return false;
    return changed == 1 ||
           err_set(e, ERR_STORAGE, NULL,
                   "store: blob %lld was swept while it was written", (long long)*blob);
}

/* Takes an unsealed blob away, a few chunks a transaction. */
static bool blob_drop(struct store *s, int64_t blob, struct err *e) {
    int64_t changed;
    do {
        struct db_statement *q =
            db_prepare(s->db,
                       "DELETE FROM blob_chunks WHERE blob = $1 AND chunk IN"
                       " (SELECT chunk FROM blob_chunks WHERE blob = $1 LIMIT 8)",
                       e);
        if (!q)
            return false;
        db_bind_int(q, 1, blob);
        if (!db_run(q, &changed, e))
            return false;
    } while (changed > 0);
    struct db_statement *q =
        db_prepare(s->db, "DELETE FROM blobs WHERE id = $1 AND sha256 IS NULL", e);
    if (!q)
        return false;
    db_bind_int(q, 1, blob);
    return db_run(q, NULL, e);
}

bool store_blob_put(struct store *s, const void *bytes, size_t n, int64_t now_ms,
                    int64_t *blob, char sha256[STORE_SHA256_TEXT], struct err *e) {
    sha256_text(bytes, n, sha256);
    if (!db_begin(s->db, e))
        return false;
    bool ok = blob_find(s, sha256, now_ms, blob, e);
    bool found = ok && *blob;
    if (!store_commit_if(s, ok && (found || blob_insert(s, n, now_ms, blob, e)), e))
        return false;
    if (found)
        return true;

    int64_t ours = *blob;
    ok = chunks_insert(s, ours, bytes, n, e) && db_begin(s->db, e) &&
         store_commit_if(s, blob_seal(s, sha256, now_ms, blob, e), e);
    if (ok && *blob == ours)
        return true;
    /* What cannot be cleared away now (the disk may be full) is the next sweep's. */
    struct err ignored = {0};
    (void)!blob_drop(s, ours, &ignored);
    return ok;
}

/* ---- reading -------------------------------------------------------------------- */

bool store_blob_check(struct store *s, int64_t blob, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db, "SELECT 1 FROM blobs WHERE id = $1 AND sha256 IS NOT NULL", e);
    if (!q)
        return false;
    db_bind_int(q, 1, blob);
    enum db_step step = db_step(q, e);
    db_end(q);
    if (step == DB_DONE)
        err_set(e, ERR_NOT_FOUND, NULL, "there is no blob %lld", (long long)blob);
    return step == DB_ROW;
}

static void *block_new(size_t n, struct err *e) {
    size_t size;
    void *block = NULL;
    if (size_add(n, MEMORY_ALIGN, &size)) /* one line more: no bytes are a block, too */
        block = aligned_alloc(MEMORY_ALIGN, size / MEMORY_ALIGN * MEMORY_ALIGN);
    if (!block)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for a blob of %zu bytes", n);
    return block;
}

/* One row a chunk, each with the blob's size and hash: one statement sees one state, even
 * while a sweep is going on. */
struct blob_reader {
    int64_t blob;
    unsigned char *block;
    size_t bytes, filled;
    char sha256[STORE_SHA256_TEXT];
};

static bool damaged(int64_t blob, const char *how, struct err *e) {
    return err_set(e, ERR_STORAGE, NULL, "store: blob %lld is damaged: %s",
                   (long long)blob, how);
}

static bool reader_row(struct blob_reader *r, struct db_statement *q, struct err *e) {
    if (!r->block) {
        int64_t bytes = db_int(q, 0);
        if (bytes < 0)
            return damaged(r->blob, "its size is negative", e);
        r->bytes = (size_t)bytes;
        store_text_copy(r->sha256, sizeof r->sha256, db_text(q, 1));
        r->block = block_new(r->bytes, e);
        if (!r->block)
            return false;
    }
    size_t n;
    const void *chunk = db_bytes(q, 2, &n);
    if (n > r->bytes - r->filled)
        return damaged(r->blob, "more bytes than it should have", e);
    if (n)
        memcpy(r->block + r->filled, chunk, n);
    r->filled += n;
    return true;
}

static bool reader_check(const struct blob_reader *r, struct err *e) {
    if (!r->block)
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no blob %lld",
                       (long long)r->blob);
    if (r->filled != r->bytes)
        return damaged(r->blob, "bytes are missing", e);
    char sha256[STORE_SHA256_TEXT];
    sha256_text(r->block, r->bytes, sha256);
    return strcmp(sha256, r->sha256) == 0 ||
           damaged(r->blob, "its SHA-256 is another one", e);
}

bool store_blob_get(struct store *s, int64_t blob, void **bytes, size_t *n,
                    struct err *e) {
    struct blob_reader r = {.blob = blob};
    struct db_statement *q =
        db_prepare(s->db,
                   "SELECT b.bytes, b.sha256, c.bytes FROM blobs b"
                   " LEFT JOIN blob_chunks c ON c.blob = b.id"
                   " WHERE b.id = $1 AND b.sha256 IS NOT NULL ORDER BY c.chunk",
                   e);
    if (!q)
        return false;
    db_bind_int(q, 1, blob);
    bool ok = true;
    enum db_step step;
    while ((step = db_step(q, e)) == DB_ROW && ok)
        ok = reader_row(&r, q, e);
    db_end(q);
    if (!ok || step == DB_FAILED || !reader_check(&r, e)) {
        free(r.block);
        return false;
    }
    *bytes = r.block;
    *n = r.bytes;
    return true;
}

/* ---- sweeping ------------------------------------------------------------------- */

/* Unseals the first blob behind *blob that may go; *blob is 0 when there is none. */
static bool sweep_next(struct store *s, int64_t before_ms, int64_t *blob, struct err *e) {
    struct db_statement *q =
        db_prepare(s->db,
                   "UPDATE blobs SET sha256 = NULL WHERE id ="
                   " (SELECT min(b.id) FROM blobs b WHERE b.id > $1 AND b.touched_ms < $2"
                   "  AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.data_blob = b.id)"
                   "  AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.blob = b.id))"
                   " RETURNING id",
                   e);
    if (!q || !db_begin(s->db, e))
        return false;
    db_bind_int(q, 1, *blob);
    db_bind_int(q, 2, before_ms);
    enum db_step step = db_step(q, e);
    *blob = step == DB_ROW ? db_int(q, 0) : 0;
    db_end(q);
    return store_commit_if(s, step != DB_FAILED, e);
}

bool store_blob_sweep(struct store *s, int64_t now_ms, int64_t *deleted, struct err *e) {
    int64_t blob = 0;
    for (*deleted = 0;; ++*deleted) {
        if (!sweep_next(s, now_ms - BLOB_KEEP_MS, &blob, e))
            return false;
        if (!blob)
            return true;
        if (!blob_drop(s, blob, e))
            return false;
    }
}
