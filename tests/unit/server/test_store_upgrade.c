/* A store as the first version left it, and what the newer one makes of it. */
#include <math.h>

#include "tests/unit/server/test_store.h"

/* Word for word what was released: never edited again. */
static const char VERSION_1[] =
    "PRAGMA application_id = 1685283684; PRAGMA user_version = 1;"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL);"
    "INSERT INTO meta VALUES ('schema_version', 1);"
    "CREATE TABLE counters ("
    " kind TEXT NOT NULL,"
    " name TEXT NOT NULL,"
    " value BIGINT NOT NULL,"
    " PRIMARY KEY (kind, name));"

    "CREATE TABLE blobs ("
    " id BIGINT PRIMARY KEY,"
    " bytes BIGINT NOT NULL,"
    " sha256 TEXT UNIQUE,"
    " touched_ms BIGINT NOT NULL);"

    "CREATE TABLE blob_chunks ("
    " blob BIGINT NOT NULL REFERENCES blobs (id),"
    " chunk BIGINT NOT NULL,"
    " bytes BYTEA NOT NULL,"
    " PRIMARY KEY (blob, chunk));"

    "CREATE TABLE jobs ("
    " id TEXT PRIMARY KEY,"
    " number BIGINT NOT NULL UNIQUE,"
    " model TEXT NOT NULL,"
    " status TEXT NOT NULL CHECK"
    "  (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),"
    " hyperparameters TEXT NOT NULL,"
    " metadata TEXT,"
    " data_blob BIGINT NOT NULL REFERENCES blobs (id),"
    " created_ms BIGINT NOT NULL,"
    " started_ms BIGINT NOT NULL DEFAULT 0,"
    " finished_ms BIGINT NOT NULL DEFAULT 0,"
    " epochs BIGINT NOT NULL,"
    " epochs_done DOUBLE PRECISION NOT NULL DEFAULT 0,"
    " cost DOUBLE PRECISION,"
    " cost_epoch BIGINT NOT NULL DEFAULT 0,"
    " training_seconds DOUBLE PRECISION NOT NULL DEFAULT 0,"
    " stop_reason TEXT NOT NULL DEFAULT '',"
    " error_code TEXT NOT NULL DEFAULT '',"
    " error_text TEXT NOT NULL DEFAULT '',"
    " error_epoch BIGINT NOT NULL DEFAULT -1,"
    " model_version BIGINT NOT NULL DEFAULT 0,"
    " cancel_requested BIGINT NOT NULL DEFAULT 0,"
    " attempts BIGINT NOT NULL DEFAULT 0,"
    " crashes BIGINT NOT NULL DEFAULT 0,"
    " owner TEXT NOT NULL DEFAULT '',"
    " fence BIGINT NOT NULL DEFAULT 0,"
    " lease_until_ms BIGINT NOT NULL DEFAULT 0);"
    "CREATE INDEX jobs_by_status ON jobs (status, number);"
    "CREATE INDEX jobs_by_model ON jobs (model, number);"
    "CREATE INDEX jobs_by_data ON jobs (data_blob);"

    "CREATE TABLE points ("
    " job BIGINT NOT NULL REFERENCES jobs (number),"
    " epoch BIGINT NOT NULL,"
    " cost DOUBLE PRECISION NOT NULL,"
    " PRIMARY KEY (job, epoch));"

    "CREATE TABLE versions ("
    " model TEXT NOT NULL,"
    " version BIGINT NOT NULL,"
    " blob BIGINT NOT NULL REFERENCES blobs (id),"
    " job_id TEXT NOT NULL DEFAULT '',"
    " document TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " PRIMARY KEY (model, version));"
    "CREATE INDEX versions_by_blob ON versions (blob);";

