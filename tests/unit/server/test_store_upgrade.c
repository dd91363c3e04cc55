/* A store as each earlier version left it, and what the newest one makes of it. */
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

static const char VERSION_2[] =
    "ALTER TABLE jobs ADD COLUMN targets_blob BIGINT REFERENCES blobs (id);"
    "ALTER TABLE jobs ADD COLUMN validation_blob BIGINT REFERENCES blobs (id);"
    "ALTER TABLE jobs ADD COLUMN warnings TEXT;"
    "ALTER TABLE jobs ADD COLUMN metrics TEXT;"
    "CREATE INDEX jobs_by_targets ON jobs (targets_blob);"
    "CREATE INDEX jobs_by_validation ON jobs (validation_blob);"

    "ALTER TABLE points ADD COLUMN validation_cost DOUBLE PRECISION;"

    "CREATE TABLE aliases ("
    " model TEXT NOT NULL,"
    " alias TEXT NOT NULL,"
    " version BIGINT NOT NULL,"
    " change BIGINT NOT NULL,"
    " changed_ms BIGINT NOT NULL,"
    " PRIMARY KEY (model, alias),"
    " FOREIGN KEY (model, version) REFERENCES versions (model, version));"
    "CREATE INDEX aliases_by_version ON aliases (model, version);"

    "CREATE TABLE datasets ("
    " name TEXT NOT NULL,"
    " revision BIGINT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " PRIMARY KEY (name, revision));"

    "CREATE TABLE dataset_parts ("
    " name TEXT NOT NULL,"
    " revision BIGINT NOT NULL,"
    " part TEXT NOT NULL CHECK (part IN ('table', 'features', 'targets')),"
    " blob BIGINT NOT NULL REFERENCES blobs (id),"
    " bytes BIGINT NOT NULL,"
    " sha256 TEXT NOT NULL,"
    " document TEXT NOT NULL,"
    " PRIMARY KEY (name, revision, part),"
    " FOREIGN KEY (name, revision) REFERENCES datasets (name, revision));"
    "CREATE INDEX dataset_parts_by_blob ON dataset_parts (blob);";

#define ROWS_HEAD                                                                        \
    "INSERT INTO counters VALUES ('blob', '', 1), ('job', '', 2), ('model', 'm', 4);"    \
    "INSERT INTO blobs VALUES (1, 4,"                                                    \
    " 'bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e', 5);"           \
    "INSERT INTO blob_chunks VALUES (1, 0, CAST('rows' AS BLOB));"                       \
    "INSERT INTO jobs (id, number, model, status, hyperparameters, metadata, data_blob," \
    " created_ms, epochs, cost, cost_epoch, model_version)"                              \
    " VALUES ('done', 1, 'm', 'succeeded', '{\"a\": 1}', '[]', 1, 7, 9, 0.5, 8, 4),"     \
    " ('waits', 2, 'm', 'queued', '{}', NULL, 1, 8, 9, NULL, 0, 0);"
#define ROWS_TAIL "INSERT INTO versions VALUES ('m', 4, 1, 'done', '{}', 9);"
static const char ROWS[] =
    ROWS_HEAD "INSERT INTO points VALUES (1, 0, 0.75), (1, 8, 0.5);" ROWS_TAIL;

static const char VERSION_3[] =
    "ALTER TABLE jobs ADD COLUMN validation_targets_blob BIGINT REFERENCES blobs (id);"
    "CREATE INDEX jobs_by_validation_targets ON jobs (validation_targets_blob);";

/* The same where points have their fourth column. */
static const char ROWS_OF_1_LATER[] = ROWS_HEAD
    "INSERT INTO points (job, epoch, cost) VALUES (1, 8, 0.5), (1, 0, 0.75);" ROWS_TAIL;

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
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
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
    CHECK(raw_int(&p, "SELECT value FROM meta WHERE name = 'schema_version'") == 5);
    CHECK(raw_int(&p, "SELECT max(threads) FROM jobs") == 0);
    s = place_open(&p); /* and there is nothing left to do */
    old_rows_are_there(s);
    store_close(s);
    place_free(&p);
}

/* ---- from the version before the newest ----------------------------------------- */

static const char ROWS_3[] =
    "UPDATE meta SET value = 3;"
    "UPDATE jobs SET finished_ms = 70, stop_reason = 'completed' WHERE id = 'done';"
    "INSERT INTO jobs (id, number, model, status, hyperparameters, data_blob, created_ms,"
    " epochs, finished_ms, stop_reason, error_code, error_text, error_epoch, fence, "
    "owner)"
    " VALUES ('failed', 3, 'm', 'failed', '{}', 1, 8, 9, 90, 'diverged', 'diverged',"
    " 'it is \"infinite\"', 2, 0, ''),"
    " ('runs', 4, 'm', 'running', '{}', 1, 8, 9, 0, '', '', '', -1, 6, 'gone');"
    "UPDATE counters SET value = 4 WHERE kind = 'job';"
    "INSERT INTO points VALUES (4, 7, 0.25, 0.5), (4, 3, 0.5, NULL);";

