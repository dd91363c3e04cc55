#include "tests/unit/server/test_store.h"

static char last_job[STORE_ID_MAX];

/* Trains nothing and publishes. @return the version. */
static int64_t publish(struct store *s, const char *model) {
    static int jobs_n;
    struct err e = {0};
    snprintf(last_job, sizeof last_job, "job%d", jobs_n++);
    OK(insert_job(s, last_job, model, &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_outcome outcome = {
        .status = JOB_SUCCEEDED,
        .error_epoch = -1,
        .model_blob = some_blob(s),
        .model_document = "{}",
    };
    int64_t version = 0;
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    return version;
}

static void numbers_are_never_used_twice(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_version v;
    CHECK(publish(s, "x") == 1);
    CHECK(publish(s, "x") == 2);
    char job[STORE_ID_MAX];
    memcpy(job, last_job, sizeof job);
    CHECK(publish(s, "y") == 1);
    OK(store_model_delete(s, "x", &e));
    FAILS(store_version_get(s, "x", 0, &v, &e), ERR_NOT_FOUND);
    FAILS(store_version_get(s, "x", 1, &v, &e), ERR_NOT_FOUND);
    FAILS(store_model_delete(s, "x", &e), ERR_NOT_FOUND);
    store_close(s);
    s = place_open(&p);
    CHECK(publish(s, "x") == 3);
    OK(store_version_get(s, "y", 1, &v, &e));
    store_version_free(&v);
    CHECK(status_of(s, job) == JOB_SUCCEEDED); /* its model went, it did not */
    store_close(s);
    place_free(&p);
}

static void get_one_or_the_latest(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_version v;
    for (int64_t i = 1; i <= 12; i++)
        publish(s, "x");
    OK(store_version_get(s, "x", 0, &v, &e));
    CHECK(v.version == 12); /* a number, not a text */
    CHECK_TEXT(v.model, "x");
    store_version_free(&v);
    CHECK(!v.document);
    OK(store_version_get(s, "x", 9, &v, &e));
    CHECK(v.version == 9);
    store_version_free(&v);
    FAILS(store_version_get(s, "x", 13, &v, &e), ERR_NOT_FOUND);
    FAILS(store_version_get(s, "X", 0, &v, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

/* A page as one text: "x:3 x:2 +" with the plus when there are more. */
static const char *page(struct store *s, const char *model, const char *after,
                        size_t limit) {
    static char text[200];
    struct err e = {0};
    struct store_version *versions;
    size_t n = 0, at = 0;
    bool more = false;
    text[0] = '\0';
    if (!OK(store_versions_list(s, model, after, limit, &versions, &n, &more, &e)))
        return text;
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s:%d", i ? " " : "",
                               versions[i].model, (int)versions[i].version);
        store_version_free(&versions[i]);
    }
    free(versions);
    return strcat(text, more ? " +" : "");
}

static void list_pages(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    CHECK_TEXT(page(s, NULL, NULL, 9), "");
    CHECK_TEXT(page(s, "y", NULL, 9), "");
    static const char *const PUBLISHED[] = {"y", "x", "y", "z", "y"};
    for (int i = 0; i < 5; i++)
        publish(s, PUBLISHED[i]);
    CHECK_TEXT(page(s, "y", NULL, 9), "y:3 y:2 y:1");
    CHECK_TEXT(page(s, "y", NULL, 2), "y:3 y:2 +");
    CHECK_TEXT(page(s, "y", "2", 2), "y:1");
    CHECK_TEXT(page(s, "y", "1", 2), "");
    CHECK_TEXT(page(s, NULL, NULL, 3), "x:1 y:3 z:1");
    CHECK_TEXT(page(s, NULL, NULL, 1), "x:1 +");
    CHECK_TEXT(page(s, NULL, "x", 1), "y:3 +");
    CHECK_TEXT(page(s, NULL, "xx", 9), "y:3 z:1");
    CHECK_TEXT(page(s, NULL, "z", 9), "");
    static const char *const BAD[] = {"",   "two", "2x",
                                      "-2", " 2",  "99999999999999999999"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct store_version *versions;
        size_t n;
        bool more;
        FAILS(store_versions_list(s, "y", BAD[i], 9, &versions, &n, &more, &e),
              ERR_NOT_FOUND);
    }
    store_close(s);
    place_free(&p);
}

static void versions_without_a_job(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    CHECK(publish(s, "x") == 1);
    CHECK(add_version(s, "x") == 2); /* one row of numbers for both kinds */
    CHECK(publish(s, "x") == 3);
    struct store_version v;
    OK(store_version_get(s, "x", 2, &v, &e));
    CHECK(v.version == 2 && v.created_ms == 77 && v.bytes == 4);
    CHECK_TEXT(v.job_id, "");
    CHECK_TEXT(v.document, "{\"imported\": true}");
    store_version_free(&v);
    const struct store_version_new no_blob = {.model = "y", .blob = 99, .document = "{}"};
    int64_t number = 0;
    FAILS(store_version_add(s, &no_blob, &number, &e), ERR_NOT_FOUND);
    CHECK(add_version(s, "y") == 1); /* the refusal used no number up */
    store_close(s);
    place_free(&p);
}

static void delete_one_version(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    for (int i = 0; i < 3; i++)
        add_version(s, "x");
    add_version(s, "y");
    OK(store_version_delete(s, "x", 2, &e));
    CHECK_TEXT(page(s, "x", NULL, 9), "x:3 x:1");
    FAILS(store_version_delete(s, "x", 2, &e), ERR_NOT_FOUND);
    FAILS(store_version_delete(s, "x", 4, &e), ERR_NOT_FOUND);
    FAILS(store_version_delete(s, "z", 1, &e), ERR_NOT_FOUND);
    FAILS(store_version_delete(s, "x", 0, &e), ERR_NOT_FOUND); /* not the latest */
    OK(store_version_delete(s, "x", 3, &e));
    struct store_version v;
    OK(store_version_get(s, "x", 0, &v, &e));
    CHECK(v.version == 1); /* the highest that is left */
    store_version_free(&v);
    CHECK_TEXT(page(s, NULL, NULL, 9), "x:1 y:1");
    OK(store_version_delete(s, "x", 1, &e));
    CHECK_TEXT(page(s, NULL, NULL, 9), "y:1");
    FAILS(store_version_get(s, "x", 0, &v, &e), ERR_NOT_FOUND);
    FAILS(store_model_delete(s, "x", &e), ERR_NOT_FOUND);
    CHECK(add_version(s, "x") == 4);
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(numbers_are_never_used_twice);
    STORE_RUN(get_one_or_the_latest);
    STORE_RUN(list_pages);
    STORE_RUN(versions_without_a_job);
    STORE_RUN(delete_one_version);
    return check_done();
}
