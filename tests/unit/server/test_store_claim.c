#include <math.h>
#include <pthread.h>

#include "tests/unit/server/test_store.h"

static void insert_three(struct store *s) {
    struct err e = {0};
    OK(insert_job(s, "a", "m", &e));
    OK(insert_job(s, "b", "m", &e));
    OK(insert_job(s, "c", "m", &e));
}

static bool nothing_to_claim(struct store *s) {
    struct err e = {0};
    struct store_claim claim;
    bool found = true;
    return OK(store_claim(s, &(struct store_claiming){.owner = "w", .lease_ms = LEASE_MS},
                          &claim, &found, &e)) &&
           !found;
}

static void oldest_first(void) {
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    CHECK(nothing_to_claim(s));
    insert_three(s);
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    CHECK_TEXT(claim.job_id, "a");
    CHECK(claim.fence == 1);
    struct store_job job = job_of(s, "a");
    CHECK(job.status == JOB_RUNNING && job.started_ms > 1600000000000 &&
          job.attempts == 1);
    store_job_free(&job);
    CHECK_TEXT(claim_by(s, "w", LEASE_MS).job_id, "b");
    CHECK_TEXT(claim_by(s, "w", LEASE_MS).job_id, "c");
    CHECK(nothing_to_claim(s));
    store_close(s);
    place_free(&p);
}

/* Every write of a claim whose job went to another changes nothing. */
static void stale_claim_writes_nothing(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *a = place_open(&p), *b = place_open(&p);
    OK(insert_job(a, "a", "m", &e));
    struct store_claim old = claim_by(a, "first", LEASE_MS);
    CHECK(nothing_to_claim(b)); /* the lease holds */
    const struct store_progress frozen = {.lease_ms = EXPIRED_MS};
    enum store_wish wish = STORE_GO_ON;
    OK(store_claim_progress(a, &old, &frozen, &wish, &e));
    struct store_claim new = claim_by(b, "second", LEASE_MS);
    CHECK_TEXT(new.job_id, "a");
    CHECK(new.fence > old.fence);

    const struct store_point point = {3, 0.5, (double)NAN};
    struct store_outcome outcome = {
        .status = JOB_SUCCEEDED,
        .error_epoch = -1,
        .model_blob = some_blob(a),
        .model_document = "{}",
        .progress = {EXPIRED_MS, 5, 1, &point, 1},
    };
    struct store_checkpoint checkpoint = {.blob = some_blob(a), .resumable = true};
    bool lost = false;
    int64_t version;
    OK(store_claim_check(a, &old, &lost, &wish, &e));
    CHECK(lost);
    CHECK(!store_claim_progress(a, &old, &outcome.progress, &wish, &e));
    CHECK(e.kind == ERR_CONFLICT && strstr(e.text, "lease lost"));
    e = (struct err){0};
    FAILS(store_claim_finish(a, &old, &outcome, &version, &e), ERR_CONFLICT);
    FAILS(store_claim_release(a, &old, &e), ERR_CONFLICT);
    FAILS(store_claim_checkpoint(a, &old, &outcome.progress, &checkpoint, 1, &e),
          ERR_CONFLICT);
    CHECK(raw_int(&p, "SELECT count(*) FROM checkpoints") == 0);

    struct store_job job = job_of(a, "a");
    CHECK(job.status == JOB_RUNNING && !job.cost_known && job.epochs_done == 0);
    CHECK(job.attempts == 2);
    store_job_free(&job);
    struct store_point *points;
    size_t n;
    OK(store_history(a, "a", 0, 10, &points, &n, &e));
    CHECK(n == 0);
    free(points);
    struct store_version v;
    FAILS(store_version_get(a, "m", 0, &v, &e), ERR_NOT_FOUND);
    /* Nor was the lease of the other one moved. */
    CHECK(nothing_to_claim(a));
    OK(store_claim_check(a, &new, &lost, &wish, &e));
    CHECK(!lost && new.fence == old.fence + 1);
    store_close(a);
    store_close(b);
    place_free(&p);
}

