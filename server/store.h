/* All state of the daemon: jobs and all that is told of them, model versions, datasets,
 * and the bytes behind them. This file has the connection, the bytes, models and
 * datasets; it brings along store_job.h (jobs as a client sees and steers them),
 * store_claim.h (a worker's side), store_checkpoint.h and store_events.h.
 *
 * Every SQL statement of the project is in store*.c and schema.c. What a function
 * acknowledges with true is on disk (SQLite: WAL, synchronous=FULL). One `struct store`
 * is one connection: one thread at a time; threads and processes each open their own, on
 * PostgreSQL also those of other machines. Times are milliseconds since 1970: the
 * caller's where a function takes them, which are to come from store_now_ms, else the
 * store's own clock, which is the one that leases go by. Errors: ERR_NOT_FOUND,
 * ERR_CONFLICT, ERR_STORAGE, ERR_CONTENDED, ERR_NO_MEMORY, and ERR_UNAVAILABLE: the store
 * is away, and comes back by itself; what was to be written may or may not be there. */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"
#include "server/store_checkpoint.h"
#include "server/store_claim.h"
#include "server/store_events.h"
#include "server/store_job.h"

struct store;

/* Opens the store at `url` (a path, or postgresql://...), creating it and bringing its
 * schema up to date (under a lock, so that several processes may start at once). A newer
 * schema that this program cannot live with, or a file that is something else, is refused
 * with ERR_CONFLICT. */
struct store *store_open(const char *url, struct err *e)
    __attribute__((warn_unused_result));

/* Whether that still holds: a newer program may have been there meanwhile. */
bool store_schema_check(struct store *s, struct err *e)
    __attribute__((warn_unused_result));
void store_close(struct store *s); /* NULL is allowed */

/* The URL as it may be shown: without a password. */
enum { STORE_SHOWN_MAX = 256 };
void store_url_show(const char *url, char text[STORE_SHOWN_MAX]);

/* The part of the URL that is its password: *n bytes of it; or NULL. */
const char *store_url_password(const char *url, size_t *n);

/* Differs from the last answer when another connection has committed since. Cheap. -1: it
 * could not be read. */
int64_t store_change_counter(struct store *s, struct err *e);

/* What time it is by the store's clock; by the host's when the store is away. */
int64_t store_now_ms(struct store *s);

/* Whether processes of other machines may use it. */
bool store_is_shared(const struct store *s);

/* Hints that something was committed by anybody, where the store gives them: the change
 * counter and a look now and then are the truth behind them. store_listen is what to poll
 * for input (-1: nothing; it may change), store_heard what has been heard since the last
 * call; it is to be asked before each wait. */
enum store_hint {
    STORE_HINT_JOBS = 1,  /* a job was posted, asked something, put back, or has ended */
    STORE_HINT_MODELS = 2 /* a version was published or deleted, or an alias moved */
};
int store_listen(struct store *s);
unsigned store_heard(struct store *s); /* bits of enum store_hint */

/* ---- bytes ---------------------------------------------------------------------- */

enum { STORE_CHUNK_BYTES = 1 << 20, STORE_SHA256_TEXT = 65 };

/* The SHA-256 of bytes in lower-case hexadecimal, as it stands with blobs. */
void store_sha256(const void *bytes, size_t n, char text[STORE_SHA256_TEXT]);

/* Writes bytes in chunked rows, a short transaction each, and seals them with their
 * SHA-256. Bytes that are already there are found by it and not written again. A blob
 * that nothing refers to is swept after an hour. @return its id in *blob. */
bool store_blob_put(struct store *s, const void *bytes, size_t n, int64_t now_ms,
                    int64_t *blob, char sha256[STORE_SHA256_TEXT], struct err *e)
    __attribute__((warn_unused_result));

/* Reads a sealed blob into a new block aligned to 64 bytes (free() it) and checks its
 * SHA-256: ERR_STORAGE when that differs, ERR_NOT_FOUND when there is none. */
