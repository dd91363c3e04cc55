/* What the store's tests share: a store in a directory of its own, and short ways to fill
 * it. Times are small numbers: the store has no clock. */
#ifndef TESTS_TEST_STORE_H
#define TESTS_TEST_STORE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/store.h"
#include "tests/unit/check.h"

/* The call succeeds, or the test says why not. `e` is the caller's struct err. */
#define OK(call) CHECK_SAY((call), "kind %d: %s", e.kind, e.text)
/* The call fails with that kind; e is clean again afterwards. */
#define FAILS(call, wanted)                                                              \
    do {                                                                                 \
        CHECK(!(call));                                                                  \
        CHECK_SAY(e.kind == (wanted), "kind %d: %s", e.kind, e.text);                    \
        e = (struct err){0};                                                             \
    } while (0)

struct place {
    char dir[64];
    char path[80];
};

static inline void place_new(struct place *p) {
    snprintf(p->dir, sizeof p->dir, "/tmp/test_store.XXXXXX");
    if (!mkdtemp(p->dir))
        abort();
    snprintf(p->path, sizeof p->path, "%s/store", p->dir);
}

static inline void place_free(struct place *p) {
    static const char *const TAILS[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof TAILS / sizeof *TAILS; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s%s", p->path, TAILS[i]);
        unlink(path);
    }
    CHECK(rmdir(p->dir) == 0); /* nothing else was left behind */
}

static inline struct store *place_open(const struct place *p) {
    struct err e = {0};
    struct store *s = store_open(p->path, &e);
    if (!OK(s != NULL))
        exit(1);
    return s;
}

static inline int64_t some_blob(struct store *s) {
    struct err e = {0};
    int64_t blob = 0;
    char sha256[STORE_SHA256_TEXT];
    OK(store_blob_put(s, "rows", 4, 1, &blob, sha256, &e));
    return blob;
}

static inline bool insert_job(struct store *s, const char *id, const char *model,
                              struct err *e) {
    const struct store_job_new job = {
        .id = id,
        .model = model,
        .hyperparameters = "{\"epochs\": 9}",
        .data_blob = some_blob(s),
        .epochs = 9,
        .created_ms = 1000,
    };
    return store_job_insert(s, &job, e);
}

static inline struct store_job job_of(struct store *s, const char *id) {
    struct err e = {0};
    struct store_job job = {0};
    OK(store_job_get(s, id, &job, &e));
    return job;
}

static inline enum job_status status_of(struct store *s, const char *id) {
    struct store_job job = job_of(s, id);
    store_job_free(&job);
    return job.status;
}

/* The claim that must be there. */
static inline struct store_claim claim_by(struct store *s, const char *owner,
                                          int64_t now_ms, int64_t lease_ms) {
    struct err e = {0};
    struct store_claim claim = {0};
    bool found = false;
    OK(store_claim(s, owner, now_ms, lease_ms, &claim, &found, &e));
    CHECK(found);
    return claim;
}

#endif