static void progress_renews_and_reports(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p), *client = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", EXPIRED_MS);
    const struct store_point points[] = {
        {0, 0.9, (double)NAN}, {1, 0.7, (double)NAN}, {2, 0.6, (double)NAN}};
    struct store_progress progress = {LEASE_MS, 2.5, 0.25, points, 3};
    enum store_wish wish = STORE_CANCEL;
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    CHECK(wish == STORE_GO_ON);
    CHECK(nothing_to_claim(s));
    struct store_job job = job_of(client, "a");
    CHECK(job.epochs_done == 2.5 && job.training_seconds == 0.25);
    CHECK(job.cost_known && job.cost == 0.6 && job.cost_epoch == 2);
    store_job_free(&job);

    OK(store_job_cancel(client, "a", 60, &job, &e));
    store_job_free(&job);
    progress = (struct store_progress){LEASE_MS, 2.75, 0.3, NULL, 0};
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    CHECK(wish == STORE_CANCEL);
    job = job_of(client, "a"); /* no points: the cost stays */
    CHECK(job.epochs_done == 2.75 && job.cost == 0.6 && job.cost_epoch == 2);
    store_job_free(&job);
    store_close(client);
    store_close(s);
    place_free(&p);
}

static void progress_is_all_or_nothing(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_point points[] = {
        {0, 0.9, (double)NAN}, {1, (double)NAN, (double)NAN}, {2, 0.6, (double)NAN}};
    struct store_progress progress = {LEASE_MS, 2.5, 0.25, points, 3};
    enum store_wish wish;
    FAILS(store_claim_progress(s, &claim, &progress, &wish, &e), ERR_NUMERIC);
    struct store_job job = job_of(s, "a");
    CHECK(!job.cost_known && job.epochs_done == 0);
    store_job_free(&job);
    struct store_point *got;
    size_t n;
    OK(store_history(s, "a", 0, 10, &got, &n, &e));
    CHECK(n == 0);
    free(got);
    store_close(s);
    place_free(&p);
}

static void second_claim_repeats_points(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "m", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_job job = job_of(s, "a");
    int64_t started_ms = job.started_ms;
    store_job_free(&job);
    const struct store_point first[] = {{0, 0.9, (double)NAN}, {1, 0.7, (double)NAN}};
    struct store_progress progress = {EXPIRED_MS, 1, 0.1, first, 2};
    enum store_wish wish;
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    claim = claim_by(s, "x", LEASE_MS);
    job = job_of(s, "a");
    CHECK(job.epochs_done == 0 && job.started_ms == started_ms && job.attempts == 2);
    CHECK(job.cost_known && job.cost == 0.7 && job.cost_epoch == 1);
    store_job_free(&job);
    const struct store_point second[] = {{0, 0.8, 0.5}, {1, 0.6, 0.5}, {2, 0.5, 0.5}};
    progress = (struct store_progress){LEASE_MS, 0.5, 0.1, second, 3};
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    struct store_point *got;
    size_t n;
    OK(store_history(s, "a", 0, 10, &got, &n, &e));
    CHECK(n == 3 && got[0].cost == 0.9 && got[1].cost == 0.7 && got[2].cost == 0.5);
    CHECK(n == 3 && isnan(got[0].validation_cost) && got[2].validation_cost == 0.5);
    free(got);
    store_close(s);
    place_free(&p);
}

