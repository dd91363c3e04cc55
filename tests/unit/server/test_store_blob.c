#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/server/test_store.h"

enum { HOUR_MS = 60 * 60 * 1000, CHUNKS_MANY = 64 };

static void round_trip(struct store *s, const void *bytes, size_t n) {
    struct err e = {0};
    int64_t blob = 0;
    char sha256[STORE_SHA256_TEXT];
    void *got = NULL;
    size_t got_n = n + 1;
    if (!OK(store_blob_put(s, bytes, n, 1, &blob, sha256, &e)) ||
        !OK(store_blob_get(s, blob, &got, &got_n, &e)))
        return;
    CHECK(got_n == n && memcmp(got, bytes, n) == 0);
    CHECK((uintptr_t)got % 64 == 0);
    free(got);
}

static void sizes_come_back(void) {
    static const size_t SIZES[] = {0,
                                   1,
                                   63,
                                   64,
                                   STORE_CHUNK_BYTES - 1,
                                   STORE_CHUNK_BYTES,
                                   STORE_CHUNK_BYTES + 1,
                                   STORE_CHUNK_BYTES * 7 / 2};
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        unsigned char *bytes = some_bytes(SIZES[i], (unsigned)i);
        round_trip(s, bytes, SIZES[i]);
        free(bytes);
    }
    /* 3.5 MiB are three whole chunks and a half. */
    CHECK(raw_int(&p, "SELECT count(*) FROM blob_chunks WHERE blob ="
                      " (SELECT max(id) FROM blobs)") == 4);
    store_close(s);
    place_free(&p);
}

