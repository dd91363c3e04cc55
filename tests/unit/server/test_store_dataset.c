#include "tests/unit/server/test_store.h"

enum { HOUR_MS = 60 * 60 * 1000 };

/* Puts `text` as the part; its document says the text, too. */
static bool put(struct store *s, const char *name, enum dataset_part part,
                const char *text, int64_t *revision, bool *created) {
    struct err e = {0};
    int64_t blob = 0;
    char sha256[STORE_SHA256_TEXT], document[64];
    snprintf(document, sizeof document, "{\"is\": \"%s\"}", text);
    if (!OK(store_blob_put(s, text, strlen(text), 1, &blob, sha256, &e)))
        return false;
    const struct store_part_new new = {
        .name = name,
        .part = part,
        .blob = blob,
        .bytes = (int64_t)strlen(text),
        .sha256 = sha256,
        .document = document,
        .now_ms = 1000,
    };
    return OK(store_dataset_put(s, &new, revision, created, &e));
}

static void put_next(struct store *s, const char *name, enum dataset_part part,
                     const char *text, int64_t wanted) {
    int64_t revision = 0;
    bool created = wanted != 1;
    put(s, name, part, text, &revision, &created);
    CHECK_SAY(revision == wanted, "%lld", (long long)revision);
    CHECK(created == (wanted == 1));
}

/* "d:3 table=a features=- targets=-": the bytes of each part, or what is wrong with it.
 */
static void parts_write(struct store *s, const struct store_dataset *d, char *text,
                        size_t size) {
    static const char *const NAMES[] = {"table", "features", "targets"};
    int at = snprintf(text, size, "%s:%d", d->name, (int)d->revision);
    for (int i = 0; i < DATASET_PARTS_N; i++) {
        const struct store_part *part = &d->parts[i];
        struct err e = {0};
        void *bytes = NULL;
        size_t n = 0;
        char document[64] = "";
        if (part->blob && OK(store_blob_get(s, part->blob, &bytes, &n, &e)))
            snprintf(document, sizeof document, "{\"is\": \"%.*s\"}", (int)n,
                     (char *)bytes);
        CHECK(part->bytes == (int64_t)n);
        CHECK(strlen(part->sha256) == (part->blob ? 64 : 0));
        CHECK(!part->document == !part->blob);
        if (part->document)
            CHECK_TEXT(part->document, document);
        at += snprintf(text + at, size - (size_t)at, " %s=%.*s", NAMES[i],
                       bytes ? (int)n : 1, bytes ? (char *)bytes : "-");
        free(bytes);
    }
}

static const char *parts_of(struct store *s, const char *name, int64_t revision) {
    static char text[200];
    struct err e = {0};
    struct store_dataset d = {0};
    text[0] = '\0';
    if (!OK(store_dataset_get(s, name, revision, &d, &e)))
        return text;
    CHECK(d.created_ms == 1000);
    parts_write(s, &d, text, sizeof text);
    store_dataset_free(&d);
    CHECK(!d.parts[DATASET_TABLE].document);
    return text;
}

static void parts_replace_each_other(void) {
    struct place p;
    place_new(&p);
    struct store *s = place_open(&p);
    put_next(s, "d", DATASET_TABLE, "a", 1);
    CHECK_TEXT(parts_of(s, "d", 0), "d:1 table=a features=- targets=-");
    put_next(s, "d", DATASET_FEATURES, "b", 2);
    CHECK_TEXT(parts_of(s, "d", 0), "d:2 table=- features=b targets=-");
    put_next(s, "d", DATASET_TARGETS, "c", 3);
    CHECK_TEXT(parts_of(s, "d", 0), "d:3 table=- features=b targets=c");
    put_next(s, "d", DATASET_FEATURES, "dd", 4);
    CHECK_TEXT(parts_of(s, "d", 0), "d:4 table=- features=dd targets=c");
    put_next(s, "d", DATASET_TARGETS, "e", 5);
    CHECK_TEXT(parts_of(s, "d", 0), "d:5 table=- features=dd targets=e");
    put_next(s, "d", DATASET_TABLE, "f", 6);
    CHECK_TEXT(parts_of(s, "d", 0), "d:6 table=f features=- targets=-");
    put_next(s, "d", DATASET_TARGETS, "g", 7); /* of the latest, not of any before it */
    CHECK_TEXT(parts_of(s, "d", 0), "d:7 table=- features=- targets=g");
    put_next(s, "d", DATASET_TARGETS, "g", 8); /* the same bytes again are new, too */
    /* What was, stays. */
    CHECK_TEXT(parts_of(s, "d", 1), "d:1 table=a features=- targets=-");
    CHECK_TEXT(parts_of(s, "d", 3), "d:3 table=- features=b targets=c");
    CHECK_TEXT(parts_of(s, "d", 4), "d:4 table=- features=dd targets=c");
    store_close(s);
    place_free(&p);
}

