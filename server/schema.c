#include "server/schema.h"

#include <stddef.h>
#include <stdint.h>

#include "server/db.h"

/* BYTEA is PostgreSQL's word; SQLite takes any name for a type and keeps bytes as they
 * are. Truth values are 0 and 1. Numbers of rows come from `counters`, which both know
 * how to count, and never fall when a row is deleted. */
static const char VERSION_1[] =
    "CREATE TABLE counters ("
    " kind TEXT NOT NULL,"
    " name TEXT NOT NULL,"
    " value BIGINT NOT NULL,"
    " PRIMARY KEY (kind, name));"

    /* sha256 is null until the last chunk is there, and again once the blob is being
       swept */
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

    /* number: the place in the queue and the key of the curve */
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

/* Datasets and aliases, and what jobs and curves tell about them. A reference that is not
 * there is null. */
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

/* A validation dataset of two files. */
static const char VERSION_3[] =
    "ALTER TABLE jobs ADD COLUMN validation_targets_blob BIGINT REFERENCES blobs (id);"
    "CREATE INDEX jobs_by_validation_targets ON jobs (validation_targets_blob);";

/* Control, checkpoints, and the history of each job. A paused job is 'queued' with
 * hold = 1, one that runs with hold = 1 was asked to pause. */
static const char VERSION_4[] =
    "ALTER TABLE jobs ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE jobs ADD COLUMN hold BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE jobs ADD COLUMN memory_bytes BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE jobs ADD COLUMN checkpoint BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE jobs ADD COLUMN events BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE jobs ADD COLUMN idempotency_key TEXT;"
    "ALTER TABLE jobs ADD COLUMN body_sha256 TEXT;"
    "CREATE UNIQUE INDEX jobs_by_key ON jobs (idempotency_key);"
    /* The first of a status is the next to be claimed. */
    "CREATE INDEX jobs_by_turn ON jobs (status, hold, priority DESC, number);"

    /* shared: the blob was found by its SHA-256 after it had been sealed, so that
       somebody may be about to refer to it. Of older ones nobody knows. */
    "ALTER TABLE blobs ADD COLUMN shared BIGINT NOT NULL DEFAULT 1;"

    /* A job's points and its other events share one sequence. A done event has no
       document: the row of its job, which stays as it is, says it all. */
    "CREATE TABLE events ("
    " job BIGINT NOT NULL REFERENCES jobs (number),"
    " seq BIGINT NOT NULL,"
    " at_ms BIGINT NOT NULL,"
    " kind TEXT NOT NULL CHECK (kind IN ('status', 'checkpoint', 'warning', 'done')),"
    " document TEXT,"
    " PRIMARY KEY (job, seq));"

    "ALTER TABLE points RENAME TO points_before;"
    "CREATE TABLE points ("
    " job BIGINT NOT NULL REFERENCES jobs (number),"
    " epoch BIGINT NOT NULL,"
    " cost DOUBLE PRECISION NOT NULL,"
    " validation_cost DOUBLE PRECISION,"
    " seq BIGINT NOT NULL,"
    " PRIMARY KEY (job, epoch));"
    "INSERT INTO points (job, epoch, cost, validation_cost, seq)"
    " SELECT job, epoch, cost, validation_cost,"
    "  row_number() OVER (PARTITION BY job ORDER BY epoch) FROM points_before;"
    "DROP TABLE points_before;"
    "CREATE UNIQUE INDEX points_by_seq ON points (job, seq);"
    "UPDATE jobs SET events ="
    " (SELECT count(*) FROM points WHERE points.job = jobs.number)"
    " + CASE WHEN status IN ('queued', 'running') THEN 0 ELSE 1 END;"
    "INSERT INTO events (job, seq, at_ms, kind)"
    " SELECT number, events, finished_ms, 'done' FROM jobs"
    " WHERE status NOT IN ('queued', 'running');"

    "CREATE TABLE checkpoints ("
    " job BIGINT NOT NULL REFERENCES jobs (number),"
    " number BIGINT NOT NULL,"
    " epoch BIGINT NOT NULL,"
    " epochs_done DOUBLE PRECISION NOT NULL,"
    " cost DOUBLE PRECISION,"
    " validation_cost DOUBLE PRECISION,"
    " training_seconds DOUBLE PRECISION NOT NULL,"
    " blob BIGINT NOT NULL REFERENCES blobs (id),"
    " bytes BIGINT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " best BIGINT NOT NULL,"
    " resumable BIGINT NOT NULL,"
    " PRIMARY KEY (job, number));"
    "CREATE INDEX checkpoints_by_blob ON checkpoints (blob);";

