#include "server/checkpoint_writer.h"

#include "tests/unit/server/test_store.h"

enum { SMALL = 1000, LARGE = 2 * STORE_CHUNK_BYTES + 5 };

static struct checkpoint_writer writer_of(const unsigned char *small,
                                          const unsigned char *large) {
    struct checkpoint_writer w = {.files.n = 2};
    const unsigned char *const all[] = {small, large};
    const size_t bytes[] = {SMALL, LARGE};
    for (size_t i = 0; i < 2; i++) {
        w.files.rows[i] = (struct store_checkpoint){.bytes = (int64_t)bytes[i]};
        w.files.bytes[i] = malloc(bytes[i]);
        memcpy(w.files.bytes[i], all[i], bytes[i]);
    }
    return w;
}

/* Steps until it is ready or fails. */
static enum checkpoint_step steps(struct checkpoint_writer *w, struct store *s) {
    enum checkpoint_step step;
    do {
        struct err e = {0};
        step = checkpoint_writer_step(w, s, &e);
    } while (step == CHECKPOINT_MORE);
    return step;
}

static void check_files(const struct checkpoint_writer *w, struct store *s,
                        const unsigned char *small, const unsigned char *large) {
    const unsigned char *const all[] = {small, large};
    const size_t bytes[] = {SMALL, LARGE};
    for (size_t i = 0; i < 2; i++) {
        struct err e = {0};
        void *got = NULL;
        size_t n = 0;
        CHECK(w->files.rows[i].bytes == (int64_t)bytes[i]);
        OK(store_blob_get(s, w->files.rows[i].blob, &got, &n, &e));
        CHECK_SAY(n == bytes[i] && got && memcmp(got, all[i], n) == 0, "file %zu: %zu", i,
                  n);
        free(got);
    }
}

/* Whatever step the store fails at, the files are whole when all is tried again. */
static void test_again(void) {
    unsigned char *small = some_bytes(SMALL, 1), *large = some_bytes(LARGE, 2);
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    int whole_n = 0;
    for (int well = 0; whole_n == 0 && well < 20; well++) {
        struct checkpoint_writer w = writer_of(small, large);
        for (int i = 0; i < well; i++) {
            struct err e = {0};
            OK(checkpoint_writer_step(&w, s, &e) == CHECKPOINT_MORE);
        }
        raw(p.path, "ALTER TABLE blob_chunks RENAME TO gone");
        whole_n += steps(&w, s) == CHECKPOINT_READY; /* nothing was left to do */
        raw(p.path, "ALTER TABLE gone RENAME TO blob_chunks");
        checkpoint_writer_rewind(&w, s);
        CHECK(steps(&w, s) == CHECKPOINT_READY);
        check_files(&w, s, small, large);
        checkpoint_writer_drop(&w, s);
        raw(p.path, "DELETE FROM blob_chunks");
        raw(p.path, "DELETE FROM blobs");
    }
    CHECK(whole_n == 1);
    store_close(s);
    place_free(&p);
    free(small);
    free(large);
}

int main(void) {
    STORE_RUN(test_again);
    return check_done();
}