bool store_blob_get(struct store *s, int64_t blob, void **bytes, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

/* A blob that arrives in pieces: begin, add as often as need be, then end or abort. Each
 * full chunk is a short transaction; nothing else is held between the calls. */
struct store_blob_writer;
struct store_blob_writer *store_blob_begin(struct store *s, int64_t now_ms, struct err *e)
    __attribute__((warn_unused_result));
/* `s` is the calling thread's store: the calls may come from different threads in turn.
 * After a failure only abort is left. A blob that got no chunk for an hour is swept:
 * ERR_STORAGE. */
bool store_blob_add(struct store *s, struct store_blob_writer *w, const void *bytes,
                    size_t n, int64_t now_ms, struct err *e)
    __attribute__((warn_unused_result));
/* Seals it, as store_blob_put does, and frees the writer; a failure has dropped it all.
 * *blob and *bytes are set on success alone. */
bool store_blob_end(struct store *s, struct store_blob_writer *w, int64_t now_ms,
                    int64_t *blob, int64_t *bytes, char sha256[STORE_SHA256_TEXT],
                    struct err *e) __attribute__((warn_unused_result));
/* Drops what was written (best effort; the sweep takes the rest) and frees the writer. */
void store_blob_abort(struct store *s, struct store_blob_writer *w);

/* Reads a sealed blob chunk by chunk, in order, each passed to `take` (false ends it with
 * *e). The SHA-256 is checked at the end: ERR_STORAGE when it differs. */
typedef bool store_blob_take(void *context, const void *bytes, size_t n, struct err *e);
bool store_blob_each(struct store *s, int64_t blob, store_blob_take *take, void *context,
                     struct err *e) __attribute__((warn_unused_result));

/* Deletes blobs that nothing refers to and that are older than an hour. */
bool store_blob_sweep(struct store *s, int64_t now_ms, int64_t *deleted, struct err *e)
    __attribute__((warn_unused_result));

/* ---- models --------------------------------------------------------------------- */

struct store_version {
    char model[STORE_NAME_MAX];
    int64_t version; /* from 1; numbers are never used twice for one name */
    int64_t blob;
    char sha256[STORE_SHA256_TEXT];
    int64_t bytes;
    char job_id[STORE_ID_MAX]; /* "" when it came from no job */
    char *document;            /* JSON; owned: store_version_free */
    int64_t created_ms;
};
void store_version_free(struct store_version *v);

/* version 0 means the latest. */
bool store_version_get(struct store *s, const char *model, int64_t version,
                       struct store_version *v, struct err *e)
    __attribute__((warn_unused_result));

/* Versions of one model, newest first, or (model NULL) the latest version of each model,
 * by name. `after`: a version number as text, or a name; NULL for the start. */
bool store_versions_list(struct store *s, const char *model, const char *after,
                         size_t limit, struct store_version **versions, size_t *n,
                         bool *more, struct err *e) __attribute__((warn_unused_result));

/* Publishes a version beside a job's own end: an import, or a checkpoint of `job_id`. */
struct store_version_new {
    const char *model;
    const char *job_id; /* NULL or "": it came from no job */
    int64_t blob;
    const char *document;
    int64_t now_ms;
};
bool store_version_add(struct store *s, const struct store_version_new *version,
                       int64_t *number, struct err *e)
    __attribute__((warn_unused_result));

/* Which of versions (n, ascending) the store has: there (n). */
bool store_versions_there(struct store *s, const char *model, const int64_t *versions,
                          size_t n, bool *there, struct err *e)
    __attribute__((warn_unused_result));

/* Deletes one version. ERR_CONFLICT when an alias points to it, naming the alias. */
bool store_version_delete(struct store *s, const char *model, int64_t version,
                          struct err *e) __attribute__((warn_unused_result));

/* Aliases of a model's versions. `change` counts the moves of an alias, from 1: the value
 * for compare-and-swap. Each set is a move; the count goes on when the alias is deleted
 * and made anew. Names have no @ in them. */
struct store_alias {
    char model[STORE_NAME_MAX], alias[STORE_NAME_MAX];
    int64_t version, change, changed_ms;
};
/* Points the alias to `version` (which must exist: ERR_NOT_FOUND). expected_change: 0 it
 * must not exist yet, > 0 it must stand at that change, -1 whatever; ERR_CONFLICT
 * otherwise. */
bool store_alias_set(struct store *s, const char *model, const char *alias,
                     int64_t version, int64_t expected_change, int64_t now_ms,
                     struct store_alias *result, struct err *e)
    __attribute__((warn_unused_result));
bool store_alias_get(struct store *s, const char *model, const char *alias,
                     struct store_alias *result, struct err *e)
    __attribute__((warn_unused_result));
bool store_alias_delete(struct store *s, const char *model, const char *alias,
                        struct err *e) __attribute__((warn_unused_result));
/* Of one model, or of all (NULL), by model and alias: a new array (free it). */
bool store_aliases(struct store *s, const char *model, struct store_alias **aliases,
                   size_t *n, struct err *e) __attribute__((warn_unused_result));

/* ---- datasets -----------------------------------------------------------------------
 */

/* One revision of a dataset: one table, or features and targets apart. Content never
 * changes; a new upload is a new revision, numbered from 1, never the same twice for a
 * name. */
enum dataset_part { DATASET_TABLE, DATASET_FEATURES, DATASET_TARGETS, DATASET_PARTS_N };
struct store_part {
    int64_t blob; /* 0: this part is not there */
    int64_t bytes;
    char sha256[STORE_SHA256_TEXT];
    char *document; /* JSON: format and profile; owned; NULL when the part is not there */
};
struct store_dataset {
    char name[STORE_NAME_MAX];
    int64_t revision, created_ms;
    struct store_part parts[DATASET_PARTS_N];
};
void store_dataset_free(struct store_dataset *d);

/* Makes the next revision with this part. A table replaces everything; features or
 * targets keep the other one of the latest revision, and drop its table. *created: the
 * name was new. */
struct store_part_new {
    const char *name;
    enum dataset_part part;
    int64_t blob, bytes;
    const char *sha256, *document;
    int64_t now_ms;
    bool alone;       /* features or targets: drop the other one as well */
    bool expects;     /* ERR_CONFLICT unless the latest revision is this one: */
    int64_t expected; /* 0: none */
};
bool store_dataset_put(struct store *s, const struct store_part_new *part,
                       int64_t *revision, bool *created, struct err *e)
    __attribute__((warn_unused_result));

/* revision 0: the latest. ERR_NOT_FOUND. */
bool store_dataset_get(struct store *s, const char *name, int64_t revision,
                       struct store_dataset *d, struct err *e)
    __attribute__((warn_unused_result));

/* The latest revision of each dataset, by name, behind `after` (or NULL). Of the
 * documents only the first STORE_DOCUMENT_HEAD characters. */
enum { STORE_DOCUMENT_HEAD = 512 };
bool store_datasets_list(struct store *s, const char *after, size_t limit,
                         struct store_dataset **datasets, size_t *n, bool *more,
                         struct err *e) __attribute__((warn_unused_result));

/* Deletes all its revisions. Jobs that are queued or running on it keep their bytes. */
bool store_dataset_delete(struct store *s, const char *name, struct err *e)
    __attribute__((warn_unused_result));

/* Deletes a model with all its versions and aliases. ERR_NOT_FOUND when there is none. */
bool store_model_delete(struct store *s, const char *model, struct err *e)
    __attribute__((warn_unused_result));

#endif