static void same_bytes_same_blob(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    int64_t first, second, third;
    char sha256[STORE_SHA256_TEXT];
    OK(store_blob_put(s, "abc", 3, 1, &first, sha256, &e));
    CHECK_TEXT(sha256,
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    OK(store_blob_put(s, "abc", 3, 1, &second, sha256, &e));
    OK(store_blob_put(s, "abd", 3, 1, &third, sha256, &e));
    CHECK(first == second && first != third);
    CHECK(raw_int(&p, "SELECT count(*) FROM blob_chunks") == 2);
    store_close(s);
    place_free(&p);
}

static void damage_is_seen(void) {
    static const struct {
        const char *sql, *says;
    } DAMAGES[] = {
        {"UPDATE blob_chunks SET bytes = 'abXdefgh'", "SHA-256"},
        {"UPDATE blob_chunks SET bytes = 'abcdefg'", "missing"},
        {"UPDATE blob_chunks SET bytes = 'abcdefghi'", "more"},
        {"DELETE FROM blob_chunks", "missing"},
        {"UPDATE blobs SET bytes = -1", "negative"},
    };
    for (size_t i = 0; i < sizeof DAMAGES / sizeof *DAMAGES; i++) {
        struct place p;
        struct err e = {0};
        place_new(&p);
        struct store *s = place_open(&p);
        int64_t blob;
        char sha256[STORE_SHA256_TEXT];
        void *got;
        size_t n;
        OK(store_blob_put(s, "abcdefgh", 8, 1, &blob, sha256, &e));
        raw_int(&p, DAMAGES[i].sql);
        CHECK(!store_blob_get(s, blob, &got, &n, &e));
        CHECK_SAY(e.kind == ERR_STORAGE && strstr(e.text, DAMAGES[i].says), "%s", e.text);
        store_close(s);
        place_free(&p);
    }
}

/* Byte 12345 of chunk 2. */
static void file_flip(const struct place *p, unsigned char byte) {
    sqlite3 *db = NULL;
    sqlite3_blob *handle = NULL;
    int64_t row = raw_int(p, "SELECT rowid FROM blob_chunks WHERE chunk = 2");
    CHECK(sqlite3_open(p->path, &db) == SQLITE_OK);
    CHECK(sqlite3_blob_open(db, "main", "blob_chunks", "bytes", row, 1, &handle) ==
          SQLITE_OK);
    CHECK(sqlite3_blob_write(handle, &byte, 1, 12345) == SQLITE_OK);
    sqlite3_blob_close(handle);
    sqlite3_close(db);
}

static void one_flipped_byte_is_seen(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    size_t n = STORE_CHUNK_BYTES * 7 / 2;
    unsigned char *bytes = some_bytes(n, 7);
    int64_t blob;
    char sha256[STORE_SHA256_TEXT];
    void *got;
    OK(store_blob_put(s, bytes, n, 1, &blob, sha256, &e));

    if (place_on_server)
        raw(p.path, "UPDATE blob_chunks SET bytes = set_byte(bytes, 12345,"
                    " get_byte(bytes, 12345) # 1) WHERE chunk = 2");
    else
        file_flip(&p, bytes[2 * STORE_CHUNK_BYTES + 12345] ^ 1);

    FAILS(store_blob_get(s, blob, &got, &n, &e), ERR_STORAGE);
    free(bytes);
    store_close(s);
    place_free(&p);
}

static void unknown_and_unsealed(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    void *got;
    size_t n;
    FAILS(store_blob_get(s, 1, &got, &n, &e), ERR_NOT_FOUND);
    int64_t blob = some_blob(s);
    raw_int(&p, "UPDATE blobs SET sha256 = NULL");
    FAILS(store_blob_get(s, blob, &got, &n, &e), ERR_NOT_FOUND);
    const struct store_job_new job = {
        .id = "a", .model = "m", .hyperparameters = "{}", .data_blob = blob};
    FAILS(insert_new(s, &job, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

static void sweep_takes_what_nobody_holds(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    int64_t held = some_blob(s), model, loose, fresh, big, deleted = -1;
    char sha256[STORE_SHA256_TEXT];
    OK(insert_job(s, "a", "m", &e)); /* holds `held` */
    OK(store_blob_put(s, "model", 5, 1, &model, sha256, &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_outcome outcome = {.status = JOB_SUCCEEDED,
                                    .error_epoch = -1,
                                    .model_blob = model,
                                    .model_document = "{}"};
    int64_t version;
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    OK(store_blob_put(s, "loose", 5, 1000, &loose, sha256, &e));
    OK(store_blob_put(s, "fresh", 5, 1002, &fresh, sha256, &e));
    unsigned char *bytes = some_bytes(20 * STORE_CHUNK_BYTES, 3);
    OK(store_blob_put(s, bytes, 20 * STORE_CHUNK_BYTES, 1000, &big, sha256, &e));
    free(bytes);
    raw_int(&p, "UPDATE blobs SET sha256 = NULL WHERE id = (SELECT max(id) FROM blobs)");

    OK(store_blob_sweep(s, 1000 + HOUR_MS, &deleted, &e));
    CHECK(deleted == 0); /* not older than an hour yet */
    OK(store_blob_sweep(s, 1001 + HOUR_MS, &deleted, &e));
    CHECK(deleted == 2); /* the loose and the unsealed one */
    void *got;
    size_t n;
    FAILS(store_blob_get(s, loose, &got, &n, &e), ERR_NOT_FOUND);
    FAILS(store_blob_get(s, big, &got, &n, &e), ERR_NOT_FOUND);
    CHECK(raw_int(&p, "SELECT count(*) FROM blob_chunks") == 3);
    const int64_t kept[] = {held, model, fresh};
    for (size_t i = 0; i < 3; i++) {
        OK(store_blob_get(s, kept[i], &got, &n, &e));
        free(got);
    }
    OK(store_model_delete(s, "m", &e)); /* the job's data stay, the model's bytes go */
    OK(store_blob_sweep(s, 1001 + HOUR_MS, &deleted, &e));
    CHECK(deleted == 1);
    FAILS(store_blob_get(s, model, &got, &n, &e), ERR_NOT_FOUND);
    CHECK(status_of(s, "a") == JOB_SUCCEEDED);
    store_close(s);
    place_free(&p);
}

static void put_again_makes_it_young(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    int64_t blob, again, deleted;
    char sha256[STORE_SHA256_TEXT];
    OK(store_blob_put(s, "x", 1, 0, &blob, sha256, &e));
    OK(store_blob_put(s, "x", 1, HOUR_MS, &again, sha256, &e));
    /* Whoever just put it has an hour to refer to it. */
    OK(store_blob_sweep(s, 2 * HOUR_MS, &deleted, &e));
    CHECK(deleted == 0);
    OK(store_blob_sweep(s, 2 * HOUR_MS + 1, &deleted, &e));
    CHECK(deleted == 1);
    OK(store_blob_put(s, "x", 1, HOUR_MS, &again, sha256, &e));
    CHECK(again != blob); /* ids are not used twice */
    store_close(s);
    place_free(&p);
}

struct putter {
    const struct place *place;
    pthread_barrier_t *start;
    const unsigned char *bytes;
    size_t n;
    int64_t blob;
    struct err e;
};

static void *put_from_a_thread(void *arg) {
    struct putter *t = arg;
    char sha256[STORE_SHA256_TEXT];
    struct store *s = store_open(t->place->path, &t->e);
    pthread_barrier_wait(t->start);
    if (s && !store_blob_put(s, t->bytes, t->n, 1, &t->blob, sha256, &t->e))
        t->blob = 0;
    store_close(s);
    return NULL;
}

/* Four threads put the same new bytes: one blob comes of it, and all four get it. */
static void put_at_once(const struct place *p, struct store *s, unsigned seed) {
    enum { THREADS = 4 };
    struct err e = {0};
    size_t n = STORE_CHUNK_BYTES * 7 / 2;
    unsigned char *bytes = some_bytes(n, seed);
    struct putter putters[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        putters[i] = (struct putter){.place = p, .start = &start, .bytes = bytes, .n = n};
        CHECK(!pthread_create(&threads[i], NULL, put_from_a_thread, &putters[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_SAY(putters[i].blob && putters[i].blob == putters[0].blob, "%lld: %s",
                  (long long)putters[i].blob, putters[i].e.text);
    }
    void *got = NULL;
    size_t got_n = 0;
    OK(store_blob_get(s, putters[0].blob, &got, &got_n, &e));
    CHECK(got_n == n && memcmp(got, bytes, n) == 0);
    free(got);
    free(bytes);
    pthread_barrier_destroy(&start);
}

static void many_put_the_same(void) {
    enum { ROUNDS_MAX = 50 };
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    /* Until two of them did begin to write before either was done, which is in most
     * rounds. */
    int64_t rounds = 0;
    do
        put_at_once(&p, s, (unsigned)rounds++);
    while (raw_int(&p, "SELECT value FROM counters WHERE kind = 'blob'") == rounds &&
           CHECK(rounds < ROUNDS_MAX));
    CHECK(raw_int(&p, "SELECT count(*) FROM blobs") == rounds);
    CHECK(raw_int(&p, "SELECT count(*) FROM blob_chunks") == 4 * rounds);
    store_close(s);
    place_free(&p);
}

struct long_put {
    struct store *store;
    pthread_t thread;
    atomic_bool ended;
};

static void *put_for_long(void *context) {
    struct long_put *put = context;
    struct err e = {0};
    int64_t blob;
    char sha256[STORE_SHA256_TEXT];
    const size_t n = (size_t)CHUNKS_MANY * STORE_CHUNK_BYTES;
    unsigned char *bytes = some_bytes(n, 7);
    OK(store_blob_put(put->store, bytes, n, 1, &blob, sha256, &e));
    free(bytes);
    atomic_store(&put->ended, true);
    return NULL;
}

/* Who writes chunk after chunk lets others write between them. */
static void others_write_between_chunks(void) {
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    struct long_put put = {.store = place_open(&p)};
    CHECK(pthread_create(&put.thread, NULL, put_for_long, &put) == 0);
    int written = 0;
    for (unsigned i = 0; !atomic_load(&put.ended); i++) {
        struct err e = {0};
        int64_t blob;
        char sha256[STORE_SHA256_TEXT];
        if (!OK(store_blob_put(s, &i, sizeof i, 1, &blob, sha256, &e)))
            break;
        written++;
    }
    pthread_join(put.thread, NULL);
    CHECK_SAY(written >= CHUNKS_MANY / 16, "%d beside %d chunks", written, CHUNKS_MANY);
    store_close(put.store);
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(sizes_come_back);
    STORE_RUN(same_bytes_same_blob);
    STORE_RUN(damage_is_seen);
    STORE_RUN(one_flipped_byte_is_seen);
    STORE_RUN(unknown_and_unsealed);
    STORE_RUN(sweep_takes_what_nobody_holds);
    STORE_RUN(put_again_makes_it_young);
    STORE_RUN(many_put_the_same);
    STORE_RUN(others_write_between_chunks);
    return check_done();
}
