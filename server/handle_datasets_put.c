/* PUT /v1/datasets/{name}: a file on its way into the store and through its reader at
 * once. Nothing of it is visible before all of it was read, and nothing stays of one that
 * was refused or did not arrive. */
#include "server/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/datasets.h"

enum { PUT_ATTEMPTS = 8 };

struct upload_file {
    char name[STORE_NAME_MAX];
    enum dataset_part part;
    struct reader_options options;
    struct table_sink sink;
    struct profiler *profiler;
    struct reader *reader;
    struct store_blob_writer *writer; /* NULL before the first piece and after the end */
};

/* ---- what the query asks ------------------------------------------------------------
 */

static bool format_read(const struct http_request *request, struct reader_options *o,
                        struct err *e) {
    const char *name = http_query_text(request, "format");
    if (!name) {
        o->format = reader_format_of(request->content_type);
        return true;
    }
    for (enum table_format f = TABLE_CSV; f <= TABLE_IDX; f++)
        if (strcmp(reader_format_name(f), name) == 0) {
            o->format = f;
            return true;
        }
    return err_set(e, ERR_INVALID, "format",
                   "expected csv, json, jsonl, npy or idx, got \"%.40s\"", name);
}

static bool options_read(const struct http_request *request, struct reader_options *o,
                         struct err *e) {
    const char *header = http_query_text(request, "header");
    const char *delimiter = http_query_text(request, "delimiter");
    if (!format_read(request, o, e))
        return false;
    if (header && strcmp(header, "true") != 0 && strcmp(header, "false") != 0)
        return err_set(e, ERR_INVALID, "header", "expected true or false, got \"%.40s\"",
                       header);
    if (header)
        o->header = header[0] == 't';
    if (delimiter && !dataset_delimiter_find(delimiter, &o->delimiter))
        return err_set(e, ERR_INVALID, "delimiter",
                       "expected comma, semicolon or tab, got \"%.40s\"", delimiter);
    return true;
}

/* What was said of a CSV file is not silently forgotten with another. */
static bool options_fit(const struct upload_file *f, enum table_format found,
                        struct err *e) {
    if (found == TABLE_CSV || (f->options.header < 0 && !f->options.delimiter))
        return true;
    return err_set(e, ERR_INVALID, f->options.delimiter ? "delimiter" : "header",
                   "is for CSV, and the file is %s", reader_format_name(found));
}

/* ---- the stream ---------------------------------------------------------------------
 */

static void file_free(struct upload_file *f) {
    reader_free(f->reader);
    if (f->profiler)
        profiler_free(f->profiler);
    free(f);
}

static void *file_open(const struct http_request *request, enum dataset_part part,
                       struct err *e) {
    if (!datasets_name_check(request->parameters[0], e))
        return NULL;
    struct upload_file *f = calloc(1, sizeof *f);
    if (!f) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for an upload");
        return NULL;
    }
    snprintf(f->name, sizeof f->name, "%s", request->parameters[0]);
    f->part = part;
    f->options = (struct reader_options)READER_OPTIONS_DEFAULT;
    if (options_read(request, &f->options, e) &&
        (f->profiler = profiler_new(&f->sink, e)) &&
        (f->reader = reader_new(&f->options, &f->sink, e)))
        return f;
    file_free(f);
    return NULL;
}

static void *table_open(void *subsystem, const struct http_request *request,
                        struct err *e) {
    (void)subsystem;
    return file_open(request, DATASET_TABLE, e);
}

static void *features_open(void *subsystem, const struct http_request *request,
                           struct err *e) {
    (void)subsystem;
    return file_open(request, DATASET_FEATURES, e);
}

static void *targets_open(void *subsystem, const struct http_request *request,
                          struct err *e) {
    (void)subsystem;
    return file_open(request, DATASET_TARGETS, e);
}

static bool file_piece(void *stream, struct store *store, const void *bytes, size_t n,
                       struct err *e) {
    struct upload_file *f = stream;
    /* Read before it is written: a bad file should cost the disk nothing. */
    if (!reader_feed(f->reader, bytes, n, e))
        return false;
    if (!f->writer && !(f->writer = store_blob_begin(store, store_now_ms(store), e)))
        return false;
    return store_blob_add(store, f->writer, bytes, n, store_now_ms(store), e);
}