/* Which worker takes which job: what it asks for, and who there is. */
static const char VERSION_5[] =
    "ALTER TABLE jobs ADD COLUMN threads BIGINT NOT NULL DEFAULT 0;"
    "CREATE TABLE workers ("
    " owner TEXT PRIMARY KEY,"
    " threads BIGINT NOT NULL,"
    " memory_max BIGINT NOT NULL,"
    " seen_ms BIGINT NOT NULL);";

/* `lives_with`: the oldest program that goes on working on what the step has made, as the
 * number of the schema that it made itself. One that only adds (columns with a default,
 * tables, indexes) is lived with by the program before it, which so serves on while the
 * newer one takes over. */
static const struct migration {
    const char *sql;
    int64_t lives_with;
} MIGRATIONS[] = {
    {VERSION_1, 1},   {VERSION_2, 2}, {VERSION_3, 3}, {VERSION_4, 4}, {VERSION_5, 4},
#ifdef SCHEMA_NEXT /* of a test: the release after this one */
    {SCHEMA_NEXT, 0},
#endif
};
enum { MIGRATIONS_N = sizeof MIGRATIONS / sizeof *MIGRATIONS };

/* A number of the schema's own; 0: it is not there. */
static bool meta_read(struct db *db, const char *name, int64_t *value, struct err *e) {
    struct db_statement *s = db_prepare(db, "SELECT value FROM meta WHERE name = $1", e);
    if (!s)
        return false;
    db_bind_text(s, 1, name);
    enum db_step step = db_step(s, e);
    *value = step == DB_ROW ? db_int(s, 0) : 0;
    db_end(s);
    return step != DB_FAILED;
}

static bool meta_write(struct db *db, const char *name, int64_t value, struct err *e) {
    struct db_statement *s =
        db_prepare(db,
                   "INSERT INTO meta (name, value) VALUES ($1, $2)"
                   " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                   e);
    if (!s)
        return false;
    db_bind_text(s, 1, name);
    db_bind_int(s, 2, value);
    return db_run(s, NULL, e);
}

/* A newer program has been here, and left word whether this one can live with it. Those
 * before version 5 left none. */
static bool newer_check(struct db *db, int64_t version, struct err *e) {
    int64_t lives_with;
    if (!meta_read(db, "lives_with", &lives_with, e))
        return false;
    return (lives_with && lives_with <= MIGRATIONS_N) ||
           err_set(
               e, ERR_CONFLICT, NULL,
               "store: schema version %lld is newer than this program's %d, and needs "
               "a newer program",
               (long long)version, MIGRATIONS_N);
}

bool schema_check(struct db *db, struct err *e) {
    int64_t version;
    return meta_read(db, "schema_version", &version, e) &&
           (version <= MIGRATIONS_N || newer_check(db, version, e));
}

static bool steps_run(struct db *db, int64_t version, struct err *e) {
    int64_t lives_with;
    if (!meta_read(db, "lives_with", &lives_with, e))
        return false;
    for (; version < MIGRATIONS_N; version++) {
        if (!db_exec(db, MIGRATIONS[version].sql, e))
            return false;
        if (MIGRATIONS[version].lives_with > lives_with)
            lives_with = MIGRATIONS[version].lives_with;
    }
    return meta_write(db, "lives_with", lives_with, e) &&
           meta_write(db, "schema_version", version, e);
}

static bool migrate_locked(struct db *db, struct err *e) {
    int64_t version;
    if (!db_exec(db,
                 "CREATE TABLE IF NOT EXISTS meta"
                 " (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
                 e) ||
        !meta_read(db, "schema_version", &version, e))
        return false;
    if (version > MIGRATIONS_N)
        return newer_check(db, version, e);
    return version == MIGRATIONS_N || steps_run(db, version, e);
}

bool schema_migrate(struct db *db, struct err *e) {
    if (!db_begin_alone(db, e))
        return false;
    if (migrate_locked(db, e))
        return db_commit(db, e);
    db_rollback(db);
    return false;
}
