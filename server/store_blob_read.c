/* Reading what store_blob.c has written, a chunk at a time: each is a statement of its
 * own, which is over before anybody sees the chunk, so that a slow reader holds no
 * snapshot and the log can be checkpointed meanwhile. */
#include "server/store.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "engine/memory.h"
#include "server/store_internal.h"

static bool missing(int64_t blob, struct err *e) {
    return err_set(e, ERR_NOT_FOUND, NULL, "there is no blob %lld", (long long)blob);
}

static bool damaged(int64_t blob, const char *how, struct err *e) {
    return err_set(e, ERR_STORAGE, NULL, "store: blob %lld is damaged: %s",
                   (long long)blob, how);
}

struct head {
    int64_t blob;
    size_t bytes;
    char sha256[STORE_SHA256_TEXT];
};

#define HEAD_SELECT "SELECT bytes, sha256 FROM blobs WHERE id = $1 AND sha256 IS NOT NULL"
static const char HEAD[] = HEAD_SELECT;
static const char HEAD_KEPT[] = HEAD_SELECT " FOR KEY SHARE"; /* it cannot be swept */

static bool head_read(struct store *s, const char *sql, int64_t blob, struct head *head,
                      struct err *e) {
    struct db_statement *q = db_prepare(s->db, sql, e);
    if (!q)
        return false;
    db_bind_int(q, 1, blob);
    enum db_step step = db_step(q, e);
    int64_t bytes = step == DB_ROW ? db_int(q, 0) : 0;
    *head = (struct head){.blob = blob, .bytes = (size_t)bytes};
    if (step == DB_ROW)
        store_text_copy(head->sha256, sizeof head->sha256, db_text(q, 1));
    db_end(q);
    if (step == DB_DONE)
        return missing(blob, e);
    return step == DB_ROW && (bytes >= 0 || damaged(blob, "its size is negative", e));
}

bool store_blob_check(struct store *s, int64_t blob, struct err *e) {
    struct head head;
    return head_read(s, HEAD_KEPT, blob, &head, e);
}

/* Copies chunk `number` into `chunk`; *n is at most `most`. */
static bool chunk_read(struct store *s, int64_t blob, int64_t number,
                       unsigned char chunk[STORE_CHUNK_BYTES], size_t most, size_t *n,
                       struct err *e) {
    struct db_statement *q = db_prepare(
        s->db, "SELECT bytes FROM blob_chunks WHERE blob = $1 AND chunk = $2", e);
    if (!q)
        return false;
    db_bind_int(q, 1, blob);
    db_bind_int(q, 2, number);
    enum db_step step = db_step(q, e);
    bool ok = step == DB_ROW;
    if (ok) {
        const void *bytes = db_bytes(q, 0, n);
        ok = *n <= most || damaged(blob, "more bytes than it should have", e);
        if (ok && *n)
            memcpy(chunk, bytes, *n);
    }
    db_end(q);
    if (step != DB_DONE)
        return ok;
    /* Was it swept, or is a chunk alone not there? */
    return store_blob_check(s, blob, e) && damaged(blob, "bytes are missing", e);
}

static bool chunks_read(struct store *s, const struct head *head, store_blob_take *take,
                        void *context, struct err *e) {
    unsigned char *chunk = malloc(STORE_CHUNK_BYTES);
    if (!chunk)
        return err_set(e, ERR_NO_MEMORY, NULL, "store: no memory for a chunk");
    struct sha256_ctx hash;
    sha256_init(&hash);
    bool ok = true;
    size_t left = head->bytes, n = 0;
    for (int64_t number = 0; ok && left > 0; number++) {
        size_t most = left < STORE_CHUNK_BYTES ? left : STORE_CHUNK_BYTES;
        ok = chunk_read(s, head->blob, number, chunk, most, &n, e);
        if (!ok)
            break;
        sha256_update(&hash, n, chunk);
        left -= n;
        ok = take(context, chunk, n, e);
    }
    free(chunk);
    char sha256[STORE_SHA256_TEXT];
    store_sha256_text(&hash, sha256);
    return ok && (strcmp(sha256, head->sha256) == 0 ||
                  damaged(head->blob, "its SHA-256 is another one", e));
}

bool store_blob_each(struct store *s, int64_t blob, store_blob_take *take, void *context,
                     struct err *e) {
    struct head head;
    return head_read(s, HEAD, blob, &head, e) && chunks_read(s, &head, take, context, e);
}

/* ---- into one block -----------------------------------------------------------------
 */

static void *block_new(size_t n, struct err *e) {
    size_t size;
    void *block = NULL;
    if (size_add(n, MEMORY_ALIGN, &size)) /* one line more: no bytes are a block, too */
        block = aligned_alloc(MEMORY_ALIGN, size / MEMORY_ALIGN * MEMORY_ALIGN);
    if (!block)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for a blob of %zu bytes", n);
    return block;
}

static bool block_take(void *context, const void *bytes, size_t n, struct err *e) {
    (void)e;
    unsigned char **at = context;
    memcpy(*at, bytes, n);
    *at += n;
    return true;
}

bool store_blob_get(struct store *s, int64_t blob, void **bytes, size_t *n,
                    struct err *e) {
    struct head head;
    if (!head_read(s, HEAD, blob, &head, e))
        return false;
    void *block = block_new(head.bytes, e);
    if (!block)
        return false;
    unsigned char *at = block;
    if (!chunks_read(s, &head, block_take, &at, e)) {
        free(block);
        return false;
    }
    *bytes = block;
    *n = head.bytes;
    return true;
}
