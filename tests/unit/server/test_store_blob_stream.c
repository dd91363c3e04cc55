/* Blobs that come and go in pieces. */
#include "tests/unit/server/test_store.h"

enum {
    MIB = 1 << 20,
    HOUR_MS = 60 * 60 * 1000,
    PERIOD = 65521, /* a prime: no two chunks are alike */
    PIECE_MAX = 3 * MIB / 2,
};

/* Any stretch of the content up to PIECE_MAX bytes is in one piece in `pattern`. */
static unsigned char *pattern;

static const unsigned char *content(size_t at) {
    return pattern + at % PERIOD;
}

static void pattern_new(void) {
    pattern = some_bytes(PERIOD + PIECE_MAX, 11);
    for (size_t i = PERIOD; i < PERIOD + PIECE_MAX; i++)
        pattern[i] = pattern[i - PERIOD];
}

static const size_t PIECES[] = {1, 4095, 0, 65537, MIB + 1, 7, PIECE_MAX, 100003, MIB};

static bool stream_add(struct store *s, struct store_blob_writer *w, size_t n,
                       struct err *e) {
    for (size_t at = 0, i = 0; at < n; i++) {
        size_t piece = PIECES[i % (sizeof PIECES / sizeof *PIECES)];
        piece = piece < n - at ? piece : n - at;
        if (!store_blob_add(s, w, content(at), piece, 1, e))
            return false;
        at += piece;
    }
    return true;
}

struct stream {
    int64_t blob, bytes;
    char sha256[STORE_SHA256_TEXT];
};

static struct stream stream_in(struct store *s, size_t n) {
    struct err e = {0};
    struct stream in = {0};
    struct store_blob_writer *w = store_blob_begin(s, 1, &e);
    if (OK(w != NULL) && OK(stream_add(s, w, n, &e)))
        OK(store_blob_end(s, w, 1, &in.blob, &in.bytes, in.sha256, &e));
    return in;
}

struct taken {
    size_t bytes, chunks, stop_at; /* stop_at: a chunk to be refused, from 1 */
    bool differs;
};

static bool take(void *context, const void *bytes, size_t n, struct err *e) {
    struct taken *t = context;
    t->differs |= memcmp(bytes, content(t->bytes), n) != 0;
    t->bytes += n;
    t->chunks++;
    return t->chunks != t->stop_at || err_set(e, ERR_CANCELLED, NULL, "enough");
}

/* Of this program alone: getrusage would count what was here before exec. */
static int64_t peak_kib(void) {
    FILE *f = fopen("/proc/self/status", "r");
    char line[128];
    long long kib = -1;
    while (f && kib < 0 && fgets(line, sizeof line, f))
        sscanf(line, "VmHWM: %lld", &kib);
    if (f)
        fclose(f);
    CHECK(kib > 0);
    return kib;
}

/* The first test: the peak that it measures is its own. */
static void memory_is_bounded(void) {
    size_t n = 100 * (size_t)MIB + 17;
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    int64_t before = peak_kib();
    struct stream in = stream_in(s, n);
    struct taken t = {0};
    CHECK(in.bytes == (int64_t)n);
    OK(store_blob_each(s, in.blob, take, &t, &e));
    CHECK(t.bytes == n && t.chunks == 101 && !t.differs);
    int64_t grown = peak_kib() - before;
#ifndef __SANITIZE_ADDRESS__
    CHECK_SAY(grown < 16 * 1024, "%lld KiB", (long long)grown);
#endif
    if (getenv("TESTS_VERBOSE"))
        printf("peak memory grew by %lld KiB\n", (long long)grown);
    /* Nor did the log keep it all: the checkpoints came through between the chunks. */
    char wal[220];
    struct stat st;
    snprintf(wal, sizeof wal, "%s-wal", p.path);
    CHECK(place_on_server || (stat(wal, &st) == 0 && st.st_size < 16 * MIB));
    store_close(s);
    place_free(&p);
}

