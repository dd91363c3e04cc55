/* Puts the files of a checkpoint into the store, one short transaction a call, so that
 * whoever writes them can keep a lease in between. One thread. */
#ifndef SERVER_CHECKPOINT_WRITER_H
#define SERVER_CHECKPOINT_WRITER_H

#include "server/store.h"

enum { CHECKPOINT_FILES_MAX = 2 };

/* What is kept together: the state of a moment, and the best parameters where they are
 * news. */
struct checkpoint_files {
    struct store_checkpoint rows[CHECKPOINT_FILES_MAX];
    void *bytes[CHECKPOINT_FILES_MAX]; /* of rows[i].bytes; owned */
    size_t n;
};
void checkpoint_files_free(struct checkpoint_files *files);

struct checkpoint_writer {
    struct checkpoint_files files;
    size_t file;      /* the one in hand */
    size_t written_n; /* bytes of it */
    struct store_blob_writer *blob;
};

enum checkpoint_step {
    CHECKPOINT_MORE,   /* call again */
    CHECKPOINT_READY,  /* rows[i].blob stand; store_claim_checkpoint is next */
    CHECKPOINT_FAILED, /* *e; drop the writer, or rewind it */
};
enum checkpoint_step checkpoint_writer_step(struct checkpoint_writer *w, struct store *s,
                                            struct err *e);

/* Back to the beginning, with the same files: a blob half written goes. */
void checkpoint_writer_rewind(struct checkpoint_writer *w, struct store *s);

/* Frees what it holds; a blob half written goes. */
void checkpoint_writer_drop(struct checkpoint_writer *w, struct store *s);

#endif
