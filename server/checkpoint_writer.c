#include "server/checkpoint_writer.h"

#include <stdlib.h>

void checkpoint_files_free(struct checkpoint_files *files) {
    for (size_t i = 0; i < files->n; i++)
        free(files->bytes[i]);
    *files = (struct checkpoint_files){0};
}

void checkpoint_writer_rewind(struct checkpoint_writer *w, struct store *s) {
    if (w->blob)
        store_blob_abort(s, w->blob);
    *w = (struct checkpoint_writer){.files = w->files};
}

void checkpoint_writer_drop(struct checkpoint_writer *w, struct store *s) {
    checkpoint_writer_rewind(w, s);
    checkpoint_files_free(&w->files);
    *w = (struct checkpoint_writer){0};
}

static bool file_end(struct checkpoint_writer *w, struct store *s, struct err *e) {
    struct store_checkpoint *row = &w->files.rows[w->file];
    char sha256[STORE_SHA256_TEXT];
    struct store_blob_writer *blob = w->blob;
    w->blob = NULL;
    w->written_n = 0;
    w->file++;
    return store_blob_end(s, blob, store_now_ms(s), &row->blob, &row->bytes, sha256, e);
}

static bool file_go_on(struct checkpoint_writer *w, struct store *s, struct err *e) {
    const struct store_checkpoint *row = &w->files.rows[w->file];
    size_t left = (size_t)row->bytes - w->written_n;
    size_t n = left < STORE_CHUNK_BYTES ? left : STORE_CHUNK_BYTES;
    const char *bytes = w->files.bytes[w->file];
    if (!w->blob && !(w->blob = store_blob_begin(s, store_now_ms(s), e)))
        return false;
    if (!n)
        return file_end(w, s, e);
    if (!store_blob_add(s, w->blob, bytes + w->written_n, n, store_now_ms(s), e))
        return false;
    w->written_n += n;
    return true;
}

enum checkpoint_step checkpoint_writer_step(struct checkpoint_writer *w, struct store *s,
                                            struct err *e) {
    if (w->file == w->files.n)
        return CHECKPOINT_READY;
    return file_go_on(w, s, e) ? CHECKPOINT_MORE : CHECKPOINT_FAILED;
}