static void same_as_put(void) {
    static const size_t SIZES[] = {0, 1, MIB - 1, MIB, MIB + 1, PIECE_MAX};
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        int64_t blob, chunks = raw_int(&p, "SELECT count(*) FROM blob_chunks");
        char sha256[STORE_SHA256_TEXT];
        struct stream in = stream_in(s, SIZES[i]);
        OK(store_blob_put(s, content(0), SIZES[i], 2, &blob, sha256, &e));
        CHECK(blob == in.blob && in.bytes == (int64_t)SIZES[i]);
        CHECK_TEXT(in.sha256, sha256);
        struct stream again = stream_in(s, SIZES[i]); /* is found when it ends */
        CHECK(again.blob == blob && again.bytes == in.bytes);
        CHECK_TEXT(again.sha256, sha256);
        chunks += (int64_t)(SIZES[i] + MIB - 1) / MIB;
        CHECK(raw_int(&p, "SELECT count(*) FROM blob_chunks") == chunks);
        CHECK(raw_int(&p, "SELECT count(*) FROM blobs") == (int64_t)i + 1);
        void *got = NULL;
        size_t n = 0;
        OK(store_blob_get(s, blob, &got, &n, &e));
        CHECK(n == SIZES[i] && memcmp(got, content(0), n) == 0);
        free(got);
    }
    store_close(s);
    place_free(&p);
}

static void abort_leaves_nothing(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p), *other = place_open(&p);
    struct store_blob_writer *w = store_blob_begin(s, 1, &e);
    OK(stream_add(s, w, 20 * MIB, &e));
    int64_t blob = raw_int(&p, "SELECT id FROM blobs");
    CHECK(raw_int(&p, "SELECT count(*) FROM blob_chunks") == 20);
    struct taken t = {0};
    void *got;
    size_t n;
    /* It is not visible before it ends, and nobody can refer to it. */
    FAILS(store_blob_each(s, blob, take, &t, &e), ERR_NOT_FOUND);
    FAILS(store_blob_get(other, blob, &got, &n, &e), ERR_NOT_FOUND);
    const struct store_job_new job = {
        .id = "a", .model = "m", .hyperparameters = "{}", .data_blob = blob};
    FAILS(insert_new(s, &job, &e), ERR_NOT_FOUND);
    CHECK(t.chunks == 0);
    store_blob_abort(other, w); /* from whatever thread */
    CHECK(raw_int(&p, "SELECT count(*) FROM blobs") == 0);
    CHECK(raw_int(&p, "SELECT count(*) FROM blob_chunks") == 0);
    store_close(other);
    store_close(s);
    place_free(&p);
}

/* An upload may take hours, as long as something of it comes. */
static void sweep_and_slow_writers(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    int64_t blob, bytes, deleted = -1;
    char sha256[STORE_SHA256_TEXT];
    struct store_blob_writer *slow = store_blob_begin(s, 1, &e);
    struct store_blob_writer *dead = store_blob_begin(s, 1, &e);
    OK(store_blob_add(s, slow, content(0), MIB, HOUR_MS, &e));
    OK(store_blob_sweep(s, 3 * HOUR_MS / 2, &deleted, &e));
    CHECK(deleted == 1);
    OK(store_blob_add(s, slow, content(MIB), MIB, 2 * HOUR_MS, &e));
    OK(store_blob_end(s, slow, 2 * HOUR_MS, &blob, &bytes, sha256, &e));
    CHECK(bytes == 2 * MIB);
    /* The one that was away for too long is told so, and seals no remains. */
    CHECK(!store_blob_add(s, dead, content(0), MIB, 2 * HOUR_MS, &e));
    CHECK_SAY(e.kind == ERR_STORAGE && strstr(e.text, "swept"), "%s", e.text);
    e = (struct err){0};
    store_blob_abort(s, dead);
    dead = store_blob_begin(s, 1, &e);
    OK(store_blob_sweep(s, 3 * HOUR_MS / 2, &deleted, &e));
    FAILS(store_blob_end(s, dead, 2 * HOUR_MS, &blob, &bytes, sha256, &e), ERR_STORAGE);
    /* In the middle of a sweep, its row is still there. */
    struct store_blob_writer *late = store_blob_begin(s, 1, &e);
    raw(p.path, "UPDATE blobs SET touched_ms = -1 WHERE sha256 IS NULL");
    FAILS(store_blob_add(s, late, content(0), MIB, 2, &e), ERR_STORAGE);
    store_blob_abort(s, late);
    late = store_blob_begin(s, 1, &e);
    raw(p.path, "UPDATE blobs SET touched_ms = -1 WHERE sha256 IS NULL");
    FAILS(store_blob_end(s, late, 2, &blob, &bytes, sha256, &e), ERR_STORAGE);
    CHECK(raw_int(&p, "SELECT count(*) FROM blobs") == 1);
    store_close(s);
    place_free(&p);
}

