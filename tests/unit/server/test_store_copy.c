/* A store copied from either kind into either kind: all of it, verified, or nothing. */
#include "server/store_copy.h"

#include <math.h>

#include "tests/unit/server/test_store.h"

/* Something in every table. */
static void fill(const struct place *p) {
    enum { LARGE = 5 * STORE_CHUNK_BYTES / 2, POINTS_N = 3000 };
    struct err e = {0};
    struct store *s = place_open(p);
    int64_t blob;
    char sha256[STORE_SHA256_TEXT];
    unsigned char *bytes = some_bytes(LARGE, 3);
    OK(store_blob_put(s, bytes, LARGE, 1, &blob, sha256, &e));
    free(bytes);
    OK(store_blob_put(s, NULL, 0, 1, &blob, sha256, &e));
    struct store_blob_writer *w = store_blob_begin(s, 7, &e); /* unsealed */
    OK(w && store_blob_add(s, w, "abc", 3, 7, &e));

    for (int i = 0; i < 3; i++) {
        char id[STORE_ID_MAX], key[16];
        snprintf(id, sizeof id, "job%d", i);
        snprintf(key, sizeof key, "key%d", i);
        const struct store_job_new job = {.id = id,
                                          .model = "m\xc3\xa4",
                                          .hyperparameters = "{\"a\": [1, 2]}",
                                          .metadata = i ? NULL : "{}",
                                          .warnings = "[\"w\"]",
                                          .data_blob = some_blob(s),
                                          .targets_blob = i == 1 ? blob : 0,
                                          .created_ms = INT64_C(1) << 40,
                                          .priority = -i,
                                          .memory_bytes = INT64_C(1) << 50,
                                          .idempotency_key = i ? key : NULL,
                                          .body_sha256 = sha256};
        OK(insert_new(s, &job, &e));
    }
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    static struct store_point points[POINTS_N];
    for (int i = 0; i < POINTS_N; i++)
        points[i] =
            (struct store_point){i, i ? 1.0 / i : -0.0, i % 7 ? 5e-324 * i : (double)NAN};
    struct store_progress progress = {LEASE_MS, 0.1, 1e300, points, POINTS_N};
    struct store_checkpoint c = {.epoch = 4,
                                 .blob = blob,
                                 .best = true,
                                 .resumable = true,
                                 .cost = (double)NAN,
                                 .validation_cost = 0.25};
    OK(store_claim_checkpoint(s, &claim, &progress, &c, 1, &e));
    claim = claim_by(s, "w", LEASE_MS);
    const struct store_outcome outcome = {.status = JOB_SUCCEEDED,
                                          .error_epoch = -1,
                                          .model_blob = blob,
                                          .model_document = "{}",
                                          .metrics = "{}"};
    int64_t number, revision;
    bool created;
    OK(store_claim_finish(s, &claim, &outcome, &number, &e));
    add_version(s, "B");
    add_version(s, "a");
    struct store_alias alias;
    OK(store_alias_set(s, "a", "live", 1, 0, 5, &alias, &e));
    for (int part = 0; part < DATASET_PARTS_N; part++) {
        const struct store_part_new new = {.name = "d",
                                           .part = (enum dataset_part)part,
                                           .blob = blob,
                                           .sha256 = sha256,
                                           .document = "{}"};
        OK(store_dataset_put(s, &new, &revision, &created, &e));
    }
    free(w);
    store_close(s);
    if (!p->schema[0]) /* as an error's text once was cut */
        raw(p->path, "UPDATE jobs SET error_text = CAST(x'6375742066c3' AS TEXT)"
                     " WHERE id = 'job1'");
}

struct told {
    struct store_copied tables[32];
    size_t n;
};

static void tell(void *context, const struct store_copied *copied) {
    struct told *told = context;
    told->tables[told->n++] = *copied;
}

static bool copied(const struct place *from, const struct place *into, struct told *told,
                   struct err *e) {
    struct store *source = place_open(from), *target = place_open(into);
    *told = (struct told){0};
    bool ok = store_copy(source, target, tell, told, e);
    store_close(target);
    store_close(source);
    return ok;
}

static void place_on(struct place *p, bool server) {
    place_on_server = server;
    place_new(p);
}