static void goes_on_from_what_was_seen(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    int64_t blob = 0, revision = 0;
    bool created = false;
    char sha256[STORE_SHA256_TEXT];
    put_next(s, "d", DATASET_FEATURES, "a", 1);
    put_next(s, "d", DATASET_TARGETS, "b", 2);
    OK(store_blob_put(s, "c", 1, 1, &blob, sha256, &e));
    struct store_part_new new = {.name = "d",
                                 .part = DATASET_FEATURES,
                                 .blob = blob,
                                 .bytes = 1,
                                 .sha256 = sha256,
                                 .document = "{\"is\": \"c\"}",
                                 .now_ms = 1000,
                                 .alone = true,
                                 .expects = true,
                                 .expected = 1};
    FAILS(store_dataset_put(s, &new, &revision, &created, &e), ERR_CONFLICT);
    new.expected = 0;
    FAILS(store_dataset_put(s, &new, &revision, &created, &e), ERR_CONFLICT);
    CHECK_TEXT(parts_of(s, "d", 0), "d:2 table=- features=a targets=b");
    new.expected = 2;
    CHECK(OK(store_dataset_put(s, &new, &revision, &created, &e)) && revision == 3);
    CHECK_TEXT(parts_of(s, "d", 0), "d:3 table=- features=c targets=-");
    store_close(s);
    place_free(&p);
}

static void refuses(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    struct store_dataset d;
    FAILS(store_dataset_get(s, "d", 0, &d, &e), ERR_NOT_FOUND);
    const struct store_part_new no_blob = {
        .name = "d", .blob = 99, .sha256 = "", .document = "{}"};
    int64_t revision;
    bool created;
    FAILS(store_dataset_put(s, &no_blob, &revision, &created, &e), ERR_NOT_FOUND);
    FAILS(store_dataset_get(s, "d", 0, &d, &e), ERR_NOT_FOUND);
    FAILS(store_dataset_delete(s, "d", &e), ERR_NOT_FOUND);
    put_next(s, "d", DATASET_TABLE, "a", 1); /* a refusal used no number up */
    FAILS(store_dataset_get(s, "d", 2, &d, &e), ERR_NOT_FOUND);
    FAILS(store_dataset_get(s, "d", -1, &d, &e), ERR_NOT_FOUND);
    FAILS(store_dataset_get(s, "D", 0, &d, &e), ERR_NOT_FOUND);
    store_close(s);
    place_free(&p);
}

static void numbers_are_never_used_twice(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    put_next(s, "d", DATASET_FEATURES, "a", 1);
    put_next(s, "d", DATASET_FEATURES, "b", 2);
    put_next(s, "other", DATASET_TABLE, "a", 1);
    OK(store_dataset_delete(s, "d", &e));
    FAILS(store_dataset_delete(s, "d", &e), ERR_NOT_FOUND);
    struct store_dataset d;
    for (int64_t i = 0; i <= 2; i++)
        FAILS(store_dataset_get(s, "d", i, &d, &e), ERR_NOT_FOUND);
    store_close(s);
    s = place_open(&p);
    int64_t revision = 0;
    bool created = false;
    put(s, "d", DATASET_TARGETS, "c", &revision, &created);
    CHECK(revision == 3 && created); /* the name is new again, its number is not */
    CHECK_TEXT(parts_of(s, "d", 0), "d:3 table=- features=- targets=c");
    CHECK_TEXT(parts_of(s, "other", 0), "other:1 table=a features=- targets=-");
    store_close(s);
    place_free(&p);
}

/* "a:1 b:3 +" with the plus when there are more. */
static const char *page(struct store *s, const char *after, size_t limit) {
    static char text[400];
    struct err e = {0};
    struct store_dataset *datasets = NULL;
    size_t n = 0, at = 0;
    bool more = false;
    text[0] = '\0';
    if (!OK(store_datasets_list(s, after, limit, &datasets, &n, &more, &e)))
        return text;
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s:%d", i ? " " : "",
                               datasets[i].name, (int)datasets[i].revision);
        store_dataset_free(&datasets[i]);
    }
    free(datasets);
    return strcat(text, more ? " +" : "");
}

