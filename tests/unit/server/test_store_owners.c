/* What becomes of a job whose owner dies or lets its lease run out, and which owners have
 * jobs in hand. */
#include "tests/unit/server/test_store.h"

static void a_lease_that_runs_out_counts_as_a_crash(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", EXPIRED_MS);
    for (int i = 1; i < STORE_CRASHES_MAX; i++)
        claim = claim_by(s, "w", EXPIRED_MS);
    CHECK(raw_int(&p, "SELECT crashes FROM jobs") == STORE_CRASHES_MAX - 1);
    const struct store_progress progress = {.lease_ms = EXPIRED_MS};
    struct store_checkpoint c = {.blob = some_blob(s), .resumable = true};
    OK(store_claim_checkpoint(s, &claim, &progress, &c, 1,
                              &e)); /* it gets on after all */
    CHECK(raw_int(&p, "SELECT crashes FROM jobs") == 0);
    for (int i = 1; i < STORE_CRASHES_MAX; i++)
        claim_by(s, "w", EXPIRED_MS);
    CHECK(nothing_to_claim(s));
    struct store_job job = job_of(s, "a");
    CHECK(job.status == JOB_FAILED && job.finished_ms);
    CHECK_TEXT(job.error_code, "worker_crashed");
    store_job_free(&job);
    store_close(s);
    place_free(&p);
}

static void dead_owner(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    insert_three(s);
    int64_t released = 0, now_ms = 1;
    /* Restarts of the whole daemon are nobody's fault, however many there are. */
    for (int i = 0; i < 2 * STORE_CRASHES_MAX; i++) {
        CHECK_TEXT(claim_by(s, "dead", LEASE_MS).job_id, "a");
        OK(store_owner_dead(s, "dead", STORE_DEATH_TOLD, now_ms++, &released, &e));
        CHECK(released == 1 && status_of(s, "a") == JOB_QUEUED);
    }
    for (int i = 1; i < STORE_CRASHES_MAX; i++) {
        CHECK_TEXT(claim_by(s, "dead", LEASE_MS).job_id, "a");
        OK(store_owner_dead(s, "dead", STORE_DEATH_CRASH, now_ms++, &released, &e));
        CHECK(released == 1 && status_of(s, "a") == JOB_QUEUED);
    }
    CHECK_TEXT(claim_by(s, "dead", LEASE_MS).job_id, "a");
    CHECK_TEXT(claim_by(s, "dead", LEASE_MS).job_id, "b"); /* its first crash */
    struct store_claim alive = claim_by(s, "alive", LEASE_MS);
    CHECK_TEXT(alive.job_id, "c");
    OK(store_owner_dead(s, "dead", STORE_DEATH_CRASH, 99, &released, &e));
    CHECK(released == 1);
    struct store_job job = job_of(s, "a");
    CHECK(job.status == JOB_FAILED && job.finished_ms == 99);
    CHECK_TEXT(job.error_code, "worker_crashed");
    CHECK(job.error_text[0]);
    store_job_free(&job);
    CHECK(status_of(s, "b") == JOB_QUEUED);
    bool lost = true;
    enum store_wish wish;
    OK(store_claim_check(s, &alive, &lost, &wish, &e));
    CHECK(!lost);
    OK(store_owner_dead(s, "dead", STORE_DEATH_CRASH, 100, &released, &e));
    CHECK(released == 0);
    store_close(s);
    place_free(&p);
}

/* The last death tells what the job is told; and how far it came. */
static void dead_for_want_of_memory(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    insert_three(s);
    int64_t released = 0;
    for (int i = 1; i <= STORE_CRASHES_MAX; i++) {
        struct store_claim claim = claim_by(s, "w", LEASE_MS);
        enum store_wish wish;
        const struct store_progress progress = {
            .lease_ms = LEASE_MS, .epochs_done = 6.5, .training_seconds = 1};
        CHECK_TEXT(claim.job_id, "a");
        OK(store_claim_progress(s, &claim, &progress, &wish, &e));
        enum store_death death =
            i < STORE_CRASHES_MAX ? STORE_DEATH_CRASH : STORE_DEATH_MEMORY;
        OK(store_owner_dead(s, "w", death, i, &released, &e));
    }
    struct store_job job = job_of(s, "a");
    CHECK(job.status == JOB_FAILED && job.error_epoch == 6);
    CHECK_TEXT(job.error_code, "out_of_memory");
    CHECK_TEXT(job.stop_reason, "worker_crashed");
    store_job_free(&job);
    store_close(s);
    place_free(&p);
}

static void owners_of_running_jobs(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    char **owners;
    size_t n = 9;
    OK(store_owners(s, &owners, &n, &e));
    CHECK(n == 0);
    free(owners);
    insert_three(s);
    claim_by(s, "y", LEASE_MS);
    claim_by(s, "x", LEASE_MS);
    struct store_claim claim = claim_by(s, "x", LEASE_MS);
    OK(store_claim_release(s, &claim, &e));
    OK(store_owners(s, &owners, &n, &e));
    if (CHECK(n == 2)) {
        CHECK_TEXT(owners[0], "x");
        CHECK_TEXT(owners[1], "y");
    }
    for (size_t i = 0; i < n; i++)
        free(owners[i]);
    free(owners);
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(a_lease_that_runs_out_counts_as_a_crash);
    STORE_RUN(dead_owner);
    STORE_RUN(dead_for_want_of_memory);
    STORE_RUN(owners_of_running_jobs);
    return check_done();
}
