/* What the store's own files share. Nobody else includes this. */
#ifndef SERVER_STORE_INTERNAL_H
#define SERVER_STORE_INTERNAL_H

#include <nettle/sha2.h>

#include "server/db.h"
#include "server/store.h"

struct store {
    struct db *db;
};

/* Ends a transaction: commits when ok, rolls back otherwise.
 * @return true only when it is on disk. */
bool store_commit_if(struct store *s, bool ok, struct err *e)
    __attribute__((warn_unused_result));

/* The next number of (kind, name), from 1; never the same twice. Inside a transaction. */
bool store_counter_next(struct store *s, const char *kind, const char *name,
                        int64_t *value, struct err *e)
    __attribute__((warn_unused_result));

/* Runs `sql` (a literal), whose only parameter is a name. */
bool store_name_delete(struct store *s, const char *sql, const char *name,
                       int64_t *changed, struct err *e)
    __attribute__((warn_unused_result));

/* Makes room for element n of an array of `size` bytes each; *capacity starts at 0. */
bool store_grow(void **array, size_t *capacity, size_t n, size_t size, struct err *e)
    __attribute__((warn_unused_result));

/* Into an array of `size` bytes. What is longer was never let in. */
void store_text_copy(char *into, size_t size, const char *text);

/* A new copy: free() it. NULL with ERR_NO_MEMORY. */
char *store_text_dup(const char *text, struct err *e) __attribute__((warn_unused_result));

/* limit + 1, as LIMIT takes it: one more row tells whether there are more. */
int64_t store_limit_plus_one(size_t limit);

/* The digest as text, which ends the hash. */
void store_sha256_text(struct sha256_ctx *hash, char text[STORE_SHA256_TEXT]);

/* ERR_NOT_FOUND unless the blob is there and sealed. Inside a transaction. */
bool store_blob_check(struct store *s, int64_t blob, struct err *e)
    __attribute__((warn_unused_result));

/* The job's place in the queue and the key of its curve; ERR_NOT_FOUND. */
bool store_job_number(struct store *s, const char *id, int64_t *number, struct err *e)
    __attribute__((warn_unused_result));

/* Inside a transaction. ERR_NUMERIC for a cost that is not finite. */
bool store_points_write(struct store *s, int64_t job_number,
                        const struct store_point *points, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* Publishes the next version of a model. Inside a transaction. */
struct store_publish {
    const char *model, *document, *job_id;
    int64_t blob, now_ms;
};
bool store_version_publish(struct store *s, const struct store_publish *publish,
                           int64_t *version, struct err *e)
    __attribute__((warn_unused_result));

/* Sets ERR_NOT_FOUND, of the whole model when version is 0.
 * @return false */
bool store_version_missing(const char *model, int64_t version, struct err *e);

#endif