static void list_pages(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    CHECK_TEXT(page(s, NULL, 9), "");
    put_next(s, "c", DATASET_TABLE, "1", 1);
    put_next(s, "b", DATASET_FEATURES, "2", 1);
    put_next(s, "b", DATASET_TARGETS, "3", 2);
    put_next(s, "a", DATASET_TABLE, "4", 1);
    put_next(s, "b", DATASET_FEATURES, "5", 3);
    CHECK_TEXT(page(s, NULL, 9), "a:1 b:3 c:1");
    CHECK_TEXT(page(s, NULL, 3), "a:1 b:3 c:1");
    /* Two rows of one dataset are one of the page. */
    CHECK_TEXT(page(s, NULL, 2), "a:1 b:3 +");
    CHECK_TEXT(page(s, NULL, 1), "a:1 +");
    CHECK_TEXT(page(s, "a", 1), "b:3 +");
    CHECK_TEXT(page(s, "aa", 9), "b:3 c:1");
    CHECK_TEXT(page(s, "b", 1), "c:1");
    CHECK_TEXT(page(s, "c", 1), "");
    CHECK_TEXT(page(s, NULL, 0), " +");
    struct store_dataset *datasets;
    size_t n;
    bool more;
    char text[200];
    OK(store_datasets_list(s, "a", 1, &datasets, &n, &more, &e));
    parts_write(s, datasets, text, sizeof text);
    CHECK_TEXT(text, "b:3 table=- features=5 targets=3");
    store_dataset_free(datasets);
    free(datasets);
    OK(store_dataset_delete(s, "b", &e));
    CHECK_TEXT(page(s, NULL, 9), "a:1 c:1");
    store_close(s);
    place_free(&p);
}

/* ---- bytes --------------------------------------------------------------------------
 */

static int64_t blob_of(struct store *s, const char *text) {
    struct err e = {0};
    int64_t blob = 0;
    char sha256[STORE_SHA256_TEXT];
    OK(store_blob_put(s, text, strlen(text), 1, &blob, sha256, &e));
    return blob;
}

static int64_t swept(struct store *s) {
    struct err e = {0};
    int64_t deleted = -1;
    OK(store_blob_sweep(s, 2 * HOUR_MS, &deleted, &e));
    return deleted;
}

static void sweep_knows_all_parts(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    put_next(s, "d", DATASET_TABLE, "a", 1);
    put_next(s, "d", DATASET_FEATURES, "b", 2);
    put_next(s, "d", DATASET_TARGETS, "c", 3);
    put_next(s, "e", DATASET_TABLE, "a", 1);
    CHECK(swept(s) == 0); /* old revisions are still there */
    OK(store_dataset_delete(s, "d", &e));
    CHECK(swept(s) == 2); /* "a" is the other one's as well */
    CHECK_TEXT(parts_of(s, "e", 0), "e:1 table=a features=- targets=-");
    store_close(s);
    place_free(&p);
}

static void jobs_keep_the_bytes_of_a_deleted_dataset(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    put_next(s, "d", DATASET_FEATURES, "x", 1);
    put_next(s, "d", DATASET_TARGETS, "y", 2);
    put_next(s, "v", DATASET_FEATURES, "z", 1);
    put_next(s, "v", DATASET_TARGETS, "w", 2);
    struct store_job_new new = {
        .id = "a",
        .model = "m",
        .hyperparameters = "{}",
        .data_blob = blob_of(s, "x"),
        .targets_blob = blob_of(s, "y"),
        .validation_blob = blob_of(s, "z"),
        .validation_targets_blob = blob_of(s, "w"),
    };
    OK(insert_new(s, &new, &e));
    OK(store_dataset_delete(s, "d", &e));
    OK(store_dataset_delete(s, "v", &e));
    CHECK(swept(s) == 0);
    struct store_job job = job_of(s, "a");
    CHECK(job.data_blob == new.data_blob &&job.targets_blob == new.targets_blob);
    CHECK(job.validation_blob == new.validation_blob);
    CHECK(job.validation_targets_blob == new.validation_targets_blob);
    const int64_t blobs[] = {job.data_blob, job.targets_blob, job.validation_blob,
                             job.validation_targets_blob};
    store_job_free(&job);
    for (size_t i = 0; i < 4; i++) {
        void *bytes = NULL;
        size_t n = 0;
        OK(store_blob_get(s, blobs[i], &bytes, &n, &e));
        CHECK(n == 1 && *(char *)bytes == "xyzw"[i]);
        free(bytes);
    }
    /* Each of them must be there. */
    new.id = "b";
    new.targets_blob = 99;
    FAILS(insert_new(s, &new, &e), ERR_NOT_FOUND);
    new.targets_blob = 0;
    new.validation_blob = 99;
    FAILS(insert_new(s, &new, &e), ERR_NOT_FOUND);
    new.validation_blob = 0;
    new.validation_targets_blob = 99;
    FAILS(insert_new(s, &new, &e), ERR_NOT_FOUND);
    new.validation_targets_blob = 0;
    OK(insert_new(s, &new, &e));
    job = job_of(s, "b");
    CHECK(!job.targets_blob && !job.validation_blob && !job.validation_targets_blob);
    store_job_free(&job);
    store_close(s);
    place_free(&p);
}

int main(void) {
    STORE_RUN(parts_replace_each_other);
    STORE_RUN(goes_on_from_what_was_seen);
    STORE_RUN(refuses);
    STORE_RUN(numbers_are_never_used_twice);
    STORE_RUN(list_pages);
    STORE_RUN(sweep_knows_all_parts);
    STORE_RUN(jobs_keep_the_bytes_of_a_deleted_dataset);
    return check_done();
}
