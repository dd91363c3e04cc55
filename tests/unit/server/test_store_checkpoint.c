#include <math.h>

#include "tests/unit/server/test_store.h"

enum { BIG = 3 * STORE_CHUNK_BYTES };

static int64_t new_blob(struct store *s, unsigned seed) {
    struct err e = {0};
    char sha256[STORE_SHA256_TEXT];
    int64_t blob = 0;
    unsigned char *bytes = some_bytes(BIG, seed);
    OK(store_blob_put(s, bytes, BIG, INT64_MAX / 2, &blob, sha256, &e)); /* young */
    free(bytes);
    return blob;
}

static bool blob_there(struct store *s, int64_t blob) {
    struct err e = {0};
    void *bytes = NULL;
    size_t n;
    bool there = store_blob_get(s, blob, &bytes, &n, &e);
    CHECK(there || e.kind == ERR_NOT_FOUND);
    free(there ? bytes : NULL);
    return there;
}

/* One more, of bytes that no other has. @return its blob. */
static int64_t checkpoint(struct store *s, const struct store_claim *claim, bool best,
                          bool resumable) {
    static unsigned seed;
    struct err e = {0};
    const struct store_progress progress = {.lease_ms = LEASE_MS, .epochs_done = 3};
    seed++;
    struct store_checkpoint c = {
        .epoch = (int64_t)seed,
        .epochs_done = seed + 0.5,
        .cost = 0.25,
        .validation_cost = (double)NAN,
        .training_seconds = seed * 2.0,
        .blob = new_blob(s, seed),
        .bytes = BIG,
        .best = best,
        .resumable = resumable,
    };
    OK(store_claim_checkpoint(s, claim, &progress, &c, 1, &e));
    CHECK(c.created_ms > 1600000000000);
    return c.blob;
}

/* The numbers that are kept, as a text: "2b 4r 5br". */
static const char *kept(struct store *s, const char *id) {
    static char text[200];
    struct err e = {0};
    struct store_checkpoint *list = NULL;
    size_t n = 0, at = 0;
    text[0] = '\0';
    OK(store_checkpoints(s, id, &list, &n, &e));
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%lld%s%s", i ? " " : "",
                               (long long)list[i].number, list[i].best ? "b" : "",
                               list[i].resumable ? "r" : "");
    free(list);
    return text;
}