static void finish_publishes(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    OK(insert_job(s, "a", "iris", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_point points[] = {{8, 0.25, (double)NAN}, {9, 0.125, (double)NAN}};
    int64_t blob, version = 0;
    char sha256[STORE_SHA256_TEXT];
    OK(store_blob_put(s, "weights", 7, 20, &blob, sha256, &e));
    struct store_outcome outcome = {
        .status = JOB_SUCCEEDED,
        .stop_reason = "completed",
        .error_epoch = -1,
        .model_blob = blob + 100,
        .model_document = "{\"layers\": []}",
        .warnings = "[\"constant\"]",
        .metrics = "{\"accuracy\": 1}",
        .progress = {0, 9, 1.5, points, 2},
    };
    /* No blob, no model, and no succeeded job either. */
    FAILS(store_claim_finish(s, &claim, &outcome, &version, &e), ERR_NOT_FOUND);
    struct store_job job = job_of(s, "a");
    CHECK(job.status == JOB_RUNNING && !job.warnings && !job.metrics);
    store_job_free(&job);
    outcome.model_blob = blob;
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    CHECK(version == 1);
    job = job_of(s, "a");
    CHECK_TEXT(job.warnings, "[\"constant\"]");
    CHECK_TEXT(job.metrics, "{\"accuracy\": 1}");
    CHECK(job.status == JOB_SUCCEEDED && job.model_version == 1);
    CHECK(job.finished_ms >= job.started_ms && job.epochs_done == 9 && job.cost == 0.125);
    CHECK_TEXT(job.stop_reason, "completed");
    CHECK_TEXT(job.error_code, "");
    int64_t finished_ms = job.finished_ms;
    store_job_free(&job);
    struct store_version v;
    OK(store_version_get(s, "iris", 0, &v, &e));
    CHECK(v.version == 1 && v.blob == blob && v.bytes == 7 &&
          v.created_ms == finished_ms);
    CHECK_TEXT(v.job_id, "a");
    CHECK_TEXT(v.sha256, sha256);
    CHECK_TEXT(v.document, "{\"layers\": []}");
    store_version_free(&v);
    FAILS(store_claim_finish(s, &claim, &outcome, &version, &e), ERR_CONFLICT);
    bool lost = false;
    enum store_wish wish;
    OK(store_claim_check(s, &claim, &lost, &wish, &e));
    CHECK(lost);
    store_close(s);
    place_free(&p);
}

static void finish_without_a_model(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    insert_three(s);
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_outcome outcome = {
        .status = JOB_FAILED,
        .stop_reason = "diverged",
        .error_code = "diverged",
        .error_text = "the cost is not finite",
        .error_epoch = 4,
        .progress = {0, 4, 1.5, NULL, 0},
    };
    int64_t version = 9;
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    CHECK(version == 0);
    struct store_job job = job_of(s, "a");
    CHECK(job.status == JOB_FAILED && job.error_epoch == 4 && !job.model_version);
    CHECK(!job.warnings && !job.metrics);
    CHECK_TEXT(job.error_code, "diverged");
    CHECK_TEXT(job.error_text, "the cost is not finite");
    store_job_free(&job);
    claim = claim_by(s, "w", LEASE_MS);
    outcome = (struct store_outcome){
        .status = JOB_CANCELLED, .stop_reason = "cancelled", .error_epoch = -1};
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    CHECK(status_of(s, "b") == JOB_CANCELLED);
    struct store_version v;
    FAILS(store_version_get(s, "m", 0, &v, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

static void release_keeps_the_place(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    insert_three(s);
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    OK(store_claim_release(s, &claim, &e));
    CHECK(status_of(s, "a") == JOB_QUEUED);
    FAILS(store_claim_release(s, &claim, &e), ERR_CONFLICT);
    struct store_claim again = claim_by(s, "x", LEASE_MS);
    CHECK_TEXT(again.job_id, "a"); /* before b and c, which waited all the time */
    CHECK(again.fence > claim.fence);
    store_close(s);
    place_free(&p);
}

/* What was asked of a job counts when its worker lets go of it, however that happens. */
static void cancelled_while_in_hand(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    insert_three(s);
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    struct store_job job;
    OK(store_job_cancel(s, "a", 2, &job, &e));
    store_job_free(&job);
    OK(store_claim_release(s, &claim, &e));
    job = job_of(s, "a");
    CHECK(job.status == JOB_CANCELLED && job.finished_ms && job.attempts == 1);
    CHECK_TEXT(job.stop_reason, "cancelled");
    store_job_free(&job);

    /* A lease that ran out: the next claim passes it by. */
    CHECK_TEXT(claim_by(s, "x", EXPIRED_MS).job_id, "b");
    OK(store_job_cancel(s, "b", 79, &job, &e));
    store_job_free(&job);
    CHECK_TEXT(claim_by(s, "x", LEASE_MS).job_id, "c");
    CHECK(status_of(s, "b") == JOB_CANCELLED);
    OK(store_job_cancel(s, "c", 80, &job, &e));
    store_job_free(&job);
    int64_t released = 9;
    OK(store_owner_dead(s, "x", STORE_DEATH_CRASH, 81, &released, &e));
    CHECK(released == 0 && status_of(s, "c") == JOB_CANCELLED);
    CHECK(nothing_to_claim(s));
    store_close(s);
    place_free(&p);
}

static const char *claimed(struct store *s) {
    static char id[STORE_ID_MAX];
    snprintf(id, sizeof id, "%s", claim_by(s, "w", LEASE_MS).job_id);
    return id;
}

static void insert_with_priority(struct store *s, const char *id, int64_t priority) {
    struct err e = {0};
    const struct store_job_new job = {.id = id,
                                      .model = "m",
                                      .hyperparameters = "{}",
                                      .data_blob = some_blob(s),
                                      .priority = priority};
    OK(insert_new(s, &job, &e));
}

static void largest_priority_first(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    insert_with_priority(s, "low", -5);
    insert_with_priority(s, "plain", 0);
    insert_with_priority(s, "high", 7);
    insert_with_priority(s, "late", 7);
    struct store_job job = job_of(s, "high");
    CHECK(job.priority == 7);
    store_job_free(&job);
    CHECK_TEXT(claimed(s), "high");
    /* One that ran out of its lease stands among the others by its own priority. */
    struct store_claim claim = claim_by(s, "w", EXPIRED_MS);
    CHECK_TEXT(claim.job_id, "late");
    insert_with_priority(s, "urgent", 8);
    CHECK_TEXT(claimed(s), "urgent");
    CHECK_TEXT(claimed(s), "late");
    OK(store_job_pause(s, "plain", 5, &job, &e));
    store_job_free(&job);
    CHECK_TEXT(claimed(s), "low");
    CHECK(nothing_to_claim(s));
    store_close(s);
    place_free(&p);
}

/* Leaves to others what it has no memory for, and at a word what others had in hand. */
static void claims_what_it_may(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_claim claim;
    bool found;
    const struct store_job_new jobs[] = {
        {.id = "large", .memory_bytes = 4000, .priority = 5},
        {.id = "small", .memory_bytes = 1000},
        {.id = "unknown"}};
    for (int i = 0; i < 3; i++) {
        struct store_job_new job = jobs[i];
        job.model = "m";
        job.hyperparameters = "{}";
        job.data_blob = some_blob(s);
        OK(insert_new(s, &job, &e));
    }
    struct store_claiming small = {
        .owner = "w", .lease_ms = EXPIRED_MS, .memory_max = 1000, .queued_only = true};
    OK(store_claim(s, &small, &claim, &found, &e));
    CHECK(found);
    CHECK_TEXT(claim.job_id, "small");
    OK(store_claim(s, &small, &claim, &found, &e));
    CHECK_TEXT(claim.job_id, "unknown");
    OK(store_claim(s, &small, &claim, &found, &e));
    CHECK(!found);
    small.queued_only = false; /* both leases have run out */
    OK(store_claim(s, &small, &claim, &found, &e));
    CHECK(found);
    CHECK_TEXT(claim.job_id, "small");
    claim = claim_by(s, "large", LEASE_MS);
    CHECK_TEXT(claim.job_id, "large");
    store_close(s);
    place_free(&p);
}

/* ---- who takes which ------------------------------------------------------------ */

static void job_put(struct store *s, const char *id, int64_t memory_bytes,
                    int64_t threads) {
    struct err e = {0};
    const struct store_job_new job = {.id = id,
                                      .model = "m",
                                      .hyperparameters = "{}",
                                      .data_blob = some_blob(s),
                                      .memory_bytes = memory_bytes,
                                      .threads = threads};
    OK(insert_new(s, &job, &e));
}

static void show(struct store *s, const char *owner, int64_t threads,
                 int64_t memory_max) {
    struct err e = {0};
    const struct store_worker worker = {owner, threads, memory_max, 60000};
    OK(store_worker_seen(s, &worker, &e));
}

/* What a claim takes is what is said; "": nothing. */
static void takes(struct store *s, const struct store_claiming *claiming,
                  const char *id) {
    struct err e = {0};
    struct store_claim claim = {0};
    bool found;
    OK(store_claim(s, claiming, &claim, &found, &e));
    CHECK_SAY(strcmp(found ? claim.job_id : "", id) == 0, "%s took \"%s\", not \"%s\"",
              claiming->owner, found ? claim.job_id : "", id);
}

static void threads_decide(void) {
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_claiming small = {
        .owner = "small", .lease_ms = LEASE_MS, .threads = 2, .alive_ms = 60000};
    struct store_claiming large = small;
    large.owner = "large";
    large.threads = 8;
    show(s, "small", 2, 1000);
    show(s, "large", 8, 1000);
    job_put(s, "for eight", 1000, 8);
    job_put(s, "for two", 1000, 2);
    job_put(s, "for any", 1000, 0);
    takes(s, &small, "for two");
    takes(s, &small, "for any");
    takes(s, &small, "");
    takes(s, &large, "for eight");

    /* More than anybody has means the largest, */
    job_put(s, "for sixteen", 1000, 16);
    takes(s, &small, "");
    takes(s, &large, "for sixteen");
    /* who lives while it trains, */
    job_put(s, "for three", 1000, 3);
    small.alive_ms = -1;
    takes(s, &small, "");
    job_put(s, "heavy", 1001, 3); /* if it has the memory. */
    takes(s, &small, "heavy");
    raw(p.path, "UPDATE jobs SET lease_until_ms = 1 WHERE owner = 'large'");
    small.queued_only = true;
    small.threads_exact = true; /* Others may not have shown themselves yet. */
    takes(s, &small, "");
    small.threads_exact = false;
    takes(s, &small, "for three");
    store_close(s);
    place_free(&p);
}

static void who_is_silent_is_forgotten(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    show(s, "idle", 8, 1000);
    show(s, "trains", 8, 1000);
    job_put(s, "job", 1000, 8);
    const struct store_claiming trains = {
        .owner = "trains", .lease_ms = LEASE_MS, .threads = 8, .alive_ms = 60000};
    takes(s, &trains, "job");
    const struct store_worker other = {"other", 2, 1000, -1};
    OK(store_worker_seen(s, &other, &e));
    CHECK(raw_int(&p, "SELECT count(*) FROM workers WHERE owner = 'trains'") == 1);
    CHECK(raw_int(&p, "SELECT count(*) FROM workers") == 1); /* it forgot itself, too */
    store_close(s);
    place_free(&p);
}

static void machine_memory_is_shared(void) {
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_claiming first = {.owner = "host/boot/1",
                                   .lease_ms = LEASE_MS,
                                   .memory_max = 6000,
                                   .machine = "host/boot/",
                                   .machine_memory = 5000};
    struct store_claiming second = first, elsewhere = first;
    second.owner = "host/boot/2";
    elsewhere.owner = "host/boot2/1";
    elsewhere.machine = "host/boot2/";
    job_put(s, "a", 3000, 0);
    job_put(s, "b", 3000, 0);
    job_put(s, "c", 1000, 0);
    takes(s, &first, "a");
    takes(s, &second, "c");
    takes(s, &second, "");
    takes(s, &elsewhere, "b");
    /* One whose worker is silent holds nothing, not even for who goes on with it. */
    raw(p.path, "UPDATE jobs SET lease_until_ms = 1 WHERE id = 'a'");
    takes(s, &second, "a");
    raw(p.path, "UPDATE jobs SET status = 'failed', owner = ''");
    /* Alone on its machine a job may need more than all are given together. */
    job_put(s, "d", 6000, 0);
    job_put(s, "e", 1, 0);
    takes(s, &first, "d");
    takes(s, &second, "");
    store_close(s);
    place_free(&p);
}

struct contender {
    const struct place *place;
    struct store_claiming claiming;
    pthread_barrier_t *start;
    int found;
};

static void *contend(void *arg) {
    struct contender *c = arg;
    struct store *s = place_open(c->place);
    struct store_claim claim;
    struct err e = {0};
    bool found = false;
    pthread_barrier_wait(c->start);
    OK(store_claim(s, &c->claiming, &claim, &found, &e));
    c->found = found;
    store_close(s);
    return NULL;
}

/* Two that claim at once do not promise the same memory. */
static void machine_memory_is_given_once(void) {
    enum { ROUNDS = 10, N = 3 };
    static const char *const OWNERS[N] = {"host/boot/1", "host/boot/2", "host/boot/3"};
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    for (int i = 0; i < N; i++)
        show(s, OWNERS[i], 1, 1000);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_t start;
        pthread_t threads[N];
        struct contender contenders[N];
        int found = 0;
        pthread_barrier_init(&start, NULL, N);
        for (int i = 0; i < N; i++) {
            char id[STORE_ID_MAX];
            snprintf(id, sizeof id, "%d-%d", round, i);
            job_put(s, id, 600, 0);
            contenders[i] = (struct contender){.place = &p, .start = &start};
            contenders[i].claiming = (struct store_claiming){.owner = OWNERS[i],
                                                             .lease_ms = LEASE_MS,
                                                             .memory_max = 1000,
                                                             .machine = "host/boot/",
                                                             .machine_memory = 1000};
        }
        for (int i = 0; i < N; i++)
            CHECK(pthread_create(&threads[i], NULL, contend, &contenders[i]) == 0);
        for (int i = 0; i < N; i++) {
            pthread_join(threads[i], NULL);
            found += contenders[i].found;
        }
        CHECK_SAY(found == 1, "%d", found);
        raw(p.path, "UPDATE jobs SET status = 'failed', owner = ''");
        pthread_barrier_destroy(&start);
    }
    store_close(s);
    place_free(&p);
}

static const char CLAIM[] = "SELECT number FROM jobs WHERE status = 'queued' AND hold = 0"
                            " ORDER BY priority DESC, number LIMIT 1";

static void file_looks_up(const struct place *p) {
    enum { STEPS_MAX = 400 };
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    CHECK(sqlite3_open(p->path, &db) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(db, CLAIM, -1, &q, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0) == 1);
    int steps = sqlite3_stmt_status(q, SQLITE_STMTSTATUS_VM_STEP, 0);
    CHECK_SAY(steps < STEPS_MAX, "%d steps", steps);
    CHECK(sqlite3_stmt_status(q, SQLITE_STMTSTATUS_SORT, 0) == 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
}

/* The plan is the index by turns, and no sorting. */
static void server_looks_up(const struct place *p) {
    struct err e = {0};
    char sql[200], plan[1000] = "";
    raw(p->path, "ANALYZE jobs");
    snprintf(sql, sizeof sql, "EXPLAIN %s", CLAIM);
    struct db *db = db_open(p->path, &e);
    struct db_statement *q = db ? db_prepare(db, sql, &e) : NULL;
    while (OK(q != NULL) && db_step(q, &e) == DB_ROW)
        strncat(plan, db_text(q, 0), sizeof plan - strlen(plan) - 1);
    CHECK_SAY(strstr(plan, "Scan using jobs_by_turn") && !strstr(plan, "Sort"), "%s %s",
              plan, e.text);
    db_close(db);
}

/* However long the queue is, its head is the first of an index: the half of store_claim's
 * statement that looks for it takes as few steps as with one job. */
static void claiming_is_a_lookup(void) {
    enum { JOBS_N = 20000 };
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    insert_with_priority(s, "first", 3);
    char sql[600];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n"
             " WHERE i < %d) INSERT INTO jobs (id, number, model, status,"
             " hyperparameters, data_blob, created_ms, epochs, priority, hold)"
             " SELECT 'j' || i, i, 'm', 'queued', '{}', 1, 1, 1, i %% 3, i %% 2 FROM n",
             JOBS_N);
    raw(p.path, sql);
    if (place_on_server)
        server_looks_up(&p);
    else
        file_looks_up(&p);
    CHECK_TEXT(claimed(s), "first");
    store_close(s);
    place_free(&p);
}

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
    STORE_RUN(oldest_first);
    STORE_RUN(stale_claim_writes_nothing);
    STORE_RUN(progress_renews_and_reports);
    STORE_RUN(progress_is_all_or_nothing);
    STORE_RUN(second_claim_repeats_points);
    STORE_RUN(finish_publishes);
    STORE_RUN(finish_without_a_model);
    STORE_RUN(release_keeps_the_place);
    STORE_RUN(cancelled_while_in_hand);
    STORE_RUN(largest_priority_first);
    STORE_RUN(claims_what_it_may);
    STORE_RUN(claiming_is_a_lookup);
    STORE_RUN(a_lease_that_runs_out_counts_as_a_crash);
    STORE_RUN(dead_owner);
    STORE_RUN(dead_for_want_of_memory);
    STORE_RUN(threads_decide);
    STORE_RUN(who_is_silent_is_forgotten);
    STORE_RUN(machine_memory_is_shared);
    STORE_RUN(machine_memory_is_given_once);
    STORE_RUN(owners_of_running_jobs);
    return check_done();
}