static void damage_is_seen(void) {
    static const struct {
        const char *sql, *says;
        int zeros;     /* %s in sql is so many */
        size_t chunks; /* that were passed on before */
    } DAMAGES[] = {
        {"UPDATE blob_chunks SET bytes = %s WHERE chunk = 1", "SHA-256", 1048576, 3},
        {"UPDATE blob_chunks SET bytes = %s WHERE chunk = 2", "missing", 1, 3},
        {"UPDATE blob_chunks SET bytes = %s WHERE chunk = 1", "more", 1048577, 1},
        {"UPDATE blob_chunks SET bytes = %s WHERE chunk = 2", "more", 1048576, 2},
        {"DELETE FROM blob_chunks WHERE chunk = 1", "missing", 0, 1},
        {"UPDATE blobs SET bytes = -1", "negative", 0, 0},
    };
    for (size_t i = 0; i < sizeof DAMAGES / sizeof *DAMAGES; i++) {
        struct place p;
        struct err e = {0};
        place_new(&p);
        struct store *s = place_open(&p);
        struct stream in = stream_in(s, 5 * MIB / 2);
        char zeros[64], sql[160];
        snprintf(zeros, sizeof zeros,
                 place_on_server ? "decode(repeat('00', %d), 'hex')" : "zeroblob(%d)",
                 DAMAGES[i].zeros);
        const char *at = strstr(DAMAGES[i].sql, "%s");
        int head = at ? (int)(at - DAMAGES[i].sql) : (int)strlen(DAMAGES[i].sql);
        snprintf(sql, sizeof sql, "%.*s%s%s", head, DAMAGES[i].sql, at ? zeros : "",
                 at ? at + 2 : "");
        raw(p.path, sql);
        struct taken t = {0};
        CHECK(!store_blob_each(s, in.blob, take, &t, &e));
        CHECK_SAY(e.kind == ERR_STORAGE && strstr(e.text, DAMAGES[i].says), "%s", e.text);
        CHECK_SAY(t.chunks == DAMAGES[i].chunks, "%zu: %zu", i, t.chunks);
        store_close(s);
        place_free(&p);
    }
}

static void taker_can_stop(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct stream in = stream_in(s, 5 * MIB / 2);
    struct taken t = {.stop_at = 2};
    FAILS(store_blob_each(s, in.blob, take, &t, &e), ERR_CANCELLED);
    CHECK(t.chunks == 2);
    store_close(s);
    place_free(&p);
}

struct meddler {
    const struct place *place;
    struct store *store;
    bool truncated;
};

/* Uses the same connection, and another one, while a chunk is in hand. */
static bool meddle(void *context, const void *bytes, size_t n, struct err *e) {
    (void)bytes, (void)n;
    struct meddler *m = context;
    if (!insert_job(m->store, m->truncated ? "b" : "a", "m", e))
        return false;
    /* A checkpoint that empties the log needs that nobody reads from it. */
    m->truncated = raw_int(m->place, "PRAGMA wal_checkpoint(TRUNCATE)") == 0;
    return m->truncated || err_set(e, ERR_CONTENDED, NULL, "the log is in use");
}

static void no_snapshot_between_chunks(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct stream in = stream_in(s, 3 * MIB / 2);
    struct meddler m = {.place = &p, .store = s};
    OK(store_blob_each(s, in.blob, meddle, &m, &e));
    CHECK(m.truncated);
    store_close(s);
    place_free(&p);
}

/* Swept while it is read: there is no such blob any more, and that is no damage. */
static bool take_it_away(void *context, const void *bytes, size_t n, struct err *e) {
    (void)bytes, (void)n;
    int64_t deleted;
    return store_blob_sweep(context, 3 * HOUR_MS, &deleted, e);
}

static void swept_while_it_is_read(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct stream in = stream_in(s, 3 * MIB / 2);
    FAILS(store_blob_each(s, in.blob, take_it_away, s, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

int main(void) {
    pattern_new();
    STORE_RUN(memory_is_bounded);
    STORE_RUN(same_as_put);
    STORE_RUN(abort_leaves_nothing);
    STORE_RUN(sweep_and_slow_writers);
    STORE_RUN(damage_is_seen);
    STORE_RUN(taker_can_stop);
    CHECK_RUN(no_snapshot_between_chunks);
    STORE_RUN(swept_while_it_is_read);
    free(pattern);
    return check_done();
}
