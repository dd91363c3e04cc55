/* Which worker takes which job: by threads, and by the memory of a machine. */
#include <pthread.h>

#include "tests/unit/server/test_store.h"

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

int main(void) {
    STORE_RUN(threads_decide);
    STORE_RUN(who_is_silent_is_forgotten);
    STORE_RUN(machine_memory_is_shared);
    STORE_RUN(machine_memory_is_given_once);
    return check_done();
}