static void file_close(void *stream, struct store *store) {
    struct upload_file *f = stream;
    if (f->writer)
        store_blob_abort(store, f->writer);
    file_free(f);
}

/* ---- the end of a file --------------------------------------------------------------
 */

/* Features and targets must have as many rows as each other. Until both are there, and
 * for targets always, what does not fit is refused; features of another number of rows
 * begin a new pair where there was a whole one. */
static bool pair_check(struct store *store, const struct upload_file *f, int64_t rows,
                       struct store_part_new *part, struct err *e) {
    struct store_dataset d;
    struct err found = {0};
    part->expects = true;
    part->expected = 0;
    part->alone = false;
    if (!store_dataset_get(store, f->name, 0, &d, &found)) {
        if (found.kind == ERR_NOT_FOUND)
            return true;
        *e = found;
        return false;
    }
    part->expected = d.revision;
    bool features = f->part == DATASET_FEATURES;
    const struct store_part *other =
        &d.parts[features ? DATASET_TARGETS : DATASET_FEATURES];
    struct dataset_counts counts = {0};
    bool ok = !other->document || dataset_counts_decode(other->document, &counts, e);
    if (ok && other->document && counts.rows != rows) {
        part->alone = features && d.parts[DATASET_FEATURES].document;
        ok = part->alone || err_set(e, ERR_INVALID, NULL,
                                    "the %s have %" PRId64 " rows, and the %s %" PRId64,
                                    features ? "features" : "targets", rows,
                                    features ? "targets" : "features", counts.rows);
    }
    store_dataset_free(&d);
    return ok;
}

/* Makes the revision; again when another upload came between the look and the step. */
static bool part_put(struct store *store, const struct upload_file *f, int64_t rows,
                     struct store_part_new *part, int64_t *revision, bool *created,
                     struct err *e) {
    for (int attempt = 1;; attempt++) {
        struct err failed = {0};
        if (f->part != DATASET_TABLE && !pair_check(store, f, rows, part, e))
            return false;
        if (store_dataset_put(store, part, revision, created, &failed))
            return true;
        if (failed.kind != ERR_CONFLICT || attempt == PUT_ATTEMPTS) {
            *e = failed;
            return false;
        }
    }
}

/* The document of what was read, which must be whole and sound. */
static char *file_document(struct upload_file *f, int64_t *rows, struct err *e) {
    struct profile profile = {0};
    struct text text = {0};
    struct reader_found found = {0};
    if (!reader_end(f->reader, e))
        return NULL;
    found = reader_found(f->reader);
    if (!options_fit(f, found.format, e) || !profiler_end(f->profiler, &profile, e))
        return NULL;
    *rows = (int64_t)profile.rows_n;
    dataset_part_encode(&found, &profile, &text);
    profile_free(&profile);
    char *document = text_take(&text);
    if (!document)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for a dataset's document");
    return document;
}

static bool file_end(void *stream, struct store *store,
                     const struct http_request *request, struct http_reply *reply,
                     struct err *e) {
    struct upload_file *f = stream;
    struct store_part_new part = {.name = f->name, .part = f->part};
    char sha256[STORE_SHA256_TEXT];
    int64_t rows = 0, revision = 0;
    bool created = false;
    (void)request;
    char *document = file_document(f, &rows, e);
    if (!document)
        return false;
    bool ok = f->part == DATASET_TABLE || pair_check(store, f, rows, &part, e);
    if (ok) {
        struct store_blob_writer *writer = f->writer;
        f->writer = NULL; /* its end frees it, come what may */
        ok = store_blob_end(store, writer, store_now_ms(store), &part.blob, &part.bytes,
                            sha256, e);
    }
    part.sha256 = sha256;
    part.document = document;
    part.now_ms = store_now_ms(store);
    ok = ok && part_put(store, f, rows, &part, &revision, &created, e) &&
         datasets_reply(store, f->name, revision, false, reply, e);
    free(document);
    if (!ok)
        return false;
    reply->status = created ? 201 : 200;
    snprintf(reply->location, sizeof reply->location, "/v1/datasets/%s", f->name);
    return true;
}

#define STREAM(open)                                                                     \
    { open, file_piece, file_end, file_close }
const struct http_stream datasets_put_table = STREAM(table_open);
const struct http_stream datasets_put_features = STREAM(features_open);
const struct http_stream datasets_put_targets = STREAM(targets_open);