/* "3 cost 7" and so on; the whole history of a job that is older than its events. */
static void history_is(struct store *s, const char *id, const int64_t *epochs, size_t n,
                       const char *done) {
    struct err e = {0};
    struct store_event *events = NULL;
    size_t got = 0;
    int64_t last = -1;
    bool ended = false;
    OK(store_events(s, id, 0, 100, &events, &got, &last, &ended, &e));
    CHECK(ended == (done != NULL) && last == (int64_t)got);
    if (CHECK_SAY(got == n + (done != NULL), "%s: %zu events", id, got)) {
        for (size_t i = 0; i < n; i++)
            CHECK(events[i].kind == EVENT_COST && events[i].seq == (int64_t)i + 1 &&
                  events[i].point.epoch == epochs[i]);
        if (done) {
            CHECK(events[n].kind == EVENT_DONE && events[n].at_ms);
            CHECK_TEXT(events[n].document, done);
        }
    }
    store_events_free(events, got);
}

static void histories_are_made_up(void) {
    struct place p;
    struct err e = {0};
    place_new(&p);
    raw(p.path, VERSION_1);
    raw(p.path, VERSION_2);
    raw(p.path, VERSION_3);
    raw(p.path, ROWS_OF_1_LATER);
    raw(p.path, ROWS_3);
    struct store *s = place_open(&p);
    old_rows_are_there(s);
    history_is(s, "done", (const int64_t[]){0, 8}, 2,
               "{\"status\":\"succeeded\",\"stop_reason\":\"completed\","
               "\"model_version\":4,\"error\":null}");
    history_is(s, "failed", NULL, 0,
               "{\"status\":\"failed\",\"stop_reason\":\"diverged\","
               "\"model_version\":null,\"error\":{\"code\":\"diverged\","
               "\"message\":\"it is \\\"infinite\\\"\",\"epoch\":2}}");
    history_is(s, "waits", NULL, 0, NULL);
    history_is(s, "runs", (const int64_t[]){3, 7}, 2, NULL);

    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    CHECK_TEXT(claim.job_id, "waits");
    claim = claim_by(s, "w", LEASE_MS); /* the lease of the other ran out long ago */
    CHECK_TEXT(claim.job_id, "runs");
    const struct store_point points[] = {
        {3, 0.5, (double)NAN}, {7, 0.25, 0.5}, {8, 0.1, 0.1}};
    const struct store_progress progress = {LEASE_MS, 1, 1, points, 3};
    enum store_wish wish;
    OK(store_claim_progress(s, &claim, &progress, &wish, &e));
    struct store_event *events = NULL;
    size_t n = 0;
    int64_t last;
    bool ended;
    OK(store_events(s, "runs", 2, 9, &events, &n, &last, &ended, &e));
    if (CHECK(n == 2)) {
        CHECK(events[0].kind == EVENT_STATUS && events[0].seq == 3);
        CHECK(events[1].point.epoch == 8 && events[1].seq == 4);
    }
    store_events_free(events, n);
    OK(store_job_delete(s, "done", &e)); /* its blob is the version's, too */
    struct store_version v;
    OK(store_version_get(s, "m", 4, &v, &e));
    store_version_free(&v);
    store_close(s);
    place_free(&p);
}

/* The numbering is one pass over the points, however long a curve is. */
static void long_curves_are_numbered(void) {
    struct place p;
    place_new(&p);
    raw(p.path, VERSION_1);
    raw(p.path, VERSION_2);
    raw(p.path, VERSION_3);
    raw(p.path, ROWS_OF_1_LATER);
    raw(p.path, ROWS_3);
    raw(p.path, "DELETE FROM points;"
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                " WHERE i < 100000) INSERT INTO points (job, epoch, cost)"
                " SELECT 1 + i % 2 * 3, 200000 - i, 0.5 FROM n");
    store_close(place_open(&p));
    CHECK(raw_int(&p, "SELECT max(seq) FROM points") == 50000);
    CHECK(raw_int(&p, "SELECT count(*) FROM points a JOIN points b ON a.job = b.job"
                      " AND a.seq + 1 = b.seq WHERE a.epoch >= b.epoch") == 0);
    CHECK(raw_int(&p, "SELECT events FROM jobs WHERE number = 1") == 50001);
    CHECK(raw_int(&p, "SELECT events FROM jobs WHERE number = 4") == 50000);
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
    CHECK_RUN(histories_are_made_up);
    CHECK_RUN(long_curves_are_numbered);
    CHECK_RUN(upgrades_wholly_or_not);
    return check_done();
}
