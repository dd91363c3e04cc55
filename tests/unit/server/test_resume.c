#include "server/resume.h"

#include "tests/unit/server/test_store.h"

/* A job with a checkpoint of those bytes. */
static void job_with(struct store *s, const void *bytes, size_t n) {
    struct err e = {0};
    const struct store_progress progress = {.lease_ms = LEASE_MS, .epochs_done = 3};
    struct store_checkpoint c = {.epoch = 3,
                                 .epochs_done = 3,
                                 .bytes = (int64_t)n,
                                 .best = true,
                                 .resumable = true};
    char sha256[STORE_SHA256_TEXT];
    OK(insert_job(s, "job", "a", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    OK(store_blob_put(s, bytes, n, INT64_MAX / 2, &c.blob, sha256, &e));
    OK(store_claim_checkpoint(s, &claim, &progress, &c, 1, &e));
}

/* One that is damaged is passed over: there is none to go on from. */
static void test_damaged(void) {
    struct place p;
    struct err e = {0};
    struct resume r = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    job_with(s, "damaged", 7);
    OK(resume_load(s, "job", &r, &e));
    CHECK(!r.found);
    resume_free(&r);
    store_close(s);
    place_free(&p);
}

/* One that cannot be read just now is not damaged: whoever asks has to ask again. */
static void test_held(void) {
    struct place p;
    struct err e = {0};
    struct resume r = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    job_with(s, "held", 4);
    struct db *holder = db_open(p.path, &e);
    OK(holder && db_begin(holder, &e) &&
       db_exec(holder, "LOCK TABLE blob_chunks IN ACCESS EXCLUSIVE MODE", &e));
    FAILS(resume_load(s, "job", &r, &e), ERR_CONTENDED);
    CHECK(!r.found && !r.from_bytes);
    resume_free(&r);
    db_rollback(holder);
    db_close(holder);
    OK(resume_load(s, "job", &r, &e));
    resume_free(&r);
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(test_damaged);
    place_on_server = true; /* readers of a file are held up by nobody */
    CHECK_RUN(test_held);
    return check_done();
}