static const char ROWS[] =
    "INSERT INTO counters VALUES ('blob', '', 1), ('job', '', 2), ('model', 'm', 4);"
    "INSERT INTO blobs VALUES (1, 4,"
    " 'bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e', 5);"
    "INSERT INTO blob_chunks VALUES (1, 0, CAST('rows' AS BLOB));"
    "INSERT INTO jobs (id, number, model, status, hyperparameters, metadata, data_blob,"
    " created_ms, epochs, cost, cost_epoch, model_version)"
    " VALUES ('done', 1, 'm', 'succeeded', '{\"a\": 1}', '[]', 1, 7, 9, 0.5, 8, 4),"
    " ('waits', 2, 'm', 'queued', '{}', NULL, 1, 8, 9, NULL, 0, 0);"
    "INSERT INTO points VALUES (1, 0, 0.75), (1, 8, 0.5);"
    "INSERT INTO versions VALUES ('m', 4, 1, 'done', '{}', 9);";

static void old_rows_are_there(struct store *s) {
    struct err e = {0};
    struct store_job job = job_of(s, "done");
    CHECK(job.status == JOB_SUCCEEDED && job.data_blob == 1 && job.cost == 0.5);
    CHECK(!job.targets_blob && !job.validation_blob && !job.warnings && !job.metrics);
    CHECK(!job.validation_targets_blob);
    CHECK_TEXT(job.hyperparameters, "{\"a\": 1}");
    CHECK_TEXT(job.metadata, "[]");
    store_job_free(&job);
    struct store_point *points;
    size_t n = 0;
    OK(store_history(s, "done", 0, 9, &points, &n, &e));
    if (CHECK(n == 2)) {
        CHECK(points[0].cost == 0.75 && isnan(points[0].validation_cost));
        CHECK(points[1].epoch == 8 && isnan(points[1].validation_cost));
    }
    free(points);
    struct store_version v;
    OK(store_version_get(s, "m", 4, &v, &e));
    CHECK(v.version == 4 && v.bytes == 4);
    store_version_free(&v);
    void *bytes = NULL;
    OK(store_blob_get(s, 1, &bytes, &n, &e));
    CHECK(n == 4 && memcmp(bytes, "rows", 4) == 0);
    free(bytes);
}

static void new_things_work_on_it(struct store *s) {
    struct err e = {0};
    struct store_claim claim = claim_by(s, "w", 10, 100);
    CHECK_TEXT(claim.job_id, "waits");
    const struct store_point point = {1, 0.5, 0.625};
    const struct store_outcome outcome = {
        .status = JOB_SUCCEEDED,
        .error_epoch = -1,
        .model_blob = 1,
        .model_document = "{}",
        .warnings = "[\"w\"]",
        .progress = {.points = &point, .points_n = 1},
    };
    int64_t version = 0, revision = 0;
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    CHECK(version == 5);
    struct store_alias alias;
    OK(store_alias_set(s, "m", "production", 4, 0, 11, &alias, &e));
    const struct store_part_new part = {
        .name = "d", .blob = 1, .bytes = 4, .sha256 = "", .document = "{}"};
    bool created = false;
    OK(store_dataset_put(s, &part, &revision, &created, &e));
    CHECK(revision == 1 && created);
}

static void upgrades_in_place(void) {
    struct place p;
    place_new(&p);
    raw(p.path, VERSION_1);
    raw(p.path, ROWS);
    struct store *s = place_open(&p);
    old_rows_are_there(s);
    new_things_work_on_it(s);
    store_close(s);
    CHECK(raw_int(&p, "SELECT value FROM meta WHERE name = 'schema_version'") == 3);
    s = place_open(&p); /* and there is nothing left to do */
    old_rows_are_there(s);
    store_close(s);
    place_free(&p);
}

/* A step that breaks off leaves the store as it was. */
static void upgrades_wholly_or_not(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    raw(p.path, VERSION_1);
    raw(p.path, ROWS);
    raw(p.path, "CREATE TABLE dataset_parts (in_the_way BIGINT)");
    FAILS(store_open(p.path, &e), ERR_STORAGE);
    CHECK(raw_int(&p, "SELECT value FROM meta WHERE name = 'schema_version'") == 1);
    CHECK(raw_int(&p, "SELECT count(*) FROM pragma_table_info('points')") == 3);
    raw(p.path, "DROP TABLE dataset_parts");
    struct store *s = place_open(&p);
    old_rows_are_there(s);
    store_close(s);
    place_free(&p);
}

int main(void) {
    CHECK_RUN(upgrades_in_place);
    CHECK_RUN(upgrades_wholly_or_not);
    return check_done();
}