/* Round in a ring: file, server, server, file. What comes back is what there was. */
static void there_and_back(void) {
    struct place ring[4];
    struct told first, told;
    struct err e = {0};
    for (int i = 0; i < 4; i++)
        place_on(&ring[i], i == 1 || i == 2);
    fill(&ring[0]);
    OK(copied(&ring[0], &ring[1], &first, &e));
    for (int i = 1; i < 3; i++) {
        OK(copied(&ring[i], &ring[i + 1], &told, &e));
        CHECK(told.n == first.n);
        for (size_t t = 0; t < told.n; t++) {
            CHECK_TEXT(told.tables[t].sha256, first.tables[t].sha256);
            CHECK_SAY(told.tables[t].rows > 0, "%s", told.tables[t].table);
        }
    }
    raw(ring[0].path, "UPDATE jobs SET error_text = 'cut f?' WHERE id = 'job1'");
    for (size_t t = 0; t < first.n; t++) {
        char sql[400];
        const char *name = first.tables[t].table;
        snprintf(sql, sizeof sql,
                 "ATTACH '%s' AS o; CREATE TEMP TABLE check_it AS SELECT 1 / (NOT EXISTS"
                 " (SELECT * FROM %s EXCEPT SELECT * FROM o.%s)) AS x;"
                 " CREATE TEMP TABLE fails (x NOT NULL);"
                 " INSERT INTO fails SELECT x FROM check_it",
                 ring[0].path, name, name);
        raw(ring[3].path, sql);
    }
    /* And it is in use: numbers go on where they were. */
    struct store *s = place_open(&ring[2]);
    CHECK(add_version(s, "a") == 2);
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    CHECK_TEXT(claim.job_id, "job2");
    store_close(s);
    for (int i = 0; i < 4; i++)
        place_free(&ring[i]);
}

static int64_t rows_of(const struct place *p, const char *table) {
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    return raw_int(p, sql);
}

static void an_empty_one_is_wanted(void) {
    struct place from, into;
    struct told told;
    struct err e = {0};
    place_on(&from, false);
    place_on(&into, true);
    fill(&from);
    struct store *s = place_open(&into);
    some_blob(s);
    store_close(s);
    FAILS(copied(&from, &into, &told, &e), ERR_CONFLICT);
    CHECK(rows_of(&into, "jobs") == 0 && rows_of(&into, "blobs") == 1);
    struct store *source = place_open(&from), *same = place_open(&from);
    FAILS(store_copy(source, same, tell, &told, &e), ERR_CONFLICT);
    store_close(same);
    store_close(source);
    place_free(&into);
    place_free(&from);
}

/* Something changes what is written: it is noticed, and nothing stays. */
static void a_difference_is_noticed(void) {
    struct place from, into;
    struct told told;
    struct err e = {0};
    place_on(&from, true);
    place_on(&into, false);
    fill(&from);
    store_close(place_open(&into));
    raw(into.path,
        "CREATE TRIGGER meddle AFTER INSERT ON versions BEGIN UPDATE versions SET"
        " document = '[]' WHERE model = 'B'; END");
    CHECK(!copied(&from, &into, &told, &e));
    CHECK_SAY(e.kind == ERR_STORAGE && strstr(e.text, "versions"), "%s", e.text);
    for (size_t i = 0, n; store_copy_table(i, &n); i++)
        CHECK(rows_of(&into, store_copy_table(i, &n)) == 0);
    place_free(&into);
    place_free(&from);
}

/* A new table or column is not forgotten. */
static void all_tables_and_columns(void) {
    struct place p;
    place_on(&p, false);
    store_close(place_open(&p));
    size_t n, tables_n = 0;
    for (const char *name; (name = store_copy_table(tables_n, &n)); tables_n++) {
        char sql[120];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM pragma_table_info('%s')", name);
        CHECK_SAY(raw_int(&p, sql) == (int64_t)n, "%s", name);
    }
    CHECK(raw_int(&p, "SELECT count(*) - 2 FROM sqlite_schema WHERE type = 'table'") ==
          (int64_t)tables_n); /* meta is the schema's own, workers those that live */
    place_free(&p);
}

int main(void) {
    CHECK_RUN(there_and_back);
    CHECK_RUN(an_empty_one_is_wanted);
    CHECK_RUN(a_difference_is_noticed);
    CHECK_RUN(all_tables_and_columns);
    return check_done();
}