static void newest_best_and_two_resumable_stay(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_checkpoint c;
    CHECK_TEXT(kept(s, "a"), "");
    FAILS(store_checkpoint_get(s, "a", 0, &c, &e), ERR_NOT_FOUND);
    FAILS(store_checkpoint_best(s, "a", &c, &e), ERR_NOT_FOUND);

    int64_t first = checkpoint(s, &claim, true, true);
    checkpoint(s, &claim, false, true);
    CHECK_TEXT(kept(s, "a"), "1br 2r");
    int64_t third = checkpoint(s, &claim, false, true);
    CHECK_TEXT(kept(s, "a"), "1br 2r 3r");
    CHECK(blob_there(s, first));
    int64_t best = checkpoint(s, &claim, true, false);
    CHECK_TEXT(kept(s, "a"), "2r 3r 4b");
    CHECK(!blob_there(s, first)); /* at once, not after the sweep's hour */
    CHECK(raw_int(&p, "SELECT count(*) FROM blobs") == 4); /* three, and the data */
    CHECK(raw_int(&p, "SELECT count(*) FROM blob_chunks") == 10);
    checkpoint(s, &claim, false, true);
    CHECK_TEXT(kept(s, "a"), "3r 4b 5r");
    CHECK(blob_there(s, third) && blob_there(s, best));

    OK(store_checkpoint_get(s, "a", 0, &c, &e));
    CHECK(c.number == 5 && c.resumable && !c.best && c.cost == 0.25);
    CHECK(isnan(c.validation_cost) && c.bytes == BIG && c.epochs_done > 0.5);
    OK(store_checkpoint_get(s, "a", 3, &c, &e));
    CHECK(c.number == 3 && c.blob == third);
    FAILS(store_checkpoint_get(s, "a", 2, &c, &e), ERR_NOT_FOUND);
    OK(store_checkpoint_best(s, "a", &c, &e));
    CHECK(c.number == 4 && c.blob == best);
    struct store_job job = job_of(s, "a");
    CHECK(job.checkpoint == 5 && job.epochs_done == 3);
    store_job_free(&job);
    struct store_checkpoint *list;
    size_t n;
    FAILS(store_checkpoints(s, "nobody", &list, &n, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

/* As after an answer that was lost: it is there once, and so is its event. */
static void said_twice_is_written_once(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_progress progress = {.lease_ms = LEASE_MS};
    struct store_checkpoint c[] = {
        {.epoch = 4, .blob = new_blob(s, 600), .best = true},
        {.epoch = 5, .blob = new_blob(s, 601), .resumable = true}};
    for (int i = 0; i < 3; i++)
        OK(store_claim_checkpoint(s, &claim, &progress, c, 2, &e));
    CHECK_TEXT(kept(s, "a"), "1b 2r");
    CHECK(raw_int(&p, "SELECT count(*) FROM events WHERE kind = 'checkpoint'") == 2);
    c[1].epoch = 6; /* the same bytes of another moment */
    OK(store_claim_checkpoint(s, &claim, &progress, &c[1], 1, &e));
    CHECK_TEXT(kept(s, "a"), "1b 2r 3r");
    store_close(s);
    place_free(&p);
}

static void two_at_once(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_progress progress = {.lease_ms = LEASE_MS};
    struct store_checkpoint c[] = {{.blob = new_blob(s, 500), .best = true},
                                   {.blob = new_blob(s, 501), .resumable = true}};
    OK(store_claim_checkpoint(s, &claim, &progress, c, 2, &e));
    CHECK(c[0].number == 1 && c[1].number == 2);
    CHECK_TEXT(kept(s, "a"), "1b 2r");
    OK(store_claim_checkpoint(s, &claim, &progress, NULL, 0, &e));
    CHECK_TEXT(kept(s, "a"), "1b 2r");
    store_close(s);
    place_free(&p);
}

static void a_claim_goes_on_from_the_newest(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    checkpoint(s, &claim, false, true);
    checkpoint(s, &claim, true, false);
    struct store_checkpoint c;
    OK(store_checkpoint_get(s, "a", 0, &c, &e));
    OK(store_claim_release(s, &claim, &e));
    claim_by(s, "w", LEASE_MS);
    struct store_job job = job_of(s, "a");
    CHECK(job.epochs_done == c.epochs_done && job.training_seconds == c.training_seconds);
    store_job_free(&job);
    store_close(s);
    place_free(&p);
}

/* What of them is left behind each end. */
static void the_end_decides(void) {
    static const struct {
        enum job_status status;
        const char *kept;
    } ENDS[] = {
        {JOB_SUCCEEDED, "1b"}, {JOB_FAILED, "1b 2r 3r"}, {JOB_CANCELLED, "1b 2r 3r"}};
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
        struct place p;
        struct err e = {0};
        place_new(&p);
        struct store *s = place_open(&p);
        OK(insert_job(s, "a", "m", &e));
        struct store_claim claim = claim_by(s, "w", LEASE_MS);
        int64_t best = checkpoint(s, &claim, true, false);
        checkpoint(s, &claim, false, true);
        int64_t last = checkpoint(s, &claim, false, true), version;
        const struct store_outcome outcome = {.status = ENDS[i].status,
                                              .error_epoch = -1,
                                              .model_blob = some_blob(s),
                                              .model_document = "{}"};
        OK(store_claim_finish(s, &claim, &outcome, &version, &e));
        CHECK_TEXT(kept(s, "a"), ENDS[i].kept);
        CHECK(blob_there(s, best));
        CHECK(blob_there(s, last) == (ENDS[i].status != JOB_SUCCEEDED));
        store_close(s);
        place_free(&p);
    }
}

/* Bytes that somebody else has, or is about to have, are not theirs to take away. */
static void shared_blobs_stay(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    int64_t published = checkpoint(s, &claim, false, true);
    int64_t found = checkpoint(s, &claim, false, true);
    const struct store_version_new version = {
        .model = "m", .job_id = "a", .blob = published, .document = "{}", .now_ms = 5};
    int64_t number, again = 0;
    OK(store_version_add(s, &version, &number, &e));
    struct store_checkpoint c;
    OK(store_checkpoint_get(s, "a", 2, &c, &e));
    unsigned char *bytes = NULL;
    size_t n;
    char sha256[STORE_SHA256_TEXT];
    OK(store_blob_get(s, found, (void **)&bytes, &n, &e));
    OK(store_blob_put(s, bytes, n, INT64_MAX / 2, &again, sha256, &e));
    CHECK(again == found);
    free(bytes);
    int64_t plain = checkpoint(s, &claim, false, true);
    for (int i = 0; i < 2; i++)
        checkpoint(s, &claim, false, true);
    CHECK_TEXT(kept(s, "a"), "4r 5r");
    CHECK(blob_there(s, published) && blob_there(s, found) && !blob_there(s, plain));
    struct store_version v;
    OK(store_version_get(s, "m", number, &v, &e));
    CHECK_TEXT(v.job_id, "a");
    store_version_free(&v);

    int64_t deleted; /* nor does the sweep take what a checkpoint has */
    OK(store_checkpoint_get(s, "a", 0, &c, &e));
    raw(p.path, "UPDATE blobs SET touched_ms = 0");
    OK(store_blob_sweep(s, INT64_MAX / 2, &deleted, &e));
    CHECK(deleted == 1 && !blob_there(s, found) && blob_there(s, c.blob));
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(newest_best_and_two_resumable_stay);
    STORE_RUN(said_twice_is_written_once);
    STORE_RUN(two_at_once);
    STORE_RUN(a_claim_goes_on_from_the_newest);
    STORE_RUN(the_end_decides);
    STORE_RUN(shared_blobs_stay);
    return check_done();
}
